"""The node's core: which part hears of what, and in which order."""

from collections.abc import Callable

from chain.authoring import Author
from chain.core.events import (
    BlockOffered,
    Continued,
    HeadChosen,
    NodeEffect,
    NodeInput,
    Report,
    Send,
    SendToAll,
    SlotBegan,
    VoteWanted,
    WakeAt,
    Woke,
)
from chain.finalising import BlockFinalised, Finaliser, FinalityOutcome, HeadMoved
from chain.importing import Received, Stored
from chain.notifications import BlockImported, block_imported
from chain.opening import Chain
from consensus.finality.events import (
    BestBlock,
    BlockStored,
    BroadcastJustification,
    BroadcastNeighbour,
    BroadcastVotes,
    FinalityInput,
    LocalTimeout,
    ReportPeer,
    SendTo,
)
from consensus.finality.gossip import Commit, Votes
from network.messages import Finality, PeerFault, PeerId


class NodeCore:
    """One node's decisions over an opened chain.

    `author` None: this node builds no blocks. `clock_ms` is read only for the deadline of an own block.
    """

    def __init__(
        self, chain: Chain, author: Author | None, finaliser: Finaliser, clock_ms: Callable[[], int]
    ) -> None:
        self._chain = chain
        self._store = chain.store
        self._importer = chain.importer
        self._author = author
        self._finaliser = finaliser
        self._clock = clock_ms
        self._wake: int | None = None

    @property
    def finaliser(self) -> Finaliser:
        """The own part in finality."""
        return self._finaliser

    def start(self, now: int) -> list[NodeEffect]:
        """Go on where the database stops; call it once, first."""
        return [*self._tell(self._finaliser.start(now)), *self._wake_up()]

    def handle(self, event: NodeInput, now: int) -> list[NodeEffect]:
        """React to one event at unix time `now` (ms). Raises `RejectedBlock` for an offered block."""
        effects = list[NodeEffect]()
        match event:
            case SlotBegan():
                effects += self._build(event, now)
            case BlockOffered(block):
                effects += self._import(block, now)
            case VoteWanted(block_hash, number):
                effects += self._finality(BestBlock(block_hash, number), now)
            case Woke():
                self._wake = None
                if self._finaliser.wake_at is not None and now >= self._finaliser.wake_at:
                    effects += self._finality(LocalTimeout(), now)
            case Continued():
                pass
        return effects + self._wake_up()

    # -- blocks -------------------------------------------------------------------------------------------

    def _build(self, began: SlotBegan, now: int) -> list[NodeEffect]:
        assert self._author is not None, "only an author is told of slots"
        authored = self._author.author(began.slot, self._clock, lambda: list(began.transactions))
        if authored is None:
            return []
        return [authored, *self._stored(authored.stored, now, vote=began.finalise)]

    def _import(self, block: Received, now: int) -> list[NodeEffect]:
        """All stages of a foreign block, and finality by the justification that came with it."""
        stored = self._importer.import_block(block, now)
        effects = self._stored(stored, now)
        if block.justification is not None:
            effects += self._tell(
                self._finaliser.justify(block.justification, stored.number, stored.hash, now)
            )
        return effects

    def _stored(self, stored: Stored, now: int, *, vote: bool = True) -> list[NodeEffect]:
        """Everybody hears of a block that is durable now."""
        block = block_imported(self._store, stored)
        effects: list[NodeEffect] = [block]
        effects += self._finality(BlockStored(block.header), now)
        if stored.is_best and vote:
            effects += self._finality(BestBlock(stored.hash, stored.number), now)
        return effects

    # -- finality -----------------------------------------------------------------------------------------

    def _finality(self, event: FinalityInput, now: int) -> list[NodeEffect]:
        return self._tell(self._finaliser.handle(event, now))

    def _tell(self, outcomes: list[FinalityOutcome]) -> list[NodeEffect]:
        effects = list[NodeEffect]()
        for outcome in outcomes:
            match outcome:
                case BlockFinalised(moved=moved):
                    if moved is not None:
                        effects.append(self._head_chosen(moved))
                    effects.append(outcome)
                case BroadcastVotes(votes):
                    effects.append(SendToAll(Finality(Votes(votes))))
                case BroadcastJustification(justification):
                    effects.append(SendToAll(Finality(Commit(justification))))
                case BroadcastNeighbour(neighbour):
                    effects.append(SendToAll(Finality(neighbour)))
                case SendTo(peer, message):
                    effects.append(Send(PeerId(peer), Finality(message)))
                case ReportPeer(peer, fault):
                    effects.append(Report(PeerId(peer), PeerFault.BAD_VOTE, fault.value))
        return effects

    def _head_chosen(self, moved: HeadMoved) -> HeadChosen:
        header = self._store.header(moved.head.hash)
        assert header is not None, "the head is stored"
        return HeadChosen(BlockImported(moved.head.hash, header, moved.route, {}, moved.returned))

    def _wake_up(self) -> list[NodeEffect]:
        wake = self._finaliser.wake_at
        if wake is None or wake == self._wake:
            return []
        self._wake = wake
        return [WakeAt(wake)]
