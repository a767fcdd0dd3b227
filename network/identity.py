"""Who a node is among peers: an ed25519 key, and its name in base 58 as libp2p writes it."""

from dataclasses import dataclass, field

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from network.messages import PeerId
from runtime.primitives.keys import ss58

SEED_LENGTH = 32
PEER_LENGTH = 32
SIGNATURE_LENGTH = 64

_ED25519_NAME = bytes((0x00, 0x24, 0x08, 0x01, 0x12, 0x20))
"""Of a libp2p peer id: the identity multihash of 36 bytes, which are a protobuf of an ed25519 key."""


class InvalidPeerName(ValueError):
    """A text that names no peer; it says what is wrong."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A node's own key among peers; `seed` is the secret (32 bytes)."""

    seed: bytes = field(repr=False)
    peer: PeerId

    @staticmethod
    def from_seed(seed: bytes) -> "Identity":
        """The identity of a secret of 32 bytes."""
        return Identity(seed, PeerId(bytes(SigningKey(seed).verify_key)))

    def sign(self, message: bytes) -> bytes:
        """An ed25519 signature (64 bytes)."""
        return bytes(SigningKey(self.seed).sign(message).signature)


def is_signed_by(peer: PeerId, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the peer's."""
    try:
        VerifyKey(peer).verify(message, signature)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True


def peer_name(peer: PeerId) -> str:
    """The peer's name: `12D3KooW…`."""
    return ss58.to_base58(_ED25519_NAME + peer)


def parse_peer_name(name: str) -> PeerId:
    """The peer of a name. Raises `InvalidPeerName`."""
    try:
        data = ss58.from_base58(name)
    except ss58.InvalidAddress as error:
        raise InvalidPeerName(f"{name!r} is not base 58") from error
    if len(data) != len(_ED25519_NAME) + PEER_LENGTH or not data.startswith(_ED25519_NAME):
        raise InvalidPeerName(f"{name!r} is not the name of an ed25519 key (12D3KooW…)")
    return PeerId(data[len(_ED25519_NAME) :])
