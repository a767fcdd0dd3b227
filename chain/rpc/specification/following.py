"""What one follower of the chain is told, as a pure core: what happened goes in, events come out.

The order that clients rely on: a block is new before it is best and before it is final; what is best is never
behind what is final; of each height one block becomes final, without gaps; a block that can no longer become
final is said to be pruned once. Every block that was told stays pinned until the client unpins it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from runtime.primitives.header import Header

MAX_PINNED = 512
"""Blocks that one follower may hold: polkadot-sdk's bound. Each costs its header, about half a kilobyte."""

MAX_PINNED_DEPTH = 256
"""Blocks that a pinned one may lie below the final one: as many as a node keeps states of by default."""

INITIAL_FINALIZED = 16
"""Final blocks told at the start, so that a client that comes back finds where it left."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block and its place in the tree."""

    hash: bytes
    header: Header


@dataclass(frozen=True, slots=True)
class Began:
    """Where the chain stood: final blocks oldest first, all that builds on the last, parents first."""

    finalized: tuple[Block, ...]
    descendants: tuple[Block, ...]
    best: bytes


@dataclass(frozen=True, slots=True)
class Imported:
    """A block is stored."""

    block: Block


@dataclass(frozen=True, slots=True)
class BestChosen:
    """A block became the head."""

    hash: bytes


@dataclass(frozen=True, slots=True)
class Finalised:
    """Blocks became final, oldest first."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Initialized:
    """The first event: the last final blocks, oldest first."""

    finalized: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block that was not told before; its parent was."""

    hash: bytes
    parent: bytes


@dataclass(frozen=True, slots=True)
class BestBlockChanged:
    """Another block is best."""

    hash: bytes


@dataclass(frozen=True, slots=True)
class FinalizedBlocks:
    """Blocks became final, oldest first, and others can not any more."""

    finalized: tuple[bytes, ...]
    pruned: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The last event: the client must follow anew."""


FollowInput = Began | Imported | BestChosen | Finalised
FollowEvent = Initialized | NewBlock | BestBlockChanged | FinalizedBlocks | Stopped


class NotPinned(Exception):
    """A block that the follower does not hold."""


class _Overfull(Exception):
    """The follower holds as much as it may."""


class FollowCore:
    """The blocks that one follower knows and holds."""

    def __init__(self) -> None:
        self.pinned: dict[bytes, Header] = {}
        self._open: dict[bytes, bytes] = {}
        """Parent of every block told that may still become final."""
        self._final = b""
        self._number = 0
        self._best = b""
        self._ended = False

    def handle(self, event: FollowInput) -> list[FollowEvent]:
        """What to tell, in this order; nothing after `Stopped`."""
        if self._ended:
            return []
        told: list[FollowEvent] = []
        try:
            match event:
                case Began():
                    self._begin(event, told)
                case Imported(block):
                    self._add(block, told)
                case BestChosen(block_hash):
                    self._choose(block_hash, told)
                case Finalised(blocks):
                    self._finalise(blocks, told)
        except _Overfull:
            self._ended = True
            told.append(Stopped())
        return told

    def unpin(self, hashes: list[bytes]) -> None:
        """Let go of blocks. Raises `NotPinned`, and keeps all then."""
        for each in hashes:
            if each not in self.pinned:
                raise NotPinned(each.hex())
        for each in hashes:
            del self.pinned[each]

    def _begin(self, event: Began, told: list[FollowEvent]) -> None:
        last = event.finalized[-1]
        self._final, self._number, self._best = last.hash, last.header.number, last.hash
        for block in event.finalized:
            self._pin(block)
        told.append(Initialized(tuple(block.hash for block in event.finalized)))
        for block in event.descendants:
            self._add(block, told)
        # Always told, so that a client knows a best block from the start.
        self._best = event.best if event.best in self._open else last.hash
        told.append(BestBlockChanged(self._best))

    def _add(self, block: Block, told: list[FollowEvent]) -> None:
        parent = block.header.parent_hash
        if block.hash in self._open or not (parent in self._open or parent == self._final):
            # Told before, or on a branch that finality has left: nobody needs to hear of it.
            return
        self._pin(block)
        self._open[block.hash] = parent
        told.append(NewBlock(block.hash, parent))

    def _choose(self, block: bytes, told: list[FollowEvent]) -> None:
        if block != self._best and (block in self._open or block == self._final):
            self._best = block
            told.append(BestBlockChanged(block))

    def _finalise(self, blocks: tuple[Block, ...], told: list[FollowEvent]) -> None:
        enacted = [block for block in blocks if block.header.number > self._number]
        if not enacted:
            return
        if enacted[0].header.parent_hash != self._final:
            # Blocks are missing in between: what was told would not be a chain.
            raise _Overfull
        for block in enacted:
            self._add(block, told)
        last = enacted[-1]
        new = {block.hash for block in enacted}
        kept = self._built_on(last.hash)
        pruned = tuple(each for each in self._open if each not in new and each not in kept)
        if self._best != last.hash and self._best not in kept:
            self._best = last.hash
            told.append(BestBlockChanged(last.hash))
        self._open = {each: parent for each, parent in self._open.items() if each in kept}
        self._final, self._number = last.hash, last.header.number
        told.append(FinalizedBlocks(tuple(block.hash for block in enacted), pruned))
        if min(header.number for header in self.pinned.values()) < self._number - MAX_PINNED_DEPTH:
            raise _Overfull

    def _built_on(self, base: bytes) -> set[bytes]:
        """What is open and descends from a block; parents stand before their children."""
        found = {base}
        for block, parent in self._open.items():
            if parent in found:
                found.add(block)
        found.remove(base)
        return found

    def _pin(self, block: Block) -> None:
        if len(self.pinned) >= MAX_PINNED:
            raise _Overfull
        self.pinned[block.hash] = block.header


def blocks_of(pairs: Iterable[tuple[bytes, Header | None]]) -> tuple[Block, ...]:
    """The blocks whose headers are known."""
    return tuple(Block(block, header) for block, header in pairs if header is not None)
