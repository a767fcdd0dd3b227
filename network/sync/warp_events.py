"""What happens to warp synchronisation, and what it wants done. Times are milliseconds."""

from dataclasses import dataclass
from typing import TypeAlias

from consensus.finality.changes import AuthorityRecord
from consensus.finality.handover import Handover
from consensus.finality.justification import Justification
from network.messages import PeerId, RequestBody
from network.sync.events import Answered, PeerGone, PeerJoined, Report, Tick, WakeAt
from runtime.primitives.header import Header


@dataclass(frozen=True, slots=True)
class WarpTarget:
    """A final block, who finalises after it, and the handovers that led there."""

    header: Header
    body: tuple[bytes, ...]
    justification: Justification
    authorities: AuthorityRecord
    handovers: tuple[Handover, ...]


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where an interrupted import stands: the block, the last key stored, and whether all is."""

    header: Header
    cursor: bytes | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class ArtifactsMissing:
    """The answer to `StateComplete`: what the state names and is not stored, by hash."""

    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a peer; the answer comes back as `Answered` with this id, or never."""

    peer: PeerId
    id: int
    body: RequestBody


@dataclass(frozen=True, slots=True)
class TargetProved:
    """Import the state of this block."""

    target: WarpTarget


@dataclass(frozen=True, slots=True)
class RangeProved:
    """Store these entries, which follow the ones before; `complete`: they are the last."""

    entries: dict[bytes, bytes]
    complete: bool


@dataclass(frozen=True, slots=True)
class StateComplete:
    """Look for artifacts that the state names, and answer with `ArtifactsMissing`."""


@dataclass(frozen=True, slots=True)
class ArtifactFetched:
    """Store these bytes, which the state names."""

    content: bytes


@dataclass(frozen=True, slots=True)
class TargetLost:
    """No peer has the state any more: forget what is imported, a newer block is looked for."""


@dataclass(frozen=True, slots=True)
class Complete:
    """All is there: make the block the best and the final one."""


WarpInput: TypeAlias = PeerJoined | PeerGone | Answered | ArtifactsMissing | Tick
WarpEffect: TypeAlias = (
    Ask
    | TargetProved
    | RangeProved
    | StateComplete
    | ArtifactFetched
    | TargetLost
    | Complete
    | Report
    | WakeAt
)
