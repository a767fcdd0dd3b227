"""Building programs, their types, and how they print."""

import numpy as np
import pytest

from inference.ir import ArtifactFault, DType, InvalidArtifact, Requantize, TensorType, ops
from inference.ir.builder import ProgramBuilder
from inference.ir.program import Constant
from inference.ir.result_types import broadcast, result_type
from inference.ir.text import print_program

U8 = DType.U8


def test_a_dtype_knows_its_range_size_and_name() -> None:
    assert [(d.low, d.high, d.size, d.text, d.numpy.str) for d in (DType.U8, DType.I16, DType.I64)] == [
        (0, 255, 1, "u8", "|u1"),
        (-32768, 32767, 2, "i16", "<i2"),
        (-(1 << 63), (1 << 63) - 1, 8, "i64", "<i8"),
    ]


def test_a_constant_that_does_not_fit_its_dtype_is_refused() -> None:
    with pytest.raises(OverflowError, match="do not fit u8"):
        Constant.of(np.array([256]), DType.U8)
    assert Constant.of(np.array([[1, 2]]), DType.I16).array().tolist() == [[1, 2]]


def test_the_builder_shares_equal_constants_and_drops_what_no_output_needs() -> None:
    b = ProgramBuilder()
    x = b.input("x", U8, (1, 2))
    b.emit(ops.Reshape((2,)), x)
    one, again, b_unused = b.constant(1, U8), b.constant(1, U8), b.constant(9, U8)
    assert one == again != b_unused
    y = b.emit(ops.MinMax(ops.Extreme.MAX), x, one)
    b.output(y, "y")
    program = b.build({"b": "2", "a": "1"})
    assert b.type_of(y) == TensorType(U8, (1, 2))
    assert (len(program.constants), len(program.nodes), program.outputs[0].value) == (1, 1, 2)
    assert program.metadata == (("a", "1"), ("b", "2"))
    assert program.constant(0) is None
    assert program.constant(1) is program.constants[0]


def test_a_program_prints_each_value_with_its_type_and_every_attribute() -> None:
    b = ProgramBuilder()
    x = b.input("x", U8, (1, 9))
    w = b.constant(np.ones((9, 9)).astype(int), DType.I8)
    y = b.emit(ops.MatMul(3, 0, Requantize.to(U8, (4,) * 9)), x, w)
    b.output(b.emit(ops.ReduceExtreme(ops.Extreme.MIN, (1,), False), y), "least")
    program = b.build({"author": "test"})
    text = print_program(program)
    assert text.splitlines() == [
        "fixpoint program, op set 1",
        '%0: u8[1,9] = input "x" scale 1/1 zero 0',
        "%1: i8[9,9] = constant",
        "%2: u8[1,9] = MatMul(%0, %1) a_zero=3 b_zero=0 out=u8(shift=[4 * 9] zero=0 low=0 high=255)",
        "%3: u8[1] = ReduceExtreme(%2) kind=min axes=[1] keepdims=false",
        'output "least" %3 scale 1/1 zero 0',
        'metadata "author" "test"',
    ]
    assert "base85" in print_program(program, full=True)


def test_shapes_broadcast_as_in_numpy_or_not_at_all() -> None:
    assert broadcast((3, 1), (4,)) == (3, 4)
    with pytest.raises(InvalidArtifact) as caught:
        broadcast((3,), (4,))
    assert caught.value.reason is ArtifactFault.BAD_TYPE


def t(*shape: int, dtype: DType = U8) -> TensorType:
    return TensorType(dtype, shape)


OUT = Requantize.to(U8)
CONV = ops.Conv((1, 1), (1, 1), (0, 0, 0, 0), 1, 0, OUT)
I32 = DType.I32


