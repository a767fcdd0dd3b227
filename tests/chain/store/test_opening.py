"""Opening: the right chain, the right mode, or one line that says what is wrong."""

from collections.abc import Callable

import pytest

from chain.store import (
    CacheLimits,
    DatabaseCorrupt,
    DatabaseEmpty,
    DatabaseUnavailable,
    KeyValue,
    MemoryKeyValue,
    Pruning,
    PruningMismatch,
    Store,
    WrongGenesis,
    WrongVersion,
    audit,
)
from chain.store.schema import (
    BODY,
    CANONICAL,
    DELTA,
    FLAT,
    HEADER,
    JOURNAL,
    META_FLAT,
    META_GENESIS,
    META_HEADS,
    META_PRUNING,
    META_VERSION,
    NODE,
    BlockRef,
    Heads,
    number_key,
    pack,
)
from tests.chain.store.support import GENESIS_STATE, genesis, grow, state_of


def three_blocks(kv: KeyValue) -> tuple[Store, list[bytes]]:
    store = Store.open(kv, genesis(), Pruning.keep(2))
    blocks = [store.genesis_hash]
    for number in range(1, 4):
        blocks.append(grow(store, blocks[-1], {b"alice": b"%d" % number}))
    store.finalize(blocks[1])
    return store, blocks


def test_a_restart_finds_the_chain_where_it_stood(
    kv: KeyValue, reopen: Callable[[KeyValue], KeyValue]
) -> None:
    store, blocks = three_blocks(kv)
    store.close()
    again = Store.open(reopen(kv), genesis())
    assert again.best() == BlockRef(3, blocks[3])
    assert again.finalized() == BlockRef(1, blocks[1])
    assert again.pruning == Pruning.keep(2)
    assert state_of(again, blocks[3])[b"alice"] == b"3"
    again.close()


def test_an_existing_chain_opens_without_a_chain_spec_and_an_empty_folder_does_not(kv: KeyValue) -> None:
    with pytest.raises(DatabaseEmpty, match="holds no chain"):
        Store.open(kv, None)
    three_blocks(kv)
    assert Store.open(kv, None).best().number == 3


def test_another_chains_database_is_refused_with_both_hashes_named(kv: KeyValue) -> None:
    store, _ = three_blocks(kv)
    other = genesis(name=b"another chain")
    with pytest.raises(WrongGenesis) as refused:
        Store.open(kv, other)
    assert store.genesis_hash.hex() in str(refused.value)
    assert other.header.hash().hex() in str(refused.value)


def test_another_pruning_mode_is_refused(kv: KeyValue) -> None:
    three_blocks(kv)
    with pytest.raises(PruningMismatch, match="state pruning '2', not 'archive'"):
        Store.open(kv, genesis(), Pruning.ARCHIVE)


@pytest.mark.parametrize(("version", "advice"), [(0, "purge"), (9, "the release that wrote it")])
def test_another_format_is_refused(kv: KeyValue, version: int, advice: str) -> None:
    three_blocks(kv)
    kv.write({META_VERSION: number_key(version)}, sync=False)
    with pytest.raises(WrongVersion, match=advice):
        Store.open(kv, genesis())


def test_a_foreign_database_is_not_touched(kv: KeyValue) -> None:
    kv.write({b"someone": b"else's"}, sync=False)
    with pytest.raises(DatabaseUnavailable, match="not a Fixpoint chain"):
        Store.open(kv, genesis())
    assert list(kv.iterate()) == [(b"someone", b"else's")]


def test_a_genesis_header_over_another_state_is_a_bug_of_the_caller() -> None:
    wrong = genesis()
    kv = MemoryKeyValue()
    with pytest.raises(ValueError, match="does not commit"):
        Store.open(kv, type(wrong)(wrong.header, {**GENESIS_STATE, b"mallory": b"1"}))
    assert Store.open(kv, wrong).best().number == 0
    assert audit(kv).is_sound


def test_an_empty_genesis_state_is_allowed(kv: KeyValue) -> None:
    store = Store.open(kv, genesis({}))
    block = grow(store, store.genesis_hash, {b"a": b"1"})
    emptied = grow(store, block, {b"a": None})
    assert state_of(store, emptied) == {}
    assert Store.open(kv, None).best().hash == emptied
    assert audit(kv).is_sound


@pytest.mark.parametrize("stamp", [b"", b"\x01" * 32, None])
def test_a_flat_state_that_lags_is_rebuilt_from_the_trie(kv: KeyValue, stamp: bytes | None) -> None:
    _, blocks = three_blocks(kv)
    kv.write(
        {META_FLAT: stamp, FLAT + b"alice": b"wrong", FLAT + b"mallory": b"1", FLAT + b"bob": None},
        sync=False,
    )
    store = Store.open(kv, genesis())
    assert state_of(store, blocks[3]) == {**GENESIS_STATE, b"alice": b"3"}
    assert audit(kv).is_sound


