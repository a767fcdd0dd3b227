"""The synchronisation core: full synchronisation while far behind, single branches near the head.

Far behind, ranges of the best chain are asked of several peers at once and imported in order (`ranges`). Near
the head, and where a range does not build on what is here, blocks are fetched by hash with their ancestors
(`branches`). Never below the last final block: who builds there follows another chain.
"""

from dataclasses import dataclass

from network.messages import BlockData, BlockPoint, BlocksResponse, PeerFault, PeerId
from network.sync.answers import WrongAnswer, check_blocks
from network.sync.branches import Branch, Branches
from network.sync.events import (
    Announced,
    Answered,
    ChainProbe,
    Finalised,
    ImportBlocks,
    Imported,
    ImportFailed,
    PeerGone,
    PeerJoined,
    Report,
    SendRequest,
    SyncEffect,
    SyncInput,
    Tick,
    WakeAt,
    Wanted,
)
from network.sync.ranges import Range, Ranges
from network.sync.requests import Asked, OpenRequests

NEAR_BLOCKS = 32
"""A head at most so far ahead is fetched as a branch; ranges take over beyond."""

MAJOR_BLOCKS = 5
"""So far behind a node says that it is synchronising: Substrate's figure."""

RETRY_MS = 1_000
"""After nobody could be asked, everything is looked at again."""


@dataclass(slots=True)
class _Peer:
    best: BlockPoint
    is_elsewhere: bool = False
    """Its chain forks below our last final block: it is not followed until its head builds on ours."""


