"""The structure rules, each broken once."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from inference.ir import (
    ArtifactFault,
    DType,
    InvalidArtifact,
    Quantization,
    Requantize,
    TensorSpec,
    TensorType,
    ops,
)
from inference.ir.builder import ProgramBuilder
from inference.ir.limits import Limits
from inference.ir.program import Constant, Node, Output, Program
from inference.verifier import verify

U8 = DType.U8


def one_op(op: ops.Op, shape: tuple[int, ...] = (1, 2, 6, 6), dtype: DType = U8) -> Program:
    """An input, the operation, an output; built by hand so that nothing is checked before."""
    spec = TensorSpec("x", TensorType(dtype, shape))
    return Program((spec,), (), (Node(op, (0,)),), (Output(1, "y"),))


def refusal(program: Program, limits: Limits | None = None) -> tuple[ArtifactFault, str]:
    with pytest.raises(InvalidArtifact) as caught:
        verify(program, limits)
    return caught.value.reason, caught.value.detail


COPY = ops.Reshape((72,))
POOL = ops.MaxPool((2, 2), (1, 1), (1, 1), (0, 0, 0, 0))


def test_a_plain_program_passes() -> None:
    found = verify(one_op(COPY))
    assert found.outputs[0].type == TensorType(U8, (72,))
    assert found.cost.op_counts == {"Reshape": 1}


@pytest.mark.parametrize(
    ("op", "fault"),
    [
        (replace(POOL, strides=(0, 1)), ArtifactFault.BAD_FIELD),
        (replace(POOL, kernel=(1 << 20, 1)), ArtifactFault.BAD_FIELD),
        (replace(POOL, pads=(-1, 0, 0, 0)), ArtifactFault.BAD_FIELD),
        (replace(POOL, pads=(2, 0, 0, 0)), ArtifactFault.BAD_TYPE),
        (replace(POOL, pads=(0, 0, 0, 2)), ArtifactFault.BAD_TYPE),
        (replace(POOL, dilations=(7, 1), pads=(1, 0, 1, 0)), ArtifactFault.BAD_TYPE),
        (replace(POOL, kernel=(7, 7)), ArtifactFault.BAD_TYPE),
        (ops.Rescale(0, 1, Requantize.to(U8, 63)), ArtifactFault.BAD_FIELD),
        (ops.Rescale(0, 1, Requantize(U8, (), 0, 0, 255)), ArtifactFault.BAD_FIELD),
        (ops.Rescale(0, 1, Requantize(U8, (1, 1), 0, 0, 255)), ArtifactFault.BAD_FIELD),
        (ops.Rescale(0, 1, Requantize(U8, (1,), 0, 0, 256)), ArtifactFault.BAD_FIELD),
        (ops.Rescale(0, 1, Requantize(U8, (1,), 0, 9, 8)), ArtifactFault.BAD_FIELD),
        (ops.Rescale(0, 1, Requantize(U8, (1,), 1 << 40, 0, 255)), ArtifactFault.BAD_FIELD),
        (ops.Rescale(0, 1 << 40, Requantize.to(U8)), ArtifactFault.BAD_FIELD),
        (ops.Function(ops.FunctionKind.EXP, 0, 31, 0, Requantize.to(U8)), ArtifactFault.BAD_FIELD),
        (ops.Function(ops.FunctionKind.EXP, 0, 3, 0, Requantize.to(U8, 1)), ArtifactFault.BAD_FIELD),
        (ops.ReduceSum((1,), True, 0, 1, 0, Requantize.to(U8)), ArtifactFault.BAD_FIELD),
        (ops.ReduceSum((1,), True, 0, 1, 1 << 32, Requantize.to(U8, 40)), ArtifactFault.OVERFLOW),
        (ops.Reshape((1,) * 8 + (72,)), ArtifactFault.LIMIT),
        (ops.Reshape((0,)), ArtifactFault.BAD_FIELD),
        (ops.Expand((1 << 12, 1 << 12, 1 << 12, 2, 6, 6)), ArtifactFault.LIMIT),
    ],
)
def test_an_attribute_out_of_range_is_refused(op: ops.Op, fault: ArtifactFault) -> None:
    reason, detail = refusal(one_op(op))
    assert reason is fault
    assert detail.startswith("node 0") or fault is ArtifactFault.LIMIT


def with_input(spec: TensorSpec) -> Callable[[Program], Program]:
    return lambda p: replace(p, inputs=(spec,))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda p: replace(p, opset=2), ArtifactFault.UNKNOWN_FORMAT),
        (lambda p: replace(p, outputs=()), ArtifactFault.LIMIT),
        (lambda p: replace(p, outputs=(Output(7, "y"),)), ArtifactFault.BAD_REFERENCE),
        (lambda p: replace(p, outputs=(Output(1, "y"), Output(0, "y"))), ArtifactFault.BAD_FIELD),
        (lambda p: replace(p, outputs=(Output(0, "y"),)), ArtifactFault.UNUSED_VALUE),
        (lambda p: replace(p, outputs=(Output(1, ""),)), ArtifactFault.BAD_FIELD),
        (lambda p: replace(p, outputs=(Output(1, "a\n"),)), ArtifactFault.BAD_FIELD),
        (lambda p: replace(p, outputs=(Output(1, "y" * 300),)), ArtifactFault.BAD_FIELD),
        (lambda p: replace(p, outputs=(Output(1, "y", Quantization(0, 1, 0)),)), ArtifactFault.BAD_FIELD),
        (lambda p: replace(p, outputs=(Output(1, "y", Quantization(1, 1, 256)),)), ArtifactFault.BAD_FIELD),
        (lambda p: replace(p, metadata=(("k", "v" * 70_000),)), ArtifactFault.LIMIT),
        (lambda p: replace(p, metadata=(("b", ""), ("a", ""))), ArtifactFault.NOT_CANONICAL),
        (with_input(TensorSpec("x", TensorType(U8, (0, 72)))), ArtifactFault.BAD_TYPE),
        (with_input(TensorSpec("x", TensorType(U8, (1 << 28,)))), ArtifactFault.LIMIT),
    ],
)
def test_a_broken_program_is_refused_with_its_reason(
    change: Callable[[Program], Program], fault: ArtifactFault
) -> None:
    assert refusal(change(one_op(COPY)))[0] is fault


def test_a_constant_of_the_wrong_size_and_an_unused_one_are_refused() -> None:
    program = one_op(ops.Reshape((72,)))
    short = Constant(TensorType(U8, (3,)), b"ab")
    moved = (Node(COPY, (0,)),)
    with_constant = replace(program, constants=(short,), nodes=moved, outputs=(Output(2, "y"),))
    assert refusal(with_constant)[0] is ArtifactFault.BAD_CONSTANT
    unused = replace(with_constant, constants=(Constant.of(np.array([1, 2, 3]), U8),))
    assert refusal(unused)[0] is ArtifactFault.UNUSED_VALUE


def test_a_table_must_be_a_constant_and_wide_products_are_not_taken() -> None:
    b = ProgramBuilder()
    b.output(b.emit(ops.Lookup(0), b.input("x", U8, (3,)), b.input("t", U8, (9,))), "y")
    assert refusal(b.build())[0] is ArtifactFault.BAD_CONSTANT
    b = ProgramBuilder()
    a = b.input("a", DType.I64, (2, 2))
    b.output(b.emit(ops.MatMul(0, 0, Requantize.to(U8)), a, a), "y")
    assert refusal(b.build())[0] is ArtifactFault.BAD_TYPE


def test_the_chains_limits_are_held() -> None:
    program = one_op(COPY)
    for limits in (Limits(operations=0), Limits(peak_memory=10), Limits(ref_time=10)):
        assert refusal(program, limits)[0] is ArtifactFault.LIMIT
