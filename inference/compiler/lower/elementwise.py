"""Arithmetic, comparisons and choices on quantised values."""

import numpy as np

from inference.compiler.calibrate import MASKED
from inference.compiler.formats import BOOLEAN, INTEGER, OPERAND_KIND, Format, Kind
from inference.compiler.graph import Node
from inference.compiler.lower.context import MULTIPLIER_BITS, Lowering, Quantised, multiplier, ratio_bits
from inference.ir import DType, ops

_MAX_DIVIDEND_SHIFT = 33
"""A dividend below 2^28 shifted this far still fits 62 bits."""


def _operands(lowering: Lowering, node: Node) -> tuple[Quantised, Quantised]:
    kind = OPERAND_KIND[lowering.tier(node)]
    if not lowering.is_float(node.inputs[0]):
        return lowering.get(node.inputs[0]), lowering.get(node.inputs[1])
    for side in (0, 1):
        known = lowering.graph.constant(node.inputs[side])
        if known is not None and bool((known <= MASKED).any()) and node.op in ("Add", "Sub"):
            # A mask saturates in the format of what it masks: far below everything else there.
            other = lowering.as_kind(node.inputs[1 - side], Kind.I32)
            mask = lowering.as_format(node.inputs[side], other.format)
            return (mask, other) if side == 0 else (other, mask)
    if any(name in lowering.seen and lowering.seen[name].masked for name in node.inputs[:2]):
        kind = Kind.I32
    a, b = (lowering.as_kind(name, kind) for name in node.inputs[:2])
    return a, b


def _target(lowering: Lowering, node: Node) -> Format:
    return lowering.target(node.output) if lowering.is_float(node.output) else INTEGER


def add(lowering: Lowering, node: Node) -> None:
    """a + b or a - b, each operand brought to one step by its own multiplier."""
    a, b = _operands(lowering, node)
    target = _target(lowering, node)
    sign = -1 if node.op == "Sub" else 1
    dtype = max((a.format.dtype, b.format.dtype), key=lambda kind: kind.size)
    if dtype is DType.U8:
        # Levels that the file gives are met exactly; others only as exactly as the fastest kernels can.
        bits = MULTIPLIER_BITS[DType.I16 if node.output in lowering.levels else DType.U8]
        shift = bits
        larger = max(a.format.scale, b.format.scale) / target.scale
        while larger * 2.0**shift >= 2 << bits and shift > 0:
            shift -= 1
    else:
        finest = max(a.format.bits, b.format.bits)
        coarsest = min(a.format.bits, b.format.bits)
        # An operand finer than this loses only bits far below the step of the result.
        common = min(finest, max(target.bits if target.bits else coarsest, coarsest) + 8)
        a, b = not_finer(lowering, a, common), not_finer(lowering, b, common)
        if target.dtype is DType.U8:
            larger = max(a.format.scale, b.format.scale) / target.scale
            shift = min(max(ratio_bits(dtype, DType.U8) - int(np.ceil(np.log2(larger))), 0), 62)
        else:
            shift = max(max(a.format.bits, b.format.bits) - target.bits, 0)
    scales = [each.format.scale / target.scale * 2.0**shift for each in (a, b)]
    low, high = lowering.clamp(node, target)
    op = ops.Add(
        a.format.zero,
        b.format.zero,
        round(scales[0]),
        sign * round(scales[1]),
        target.requantize(shift, low, high),
    )
    lowering.set(node.output, lowering.emit(op, a.value, b.value), target)


def not_finer(lowering: Lowering, x: Quantised, bits: int) -> Quantised:
    """x with at most so many fractional bits."""
    if x.format.bits <= bits:
        return x
    return lowering.change(x, Format(DType.I32, 2.0**-bits, 0, -(1 << 28), 1 << 28))


