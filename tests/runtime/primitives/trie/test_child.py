"""Child tries: a root in the main trie, and proofs through both."""

import pytest

from runtime.primitives.trie import (
    CHILD_PREFIX,
    EMPTY_ROOT,
    InvalidProof,
    ProofFault,
    build,
    child_root,
    prove,
    prove_child,
    verify_child_proof,
)

INNER = {bytes([n]): bytes([n]) * 40 for n in range(30)}


def stored(inner: dict[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    records: list[tuple[bytes, bytes]] = []
    inner_root = build(sorted(inner.items()), 1, records.append)
    main = {bytes([n]) * 20: b"m" * 40 for n in range(60)}
    if inner:
        main[CHILD_PREFIX + b"pot"] = inner_root
    return build(sorted(main.items()), 1, records.append), dict(records)


def test_values_and_absences_of_a_child_trie_are_proved() -> None:
    root, records = stored(INNER)
    asked = [b"\x01", b"\x1d", b"\xff"]
    proof = prove_child(root, b"pot", asked, records.get)
    assert proof == sorted(set(proof))
    expected = {b"\x01": b"\x01" * 40, b"\x1d": b"\x1d" * 40, b"\xff": None}
    assert verify_child_proof(root, proof, b"pot", asked) == expected


def test_the_absence_of_a_child_trie_is_proved() -> None:
    root, records = stored({})
    assert child_root(root, b"pot", records.get) == EMPTY_ROOT
    proof = prove_child(root, b"pot", [b"\x01"], records.get)
    assert verify_child_proof(root, proof, b"pot", [b"\x01"]) == {b"\x01": None}


def test_every_entry_of_a_child_proof_is_needed() -> None:
    root, records = stored(INNER)
    proof = prove_child(root, b"pot", [b"\x01"], records.get)
    for at in range(len(proof)):
        with pytest.raises(InvalidProof) as refusal:
            verify_child_proof(root, proof[:at] + proof[at + 1 :], b"pot", [b"\x01"])
        assert refusal.value.reason in (ProofFault.INCOMPLETE, ProofFault.ROOT_ABSENT)
    with pytest.raises(InvalidProof) as refusal:
        verify_child_proof(root, [*proof, b"more"], b"pot", [b"\x01"])
    assert refusal.value.reason is ProofFault.UNUSED


def test_a_child_entry_that_is_no_root_is_refused() -> None:
    records: list[tuple[bytes, bytes]] = []
    root = build([(CHILD_PREFIX + b"pot", b"not a root")], 1, records.append)
    proof = prove(root, [CHILD_PREFIX + b"pot"], dict(records).get)
    with pytest.raises(InvalidProof) as refusal:
        verify_child_proof(root, proof, b"pot", [b"\x01"])
    assert refusal.value.reason is ProofFault.BAD_CHILD_ROOT
    assert refusal.value.subject == b"not a root"