def _damages() -> dict[str, Callable[[Store, list[bytes]], dict[bytes, bytes | None]]]:
    ahead = Heads(BlockRef(9, b"\x01" * 32), BlockRef(1, b"\x01" * 32), 0).encode()
    crossed = Heads(BlockRef(1, b"\x01" * 32), BlockRef(3, b"\x01" * 32), 0).encode()
    return {
        "heads are missing": lambda _s, _b: {META_HEADS: None},
        "heads are no msgpack": lambda _s, _b: {META_HEADS: b"\xc1"},
        "heads are malformed": lambda _s, _b: {META_HEADS: pack([1, 2])},
        "heads name unknown blocks": lambda _s, _b: {META_HEADS: ahead},
        "heads are crossed": lambda _s, _b: {META_HEADS: crossed},
        "genesis is missing": lambda _s, _b: {META_GENESIS: None},
        "pruning is missing": lambda _s, _b: {META_PRUNING: None},
        "pruning is unreadable": lambda _s, _b: {META_PRUNING: b"sometimes"},
        "best header is missing": lambda _s, b: {HEADER + b[3]: None},
        "best header is malformed": lambda _s, b: {HEADER + b[3]: b"\x00"},
        "best header is another's": lambda s, b: {HEADER + b[3]: s.header(b[2]).encode()},
        "a header between is missing": lambda _s, b: {HEADER + b[2]: None},
        "a height is missing": lambda _s, _b: {CANONICAL + number_key(2): None},
        "best root is missing": lambda s, b: {NODE + s.state_root(b[3]): None},
        "finalised root is missing": lambda s, b: {NODE + s.state_root(b[1]): None},
    }


@pytest.mark.parametrize("damage", _damages())
def test_a_database_that_contradicts_itself_is_refused(damage: str) -> None:
    kv = MemoryKeyValue()
    store, blocks = three_blocks(kv)
    kv.write(_damages()[damage](store, blocks), sync=False)
    with pytest.raises(DatabaseCorrupt, match=r"corrupt .* purge it"):
        Store.open(kv, genesis())


def test_damage_met_later_is_reported_as_corruption() -> None:
    kv = MemoryKeyValue()
    store, blocks = three_blocks(kv)
    value_hash = next(key for key, value in kv.iterate(NODE) if value == GENESIS_STATE[b"carol"])
    kv.write({value_hash: None}, sync=False)
    older = store.state_at(blocks[2])
    with pytest.raises(DatabaseCorrupt, match="state of block 2"):
        older.get(b"carol")
    with pytest.raises(DatabaseCorrupt, match="state of block 2"):
        list(older.keys(b""))
    kv.write({META_FLAT: b""}, sync=False)
    with pytest.raises(DatabaseCorrupt, match="state of the best block"):
        Store.open(kv, genesis())


def test_the_audit_names_what_is_wrong() -> None:
    kv = MemoryKeyValue()
    _, blocks = three_blocks(kv)
    kv.write({NODE + b"\x05" * 32: b"stray", FLAT + b"bob": b"0"}, sync=False)
    found = audit(kv)
    assert not found.is_sound
    assert found.leaked == found.miscounted == (b"\x05" * 32,)
    assert found.flat == (b"bob",)
    assert found.unreadable == ()
    value = next(key for key, data in kv.iterate(NODE) if data == GENESIS_STATE[b"erin/1"])
    kv.write({value: None}, sync=False)
    found = audit(kv)
    assert set(found.unreadable) == set(blocks)
    assert found.leaked == found.miscounted == ()


@pytest.mark.parametrize("column", [BODY, HEADER, JOURNAL, DELTA])
@pytest.mark.parametrize("record", [b"\xc1", pack(1), None])
def test_a_damaged_record_is_reported_as_corruption_when_it_is_needed(
    column: bytes, record: bytes | None
) -> None:
    kv = MemoryKeyValue()
    _, blocks = three_blocks(kv)
    store = Store.open(kv, genesis(), limits=CacheLimits(0, 0))
    kv.write({column + blocks[3]: record}, sync=False)
    if column in (BODY, HEADER) and record is None:
        assert store.body(blocks[3]) is None or store.header(blocks[3]) is None
        return
    needs = {
        BODY: lambda: store.body(blocks[3]),
        HEADER: lambda: store.header(blocks[3]),
        JOURNAL: lambda: store.revert(1),
        DELTA: lambda: store.revert(1),
    }
    with pytest.raises(DatabaseCorrupt):
        needs[column]()


@pytest.mark.parametrize(
    ("text", "pruning"),
    [("archive", Pruning.ARCHIVE), ("archive-canonical", Pruning.ARCHIVE_CANONICAL), ("7", Pruning.keep(7))],
)
def test_a_pruning_mode_reads_as_it_is_written(text: str, pruning: Pruning) -> None:
    assert Pruning.parse(text) == pruning
    assert str(pruning) == text


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "all", "4294967296", "99999999999", "\u0663"])
def test_a_senseless_pruning_mode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="state pruning"):
        Pruning.parse(text)


def test_only_an_archive_keeps_forks() -> None:
    with pytest.raises(ValueError, match="archive"):
        Pruning(3, keeps_forks=True)
