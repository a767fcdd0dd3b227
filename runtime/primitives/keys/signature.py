"""Signatures of accounts (`sp_runtime::MultiSignature`) and their verification."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypeAlias

import sr25519
from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

from runtime.primitives.errors import InvalidData
from runtime.primitives.scale import ScalePath, variant
from runtime.primitives.types import Bytes64, Bytes65


@variant(0, name="Ed25519", unnamed=True)
@dataclass(frozen=True, slots=True)
class Ed25519Signature:
    """RFC 8032, 64 bytes."""

    value: Bytes64


@variant(1, name="Sr25519", unnamed=True)
@dataclass(frozen=True, slots=True)
class Sr25519Signature:
    """Schnorrkel over Ristretto with the context "substrate", 64 bytes."""

    value: Bytes64


@variant(2, name="Ecdsa", unnamed=True)
@dataclass(frozen=True, slots=True)
class EcdsaSignature:
    """secp256k1 with a recovery id, 65 bytes: decoded, so that it can be named, but not accepted."""

    value: Bytes65


MultiSignature: TypeAlias = Annotated[
    Ed25519Signature | Sr25519Signature | EcdsaSignature, ScalePath("sp_runtime::MultiSignature")
]


class SignatureReason(Enum):
    """Why a signature proves nothing."""

    MISMATCH = "it was not made by this account over this message"
    UNSUPPORTED_SCHEME = "this chain has ed25519 and sr25519 accounts only"


class InvalidSignature(InvalidData):
    """A signature does not prove that the account signed the message."""


def verify_ed25519(signature: bytes, message: bytes, public: bytes) -> bool:
    """Whether `signature` (64 bytes) is `public`'s over `message`; malformed ones are no proof."""
    if len(signature) != 64 or len(public) != 32:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except CryptoError:
        return False
    return True


def verify_sr25519(signature: bytes, message: bytes, public: bytes) -> bool:
    """Whether `signature` (64 bytes) is `public`'s over `message`; malformed ones are no proof."""
    try:
        return bool(sr25519.verify(signature, message, public))
    except ValueError:
        return False


def verify(signature: MultiSignature, message: bytes, account: bytes) -> bool:
    """Whether `account` (32 bytes) signed `message`; always False for ECDSA, see `require_valid`."""
    match signature:
        case Ed25519Signature(value):
            return verify_ed25519(value, message, account)
        case Sr25519Signature(value):
            return verify_sr25519(value, message, account)
        case _:
            return False


def require_valid(signature: MultiSignature, message: bytes, account: bytes) -> None:
    """Raises `InvalidSignature`, with the reason, unless `account` signed `message`."""
    if isinstance(signature, EcdsaSignature):
        reason = SignatureReason.UNSUPPORTED_SCHEME
        raise InvalidSignature(reason, "an ECDSA signature is not accepted; sign with ed25519 or sr25519")
    if not verify(signature, message, account):
        raise InvalidSignature(
            SignatureReason.MISMATCH, f"account 0x{account.hex()} did not sign this message", account
        )