def mul(lowering: Lowering, node: Node) -> None:
    """a * b; the result's step is the product of the steps times a power of two."""
    a, b = _operands(lowering, node)
    target = _target(lowering, node)
    product = a.format.scale * b.format.scale
    given = lowering.levels.get(node.output)
    if given is not None:
        # The file's own levels cannot move: a wide product first, then its rescale.
        target = lowering.wide(node.output)
    if target.dtype is DType.U8:
        shift = max(int(np.ceil(np.log2(target.scale / product) - 1e-9)), 0)
        scale = product * 2.0**shift
        zero = min(max(round(target.zero * target.scale / scale), 0), 255)
        target = Format(DType.U8, scale, zero, 0, 255)
    else:
        total = -round(np.log2(product)) if a.format.dtype is not DType.U8 else None
        if total is None:
            value = _mul_bytes(lowering, a, b, product)
            lowering.set(node.output, *_narrowed(lowering, node, value, target))
            return
        if total < target.bits:
            target = Format(target.dtype, 2.0**-total, 0, target.low, target.high)
        shift = total - target.bits
    low, high = lowering.clamp(node, target)
    op = ops.Mul(a.format.zero, b.format.zero, target.requantize(min(shift, 62), low, high))
    made = Quantised(lowering.emit(op, a.value, b.value), target)
    if given is not None:
        made = lowering.change(made, given)
    lowering.set(node.output, made.value, made.format)


def _mul_bytes(lowering: Lowering, a: Quantised, b: Quantised, product: float) -> Quantised:
    form = Format(DType.I32, product, 0, DType.I32.low, DType.I32.high)
    op = ops.Mul(a.format.zero, b.format.zero, form.requantize())
    return Quantised(lowering.emit(op, a.value, b.value), form)


def _narrowed(lowering: Lowering, node: Node, have: Quantised, target: Format) -> tuple[int, Format]:
    low, high = lowering.clamp(node, target)
    factor, shift = multiplier(have.format.scale / target.scale, ratio_bits(have.format.dtype, target.dtype))
    op = ops.Rescale(have.format.zero, factor, target.requantize(shift, low, high))
    return lowering.emit(op, have.value), target


def div(lowering: Lowering, node: Node) -> None:
    """a / b; integers divide towards zero, as ONNX says."""
    if not lowering.is_float(node.output):
        a, b = lowering.get(node.inputs[0]), lowering.get(node.inputs[1])
        op = ops.Div(0, 0, 0, ops.Rounding.TRUNCATE, INTEGER.requantize())
        lowering.set(node.output, lowering.emit(op, a.value, b.value), INTEGER)
        return
    a, b = (lowering.as_kind(name, Kind.I32) for name in node.inputs[:2])
    target = lowering.target(node.output, Kind.I32)
    bits = min(target.bits, _MAX_DIVIDEND_SHIFT + a.format.bits - b.format.bits)
    shift = bits + b.format.bits - a.format.bits
    if shift < 0:
        a = lowering.change(a, Format(DType.I32, 2.0 ** -(a.format.bits + shift), 0, -(1 << 28), 1 << 28))
        shift = 0
    form = Format(target.dtype, 2.0**-bits, 0, target.low, target.high)
    op = ops.Div(0, 0, shift, ops.Rounding.HALF_EVEN, form.requantize())
    lowering.set(node.output, lowering.emit(op, a.value, b.value), form)


def extreme(lowering: Lowering, node: Node) -> None:
    """Greater or smaller of two values in one common format."""
    form = _target(lowering, node)
    a, b = (lowering.as_format(name, form) for name in node.inputs[:2])
    kind = ops.Extreme.MAX if node.op == "Max" else ops.Extreme.MIN
    lowering.set(node.output, lowering.emit(ops.MinMax(kind), a.value, b.value), form)


def where(lowering: Lowering, node: Node) -> None:
    """A choice between two values in one common format."""
    condition = lowering.get(node.inputs[0])
    form = _target(lowering, node)
    if lowering.graph.types[node.output].dtype == np.bool_:
        form = BOOLEAN
    a, b = (lowering.as_format(name, form) for name in node.inputs[1:3])
    lowering.set(node.output, lowering.emit(ops.Where(), condition.value, a.value, b.value), form)


