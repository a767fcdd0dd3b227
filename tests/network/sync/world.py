"""A node that synchronises and the peers around it, honest ones and liars, in one deterministic world.

The node is the real `SyncCore`, peers answer by the real `network.serving`, faults cost what `network.peers`
says. Only the chain is made of small blocks: one is valid where its state root says so.
"""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from network.messages import (
    BlockData,
    BlockPoint,
    BlocksRequest,
    PeerFault,
    PeerId,
    ResponseBody,
    Role,
    Status,
)
from network.peers.reputation import Reputation
from network.serving import answer
from network.sync import (
    Announced,
    Answered,
    Finalised,
    ImportBlocks,
    Imported,
    ImportFailed,
    ImportJustification,
    PeerGone,
    PeerJoined,
    Report,
    SendRequest,
    SyncCore,
    SyncInput,
    Tick,
    WakeAt,
)
from network.sync.requests import MAX_PER_PEER, TIMEOUT_MS
from runtime.primitives.header import Header
from runtime.primitives.trie import extrinsics_root

VALID, INVALID = b"v" * 32, b"x" * 32
MAX_STEPS = 400_000


def block_on(
    parent: Header | None,
    *,
    salt: bytes = b"",
    root: bytes = VALID,
    size: int = 0,
    proof: bytes | None = None,
) -> BlockData:
    """A block of `size` bytes; `salt` makes another one of it."""
    body = (salt + bytes(size),)
    above = (parent.hash(), parent.number + 1) if parent is not None else (bytes(32), 0)
    return BlockData(Header(*above, root, extrinsics_root(list(body))), body, proof)


GENESIS = block_on(None)


def grow(
    parent: Header, count: int, *, salt: bytes = b"", root: bytes = VALID, size: int = 0
) -> list[BlockData]:
    """`count` blocks, one on the other."""
    blocks = list[BlockData]()
    for _ in range(count):
        blocks.append(block_on(blocks[-1].header if blocks else parent, salt=salt, root=root, size=size))
    return blocks


class MemoryChain:
    """Blocks in memory, as `ChainProbe` and as `ChainSource`; the longest chain is the best."""

    def __init__(self, blocks: list[BlockData] | None = None) -> None:
        self.blocks = dict[bytes, BlockData]()
        self.canonical = list[bytes]()
        self.finalised = BlockPoint(GENESIS.header.hash(), 0)
        for block in [GENESIS, *(blocks or [])]:
            self.add(block)

    @property
    def best(self) -> BlockPoint:
        return BlockPoint(self.canonical[-1], len(self.canonical) - 1)

    def contains(self, block: bytes) -> bool:
        return block in self.blocks

    def add(self, block: BlockData) -> None:
        block_hash, number = block.header.hash(), block.header.number
        self.blocks[block_hash] = block
        if number < len(self.canonical):
            return
        path = list[bytes]()
        while number >= 0 and self.block_hash(number) != block_hash:
            path.append(block_hash)
            block_hash, number = self.blocks[block_hash].header.parent_hash, number - 1
        self.canonical[number + 1 :] = reversed(path)

    def finalise(self, number: int) -> None:
        self.finalised = BlockPoint(self.canonical[number], number)

    def header(self, block: bytes) -> Header | None:
        found = self.blocks.get(block)
        return found.header if found is not None else None

    def body(self, block: bytes) -> tuple[bytes, ...] | None:
        found = self.blocks.get(block)
        return found.extrinsics if found is not None else None

    def justification(self, block: bytes) -> bytes | None:
        found = self.blocks.get(block)
        return found.justification if found is not None else None

    def block_hash(self, number: int) -> bytes | None:
        return self.canonical[number] if number < len(self.canonical) else None

    def state_proof(self, block: bytes, start_after: bytes | None) -> tuple[bytes, ...] | None:
        return None

    def artifact(self, content_hash: bytes) -> bytes | None:
        return None


Answer = tuple[int, ResponseBody]
"""After how many ms, and what."""


@dataclass
class Peer:
    """A correct peer: it serves `chain` after `delay` ms. Liars override `respond`."""

    chain: MemoryChain
    delay: int = 50
    served: int = 0

    @property
    def best(self) -> BlockPoint:
        """What it says to have."""
        return self.chain.best

    def respond(self, request: BlocksRequest) -> list[Answer]:
        """What it answers, and when."""
        self.served += 1
        return [(self.delay, self.correct(request))]

    def correct(self, request: BlocksRequest) -> ResponseBody:
        """What a correct peer answers."""
        return answer(request, self.chain)


