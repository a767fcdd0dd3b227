"""Roots of whole tries: the reference builder, the streaming builder and `apply` against known answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.primitives.trie import (
    EMPTY_ROOT,
    MAX_KEY_BYTES,
    EntryFault,
    InvalidEntry,
    apply,
    build,
    extrinsics_root,
    reference_records,
    root_of,
)
from runtime.primitives.trie.codec import compact
from runtime.primitives.trie.nibbles import common_length

VECTORS = Path(__file__).parents[3] / "vectors" / "trie_roots_chopsticks_oracle.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())

NOTHING: dict[bytes, bytes] = {}


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_root_equals_that_of_substrates_trie(case: dict[str, Any], version: int) -> None:
    entries = {unhex(key): unhex(value) for key, value in case["entries"]}
    expected = unhex(case[f"root_v{version}"])
    assert root_of(entries, version) == expected
    assert build(sorted(entries.items()), version) == expected
    assert apply(EMPTY_ROOT, entries, NOTHING.get, version).root == expected


def test_all_280_vectors_are_there() -> None:
    assert len(CASES) * 2 == 280


def test_the_empty_trie_has_the_known_root_and_no_record() -> None:
    known = "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"
    assert EMPTY_ROOT.hex() == known
    root, records = reference_records({})
    assert root == build([]) == EMPTY_ROOT
    assert not records


few_bytes = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0xFF]), max_size=5).map(bytes)
values = st.sampled_from([0, 1, 30, 31, 32, 33, 64]).map(lambda length: b"v" * length)


@given(st.dictionaries(few_bytes, values), st.sampled_from([0, 1]))
@settings(deadline=None)
def test_the_streaming_builder_emits_exactly_the_records_of_the_reference(
    entries: dict[bytes, bytes], version: int
) -> None:
    root, records = reference_records(entries, version)
    emitted: list[tuple[bytes, bytes]] = []
    assert build(sorted(entries.items()), version, emitted.append) == root
    assert sorted(emitted) == sorted(records.elements())


@pytest.mark.parametrize("keys", [[b"b", b"a"], [b"a", b"a"], [b"ab", b"a"]])
def test_a_build_from_keys_that_do_not_ascend_is_refused(keys: list[bytes]) -> None:
    with pytest.raises(InvalidEntry) as refusal:
        build((key, b"") for key in keys)
    assert refusal.value.reason is EntryFault.NOT_ASCENDING
    assert refusal.value.subject == keys[1]


def test_a_key_longer_than_the_format_allows_is_refused_everywhere() -> None:
    key = b"k" * (MAX_KEY_BYTES + 1)
    root = root_of({b"a": b"1"})
    emitted: list[tuple[bytes, bytes]] = []
    build([(b"a", b"1")], 1, emitted.append)
    for attempt in (
        lambda: root_of({key: b""}),
        lambda: build([(key, b"")]),
        lambda: apply(EMPTY_ROOT, {key: b""}, NOTHING.get),
        lambda: apply(root, {key: b""}, dict(emitted).get),
    ):
        with pytest.raises(InvalidEntry, match="32767") as refusal:
            attempt()
        assert refusal.value.reason is EntryFault.KEY_TOO_LONG


def test_the_longest_key_has_a_root() -> None:
    key = b"k" * MAX_KEY_BYTES
    assert root_of({key: b"v"}) == build([(key, b"v")])


@pytest.mark.parametrize("version", [-1, 2])
def test_an_unknown_state_version_is_refused_everywhere(version: int) -> None:
    for attempt in (
        lambda: root_of({b"a": b"1"}, version),
        lambda: build([(b"a", b"1")], version),
        lambda: apply(EMPTY_ROOT, {b"a": b"1"}, NOTHING.get, version),
        lambda: apply(bytes(32), {b"a": b"1"}, NOTHING.get, version),
    ):
        with pytest.raises(InvalidEntry) as refusal:
            attempt()
        assert refusal.value.reason is EntryFault.UNKNOWN_VERSION


@given(st.lists(st.binary(max_size=80), max_size=70))
@settings(deadline=None)
def test_the_extrinsics_root_is_the_inline_trie_of_compact_indices(extrinsics: list[bytes]) -> None:
    entries = {compact(index): extrinsic for index, extrinsic in enumerate(extrinsics)}
    assert extrinsics_root(extrinsics) == root_of(entries, version=0)


def test_extrinsics_from_index_64_on_sort_by_their_two_byte_keys() -> None:
    extrinsics = [bytes([index % 251]) * 40 for index in range(300)]
    entries = {compact(index): extrinsic for index, extrinsic in enumerate(extrinsics)}
    assert len(entries) == 300
    assert extrinsics_root(extrinsics) == root_of(entries, version=0)


@pytest.mark.parametrize(
    ("number", "encoding"),
    [(0, "00"), (63, "fc"), (64, "0101"), (16_383, "fdff"), (16_384, "02000100"), (2**30, "0300000040")],
)
def test_compact_lengths_take_their_shortest_form(number: int, encoding: str) -> None:
    assert compact(number).hex() == encoding


@given(st.text("0123456789abcdef", max_size=40), st.text("0123456789abcdef", max_size=40))
@settings(deadline=None)
def test_common_length_counts_shared_leading_nibbles(left: str, right: str) -> None:
    length = common_length(left, right)
    assert left[:length] == right[:length]
    assert left[length : length + 1] != right[length : length + 1] or length == len(left) == len(right)
