"""A state taken over without the blocks below it, and a crash at every write on the way."""

from collections.abc import Mapping

import pytest

from chain.store import (
    DatabaseCorrupt,
    ImportTarget,
    MemoryKeyValue,
    StateDiscarded,
    StateImport,
    Store,
    UnknownBlock,
    audit,
)
from chain.store.kv import KeyValue
from runtime.primitives.digest import Digest
from runtime.primitives.hashing import blake2_256
from runtime.primitives.header import Header
from runtime.primitives.trie import root_of
from tests.chain.store.support import (
    GENESIS_STATE,
    LONG,
    MODEL,
    Crash,
    FragileKeyValue,
    genesis,
    grow,
    state_of,
)

STATE = {b"key %03d" % number: b"value %d " % number + LONG[: number % 60] for number in range(100)}
PARENT = Header(bytes([7]) * 32, 41, bytes(32), bytes(32), Digest())
HEADER = Header(PARENT.hash(), 42, root_of(STATE), bytes(32), Digest())
BLOCK = HEADER.hash()
TARGET = ImportTarget(
    HEADER, (b"one", b"two"), b"proof", {b"name": b"value"}, ((PARENT.encode(), b"earlier proof"),)
)
RANGE = 30
ARTIFACT = b"another model"


def opened(kv: KeyValue) -> Store:
    return Store.open(kv, genesis())


def fetch(importing: StateImport, state: Mapping[bytes, bytes] = STATE) -> None:
    """All that is missing, range by range."""
    while not importing.is_complete:
        left = sorted(key for key in state if importing.cursor is None or key > importing.cursor)
        entries = {key: state[key] for key in left[:RANGE]}
        importing.add(entries, complete=len(left) <= RANGE)
    if not importing.has_artifact(blake2_256(ARTIFACT)):
        importing.put_artifact(ARTIFACT)


def go_on(kv: KeyValue) -> Store:
    """What a node does whenever it starts: open, and import what is not imported yet."""
    store = opened(kv)
    if store.best().number == 0:
        importing = StateImport(kv)
        if importing.target is None:
            importing.begin(TARGET)
        fetch(importing)
        importing.activate()
        store = opened(kv)
    return store


def check(store: Store) -> None:
    assert store.best() == store.finalized()
    assert (store.best().hash, store.oldest_state) == (BLOCK, 42)
    assert state_of(store, BLOCK) == STATE
    assert store.body(BLOCK) == (b"one", b"two")
    assert store.justification(BLOCK) == b"proof"
    assert store.aux(b"name") == b"value"
    assert [leaf.hash for leaf in store.leaves()] == [BLOCK]
    assert store.artifact(blake2_256(ARTIFACT)) == ARTIFACT
    assert store.artifact(blake2_256(MODEL)) == MODEL
    found = audit(store.kv)
    assert found.is_sound, found
    assert found.states == 1
    assert not list(StateImport(store.kv).staged())


def test_an_imported_block_takes_the_place_of_genesis() -> None:
    kv = MemoryKeyValue()
    store = go_on(kv)
    check(store)
    assert store.header(PARENT.hash()) == PARENT
    assert store.justification(PARENT.hash()) == b"earlier proof"
    assert [store.block_hash(number) for number in (40, 41, 42)] == [None, PARENT.hash(), BLOCK]
    with pytest.raises(StateDiscarded):
        store.state_at(store.genesis_hash)
    assert store.route(PARENT.hash(), BLOCK).enacted == (BLOCK,)
    with pytest.raises(UnknownBlock):
        store.route(store.genesis_hash, BLOCK)


def test_blocks_are_built_pruned_and_reopened_on_an_imported_state() -> None:
    kv = MemoryKeyValue()
    store = go_on(kv)
    block = BLOCK
    for number in range(300):
        block = grow(store, block, {b"key 001": b"%d" % number, b"new %d" % number: LONG})
        store.finalize(block, b"proof")
    assert store.oldest_state > 42
    assert audit(kv).is_sound
    again = opened(kv)
    assert again.best().number == 342
    assert state_of(again, block)[b"key 001"] == b"299"


def test_until_it_is_activated_an_import_changes_nothing_and_can_be_abandoned() -> None:
    kv = MemoryKeyValue()
    opened(kv)
    before = dict(kv.iterate())
    importing = StateImport(kv)
    importing.begin(TARGET)
    importing.add({key: STATE[key] for key in sorted(STATE)[:RANGE]}, complete=False)
    store = opened(kv)
    assert state_of(store, store.genesis_hash) == GENESIS_STATE
    assert audit(kv).is_sound
    resumed = StateImport(kv)
    assert (resumed.target, resumed.cursor, resumed.is_complete) == (TARGET, importing.cursor, False)
    assert dict(resumed.staged(b"key 00")) == {key: STATE[key] for key in STATE if key.startswith(b"key 00")}
    resumed.abandon()
    assert dict(kv.iterate()) == before
    assert StateImport(kv).target is None


def test_a_new_target_replaces_the_one_before_with_all_that_was_staged() -> None:
    kv = MemoryKeyValue()
    opened(kv)
    importing = StateImport(kv)
    other = ImportTarget(Header(bytes(32), 9, bytes(32), bytes(32), Digest()), (), b"")
    importing.begin(other)
    importing.add({b"key 000x": b"of another state"}, complete=True)
    importing.begin(TARGET)
    assert (importing.cursor, importing.is_complete) == (None, False)
    fetch(importing)
    importing.activate()
    check(opened(kv))


def test_entries_that_are_not_the_state_of_the_block_are_refused_for_good() -> None:
    kv = MemoryKeyValue()
    opened(kv)
    importing = StateImport(kv)
    importing.begin(TARGET)
    fetch(importing, {**STATE, b"key 050": b"forged"})
    with pytest.raises(DatabaseCorrupt, match="imported state of block 42"):
        importing.activate()
    with pytest.raises(DatabaseCorrupt, match="imported state of block 42"):
        opened(kv)


def test_a_state_is_imported_only_over_nothing_but_genesis() -> None:
    kv = MemoryKeyValue()
    store = opened(kv)
    grow(store, store.genesis_hash, {b"bob": b"1"})
    before = dict(kv.iterate())
    with pytest.raises(ValueError, match="no blocks"):
        StateImport(kv).begin(TARGET)
    assert dict(kv.iterate()) == before


@pytest.mark.parametrize("after", [False, True])
def test_an_import_that_dies_at_any_write_is_finished_by_the_next_start(after: bool) -> None:
    whole = FragileKeyValue()
    opened(whole)
    first = whole.writes + 1
    go_on(whole)
    assert whole.writes > first + 8, "there are many places to die at"
    for dies_at in range(first, whole.writes + 1):
        for surviving in (0, 1, 99):
            kv = FragileKeyValue()
            opened(kv)
            kv.dies_at, kv.after = dies_at, after
            with pytest.raises(Crash):
                go_on(kv)
            check(go_on(kv.reborn(surviving)))
