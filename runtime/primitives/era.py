"""For how long a transaction is valid (`sp_runtime::generic::Era`).

A mortal era is a period, a power of two from 4 to 65,536 blocks, and a phase inside it: with the height at
which a block executes it gives the birth block, whose hash the signature covers, and the first block at
which the transaction is dead. In two bytes: the low four bits are log2(period) - 1, the other twelve the
phase, quantised for periods above 4,096. A first byte of zero alone is the immortal era.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.primitives.integers import U8
from runtime.primitives.scale import Custom, InvalidScale, ScaleReason, VariantSpec

MIN_PERIOD = 4
MAX_PERIOD = 1 << 16
IMMORTAL_DEATH = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Immortal:
    """Valid from genesis on; the signature covers the genesis hash."""

    def birth(self, current: int) -> int:
        """Block 0, whatever the height."""
        return 0

    def death(self, current: int) -> int:
        """A height that no chain reaches."""
        return IMMORTAL_DEATH


@dataclass(frozen=True, slots=True)
class Mortal:
    """Valid for `period` blocks from a height that is `phase` modulo `period`."""

    period: int
    phase: int

    def __post_init__(self) -> None:
        power = self.period & (self.period - 1) == 0 and MIN_PERIOD <= self.period <= MAX_PERIOD
        if not power or not 0 <= self.phase < self.period or self.phase % _quantum(self.period):
            message = f"period {self.period} and phase {self.phase} are no mortal era"
            raise InvalidScale(ScaleReason.BAD_ERA, message)

    @staticmethod
    def at(current: int, period: int) -> "Mortal":
        """The era of at least `period` blocks, rounded up to a power of two, that is alive at `current`."""
        rounded = 1 << (max(MIN_PERIOD, min(period, MAX_PERIOD)) - 1).bit_length()
        quantum = _quantum(rounded)
        return Mortal(rounded, current % rounded // quantum * quantum)

    def birth(self, current: int) -> int:
        """The height whose block hash the signature covers, seen from height `current`."""
        return (max(current, self.phase) - self.phase) // self.period * self.period + self.phase

    def death(self, current: int) -> int:
        """The first height at which the transaction is no longer valid, seen from height `current`."""
        return self.birth(current) + self.period


def _quantum(period: int) -> int:
    """The step of the phase: 12 bits hold it, so periods above 4,096 are coarser."""
    return max(period >> 12, 1)


def encode_era(era: Immortal | Mortal) -> bytes:
    """One byte for the immortal era, two for a mortal one."""
    match era:
        case Immortal():
            return b"\0"
        case Mortal(period, phase):
            return (period.bit_length() - 2 | phase // _quantum(period) << 4).to_bytes(2, "little")
        case _:
            raise InvalidScale(ScaleReason.WRONG_TYPE, f"expected an era, not {type(era).__name__}")


def decode_era(buffer: bytes, offset: int) -> tuple[Immortal | Mortal, int]:
    """The era at `offset` and the offset after it."""
    if buffer[offset : offset + 1] == b"\0":
        return IMMORTAL, offset + 1
    raw = buffer[offset : offset + 2]
    if len(raw) < 2:
        raise InvalidScale(ScaleReason.UNEXPECTED_END, "an era is cut", offset=offset)
    bits = raw[0] | raw[1] << 8
    period = 2 << (bits & 15)
    phase = (bits >> 4) * _quantum(period)
    if period < MIN_PERIOD or phase >= period:
        message = f"period {period} and phase {phase} are no mortal era"
        raise InvalidScale(ScaleReason.BAD_ERA, message, offset=offset)
    return Mortal(period, phase), offset + 2


IMMORTAL = Immortal()

Era: TypeAlias = Annotated[
    Immortal | Mortal,
    Custom(
        encode_era,
        decode_era,
        "sp_runtime::generic::era::Era",
        (
            VariantSpec(0, "Immortal"),
            *(VariantSpec(first, f"Mortal{first}", (U8,)) for first in range(1, 256)),
        ),
        1,
    ),
]
