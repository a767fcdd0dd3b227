"""States, events and errors of Grandpa."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.errors import ErrorEnum
from runtime.primitives.babe import MAX_AUTHORITIES
from runtime.primitives.grandpa import GrandpaId
from runtime.primitives.integers import U64
from runtime.primitives.scale import MaxLen, ScalePath, Vector, scale_path, variant
from runtime.primitives.types import BlockNumber

WeightedVoter: TypeAlias = tuple[GrandpaId, U64]
Voters = Annotated[Vector[WeightedVoter], MaxLen(MAX_AUTHORITIES)]


@variant(0)
@dataclass(frozen=True, slots=True)
class Live:
    """The current authority set is live, and GRANDPA is enabled."""


@variant(1)
@dataclass(frozen=True, slots=True)
class PendingPause:
    """There is a pending pause event which will be enacted at the given block height."""

    scheduled_at: BlockNumber
    delay: BlockNumber


@variant(2)
@dataclass(frozen=True, slots=True)
class PausedState:
    """The current GRANDPA authority set is paused."""


@variant(3)
@dataclass(frozen=True, slots=True)
class PendingResume:
    """There is a pending resume event which will be enacted at the given block height."""

    scheduled_at: BlockNumber
    delay: BlockNumber


StoredState: TypeAlias = Annotated[
    Live | PendingPause | PausedState | PendingResume, ScalePath("pallet_grandpa::StoredState")
]


@scale_path("pallet_grandpa::StoredPendingChange")
@dataclass(frozen=True, slots=True)
class StoredPendingChange:
    """A change that waits for its block; `forced` is the median last finalised block of a forced one."""

    scheduled_at: BlockNumber
    delay: BlockNumber
    next_authorities: Voters
    forced: BlockNumber | None


@variant(0)
@dataclass(frozen=True, slots=True)
class NewAuthorities:
    """New authority set has been applied."""

    authority_set: Vector[WeightedVoter]


@variant(1)
@dataclass(frozen=True, slots=True)
class Paused:
    """Current authority set has been paused."""


@variant(2)
@dataclass(frozen=True, slots=True)
class Resumed:
    """Current authority set has been resumed."""


GrandpaEvent: TypeAlias = Annotated[
    NewAuthorities | Paused | Resumed, ScalePath("pallet_grandpa::pallet::Event")
]
OpaqueKeyOwnershipProof = Annotated[bytes, ScalePath("sp_consensus_grandpa::OpaqueKeyOwnershipProof")]


class GrandpaError(ErrorEnum):
    """Errors of Grandpa."""

    PAUSE_FAILED = 0, "Attempt to signal GRANDPA pause when the authority set isn't live."
    RESUME_FAILED = 1, "Attempt to signal GRANDPA resume when the authority set isn't paused."
    CHANGE_PENDING = 2, "Attempt to signal GRANDPA change with one already pending."
    TOO_SOON = 3, "Cannot signal forced change so soon after last."
    INVALID_KEY_OWNERSHIP_PROOF = (
        4,
        "A key ownership proof provided as part of an equivocation report is invalid.",
    )
    INVALID_EQUIVOCATION_PROOF = (
        5,
        "An equivocation proof provided as part of an equivocation report is invalid.",
    )
    DUPLICATE_OFFENCE_REPORT = 6, "A given equivocation report is valid but already previously reported."
