"""What the store answers, block by block."""

import threading

import pytest

from chain.store import (
    BlockExists,
    BlockRef,
    CacheLimits,
    DatabaseCorrupt,
    DatabaseWriteFailed,
    KeyValue,
    MemoryKeyValue,
    NotOnFinalizedChain,
    Pruning,
    StateDiscarded,
    Store,
    TreeRoute,
    UnknownBlock,
    UnknownParent,
    audit,
    opening,
)
from chain.store.finality import MAX_STATES_PRUNED_AT_ONCE
from chain.store.kv import Batch
from chain.store.nodes import Counted
from chain.store.schema import NODE
from runtime.primitives.hashing import blake2_256
from runtime.primitives.trie import prove, verify_proof
from tests.chain.store.support import (
    GENESIS_STATE,
    LONG,
    MODEL,
    FragileKeyValue,
    applied,
    commit_of,
    committed,
    genesis,
    grow,
    state_of,
)

NOWHERE = b"\x77" * 32


def test_the_genesis_block_is_best_finalised_and_readable(store: Store) -> None:
    first = BlockRef(0, genesis().header.hash())
    assert store.best() == store.finalized() == first
    assert store.genesis_hash == store.block_hash(0) == first.hash
    assert store.header(first.hash) == genesis().header
    assert store.body(first.hash) == ()
    assert store.leaves() == (first,)
    assert state_of(store, first.hash) == GENESIS_STATE
    assert store.artifact(blake2_256(MODEL)) == MODEL
    assert store.state_at(first.hash).artifact(blake2_256(MODEL)) == MODEL


def test_a_block_is_stored_with_everything_that_belongs_to_it(store: Store) -> None:
    parent = store.genesis_hash
    commit = commit_of(
        store,
        parent,
        {b"alice": b"90", b"bob": None},
        salt=b"one",
        artifacts={b"\x01" * 32: b"weights"},
        receipts={b"\x02" * 32: b"receipt"},
        aux={b"slot": b"7"},
    )
    answer = store.commit_block(commit)
    block = commit.header.hash()
    assert answer.block == store.best() == BlockRef(1, block)
    assert answer.route == TreeRoute((), parent, (block,))
    assert store.header(block) == commit.header
    assert store.body(block) == tuple(commit.body)
    assert store.outcome(block) == b"outcome one"
    assert store.block_hash(1) == block
    assert store.is_canonical(block)
    assert store.children(parent) == (block,)
    assert store.artifact(b"\x01" * 32) == b"weights"
    found = store.receipt(b"\x02" * 32)
    assert found is not None
    assert (found.block, found.number, found.data) == (block, 1, b"receipt")
    assert store.aux(b"slot") == b"7"
    assert list(store.aux_items(b"sl")) == [(b"slot", b"7")]
    assert state_of(store, block) == applied(GENESIS_STATE, commit.changes)
    assert state_of(store, parent) == GENESIS_STATE


def test_what_is_not_stored_is_answered_with_none_or_unknown_block(store: Store) -> None:
    assert store.header(NOWHERE) is None
    assert store.body(NOWHERE) is None
    assert store.outcome(NOWHERE) is None
    assert store.justification(NOWHERE) is None
    assert store.artifact(NOWHERE) is None
    assert store.receipt(NOWHERE) is None
    assert store.receipt(b"") is None
    assert store.receipt(b"r" * 256) is None
    assert store.block_hash(1) is None
    assert store.block_hash(-1) is None
    assert store.block_hash(1 << 32) is None
    assert not store.has_state(NOWHERE)
    assert not store.is_canonical(NOWHERE)
    for ask in (store.state_at, store.state_root, store.set_best, store.finalize):
        with pytest.raises(UnknownBlock, match=NOWHERE.hex()):
            ask(NOWHERE)


def test_a_block_costs_one_fsync_and_its_finality_one(store: Store) -> None:
    before = store.kv.fsyncs
    block = grow(store, store.genesis_hash, {b"alice": b"1"})
    assert store.kv.fsyncs == before + 1
    store.finalize(block, b"proof")
    assert store.kv.fsyncs == before + 2
    store.finalize(block, b"a better proof", sync=False)
    assert store.kv.fsyncs == before + 2
    assert store.justification(block) == b"a better proof"


