"""Signing: byte for byte what polkadot.js makes of the same call, key and context."""

import json
from pathlib import Path
from typing import Any

import pytest

from client.transaction import SigningContext, sign
from runtime.primitives.era import IMMORTAL, decode_era
from runtime.primitives.keys import KeyPair, Scheme, verify
from runtime.primitives.scale import InvalidScale

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "extrinsics_v4_ed25519.json").read_text())


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def signer_of(case: dict[str, Any]) -> KeyPair:
    """The development key that signed a case."""
    for name in ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"):
        pair = KeyPair.from_uri(f"//{name}", Scheme.ED25519)
        if pair.public == unhex(case["signer"]):
            return pair
    raise AssertionError("the vectors are signed with a development key")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['name']}-{case['mortal']}")
def test_a_signed_extrinsic_equals_polkadot_js_byte_for_byte(case: dict[str, Any]) -> None:
    genesis, call = unhex(VECTORS["genesis"]), unhex(case["call"])
    era = decode_era(unhex(case["payload"]), len(call))[0] if case["mortal"] else IMMORTAL
    context = SigningContext(VECTORS["spec_version"], VECTORS["tx_version"], genesis, era, genesis)
    transaction = sign(call, signer_of(case), 3, context, tip=5)
    assert transaction.encoded == unhex(case["extrinsic"])
    assert transaction.hash == unhex(case["hash"])


def test_sr25519_signatures_verify_and_long_payloads_are_signed_by_their_hash() -> None:
    pair = KeyPair.from_uri("//Alice", Scheme.SR25519)
    context = SigningContext.immortal(1, 1, bytes(32))
    transaction = sign(b"\0\0" + bytes(400), pair, 0, context)
    assert transaction.encoded[2:6] == b"\x84\x00" + pair.public[:2]
    assert verify(pair.sign(b"message"), b"message", pair.public)


def test_a_nonce_or_tip_out_of_range_is_refused() -> None:
    pair = KeyPair.from_uri("//Alice", Scheme.ED25519)
    with pytest.raises(InvalidScale):
        sign(b"\0\0", pair, -1, SigningContext.immortal(1, 1, bytes(32)))
