"""The session key that claims slots and seals blocks: one ed25519 key for both the VRF and the signature, as
in BABE.
"""

from dataclasses import dataclass, field

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from consensus.vrf import VrfProof, prove

SEED_LENGTH = 32
PUBLIC_KEY_LENGTH = 32
SIGNATURE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class SessionKey:
    """An ed25519 key pair. The secret parts stay out of `repr`, so a log line cannot leak them."""

    public: bytes
    _seed: bytes = field(repr=False)
    _secret: bytes = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "SessionKey":
        """The key of a 32-byte seed; raises `ValueError` for another length."""
        if len(seed) != SEED_LENGTH:
            raise ValueError(f"an ed25519 seed has {SEED_LENGTH} bytes, this one {len(seed)}")
        public, secret = crypto_sign_seed_keypair(seed)
        return cls(public, seed, secret)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte ed25519 signature of `message` (RFC 8032)."""
        return crypto_sign(message, self._secret)[:SIGNATURE_LENGTH]

    def prove(self, alpha: bytes) -> VrfProof:
        """The VRF proof of this key for input `alpha`."""
        return prove(self._seed, alpha)


def verify_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is `public`'s ed25519 signature of `message`."""
    if len(public) != PUBLIC_KEY_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True
