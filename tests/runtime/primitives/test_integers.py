"""Arithmetic that never leaves its width, and fractions rounded as Substrate rounds them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.primitives.fixed import (
    FIXED_MAX,
    FIXED_ONE,
    PERBILL_ONE,
    fixed_from_rational,
    fixed_mul,
    fixed_mul_int,
    perbill_from_rational,
    perbill_mul,
    perbill_mul_ceil,
    perbill_mul_floor,
)
from runtime.primitives.integers import (
    I8,
    U8,
    U32,
    U128,
    ArithmeticFault,
    ArithmeticReason,
    checked_add,
    checked_div,
    checked_mul,
    checked_pow,
    checked_sub,
    integer_type,
    saturating_add,
    saturating_mul,
    saturating_sub,
)

BYTES = st.integers(0, 255)


def test_the_range_of_a_type_follows_from_its_width() -> None:
    assert (integer_type(U8).minimum, integer_type(U8).maximum) == (0, 255)
    assert (integer_type(I8).minimum, integer_type(I8).maximum) == (-128, 127)
    assert integer_type(U128).name == "u128"
    with pytest.raises(TypeError, match="U128"):
        integer_type(int)


@given(BYTES, BYTES)
def test_checked_arithmetic_is_exact_or_faults(a: int, b: int) -> None:
    for checked, exact in ((checked_add, a + b), (checked_sub, a - b), (checked_mul, a * b)):
        if 0 <= exact <= 255:
            assert checked(a, b, U8) == exact
        else:
            with pytest.raises(ArithmeticFault) as fault:
                checked(a, b, U8)
            over = exact > 255
            assert fault.value.reason is (ArithmeticReason.OVERFLOW if over else ArithmeticReason.UNDERFLOW)


@given(BYTES, BYTES)
def test_saturating_arithmetic_stops_at_the_ends(a: int, b: int) -> None:
    assert saturating_add(a, b, U8) == min(a + b, 255)
    assert saturating_sub(a, b, U8) == max(a - b, 0)
    assert saturating_mul(a, b, U8) == min(a * b, 255)


def test_division_rounds_toward_zero_and_refuses_zero() -> None:
    assert checked_div(7, 2, U32) == 3
    assert checked_div(-7, 2, I8) == -3
    assert checked_div(7, -2, I8) == -3
    assert checked_div(-8, -2, I8) == 4
    with pytest.raises(ArithmeticFault, match="division by zero: 7 divided by zero"):
        checked_div(7, 0, U32)
    with pytest.raises(ArithmeticFault) as fault:
        checked_div(-128, -1, I8)
    assert fault.value.reason is ArithmeticReason.OVERFLOW


def test_a_power_that_can_not_fit_is_never_computed() -> None:
    assert checked_pow(2, 7, U8) == 128
    assert checked_pow(-2, 7, I8) == -128
    assert checked_pow(1, 10**30, U8) == 1
    assert checked_pow(0, 0, U8) == 1
    assert checked_pow(0, 10**30, U8) == 0
    assert checked_pow(-1, 10**30, I8) == 1
    assert checked_pow(-1, 10**30 + 1, I8) == -1
    for base, exponent, kind, reason in (
        (2, 8, U8, ArithmeticReason.OVERFLOW),
        (2, 10**30, U128, ArithmeticReason.OVERFLOW),
        (-2, 10**30, I8, ArithmeticReason.OVERFLOW),
        (-2, 10**30 + 1, I8, ArithmeticReason.UNDERFLOW),
    ):
        with pytest.raises(ArithmeticFault) as fault:
            checked_pow(base, exponent, kind)
        assert fault.value.reason is reason
    with pytest.raises(ValueError, match="negative"):
        checked_pow(2, -1, U8)


@given(st.integers(0, PERBILL_ONE), st.integers(0, 2**128 - 1))
def test_a_part_of_an_amount_is_rounded_in_the_direction_that_its_name_says(part: int, amount: int) -> None:
    exact = Fraction(part, PERBILL_ONE) * amount
    assert perbill_mul_floor(part, amount) <= exact <= perbill_mul_ceil(part, amount)
    assert perbill_mul_ceil(part, amount) - perbill_mul_floor(part, amount) <= 1
    assert abs(perbill_mul(part, amount) - exact) <= Fraction(1, 2)


def test_exactly_half_a_unit_rounds_down() -> None:
    half = PERBILL_ONE // 2
    assert [perbill_mul(half, amount) for amount in (1, 2, 3)] == [0, 1, 1]
    assert perbill_mul(half + 1, 1) == 1


def test_a_perbill_is_at_most_one() -> None:
    assert perbill_from_rational(1, 3) == 333_333_333
    assert perbill_from_rational(2, 3) == 666_666_666
    assert perbill_from_rational(5, 3) == PERBILL_ONE
    assert perbill_from_rational(0, 0) == PERBILL_ONE


def test_fixed_point_rounds_down_and_saturates() -> None:
    third = fixed_from_rational(1, 3)
    assert third == FIXED_ONE // 3
    assert fixed_mul(third, 3 * FIXED_ONE) == FIXED_ONE - 1
    assert fixed_mul_int(third, 10) == 3
    assert fixed_mul(FIXED_MAX, FIXED_MAX) == FIXED_MAX
    assert fixed_mul_int(FIXED_MAX, 2**128) == FIXED_MAX
    assert fixed_from_rational(2**128, 1) == FIXED_MAX
    with pytest.raises(ValueError, match="zero"):
        fixed_from_rational(1, 0)
