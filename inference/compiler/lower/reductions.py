"""Sums, means, extremes and pools."""

from inference.compiler.formats import INTEGER, OPERAND_KIND, Format
from inference.compiler.graph import Node
from inference.compiler.lower.context import MULTIPLIER_BITS, NARROW_BITS, Lowering, Quantised, multiplier
from inference.ir import DType, ops

_SUM_BITS = 23
"""Bits that the length of a sum and the ratio after it may have together: 28 more are the values' own."""


def _axes(lowering: Lowering, node: Node) -> tuple[int, ...]:
    return tuple(int(axis) for axis in lowering.need(node, 1))


def _operand(lowering: Lowering, node: Node) -> tuple[Quantised, Format]:
    if not lowering.is_float(node.output):
        return lowering.get(node.inputs[0]), INTEGER
    kind = OPERAND_KIND[lowering.tier(node)]
    return lowering.as_kind(node.inputs[0], kind), lowering.target(node.output)


def total(lowering: Lowering, node: Node) -> None:
    """Sum or mean over axes; a mean is a sum with a divisor."""
    x, target = _operand(lowering, node)
    axes = _axes(lowering, node)
    count = 1
    for axis in axes:
        count *= lowering.shape(node.inputs[0])[axis]
    factor, shift = multiplier(x.format.scale / target.scale, _bits(lowering, node, x, target, count))
    keep = bool(node.attributes.get("keepdims", 1))
    divisor = count if node.op == "ReduceMean" else 1
    low, high = lowering.clamp(node, target)
    op = ops.ReduceSum(axes, keep, x.format.zero, factor, divisor, target.requantize(shift, low, high))
    lowering.set(node.output, lowering.emit(op, x.value), target)


def _bits(lowering: Lowering, node: Node, x: Quantised, target: Format, count: int) -> int:
    """Bits of the ratio that sums of `count` values are multiplied by."""
    if node.output in lowering.levels:
        return NARROW_BITS
    if x.format.dtype is not DType.I32:
        return MULTIPLIER_BITS[x.format.dtype]
    if target.dtype is not DType.U8:
        # Sums of 2^10 wide values times the ratio stay below 2^63.
        return NARROW_BITS
    # Bytes need no more than what keeps sums times the ratio below 2^52, exact in binary64.
    return min(max(_SUM_BITS - count.bit_length(), MULTIPLIER_BITS[DType.U8]), NARROW_BITS)


def extremes(lowering: Lowering, node: Node) -> None:
    """Greatest or least element over axes, in the format of the operand."""
    x = lowering.get(node.inputs[0])
    kind = ops.Extreme.MAX if node.op == "ReduceMax" else ops.Extreme.MIN
    keep = bool(node.attributes.get("keepdims", 1))
    value = lowering.emit(ops.ReduceExtreme(kind, _axes(lowering, node), keep), x.value)
    lowering.set(node.output, value, x.format)


def arg_extreme(lowering: Lowering, node: Node) -> None:
    """Index of the greatest or least element."""
    x = lowering.get(node.inputs[0])
    kind = ops.Extreme.MAX if node.op == "ArgMax" else ops.Extreme.MIN
    attributes = node.attributes
    op = ops.ArgExtreme(
        kind, attributes["axis"], bool(attributes["keepdims"]), bool(attributes["select_last_index"])
    )
    lowering.set(node.output, lowering.emit(op, x.value), INTEGER)


def top_k(lowering: Lowering, node: Node) -> None:
    """Indices of the best k, and their values."""
    x = lowering.get(node.inputs[0])
    axis = node.attributes["axis"]
    kind = ops.Extreme.MAX if node.attributes.get("largest", 1) else ops.Extreme.MIN
    indices = lowering.emit(ops.TopK(kind, axis, int(lowering.need(node, 1)[0])), x.value)
    lowering.set(node.outputs[0], lowering.emit(ops.GatherElements(axis), x.value, indices), x.format)
    if len(node.outputs) > 1:
        lowering.set(node.outputs[1], indices, INTEGER)


def max_pool(lowering: Lowering, node: Node) -> None:
    """Greatest element per window, in the format of the operand."""
    x = lowering.get(node.inputs[0])
    attributes = node.attributes
    kernel = attributes["kernel_shape"]
    dilations = attributes.get("dilations", (1,) * len(kernel))
    op = ops.MaxPool(kernel, attributes["strides"], dilations, attributes["pads"])
    lowering.set(node.output, lowering.emit(op, x.value), x.format)


def average_pool(lowering: Lowering, node: Node) -> None:
    """Mean per window; the divisor is the window's size or the number of real elements in it."""
    x, target = _operand(lowering, node)
    attributes = node.attributes
    kernel = attributes["kernel_shape"]
    size = 1
    for length in kernel:
        size *= length
    padded = any(attributes["pads"]) and not attributes.get("count_include_pad", 0)
    factor, shift = multiplier(x.format.scale / target.scale, _bits(lowering, node, x, target, size))
    low, high = lowering.clamp(node, target)
    op = ops.AveragePool(
        tuple(kernel),
        tuple(attributes["strides"]),
        (1,) * len(kernel),
        tuple(attributes["pads"]),
        x.format.zero,
        factor,
        0 if padded else size,
        target.requantize(shift, low, high),
    )
    lowering.set(node.output, lowering.emit(op, x.value), target)