_COMPARISONS = {
    "Equal": (ops.Comparison.EQUAL, False),
    "Less": (ops.Comparison.LESS, False),
    "LessOrEqual": (ops.Comparison.LESS_OR_EQUAL, False),
    "Greater": (ops.Comparison.LESS, True),
    "GreaterOrEqual": (ops.Comparison.LESS_OR_EQUAL, True),
}


def compare(lowering: Lowering, node: Node) -> None:
    """A comparison, of values on one grid."""
    kind, swapped = _COMPARISONS[node.op]
    names = (node.inputs[1], node.inputs[0]) if swapped else node.inputs[:2]
    if not lowering.is_float(names[0]):
        a, b = (lowering.get(name).value for name in names)
    else:
        a, b = _compared(lowering, names[0], names[1])
    lowering.set(node.output, lowering.emit(ops.Compare(kind), a, b), BOOLEAN)


def _compared(lowering: Lowering, left: str, right: str) -> tuple[int, int]:
    constants = [lowering.graph.constant(name) for name in (left, right)]
    if constants[0] is None and constants[1] is None:
        a, b = lowering.as_kind(left, Kind.I32), lowering.as_kind(right, Kind.I32)
        bits = min(a.format.bits, b.format.bits)
        return not_finer(lowering, a, bits).value, not_finer(lowering, b, bits).value
    side = 1 if constants[0] is None else 0
    x = lowering.as_kind(left if side else right, Kind.I32)
    bound = constants[side]
    assert bound is not None
    # Rounded as the value itself is: equal reals stay equal, and order can only be lost within one step.
    steps = np.rint(bound.astype(np.float64) / x.format.scale)
    held = np.clip(steps, DType.I32.low, DType.I32.high).astype(np.int64)
    # A mask equals minus infinity where it saturates.
    held = np.where(bound <= MASKED, x.format.low, held)
    other = lowering.constant(held, DType.I32)
    return (x.value, other) if side else (other, x.value)


def logic(lowering: Lowering, node: Node) -> None:
    """And, Or, Xor, Not of truth values."""
    a = lowering.as_format(node.inputs[0], BOOLEAN)
    if node.op == "Not":
        flip = ops.Rescale(0, -1, ops.Requantize.to(DType.U8, 0, 1, 0, 1))
        lowering.set(node.output, lowering.emit(flip, a.value), BOOLEAN)
        return
    b = lowering.as_format(node.inputs[1], BOOLEAN)
    kind = {"And": ops.BitOperation.AND, "Or": ops.BitOperation.OR, "Xor": ops.BitOperation.XOR}[node.op]
    lowering.set(node.output, lowering.emit(ops.Bitwise(kind), a.value, b.value), BOOLEAN)


def cast(lowering: Lowering, node: Node) -> None:
    """Integers to reals keep their integers; reals to integers lose the fraction, towards zero."""
    x = lowering.get(node.inputs[0])
    was_float, is_float = lowering.is_float(node.inputs[0]), lowering.is_float(node.output)
    if not was_float and is_float:
        lowering.set(node.output, x.value, Format(x.format.dtype, 1.0, 0, x.format.low, x.format.high))
        return
    if not was_float:
        wide = x if x.format.dtype is DType.I32 else lowering.change(x, INTEGER)
        lowering.set(node.output, wide.value, INTEGER)
        return
    x = lowering.as_kind(node.inputs[0], Kind.I32)
    limits = np.iinfo(lowering.graph.types[node.output].dtype)
    out = ops.Requantize.to(DType.I32, 0, 0, max(limits.min, DType.I32.low), min(limits.max, DType.I32.high))
    one = lowering.constant(np.asarray(1 << x.format.bits), DType.I64)
    value = lowering.emit(ops.Div(0, 0, 0, ops.Rounding.TRUNCATE, out), x.value, one)
    lowering.set(node.output, value, INTEGER)