def test_a_known_block_an_orphan_and_a_contradiction_are_refused_and_change_nothing(store: Store) -> None:
    commit = commit_of(store, store.genesis_hash, {b"alice": b"1"})
    store.commit_block(commit)
    with pytest.raises(BlockExists):
        store.commit_block(commit)
    orphan = commit_of(store, store.best().hash, {})
    stranger = type(orphan)(
        type(orphan.header)(NOWHERE, 2, orphan.header.state_root, bytes(32)), [], {}, orphan.trie
    )
    with pytest.raises(UnknownParent, match=NOWHERE.hex()):
        store.commit_block(stranger)
    header = orphan.header
    for wrong in (
        type(header)(header.parent_hash, 3, header.state_root, bytes(32)),
        type(header)(header.parent_hash, 2, NOWHERE, bytes(32)),
    ):
        with pytest.raises(ValueError, match=r"follow|state root"):
            store.commit_block(type(orphan)(wrong, [], {}, orphan.trie))
    with pytest.raises(ValueError, match="receipt id"):
        store.commit_block(type(orphan)(header, [], {}, orphan.trie, receipts={b"": b""}))
    assert store.best().hash == commit.header.hash()
    assert audit(store.kv).is_sound


def test_a_heavier_fork_takes_over_the_state_the_numbers_and_the_receipts(store: Store) -> None:
    root = store.genesis_hash
    left = grow(store, root, {b"alice": b"left"}, salt=b"l", receipts={b"id": b"left"})
    left_2 = grow(store, left, {b"bob": None}, salt=b"l2")
    right = grow(
        store, root, {b"alice": b"right", b"new": b"1"}, salt=b"r", is_best=False, receipts={b"id": b"r"}
    )
    right_2 = grow(store, right, {b"new": None, b"carol": b"2"}, salt=b"r2", is_best=False)
    assert store.best().hash == left_2
    assert store.leaves() == tuple(sorted(store.leaves(), key=lambda ref: ref.hash, reverse=True))
    expected = {block: state_of(store, block) for block in (root, left, left_2, right, right_2)}
    answer = committed(store, right_2, {b"dave": b"3"}, salt=b"r3")
    right_3 = answer.block.hash
    assert answer.route == TreeRoute((left_2, left), root, (right, right_2, right_3))
    assert [store.block_hash(n) for n in range(5)] == [root, right, right_2, right_3, None]
    assert store.receipt(b"id").data == b"r"
    assert {block: state_of(store, block) for block in expected} == expected
    assert state_of(store, right_3) == applied(expected[right_2], {b"dave": b"3"})
    route = store.set_best(left_2)
    assert route == TreeRoute((right_3, right_2, right), root, (left, left_2))
    assert store.block_hash(3) is None
    assert store.receipt(b"id").data == b"left"
    assert state_of(store, left_2) == expected[left_2]
    assert audit(store.kv).is_sound


def test_finality_drops_forks_that_lost_and_refuses_new_ones(store: Store) -> None:
    root = store.genesis_hash
    winner = grow(store, root, {b"alice": b"w"}, salt=b"w")
    loser = grow(store, root, {b"alice": b"l"}, salt=b"l", is_best=False, artifacts={b"\x09" * 32: b"fork"})
    loser_2 = grow(store, loser, {b"bob": b"l"}, salt=b"l2", is_best=False)
    answer = store.finalize(winner, b"proof")
    assert answer.enacted == (winner,)
    assert set(answer.discarded) == {loser, loser_2}
    assert answer.route is None
    assert not store.contains(loser)
    assert store.artifact(b"\x09" * 32) is None
    assert store.children(root) == (winner,)
    with pytest.raises(NotOnFinalizedChain):
        grow(store, root, {b"alice": b"late"}, salt=b"late")
    with pytest.raises(NotOnFinalizedChain):
        store.set_best(root)
    with pytest.raises(NotOnFinalizedChain):
        store.finalize(root)
    assert store.best().hash == store.finalized().hash == winner


def test_finalising_a_fork_makes_it_the_best_chain(store: Store) -> None:
    root = store.genesis_hash
    best = grow(store, grow(store, root, {b"alice": b"1"}, salt=b"a"), {b"alice": b"2"}, salt=b"b")
    fork = grow(store, root, {b"bob": b"1"}, salt=b"c", is_best=False)
    answer = store.finalize(fork)
    assert answer.route is not None
    assert answer.route.retracted[0] == best
    assert store.best() == store.finalized() == BlockRef(1, fork)
    assert store.block_hash(2) is None
    assert audit(store.kv).is_sound


def test_an_archive_keeps_forks_but_does_not_count_them_as_leaves(kv: KeyValue) -> None:
    store = Store.open(kv, genesis(), Pruning.ARCHIVE)
    root = store.genesis_hash
    winner = grow(store, root, {b"alice": b"w"}, salt=b"w")
    loser = grow(store, root, {b"alice": b"l"}, salt=b"l", is_best=False)
    store.finalize(winner)
    assert state_of(store, loser)[b"alice"] == b"l"
    assert store.leaves() == (BlockRef(1, winner),)
    with pytest.raises(NotOnFinalizedChain):
        grow(store, loser, {}, salt=b"on a lost fork")
    grow(store, winner, {}, salt=b"next")
    store.revert(1)
    assert store.leaves() == (BlockRef(1, winner),)


