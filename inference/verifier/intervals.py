"""Closed integer intervals and the bounds that 64-bit arithmetic sets to them."""

from dataclasses import dataclass

from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.ops import Requantize
from inference.ir.types import DType

#: Every intermediate value stays within +-2^62: adding a zero point or doubling a remainder fits 64 bits.
ACCUMULATOR_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True)
class Interval:
    """All integers from low to high; every value that a tensor can hold lies in its interval."""

    low: int
    high: int

    @staticmethod
    def of(dtype: DType) -> "Interval":
        """Everything a dtype can hold."""
        return Interval(dtype.low, dtype.high)

    @property
    def magnitude(self) -> int:
        """The greatest absolute value."""
        return max(-self.low, self.high, 0)

    def __add__(self, other: "Interval") -> "Interval":
        """Sums."""
        return Interval(self.low + other.low, self.high + other.high)

    def __mul__(self, other: "Interval") -> "Interval":
        """Products."""
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(corners), max(corners))

    def __or__(self, other: "Interval") -> "Interval":
        """The hull of both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def minus(self, zero: int) -> "Interval":
        """Distances from a zero point."""
        return Interval(self.low - zero, self.high - zero)

    def times(self, factor: int) -> "Interval":
        """Products with one factor."""
        return Interval(*sorted((self.low * factor, self.high * factor)))

    def clip(self, low: int, high: int) -> "Interval":
        """What clipping to low..high leaves."""
        return Interval(min(max(self.low, low), high), min(max(self.high, low), high))

    def within(self, limit: int = ACCUMULATOR_LIMIT) -> "Interval":
        """Itself; raises InvalidArtifact(OVERFLOW) if an absolute value may exceed the limit."""
        if self.magnitude > limit:
            raise InvalidArtifact(ArtifactFault.OVERFLOW, f"{self.low}..{self.high} exceeds +-{limit}")
        return self


def round_half_even(value: int, divisor: int) -> int:
    """value / divisor to the nearest integer, ties to the even one; the divisor is positive."""
    quotient, remainder = divmod(value, divisor)
    twice = 2 * remainder
    return quotient + (twice > divisor or (twice == divisor and quotient & 1 == 1))


def requantized(interval: Interval, out: Requantize, shift: int, divisor: int = 1) -> Interval:
    """The interval after the epilogue: rounding and clipping are monotone, so the ends decide."""
    scale = divisor << shift
    ends = Interval(
        round_half_even(interval.low, scale) + out.zero, round_half_even(interval.high, scale) + out.zero
    )
    return ends.clip(out.low, out.high)
