"""The node's core: which part hears of what, and in which order."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from chain.authoring import Author
from chain.core.events import (
    BlockOffered,
    Continue,
    Continued,
    HeadChosen,
    NodeEffect,
    NodeInput,
    Report,
    Send,
    SendToAll,
    SlotBegan,
    Submit,
    TransactionsHeard,
    VoteWanted,
    WakeAt,
    Woke,
)
from chain.core.evidence import Evidence
from chain.core.faults import fault_of
from chain.core.stored import StoredChain
from chain.finalising import BlockFinalised, Finaliser, FinalityOutcome, HeadMoved
from chain.importing import Received, RejectedBlock, RejectionReason, Stored
from chain.logs import Log
from chain.notifications import BlockImported, block_imported
from chain.opening import Chain
from consensus.equivocation import EquivocationDetector
from consensus.finality.events import (
    BestBlock,
    BlockStored,
    BroadcastJustification,
    BroadcastNeighbour,
    BroadcastVotes,
    CatchUpReceived,
    CatchUpRequested,
    FetchBlock,
    FinalityInput,
    JustificationReceived,
    LocalTimeout,
    NeighbourReceived,
    ReportEquivocation,
    ReportPeer,
    SendTo,
    VotesReceived,
)
from consensus.finality.gossip import CatchUp, CatchUpRequest, Commit, FinalityMessage, Neighbour, Votes
from consensus.finality.justification import InvalidJustification
from network import sync
from network.messages import (
    BlockAnnounce,
    BlockData,
    BlockPoint,
    Finality,
    Message,
    MessageReceived,
    PeerConnected,
    PeerDisconnected,
    PeerFault,
    PeerId,
    Request,
    Response,
    Transactions,
)
from network.serving import answer
from runtime.executive.api import RuntimeApi

log = Log("sync")


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """How far this node is, beside what its peers say to have."""

    target: int
    is_major: bool
    peers: int


class NodeCore:
    """One node's decisions over an opened chain.

    `author` None: this node builds no blocks. `force_authoring`: build also while no peer is connected or the
    chain is far ahead. `clock_ms` is read only for the deadline of an own block.
    """

    def __init__(
        self,
        chain: Chain,
        author: Author | None,
        finaliser: Finaliser,
        clock_ms: Callable[[], int],
        *,
        force_authoring: bool = True,
    ) -> None:
        self._chain = chain
        self._store = chain.store
        self._importer = chain.importer
        self._author = author
        self._finaliser = finaliser
        self._clock = clock_ms
        self._force = force_authoring
        self._stored_chain = StoredChain(chain.store)
        self._sync = sync.SyncCore(self._stored_chain)
        self._sync_wake: int | None = None
        self._waiting = deque[tuple[PeerId, BlockData]]()
        self._peers = dict[PeerId, None]()
        self._detector = EquivocationDetector()
        self._evidence = Evidence(chain.store, RuntimeApi(chain.runtime))
        self._wake: int | None = None
        self.status = SyncStatus(self._stored_chain.best.number, False, 0)

    @property
    def finaliser(self) -> Finaliser:
        """The own part in finality."""
        return self._finaliser

    def start(self, now: int) -> list[NodeEffect]:
        """Go on where the database stops; call it once, first."""
        return [*self._tell(self._finaliser.start(now), now), *self._wake_up()]

    def handle(self, event: NodeInput, now: int) -> list[NodeEffect]:
        """React to one event at unix time `now` (ms). Raises `RejectedBlock` for an offered block."""
        effects = list[NodeEffect]()
        match event:
            case SlotBegan():
                effects += self._build(event, now)
            case BlockOffered(block):
                effects += self._import(block, None, now)
            case VoteWanted(block_hash, number):
                effects += self._finality(BestBlock(block_hash, number), now)
            case PeerConnected(peer, status):
                self._peers[peer] = None
                effects += self._synchronise(sync.PeerJoined(peer, status), now)
            case PeerDisconnected(peer):
                self._peers.pop(peer, None)
                effects += self._synchronise(sync.PeerGone(peer), now)
            case MessageReceived(peer, message):
                if peer in self._peers:
                    effects += self._hear(peer, message, now)
            case Woke():
                self._wake = None
                effects += self._timed_out(now)
            case Continued():
                effects += self._import_next(now)
        self.status = SyncStatus(self._sync.target, self._sync.is_major_syncing, len(self._peers))
        return effects + self._wake_up()

    # -- peers --------------------------------------------------------------------------------------------

    def _hear(self, peer: PeerId, message: Message, now: int) -> list[NodeEffect]:
        match message:
            case BlockAnnounce(header, is_best):
                return self._synchronise(sync.Announced(peer, header, is_best), now)
            case Response(number, body):
                return self._synchronise(sync.Answered(peer, number, body), now)
            case Request(number, body):
                return [Send(peer, Response(number, answer(body, self._stored_chain)))]
            case Finality(finality):
                return self._hear_finality(peer, finality, now)
            case Transactions(extrinsics):
                return [] if self._sync.is_major_syncing else [TransactionsHeard(peer, extrinsics)]
            case _:
                return [Report(peer, PeerFault.UNREQUESTED, type(message).__name__)]

    def _hear_finality(self, peer: PeerId, message: FinalityMessage, now: int) -> list[NodeEffect]:
        match message:
            case Votes(votes):
                return self._finality(VotesReceived(peer, votes), now)
            case Neighbour():
                return self._finality(NeighbourReceived(peer, message), now)
            case CatchUpRequest():
                return self._finality(CatchUpRequested(peer, message), now)
            case CatchUp():
                return self._finality(CatchUpReceived(peer, message), now)
            case Commit(justification):
                try:
                    return self._finality(JustificationReceived(justification, peer), now)
                except InvalidJustification as error:
                    return [Report(peer, PeerFault.BAD_JUSTIFICATION, str(error))]

    def _synchronise(self, event: sync.SyncInput, now: int) -> list[NodeEffect]:
        effects = list[NodeEffect]()
        for effect in self._sync.handle(event, now):
            match effect:
                case sync.SendRequest(peer, number, body):
                    effects.append(Send(peer, Request(number, body)))
                case sync.ImportBlocks(peer, blocks):
                    self._waiting += ((peer, block) for block in blocks)
                    effects.append(Continue())
                case sync.ImportJustification(peer, block, justification):
                    effects += self._prove(peer, block, justification, now)
                case sync.Report(peer, fault, detail):
                    effects.append(Report(peer, fault, detail))
                case sync.WakeAt(ms):
                    self._sync_wake = ms
        return effects

    def _timed_out(self, now: int) -> list[NodeEffect]:
        effects = list[NodeEffect]()
        if self._finaliser.wake_at is not None and now >= self._finaliser.wake_at:
            effects += self._finality(LocalTimeout(), now)
        if self._sync_wake is not None and now >= self._sync_wake:
            self._sync_wake = None
            effects += self._synchronise(sync.Tick(), now)
        return effects

    # -- blocks -------------------------------------------------------------------------------------------

    def _build(self, began: SlotBegan, now: int) -> list[NodeEffect]:
        assert self._author is not None, "only an author is told of slots"
        if not (began.requested or self._force) and self._is_apart():
            return []
        authored = self._author.author(began.slot, self._clock, lambda: list(began.transactions))
        if authored is None:
            return []
        return [authored, *self._stored(authored.stored, None, now, vote=began.finalise)]

    def _is_apart(self) -> bool:
        """Whether a block would be built alone: without peers on a chain of several, or far behind."""
        several = len(self._finaliser.voters) > 1
        return self._sync.is_major_syncing or (several and not self._peers)

    def _import_next(self, now: int) -> list[NodeEffect]:
        """One block of those that the synchronisation brought."""
        if not self._waiting:
            return []
        peer, block = self._waiting.popleft()
        effects: list[NodeEffect] = [Continue()] if self._waiting else []
        block_hash = block.header.hash()
        received = Received(block.header, block.extrinsics or (), block.justification)
        try:
            if self._store.contains(block_hash):
                effects += self._justify(block, block_hash, now)
            else:
                effects += self._import(received, peer, now)
        except RejectedBlock as rejected:
            if rejected.reason is RejectionReason.JUSTIFICATION:
                effects.append(Report(peer, PeerFault.BAD_JUSTIFICATION, str(rejected)))
            else:
                return [*effects, *self._rejected(rejected, peer, now)]
        return [*effects, *self._synchronise(sync.Imported(block_hash, block.header.number), now)]

    def _rejected(self, rejected: RejectedBlock, peer: PeerId, now: int) -> list[NodeEffect]:
        """Leave out a block that came too late or too early; with a bad one goes all that waits behind it."""
        fault = fault_of(rejected)
        if fault is None:
            log.debug("Block left out", number=rejected.number, hash=rejected.block_hash, why=rejected)
        else:
            log.warn("Block rejected", number=rejected.number, hash=rejected.block_hash, why=rejected)
            self._waiting.clear()
        failed = sync.ImportFailed(peer, rejected.block_hash, fault, str(rejected))
        return self._synchronise(failed, now)

    def _prove(self, peer: PeerId, block: BlockPoint, justification: bytes, now: int) -> list[NodeEffect]:
        """Finality of a block that was stored without its proof."""
        try:
            return self._tell(self._finaliser.justify(justification, block.number, block.hash, now), now)
        except RejectedBlock as rejected:
            return [Report(peer, PeerFault.BAD_JUSTIFICATION, str(rejected))]

    def _justify(self, block: BlockData, block_hash: bytes, now: int) -> list[NodeEffect]:
        if block.justification is None:
            return []
        justified = self._finaliser.justify(block.justification, block.header.number, block_hash, now)
        return self._tell(justified, now)

    def _import(self, block: Received, source: PeerId | None, now: int) -> list[NodeEffect]:
        """All stages of a foreign block, and finality by the justification that came with it."""
        stored = self._importer.import_block(block, now)
        # A block that comes with its proof of finality is history: nobody needs to vote for it.
        effects = self._stored(stored, source, now, vote=block.justification is None)
        data = BlockData(block.header, block.extrinsics, block.justification)
        return [*effects, *self._justify(data, stored.hash, now)]

    def _stored(
        self, stored: Stored, source: PeerId | None, now: int, *, vote: bool = True
    ) -> list[NodeEffect]:
        """Everybody hears of a block that is durable now."""
        block = block_imported(self._store, stored)
        effects: list[NodeEffect] = [block]
        if self._peers and not self._sync.is_major_syncing:
            effects.append(SendToAll(BlockAnnounce(block.header, stored.is_best), source))
        proof = self._detector.observe(stored.executed.verified.checked)
        if proof is not None:
            log.warn("Two blocks of one author in one slot", slot=proof.slot, author=proof.offender)
            effects += self._submit(self._evidence.of_blocks(proof), "a block equivocation")
        effects += self._finality(BlockStored(block.header), now)
        if stored.is_best and vote:
            effects += self._finality(BestBlock(stored.hash, stored.number), now)
        return effects

    def _submit(self, report: bytes | None, what: str) -> list[NodeEffect]:
        return [Submit(report, what)] if report is not None else []

    # -- finality -----------------------------------------------------------------------------------------

    def _finality(self, event: FinalityInput, now: int) -> list[NodeEffect]:
        return self._tell(self._finaliser.handle(event, now), now)

    def _tell(self, outcomes: list[FinalityOutcome], now: int) -> list[NodeEffect]:
        effects = list[NodeEffect]()
        for outcome in outcomes:
            match outcome:
                case BlockFinalised(justification, _, moved):
                    if moved is not None:
                        effects.append(self._head_chosen(moved))
                    effects.append(outcome)
                    final = sync.Finalised(justification.target_hash, justification.target_number)
                    effects += self._synchronise(final, now)
                case BroadcastVotes(votes):
                    effects.append(SendToAll(Finality(Votes(votes))))
                case BroadcastJustification(justification):
                    effects.append(SendToAll(Finality(Commit(justification))))
                case BroadcastNeighbour(neighbour):
                    effects.append(SendToAll(Finality(neighbour)))
                case SendTo(peer, message):
                    effects.append(Send(PeerId(peer), Finality(message)))
                case FetchBlock(block, number, peer):
                    holder = PeerId(peer) if peer is not None else None
                    effects += self._synchronise(sync.Wanted(block, number, holder), now)
                case ReportEquivocation(evidence):
                    voters = self._finaliser.voters
                    log.warn("Two votes of one voter in one round", voter=evidence.first.voter)
                    report = self._evidence.of_votes(evidence, voters)
                    effects += self._submit(report, "a vote equivocation")
                case ReportPeer(peer, fault):
                    effects.append(Report(PeerId(peer), PeerFault.BAD_VOTE, fault.value))
        return effects

    def _head_chosen(self, moved: HeadMoved) -> HeadChosen:
        header = self._store.header(moved.head.hash)
        assert header is not None, "the head is stored"
        return HeadChosen(BlockImported(moved.head.hash, header, moved.route, {}, moved.returned))

    def _wake_up(self) -> list[NodeEffect]:
        times = [time for time in (self._finaliser.wake_at, self._sync_wake) if time is not None]
        wake = min(times, default=None)
        if wake is None or wake == self._wake:
            return []
        self._wake = wake
        return [WakeAt(wake)]
