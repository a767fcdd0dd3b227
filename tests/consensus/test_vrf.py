"""Vectors: RFC 9381, appendix B.3 (ECVRF-EDWARDS25519-SHA512-TAI), examples 16 to 18."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_add

from consensus import vrf
from consensus.keys import SessionKey, verify_signature
from consensus.vrf import InvalidVrf, VrfFault, VrfProof

RFC_9381 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f"
        "26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
        "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff"
        "66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed593"
        "3bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
        "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb"
        "5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf80"
        "96bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
        "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45"
        "2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
    ),
]
KEY = SessionKey.from_seed(bytes(range(32)))


@pytest.mark.parametrize("vector", RFC_9381, ids=["example_16", "example_17", "example_18"])
def test_the_vectors_of_rfc_9381_hold_byte_for_byte(vector: tuple[str, ...]) -> None:
    seed, public, alpha, pi, beta = map(bytes.fromhex, vector)
    proof = vrf.prove(seed, alpha)
    assert proof.to_bytes() == pi
    assert VrfProof.from_bytes(pi) == proof
    assert vrf.output(proof) == vrf.verify(public, alpha, proof) == beta


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_every_key_proves_every_input_and_for_no_other_input(seed: bytes, alpha: bytes) -> None:
    key = SessionKey.from_seed(seed)
    proof = key.prove(alpha)
    assert len(vrf.verify(key.public, alpha, proof)) == vrf.OUTPUT_LENGTH
    with pytest.raises(InvalidVrf):
        vrf.verify(key.public, alpha + b"x", proof)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8 * vrf.PROOF_LENGTH - 1))
def test_one_flipped_bit_anywhere_in_a_proof_refutes_it(bit: int) -> None:
    proof = bytearray(KEY.prove(b"alpha").to_bytes())
    proof[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidVrf) as caught:
        vrf.verify(KEY.public, b"alpha", VrfProof.from_bytes(bytes(proof)))
    assert caught.value.reason in {VrfFault.GAMMA, VrfFault.CHALLENGE, VrfFault.SCALAR}


def test_a_gamma_with_a_torsion_component_is_refused_so_the_pre_output_is_unique() -> None:
    order_two = (vrf.FIELD_PRIME - 1).to_bytes(32, "little")
    proof = KEY.prove(b"alpha")
    shifted = crypto_core_ed25519_add(proof.gamma, order_two)
    assert vrf.output(replace(proof, gamma=shifted)) == vrf.output(proof)
    with pytest.raises(InvalidVrf) as caught:
        vrf.verify(KEY.public, b"alpha", replace(proof, gamma=shifted))
    assert caught.value.reason is VrfFault.GAMMA


def test_each_malformed_part_of_a_proof_is_named() -> None:
    proof = KEY.prove(b"alpha")
    bad_cases = [
        (bytes(32), proof, VrfFault.PUBLIC_KEY),
        (KEY.public[:31], proof, VrfFault.LENGTH),
        (KEY.public, replace(proof, gamma=bytes(32)), VrfFault.GAMMA),
        (KEY.public, replace(proof, challenge=bytes(15)), VrfFault.LENGTH),
        (KEY.public, replace(proof, response=vrf.GROUP_ORDER.to_bytes(32, "little")), VrfFault.SCALAR),
        (KEY.public, replace(proof, challenge=bytes(16), response=bytes(32)), VrfFault.CHALLENGE),
    ]
    for public, bad, reason in bad_cases:
        with pytest.raises(InvalidVrf) as caught:
            vrf.verify(public, b"alpha", bad)
        assert caught.value.reason is reason
    with pytest.raises(InvalidVrf) as caught:
        VrfProof.from_bytes(bytes(79))
    assert caught.value.reason is VrfFault.LENGTH


def test_hashing_to_the_curve_skips_encodings_that_are_no_point_and_the_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not vrf._is_point((vrf.FIELD_PRIME + 1).to_bytes(32, "little"))
    assert vrf._is_point(vrf._IDENTITY)
    candidates = iter([vrf._IDENTITY, KEY.public])

    class Digest:
        def digest(self) -> bytes:
            return next(candidates) + bytes(32)

    monkeypatch.setattr("hashlib.sha512", lambda _: Digest())
    assert vrf._encode_to_curve(b"", b"") == vrf._clear_cofactor(KEY.public)


def test_giving_up_on_the_curve_is_a_bug_not_a_silent_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vrf, "_is_point", lambda _: False)
    with pytest.raises(AssertionError, match="256 tries"):
        vrf._encode_to_curve(b"", b"")


def test_a_session_key_signs_hides_its_secret_and_refuses_a_short_seed() -> None:
    signature = KEY.sign(b"message")
    assert verify_signature(KEY.public, b"message", signature)
    assert not verify_signature(KEY.public, b"massage", signature)
    assert not verify_signature(KEY.public, b"message", signature[:63])
    assert not verify_signature(KEY.public[:31], b"message", signature)
    assert bytes(range(32)).hex() not in repr(KEY)
    assert "seed" not in repr(KEY)
    with pytest.raises(ValueError, match="32 bytes, this one 31"):
        SessionKey.from_seed(bytes(31))
