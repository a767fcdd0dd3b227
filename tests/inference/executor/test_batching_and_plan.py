"""Which programs run many calls side by side, and where a plan leaves onnxruntime."""

from collections.abc import Callable

import numpy as np
import pytest

from inference.executor import FastExecutor, run_reference
from inference.executor.batching import batched_values
from inference.executor.lowering_trees import split_limbs
from inference.executor.plan import NumpyStep, SessionStep
from inference.ir import DType, Requantize, ops
from inference.ir.builder import ProgramBuilder
from inference.verifier import VerifiedProgram, verify

U8 = DType.U8
KEEP = Requantize.to(U8)
Make = Callable[[ProgramBuilder, int, int], int]


def program(make: Make, shape: tuple[int, ...] = (2, 3, 4)) -> VerifiedProgram:
    b = ProgramBuilder()
    x, y = b.input("x", U8, shape), b.input("y", U8, shape)
    b.output(make(b, x, y), "z")
    return verify(b.build())


def const(b: ProgramBuilder, *shape: int) -> int:
    return b.constant(np.arange(int(np.prod(shape))).reshape(shape) % 60, DType.U8)


def back(b: ProgramBuilder, x: int) -> int:
    return b.emit(ops.Transpose((0, 2, 1)), x)


APART: dict[str, Make] = {
    "elementwise": lambda b, x, y: b.emit(ops.Add(0, 0, 1, 1, KEEP), x, y),
    "shared constant": lambda b, x, y: b.emit(ops.Mul(0, 0, KEEP), x, const(b, 4)),
    "constant with a first axis of 1": lambda b, x, y: b.emit(ops.Mul(0, 0, KEEP), x, const(b, 1, 3, 1)),
    "product of activations": lambda b, x, y: b.emit(ops.MatMul(0, 0, KEEP), x, back(b, y)),
    "product with weights": lambda b, x, y: b.emit(ops.MatMul(0, 0, KEEP), x, const(b, 4, 2)),
    "weights on the left": lambda b, x, y: b.emit(ops.MatMul(0, 0, KEEP), const(b, 2, 3), x),
    "embedding": lambda b, x, y: b.emit(ops.Gather(0), const(b, 9, 5), x),
    "gather off the first axis": lambda b, x, y: b.emit(
        ops.Gather(2), x, b.constant(np.array([1]), DType.I32)
    ),
    "join": lambda b, x, y: b.emit(ops.Concat(1), x, y),
    "reshape": lambda b, x, y: b.emit(ops.Reshape((2, 12)), x),
    "constants among themselves": lambda b, x, y: b.emit(
        ops.Add(0, 0, 1, 1, KEEP), x, b.emit(ops.Reshape((4,)), const(b, 2, 2))
    ),
}
MIXED: dict[str, Make] = {
    "sum over the first axis": lambda b, x, y: b.emit(ops.ReduceExtreme(ops.Extreme.MAX, (0,), True), x),
    "order along the first axis": lambda b, x, y: b.emit(ops.ArgExtreme(ops.Extreme.MAX, 0, True, False), x),
    "first axis moved": lambda b, x, y: b.emit(ops.Transpose((1, 0, 2)), x),
    "first axis folded": lambda b, x, y: b.emit(ops.Reshape((24,)), x),
    "first axis cut": lambda b, x, y: b.emit(ops.Slice((0, 0, 0), (1, 3, 4), (1, 1, 1)), x),
    "first axis padded": lambda b, x, y: b.emit(ops.Pad((1, 0, 0), (0, 0, 0), (0, 0, 0), 0), x),
    "joined along the first axis": lambda b, x, y: b.emit(ops.Concat(0), x, y),
    "joined with a constant": lambda b, x, y: b.emit(ops.Concat(1), x, const(b, 2, 1, 4)),
    "constant with the same first axis": lambda b, x, y: b.emit(ops.Mul(0, 0, KEEP), x, const(b, 2, 1, 1)),
    "constant output": lambda b, x, y: b.emit(ops.Reshape((4,)), const(b, 2, 2)),
    "indices that differ by call": lambda b, x, y: b.emit(ops.Gather(1), x, y),
    "broadcast of the first axis": lambda b, x, y: b.emit(ops.Expand((1, 2, 3, 4)), x),
    "weights with the same first axis": lambda b, x, y: b.emit(ops.MatMul(0, 0, KEEP), x, const(b, 2, 4, 2)),
    "bias that differs by call": lambda b, x, y: b.emit(
        ops.MatMul(0, 0, KEEP),
        x,
        const(b, 4, 2),
        b.emit(ops.ReduceSum((1, 2), False, 0, 1, 1, Requantize.to(DType.I32)), y),
    ),
}


def calls_of(p: VerifiedProgram, count: int) -> list[list[np.ndarray[tuple[int, ...], np.dtype[np.integer]]]]:
    rng = np.random.default_rng(4)
    return [[rng.integers(0, 256, s.shape).astype(np.uint8) for s in p.inputs] for _ in range(count)]


@pytest.mark.parametrize("name", list(APART) + list(MIXED))
def test_calls_run_side_by_side_exactly_where_none_can_see_another(name: str) -> None:
    p = program((APART | MIXED)[name])
    fast = FastExecutor(p)
    assert fast.batches is (name in APART)
    calls = calls_of(p, 70)
    for call, found in zip(calls, fast.run_many(calls), strict=True):
        np.testing.assert_array_equal(found[0], run_reference(p, [x.astype(np.int64) for x in call])[0])
    assert fast.degraded is None


