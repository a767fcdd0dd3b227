"""Ownership proofs, and the checks that the runtime asks of consensus."""

import pytest

from consensus.finality.bls import BlsKey
from consensus.keys import SessionKey
from consensus.ownership import BlsCrypto, prove_ownership
from runtime.primitives.ownership import OWNERSHIP_PROOF_LENGTH, ownership_statement

BLOCK_KEY, FINALITY_KEY = SessionKey.from_seed(b"\1" * 32), BlsKey.from_seed(b"\2" * 32)


def test_a_proof_has_its_fixed_length_and_is_always_the_same() -> None:
    proof = prove_ownership(BLOCK_KEY, FINALITY_KEY, b"\3" * 32)
    assert len(proof) == OWNERSHIP_PROOF_LENGTH
    assert proof == prove_ownership(BLOCK_KEY, FINALITY_KEY, b"\3" * 32)
    assert proof != prove_ownership(BLOCK_KEY, FINALITY_KEY, b"\4" * 32)


def test_the_checks_accept_what_the_key_made_and_nothing_else() -> None:
    crypto, key = BlsCrypto(), FINALITY_KEY.public
    statement = ownership_statement(b"\3" * 32)
    signature, possession = FINALITY_KEY.sign(statement), FINALITY_KEY.prove_possession()
    assert crypto.verify(key, statement, signature)
    assert crypto.verify_possession(key, possession)
    assert not crypto.verify(key, statement + b"\0", signature)
    assert not crypto.verify(key, statement, possession)
    assert not crypto.verify_possession(key, signature)


@pytest.mark.parametrize("length", [0, 1, 47, 48, 95, 96, 97])
def test_malformed_keys_and_signatures_prove_nothing(length: int) -> None:
    crypto, key = BlsCrypto(), FINALITY_KEY.public
    for filler in (b"\0", b"\xff"):
        junk = filler * length
        assert not crypto.verify(junk, b"", FINALITY_KEY.sign(b""))
        assert not crypto.verify(key, b"", junk)
        assert not crypto.verify_possession(junk, FINALITY_KEY.prove_possession())
        assert not crypto.verify_possession(key, junk)
