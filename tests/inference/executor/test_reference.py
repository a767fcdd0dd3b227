"""The reference executor against definitions spelt out element by element in plain Python."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from inference.executor.movement import move
from inference.executor.reference import evaluate
from inference.ir import DType, Requantize, ops
from inference.ir.types import Integers

RNG = np.random.default_rng(3)
WIDE = Requantize.to(DType.I64)


def epilogue(value: Fraction, out: Requantize, channel: int = 0) -> int:
    shift = out.shift[channel % len(out.shift)]
    return min(max(round(value / (1 << shift)) + out.zero, out.low), out.high)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_convolution_is_the_sum_over_its_window(groups: int) -> None:
    x = RNG.integers(0, 256, (2, 4, 5, 6))
    w = RNG.integers(-64, 64, (4, 4 // groups, 2, 3))
    bias = RNG.integers(-999, 999, 4)
    out = Requantize.to(DType.U8, (5, 6, 7, 8), 9)
    op = ops.Conv((2, 1), (1, 2), (1, 0, 2, 1), groups, 7, out)
    y = evaluate(op, [x, w, bias])
    for n, o, i, j in np.ndindex(y.shape):
        acc = int(bias[o])
        for c, p, q in np.ndindex(w.shape[1:]):
            row, column = i * 2 + p - 1, j + 2 * q
            if 0 <= row < 5 and 0 <= column < 6:
                acc += (int(x[n, o // (4 // groups) * (4 // groups) + c, row, column]) - 7) * int(
                    w[o, c, p, q]
                )
        assert y[n, o, i, j] == epilogue(Fraction(acc), out, o)


def test_pools_see_only_real_elements() -> None:
    x = RNG.integers(-50, 50, (1, 2, 5, 5))
    window = ((2, 3), (2, 1), (1, 1), (1, 1, 0, 1))
    greatest = evaluate(ops.MaxPool(*window), [x])
    counted = evaluate(ops.AveragePool(*window, -3, 5, 0, WIDE), [x])
    fixed = evaluate(ops.AveragePool(*window, -3, 5, 6, Requantize.to(DType.I64, 2)), [x])
    for c, i, j in product(range(2), *map(range, greatest.shape[2:])):
        rows, columns = range(max(2 * i - 1, 0), 2 * i + 1), range(max(j - 1, 0), min(j + 2, 5))
        seen = [int(x[0, c, r, k]) for r in rows for k in columns]
        assert greatest[0, c, i, j] == max(seen)
        total = 5 * sum(v + 3 for v in seen)
        assert counted[0, c, i, j] == round(Fraction(total, len(seen)))
        assert fixed[0, c, i, j] == round(Fraction(total, 24))


@pytest.mark.parametrize("rounding", list(ops.Rounding))
def test_division_rounds_as_said_and_is_total(rounding: ops.Rounding) -> None:
    a, b = np.meshgrid(np.arange(-9, 10), np.arange(-5, 6))
    out = Requantize.to(DType.I16, 0, 2, -20, 30)
    y = evaluate(ops.Div(1, 0, 1, rounding, out), [a, b])
    for i in np.ndindex(a.shape):
        over, under = (int(a[i]) - 1) * 2, int(b[i])
        if under == 0:
            expected = 30 if over > 0 else -20 if over < 0 else 2
        else:
            exact = Fraction(over, under)
            how = {1: round, 2: lambda f: f.numerator // f.denominator, 3: int}[rounding]
            expected = min(max(how(exact) + 2, -20), 30)
        assert y[i] == expected, (over, under)


def test_reductions_orders_and_choices_follow_their_definitions() -> None:
    x = np.array([[3, 1, 3], [2, 2, 0]])
    least, most = ops.Extreme.MIN, ops.Extreme.MAX
    assert evaluate(ops.ReduceSum((1,), False, 1, 3, 4, WIDE), [x]).tolist() == [3, 1]
    assert move(ops.ReduceExtreme(most, (0, 1), True), [x]).tolist() == [[3]]
    assert move(ops.ArgExtreme(most, 1, False, False), [x]).tolist() == [0, 0]
    assert move(ops.ArgExtreme(most, 1, True, True), [x]).tolist() == [[2], [1]]
    assert move(ops.ArgExtreme(least, 0, False, False), [x]).tolist() == [1, 0, 1]
    assert move(ops.TopK(most, 1, 2), [x]).tolist() == [[0, 2], [0, 1]]
    assert move(ops.TopK(least, 1, 2), [x]).tolist() == [[1, 0], [2, 0]]
    assert move(ops.MinMax(least), [x, np.array([2])]).tolist() == [[2, 1, 2], [2, 2, 0]]
    assert move(ops.Where(), [x - 2, x, -x]).tolist() == [[3, 1, 3], [-2, -2, 0]]
    compare = [move(ops.Compare(k), [x, np.array(2)]).tolist()[0] for k in ops.Comparison]
    assert compare == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
    bits = [move(ops.Bitwise(k), [x, np.array(2)]).tolist()[0] for k in ops.BitOperation]
    assert bits == [[2, 0, 2], [3, 3, 3], [1, 3, 1]]


def test_movement_follows_its_definitions() -> None:
    x = np.arange(6).reshape(2, 3)
    assert move(ops.Slice((0, 2), (1, 3), (1, -1)), [x]).tolist() == [[2, 1, 0]]
    assert move(ops.Pad((0, 1), (1, 0), (1, 0), 9), [x]).tolist() == [
        [9, 0, 1, 2],
        [9, 9, 9, 9],
        [9, 3, 4, 5],
        [9, 9, 9, 9],
    ]
    assert move(ops.Gather(1), [x, np.array([[-3, 7]])]).tolist() == [[[0, 2]], [[3, 5]]]
    assert move(ops.GatherElements(0), [x, np.array([[1, 0, 9]])]).tolist() == [[3, 1, 5]]
    assert move(ops.Expand((2, 2, 3)), [x]).shape == (2, 2, 3)
    assert move(ops.Concat(0), [x, x]).shape == (4, 3)
    places, updates = np.array([[0, 1, 0], [0, 9, -1]]), np.array([[10, 20, 30], [40, 50, 60]])
    assert move(ops.ScatterElements(0, ops.ScatterKind.SET), [x, places, updates]).tolist() == [
        [40, 1, 60],
        [3, 50, 5],
    ]
    assert move(ops.ScatterElements(0, ops.ScatterKind.ADD), [x, places, updates]).tolist() == [
        [50, 1, 92],
        [3, 74, 5],
    ]


def test_scattering_into_a_broadcast_array_changes_it() -> None:
    x = move(ops.Transpose((1, 0)), [move(ops.Expand((2, 3)), [np.array([[0], [5]])])])
    y = move(ops.ScatterElements(0, ops.ScatterKind.SET), [x, np.array([[2, 0]]), np.array([[7, 8]])])
    assert y.tolist() == [[0, 8], [0, 5], [7, 5]]


def test_tables_clip_their_index_and_trees_go_below_on_equality() -> None:
    table = np.array([10, 20, 30])
    assert evaluate(ops.Lookup(-1), [np.array([-9, -1, 0, 1, 9]), table]).tolist() == [10, 10, 20, 30, 30]
    parts: list[Integers] = [np.array(v) for v in ([0, -3], [1], [5], [-1], [-2], [[1, 2], [3, 4], [10, 20]])]
    x = np.array([[0, 5], [9, 6]])
    assert evaluate(ops.Trees(WIDE), [x, *parts]).tolist() == [[11, 22], [13, 24]]


def test_an_operation_outside_the_set_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        evaluate("Softmax", [np.zeros(1, np.int64)])  # type: ignore[arg-type]
