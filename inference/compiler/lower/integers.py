"""Operations on integers: bits, shifts by tables of powers of two, remainders."""

import numpy as np

from inference.compiler.formats import INTEGER, Kind
from inference.compiler.graph import Node
from inference.compiler.lower.context import Lowering, Quantised
from inference.compiler.lower.elementwise import not_finer
from inference.ir import DType, ops

_BITWISE = {
    "BitwiseAnd": ops.BitOperation.AND,
    "BitwiseOr": ops.BitOperation.OR,
    "BitwiseXor": ops.BitOperation.XOR,
}

_WIDEST = 32
"""Bits of the integers that programs hold; 64-bit ones are held in as many and saturate."""

_PRODUCT = 1 << 40
"""Bound on quotient times divisor in a remainder: next to a dividend of at most 2^31."""


def bitwise(lowering: Lowering, node: Node) -> None:
    """And, or, exclusive or of two's complement integers of any width."""
    a, b = (lowering.as_format(name, INTEGER).value for name in node.inputs[:2])
    value = lowering.emit(ops.Bitwise(_BITWISE[node.op]), a, b)
    lowering.set(node.output, value, INTEGER)


def shift(lowering: Lowering, node: Node) -> None:
    """x shifted by a computed count; a count outside the width gives 0, or -1 for a negative x to the right.

    To the left the result wraps around in the width of the element type.
    """
    dtype = lowering.graph.types[node.output].dtype
    width = min(dtype.itemsize * 8, _WIDEST)
    x, count = (lowering.as_format(name, INTEGER).value for name in node.inputs[:2])
    # Counts -1 (and below) to width (and above) as places of a table.
    if node.attributes["direction"] == "RIGHT":
        far = 1 << (width + 1)
        table = lowering.constant(np.asarray([far, *(1 << k for k in range(width)), far]), DType.I64)
        power = lowering.emit(ops.Lookup(-1), count, table)
        out = INTEGER.requantize()
        value = lowering.emit(ops.Div(0, 0, 0, ops.Rounding.FLOOR, out), x, power)
    else:
        table = lowering.constant(np.asarray([0, *(1 << k for k in range(width)), 0]), DType.I64)
        power = lowering.emit(ops.Lookup(-1), count, table)
        wide = ops.Requantize.to(DType.I64)
        product = lowering.emit(ops.Mul(0, 0, wide), x, power)
        value = _wrapped(lowering, product, width, dtype.kind == "i")
    lowering.set(node.output, value, INTEGER)


def _wrapped(lowering: Lowering, value: int, width: int, signed: bool) -> int:
    """The lowest `width` bits of a 64-bit value, read as signed or not."""
    mask = lowering.constant(np.asarray((1 << width) - 1), DType.I64)
    held = lowering.emit(ops.Bitwise(ops.BitOperation.AND), value, mask)
    if signed:
        # Flipping the sign bit and taking it off again carries it into all higher bits.
        top = lowering.constant(np.asarray(1 << (width - 1)), DType.I64)
        held = lowering.emit(ops.Bitwise(ops.BitOperation.XOR), held, top)
        held = lowering.emit(ops.Rescale(1 << (width - 1), 1, ops.Requantize.to(DType.I64)), held)
    return lowering.emit(ops.Rescale(0, 1, INTEGER.requantize()), held)


def modulo(lowering: Lowering, node: Node) -> None:
    """a - q b with q = a / b rounded down, or to zero for fmod; reals are brought to one step first."""
    form = INTEGER
    if lowering.is_float(node.output):
        left, right = (lowering.as_kind(name, Kind.I32) for name in node.inputs[:2])
        bits = min(left.format.bits, right.format.bits)
        left, right = not_finer(lowering, left, bits), not_finer(lowering, right, bits)
        form = left.format
    else:
        left, right = (lowering.get(name) for name in node.inputs[:2])
    rounding = ops.Rounding.TRUNCATE if node.attributes.get("fmod", 0) else ops.Rounding.FLOOR
    quotient = lowering.emit(ops.Div(0, 0, 0, rounding, INTEGER.requantize()), left.value, right.value)
    bounded = ops.Requantize.to(DType.I64, 0, 0, -_PRODUCT, _PRODUCT)
    product = lowering.emit(ops.Mul(0, 0, bounded), quotient, right.value)
    rest = lowering.emit(ops.Add(0, 0, 1, -1, form.requantize()), left.value, product)
    made = Quantised(rest, form)
    lowering.set(node.output, made.value, made.format)
