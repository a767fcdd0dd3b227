"""An authority's blocks: the authoring core's effects carried out, from a slot to a stored block.

Synchronous, on the node's one writer thread. A sealed block takes the importer's path; only its execution is
not repeated, since this node has just done it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chain.authoring.proposer import Proposal, Proposer
from chain.importing import BlockImporter, Executed, HeaderChecker, Received, Stored
from chain.importing.rules import disabled_authors
from chain.pool import PoolTransaction
from chain.store import Store
from consensus.authoring import (
    CLAIM_RECORD,
    AuthoringCore,
    BuildBlock,
    PersistClaim,
    ProposalBuilt,
    PublishBlock,
    SlotReached,
)
from consensus.digest import pre_digest_item, slot_of_header
from consensus.keys import SessionKey
from consensus.slots import slot_start
from runtime.primitives.header import Header

CLAIM_KEY = b"authoring/claim"
"""The newest slot claim of this node; it becomes durable in the same batch as the block."""


@dataclass(frozen=True, slots=True)
class Authored:
    """A block that this node built and stored."""

    stored: Stored
    proposal: Proposal


class BlockKeys(Protocol):
    """Whoever holds block keys: the keystore."""

    def block_keys(self) -> Sequence[SessionKey]:
        """All block keys, in a fixed order."""
        ...


class Author:
    """Builds blocks with whichever of its keys may author the slot; never two blocks in one slot."""

    def __init__(
        self,
        store: Store,
        importer: BlockImporter,
        proposer: Proposer,
        checker: HeaderChecker,
        keys: BlockKeys,
    ) -> None:
        journal = store.aux(CLAIM_KEY)
        self._claim = CLAIM_RECORD.decode(journal) if journal is not None else None
        self._store = store
        self._importer = importer
        self._proposer = proposer
        self._checker = checker
        self._keys = keys

    def author(
        self,
        slot: int,
        clock_ms: Callable[[], int],
        transactions: Callable[[], list[PoolTransaction]],
    ) -> Authored | None:
        """Build, seal and store a block in `slot` on the best chain, or None where the slot is not ours.

        `transactions` is asked when building begins. A slot ahead of the clock (instant and manual sealing)
        has its own start as the time.
        """
        best = self._store.header(self._store.best().hash)
        assert best is not None, "the store holds its best block"
        duration = self._checker.slot_duration_ms
        now = max(clock_ms(), slot_start(slot, duration))
        state = self._store.state_at(best.hash())
        epoch = self._checker.epoch_for(state, slot)
        disabled = disabled_authors(state, slot)
        reached = SlotReached(slot, best, slot_of_header(best), epoch)
        for key in self._keys.block_keys():
            index = epoch.authorities.index_of(key.public)
            if index is None or index in disabled:
                continue
            core = AuthoringCore(key, duration, self._claim)
            for effect in core.handle(reached, now):
                assert isinstance(effect, BuildBlock), "a slot that is reached only ever starts a block"
                return self._build(core, effect, best, now, clock_ms, transactions)
        return None

    def _build(
        self,
        core: AuthoringCore,
        build: BuildBlock,
        parent: Header,
        now: int,
        clock_ms: Callable[[], int],
        transactions: Callable[[], list[PoolTransaction]],
    ) -> Authored:
        # The deadline is in the slot's time, which may run ahead of the clock.
        ends = clock_ms() + build.deadline_ms - now
        claim = pre_digest_item(build.claim.pre_digest)
        proposal = self._proposer.propose(parent, claim, now, transactions(), lambda: clock_ms() >= ends)
        record: dict[bytes, bytes | None] = {}
        for effect in core.handle(ProposalBuilt(build.claim.slot, proposal.header), now):
            match effect:
                case PersistClaim(claim_record):
                    self._claim = claim_record
                    record[CLAIM_KEY] = CLAIM_RECORD.encode(claim_record)
                case PublishBlock(header):
                    return Authored(self._store_own(header, proposal, now, record), proposal)
        raise AssertionError("a proposal for the slot being built is always sealed")

    def _store_own(
        self, header: Header, proposal: Proposal, now: int, record: dict[bytes, bytes | None]
    ) -> Stored:
        verified = self._importer.verify(Received(header, proposal.extrinsics), now)
        return self._importer.store(Executed(verified, proposal.execution, proposal.trie), record)
