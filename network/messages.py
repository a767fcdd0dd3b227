"""What peers say to each other, as frozen data. `network.wire` encodes it; nothing here knows a socket.

A request carries an id of its sender's choosing, and is answered exactly once under that id: with the
response that belongs to it, or with a `Refusal`.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NewType, TypeAlias

from consensus.finality.gossip import FinalityMessage
from runtime.primitives.header import Header

PeerId = NewType("PeerId", bytes)
"""A peer's ed25519 public key (32 bytes): who it is, wherever it listens."""


class Role(IntEnum):
    """What a peer does on the chain."""

    FULL = 0
    AUTHORITY = 1


@dataclass(frozen=True, slots=True)
class BlockPoint:
    """A block by hash (32 bytes) and number."""

    hash: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Status:
    """The first message of each side: which chain, and how far. Peers of another genesis part at once."""

    genesis: bytes
    role: Role
    best: BlockPoint
    finalised: BlockPoint
    agent: str


@dataclass(frozen=True, slots=True)
class BlockAnnounce:
    """The sender stored this block; `is_best`: it is the head of its best chain."""

    header: Header
    is_best: bool


@dataclass(frozen=True, slots=True)
class Transactions:
    """Encoded extrinsics that are ready in the sender's pool."""

    extrinsics: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Finality:
    """A message between finality cores."""

    message: FinalityMessage


class Direction(IntEnum):
    """Which way a run of blocks goes from its start."""

    ASCENDING = 0
    """Towards the sender's best block, along its best chain."""
    DESCENDING = 1
    """Towards genesis, along the parents."""


@dataclass(frozen=True, slots=True)
class BlocksRequest:
    """Up to `count` blocks from `start` (a hash, or a height of the best chain) on, `start` included."""

    start: bytes | int
    direction: Direction
    count: int
    bodies: bool = True
    justifications: bool = True


@dataclass(frozen=True, slots=True)
class BlockData:
    """One block of a response. `extrinsics` None: not asked for, or no longer kept."""

    header: Header
    extrinsics: tuple[bytes, ...] | None = None
    justification: bytes | None = None


@dataclass(frozen=True, slots=True)
class BlocksResponse:
    """A run of blocks in the order asked for, each the neighbour of the one before; maybe fewer."""

    blocks: tuple[BlockData, ...]


@dataclass(frozen=True, slots=True)
class StateRequest:
    """A range of a block's state: the entries strictly after `start_after` (None: from the first)."""

    block: bytes
    start_after: bytes | None = None


@dataclass(frozen=True, slots=True)
class StateResponse:
    """Trie nodes that prove the range (`runtime.primitives.trie.verify_range_proof`)."""

    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ArtifactRequest:
    """A piece of the bytes with this Blake2b-256, from `offset` on."""

    hash: bytes
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ArtifactResponse:
    """`data` at the offset asked for, of `size` bytes in all."""

    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class WarpRequest:
    """The handovers that ended voter set `set_id` and the ones after it, and the newest finality proof."""

    set_id: int


@dataclass(frozen=True, slots=True)
class WarpResponse:
    """SCALE `consensus.finality.handover.Handover`s in order; `proof` (a SCALE `FinalityProof`) comes with
    the last of them. It is missing also where the set that rules has made nothing final yet.
    """

    handovers: tuple[bytes, ...]
    proof: bytes | None


@dataclass(frozen=True, slots=True)
class PeersRequest:
    """Addresses of others, for the address book."""


@dataclass(frozen=True, slots=True)
class PeersResponse:
    """Addresses `/ip4/1.2.3.4/tcp/30333/ws/p2p/12D3KooW…` (or /ip6, /dns) of peers that were reached."""

    addresses: tuple[str, ...]


class RefusalReason(Enum):
    """Why a request has no answer."""

    UNKNOWN = 0
    """The block, state or artifact is not here."""
    BUSY = 1
    """Too many requests at once: ask again later, or somebody else."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No answer, and why."""

    reason: RefusalReason


RequestBody: TypeAlias = BlocksRequest | StateRequest | ArtifactRequest | WarpRequest | PeersRequest
ResponseBody: TypeAlias = (
    BlocksResponse | StateResponse | ArtifactResponse | WarpResponse | PeersResponse | Refusal
)


@dataclass(frozen=True, slots=True)
class Request:
    """A question; `id` is unique among the sender's open ones."""

    id: int
    body: RequestBody


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to the request with this id."""

    id: int
    body: ResponseBody


Message: TypeAlias = Status | BlockAnnounce | Transactions | Finality | Request | Response


class PeerFault(Enum):
    """What a peer did that no correct peer does; how much each costs is `network.peers`' to say."""

    MALFORMED = "sent bytes that are no message"
    OVERSIZED = "sent a message above the limit"
    FLOODING = "sent more than its rate allows"
    WRONG_CHAIN = "belongs to another chain"
    UNREQUESTED = "answered what was not asked"
    TIMED_OUT = "did not answer in time"
    BAD_ANSWER = "answered with something else than was asked"
    BAD_HEADER = "sent a header that breaks the rules"
    BAD_BLOCK = "sent a block that breaks the rules"
    BAD_JUSTIFICATION = "sent an invalid justification"
    BAD_PROOF = "sent an invalid proof"
    BAD_VOTE = "sent an invalid vote"
    BAD_TRANSACTION = "sent an invalid transaction"
    LIED_ABOUT_HEAD = "announced a head that it does not serve"


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A peer was authenticated and told its status."""

    peer: PeerId
    status: Status


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """The connection is gone, whoever ended it."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A well-formed message within the peer's limits."""

    peer: PeerId
    message: Message


NetworkEvent: TypeAlias = PeerConnected | PeerDisconnected | MessageReceived
