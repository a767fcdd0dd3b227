"""Integer rounding against rationals, and non-linear functions against the real ones."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.executor.arithmetic import bit_length, divide, requantize, shift_right, square_root
from inference.executor.functions import apply_function
from inference.ir import DType, Requantize
from inference.ir.ops import FunctionKind as Kind

VALUES = st.integers(-(1 << 62), 1 << 62)


@given(VALUES, st.integers(0, 62))
def test_a_rounding_shift_is_pythons_round_of_the_fraction(value: int, shift: int) -> None:
    assert int(shift_right(np.array([value]), shift)[0]) == round(Fraction(value, 1 << shift))


@given(VALUES, st.integers(1, 1 << 62))
def test_a_rounding_division_is_pythons_round_of_the_fraction(value: int, divisor: int) -> None:
    assert int(divide(np.array([value]), divisor)[0]) == round(Fraction(value, divisor))


@given(st.integers(0, (1 << 62) - 1))
def test_square_roots_and_bit_lengths_are_pythons(value: int) -> None:
    assert int(square_root(np.array([value]))[0]) == math.isqrt(value)
    assert int(bit_length(np.array([value]))[0]) == value.bit_length()


def test_the_epilogue_shifts_each_channel_rounds_to_even_and_saturates() -> None:
    acc = np.array([[6, 10, -1_000], [6, 10, 5_000]])
    out = Requantize.to(DType.U8, (2, 3), 5)
    assert requantize(acc, out, 0).tolist() == [[7, 7, 0], [6, 6, 255]]
    assert requantize(acc, Requantize.to(DType.I16, 0, 0, -7, 9), 0).tolist() == [[6, 9, -7], [6, 9, 9]]


REAL: dict[Kind, Callable[[float], float]] = {
    Kind.EXP: math.exp,
    Kind.LOG: math.log,
    Kind.TANH: math.tanh,
    Kind.SIGMOID: lambda x: 1 / (1 + math.exp(-x)),
    Kind.ERF: math.erf,
    Kind.SQRT: math.sqrt,
    Kind.RSQRT: lambda x: x**-0.5,
    Kind.RECIPROCAL: lambda x: 1 / x,
    Kind.SIN: math.sin,
    Kind.COS: math.cos,
    Kind.GELU: lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    Kind.SILU: lambda x: x / (1 + math.exp(-x)),
    Kind.SOFTPLUS: lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))),
    Kind.ATAN: math.atan,
}
POSITIVE = (Kind.LOG, Kind.SQRT, Kind.RSQRT)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("in_bits", [0, 1, 8, 16, 24, 29, 30])
def test_a_function_is_within_a_quantum_and_2_to_the_minus_21_of_the_real_one(
    kind: Kind, in_bits: int
) -> None:
    rng = np.random.default_rng(in_bits)
    limit = min((1 << 31) - 1, 15 << in_bits)
    v = np.concatenate([rng.integers(-limit, limit + 1, 300), np.arange(-9, 10), [limit, -limit]])
    v = np.minimum(np.abs(v) + 1, limit) if kind in POSITIVE else v[v != 0]
    for out_bits in (0, 7, 15, 30):
        real = np.array([REAL[kind](int(a) / (1 << in_bits)) for a in v]) * 2.0**out_bits
        allowed = 0.51 + 2.0**-21 * np.maximum(np.abs(real), 2.0**out_bits)
        assert np.all(np.abs(apply_function(kind, v, in_bits, out_bits) - real) <= allowed)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_function_is_total_and_never_exceeds_62_bits(kind: Kind) -> None:
    ends = np.array([-(1 << 31) + 1, (1 << 31) - 1, 0, 1, -1])
    for in_bits in range(0, 31, 5):
        for out_bits in range(0, 31, 5):
            assert np.abs(apply_function(kind, ends, in_bits, out_bits)).max() < 1 << 62


def test_functions_saturate_where_they_have_no_value() -> None:
    v = np.array([0, -1])
    assert (apply_function(Kind.LOG, v, 8, 8) == -(1 << 62) + 1).all()
    assert (apply_function(Kind.RSQRT, v, 8, 8) == (1 << 62) - 1).all()
    assert apply_function(Kind.SQRT, v, 8, 8).tolist() == [0, 0]
    assert apply_function(Kind.RECIPROCAL, v, 8, 8).tolist() == [(1 << 62) - 1, -(1 << 16)]
    assert apply_function(Kind.EXP, np.array([1 << 30]), 0, 0).tolist() == [(1 << 62) - 1]