def test_states_older_than_the_retention_go_and_say_so(store: Store) -> None:
    blocks = [store.genesis_hash]
    for number in range(1, 6):
        blocks.append(grow(store, blocks[-1], {b"alice": b"%d" % number, b"erin/1": bytes([number]) * 40}))
    view = store.state_at(blocks[1])
    store.finalize(blocks[4])
    assert [store.has_state(block) for block in blocks] == [False, False, False, True, True, True]
    with pytest.raises(StateDiscarded, match="kept from block 3 on"):
        store.state_at(blocks[1])
    with pytest.raises(StateDiscarded):
        view.get(b"erin/1")
    with pytest.raises(StateDiscarded):
        list(view.keys(b""))
    assert store.body(blocks[1]) is not None
    assert audit(kv=store.kv).is_sound


def test_a_long_leap_of_finality_is_pruned_in_bounded_steps(store: Store) -> None:
    blocks = [store.genesis_hash]
    for number in range(1, MAX_STATES_PRUNED_AT_ONCE + 10):
        blocks.append(grow(store, blocks[-1], {b"alice": b"%d" % number}))
    store.finalize(blocks[-1])
    assert store.oldest_state == MAX_STATES_PRUNED_AT_ONCE
    assert audit(store.kv).is_sound
    store.finalize(blocks[-1])
    assert store.oldest_state == len(blocks) - 2
    assert audit(store.kv).is_sound


def test_reverting_stops_at_the_finalised_block_unless_forced(store: Store) -> None:
    blocks = [store.genesis_hash]
    for number in range(1, 5):
        blocks.append(grow(store, blocks[-1], {b"alice": b"%d" % number}))
    fork = grow(store, blocks[3], {b"bob": b"fork"}, salt=b"f", is_best=False)
    store.finalize(blocks[2])
    answer = store.revert(9)
    assert (answer.best, answer.finalized) == (BlockRef(2, blocks[2]), BlockRef(2, blocks[2]))
    assert set(answer.removed) == {blocks[3], blocks[4], fork}
    assert state_of(store, blocks[2])[b"alice"] == b"2"
    with pytest.raises(StateDiscarded):
        store.revert(2, force=True)
    assert store.revert(1, force=True).finalized == BlockRef(1, blocks[1])
    assert store.best() == store.finalized() == BlockRef(1, blocks[1])
    assert grow(store, blocks[1], {b"alice": b"2"}) == blocks[2]
    assert audit(store.kv).is_sound
    with pytest.raises(ValueError, match="negative"):
        store.revert(-1)


def test_a_view_stays_at_its_block_while_the_chain_moves_on(store: Store) -> None:
    view = store.state_at(store.genesis_hash)
    keys = view.keys(b"erin/")
    assert view.get(b"alice") == b"100"
    grow(store, store.genesis_hash, {b"alice": b"1", b"erin/1": None, b"erin/0": b"new"})
    assert view.get(b"alice") == b"100"
    assert view.get(b"zoe") is None
    assert list(keys) == list(view.keys(b"erin/")) == [b"erin/1", b"erin/2"]
    assert list(view.keys(b"erin/", b"erin/1")) == [b"erin/2"]
    best = store.state_at(store.best().hash)
    assert list(best.keys(b"erin/")) == [b"erin/0", b"erin/2"]
    assert list(best.keys(b"erin/", b"erin/0")) == [b"erin/2"]


def test_the_stores_nodes_serve_proofs(store: Store) -> None:
    block = grow(store, store.genesis_hash, {b"alice": b"1"})
    proof = prove(store.state_root(block), [b"alice", b"carol"], store.node_source())
    assert verify_proof(store.state_root(block), proof, [b"alice", b"carol"]) == {
        b"alice": b"1",
        b"carol": LONG,
    }


def test_a_write_that_fails_changes_nothing_that_can_be_seen() -> None:
    kv = FragileKeyValue()
    store = Store.open(kv, genesis(), Pruning.keep(1))
    block = grow(store, store.genesis_hash, {b"alice": b"1"})
    kv.fails_at = kv.writes + 1
    with pytest.raises(DatabaseWriteFailed, match="everything stored before is safe"):
        grow(store, block, {b"alice": b"2"})
    assert store.best().hash == block
    assert store.state_at(block).get(b"alice") == b"1"
    kv.fails_at = kv.writes + 1
    with pytest.raises(DatabaseWriteFailed):
        store.finalize(block)
    assert store.finalized().hash == store.genesis_hash
    assert state_of(store, store.genesis_hash) == GENESIS_STATE


