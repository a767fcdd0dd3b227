"""The synchronisation core: what peers and the importer say goes to the strategy that it concerns.

Far behind, one peer's chain is followed with the help of all (`following`). Near the head, and where
finality asks for it, blocks are fetched by hash with their ancestors (`heads`). Blocks that came before they
were final get their proofs afterwards (`proofs`). Never below the last final block: who builds there follows
another chain.
"""

from network.messages import (
    BlockPoint,
    BlocksResponse,
    PeerFault,
    PeerId,
    Refusal,
    RefusalReason,
    ResponseBody,
)
from network.sync.answers import WrongAnswer, check_blocks
from network.sync.branches import Piece
from network.sync.desk import Desk
from network.sync.events import (
    Announced,
    Answered,
    ChainProbe,
    Finalised,
    Imported,
    ImportFailed,
    PeerGone,
    PeerJoined,
    Report,
    SyncEffect,
    SyncInput,
    Tick,
    WakeAt,
    Wanted,
)
from network.sync.following import Followed, Following
from network.sync.heads import Heads
from network.sync.proofs import Proofs, WantedProofs
from network.sync.requests import Asked, Unasked

MAJOR_BLOCKS = 5
"""So far behind a node says that it is synchronising: Substrate's figure."""

RETRY_MS = 1_000
"""While there is anything to do, everything is looked at again so often."""


