"""Worst-case ranges are what the worst input really reaches, and overflow is refused before it can happen."""

from collections.abc import Callable

import numpy as np
import pytest

from inference.executor import run_reference
from inference.executor.reference import evaluate
from inference.ir import ArtifactFault, DType, InvalidArtifact, Requantize, ops
from inference.ir.builder import ProgramBuilder
from inference.ir.limits import MAX_TREE_DEPTH
from inference.verifier import Interval, VerifiedProgram, verify
from inference.verifier.effort import Effort
from inference.verifier.intervals import round_half_even
from inference.verifier.ranges import find_ranges

WIDE = Requantize.to(DType.I64)


def single(
    make: Callable[[ProgramBuilder, int], int], dtype: DType, shape: tuple[int, ...]
) -> VerifiedProgram:
    b = ProgramBuilder()
    b.output(make(b, b.input("x", dtype, shape)), "y")
    return verify(b.build())


def refusal(
    make: Callable[[ProgramBuilder, int], int], dtype: DType, shape: tuple[int, ...]
) -> ArtifactFault:
    with pytest.raises(InvalidArtifact) as caught:
        single(make, dtype, shape)
    return caught.value.reason


def test_a_dense_layers_range_is_reached_by_the_input_that_follows_the_weights_signs() -> None:
    rng = np.random.default_rng(1)
    w = rng.integers(-64, 64, (50, 4))
    bias = np.array([5, -7, 100_000, 0])

    def dense(b: ProgramBuilder, x: int) -> int:
        return b.emit(ops.MatMul(3, 0, WIDE), x, b.constant(w, DType.I8), b.constant(bias, DType.I32))

    program = single(dense, DType.U8, (1, 50))
    lows, highs = [], []
    for column in range(4):
        best = np.where(w[:, column] > 0, 255, 0)[None]
        highs.append(int(run_reference(program, [best])[0][0, column]))
        lows.append(int(run_reference(program, [255 - best])[0][0, column]))
    assert program.intervals[-1] == Interval(min(lows), max(highs))
    assert program.bounds[-1] >= max(abs(v) for v in (*lows, *highs))


def test_padding_widens_a_convolutions_range_to_partial_windows() -> None:
    def conv(pads: tuple[int, ...]) -> Interval:
        def make(b: ProgramBuilder, x: int) -> int:
            w = b.constant(np.array([[[[1, -1], [1, 1]]]]), DType.I8)
            return b.emit(ops.Conv((1, 1), (1, 1), pads, 1, -10, WIDE), x, w)

        return single(make, DType.U8, (1, 1, 3, 3)).intervals[-1]

    assert conv((0, 0, 0, 0)) == Interval(10 * 3 - 265, 265 * 3 - 10)
    assert conv((1, 1, 1, 1)) == Interval(-265, 265 * 3)


def test_unknown_weights_and_biases_are_bounded_by_their_own_ranges() -> None:
    b = ProgramBuilder()
    x, w, c = b.input("x", DType.U8, (1, 7)), b.input("w", DType.I8, (7, 2)), b.input("c", DType.I32, (2,))
    b.output(b.emit(ops.MatMul(0, 0, WIDE), x, w, c), "y")
    program = verify(b.build())
    assert program.intervals[-1] == Interval(-255 * 128 * 7 - (1 << 31), 255 * 127 * 7 + (1 << 31) - 1)


def test_a_batch_of_constant_matrices_is_bounded_per_column() -> None:
    w = np.arange(-6, 6).reshape(2, 3, 2)
    program = single(
        lambda b, x: b.emit(ops.MatMul(0, 0, Requantize.to(DType.I32, (0, 1))), x, b.constant(w, DType.I8)),
        DType.U8,
        (2, 1, 3),
    )
    best = max(int(np.maximum(w[i, :, j], 0).sum()) * 255 >> j for i in range(2) for j in range(2))
    assert program.intervals[-1].high == best


def test_known_products_with_a_constant_bias_share_the_one_bound() -> None:
    b = ProgramBuilder()
    x, w = b.input("x", DType.U8, (1, 7)), b.input("w", DType.I8, (7, 2))
    b.output(b.emit(ops.MatMul(0, 0, WIDE), x, w, b.constant(np.array([-5, 9]), DType.I32)), "y")
    assert verify(b.build()).intervals[-1] == Interval(-255 * 128 * 7 - 5, 255 * 127 * 7 + 9)