@pytest.mark.parametrize(
    ("op", "operands"),
    [
        (CONV, [t(1, 2), t(1, 2)]),
        (CONV, [t(1, 2, 3, 3), t(4, 2, 3)]),
        (CONV, [t(1, 2, 3, 3), t(4, 3, 1, 1)]),
        (CONV, [t(1, 2, 3, 3), t(4, 2, 4, 4)]),
        (CONV, [t(1, 2, 3, 3), t(4, 2, 1, 1), t(4)]),
        (CONV, [t(1, 2, 3, 3), t(4, 2, 1, 1), t(5, dtype=I32)]),
        (CONV, [t(1, 2, 3), t(4, 2, 1)]),
        (
            ops.Conv((1, 1), (1, 1), (0, 0, 0, 0), 1, 0, Requantize.to(U8, (1, 2))),
            [t(1, 2, 3, 3), t(4, 2, 1, 1)],
        ),
        (ops.MatMul(0, 0, OUT), [t(2), t(2, 3)]),
        (ops.MatMul(0, 0, OUT), [t(1, 2), t(3, 2)]),
        (ops.MatMul(0, 0, OUT), [t(1, 2), t(2, 3), t(2, dtype=I32)]),
        (ops.MinMax(ops.Extreme.MIN), [t(2), t(2, dtype=I32)]),
        (ops.Where(), [t(2), t(2), t(2, dtype=I32)]),
        (ops.Lookup(0), [t(2), t(2, 2)]),
        (ops.ReduceExtreme(ops.Extreme.MIN, (), True), [t(2)]),
        (ops.ReduceExtreme(ops.Extreme.MIN, (1, 0), True), [t(2, 2)]),
        (ops.ReduceExtreme(ops.Extreme.MIN, (1,), True), [t(2)]),
        (ops.TopK(ops.Extreme.MIN, 0, 3), [t(2)]),
        (ops.Reshape((3,)), [t(2)]),
        (ops.Transpose((0, 0)), [t(2, 2)]),
        (ops.Concat(0), [t(2), t(2, 2)]),
        (ops.Slice((0,), (3,), (1,)), [t(2)]),
        (ops.Slice((1,), (3,), (-1,)), [t(2)]),
        (ops.Slice((0,), (1,), (0,)), [t(2)]),
        (ops.Slice((0, 0), (1, 1), (1, 1)), [t(2)]),
        (ops.Pad((0,), (0, 0), (0,), 0), [t(2)]),
        (ops.Pad((0,), (0,), (0,), 256), [t(2)]),
        (ops.Expand((3,)), [t(2)]),
        (ops.Gather(1), [t(2), t(2)]),
        (ops.GatherElements(0), [t(2, 2), t(2, 3)]),
        (ops.ScatterElements(0, ops.ScatterKind.SET), [t(2), t(2), t(3)]),
        (ops.Trees(OUT), [t(2), *[t(1, dtype=I32)] * 5, t(1, 1, dtype=I32)]),
        (ops.Trees(OUT), [t(1, 2), t(1), *[t(1, dtype=I32)] * 4, t(1, 1, dtype=I32)]),
        (ops.Trees(OUT), [t(1, 2), *[t(1, dtype=I32)] * 2, t(2, dtype=I32), *[t(1, dtype=I32)] * 2, t(1, 1)]),
        (ops.Trees(OUT), [t(1, 2), *[t(1, dtype=I32)] * 3, t(1), t(1, dtype=I32), t(1, 1)]),
    ],
)
def test_operands_that_an_operation_does_not_take_are_refused(op: ops.Op, operands: list[TensorType]) -> None:
    with pytest.raises(InvalidArtifact) as caught:
        result_type(op, operands)
    assert caught.value.reason is ArtifactFault.BAD_TYPE


def test_the_wrong_number_of_operands_is_named() -> None:
    with pytest.raises(InvalidArtifact, match="MinMax takes 2 to 2 operands, not 1"):
        result_type(ops.MinMax(ops.Extreme.MIN), [t(2)])


def test_an_operation_outside_the_set_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        result_type("Softmax", [t(2)])  # type: ignore[arg-type]
