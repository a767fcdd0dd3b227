"""Key pairs of accounts: from a secret URI, a phrase or a seed to signatures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import sr25519
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from runtime.primitives.keys import ss58
from runtime.primitives.keys.derivation import InvalidUri, Junction, UriReason, derive_seed, parse_uri
from runtime.primitives.keys.mnemonic import mini_secret
from runtime.primitives.keys.signature import Ed25519Signature, MultiSignature, Sr25519Signature, verify

SEED_LENGTH = 32


class Scheme(IntEnum):
    """Signature schemes; the values are the variants of `MultiSignature`."""

    ED25519 = 0
    SR25519 = 1
    ECDSA = 2


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An account's signing key. `public` (32 bytes) is the account id; `secret` (64 bytes) never prints."""

    scheme: Scheme
    public: bytes
    secret: bytes = field(repr=False)

    @staticmethod
    def from_seed(seed: bytes, scheme: Scheme = Scheme.SR25519) -> "KeyPair":
        """The pair of 32 secret bytes."""
        return _derived(seed, (), scheme)

    @staticmethod
    def from_phrase(phrase: str, password: str = "", scheme: Scheme = Scheme.SR25519) -> "KeyPair":
        """The pair of a BIP-39 phrase; `InvalidMnemonic` where it is none."""
        return _derived(mini_secret(phrase, password), (), scheme)

    @staticmethod
    def from_uri(uri: str, scheme: Scheme = Scheme.SR25519) -> "KeyPair":
        """The pair of a secret URI: `//Alice`, `0x<64 digits>`, `twelve words//hard/soft///password`.

        Raises `InvalidUri` or `InvalidMnemonic`; neither repeats the secret.
        """
        parsed = parse_uri(uri)
        if parsed.root.startswith("0x"):
            seed = _hex_seed(parsed.root)
        else:
            seed = mini_secret(parsed.root, parsed.password)
        return _derived(seed, parsed.junctions, scheme)

    def sign(self, message: bytes) -> MultiSignature:
        """The account's signature over exactly `message`."""
        if self.scheme is Scheme.ED25519:
            return Ed25519Signature(crypto_sign(message, self.secret)[:64])
        return Sr25519Signature(sr25519.sign((self.public, self.secret), message))

    def verify(self, signature: MultiSignature, message: bytes) -> bool:
        """Whether this account made `signature` over `message`."""
        return verify(signature, message, self.public)

    def address(self, prefix: int = ss58.DEFAULT_PREFIX) -> str:
        """The account's SS58 address."""
        return ss58.encode(self.public, prefix)


def _hex_seed(root: str) -> bytes:
    digits = root.removeprefix("0x")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise InvalidUri(UriReason.BAD_SEED, "a seed is 0x and 64 hexadecimal digits") from None


def _derived(seed: bytes, junctions: tuple[Junction, ...], scheme: Scheme) -> KeyPair:
    if len(seed) != SEED_LENGTH:
        raise InvalidUri(UriReason.BAD_SEED, f"a seed has {SEED_LENGTH} bytes, not {len(seed)}")
    match scheme:
        case Scheme.ED25519:
            public, secret = crypto_sign_seed_keypair(derive_seed(b"Ed25519HDKD", seed, junctions))
        case Scheme.SR25519:
            public, secret = sr25519.pair_from_seed(seed)
            for junction in junctions:
                step: Callable[..., tuple[bytes, bytes, bytes]]
                step = sr25519.hard_derive_keypair if junction.hard else sr25519.derive_keypair
                _, public, secret = step((junction.chain_code, public, secret), b"")
        case Scheme.ECDSA:
            raise InvalidUri(UriReason.UNSUPPORTED_SCHEME, "ECDSA accounts can not sign here: use sr25519")
    return KeyPair(scheme, bytes(public), bytes(secret))
