"""Lookups, ordered iteration and the cache of decoded nodes."""

from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.primitives.trie import (
    EMPTY_ROOT,
    InvalidNode,
    MissingNode,
    NodeCache,
    NodeFault,
    build,
    decode,
    iterate,
    lookup,
    warm,
)
from runtime.primitives.trie.codec import INLINE_VALUE, encode_branch, encode_leaf, link_of

NOTHING: dict[bytes, bytes] = {}


def stored(entries: dict[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    records: list[tuple[bytes, bytes]] = []
    root = build(sorted(entries.items()), 1, records.append)
    return root, dict(records)


keys = st.lists(st.sampled_from([0x00, 0x01, 0x0F, 0x10, 0xF0]), max_size=4).map(bytes)
tries = st.dictionaries(keys, st.sampled_from([b"", b"short", b"v" * 33]))


@given(tries, keys)
@settings(deadline=None)
def test_a_lookup_finds_what_is_there_and_nothing_else(entries: dict[bytes, bytes], key: bytes) -> None:
    root, records = stored(entries)
    assert lookup(root, key, records.get) == entries.get(key)
    assert lookup(root, key, records.get, NodeCache(2)) == entries.get(key)


@given(tries, keys, st.one_of(st.none(), keys))
@settings(deadline=None)
def test_iteration_gives_the_range_in_order(
    entries: dict[bytes, bytes], prefix: bytes, start_after: bytes | None
) -> None:
    root, records = stored(entries)
    expected = [
        (key, value)
        for key, value in sorted(entries.items())
        if key.startswith(prefix) and (start_after is None or key > start_after)
    ]
    assert list(iterate(root, records.get, prefix, start_after)) == expected


def test_iteration_fetches_only_what_it_yields() -> None:
    entries = {bytes([a, b]): b"v" * 33 for a in range(16) for b in range(16)}
    root, records = stored(entries)
    reads = []

    def source(record_hash: bytes) -> bytes | None:
        reads.append(record_hash)
        return records.get(record_hash)

    walk = iterate(root, source, b"\x07", b"\x07\x08")
    assert next(walk) == (b"\x07\x09", b"v" * 33)
    assert len(reads) < 8


def test_the_empty_trie_needs_no_source() -> None:
    assert lookup(EMPTY_ROOT, b"key", NOTHING.get) is None
    assert list(iterate(EMPTY_ROOT, NOTHING.get)) == []


def test_a_missing_hashed_value_is_named() -> None:
    value = b"v" * 33
    value_hash = blake2b(value, digest_size=32).digest()
    root, records = stored({b"a": value})
    del records[value_hash]
    with pytest.raises(MissingNode) as failure:
        lookup(root, b"a", records.get)
    assert failure.value.node_hash == value_hash


def test_a_value_at_an_odd_number_of_nibbles_is_refused() -> None:
    encoding = encode_leaf("abc", INLINE_VALUE, b"v")
    root = blake2b(encoding, digest_size=32).digest()
    with pytest.raises(InvalidNode) as refusal:
        list(iterate(root, {root: encoding}.get))
    assert refusal.value.reason is NodeFault.ODD_KEY


def test_a_path_longer_than_any_key_is_refused() -> None:
    half = "0" * 40_000
    leaf = encode_leaf(half, INLINE_VALUE, b"v")
    top = encode_branch(half, INLINE_VALUE, b"v", 1, link_of(leaf))
    records = {blake2b(data, digest_size=32).digest(): data for data in (leaf, top)}
    with pytest.raises(InvalidNode) as refusal:
        list(iterate(blake2b(top, digest_size=32).digest(), records.get))
    assert refusal.value.reason is NodeFault.PARTIAL_KEY_TOO_LONG


def test_a_malformed_inline_child_is_refused_where_it_is_read() -> None:
    links = b"\x04\x00" + link_of(encode_leaf("", INLINE_VALUE, b"v"))
    encoding = encode_branch("0", INLINE_VALUE, b"", 0b110, links)
    root = blake2b(encoding, digest_size=32).digest()
    assert lookup(root, b"\x02", {root: encoding}.get) == b"v"
    with pytest.raises(InvalidNode) as refusal:
        lookup(root, b"\x01", {root: encoding}.get)
    assert refusal.value.reason is NodeFault.RESERVED_HEADER


NODE = decode(encode_leaf("ab", INLINE_VALUE, b"v"))


def test_the_cache_holds_at_most_two_generations() -> None:
    cache = NodeCache(3)
    for number in range(50):
        cache.put(bytes([number]), NODE)
        assert len(cache) <= 6
    assert cache.get(b"\x31") is NODE
    assert cache.get(b"\x00") is None


def test_an_entry_that_is_read_outlives_those_that_are_not() -> None:
    cache = NodeCache(3)
    cache.put(b"kept", NODE)
    for number in range(50):
        cache.put(bytes([number]), NODE)
        assert cache.get(b"kept") is NODE


def test_a_forgotten_entry_is_gone_from_both_generations() -> None:
    cache = NodeCache(3)
    for key in (b"a", b"b", b"c", b"d"):
        cache.put(key, NODE)
    assert cache.get(b"a") is NODE
    cache.forget([b"a", b"d", b"unknown"])
    assert cache.get(b"a") is None
    assert cache.get(b"d") is None
    assert cache.get(b"b") is NODE


def test_warming_loads_the_top_of_a_trie_level_by_level_and_no_more_than_the_limit() -> None:
    entries = {bytes([n, m]): bytes([n, m]) * 20 for n in range(256) for m in range(3)}
    root, records = stored(entries)
    whole = 1 + 16 + 256 + 768
    for limit, expected in ((0, 0), (1, 1), (17, 17), (100, 100), (10_000, whole)):
        asked: list[bytes] = []

        def source(record_hash: bytes, asked: list[bytes] = asked) -> bytes | None:
            asked.append(record_hash)
            return records.get(record_hash)

        cache = NodeCache(10_000)
        assert warm(root, source, cache, limit) == len(asked) == len(cache) == expected
        if limit >= 17:
            assert asked[0] == root
            assert {len(decode(records[each])[4]) for each in asked[:17]} == {16 * 33}
    assert warm(EMPTY_ROOT, records.get, NodeCache(), 10) == 0