def test_readers_on_other_threads_never_see_half_a_block(kv: KeyValue) -> None:
    """Every block writes the same number under ten keys; a view must never see two different ones."""
    store = Store.open(kv, genesis({b"k%d" % i: b"0" for i in range(10)}), Pruning.keep(100))
    faults: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            view = store.state_at(store.best().hash)
            seen = {view.get(b"k%d" % i) for i in range(10)} | {view.get(key) for key in view.keys(b"k")}
            if seen != {b"%d" % view.number}:
                faults.append((view.number, seen))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        best = store.genesis_hash
        for number in range(1, 60):
            best = grow(store, best, {b"k%d" % i: b"%d" % number for i in range(10)})
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert faults == []
    assert store.best().number == 59


def test_the_cache_of_flat_values_stays_within_its_limit(kv: KeyValue) -> None:
    state = {b"key %d" % number: bytes(100) for number in range(300)}
    store = Store.open(kv, genesis(state), limits=CacheLimits(flat_values=20_000, trie_nodes=8))
    view = store.state_at(store.genesis_hash)
    for _ in range(2):
        assert all(view.get(key) == value for key, value in state.items())
        assert 0 < store.cached_bytes <= 20_000 + 400


def test_the_flat_state_is_read_again_when_the_best_block_returns_to_a_views_block(store: Store) -> None:
    view = store.state_at(store.genesis_hash)
    grow(store, store.genesis_hash, {b"alice": b"1"})
    assert view.get(b"alice") == b"100"
    store.revert(1)
    assert view.get(b"alice") == b"100"
    assert store.header(store.genesis_hash) == genesis().header


def test_a_record_counted_three_times_goes_with_the_third_reference(kv: KeyValue) -> None:
    counted = Counted(kv, b"t", b"x")

    def change(added: int, dropped: int) -> int:
        batch: Batch = {}
        if added:
            counted.add(batch, [(NOWHERE, b"node")] * added)
        if dropped:
            counted.drop(batch, [NOWHERE] * dropped)
        kv.write(batch, sync=False)
        return counted.count(NOWHERE)

    assert [change(2, 0), change(1, 0), change(0, 1), change(0, 1), change(0, 1)] == [2, 3, 2, 1, 0]
    assert list(kv.iterate()) == []
    assert [change(3, 0), change(0, 3)] == [3, 0]
    with pytest.raises(Exception, match="more often than held"):
        change(0, 2)


def test_a_warmed_store_updates_its_trie_without_reading_the_top_of_it() -> None:
    kv = MemoryKeyValue()
    state = {bytes([n, m]) * 10: LONG for n in range(32) for m in range(4)}
    Store.open(kv, genesis(state))
    store = Store.open(kv, genesis(state))
    root = store.state_root(store.genesis_hash)
    assert store.trie_cache.get(root) is None
    assert store.warm_up() > len(state)
    assert store.trie_cache.get(root) is not None


def test_nodes_that_the_best_block_replaced_leave_the_cache(store: Store) -> None:
    root = store.state_root(store.genesis_hash)
    fork = grow(store, store.genesis_hash, {b"alice": b"1"}, is_best=False)
    assert store.trie_cache.get(root) is not None
    best = grow(store, store.genesis_hash, {b"alice": b"2"})
    assert store.trie_cache.get(root) is None
    assert store.trie_cache.get(store.state_root(best)) is not None
    assert state_of(store, fork)[b"alice"] == b"1"


def test_warming_a_damaged_state_is_reported_as_corruption() -> None:
    kv = MemoryKeyValue()
    store = Store.open(kv, genesis())
    kv.write({NODE + store.state_root(store.genesis_hash): b"\x00"}, sync=False)
    with pytest.raises(DatabaseCorrupt, match="state of block 0"):
        store.warm_up()


@pytest.mark.parametrize(("chunk", "compactions"), [(3, 1), (1_000, 0)])
def test_only_a_large_genesis_ends_with_a_compaction(
    chunk: int, compactions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Observed(MemoryKeyValue):
        compactions = 0

        def compact(self) -> None:
            self.compactions += 1

    monkeypatch.setattr(opening, "CHUNK", chunk)
    kv = Observed()
    store = Store.open(kv, genesis())
    assert kv.compactions == compactions
    assert state_of(store, store.genesis_hash) == GENESIS_STATE
