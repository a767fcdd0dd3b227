"""Integer rounding on 64-bit arrays: the arithmetic that every executor answers to (README E0, E1).

The verifier has proved |value| <= 2^62 wherever these are used, so nothing here can overflow.
"""

import numpy as np

from inference.ir.ops import Requantize
from inference.ir.types import Integers


def shift_right(value: Integers, shift: Integers | int) -> Integers:
    """value / 2^shift rounded half to even; `shift` is a number or an array that broadcasts, 0 to 62.

    Adding half a unit less one, and one more where the quotient is odd, carries exactly what rounds up.
    """
    if isinstance(shift, int):
        if shift == 0:
            return value
        return (value + (((value >> shift) & 1) + ((1 << (shift - 1)) - 1))) >> shift
    moved = shift > 0
    carry = ((value >> shift) & moved) + (np.left_shift(1, np.maximum(shift - 1, 0)) - 1)
    rounded: Integers = (value + carry) >> shift
    return rounded


def divide(value: Integers, divisor: Integers | int) -> Integers:
    """value / divisor rounded half to even, for positive divisors up to 2^62.

    A binary64 quotient of numbers below 2^62 is off by less than 2^11, and that of the rest then by nothing
    but the rounding of its last half, which the integer remainder settles.
    """
    by = np.asarray(divisor, np.int64)
    approximate = by.astype(np.float64)
    quotient: Integers = np.rint(value / approximate).astype(np.int64)
    remainder = value - quotient * by
    step = np.rint(remainder / approximate).astype(np.int64)
    quotient, remainder = quotient + step, (remainder - step * by) * 2
    odd = quotient & 1
    up, down = remainder + odd > by, remainder - odd < -by
    rounded: Integers = quotient + up - down
    return rounded


def requantize(value: Integers, out: Requantize, channel_axis: int = 0) -> Integers:
    """E1: clip(R(value, shift) + zero, low, high); per-channel shifts lie along `channel_axis`."""
    shift: Integers | int = out.shift[0]
    if len(out.shift) > 1:
        shape = [1] * value.ndim
        shape[channel_axis] = -1
        shift = np.array(out.shift, np.int64).reshape(shape)
    rounded = shift_right(value, shift) if any(out.shift) else value
    clipped: Integers = np.clip(rounded + out.zero, out.low, out.high)
    return clipped


def clip_sum(value: Integers, out: Requantize) -> Integers:
    """clip(value + zero, low, high), for values that are rounded already."""
    clipped: Integers = np.clip(value + out.zero, out.low, out.high)
    return clipped


def bit_length(value: Integers) -> Integers:
    """Bits of natural numbers below 2^62, 0 for 0."""
    length = np.frexp(value.astype(np.float64))[1].astype(np.int64)
    # The conversion may round up to the next power of two.
    exact: Integers = length - ((value >> np.maximum(length - 1, 0) == 0) & (value > 0))
    return exact


def square_root(value: Integers) -> Integers:
    """The integer square root of natural numbers below 2^62: binary64's is off by at most one."""
    root = np.sqrt(value.astype(np.float64)).astype(np.int64)
    root -= root * root > value
    exact: Integers = root + ((root + 1) * (root + 1) <= value)
    return exact
