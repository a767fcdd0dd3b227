"""Fractions in integer arithmetic, rounded as `sp_arithmetic` rounds them.

Values are plain integers: a `Perbill` counts billionths, a `FixedU128` counts 10**-18.
"""

from typing import Annotated, Final

from runtime.primitives.integers import IntegerType
from runtime.primitives.scale.annotations import ScalePath

Perbill = Annotated[int, IntegerType(32, False), ScalePath("sp_arithmetic::per_things::Perbill")]
Percent = Annotated[int, IntegerType(8, False), ScalePath("sp_arithmetic::per_things::Percent")]
FixedU128 = Annotated[int, IntegerType(128, False), ScalePath("sp_arithmetic::fixed_point::FixedU128")]

PERBILL_ONE: Final = 10**9
FIXED_ONE: Final = 10**18
FIXED_MAX: Final = (1 << 128) - 1


def perbill_from_rational(numerator: int, denominator: int) -> int:
    """`numerator / denominator` in billionths, rounded down and at most one; a zero denominator gives one."""
    if numerator >= denominator:
        return PERBILL_ONE
    return numerator * PERBILL_ONE // denominator


def perbill_mul(part: int, amount: int) -> int:
    """`part` of `amount`, rounded to the nearest unit and down at exactly half (`Perbill * amount`)."""
    whole, rest = divmod(part * amount, PERBILL_ONE)
    return whole + (rest > PERBILL_ONE // 2)


def perbill_mul_floor(part: int, amount: int) -> int:
    """`part` of `amount`, rounded down."""
    return part * amount // PERBILL_ONE


def perbill_mul_ceil(part: int, amount: int) -> int:
    """`part` of `amount`, rounded up."""
    return -(-part * amount // PERBILL_ONE)


def fixed_from_rational(numerator: int, denominator: int) -> int:
    """`numerator / denominator` as a `FixedU128`, rounded down, saturating; `ValueError` for n / 0."""
    if denominator == 0:
        raise ValueError("a fraction has no zero denominator")
    return min(numerator * FIXED_ONE // denominator, FIXED_MAX)


def fixed_mul(a: int, b: int) -> int:
    """The product of two `FixedU128`, rounded down, saturating."""
    return min(a * b // FIXED_ONE, FIXED_MAX)


def fixed_mul_int(a: int, amount: int) -> int:
    """A `FixedU128` times a whole amount, rounded down, saturating at u128."""
    return min(a * amount // FIXED_ONE, FIXED_MAX)
