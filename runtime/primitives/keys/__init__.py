"""Accounts: key pairs, signatures, addresses, derivation and mnemonic phrases."""

from runtime.primitives.keys.accounts import KeyPair, Scheme
from runtime.primitives.keys.derivation import DEVELOPMENT_PHRASE, InvalidUri, UriReason
from runtime.primitives.keys.development import DEVELOPMENT_NAMES, development_pair
from runtime.primitives.keys.mnemonic import InvalidMnemonic, MnemonicReason
from runtime.primitives.keys.signature import (
    EcdsaSignature,
    Ed25519Signature,
    InvalidSignature,
    MultiSignature,
    SignatureReason,
    Sr25519Signature,
    require_valid,
    verify,
)
from runtime.primitives.keys.ss58 import AddressReason, InvalidAddress

__all__ = [
    "DEVELOPMENT_NAMES",
    "DEVELOPMENT_PHRASE",
    "AddressReason",
    "EcdsaSignature",
    "Ed25519Signature",
    "InvalidAddress",
    "InvalidMnemonic",
    "InvalidSignature",
    "InvalidUri",
    "KeyPair",
    "MnemonicReason",
    "MultiSignature",
    "Scheme",
    "SignatureReason",
    "Sr25519Signature",
    "UriReason",
    "development_pair",
    "require_valid",
    "verify",
]