@pytest.mark.parametrize(
    "make",
    [
        lambda b, x: b.emit(ops.Mul(0, 0, WIDE), x, b.emit(ops.Rescale(0, 1 << 20, WIDE), x)),
        lambda b, x: b.emit(ops.Rescale(0, 1 << 32, WIDE), x),
        lambda b, x: b.emit(ops.Add(0, 0, 1 << 31, 1, WIDE), x, x),
        lambda b, x: b.emit(ops.Div(0, 0, 40, ops.Rounding.FLOOR, WIDE), x, x),
        lambda b, x: b.emit(ops.Function(ops.FunctionKind.EXP, 5, 0, 0, WIDE), x),
        lambda b, x: b.emit(ops.ReduceSum((0,), True, 0, 1 << 32, 3, WIDE), x),
        lambda b, x: b.emit(
            ops.ScatterElements(0, ops.ScatterKind.ADD),
            x,
            b.constant(np.array([0]), DType.I32),
            b.constant(np.array([1]), DType.I32),
        ),
    ],
)
def test_whatever_may_overflow_is_refused(make: Callable[[ProgramBuilder, int], int]) -> None:
    assert refusal(make, DType.I32, (4,)) is ArtifactFault.OVERFLOW


def test_a_square_is_never_negative() -> None:
    program = single(lambda b, x: b.emit(ops.Mul(3, 3, WIDE), x, x), DType.I8, (2,))
    assert program.intervals[-1] == Interval(0, 131 * 131)


def test_rounding_half_even_on_plain_integers() -> None:
    assert [round_half_even(v, 2) for v in (-3, -1, 0, 1, 3, 5)] == [-2, 0, 0, 0, 2, 2]
    assert [round_half_even(v, 3) for v in (-2, -1, 1, 2)] == [-1, 0, 0, 1]


@pytest.mark.parametrize("kind", list(ops.BitOperation))
@pytest.mark.parametrize("spans", [((0, 5), (0, 9)), ((-3, 5), (0, 9)), ((-3, 5), (-8, 1))])
def test_bitwise_ranges_hold_every_pair(kind: ops.BitOperation, spans: tuple[tuple[int, int], ...]) -> None:
    b = ProgramBuilder()
    x = [b.input(f"x{i}", DType.I8, (1,)) for i in range(2)]
    y = [
        b.emit(ops.Rescale(0, 1, Requantize.to(DType.I8, 0, 0, *s)), v) for v, s in zip(x, spans, strict=True)
    ]
    b.output(b.emit(ops.Bitwise(kind), *y), "z")
    interval = verify(b.build()).intervals[-1]
    left, right = np.meshgrid(*(np.arange(lo, hi + 1) for lo, hi in spans))
    found = evaluate(ops.Bitwise(kind), [left, right])
    assert interval.low <= found.min()
    assert found.max() <= interval.high


def trees(
    roots: list[int], below: list[int], above: list[int], feature: list[int] | None = None, leaf: int = 1
) -> Callable[[ProgramBuilder, int], int]:
    def make(b: ProgramBuilder, x: int) -> int:
        split = feature or [0] * len(below)
        parts = [roots, split, [0] * len(below), below, above]
        constants = [b.constant(np.array(p), DType.I32) for p in parts]
        leaves = b.constant(np.array([[leaf], [-2 * leaf]]), DType.I64)
        return b.emit(ops.Trees(WIDE), x, *constants, leaves)

    return make


def test_a_forest_sums_the_ends_of_each_tree_and_knows_its_depth() -> None:
    program = single(trees([0, -2, 1], [-1, 2, -2], [-1, -1, -1]), DType.I16, (1, 2))
    assert program.intervals[-1] == Interval(1 - 2 - 2, 1 - 2 + 1)
    assert find_ranges(program.program, program.types, Effort(10**12)).tree_depths == {0: 2}


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (trees([0], [-1], [-1], [2]), ArtifactFault.BAD_CONSTANT),
        (trees([1], [-1], [-1]), ArtifactFault.BAD_CONSTANT),
        (trees([0], [-3], [-1]), ArtifactFault.BAD_CONSTANT),
        (trees([0], [0], [-1]), ArtifactFault.BAD_CONSTANT),
        (trees([0], [1, -1], [1, -1]), ArtifactFault.BAD_CONSTANT),
        (trees([0], [-1, -1], [-1, -1]), ArtifactFault.BAD_CONSTANT),
        (trees([0, 0], [-1], [-1]), ArtifactFault.BAD_CONSTANT),
        (trees([0], [-1], [-1], leaf=1 << 61), ArtifactFault.OVERFLOW),
        (
            trees([0], [*range(1, MAX_TREE_DEPTH + 2), -1], [-1] * (MAX_TREE_DEPTH + 2)),
            ArtifactFault.LIMIT,
        ),
    ],
)
def test_what_is_no_forest_is_refused(
    make: Callable[[ProgramBuilder, int], int], fault: ArtifactFault
) -> None:
    if fault is ArtifactFault.OVERFLOW:
        make = trees([0, -1, -2], [-1], [-2], leaf=1 << 61)
    assert refusal(make, DType.I16, (1, 2)) is fault
