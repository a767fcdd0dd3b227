"""Read proofs: presence, absence and ranges are proved, and every mutation of a proof is refused."""

from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.primitives.trie import (
    EMPTY_ROOT,
    MAX_PROOF_BYTES,
    InvalidProof,
    MissingNode,
    ProofFault,
    build,
    prove,
    prove_range,
    verify_prefix_proof,
    verify_proof,
    verify_range_proof,
)
from runtime.primitives.trie.codec import INLINE_VALUE, encode_leaf

NOTHING: dict[bytes, bytes] = {}


def stored(entries: dict[bytes, bytes], version: int = 1) -> tuple[bytes, dict[bytes, bytes]]:
    records: list[tuple[bytes, bytes]] = []
    root = build(sorted(entries.items()), version, records.append)
    return root, dict(records)


short_keys = st.lists(st.sampled_from([0x00, 0x01, 0x0F, 0x10, 0xF0]), max_size=4).map(bytes)
keys = st.one_of(short_keys, short_keys.map(lambda tail: b"\x33" * 520 + tail))
values = st.sampled_from([b"", b"short", b"w" * 32, b"v" * 33, b"u" * 90])
tries = st.dictionaries(keys, values, min_size=1)


@given(tries, st.lists(keys, min_size=1, max_size=5), st.sampled_from([0, 1]))
@settings(deadline=None)
def test_present_and_absent_keys_are_proved(
    entries: dict[bytes, bytes], asked: list[bytes], version: int
) -> None:
    root, records = stored(entries, version)
    proof = prove(root, asked, records.get)
    assert proof == sorted(set(proof))
    assert verify_proof(root, proof, asked) == {key: entries.get(key) for key in asked}
    assert verify_proof(root, proof[::-1], asked) == {key: entries.get(key) for key in asked}


@given(tries, st.lists(keys, min_size=1, max_size=5), st.data())
@settings(max_examples=150, deadline=None)
def test_every_mutation_of_a_proof_is_refused(
    entries: dict[bytes, bytes], asked: list[bytes], data: st.DataObject
) -> None:
    root, records = stored(entries)
    proof = prove(root, asked, records.get)
    at = data.draw(st.integers(0, len(proof) - 1))
    entry = proof[at]
    bit = data.draw(st.integers(0, len(entry) * 8 - 1))
    flipped = (int.from_bytes(entry, "big") ^ 1 << bit).to_bytes(len(entry), "big")
    cut = data.draw(st.integers(0, len(entry) - 1))
    mutations = {
        "entry removed": proof[:at] + proof[at + 1 :],
        "bit flipped": [*proof[:at], flipped, *proof[at + 1 :]],
        "entry cut": [*proof[:at], entry[:cut], *proof[at + 1 :]],
        "entry lengthened": [*proof[:at], entry + b"\x00", *proof[at + 1 :]],
        "entry repeated": [*proof, entry],
        "entry added": [*proof, b"an entry that belongs nowhere"],
    }
    reasons = {}
    for name, mutated in mutations.items():
        with pytest.raises(InvalidProof) as refusal:
            verify_proof(root, mutated, asked)
        reasons[name] = refusal.value.reason
    lost = (ProofFault.ROOT_ABSENT, ProofFault.INCOMPLETE)
    assert all(
        reasons[name] in lost for name in ("entry removed", "bit flipped", "entry cut", "entry lengthened")
    )
    assert reasons["entry repeated"] is ProofFault.DUPLICATE
    assert reasons["entry added"] is ProofFault.UNUSED


def test_a_proof_for_one_key_does_not_answer_for_another() -> None:
    root, records = stored({bytes([n]): bytes([n]) * 40 for n in range(64)})
    proof = prove(root, [b"\x01"], records.get)
    with pytest.raises(InvalidProof) as refusal:
        verify_proof(root, proof, [b"\x01", b"\x31"])
    assert refusal.value.reason is ProofFault.INCOMPLETE
    assert refusal.value.subject in records
    with pytest.raises(InvalidProof) as refusal:
        verify_proof(bytes(32), proof, [b"\x01"])
    assert refusal.value.reason is ProofFault.ROOT_ABSENT


def test_a_proof_of_more_keys_than_asked_is_refused_with_the_entry() -> None:
    root, records = stored({bytes([n]): bytes([n]) * 40 for n in range(64)})
    wide = prove(root, [b"\x01", b"\x31"], records.get)
    narrow = prove(root, [b"\x01"], records.get)
    with pytest.raises(InvalidProof) as refusal:
        verify_proof(root, wide, [b"\x01"])
    assert refusal.value.reason is ProofFault.UNUSED
    assert refusal.value.subject in set(wide) - set(narrow)


def test_the_empty_trie_proves_absence_with_nothing() -> None:
    assert prove(EMPTY_ROOT, [b"a"], NOTHING.get) == []
    assert verify_proof(EMPTY_ROOT, [], [b"a"]) == {b"a": None}
    with pytest.raises(InvalidProof) as refusal:
        verify_proof(EMPTY_ROOT, [b"\x00"], [b"a"])
    assert refusal.value.reason is ProofFault.UNUSED


