"""What happens to the synchronisation, and what it wants done. Times are milliseconds."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from network.messages import (
    BlockData,
    BlockPoint,
    BlocksRequest,
    PeerFault,
    PeerId,
    ResponseBody,
    Status,
)
from runtime.primitives.header import Header


class ChainProbe(Protocol):
    """What is stored here."""

    def contains(self, block: bytes) -> bool:
        """Whether the block is stored."""
        ...

    @property
    def best(self) -> BlockPoint:
        """The head of the best chain."""
        ...

    @property
    def finalised(self) -> BlockPoint:
        """The last final block."""
        ...


@dataclass(frozen=True, slots=True)
class PeerJoined:
    """A peer is connected."""

    peer: PeerId
    status: Status


@dataclass(frozen=True, slots=True)
class PeerGone:
    """A peer is no longer connected."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class Announced:
    """A peer stored this block."""

    peer: PeerId
    header: Header
    is_best: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """A peer answered a request of ours, or whoever's."""

    peer: PeerId
    id: int
    body: ResponseBody


@dataclass(frozen=True, slots=True)
class Wanted:
    """Votes wait for this block; `peer` is known to have it where given."""

    hash: bytes
    number: int
    peer: PeerId | None


@dataclass(frozen=True, slots=True)
class Imported:
    """A block is stored now."""

    hash: bytes
    number: int


@dataclass(frozen=True, slots=True)
class ImportFailed:
    """A block from `ImportBlocks` was rejected; `fault`, where it proves that its sender misbehaved."""

    peer: PeerId
    hash: bytes
    fault: PeerFault | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finalised:
    """The chain is final up to here."""

    hash: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Tick:
    """The time asked for with `WakeAt` has come."""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Ask a peer; the answer comes back as `Answered` with this id, or never."""

    peer: PeerId
    id: int
    body: BlocksRequest


@dataclass(frozen=True, slots=True)
class ImportBlocks:
    """Import these blocks in this order, parents first; answer each with `Imported` or `ImportFailed`."""

    peer: PeerId
    blocks: tuple[BlockData, ...]


@dataclass(frozen=True, slots=True)
class ImportJustification:
    """A proof of finality of a block that is stored already."""

    peer: PeerId
    block: BlockPoint
    justification: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """A peer misbehaved."""

    peer: PeerId
    fault: PeerFault
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send `Tick` at this time, instead of at the one asked for before."""

    ms: int


SyncInput: TypeAlias = (
    PeerJoined | PeerGone | Announced | Answered | Wanted | Imported | ImportFailed | Finalised | Tick
)
SyncEffect: TypeAlias = SendRequest | ImportBlocks | ImportJustification | Report | WakeAt
