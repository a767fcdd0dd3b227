"""py_ecc, the readable reference, is the oracle; it takes up to a second a call, so it is asked seldom."""

import pytest
from eth_typing import BLSPubkey, BLSSignature
from py_arkworks_bls12381 import G1Point, G2Point
from py_ecc.bls.ciphersuites import G2ProofOfPossession as Oracle

from consensus.finality import bls
from consensus.finality.bls import BlsFault, BlsKey, InvalidBls, PublicKey

SEED = bytes(range(32))
KEYS = [BlsKey.from_seed(bytes([number]) * 32) for number in range(1, 5)]
PUBLICS = [PublicKey.from_bytes(each.public) for each in KEYS]
INFINITY_G1 = b"\xc0" + bytes(47)
INFINITY_G2 = b"\xc0" + bytes(95)
FIELD_PRIME = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)


def refused(action: object, *arguments: object) -> BlsFault:
    with pytest.raises(InvalidBls) as caught:
        action(*arguments)  # type: ignore[operator]
    return caught.value.reason


@pytest.mark.parametrize("message", [b"", b"fixpoint"])
def test_keys_signatures_and_proofs_equal_the_oracles_byte_for_byte(message: bytes) -> None:
    key, secret = BlsKey.from_seed(SEED), Oracle.KeyGen(SEED)
    assert key.public == Oracle.SkToPk(secret)
    assert key.sign(message) == Oracle.Sign(secret, message)
    assert key.prove_possession() == Oracle.PopProve(secret)


def test_aggregates_equal_the_oracles_and_it_accepts_them() -> None:
    signatures = [each.sign(b"block") for each in KEYS]
    total = bls.aggregate(signatures)
    assert total == Oracle.Aggregate([BLSSignature(each) for each in signatures])
    assert Oracle.FastAggregateVerify(
        [BLSPubkey(each.public) for each in KEYS], b"block", BLSSignature(total)
    )


def test_key_generation_follows_the_ietf_draft() -> None:
    """EIP-2333's first test case: its master key is the draft's KeyGen of the seed."""
    seed = bytes.fromhex(
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf14163"
        "0c7a3c4ab7c81b2f001698e7463b04"
    )
    expected = 6083874454709270928345386274498605044986640685124978867557563392430687146096
    assert bls._generate(seed) == expected
    with pytest.raises(ValueError, match="at least 32 bytes, this one 31"):
        BlsKey.from_seed(bytes(31))


def test_a_signature_holds_for_its_key_and_message_only() -> None:
    signature = KEYS[0].sign(b"block")
    assert bls.verify(PUBLICS[0], b"block", signature)
    assert not bls.verify(PUBLICS[0], b"clock", signature)
    assert not bls.verify(PUBLICS[1], b"block", signature)
    assert not bls.verify(PUBLICS[0], b"block", INFINITY_G2)


def test_possession_is_proved_under_its_own_domain() -> None:
    proof = KEYS[0].prove_possession()
    assert bls.verify_possession(PUBLICS[0], proof)
    assert not bls.verify_possession(PUBLICS[1], proof)
    assert not bls.verify_possession(PUBLICS[0], KEYS[0].sign(KEYS[0].public))


def test_an_aggregate_needs_every_signer_and_no_other() -> None:
    total = bls.aggregate([each.sign(b"block") for each in KEYS[:3]])
    assert bls.fast_aggregate_verify(PUBLICS[:3], b"block", total)
    assert not bls.fast_aggregate_verify(PUBLICS[:2], b"block", total)
    assert not bls.fast_aggregate_verify(PUBLICS, b"block", total)
    assert not bls.fast_aggregate_verify(PUBLICS[:3], b"clock", total)


def test_keys_that_cancel_out_verify_nothing() -> None:
    negated = PublicKey.from_bytes((-PUBLICS[0].point).to_compressed_bytes())
    assert not bls.fast_aggregate_verify([PUBLICS[0], negated], b"block", INFINITY_G2)


def test_an_aggregate_of_nothing_is_refused() -> None:
    assert refused(bls.aggregate, []) is BlsFault.EMPTY
    assert refused(bls.fast_aggregate_verify, [], b"block", KEYS[0].sign(b"block")) is BlsFault.EMPTY


def outside_subgroup(prefix_length: int) -> bytes:
    """A curve point of small x; the cofactor makes nearly all of them lie outside the subgroup."""
    point = G1Point if prefix_length == 48 else G2Point
    for x in range(1, 50):
        data = bytearray(x.to_bytes(prefix_length, "big"))
        data[0] |= 0x80
        try:
            found = point.from_compressed_bytes_unchecked(bytes(data))
        except ValueError:
            continue
        if not found.is_in_subgroup():
            return bytes(data)
    raise AssertionError("no such point")


def test_every_malformed_public_key_is_refused_by_name() -> None:
    too_large = bytearray(FIELD_PRIME.to_bytes(48, "big"))
    too_large[0] |= 0x80
    cases = [
        (KEYS[0].public[:-1], BlsFault.LENGTH),
        (b"", BlsFault.LENGTH),
        (INFINITY_G1, BlsFault.INFINITY),
        (INFINITY_G1[:-1] + b"\x01", BlsFault.ENCODING),
        (b"\xe0" + bytes(47), BlsFault.ENCODING),
        (bytes(48), BlsFault.ENCODING),
        (b"\xff" * 48, BlsFault.ENCODING),
        (bytes([KEYS[0].public[0] & 0x7F]) + KEYS[0].public[1:], BlsFault.ENCODING),
        (bytes(too_large), BlsFault.ENCODING),
        (outside_subgroup(48), BlsFault.ENCODING),
    ]
    for data, reason in cases:
        assert refused(PublicKey.from_bytes, data) is reason, data.hex()


def test_every_malformed_signature_is_refused_by_name() -> None:
    signature = KEYS[0].sign(b"block")
    bls.check_signature_encoding(signature)
    cases = [
        (signature + b"\0", BlsFault.LENGTH),
        (INFINITY_G2[:-1] + b"\x01", BlsFault.ENCODING),
        (bytes(96), BlsFault.ENCODING),
        (outside_subgroup(96), BlsFault.ENCODING),
    ]
    for data, reason in cases:
        assert refused(bls.check_signature_encoding, data) is reason, data.hex()
        assert refused(bls.verify, PUBLICS[0], b"block", data) is reason


def test_a_key_does_not_show_its_secret() -> None:
    assert repr(KEYS[0]) == f"BlsKey(public={KEYS[0].public!r})"
    assert repr(PUBLICS[0]) == f"PublicKey(encoded={PUBLICS[0].encoded!r})"
