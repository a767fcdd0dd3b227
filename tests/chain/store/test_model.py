"""Any sequence of commits, reorganisations, finality, reverts and restarts, against dictionaries."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from chain.store import (
    CacheLimits,
    KeyValue,
    LevelDB,
    MemoryKeyValue,
    Pruning,
    StateDiscarded,
    Store,
    audit,
)
from runtime.primitives.hashing import blake2_256
from tests.chain.store.support import GENESIS_STATE, LONG, applied, genesis, grow, state_of

KEYS = st.sampled_from(
    [b"alice", b"bob", b"carol", b"dave", b"erin/1", b"erin/2", b"erin/3", b"al", b"f" * 40]
)
VALUES = st.none() | st.sampled_from([b"", b"1", LONG, b"z" * 33, b"x" * 40])
CHANGES = st.dictionaries(KEYS, VALUES, max_size=4)
ARTIFACTS = st.sampled_from([b"model one", b"model two", b"model three"])
TINY_CACHES = CacheLimits(flat_values=2_000, trie_nodes=4)
"""So small that entries are evicted all the time."""


@dataclass
class Block:
    """What the model knows of a block."""

    number: int
    parent: bytes
    state: dict[bytes, bytes]
    artifact: bytes | None = None
    receipt: bytes | None = None
    children: list[bytes] = field(default_factory=list)


class StoreModel(RuleBasedStateMachine):
    """The store beside a dictionary of whole states."""

    blocks_seen = Bundle("blocks_seen")

    def open_kv(self) -> KeyValue:
        return MemoryKeyValue()

    def restart_kv(self) -> KeyValue:
        return self.kv

    @initialize(target=blocks_seen, pruning=st.sampled_from(["archive", "archive-canonical", "1", "2", "5"]))
    def start(self, pruning: str) -> bytes:
        self.pruning = Pruning.parse(pruning)
        self.kv = self.open_kv()
        self.store = Store.open(self.kv, genesis(), self.pruning, TINY_CACHES)
        first = self.store.genesis_hash
        self.model = {first: Block(0, bytes(32), dict(GENESIS_STATE))}
        self.genesis_hash = self.best = self.final = first
        self.oldest = 0
        self.salt = 0
        return first

    def ancestors(self, block: bytes) -> list[bytes]:
        """The block and its ancestors, newest first."""
        chain = [block]
        while self.model[chain[-1]].number:
            chain.append(self.model[chain[-1]].parent)
        return chain

    def can_win(self, block: bytes) -> bool:
        return block in self.model and self.final in self.ancestors(block)

    def forget(self, blocks: list[bytes]) -> None:
        for block in blocks:
            self.model[self.model[block].parent].children.remove(block)
        for block in blocks:
            del self.model[block]

    @rule(
        target=blocks_seen,
        parent=blocks_seen,
        on_best=st.booleans(),
        changes=CHANGES,
        is_best=st.booleans(),
        artifact=st.none() | ARTIFACTS,
        receipt=st.none() | st.sampled_from([b"receipt 1", b"receipt 2"]),
    )
    def commit(
        self,
        parent: bytes,
        on_best: bool,
        changes: dict[bytes, bytes | None],
        is_best: bool,
        artifact: bytes | None,
        receipt: bytes | None,
    ) -> bytes:
        parent = self.best if on_best or not self.can_win(parent) else parent
        self.salt += 1
        salt = self.salt.to_bytes(4, "big")
        more = {
            "artifacts": {blake2_256(artifact): artifact} if artifact else {},
            "receipts": {receipt: salt} if receipt else {},
        }
        block = grow(self.store, parent, changes, salt=salt, is_best=is_best, **more)
        before = self.model[parent]
        self.model[block] = Block(
            before.number + 1, parent, applied(before.state, changes), artifact, receipt
        )
        before.children.append(block)
        if is_best:
            self.best = block
        return block

    @rule(block=blocks_seen)
    def follow_another_fork(self, block: bytes) -> None:
        if self.can_win(block):
            route = self.store.set_best(block)
            assert (route.common, *route.enacted)[-1] == block
            self.best = block

    @rule(block=blocks_seen, on_best=st.booleans(), depth=st.integers(0, 3))
    def finalize(self, block: bytes, on_best: bool, depth: int) -> None:
        if on_best:
            chain = self.ancestors(self.best)
            block = chain[min(depth, len(chain) - 1)]
        if not self.can_win(block):
            return
        answer = self.store.finalize(block, b"proof")
        chain = self.ancestors(block)
        assert list(answer.enacted) == chain[: chain.index(self.final)][::-1]
        if block not in self.ancestors(self.best):
            assert answer.route is not None
            self.best = block
        self.final = block
        losers = [other for other in self.model if block not in self.ancestors(other) and other not in chain]
        assert set(answer.discarded) <= set(losers)
        if not self.pruning.keeps_forks:
            assert set(answer.discarded) == set(losers)
            self.forget(losers)
        if self.pruning.kept_states:
            self.oldest = max(self.oldest, self.model[block].number - self.pruning.kept_states + 1)

    @rule(back=st.integers(0, 4), force=st.booleans())
    def revert(self, back: int, force: bool) -> None:
        floor = 0 if force else self.model[self.final].number
        number = max(self.model[self.best].number - back, floor)
        if number < self.oldest:
            with pytest.raises(StateDiscarded):
                self.store.revert(back, force=force)
            return
        self.store.revert(back, force=force)
        chain = self.ancestors(self.best)
        self.best = chain[len(chain) - 1 - number]
        if self.model[self.final].number > number:
            self.final = self.best
        self.forget([block for block, record in self.model.items() if record.number > number])

    @rule()
    def restart(self) -> None:
        self.kv = self.restart_kv()
        self.store = Store.open(self.kv, genesis(), self.pruning, TINY_CACHES)

    @invariant()
    @precondition(lambda self: hasattr(self, "store"))
    def heads_tree_and_states_agree(self) -> None:
        store = self.store
        assert store.best().hash == self.best
        assert store.finalized().hash == self.final
        assert store.oldest_state == self.oldest
        chain = self.ancestors(self.best)[::-1]
        assert [store.block_hash(number) for number in range(len(chain) + 1)] == [*chain, None]
        leaves = {b for b, record in self.model.items() if not record.children and self.can_win(b)}
        assert {leaf.hash for leaf in store.leaves()} == leaves
        for block, record in self.model.items():
            assert store.children(block) == tuple(sorted(record.children))
            assert store.has_state(block) == (record.number >= self.oldest)
            if record.number >= self.oldest:
                assert state_of(store, block) == record.state
                assert not record.artifact or store.artifact(blake2_256(record.artifact)) == record.artifact
            else:
                with pytest.raises(StateDiscarded):
                    store.state_at(block)

    @invariant()
    @precondition(lambda self: hasattr(self, "store"))
    def nothing_is_leaked_or_missing(self) -> None:
        report = audit(self.kv)
        assert report.is_sound, report
        kept = {record.artifact for record in self.model.values()}
        for artifact in (b"model one", b"model two", b"model three"):
            assert (self.store.artifact(blake2_256(artifact)) is not None) == (artifact in kept)
        on_best = {self.model[block].receipt for block in self.ancestors(self.best)}
        for receipt in (b"receipt 1", b"receipt 2"):
            assert (self.store.receipt(receipt) is not None) == (receipt in on_best)

    def teardown(self) -> None:
        if hasattr(self, "kv"):
            self.kv.close()


class LevelStoreModel(StoreModel):
    """The same on LevelDB, closed and opened at each restart."""

    def open_kv(self) -> KeyValue:
        self.folder = Path(tempfile.mkdtemp())
        return LevelDB.open(self.folder)

    def restart_kv(self) -> KeyValue:
        self.kv.close()
        return LevelDB.open(self.folder)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


_QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

TestModelInMemory = StoreModel.TestCase
TestModelInMemory.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=_QUIET
)
TestModelOnLevelDB = LevelStoreModel.TestCase
TestModelOnLevelDB.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=_QUIET
)
