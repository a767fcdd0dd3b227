"""How a real value is written as an integer: q = round(real / scale) + zero, held in a dtype between two
bounds.

Four kinds, from narrow to wide. `U8` may have any scale, because a layer's weights absorb it; the others
have scales of 2^-bits, which makes every change between them, and every integer function, a shift. `EXACT`
holds the features of trees: 58 bits keep nearly every float32 as it is, so that comparisons with thresholds
decide alike.
"""

from dataclasses import dataclass
from enum import IntEnum
from math import floor, log2

import numpy as np

from inference.compiler.calibrate import MASKED, Observed
from inference.compiler.graph import Array
from inference.ir import DType, Requantize


class Tier(IntEnum):
    """Precision of a layer: what its operands are held in."""

    INT8 = 1
    INT16 = 2
    WIDE = 3


class Kind(IntEnum):
    """Families of formats, in the order of their precision."""

    U8 = 1
    I16 = 2
    PRODUCT = 3
    I32 = 4
    EXACT = 5


OPERAND_KIND = {Tier.INT8: Kind.U8, Tier.INT16: Kind.I16, Tier.WIDE: Kind.I32}
"""What element-wise operations of a tier read."""

MAX_BITS = 30
"""Most fractional bits: what integer functions take."""

_DTYPE = {
    Kind.U8: DType.U8,
    Kind.I16: DType.I16,
    Kind.PRODUCT: DType.I32,
    Kind.I32: DType.I32,
    Kind.EXACT: DType.I64,
}

_RANGE_BITS = {Kind.I16: 14, Kind.PRODUCT: 20, Kind.I32: 24, Kind.EXACT: 58}
"""log2 of the integer that the greatest calibrated magnitude becomes."""

_BOUND = {Kind.I16: 32767, Kind.PRODUCT: (1 << 21) - 1, Kind.I32: (1 << 28) - 1, Kind.EXACT: (1 << 61) - 1}
"""Where values saturate: products of two `I32` and sums of 2^6 of them still fit 63 bits."""

_MASKED_RANGE = 64.0
"""Least range of values with a mask among them: the mask then saturates at -1024, of which exp is nothing."""

_SHRINK = (1.0, 0.97, 0.93, 0.88, 0.82, 0.75, 0.67, 0.58, 0.48)
"""Fractions of the observed range that the range search tries for `U8`."""


@dataclass(frozen=True, slots=True)
class Format:
    """dtype, real value of one step, the integer that means zero, and the saturation bounds."""

    dtype: DType
    scale: float
    zero: int
    low: int
    high: int

    @property
    def bits(self) -> int:
        """Fractional bits of a power-of-two scale."""
        return -round(log2(self.scale))

    def requantize(
        self, shift: int | tuple[int, ...] = 0, low: int | None = None, high: int | None = None
    ) -> Requantize:
        """The epilogue that writes this format, with tighter bounds if given."""
        return Requantize.to(
            self.dtype,
            shift,
            self.zero,
            self.low if low is None else low,
            self.high if high is None else high,
        )

    def quantise(self, real: Array) -> Array:
        """Real numbers as saturated integers."""
        steps = np.rint(np.asarray(real, dtype=np.float64) / self.scale) + self.zero
        held: Array = np.clip(steps, self.low, self.high).astype(np.int64)
        return held

    def real(self, integers: Array) -> Array:
        """Integers as real numbers."""
        result: Array = (np.asarray(integers, dtype=np.float64) - self.zero) * self.scale
        return result

    def level(self, real: float) -> int:
        """One real number as a saturated integer."""
        return int(self.quantise(np.asarray(real)))


INTEGER = Format(DType.I32, 1.0, 0, DType.I32.low, DType.I32.high)
"""Values that are integers in the float model too."""

BOOLEAN = Format(DType.U8, 1.0, 0, 0, 1)
"""Truth values."""


def power_format(kind: Kind, greatest: float, range_bits: int | None = None) -> Format:
    """A power-of-two format in which the greatest magnitude takes about `range_bits` bits."""
    wanted = _RANGE_BITS[kind] if range_bits is None else range_bits
    bits = wanted if greatest <= 0 else floor(wanted - log2(min(max(greatest, 1e-30), 1e30)))
    bound = _BOUND[kind]
    if kind is Kind.I16 and greatest * 2.0**bits > bound:
        bits -= 1
    bits = min(max(bits, 0), wanted if kind is Kind.EXACT else MAX_BITS)
    if kind is Kind.I32 and greatest > bound:
        # Whole numbers that leave no headroom: all of the dtype, and the verifier says if a sum is too much.
        bound = DType.I32.high
    return Format(_DTYPE[kind], 2.0**-bits, 0, -bound, bound)


def byte_format(low: float, high: float) -> Format:
    """An unsigned byte over [low, high], widened so that zero is one of its levels."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255 if high > low else 1 / 255
    scale = min(max(scale, 1e-30), 1e30)
    zero = int(min(max(round(-low / scale), 0), 255))
    return Format(DType.U8, scale, zero, 0, 255)


def searched_byte_format(seen: Observed) -> Format:
    """The byte format with the least squared error over what was observed."""
    best, least = byte_format(seen.low, seen.high), np.inf
    for fraction in _SHRINK:
        candidate = byte_format(seen.low * fraction, seen.high * fraction)
        error = float(np.mean((candidate.real(candidate.quantise(seen.elements)) - seen.elements) ** 2))
        if error < least * 0.999:
            best, least = candidate, error
    return best


def format_for(kind: Kind, seen: Observed, search: bool = True) -> Format:
    """The format of a value of which this was observed; masks take 32 bits, where they saturate far below."""
    if seen.masked:
        return power_format(max(kind, Kind.I32), max(seen.greatest, _MASKED_RANGE))
    if kind is Kind.U8:
        return searched_byte_format(seen) if search else byte_format(seen.low, seen.high)
    return power_format(kind, seen.greatest)


def constant_format(kind: Kind, value: Array) -> Format:
    """The format of a constant."""
    if kind is Kind.U8:
        return byte_format(float(value.min()), float(value.max()))
    counted = value[value > MASKED]
    greatest = float(np.abs(counted).max(initial=0))
    return power_format(kind, greatest if counted.size == value.size else max(greatest, _MASKED_RANGE))
