"""Carrying out the finality core's effects: journal, sign, make final, tell the others.

Synchronous, on the node's one writer thread. The order of effects is the core's: a vote is durable before it
is signed, a justification before it is announced.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chain.importing import BlockImporter
from chain.logs import Log
from chain.store import Finalized, Store
from consensus.authorities import VoterSet
from consensus.finality.bls import BlsKey
from consensus.finality.chain import ChainView
from consensus.finality.changes import AuthorityRecord
from consensus.finality.core import FinalityCore
from consensus.finality.events import (
    BestBlock,
    BroadcastJustification,
    CheckVotes,
    Finalise,
    FinalityEffect,
    FinalityInput,
    JustificationReceived,
    LocalTimeout,
    PersistVotes,
    SignVote,
    VotesChecked,
    VoteSigned,
    WakeAt,
)
from consensus.finality.journal import ROUND_RECORD
from consensus.finality.justification import Justification
from consensus.finality.messages import Vote
from consensus.finality.scheme import BLS

VOTE_RECORD = b"finality/vote"
"""The newest votes of this node (a `RoundRecord`); synced before they are signed."""

log = Log("finality")


@dataclass(frozen=True, slots=True)
class BlockFinalised:
    """A block became final; `enacted` are the newly final hashes, oldest first."""

    justification: Justification
    result: Finalized


class Finaliser:
    """This node's part in finality: a voter where `key` belongs to the voter set, an observer otherwise.

    `announce` hears of each block that became final, after it is durable.
    """

    def __init__(
        self,
        store: Store,
        importer: BlockImporter,
        voters: VoterSet,
        key: BlsKey | None,
        announce: Callable[[BlockFinalised], None],
    ) -> None:
        journal = store.aux(VOTE_RECORD)
        record = ROUND_RECORD.decode(journal) if journal is not None else None
        chain = ChainView(importer.tree, store.header)
        authorities = AuthorityRecord(voters.set_id, voters.members)
        self._core = FinalityCore(authorities, key.public if key is not None else None, chain, record)
        self._store = store
        self._importer = importer
        self._key = key
        self._announce = announce
        self.wake_at: int | None = None

    @property
    def round(self) -> int:
        """The newest round voted in."""
        return self._core.round

    def best_block(self, block_hash: bytes, number: int, now_ms: int) -> None:
        """The head of the best chain moved."""
        self._run(BestBlock(block_hash, number), now_ms)

    def justification(self, justification: Justification, now_ms: int) -> None:
        """One came with a block or from a peer. Raises `InvalidJustification`."""
        self._run(JustificationReceived(justification), now_ms)

    def timeout(self, now_ms: int) -> None:
        """The time in `wake_at` has come."""
        self.wake_at = None
        self._run(LocalTimeout(), now_ms)

    def _run(self, event: FinalityInput, now_ms: int) -> None:
        for effect in self._core.handle(event, now_ms):
            self._carry_out(effect, now_ms)

    def _carry_out(self, effect: FinalityEffect, now_ms: int) -> None:
        match effect:
            case PersistVotes(record):
                self._store.write_aux({VOTE_RECORD: ROUND_RECORD.encode(record)}, sync=True)
            case SignVote(vote):
                self._run(VoteSigned(vote, self._sign(vote)), now_ms)
            case WakeAt(unix_ms):
                self.wake_at = unix_ms
            case CheckVotes():
                valid = BLS.verify_votes(effect.votes, effect.voters)
                self._run(VotesChecked(effect, valid), now_ms)
            case Finalise(justification):
                self._finalise(justification)
            case BroadcastJustification(justification):
                log.debug("Justification ready for peers", number=justification.target_number)
            case _:
                log.debug("Ready for peers", effect=type(effect).__name__)

    def _sign(self, vote: Vote) -> bytes:
        assert self._key is not None, "only a voter is asked to sign"
        return self._key.sign(vote.payload())

    def _finalise(self, justification: Justification) -> None:
        block_hash = justification.target_hash
        self._importer.tree.finalise(block_hash)
        result = self._store.finalize(block_hash, justification.encode(), sync=True)
        log.info("Finalised", number=justification.target_number, hash=block_hash)
        self._announce(BlockFinalised(justification, result))
