"""What happens to a node's core, and what it wants done outside of itself. Times are unix milliseconds."""

from dataclasses import dataclass
from typing import TypeAlias

from chain.authoring import Authored
from chain.finalising import BlockFinalised
from chain.importing import Received
from chain.notifications import BlockImported
from chain.pool import PoolTransaction
from network.messages import Message, NetworkEvent, PeerFault, PeerId


@dataclass(frozen=True, slots=True)
class SlotBegan:
    """The clock entered a slot; `transactions` are those ready for a block, in order.

    `requested`: somebody asked for a block now (manual or instant sealing), whoever is connected; `finalise`
    False keeps the own voter from hearing of it.
    """

    slot: int
    transactions: tuple[PoolTransaction, ...]
    requested: bool = False
    finalise: bool = True


@dataclass(frozen=True, slots=True)
class BlockOffered:
    """A block that came from outside the network: import it now. `handle` then raises `RejectedBlock`."""

    block: Received


@dataclass(frozen=True, slots=True)
class VoteWanted:
    """Take this stored block for the head of the best chain, and vote for it."""

    hash: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Woke:
    """The time asked for with `WakeAt` has come."""


@dataclass(frozen=True, slots=True)
class Continued:
    """The answer to `Continue`: everything that happened meanwhile was handled first."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to one peer."""

    peer: PeerId
    message: Message


@dataclass(frozen=True, slots=True)
class SendToAll:
    """Send a message to all peers but `known_to`, who told us."""

    message: Message
    known_to: PeerId | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A peer misbehaved: score it."""

    peer: PeerId
    fault: PeerFault
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TransactionsHeard:
    """A peer sent transactions: try them on the pool."""

    peer: PeerId
    extrinsics: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Submit:
    """Put an extrinsic of this node's own (evidence of a double vote, say) into the pool."""

    extrinsic: bytes
    what: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send `Woke` at this time, instead of at the one asked for before."""

    unix_ms: int


@dataclass(frozen=True, slots=True)
class Continue:
    """Blocks wait to be imported: send `Continued` once nothing else is to be done first."""


@dataclass(frozen=True, slots=True)
class HeadChosen:
    """Finality made a block the head that was known before."""

    block: BlockImported


NodeInput: TypeAlias = NetworkEvent | SlotBegan | BlockOffered | VoteWanted | Woke | Continued
NodeEffect: TypeAlias = (
    Send
    | SendToAll
    | Report
    | TransactionsHeard
    | Submit
    | WakeAt
    | Continue
    | Authored
    | BlockImported
    | HeadChosen
    | BlockFinalised
)
