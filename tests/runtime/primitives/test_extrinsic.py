"""The extrinsic envelope, against what polkadot.js signs."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from runtime.primitives.era import Era
from runtime.primitives.extrinsic import (
    BareExtrinsic,
    ExtrinsicReason,
    InvalidExtrinsic,
    SignedExtrinsic,
    decode_extrinsic,
    extrinsic_hash,
    signing_payload,
)
from runtime.primitives.hashing import blake2_256
from runtime.primitives.integers import U8
from runtime.primitives.keys import Ed25519Signature, KeyPair, Scheme, verify
from runtime.primitives.multiaddress import Id
from runtime.primitives.scale import CompactU32, CompactU128, codec, encode_compact

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "extrinsics_v4_ed25519.json").read_text())


@dataclass(frozen=True, slots=True)
class Extra:
    """The data of the standard extensions: mortality, nonce, tip, metadata hash mode."""

    era: Era
    nonce: CompactU32
    tip: CompactU128
    mode: U8


EXTRA = codec(Extra)
GENESIS = bytes.fromhex(VECTORS["genesis"][2:])
ADDITIONAL = (
    VECTORS["spec_version"].to_bytes(4, "little")
    + VECTORS["tx_version"].to_bytes(4, "little")
    + GENESIS
    + GENESIS
    + b"\0"
)
SIGNED = bytes.fromhex(VECTORS["cases"][0]["extrinsic"][2:])


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda c: f"{c['name']} {c['mortal']}")
def test_a_signed_extrinsic_of_polkadot_js_is_read_verified_and_made_again(case: dict[str, Any]) -> None:
    raw, call = unhex(case["extrinsic"]), unhex(case["call"])
    parts = decode_extrinsic(raw, EXTRA)
    assert isinstance(parts, SignedExtrinsic)
    assert parts.address == Id(unhex(case["signer"]))
    assert parts.call == call
    assert parts.encode() == raw
    assert extrinsic_hash(raw) == unhex(case["hash"])

    payload = call + parts.extra_bytes + ADDITIONAL
    assert payload == unhex(case["payload"])
    to_sign = signing_payload(call, parts.extra_bytes, ADDITIONAL)
    assert verify(parts.signature, to_sign, unhex(case["signer"]))
    assert KeyPair.from_uri("//Alice", Scheme.ED25519).sign(to_sign) == parts.signature


def test_a_payload_above_256_bytes_is_signed_as_its_hash() -> None:
    assert signing_payload(bytes(200), bytes(50), bytes(6)) == bytes(256)
    assert signing_payload(bytes(200), bytes(50), bytes(7)) == blake2_256(bytes(257))


def test_a_bare_extrinsic_is_version_byte_and_call() -> None:
    bare = BareExtrinsic(b"\x01\x00\x0b")
    assert bare.encode() == b"\x10\x04\x01\x00\x0b"
    assert decode_extrinsic(bare.encode(), EXTRA) == bare


def test_an_altered_signature_still_decodes_and_no_longer_verifies() -> None:
    parts = decode_extrinsic(SIGNED, EXTRA)
    assert isinstance(parts, SignedExtrinsic)
    assert isinstance(parts.signature, Ed25519Signature)
    altered = replace(parts, signature=Ed25519Signature(bytes(64)))
    assert decode_extrinsic(altered.encode(), EXTRA) == altered
    assert not verify(altered.signature, b"", bytes(32))


def prefixed(body: bytes) -> bytes:
    return encode_compact(len(body)) + body


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", ExtrinsicReason.MALFORMED),
        (b"\x01\x00", ExtrinsicReason.MALFORMED),
        (b"\0", ExtrinsicReason.EMPTY),
        (SIGNED[:-1], ExtrinsicReason.LENGTH_MISMATCH),
        (SIGNED + b"\0", ExtrinsicReason.LENGTH_MISMATCH),
        (prefixed(b"\x05\0\0"), ExtrinsicReason.UNSUPPORTED_VERSION),
        (prefixed(b"\x45\0\0"), ExtrinsicReason.UNSUPPORTED_VERSION),
        (prefixed(b"\x84"), ExtrinsicReason.MALFORMED),
        (prefixed(b"\x84\x09" + bytes(32)), ExtrinsicReason.MALFORMED),
        (prefixed(b"\x84\0" + bytes(32) + b"\x03" + bytes(64)), ExtrinsicReason.MALFORMED),
        (prefixed(b"\x84\0" + bytes(32) + b"\0" + bytes(64) + b"\x01"), ExtrinsicReason.MALFORMED),
    ],
)
def test_bytes_that_are_no_extrinsic_are_refused_with_the_reason(raw: bytes, reason: ExtrinsicReason) -> None:
    with pytest.raises(InvalidExtrinsic) as refused:
        decode_extrinsic(raw, EXTRA)
    assert refused.value.reason is reason
