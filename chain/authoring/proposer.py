"""Filling a block: inherents, then the pool's transactions in order, until a limit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from chain.pool import PoolTransaction
from chain.store import Store
from runtime.executive import BlockBuilder, Execution, Runtime
from runtime.frame.errors import InvalidTransaction, TransactionKind
from runtime.frame.inherents import InherentData
from runtime.primitives.digest import Digest, PreRuntime
from runtime.primitives.header import Header
from runtime.primitives.trie import TrieUpdate

MAX_SKIPPED = 8
"""Transactions that did not fit before the block counts as full: Substrate's `MAX_SKIPPED_TRANSACTIONS`."""


class EndReason(Enum):
    """Why a proposal ended; the label of Substrate's `substrate_proposer_end_proposal_reason`."""

    NO_MORE_TRANSACTIONS = "no_more_transactions"
    DEADLINE = "hit_deadline"
    BLOCK_FULL = "hit_block_weight_limit"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A complete block without its seal, and what it does.

    `invalid` are pool transactions that turned out invalid; `ended` says why no more came in.
    """

    header: Header
    extrinsics: tuple[bytes, ...]
    execution: Execution
    trie: TrieUpdate
    included: tuple[bytes, ...]
    invalid: tuple[bytes, ...]
    ended: EndReason


class Proposer:
    """Builds proposals on any block whose state is held."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime

    def propose(
        self,
        parent: Header,
        claim: PreRuntime,
        timestamp: int,
        transactions: Iterable[PoolTransaction],
        out_of_time: Callable[[], bool],
    ) -> Proposal:
        """Build a child of `parent` that carries the slot `claim` and the time `timestamp` (ms)."""
        parent_hash = parent.hash()
        builder = self._runtime.begin_block(parent, Digest((claim,)), self._store.state_at(parent_hash))
        builder.inherents(InherentData(timestamp))
        included, invalid, ended = _fill(builder, transactions, out_of_time)
        extrinsics, execution = builder.finish()
        update = self._store.trie_update(parent_hash, execution.changes)
        header = Header(
            parent_hash, parent.number + 1, update.root, execution.extrinsics_root, execution.digest
        )
        return Proposal(header, tuple(extrinsics), execution, update, included, invalid, ended)


def _fill(
    builder: BlockBuilder, transactions: Iterable[PoolTransaction], out_of_time: Callable[[], bool]
) -> tuple[tuple[bytes, ...], tuple[bytes, ...], EndReason]:
    included: list[bytes] = []
    invalid: list[bytes] = []
    skipped = 0
    for transaction in transactions:
        if out_of_time():
            return tuple(included), tuple(invalid), EndReason.DEADLINE
        try:
            builder.apply(transaction.encoded)
        except InvalidTransaction as refused:
            if refused.kind is TransactionKind.EXHAUSTS_RESOURCES:
                skipped += 1
                if skipped > MAX_SKIPPED:
                    return tuple(included), tuple(invalid), EndReason.BLOCK_FULL
            elif refused.kind is not TransactionKind.FUTURE:
                invalid.append(transaction.hash)
        else:
            included.append(transaction.hash)
    return tuple(included), tuple(invalid), EndReason.NO_MORE_TRANSACTIONS