class SyncCore:
    """Synchronisation of one node; `chain` shows what is stored."""

    def __init__(self, chain: ChainProbe) -> None:
        self._chain = chain
        self._peers = dict[PeerId, _Peer]()
        self._requests = OpenRequests()
        self._branches = Branches()
        self._ranges: Ranges | None = None
        self._importing = dict[bytes, PeerId]()
        self._wake: int | None = None

    @property
    def target(self) -> int:
        """The highest block that a peer which follows our chain says to have; at least our own best."""
        heights = [peer.best.number for peer in self._peers.values() if not peer.is_elsewhere]
        return max([self._chain.best.number, *heights])

    @property
    def is_major_syncing(self) -> bool:
        """Whether this node is far behind: then it should not author."""
        return self.target > self._chain.best.number + MAJOR_BLOCKS

    def handle(self, event: SyncInput, now: int) -> list[SyncEffect]:
        """React to one event at time `now` (ms)."""
        effects = list[SyncEffect]()
        match event:
            case PeerJoined(peer, status):
                self._peers[peer] = _Peer(status.best)
                self._want_head(peer)
            case PeerGone(peer):
                self._peers.pop(peer, None)
                self._branches.forget_peer(peer)
                for asked in self._requests.drop(peer):
                    self._failed(asked)
            case Announced(peer, header, is_best):
                builds_here = self._chain.contains(header.parent_hash)
                block = BlockPoint(header.hash(), header.number)
                self._announced(peer, block, is_best=is_best, builds_here=builds_here)
            case Wanted(wanted, number, holder):
                if not self._chain.contains(wanted) and number > self._chain.finalised.number:
                    self._branches.want(wanted, number, holder)
            case Answered():
                effects += self._answered(event)
            case Imported(block_hash, _):
                self._importing.pop(block_hash, None)
            case ImportFailed():
                effects += self._import_failed(event)
            case Finalised(_, number):
                self._forget_below(number)
            case Tick():
                self._wake = None
        return effects + self._overdue(now) + self._go_on(now)

    # -- what peers say -----------------------------------------------------------------------------------

    def _announced(
        self, peer: PeerId, block: BlockPoint, *, is_best: bool, builds_here: bool = False
    ) -> None:
        known = self._peers.get(peer)
        if known is None:
            return
        if is_best:
            known.best = block
            known.is_elsewhere = known.is_elsewhere and not builds_here
        if self._chain.contains(block.hash) or block.number <= self._chain.finalised.number:
            return
        if block.number <= self._chain.best.number + NEAR_BLOCKS:
            self._branches.want(block.hash, block.number, peer)

    def _want_head(self, peer: PeerId) -> None:
        """A peer's head may be all that is missing, or the head of another branch."""
        best = self._peers[peer].best
        self._announced(peer, best, is_best=True)

    def _answered(self, event: Answered) -> list[SyncEffect]:
        asked = self._requests.take(event.peer, event.id)
        if asked is None:
            return [Report(event.peer, PeerFault.UNREQUESTED, f"request {event.id}")]
        body = event.body
        if not isinstance(body, BlocksResponse) or not body.blocks:
            return self._nothing(asked)
        try:
            check_blocks(asked.body, body.blocks)
        except WrongAnswer as wrong:
            self._failed(asked)
            return [Report(asked.peer, PeerFault.BAD_ANSWER, str(wrong))]
        match asked.purpose:
            case Range() as wanted if self._ranges is not None:
                self._ranges.arrived(wanted, asked.peer, body.blocks)
            case Branch() as branch if self._branches.get(branch.target) is branch:
                branch.is_asked = False
                branch.blocks += body.blocks
                oldest = body.blocks[-1].header
                branch.next_hash, branch.next_number = oldest.parent_hash, oldest.number - 1
                return self._meet(branch, asked.peer)
        return []

    def _meet(self, branch: Branch, peer: PeerId) -> list[SyncEffect]:
        """Import a branch that has come down to a known block; give up one that never will."""
        if self._is_known(branch.next_hash):
            self._branches.drop(branch.target)
            return [self._import(peer, tuple(reversed(branch.blocks)))]
        if branch.next_number <= self._chain.finalised.number:
            # Its ancestor at the height of our final block is another block.
            for holder in branch.holders:
                if holder in self._peers and self._peers[holder].best.number >= branch.number:
                    self._peers[holder].is_elsewhere = True
            self._branches.drop(branch.target)
        elif self._branches.is_over_limit(branch):
            self._branches.drop(branch.target)
        return []

    def _nothing(self, asked: Asked) -> list[SyncEffect]:
        """The peer has not what it was thought to have: it may have moved to another branch since."""
        self._failed(asked)
        match asked.purpose:
            case Branch() as branch:
                branch.holders.pop(asked.peer, None)
                branch.lacking[asked.peer] = None
            case Range(first, _):
                known = self._peers.get(asked.peer)
                if known is not None and known.best.number >= first:
                    known.best = BlockPoint(known.best.hash, first - 1)
                    return [Report(asked.peer, PeerFault.LIED_ABOUT_HEAD, f"has no block {first}")]
        return []

    def _failed(self, asked: Asked) -> None:
        match asked.purpose:
            case Range() as wanted if self._ranges is not None:
                self._ranges.failed(wanted)
            case Branch() as branch:
                branch.is_asked = False

    # -- what the importer says ---------------------------------------------------------------------------

    def _import(self, peer: PeerId, blocks: tuple[BlockData, ...]) -> SyncEffect:
        for block in blocks:
            self._importing[block.header.hash()] = peer
        return ImportBlocks(peer, blocks)

    def _import_failed(self, event: ImportFailed) -> list[SyncEffect]:
        """Everything downloaded may build on a bad block: begin again, with the others."""
        self._importing.pop(event.hash, None)
        if event.fault is None:
            return []
        self._importing.clear()
        self._ranges = None
        known = self._peers.get(event.peer)
        if known is not None:
            known.is_elsewhere = True
        return [Report(event.peer, event.fault, event.detail)]

    def _forget_below(self, number: int) -> None:
        for branch in self._branches.all():
            if branch.number <= number:
                self._branches.drop(branch.target)

    # -- what to do next ----------------------------------------------------------------------------------

    def _go_on(self, now: int) -> list[SyncEffect]:
        effects = self._by_ranges(now) + self._by_branches(now)
        deadline = self._requests.deadline
        is_idle = deadline is None and not self._branches.all()
        wake = None if is_idle else min(deadline or now + RETRY_MS, now + RETRY_MS)
        if wake is not None and (self._wake is None or wake < self._wake):
            self._wake = wake
            effects.append(WakeAt(wake))
        return effects

    def _overdue(self, now: int) -> list[SyncEffect]:
        effects = list[SyncEffect]()
        for asked in self._requests.overdue(now):
            self._failed(asked)
            effects.append(Report(asked.peer, PeerFault.TIMED_OUT))
        return effects

    def _by_ranges(self, now: int) -> list[SyncEffect]:
        best = self._chain.best.number
        if self._ranges is None:
            if self.target <= best + NEAR_BLOCKS:
                return []
            self._ranges = Ranges(best + 1)
        effects = list[SyncEffect]()
        taken = self._ranges.take()
        while taken is not None:
            peer, blocks = taken
            effects += self._continue_with(peer, blocks)
            taken = self._ranges.take() if self._ranges is not None else None
        if self._ranges is None:
            return effects
        if self._ranges.next_import > self.target:
            self._ranges = None
            return effects
        for peer, state in self._peers.items():
            while not state.is_elsewhere and self._requests.has_room(peer):
                wanted = self._ranges.claim(self.target, state.best.number)
                if wanted is None:
                    break
                effects.append(SendRequest(peer, self._ask(peer, wanted, now), wanted.request))
        return effects

    def _continue_with(self, peer: PeerId, blocks: tuple[BlockData, ...]) -> list[SyncEffect]:
        """Import a range, or find out where its chain left ours."""
        new = tuple(block for block in blocks if not self._chain.contains(block.header.hash()))
        if not new:
            return []
        first = new[0].header
        if self._is_known(first.parent_hash):
            return [self._import(peer, new)]
        self._ranges = None
        self._branches.want(first.hash(), first.number, peer)
        return []

    def _by_branches(self, now: int) -> list[SyncEffect]:
        effects = list[SyncEffect]()
        floor = self._chain.finalised.number
        for branch in self._branches.all():
            if branch.is_asked:
                continue
            if self._is_known(branch.target):
                self._branches.drop(branch.target)
                continue
            others = (peer for peer in self._peers if peer not in branch.holders)
            able = [peer for peer in (*branch.holders, *others) if peer not in branch.lacking]
            ready = [peer for peer in able if peer in self._peers and self._requests.has_room(peer)]
            if not able:
                self._branches.drop(branch.target)
            if not ready:
                continue
            branch.is_asked = True
            request = branch.request(floor)
            number = self._requests.ask(ready[0], request, branch, now)
            effects.append(SendRequest(ready[0], number, request))
        return effects

    def _ask(self, peer: PeerId, wanted: Range, now: int) -> int:
        return self._requests.ask(peer, wanted.request, wanted, now)

    def _is_known(self, block: bytes) -> bool:
        return block in self._importing or self._chain.contains(block)
