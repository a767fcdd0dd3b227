"""An authenticated, encrypted channel between two peers, as a pure machine: bytes in, bytes out.

Noise XX (Noise_XX_25519_ChaChaPoly_SHA256) with fresh static keys for each connection. Then each side proves
in the first encrypted message who it is: an ed25519 signature over its role and the handshake's hash, which
no other connection shares. A message that does not decrypt ends the channel: nobody but the peer could have
sent it, unless somebody tampers with the line.
"""

from dataclasses import dataclass
from enum import Enum

from cryptography.exceptions import InvalidTag
from nacl.utils import random
from noise.connection import Keypair, NoiseConnection
from noise.exceptions import NoiseInvalidMessage, NoiseMaxNonceError, NoiseValueError

from network.identity import PEER_LENGTH, SIGNATURE_LENGTH, Identity, is_signed_by
from network.messages import PeerId
from network.wire import MAX_MESSAGE_BYTES
from runtime.primitives.errors import InvalidData

PROTOCOL = b"Noise_XX_25519_ChaChaPoly_SHA256"
PROLOGUE = b"/fixpoint/peer/1"
"""Both sides hash it first: other versions of the protocol fail at once."""

DOMAIN = b"fixpoint/peer/1/identity"
MAX_PACKET = 65_535
"""Noise's limit of one message."""

TAG = 16
MAX_PIECE = MAX_PACKET - TAG - 1
STREAMS = 4
"""Messages of different urgency travel in pieces that may alternate."""

MAX_UNFINISHED = MAX_MESSAGE_BYTES + (1 << 20)
"""Bytes of messages whose last piece has not come: one of the longest, and urgent ones in between."""

MAX_HANDSHAKE_PACKET = 256
"""The longest of the three has 96 bytes and no payload."""


class ChannelFault(Enum):
    """Why a channel ended."""

    HANDSHAKE = "the handshake failed"
    IDENTITY = "the identity was not proved"
    DECRYPTION = "a message could not be decrypted"
    TOO_LARGE = "a message is too large"
    MALFORMED = "a piece of a message is malformed"


class InvalidChannel(InvalidData):
    """What came is not what a peer sends; the connection must end."""

    reason: ChannelFault


class Handshake:
    """From nothing to a `Channel`: send `start()`, then feed what comes until `channel` is set."""

    def __init__(self, identity: Identity, *, is_initiator: bool) -> None:
        self._identity = identity
        self._is_initiator = is_initiator
        self._noise = NoiseConnection.from_name(PROTOCOL)
        self._noise.set_prologue(PROLOGUE)
        self._noise.set_keypair_from_private_bytes(Keypair.STATIC, random(32))
        if is_initiator:
            self._noise.set_as_initiator()
        else:
            self._noise.set_as_responder()
        self._noise.start_handshake()
        self.channel: Channel | None = None

    def start(self) -> list[bytes]:
        """What this side sends first."""
        return [bytes(self._noise.write_message())] if self._is_initiator else []

    def receive(self, packet: bytes) -> list[bytes]:
        """React to a packet. Raises `InvalidChannel`."""
        assert self.channel is None, "the handshake is over"
        if len(packet) > MAX_HANDSHAKE_PACKET:
            raise InvalidChannel(ChannelFault.HANDSHAKE, f"a packet of {len(packet)} bytes")
        try:
            if self._noise.handshake_finished:
                self.channel = Channel(self._noise, self._identified(packet))
                return []
            self._noise.read_message(packet)
            answers = [] if self._noise.handshake_finished else [bytes(self._noise.write_message())]
            if self._noise.handshake_finished:
                answers.append(self._introduce())
            return answers
        except InvalidChannel:
            raise
        except (NoiseInvalidMessage, NoiseValueError, InvalidTag, ValueError) as error:
            raise InvalidChannel(ChannelFault.HANDSHAKE, type(error).__name__) from error

    def _introduce(self) -> bytes:
        statement = _statement(self._noise, by_initiator=self._is_initiator)
        return bytes(self._noise.encrypt(self._identity.peer + self._identity.sign(statement)))

    def _identified(self, packet: bytes) -> PeerId:
        proof = bytes(self._noise.decrypt(packet))
        peer, signature = PeerId(proof[:PEER_LENGTH]), proof[PEER_LENGTH:]
        statement = _statement(self._noise, by_initiator=not self._is_initiator)
        if len(signature) != SIGNATURE_LENGTH or not is_signed_by(peer, statement, signature):
            raise InvalidChannel(ChannelFault.IDENTITY, peer.hex())
        return peer


def _statement(noise: NoiseConnection, *, by_initiator: bool) -> bytes:
    """What a side signs; the role keeps a proof from being sent back to its maker."""
    return DOMAIN + bytes([by_initiator]) + bytes(noise.get_handshake_hash())


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a message that waits to be sealed; `stream` is its urgency."""

    stream: int
    is_last: bool
    content: bytes


def pieces(stream: int, frame: bytes) -> list[Piece]:
    """A message cut for sealing."""
    starts = range(0, max(len(frame), 1), MAX_PIECE)
    return [
        Piece(stream, start + MAX_PIECE >= len(frame), frame[start : start + MAX_PIECE]) for start in starts
    ]


class Channel:
    """The channel to an authenticated `peer`."""

    def __init__(self, noise: NoiseConnection, peer: PeerId) -> None:
        self._noise = noise
        self.peer = peer
        self._parts: list[list[bytes]] = [[] for _ in range(STREAMS)]
        self._held = 0

    def seal(self, piece: Piece) -> bytes:
        """The packet of a piece."""
        return bytes(self._noise.encrypt(bytes([piece.stream << 1 | piece.is_last]) + piece.content))

    def open(self, packet: bytes) -> bytes | None:
        """The message that this packet completes, or None. Raises `InvalidChannel`."""
        if len(packet) > MAX_PACKET:
            raise InvalidChannel(ChannelFault.TOO_LARGE, f"a packet of {len(packet)} bytes")
        try:
            plain = bytes(self._noise.decrypt(packet))
        except (NoiseInvalidMessage, NoiseMaxNonceError, NoiseValueError, InvalidTag, ValueError) as error:
            raise InvalidChannel(ChannelFault.DECRYPTION, type(error).__name__) from error
        if not plain or plain[0] >> 1 >= STREAMS:
            raise InvalidChannel(ChannelFault.MALFORMED, plain[:1].hex())
        stream, is_last = plain[0] >> 1, plain[0] & 1
        self._held += len(plain) - 1
        if self._held > MAX_UNFINISHED:
            raise InvalidChannel(ChannelFault.TOO_LARGE, f"more than {MAX_UNFINISHED} bytes of messages")
        self._parts[stream].append(plain[1:])
        if not is_last:
            return None
        frame = b"".join(self._parts[stream])
        self._parts[stream] = []
        self._held -= len(frame)
        return frame

    def clear(self) -> None:
        """Let go of what is held of unfinished messages."""
        self._parts = [[] for _ in range(STREAMS)]
        self._held = 0