@dataclass
class World:
    """`local` is the node's chain; an import takes `import_ms`. `bans`: who misbehaves is disconnected."""

    local: MemoryChain = field(default_factory=MemoryChain)
    import_ms: int = 2
    bans: bool = True
    now: int = 0

    def __post_init__(self) -> None:
        self.core = SyncCore(self.local)
        self.peers = dict[PeerId, Peer]()
        self.reports = list[tuple[PeerId, PeerFault]]()
        self.proofs = list[tuple[PeerId, BlockPoint, bytes]]()
        self.sent = list[tuple[PeerId, BlocksRequest]]()
        self.idle_ms = 0
        self.most_bytes = self.most_ahead = 0
        self._reputation = Reputation()
        self._queue = deque[tuple[PeerId, BlockData]]()
        self._open = dict[PeerId, dict[int, int]]()
        self._events = list[tuple[int, int, Callable[[], None]]]()
        self._count = 0
        self._is_importing = False
        self._idle_since: int | None = None
        self._wake: int | None = None
        self.early = set[bytes]()

    def faults_of(self, peer: PeerId) -> set[PeerFault]:
        """What a peer was reported for."""
        return {fault for one, fault in self.reports if one == peer}

    def join(self, name: str, peer: Peer) -> PeerId:
        """Connect a peer."""
        peer_id = PeerId(name.encode())
        self.peers[peer_id] = peer
        status = Status(GENESIS.header.hash(), Role.FULL, peer.best, peer.chain.finalised, name)
        self.tell(PeerJoined(peer_id, status))
        return peer_id

    def leave(self, peer: PeerId) -> None:
        """Disconnect a peer."""
        if self.peers.pop(peer, None) is not None:
            self._open.pop(peer, None)
            self.tell(PeerGone(peer))

    def announce(self, peer: PeerId, block: BlockData, *, is_best: bool = True) -> None:
        """A peer says that it stored a block."""
        self.tell(Announced(peer, block.header, is_best))

    def finalise(self, number: int) -> None:
        """The node's chain becomes final up to here."""
        self.local.finalise(number)
        self.tell(Finalised(self.local.finalised.hash, number))

    def after(self, delay: int, what: Callable[[], None]) -> None:
        """Do something in `delay` ms."""
        self._count += 1
        heapq.heappush(self._events, (self.now + delay, self._count, what))

    def run(self, until: Callable[[], bool], within_ms: int) -> None:
        """Let time pass until something is so; fails where it takes longer."""
        deadline = self.now + within_ms
        for _ in range(MAX_STEPS):
            if until():
                return
            assert self._events, "nothing will ever happen again"
            time, _, what = heapq.heappop(self._events)
            assert time <= deadline, f"not within {within_ms} ms: at {self.local.best.number}"
            self.now = time
            what()
        raise AssertionError("too many steps")

    def run_for(self, ms: int) -> None:
        """Let time pass."""
        end = self.now + ms
        self.after(ms, lambda: None)
        self.run(lambda: self.now >= end, ms)

    def run_to(self, number: int, within_ms: int) -> None:
        """Let time pass until the node has a block of this height."""
        self.run(lambda: self.local.best.number >= number, within_ms)

    def tell(self, event: SyncInput) -> None:
        """Give the core an event and do what it wants."""
        for effect in self.core.handle(event, self.now):
            match effect:
                case SendRequest(peer, number, body):
                    self._send(peer, number, body)
                case ImportBlocks(peer, blocks):
                    self._queue += ((peer, block) for block in blocks)
                    self._import()
                case ImportJustification(peer, block, justification):
                    self.proofs.append((peer, block, justification))
                case Report(peer, fault, _):
                    self.reports.append((peer, fault))
                    if self._reputation.report(peer, fault, self.now) and self.bans:
                        self.after(0, lambda peer=peer: self.leave(peer))  # type: ignore[misc]
                case WakeAt(ms):
                    self._wake = ms
                    self.after(max(ms - self.now, 0), lambda ms=ms: self._woke(ms))  # type: ignore[misc]
        self.most_bytes = max(self.most_bytes, self.core.held_bytes)
        self.most_ahead = max(self.most_ahead, len(self._queue))

    def _woke(self, ms: int) -> None:
        if self._wake == ms:
            self._wake = None
            self.tell(Tick())

    def _send(self, peer: PeerId, number: int, body: BlocksRequest) -> None:
        assert peer in self.peers, "whoever is asked is connected"
        self.sent.append((peer, body))
        answers = self.peers[peer].respond(body)
        for delay, response in answers:
            self.after(delay, lambda response=response: self._deliver(peer, number, response))  # type: ignore[misc]
        unanswered = self._open.setdefault(peer, {})
        unanswered[number] = self.now
        waiting = [sent for sent in unanswered.values() if sent > self.now - TIMEOUT_MS]
        assert len(waiting) <= MAX_PER_PEER, "more requests than a peer may have"

    def _deliver(self, peer: PeerId, number: int, response: ResponseBody) -> None:
        if peer in self.peers:
            self._open[peer].pop(number, None)
            self.tell(Answered(peer, number, response))

    def _import(self) -> None:
        if self._is_importing or not self._queue:
            return
        if self._idle_since is not None:
            self.idle_ms += self.now - self._idle_since
        self._is_importing = True
        self.after(self.import_ms, self._imported)

    def _imported(self) -> None:
        self._is_importing, self._idle_since = False, self.now
        peer, block = self._queue.popleft() if self._queue else (None, None)
        if peer is None or block is None:
            return
        block_hash, header = block.header.hash(), block.header
        parent = self.local.header(header.parent_hash)
        if parent is None or block_hash in self.early:
            self.tell(ImportFailed(peer, block_hash, None, "parent unknown, or too early"))
        elif header.state_root != VALID:
            self._queue.clear()
            self.tell(ImportFailed(peer, block_hash, PeerFault.BAD_BLOCK, "state root"))
        else:
            assert extrinsics_root(list(block.extrinsics or ())) == header.extrinsics_root
            self.local.add(block)
            self.tell(Imported(block_hash, header.number))
        self._import()
