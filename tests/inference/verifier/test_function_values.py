"""Intervals of functions, quotients and distances from a peak hold whatever is computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.executor.functions import apply_function
from inference.executor.reference import quotient
from inference.ir import DType, Requantize, ops
from inference.ir.builder import ProgramBuilder
from inference.verifier import Interval, VerifiedProgram, verify
from inference.verifier.function_values import function_values
from inference.verifier.ranges import FUNCTION_LIMIT

I32 = DType.I32
ARGUMENTS = st.integers(-FUNCTION_LIMIT, FUNCTION_LIMIT)


@pytest.mark.parametrize("kind", list(ops.FunctionKind))
@given(st.tuples(ARGUMENTS, ARGUMENTS, ARGUMENTS), st.integers(0, 31), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_no_function_leaves_its_interval(
    kind: ops.FunctionKind, arguments: tuple[int, ...], down: int, in_bits: int, out_bits: int
) -> None:
    low, v, high = sorted(a >> down for a in arguments)
    interval = function_values(kind, Interval(low, high), in_bits, out_bits)
    for value in (low, v, high):
        found = int(apply_function(kind, np.array([value]), in_bits, out_bits)[0])
        assert interval.low <= found <= interval.high


def test_a_root_is_known_from_both_ends() -> None:
    assert function_values(ops.FunctionKind.SQRT, Interval(16, 1 << 20), 4, 8) == Interval(255, (1 << 16) + 2)
    assert function_values(ops.FunctionKind.SQRT, Interval(-9, 0), 4, 8) == Interval(0, 0)


def distances(
    kind: ops.Extreme, keepdims: bool, a: int, b: int, zeros: tuple[int, int], other: bool = False
) -> VerifiedProgram:
    builder = ProgramBuilder()
    x = builder.input("x", I32, (1, 3, 3))
    y = builder.emit(ops.Rescale(0, 1, Requantize.to(I32, 0, 0, -50, 50)), x)
    peak = builder.emit(ops.ReduceExtreme(kind, (2,), keepdims), y)
    if other:
        y = builder.emit(ops.Rescale(0, 2, Requantize.to(I32, 0, 0, -60, 60)), y)
    builder.output(builder.emit(ops.Add(*zeros, a, b, Requantize.to(I32)), y, peak), "z")
    return verify(builder.build())


def test_what_a_maximum_is_taken_from_is_never_above_it() -> None:
    assert distances(ops.Extreme.MAX, True, 3, -3, (7, 7)).intervals[-1] == Interval(-300, 0)


@pytest.mark.parametrize(
    "program",
    [
        distances(ops.Extreme.MIN, True, 3, -3, (7, 7)),
        distances(ops.Extreme.MAX, False, 3, -3, (7, 7)),
        distances(ops.Extreme.MAX, True, 3, -2, (7, 7)),
        distances(ops.Extreme.MAX, True, -3, 3, (7, 7)),
        distances(ops.Extreme.MAX, True, 3, -3, (7, 8)),
        distances(ops.Extreme.MAX, True, 3, -3, (7, 7), other=True),
    ],
    ids=["minimum", "other axes", "other factors", "turned round", "other zeros", "of something else"],
)
def test_other_differences_are_not_taken_for_one(program: VerifiedProgram) -> None:
    assert program.intervals[-1].high > 0


@given(
    st.lists(st.integers(-(1 << 20), 1 << 20), min_size=2, max_size=2),
    st.lists(st.integers(-3, 1 << 12), min_size=2, max_size=2),
    st.integers(0, 20),
    st.sampled_from(list(ops.Rounding)),
)
@settings(max_examples=200, deadline=None)
def test_no_quotient_leaves_its_interval(
    dividends: list[int], divisors: list[int], shift: int, rounding: ops.Rounding
) -> None:
    builder = ProgramBuilder()
    a, b = (builder.input(name, I32, (1, 1)) for name in ("a", "b"))
    within = [
        builder.emit(ops.Rescale(0, 1, Requantize.to(I32, 0, 0, min(ends), max(ends))), v)
        for v, ends in ((a, dividends), (b, divisors))
    ]
    op = ops.Div(0, 0, shift, rounding, Requantize.to(DType.I64, 0, 5))
    builder.output(builder.emit(op, *within), "z")
    interval = verify(builder.build()).intervals[-1]
    for over in dividends:
        for under in divisors:
            found = int(quotient(op, np.array([over]), np.array([under]))[0])
            assert interval.low <= found <= interval.high


def test_a_quotient_by_a_known_divisor_is_known() -> None:
    builder = ProgramBuilder()
    x = builder.emit(ops.Rescale(0, 1, Requantize.to(I32, 0, 0, -7, 90)), builder.input("x", I32, (1,)))
    op = ops.Div(0, 0, 1, ops.Rounding.TRUNCATE, Requantize.to(I32, 0, 1))
    builder.output(builder.emit(op, x, builder.constant(np.array([4]), I32)), "z")
    assert verify(builder.build()).intervals[-1] == Interval(-4 + 1, 45 + 1)
