"""Epochs: stretches of slots during which one authority set, one randomness and one lottery setting hold."""

from dataclasses import dataclass, replace
from enum import Enum

from consensus.authorities import AuthoritySet
from runtime.primitives.babe import DEFAULT_C, AllowedSlots, next_randomness
from runtime.primitives.errors import InvalidData

__all__ = ["DEFAULT_C", "AllowedSlots", "Epoch", "EpochFault", "InvalidEpoch", "next_randomness"]

RANDOMNESS_LENGTH = 32
MAX_EPOCH_DURATION = 2**32
"""In slots. At one slot a second that is 136 years; longer is a mistake in the chain spec."""


class EpochFault(Enum):
    """Why an epoch's settings were refused."""

    RANDOMNESS = "randomness has the wrong length"
    C = "c is not a fraction in (0, 1]"
    DURATION = "duration out of range"


class InvalidEpoch(InvalidData):
    """Epoch settings that no chain can run on."""

    reason: EpochFault


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is needed to claim and to check the slots `[start_slot, start_slot + duration)`.

    `c` is a (numerator, denominator) pair of u64; `randomness` has 32 bytes. Raises `InvalidEpoch`.
    """

    index: int
    start_slot: int
    duration: int
    authorities: AuthoritySet
    randomness: bytes
    c: tuple[int, int] = DEFAULT_C
    allowed_slots: AllowedSlots = AllowedSlots.PrimaryAndSecondaryVRFSlots

    def __post_init__(self) -> None:
        if len(self.randomness) != RANDOMNESS_LENGTH:
            raise InvalidEpoch(
                EpochFault.RANDOMNESS, f"{len(self.randomness)} bytes instead of {RANDOMNESS_LENGTH}"
            )
        if not 0 < self.c[0] <= self.c[1] < 2**64:
            raise InvalidEpoch(EpochFault.C, f"{self.c[0]} of {self.c[1]}")
        if not 0 < self.duration <= MAX_EPOCH_DURATION:
            raise InvalidEpoch(
                EpochFault.DURATION, f"{self.duration} slots, allowed are 1 to {MAX_EPOCH_DURATION}"
            )

    def contains(self, slot: int) -> bool:
        """Whether `slot` belongs to this epoch."""
        return self.start_slot <= slot < self.start_slot + self.duration

    def at_slot(self, slot: int) -> "Epoch":
        """The epoch of a later `slot` when none in between announced a successor: all data stays, index and
        start move on.

        So does Substrate when whole epochs pass without a block, and so does a chain that never hands over.
        """
        skipped = (slot - self.start_slot) // self.duration
        if skipped <= 0:
            return self
        return replace(self, index=self.index + skipped, start_slot=self.start_slot + skipped * self.duration)