class SyncCore:
    """Synchronisation of one node; `chain` shows what is stored."""

    def __init__(self, chain: ChainProbe) -> None:
        self._desk = Desk(chain)
        self._following = Following(self._desk)
        self._heads = Heads(self._desk, self._following)
        self._proofs = Proofs(self._desk)
        self._was_following = False
        self._wake: int | None = None

    @property
    def target(self) -> int:
        """How high the middle one of the peers that follow our chain says to be; at least our own best.

        As in Substrate, so that a few liars neither keep an author from its slots nor call it level.
        """
        return max(self._desk.chain.best.number, self._desk.peers.height)

    @property
    def is_major_syncing(self) -> bool:
        """Whether this node is far behind: then it should not author."""
        return self.target > self._desk.chain.best.number + MAJOR_BLOCKS

    @property
    def held_bytes(self) -> int:
        """Memory of all blocks downloaded and not stored yet, about."""
        return self._desk.importing.size + self._following.held + self._heads.held

    def handle(self, event: SyncInput, now: int) -> list[SyncEffect]:
        """React to one event at time `now` (ms)."""
        effects = list[SyncEffect]()
        match event:
            case PeerJoined(peer, status):
                self._desk.peers.join(peer, status)
                self._heads.announced(peer, status.best)
            case PeerGone(peer):
                self._desk.peers.leave(peer)
                self._following.gone(peer)
                self._heads.gone(peer)
                for asked in self._desk.requests.drop(peer):
                    self._failed(asked, now)
            case Announced():
                self._announced(event)
            case Wanted(wanted, number, holder):
                self._heads.want(BlockPoint(wanted, number), holder)
            case Answered(peer, number, body):
                effects += self._answered(peer, number, body, now)
            case Imported(block_hash, _):
                self._desk.arrived(block_hash)
                self._following.imported(now)
            case ImportFailed():
                effects += self._import_failed(event, now)
            case Finalised(_, number):
                self._heads.finalised(number)
                self._proofs.finalised(now)
            case Tick():
                self._wake = None
                self._heads.remind(now)
        return effects + self._overdue(now) + self._go_on(now)

    # -- what peers say -----------------------------------------------------------------------------------

    def _announced(self, event: Announced) -> None:
        peer = self._desk.peers.get(event.peer)
        if peer is None:
            return
        block = BlockPoint(event.header.hash(), event.header.number)
        if event.is_best:
            peer.best = block
            if self._desk.chain.contains(event.header.parent_hash):
                peer.is_elsewhere = False
        self._heads.announced(event.peer, block)

    def _answered(self, peer: PeerId, number: int, body: ResponseBody, now: int) -> list[SyncEffect]:
        asked = self._desk.requests.take(peer, number)
        match asked:
            case Unasked.NEVER:
                return [Report(peer, PeerFault.UNREQUESTED, f"request {number}")]
            case Unasked.LATE:
                return []
        if body == Refusal(RefusalReason.BUSY):
            self._failed(asked, now)
            self._strike(peer, now)
            return []
        if isinstance(body, Refusal) or body == BlocksResponse(()):
            return self._refused(asked, now)
        try:
            if not isinstance(body, BlocksResponse):
                raise WrongAnswer(f"{type(body).__name__} to a request for blocks")
            check_blocks(asked.body, body.blocks)
        except WrongAnswer as wrong:
            self._failed(asked, now)
            self._strike(peer, now)
            return [Report(peer, PeerFault.BAD_ANSWER, str(wrong))]
        match asked.purpose:
            case Followed() as purpose:
                self._following.answered(asked, purpose, body.blocks, now)
            case Piece() as piece:
                return self._heads.answered(asked, piece, body.blocks)
            case WantedProofs():
                return self._proofs.answered(asked, body.blocks, now)
        return []

    def _refused(self, asked: Asked, now: int) -> list[SyncEffect]:
        """The peer has not what it was thought to have: it may have moved to another branch since."""
        match asked.purpose:
            case Followed() as purpose:
                return self._following.refused(asked, purpose, now)
            case Piece() as piece:
                return self._heads.refused(asked, piece, now)
            case _:
                self._proofs.failed(now)
                return []

    def _failed(self, asked: Asked, now: int) -> None:
        match asked.purpose:
            case Followed() as purpose:
                self._following.failed(asked, purpose)
            case Piece() as piece:
                self._heads.failed(asked, piece)
            case WantedProofs():
                self._proofs.failed(now)

    def _overdue(self, now: int) -> list[SyncEffect]:
        effects = list[SyncEffect]()
        for asked in self._desk.requests.overdue(now):
            self._failed(asked, now)
            self._strike(asked.peer, now)
            effects.append(Report(asked.peer, PeerFault.TIMED_OUT))
        return effects

    def _strike(self, peer: PeerId, now: int) -> None:
        known = self._desk.peers.get(peer)
        if known is not None:
            known.strike(now)

    # -- what the importer says ---------------------------------------------------------------------------

    def _import_failed(self, event: ImportFailed, now: int) -> list[SyncEffect]:
        """Everything downloaded may build on a bad block: begin again, with the others first."""
        self._desk.arrived(event.hash)
        if event.fault is None:
            if not self._desk.is_draining:
                self._strike(event.peer, now)
            self._desk.doom()
            self._following.stop()
            return []
        self._desk.clear()
        self._following.stop()
        self._strike(event.peer, now)
        known = self._desk.peers.get(event.peer)
        if known is not None:
            known.is_elsewhere = True
        return [Report(event.peer, event.fault, event.detail)]

    # -- what to do next ----------------------------------------------------------------------------------

    def _go_on(self, now: int) -> list[SyncEffect]:
        effects = self._following.step(now)
        is_following = self._following.is_active
        if self._was_following and not is_following:
            self._heads.remind(now)
        self._was_following = is_following
        effects += self._heads.step(now)
        effects += self._proofs.step(now) if not is_following else []
        deadline = self._desk.requests.deadline
        is_busy = deadline is not None or is_following or self._heads.is_active or self._desk.is_behind
        proofs_at = self._proofs.wake_at if not is_following else None
        due = [deadline, proofs_at, now + RETRY_MS if is_busy else None]
        wake = min((max(time, now) for time in due if time is not None), default=None)
        if wake is not None and (self._wake is None or wake < self._wake):
            self._wake = wake
            effects.append(WakeAt(wake))
        return effects
