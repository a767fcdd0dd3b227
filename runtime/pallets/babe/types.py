"""Settings, answers and errors of Babe."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.errors import ErrorEnum
from runtime.primitives.babe import DEFAULT_C, AllowedSlots, BabeId, Slot
from runtime.primitives.integers import U64
from runtime.primitives.scale import ScalePath, Vector, scale_path
from runtime.primitives.types import Bytes32

WeightedAuthority: TypeAlias = tuple[BabeId, U64]


@scale_path("sp_consensus_babe::BabeEpochConfiguration")
@dataclass(frozen=True, slots=True)
class EpochConfiguration:
    """Lottery constant (numerator, denominator), and the claims that are allowed beside primary ones."""

    c: tuple[U64, U64] = DEFAULT_C
    allowed_slots: AllowedSlots = AllowedSlots.PrimaryAndSecondaryVRFSlots


DEFAULT_CONFIGURATION = EpochConfiguration()


@scale_path("sp_consensus_babe::BabeConfiguration")
@dataclass(frozen=True, slots=True)
class BabeConfiguration:
    """What the first epoch runs on."""

    slot_duration: U64
    epoch_length: U64
    c: tuple[U64, U64]
    authorities: Vector[WeightedAuthority]
    randomness: Bytes32
    allowed_slots: AllowedSlots


@scale_path("sp_consensus_babe::Epoch")
@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: its slots, who may author in them, and what claims are drawn from."""

    epoch_index: U64
    start_slot: Slot
    duration: U64
    authorities: Vector[WeightedAuthority]
    randomness: Bytes32
    config: EpochConfiguration


OpaqueKeyOwnershipProof = Annotated[bytes, ScalePath("sp_consensus_babe::OpaqueKeyOwnershipProof")]


class BabeError(ErrorEnum):
    """Errors of Babe."""

    INVALID_EQUIVOCATION_PROOF = (
        0,
        "An equivocation proof provided as part of an equivocation report is invalid.",
    )
    INVALID_KEY_OWNERSHIP_PROOF = (
        1,
        "A key ownership proof provided as part of an equivocation report is invalid.",
    )
    DUPLICATE_OFFENCE_REPORT = 2, "A given equivocation report is valid but already previously reported."
    INVALID_CONFIGURATION = 3, "Submitted configuration is invalid."
