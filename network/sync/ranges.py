"""Full synchronisation: ranges of the peers' best chain, from several peers at once, imported in order."""

from dataclasses import dataclass

from network.messages import BlockData, BlocksRequest, Direction, PeerId
from network.sync.answers import size_of

RANGE_BLOCKS = 64
"""In one request: Substrate's default."""

MAX_AHEAD_BLOCKS = 2_048
"""Downloaded or asked for, and not imported: seconds of import, so that the importer never waits."""

MAX_AHEAD_BYTES = 64 << 20
"""The same in memory; full blocks have 5 MiB."""


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks `first` to `last` of the peers' best chain."""

    first: int
    last: int

    @property
    def request(self) -> BlocksRequest:
        """What to ask a peer."""
        return BlocksRequest(self.first, Direction.ASCENDING, self.last - self.first + 1)


@dataclass(frozen=True, slots=True)
class _Downloaded:
    peer: PeerId
    blocks: tuple[BlockData, ...]
    size: int


class Ranges:
    """The window between the import and the download. Imports begin at `start`."""

    def __init__(self, start: int) -> None:
        self._next_import = start
        self._next_range = start
        self._again = list[Range]()
        self._asked = dict[int, Range]()
        self._ready = dict[int, _Downloaded]()

    @property
    def next_import(self) -> int:
        """The height at which the next import begins."""
        return self._next_import

    def claim(self, target: int, available: int) -> Range | None:
        """A range that a peer whose best block is `available` may be asked for; `target` is the goal."""
        waiting = [one for one in self._again if one.last <= available]
        if waiting:
            chosen = min(waiting, key=lambda one: one.first)
            self._again.remove(chosen)
            self._asked[chosen.first] = chosen
            return chosen
        held = sum(one.size for one in self._ready.values())
        ahead = self._next_range - self._next_import
        if ahead >= MAX_AHEAD_BLOCKS or held >= MAX_AHEAD_BYTES:
            return None
        last = min(self._next_range + RANGE_BLOCKS - 1, target, available)
        if last < self._next_range:
            return None
        chosen = Range(self._next_range, last)
        self._next_range = last + 1
        self._asked[chosen.first] = chosen
        return chosen

    def failed(self, wanted: Range) -> None:
        """No answer of use: the range is to be asked again."""
        if self._asked.pop(wanted.first, None) is not None:
            self._again.append(wanted)

    def arrived(self, wanted: Range, peer: PeerId, blocks: tuple[BlockData, ...]) -> None:
        """Checked blocks; where there are fewer than asked for, the rest is asked again."""
        if self._asked.pop(wanted.first, None) is None:
            return
        self._ready[wanted.first] = _Downloaded(peer, blocks, sum(map(size_of, blocks)))
        end = wanted.first + len(blocks)
        if end <= wanted.last:
            self._again.append(Range(end, wanted.last))

    def take(self) -> tuple[PeerId, tuple[BlockData, ...]] | None:
        """The blocks that are to be imported next, where they have come."""
        found = self._ready.pop(self._next_import, None)
        if found is None:
            return None
        self._next_import += len(found.blocks)
        return found.peer, found.blocks
