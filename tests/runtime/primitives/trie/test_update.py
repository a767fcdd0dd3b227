"""`apply`: equal to rebuilding, and exact about the records that come and go."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from runtime.primitives.trie import (
    EMPTY_ROOT,
    InvalidNode,
    MissingNode,
    NodeCache,
    TrieUpdate,
    apply,
    decode,
    iterate,
    lookup,
    reference_records,
    root_of,
)


class Store:
    """A reference-counting store, as the node keeps one."""

    def __init__(self) -> None:
        self.counts: Counter[bytes] = Counter()
        self.records: dict[bytes, bytes] = {}

    def commit(self, update: TrieUpdate) -> None:
        for record_hash, data in update.inserted:
            assert self.records.setdefault(record_hash, data) == data
            self.counts[record_hash] += 1
        for record_hash in update.removed:
            self.counts[record_hash] -= 1
        assert min(self.counts.values(), default=0) >= 0, "a record was removed more often than inserted"
        self.counts = +self.counts
        self.records = {record_hash: self.records[record_hash] for record_hash in self.counts}


def stored(entries: dict[bytes, bytes], version: int = 1) -> tuple[bytes, Store]:
    store = Store()
    update = apply(EMPTY_ROOT, entries, store.records.get, version)
    store.commit(update)
    return update.root, store


# Few different nibbles and short values: paths share prefixes, keys are prefixes of keys, subtrees coincide.
dense_keys = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0xFF]), max_size=4).map(bytes)
long_keys = st.builds(
    lambda repeat, tail: b"\x5a" * repeat + tail, st.sampled_from([31, 32, 150, 700]), dense_keys
)
keys = st.one_of(dense_keys, dense_keys, long_keys)
values = st.builds(
    lambda byte, length: bytes([byte]) * length, st.integers(0, 1), st.sampled_from([0, 1, 32, 33])
)
changes = st.dictionaries(keys, st.one_of(st.none(), values), max_size=12)


class TrieMachine(RuleBasedStateMachine):
    """A trie under changes, beside the plain dictionary that it stands for."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[bytes, bytes] = {}
        self.root = EMPTY_ROOT
        self.store = Store()
        self.cache = NodeCache(8)

    @rule(changes=changes, cached=st.booleans(), forget=st.booleans())
    def change(self, changes: dict[bytes, bytes | None], cached: bool, forget: bool) -> None:
        self._apply(changes, cached, forget)

    @rule(changes=changes, guess=values, data=st.data())
    def change_with_known_values_of_which_some_are_wrong(
        self, changes: dict[bytes, bytes | None], guess: bytes, data: st.DataObject
    ) -> None:
        known = {key: value for key, value in self.entries.items() if data.draw(st.booleans())}
        known |= {key: guess for key in changes if data.draw(st.booleans())}
        self._apply(changes, data.draw(st.booleans()), True, known)

    @rule(data=st.data())
    def delete_many(self, data: st.DataObject) -> None:
        if self.entries:
            chosen = data.draw(st.lists(st.sampled_from(sorted(self.entries)), unique=True))
            self._apply(dict.fromkeys(chosen), True, True)

    @rule(prefix=dense_keys)
    def clear_prefix(self, prefix: bytes) -> None:
        self._apply(dict.fromkeys(key for key in self.entries if key.startswith(prefix)), True, False)

    @rule()
    def write_what_is_there(self) -> None:
        update = apply(self.root, self.entries, self.store.records.get)
        if self.entries:
            assert (update.root, update.inserted, update.removed) == (self.root, [], [])

    def _apply(
        self,
        changes: dict[bytes, bytes | None],
        cached: bool,
        forget: bool,
        known: dict[bytes, bytes] | None = None,
    ) -> None:
        cache = self.cache if cached else None
        update = apply(self.root, changes, self.store.records.get, 1, cache, known)
        self.root = update.root
        self.store.commit(update)
        if forget:
            self.cache.forget(update.removed)
        for key, value in changes.items():
            if value is None:
                self.entries.pop(key, None)
            else:
                self.entries[key] = value

    @invariant()
    def the_store_holds_exactly_the_reachable_records(self) -> None:
        root, records = reference_records(self.entries)
        assert self.root == root
        assert self.store.counts == {record_hash: count for (record_hash, _), count in records.items()}
        assert self.store.records == dict(records.keys())

    @invariant()
    def iteration_gives_the_entries_in_order(self) -> None:
        assert list(iterate(self.root, self.store.records.get)) == sorted(self.entries.items())


TestTrieMachine = TrieMachine.TestCase
TestTrieMachine.settings = settings(max_examples=120, stateful_step_count=12, deadline=None)


@given(st.dictionaries(keys, values), changes, st.sampled_from([0, 1]))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_update_equals_a_rebuild_in_both_versions(
    entries: dict[bytes, bytes], changes: dict[bytes, bytes | None], version: int
) -> None:
    root, store = stored(entries, version)
    update = apply(root, changes, store.records.get, version)
    final = {key: value for key, value in {**entries, **changes}.items() if value is not None}
    assert update.root == root_of(final, version)


def test_deleting_all_keys_leads_back_to_the_empty_root_and_an_empty_store() -> None:
    entries = {bytes([a, b]): b"x" * 40 for a in range(5) for b in range(5)}
    root, store = stored(entries)
    update = apply(root, dict.fromkeys([*entries, b"absent"]), store.records.get)
    store.commit(update)
    assert update.root == EMPTY_ROOT
    assert store.records == {}


