"""Kernels that are exact for a reason worth a test of its own, on the inputs that would show it if not."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.executor import FastExecutor, run_reference
from inference.executor.plan import NumpyStep
from inference.ir import DType, Requantize, ops
from inference.ir.builder import ProgramBuilder
from inference.ir.types import Integers
from inference.verifier import VerifiedProgram, verify

I16, I32, I64, U8 = DType.I16, DType.I32, DType.I64, DType.U8


def unary(
    dtype: DType, shape: tuple[int, ...], make: Callable[[ProgramBuilder, int], int]
) -> VerifiedProgram:
    b = ProgramBuilder()
    b.output(make(b, b.input("x", dtype, shape)), "y")
    return verify(b.build())


def check(program: VerifiedProgram, *calls: Integers, numpy_steps: int = 0) -> None:
    """Equal outputs from both executors, with so many operations outside onnxruntime."""
    fast = FastExecutor(program)
    assert fast.degraded is None
    assert sum(isinstance(s, NumpyStep) for s in fast.steps) == numpy_steps
    for call in calls:
        found = fast.run([call.astype(program.inputs[0].dtype.numpy)])
        for y, wanted in zip(found, run_reference(program, [call]), strict=True):
            np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("rounding", [ops.Rounding.HALF_EVEN, ops.Rounding.FLOOR])
@pytest.mark.parametrize(("shift", "dtype"), [(0, I16), (14, I16), (14, I32)])
def test_a_divisor_of_zero_saturates_by_the_dividends_sign(
    rounding: ops.Rounding, shift: int, dtype: DType
) -> None:
    def make(b: ProgramBuilder, x: int) -> int:
        divisor = b.emit(ops.Rescale(0, 1, Requantize.to(U8, 6)), x)
        return b.emit(ops.Div(3, 0, shift, rounding, Requantize.to(dtype, 0, 5)), x, divisor)

    check(unary(I16, (1, 4_001), make), np.arange(-2_000, 2_001).reshape(1, -1))


def test_soft_max_is_one_session_and_equal_to_its_last_bit() -> None:
    def make(b: ProgramBuilder, x: int) -> int:
        wide = Requantize.to(I32, 0, 0, -(1 << 28), 1 << 28)
        scores = b.emit(ops.Rescale(0, 4_099, wide), x)
        peak = b.emit(ops.ReduceExtreme(ops.Extreme.MAX, (1,), True), scores)
        below = b.emit(ops.Add(0, 0, 1, -1, wide), scores, peak)
        power = b.emit(ops.Function(ops.FunctionKind.EXP, 0, 21, 24, wide), below)
        total = b.emit(ops.ReduceSum((1,), True, 0, 1, 1, Requantize.to(I32, 4)), power)
        return b.emit(ops.Div(0, 0, 20, ops.Rounding.HALF_EVEN, wide), power, total)

    program = unary(I16, (1, 700), make)
    draw = np.random.default_rng(0)
    calls = [draw.integers(-32_768, 32_768, (1, 700)) for _ in range(4)]
    check(program, *calls, np.full((1, 700), 9), np.full((1, 700), -32_768), np.arange(700).reshape(1, -1))


@given(
    st.integers(0, 30), st.integers(0, 30), st.lists(st.integers(-(1 << 31) + 1, 0), min_size=1, max_size=40)
)
@settings(max_examples=60, deadline=None)
def test_an_exponential_of_whatever_scale_equals_its_definition(i: int, o: int, values: list[int]) -> None:
    def make(b: ProgramBuilder, x: int) -> int:
        below = b.emit(ops.Rescale(0, 1, Requantize.to(I32, 0, 0, -(1 << 31) + 1, 0)), x)
        return b.emit(ops.Function(ops.FunctionKind.EXP, 0, i, o, Requantize.to(I32, 0, 2)), below)

    near = [v >> 31 - i for v in values]
    check(unary(I32, (1, 2 * len(values)), make), np.array([values + near]))


def _stump(thresholds: list[int]) -> Callable[[ProgramBuilder, int], int]:
    """One split per tree; a tree gives 1, 10, 100 ... where its feature lies above the threshold."""

    def make(b: ProgramBuilder, x: int) -> int:
        count = len(thresholds)
        rows = [np.arange(count), np.zeros(count, int), np.array(thresholds), np.full(count, -1)]
        parts = [b.constant(v, t) for v, t in zip(rows, (I32, I32, I64, I32), strict=True)]
        parts.append(b.constant(-2 - np.arange(count), I32))
        leaves = np.array([[0], *([10**i] for i in range(count))])
        return b.emit(ops.Trees(Requantize.to(I64)), x, *parts, b.constant(leaves, I64))

    return make


_FAR = [(1 << 61) + (1 << 40), 3 << 30, (1 << 24) + 2, 0, -(1 << 55) - (1 << 33)]


@pytest.mark.parametrize(
    ("thresholds", "numpy_steps"),
    [(_FAR, 0), ([t - 1 for t in _FAR], 0), ([t + 3 for t in _FAR], 1), ([-(1 << 63)], 1)],
    ids=["thresholds in binary32", "those and one", "neither", "the least"],
)
def test_trees_over_64_bit_features_decide_alike_at_every_threshold(
    thresholds: list[int], numpy_steps: int
) -> None:
    program = unary(I64, (1, 1), _stump(thresholds))
    around = [t + d for t in thresholds for d in (-(1 << 30), -2, -1, 0, 1, 2, 1 << 30)]
    values = [v for v in (*around, -(1 << 63), (1 << 63) - 1, 1 << 62) if -(1 << 63) <= v < 1 << 63]
    check(program, *(np.array([[v]], np.int64) for v in values), numpy_steps=numpy_steps)


@pytest.mark.parametrize("far", [(1 << 24) + 1, (1 << 53) + 1, -(1 << 63) + 1, -(1 << 24) - 1])
def test_an_epilogue_that_leaves_one_far_value_gives_that_value(far: int) -> None:
    def make(b: ProgramBuilder, x: int) -> int:
        return b.emit(ops.Rescale(0, 3, Requantize.to(I64, 0, 0, far, far)), x)

    check(unary(I16, (1, 9), make), np.arange(9).reshape(1, -1), numpy_steps=1)


@pytest.mark.parametrize("low", [0, 3])
@pytest.mark.parametrize("zero", [0, 5])
def test_a_pool_may_come_before_the_rounding_of_a_convolution_with_one_channel(low: int, zero: int) -> None:
    def make(b: ProgramBuilder, x: int) -> int:
        w = b.constant(np.arange(36).reshape(4, 1, 3, 3) * 7 % 127 - 63, DType.I8)
        bias = b.constant(np.array([5, -900, 77, 0]), I32)
        out = Requantize.to(U8, (4, 5, 6, 7), zero, low, 250)
        y = b.emit(ops.Conv((1, 1), (1, 1), (1,) * 4, 1, 9, out), x, w, bias)
        b.output(b.emit(ops.Rescale(0, 1, Requantize.to(I32, 0, 1)), y), "unpooled")
        return b.emit(ops.MaxPool((2, 2), (2, 2), (1, 1), (1, 1, 0, 0)), y)

    draw = np.random.default_rng(4)
    calls = [draw.integers(0, 256, (1, 1, 12, 12)) for _ in range(3)]
    check(unary(U8, (1, 1, 12, 12), make), *calls, np.full((1, 1, 12, 12), 255))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_convolutions_and_averages_in_binary64_equal_the_definition(data: st.DataObject) -> None:
    """All strides, dilations, paddings and groups, over one to three axes."""
    draw = data.draw
    n, groups = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 4]))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(n))
    strides = tuple(draw(st.sampled_from([1, 1, 2])) for _ in range(n))
    dilations = tuple(draw(st.integers(1, 2)) for _ in range(n))
    pads = tuple(draw(st.integers(0, 2)) for _ in range(2 * n))
    rng = np.random.default_rng(draw(st.integers(0, 999)))

    def make(b: ProgramBuilder, x: int) -> int:
        count = groups * draw(st.integers(1, 2))
        w = b.constant(rng.integers(-32_768, 32_768, (count, 4 // groups, *kernel)), I16)
        out = Requantize.to(I32, tuple(draw(st.integers(0, 20)) for _ in range(count)), 3)
        y = b.emit(ops.Conv(strides, dilations, pads, groups, -7, out), x, w)
        average = Requantize.to(I32, 1, 2)
        fits = all(p <= k // 2 for p, k in zip(pads, kernel * 2, strict=True))
        if fits:
            op = ops.AveragePool(kernel, strides, dilations, pads, 9, 70_001, 0, average)
            b.output(b.emit(op, x), "average")
        return y

    shape = (1, 4, *(7,) * n)
    calls = [rng.integers(-32_768, 32_768, shape) for _ in range(2)]
    check(unary(I16, shape, make), *calls, np.full(shape, -32_768))