def test_a_root_node_below_32_bytes_is_still_an_entry() -> None:
    root, records = stored({b"a": b"1"})
    proof = prove(root, [b"a"], records.get)
    assert [len(entry) < 32 for entry in proof] == [True]
    assert verify_proof(root, proof, [b"a", b"b"]) == {b"a": b"1", b"b": None}


def test_a_value_whose_bytes_look_like_a_node_is_taken_as_a_value() -> None:
    disguised = encode_leaf("", INLINE_VALUE, b"x" * 40)
    root, records = stored({b"a": disguised, b"b": b"1"})
    proof = prove(root, [b"a"], records.get)
    assert disguised in proof
    assert verify_proof(root, proof, [b"a"]) == {b"a": disguised}


def test_equal_subtrees_share_their_entries() -> None:
    entries = {bytes([a, b]): b"v" * 40 for a in (1, 2) for b in range(3)}
    root, records = stored(entries)
    proof = prove(root, entries, records.get)
    assert len(proof) == len(set(proof))
    assert verify_proof(root, proof, entries) == entries


def test_a_malformed_node_under_a_right_hash_is_refused() -> None:
    bad = b"\x40\x04ab"
    root = blake2b(bad, digest_size=32).digest()
    for verify in (
        lambda: verify_proof(root, [bad], [b"a"]),
        lambda: verify_range_proof(root, [bad]),
    ):
        with pytest.raises(InvalidProof) as refusal:
            verify()
        assert refusal.value.reason is ProofFault.MALFORMED_NODE
        assert refusal.value.subject == bad


def test_a_proof_beyond_the_size_limit_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(InvalidProof) as refusal:
        verify_proof(bytes(32), [bytes(MAX_PROOF_BYTES), b"x"], [b"a"])
    assert refusal.value.reason is ProofFault.TOO_LARGE


def test_a_proof_can_not_be_made_from_a_store_with_holes() -> None:
    root, records = stored({b"a": b"v" * 40})
    del records[root]
    with pytest.raises(MissingNode):
        prove(root, [b"a"], records.get)


@given(tries, short_keys, st.one_of(st.none(), keys))
@settings(deadline=None)
def test_a_whole_range_is_proved(
    entries: dict[bytes, bytes], prefix: bytes, start_after: bytes | None
) -> None:
    root, records = stored(entries)
    proof = prove_range(root, records.get, prefix, start_after)
    found = verify_range_proof(root, proof, prefix, start_after)
    assert found.complete
    assert found.entries == {
        key: value
        for key, value in entries.items()
        if key.startswith(prefix) and (start_after is None or key > start_after)
    }


@given(st.dictionaries(keys, st.sampled_from([b"v" * 33, b"s"]), min_size=1), st.integers(1, 4))
@settings(deadline=None)
def test_a_trie_can_be_read_range_by_range(entries: dict[bytes, bytes], limit: int) -> None:
    root, records = stored(entries)
    collected: dict[bytes, bytes] = {}
    last: bytes | None = None
    while True:
        found = verify_range_proof(root, prove_range(root, records.get, b"", last, limit), b"", last)
        collected.update(found.entries)
        if found.complete:
            break
        assert len(found.entries) >= limit
        last = max(found.entries)
    assert collected == entries


def test_a_range_proof_that_lacks_a_record_ends_before_it_or_is_refused() -> None:
    entries = {bytes([n]): bytes([n]) * 40 for n in range(64)}
    root, records = stored(entries)
    proof = prove_range(root, records.get)
    in_order = sorted(entries.items())
    shorter = 0
    for at in range(len(proof)):
        try:
            found = verify_range_proof(root, proof[:at] + proof[at + 1 :])
        except InvalidProof as refusal:
            # What follows the hole can not be used, so the rest of the proof is superfluous.
            assert refusal.reason in (ProofFault.UNUSED, ProofFault.INCOMPLETE, ProofFault.ROOT_ABSENT)  # noqa: PT017
        else:
            assert not found.complete
            assert list(found.entries.items()) == in_order[: len(found.entries)]
            shorter += 1
    assert shorter == 1, "only the last record of the walk can be left out"


def test_a_prefix_proof_shows_all_keys_below_the_prefix() -> None:
    entries = {bytes([a, b]): bytes([a, b]) * 20 for a in range(16) for b in range(16)}
    root, records = stored(entries)
    proof = prove_range(root, records.get, b"\x07")
    below = {key: value for key, value in entries.items() if key[0] == 7}
    assert verify_prefix_proof(root, proof, b"\x07") == below
    part = prove_range(root, records.get, b"\x07", limit=3)
    with pytest.raises(InvalidProof) as refusal:
        verify_prefix_proof(root, part, b"\x07")
    assert refusal.value.reason is ProofFault.INCOMPLETE


def test_a_range_proof_with_more_entries_than_wanted_is_refused() -> None:
    root, records = stored({bytes([n]): b"" for n in range(10)})
    proof = prove_range(root, records.get)
    assert len(verify_range_proof(root, proof, limit=10).entries) == 10
    with pytest.raises(InvalidProof) as refusal:
        verify_range_proof(root, proof, limit=9)
    assert refusal.value.reason is ProofFault.TOO_MANY_ENTRIES