def test_a_branch_that_keeps_its_value_becomes_a_leaf_when_its_only_child_goes() -> None:
    root, store = stored({b"ab": b"1", b"abcd": b"2"})
    update = apply(root, {b"abcd": None}, store.records.get)
    store.commit(update)
    expected, records = reference_records({b"ab": b"1"})
    assert update.root == expected
    assert list(store.records.items()) == list(records)


def test_deleting_absent_keys_changes_nothing() -> None:
    root, store = stored({b"ab": b"1", b"abcd": b"2", b"abce": b"3"})
    absent = dict.fromkeys([b"", b"a", b"abc", b"abcf", b"abcd0", b"b"])
    assert apply(root, absent, store.records.get) == TrieUpdate(root, [], [])
    assert apply(EMPTY_ROOT, absent, store.records.get) == TrieUpdate(EMPTY_ROOT, [], [])


def test_equal_values_under_two_keys_are_counted_twice() -> None:
    value = b"v" * 33
    root, store = stored({b"a": value, b"b": value})
    value_hash = next(record_hash for record_hash, data in store.records.items() if data == value)
    assert store.counts[value_hash] == 2
    store.commit(apply(root, {b"a": None}, store.records.get))
    assert store.counts[value_hash] == 1


def test_a_value_keeps_its_form_until_it_is_written_again() -> None:
    entries = {b"a": b"v" * 40, b"b": b"w" * 40}
    root, store = stored(entries, version=0)
    touched = apply(root, {b"c": b""}, store.records.get, version=1)
    assert touched.root == root_of({**entries, b"c": b""}, version=0)
    migrated = apply(root, dict(entries), store.records.get, version=1)
    assert migrated.root == root_of(entries, version=1)
    assert {b"v" * 40, b"w" * 40} <= {data for _, data in migrated.inserted}


def test_a_chain_of_a_thousand_nested_keys_needs_no_recursion() -> None:
    entries = {b"\x77" * length: bytes([length % 256]) for length in range(1500)}
    root, store = stored(entries)
    assert root == root_of(entries)
    update = apply(root, {b"\x77" * 1499: b"changed", b"\x77" * 1000: None}, store.records.get)
    final = {**entries, b"\x77" * 1499: b"changed"}
    del final[b"\x77" * 1000]
    store.commit(update)
    assert update.root == root_of(final)
    assert lookup(update.root, b"\x77" * 1499, store.records.get) == b"changed"
    assert dict(iterate(update.root, store.records.get)) == final
    emptied = apply(update.root, dict.fromkeys(final), store.records.get)
    store.commit(emptied)
    assert (emptied.root, store.records) == (EMPTY_ROOT, {})


def is_branch(data: bytes) -> bool:
    """Whether a record is a node with children, not a leaf or a value."""
    try:
        return bool(decode(data)[3])
    except InvalidNode:
        return False


@pytest.mark.parametrize("length", [20, 40])
def test_leaves_whose_values_are_known_are_not_fetched(length: int) -> None:
    entries = {bytes([n]) * 20: bytes([n]) * length for n in range(60)}
    root, store = stored(entries)
    changes = {key: b"new" if key[0] % 2 else None for key in list(entries)[:20]}
    expected = apply(root, changes, store.records.get)
    leaves = {data for data in store.records.values() if not is_branch(data)}
    fetched: list[bytes] = []

    def source(record_hash: bytes) -> bytes | None:
        fetched.append(store.records[record_hash])
        return store.records[record_hash]

    assert apply(root, changes, source, known=entries) == expected
    assert not leaves & set(fetched)


def test_many_wrong_known_values_cost_fetches_and_change_nothing() -> None:
    entries = {bytes([n]) * 20: bytes([n]) * 40 for n in range(60)}
    root, store = stored(entries)
    changes = dict.fromkeys(entries, b"new")
    wrong = dict.fromkeys(entries, b"wrong")
    assert apply(root, changes, store.records.get, known=wrong) == apply(root, changes, store.records.get)


def test_a_node_that_the_source_lacks_is_named() -> None:
    root, store = stored({bytes([n]): b"v" * 32 for n in range(40)})
    lost = next(record_hash for record_hash in sorted(store.records) if record_hash != root)
    records = {record_hash: data for record_hash, data in store.records.items() if record_hash != lost}
    with pytest.raises(MissingNode, match=lost.hex()) as failure:
        apply(root, {bytes([n]): b"" for n in range(40)}, records.get)
    assert failure.value.node_hash == lost


def test_a_corrupt_node_is_refused() -> None:
    root, store = stored({b"a": b"1"})
    with pytest.raises(InvalidNode):
        apply(root, {b"b": b"2"}, {root: store.records[root] + b"\x00"}.get)


def test_an_update_does_not_disturb_nodes_in_the_cache() -> None:
    entries = {bytes([n, m]): b"v" * 20 for n in range(8) for m in range(8)}
    root, store = stored(entries)
    cache = NodeCache()
    first = apply(
        root, {b"\x01\x01": b"one", b"\x05": b"new", b"\x02\x02": None}, store.records.get, 1, cache
    )
    again = apply(
        root, {b"\x01\x01": b"one", b"\x05": b"new", b"\x02\x02": None}, store.records.get, 1, cache
    )
    assert again == first
    assert lookup(root, b"\x01\x01", store.records.get, cache) == b"v" * 20
    assert dict(iterate(root, store.records.get, cache=cache)) == entries
