"""What finality says to peers besides votes and justifications, in SCALE.

Variants are numbered as GRANDPA's: 0 votes, 1 commit, 2 neighbour, 3 catch-up request, 4 catch-up. A
neighbour message tells how far a voter is and which votes it holds, so that a peer can send exactly what is
missing: gossip may lose anything.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from consensus.finality.justification import MAX_BITFIELD, Justification
from consensus.finality.messages import SignedVote
from runtime.primitives.babe import MAX_AUTHORITIES
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import MaxLen, Vector, codec, variant
from runtime.primitives.types import Bytes8

MAX_VOTES_SENT = 4 * MAX_AUTHORITIES + 1
"""Two votes of every voter in both stages, and a proposal: all there is to say about one round."""


@dataclass(frozen=True, slots=True)
class Held:
    """The votes of one stage that somebody holds: a bitfield of voters, and a digest of the votes, which
    differs where both know other votes of an equivocator.
    """

    voters: Annotated[bytes, MaxLen(MAX_BITFIELD)]
    digest: Bytes8


@variant(0)
@dataclass(frozen=True, slots=True)
class Votes:
    """Signed votes of one voter set."""

    votes: Annotated[Vector[SignedVote], MaxLen(MAX_VOTES_SENT)]


@variant(1)
@dataclass(frozen=True, slots=True)
class Commit:
    """A justification, as soon as there is one."""

    justification: Justification


@variant(2)
@dataclass(frozen=True, slots=True)
class Neighbour:
    """How far a peer is: its voter set, its current round with the votes held, its last final block."""

    round: U64
    set_id: U64
    finalised: U32
    prevotes: Held
    precommits: Held


@variant(3)
@dataclass(frozen=True, slots=True)
class CatchUpRequest:
    """Ask a peer for the votes that complete the newest round it has completed, `round` or a later one."""

    round: U64
    set_id: U64


@variant(4)
@dataclass(frozen=True, slots=True)
class CatchUp:
    """All votes of a completable round."""

    round: U64
    set_id: U64
    votes: Annotated[Vector[SignedVote], MaxLen(MAX_VOTES_SENT)]


FinalityMessage: TypeAlias = Votes | Commit | Neighbour | CatchUpRequest | CatchUp

FINALITY_MESSAGE = codec(FinalityMessage)
