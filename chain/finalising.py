"""Carrying out the finality core's effects on this machine: journal, sign, check, make final.

Synchronous, on the thread that writes to the database. The order of effects is the core's: a vote is durable
before it is signed, a justification before anybody hears of it. What concerns others (peers, the chain
itself) is handed on, in order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from chain.importing import RejectedBlock, RejectionReason
from chain.logs import Log
from chain.store import BlockRef, Finalized, Store, TreeRoute
from consensus.authorities import VoterSet
from consensus.finality.bls import BlsKey
from consensus.finality.chain import ChainView
from consensus.finality.changes import AUTHORITY_RECORD, AuthorityRecord, find_scheduled_change
from consensus.finality.core import FinalityCore
from consensus.finality.events import (
    BestBlock,
    BlockStored,
    BroadcastJustification,
    BroadcastNeighbour,
    BroadcastVotes,
    CheckVotes,
    FetchBlock,
    Finalise,
    FinalityEffect,
    FinalityInput,
    JustificationReceived,
    LocalTimeout,
    PersistVotes,
    ReportEquivocation,
    ReportPeer,
    SendTo,
    SignVote,
    VotesChecked,
    VoteSigned,
    WakeAt,
)
from consensus.finality.journal import ROUND_RECORD
from consensus.finality.justification import InvalidJustification, Justification
from consensus.finality.messages import Vote
from consensus.finality.scheme import BLS
from consensus.finality.voting import Times
from consensus.fork_tree import ForkTree
from runtime.primitives.scale import InvalidScale

VOTE_RECORD = b"finality/vote"
"""The newest votes of this node (a `RoundRecord`); synced before they are signed."""

AUTHORITIES_RECORD = b"finality/authorities"
"""Who rules now (an `AuthorityRecord`); written with the final block that changed it."""

HANDOVER_PREFIX = b"finality/handover/"
"""Followed by a set id (8 bytes, big endian): the hash of the final block that ended the set."""

RECENT_HANDOVERS = 16
"""Handovers given to the core when it starts, for peers that lag by so many sets."""

log = Log("finality")


@dataclass(frozen=True, slots=True)
class BlockFinalised:
    """A block became final; `result` lists the newly final hashes, oldest first.

    `moved` is set where the best block lay on a branch that finality gave up.
    """

    justification: Justification
    result: Finalized
    moved: "HeadMoved | None" = None


@dataclass(frozen=True, slots=True)
class HeadMoved:
    """The head is another block, known before. `returned`: the bodies of the blocks left, by hash."""

    head: BlockRef
    route: TreeRoute
    returned: Mapping[bytes, tuple[bytes, ...]]


FinalityOutcome: TypeAlias = (
    BlockFinalised
    | BroadcastJustification
    | BroadcastVotes
    | BroadcastNeighbour
    | SendTo
    | FetchBlock
    | ReportEquivocation
    | ReportPeer
)


class FinalityKeys(Protocol):
    """Whoever holds finality keys: the keystore."""

    def finality_keys(self) -> Sequence[BlsKey]:
        """All finality keys, in a fixed order."""
        ...


class Finaliser:
    """This node's part in finality: a voter in the sets that hold one of its `keys`, an observer otherwise.

    `genesis` is who rules before the first handover; `keys` None: never a voter.
    """

    def __init__(
        self,
        store: Store,
        tree: ForkTree,
        genesis: AuthorityRecord,
        keys: FinalityKeys | None,
        times: Times | None = None,
    ) -> None:
        journal = store.aux(VOTE_RECORD)
        self._store = store
        self._tree = tree
        self._keys = keys
        self._core = FinalityCore(
            read_authorities(store) or genesis,
            lambda: {key.public for key in self._held()},
            ChainView(tree, store.header),
            ROUND_RECORD.decode(journal) if journal is not None else None,
            handovers=recent_handovers(store),
            times=times,
        )
        self.wake_at: int | None = None

    @property
    def round(self) -> int:
        """The newest round voted in."""
        return self._core.round

    @property
    def voters(self) -> VoterSet:
        """The voter set that rules."""
        return self._core.voters

    def start(self, now_ms: int) -> list[FinalityOutcome]:
        """Tell the core of everything above the last final block: a node goes on where it stopped."""
        outcomes = list[FinalityOutcome]()
        pending = list(self._store.children(self._tree.root.hash))
        while pending:
            block_hash = pending.pop(0)
            header = self._store.header(block_hash)
            assert header is not None, "the store lists only blocks that it holds"
            outcomes += self.handle(BlockStored(header), now_ms)
            pending += self._store.children(block_hash)
        best = self._tree.best
        return outcomes + self.handle(BestBlock(best.hash, best.number), now_ms)

    def handle(self, event: FinalityInput, now_ms: int) -> list[FinalityOutcome]:
        """React to one event at unix time `now_ms`. Raises what the core does: `InvalidJustification`,
        `InvalidHeader`.
        """
        outcomes = list[FinalityOutcome]()
        if isinstance(event, LocalTimeout):
            self.wake_at = None
        for effect in self._core.handle(event, now_ms):
            outcomes += self._carry_out(effect, now_ms)
        return outcomes

    def justify(self, encoded: bytes, number: int, block_hash: bytes, now_ms: int) -> list[FinalityOutcome]:
        """Make final what a stored block's own justification proves; nothing where it is of a set to come.

        Raises `RejectedBlock`.
        """
        try:
            justification = Justification.decode(encoded)
            if justification.target_hash != block_hash:
                detail = f"it is for 0x{justification.target_hash.hex()}"
                raise RejectedBlock(RejectionReason.JUSTIFICATION, number, block_hash, detail)
            return self.handle(JustificationReceived(justification), now_ms)
        except (InvalidScale, InvalidJustification) as error:
            raise RejectedBlock(RejectionReason.JUSTIFICATION, number, block_hash, str(error)) from error

    def _carry_out(self, effect: FinalityEffect, now_ms: int) -> list[FinalityOutcome]:
        match effect:
            case PersistVotes(record):
                self._store.write_aux({VOTE_RECORD: ROUND_RECORD.encode(record)}, sync=True)
            case SignVote(vote):
                return self.handle(VoteSigned(vote, self._sign(vote)), now_ms)
            case CheckVotes():
                valid = BLS.verify_votes(effect.votes, effect.voters)
                return self.handle(VotesChecked(effect, valid), now_ms)
            case WakeAt(unix_ms):
                self.wake_at = unix_ms
            case Finalise(justification, authorities):
                return [self._finalise(justification, authorities)]
            case _:
                return [effect]
        return []

    def _held(self) -> Sequence[BlsKey]:
        return self._keys.finality_keys() if self._keys is not None else ()

    def _sign(self, vote: Vote) -> bytes:
        voters = self._core.voters
        key = next((one for one in self._held() if voters.index_of(one.public) is not None), None)
        assert key is not None, "only a voter is asked to sign"
        return key.sign(vote.payload())

    def _finalise(self, justification: Justification, authorities: AuthorityRecord | None) -> BlockFinalised:
        block_hash = justification.target_hash
        aux = dict[bytes, bytes | None]()
        if authorities is not None:
            aux[AUTHORITIES_RECORD] = AUTHORITY_RECORD.encode(authorities)
            if authorities.set_id != justification.set_id:
                aux[handover_key(justification.set_id)] = block_hash
        moved = None
        if not self._tree.is_ancestor(block_hash, self._tree.best.hash):
            moved = self._leave_for(self._tree.best_above(block_hash).hash)
        result = self._store.finalize(block_hash, justification.encode(), aux=aux, sync=True)
        self._tree.finalise(block_hash)
        log.info("Finalised", number=justification.target_number, hash=block_hash)
        return BlockFinalised(justification, result, moved)

    def _leave_for(self, head: bytes) -> HeadMoved:
        """Follow finality to another branch, and keep what the old one held before it is deleted."""
        route = self._store.set_best(head)
        log.info("Reorganised by finality", head=head, retracted=len(route.retracted))
        return HeadMoved(self._store.best(), route, bodies_of(self._store, route.retracted))


def read_authorities(store: Store) -> AuthorityRecord | None:
    """Who rules by the final chain; None before the first handover was announced."""
    record = store.aux(AUTHORITIES_RECORD)
    return AUTHORITY_RECORD.decode(record) if record is not None else None


def handover_key(set_id: int) -> bytes:
    """The name of the record of the block that ended a voter set."""
    return HANDOVER_PREFIX + set_id.to_bytes(8, "big")


def handovers_from(store: Store, set_id: int) -> Iterator[bytes]:
    """The hashes of the blocks that ended voter set `set_id` and those after it, in order."""
    for name, block_hash in store.aux_items(HANDOVER_PREFIX):
        if name >= handover_key(set_id):
            yield block_hash


def recent_handovers(store: Store) -> list[Justification]:
    """The justifications that ended the last voter sets."""
    current = read_authorities(store)
    if current is None:
        return []
    oldest = max(current.set_id - RECENT_HANDOVERS, 0)
    found = [store.justification(one) for one in handovers_from(store, oldest)]
    return [Justification.decode(encoded) for encoded in found if encoded is not None]


class UnknownVoterSet(Exception):
    """A voter set that this database knows nothing of."""

    def __init__(self, set_id: int) -> None:
        super().__init__(
            f"voter set {set_id} is not known here: the block that hands over to it is not final"
        )
        self.set_id = set_id


def voters_of(store: Store, genesis: AuthorityRecord, set_id: int) -> VoterSet:
    """A voter set that rules or has ruled, from the header that announced it. Raises `UnknownVoterSet`."""
    if set_id == genesis.set_id:
        return genesis.voters()
    block_hash = store.aux(handover_key(set_id - 1)) if set_id > 0 else None
    header = store.header(block_hash) if block_hash is not None else None
    change = find_scheduled_change(header) if header is not None else None
    if change is None:
        raise UnknownVoterSet(set_id)
    return VoterSet(set_id, change.next_voters)


def bodies_of(store: Store, blocks: Iterable[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    """The extrinsics of blocks, by hash."""
    return {block: store.body(block) or () for block in blocks}