def test_scalars_and_flat_products_do_not_batch() -> None:
    b = ProgramBuilder()
    b.output(b.emit(ops.Rescale(0, 1, KEEP), b.input("x", U8, ())), "y")
    assert batched_values(verify(b.build())) == frozenset()
    flat = program(lambda b, x, y: b.emit(ops.MatMul(0, 0, KEEP), const(b, 5, 3), x), (3, 4))
    assert not FastExecutor(flat).batches


def test_numpy_steps_stand_between_sessions_and_batches_pass_through_both() -> None:
    def make(b: ProgramBuilder, x: int, y: int) -> int:
        total = b.emit(ops.Add(0, 0, 1, 1, KEEP), x, y)
        order = b.emit(ops.TopK(ops.Extreme.MAX, 2, 3), total)
        narrow = b.emit(ops.GatherElements(2), total, order)
        even = b.emit(ops.Bitwise(ops.BitOperation.AND), narrow, b.constant(np.array([254]), U8))
        return b.emit(ops.Reshape((2, 9)), b.emit(ops.Rescale(0, 2, KEEP), even))

    p = program(make)
    fast = FastExecutor(p)
    kinds = [type(step) for step in fast.steps]
    assert kinds == [SessionStep, NumpyStep, SessionStep, NumpyStep, SessionStep]
    calls = calls_of(p, 5)
    for call, found in zip(calls, fast.run_many(calls), strict=True):
        np.testing.assert_array_equal(found[0], fast.run(call)[0])


@pytest.mark.parametrize("groups", [1, 4])
def test_a_16_bit_convolution_runs_in_binary64_with_the_references_bits(groups: int) -> None:
    b = ProgramBuilder()
    x = b.input("x", DType.I16, (1, 4, 9, 8))
    w = b.constant(
        np.where(np.arange(8 * 4 // groups * 9).reshape(8, 4 // groups, 3, 3) % 3, 32_767, -32_768), DType.I16
    )
    bias = b.constant(np.arange(8) * 100_000, DType.I32)
    op = ops.Conv((2, 1), (1, 2), (1, 0, 1, 2), groups, -9, Requantize.to(DType.I16, tuple(range(15, 23)), 3))
    b.output(b.emit(op, x, w, bias), "y")
    p = verify(b.build())
    session, plain = FastExecutor(p), FastExecutor(p, disabled=("double_conv",))
    assert [type(step) for step in session.steps + plain.steps] == [SessionStep, NumpyStep]
    for value in (32_767, -32_768, 12_345):
        call = [np.full((1, 4, 9, 8), value, np.int16)]
        wanted = run_reference(p, [call[0].astype(np.int64)])[0]
        for executor in (session, plain):
            np.testing.assert_array_equal(executor.run(call)[0], wanted)
            np.testing.assert_array_equal(executor.run_many([call] * 3)[2][0], wanted)


def test_leaf_weights_are_cut_into_limbs_whose_sums_stay_exact() -> None:
    leaves = np.array([[(1 << 60) - 1, -(1 << 60)], [12_345, -1]])
    found = split_limbs(leaves, 10)
    assert found is not None
    width, limbs = found
    parts = limbs.reshape(2, -1, 2)
    assert ((parts << (width * np.arange(parts.shape[1]))[None, :, None]).sum(axis=1) == leaves).all()
    assert np.abs(limbs).max() * 10 < 1 << 24
    assert split_limbs(np.array([[1 << 60]]), 1 << 20) is None
    assert split_limbs(np.array([[5]]), 3) is not None


def test_functions_become_tables_only_within_the_programs_budget() -> None:
    b = ProgramBuilder()
    x = b.input("x", DType.I16, (1, 2))
    steps = [
        b.emit(ops.Function(ops.FunctionKind.TANH, i, 12, 15, Requantize.to(DType.I16)), x) for i in range(66)
    ]
    b.output(b.emit(ops.Concat(1), *steps), "y")
    p = verify(b.build())
    assert len(p.tables) == 64
    wide = program(lambda b, x, y: b.emit(_WIDE_SQRT, b.emit(ops.Mul(0, 0, Requantize.to(DType.I32)), x, y)))
    assert wide.tables == frozenset({1})
    assert not verify(_wide_function().program).tables


_WIDE_SQRT = ops.Function(ops.FunctionKind.SQRT, 0, 8, 8, Requantize.to(DType.I32))


def _wide_function() -> VerifiedProgram:
    b = ProgramBuilder()
    x = b.emit(ops.Rescale(0, 1, Requantize.to(DType.I32, 1)), b.input("x", DType.I32, (3,)))
    b.output(b.emit(_WIDE_SQRT, x), "y")
    return verify(b.build())


def test_a_program_of_countless_kernels_stays_in_numpy_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def chain(b: ProgramBuilder, x: int, y: int) -> int:
        for _ in range(20):
            x = b.emit(ops.Add(0, 0, 1, 1, Requantize.to(U8, 1)), x, y)
        return x

    monkeypatch.setattr("inference.executor.plan.MAX_KERNELS", 10)
    p = program(chain)
    limited = FastExecutor(p)
    assert 10 <= sum(isinstance(step, NumpyStep) for step in limited.steps) < 20
    call = calls_of(p, 1)[0]
    np.testing.assert_array_equal(
        limited.run(call)[0], run_reference(p, [x.astype(np.int64) for x in call])[0]
    )
