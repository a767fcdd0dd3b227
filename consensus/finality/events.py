"""What happens to the finality core, and what it wants done.

Effects are to be carried out in the order given; `Persist...` and `Finalise` must be durable before the next
effect. Times are unix milliseconds. A peer is any bytes by which the node knows it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from consensus.authorities import VoterSet
from consensus.finality.changes import AuthorityRecord
from consensus.finality.gossip import CatchUp, CatchUpRequest, FinalityMessage, Neighbour
from consensus.finality.journal import RoundRecord
from consensus.finality.justification import Justification
from consensus.finality.messages import SignedVote, Vote
from consensus.finality.vote_equivocation import VoteEquivocation
from runtime.primitives.header import Header


@dataclass(frozen=True, slots=True)
class BestBlock:
    """The best chain's head, after it was stored: what a voter votes for. Send the current one at start."""

    hash: bytes
    number: int


@dataclass(frozen=True, slots=True)
class BlockStored:
    """A block was stored. Needed for blocks that announce an authority change (parents first), and for those
    that votes may wait for. At start, send all blocks above the last final one.
    """

    header: Header


@dataclass(frozen=True, slots=True)
class VoteSigned:
    """The signer's answer to `SignVote`."""

    vote: Vote
    signature: bytes


@dataclass(frozen=True, slots=True)
class VotesReceived:
    """Votes from a peer; not yet verified."""

    peer: bytes
    votes: tuple[SignedVote, ...]


@dataclass(frozen=True, slots=True)
class VotesChecked:
    """The answer to `CheckVotes`: for each vote whether its signature holds."""

    check: "CheckVotes"
    valid: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class JustificationReceived:
    """A justification from a peer, or (`peer` None) one that came with a block."""

    justification: Justification
    peer: bytes | None = None


@dataclass(frozen=True, slots=True)
class NeighbourReceived:
    """A peer tells how far it is."""

    peer: bytes
    neighbour: Neighbour


@dataclass(frozen=True, slots=True)
class CatchUpRequested:
    """A peer that lags asks for a completed round."""

    peer: bytes
    request: CatchUpRequest


@dataclass(frozen=True, slots=True)
class CatchUpReceived:
    """A peer's answer to our request."""

    peer: bytes
    catch_up: CatchUp


@dataclass(frozen=True, slots=True)
class LocalTimeout:
    """The time asked for with `WakeAt` has come."""


@dataclass(frozen=True, slots=True)
class PersistVotes:
    """Make this record durable before the next effect; it replaces the one before, and is the `journal` of a
    restart.
    """

    record: RoundRecord


@dataclass(frozen=True, slots=True)
class SignVote:
    """Sign `vote.payload()` with the voter's BLS key and answer with `VoteSigned`."""

    vote: Vote


@dataclass(frozen=True, slots=True)
class CheckVotes:
    """Check the signatures of `votes`, where and when it suits, and answer with `VotesChecked`.

    There is at most one such check at a time; `peers` tells who sent each vote.
    """

    voters: VoterSet
    votes: tuple[SignedVote, ...]
    peers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send `LocalTimeout` at this time, instead of at the one asked for before."""

    unix_ms: int


@dataclass(frozen=True, slots=True)
class Finalise:
    """Store the justification and make its target final, durably, before the next effect.

    `authorities`, where it changes with this block, is to be stored in the same write, and is what a restart
    begins with.
    """

    justification: Justification
    authorities: AuthorityRecord | None = None


@dataclass(frozen=True, slots=True)
class BroadcastJustification:
    """Send the justification to peers and subscribers: it is newer than any seen before."""

    justification: Justification


@dataclass(frozen=True, slots=True)
class BroadcastVotes:
    """Send votes to all peers. Own ones, or verified ones of others that were new (for gossip to relay)."""

    votes: tuple[SignedVote, ...]
    own: bool


@dataclass(frozen=True, slots=True)
class BroadcastNeighbour:
    """Tell all peers how far this node is."""

    neighbour: Neighbour


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send a message to one peer."""

    peer: bytes
    message: FinalityMessage


@dataclass(frozen=True, slots=True)
class FetchBlock:
    """Votes wait for this block, which may lie on a branch that lost: get it, from `peer` where one is known
    to have it.
    """

    hash: bytes
    number: int
    peer: bytes | None


@dataclass(frozen=True, slots=True)
class ReportEquivocation:
    """A voter is convicted: bring the evidence on chain."""

    evidence: VoteEquivocation


class PeerFault(Enum):
    """What a peer did that no correct peer does."""

    BAD_SIGNATURE = "sent a vote with a wrong signature"
    UNKNOWN_VOTER = "sent a vote of a voter whom the set does not have"
    UNASKED_CATCH_UP = "answered a catch-up request that was not sent"
    BAD_CATCH_UP = "sent a catch-up that completes no round"


@dataclass(frozen=True, slots=True)
class ReportPeer:
    """A peer misbehaved: score it."""

    peer: bytes
    fault: PeerFault


FinalityInput: TypeAlias = (
    BestBlock
    | BlockStored
    | VoteSigned
    | VotesReceived
    | VotesChecked
    | JustificationReceived
    | NeighbourReceived
    | CatchUpRequested
    | CatchUpReceived
    | LocalTimeout
)
FinalityEffect: TypeAlias = (
    PersistVotes
    | SignVote
    | CheckVotes
    | WakeAt
    | Finalise
    | BroadcastJustification
    | BroadcastVotes
    | BroadcastNeighbour
    | SendTo
    | FetchBlock
    | ReportEquivocation
    | ReportPeer
)
