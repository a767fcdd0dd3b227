"""Signed transactions, version 4: what a signature covers, in the order that every Substrate client uses.

    payload = call ++ era ++ nonce ++ tip ++ metadata mode
                   ++ spec version ++ transaction version ++ genesis hash ++ birth hash ++ no metadata hash

Pure: the facts about the chain come in as a `SigningContext`.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.primitives.era import IMMORTAL, Immortal, Mortal, encode_era
from runtime.primitives.extrinsic import SignedExtrinsic, extrinsic_hash, signing_payload
from runtime.primitives.keys import KeyPair
from runtime.primitives.multiaddress import Id
from runtime.primitives.scale import encode_compact

DEFAULT_PERIOD = 64
"""Blocks for which a transaction is valid: polkadot.js's default, six minutes at 6 s."""

_METADATA_UNCHECKED = b"\0"
"""`CheckMetadataHash` in mode 0: the signature does not cover the metadata."""
_NO_METADATA_HASH = b"\0"


@dataclass(frozen=True, slots=True)
class SigningContext:
    """What a signature binds to: the chain, its rules, and the block at which the transaction is born."""

    spec_version: int
    transaction_version: int
    genesis_hash: bytes
    era: Immortal | Mortal
    birth_hash: bytes
    """Hash of the era's first block; the genesis hash for an immortal era."""

    @staticmethod
    def immortal(spec_version: int, transaction_version: int, genesis_hash: bytes) -> SigningContext:
        """For a transaction that never expires."""
        return SigningContext(spec_version, transaction_version, genesis_hash, IMMORTAL, genesis_hash)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed transaction: its bytes with length prefix, and the hash that names it (32 bytes)."""

    encoded: bytes
    hash: bytes
    nonce: int


def sign(call: bytes, signer: KeyPair, nonce: int, context: SigningContext, tip: int = 0) -> Transaction:
    """Sign an encoded call. `tip` is in planck. Raises `InvalidScale` for a nonce or tip that is out of
    range."""
    extra = encode_era(context.era) + encode_compact(nonce) + encode_compact(tip) + _METADATA_UNCHECKED
    additional = (
        context.spec_version.to_bytes(4, "little")
        + context.transaction_version.to_bytes(4, "little")
        + context.genesis_hash
        + context.birth_hash
        + _NO_METADATA_HASH
    )
    signature = signer.sign(signing_payload(call, extra, additional))
    encoded = SignedExtrinsic(Id(signer.public), signature, None, extra, call).encode()
    return Transaction(encoded, extrinsic_hash(encoded), nonce)
