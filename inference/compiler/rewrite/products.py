"""ConvInteger, MatMulInteger and DynamicQuantizeLinear: models that quantise while they run."""

from dataclasses import replace

import numpy as np

from inference.compiler.graph import Array, Node
from inference.compiler.rewrite import dense
from inference.compiler.rewrite.quantised import dequantised
from inference.compiler.rewrite.rewriter import Rewriter

_ONE = np.ones(())


def conv_integer(r: Rewriter, node: Node) -> str:
    """ConvInteger: 8-bit operands less their zero points, 32-bit sums."""
    weight = r.need(node, 1, "the weight").astype(np.float64)
    zero = _zero(r, node, 3)
    centred = weight - zero.reshape(-1, *(1,) * (weight.ndim - 1))
    operands = (dequantised(r, node.inputs[0], _ONE, _zero(r, node, 2).reshape(())), r.value(centred))
    return r.cast(dense.conv(r, replace(node, inputs=operands)), r.types[node.output].dtype)


def matmul_integer(r: Rewriter, node: Node) -> str:
    """MatMulInteger: 8-bit operands less their zero points (per row of the left, per column of the right)."""
    parts: list[str] = []
    for side, spread in ((0, (-1, 1)), (1, (1, -1))):
        zero = _zero(r, node, side + 2)
        name = node.inputs[side]
        known = r.known(name)
        shift = zero.reshape(()) if zero.size == 1 else zero.reshape(spread) if zero.ndim == 1 else zero
        if known is not None:
            parts.append(r.value(known.astype(np.float64) - shift))
        else:
            parts.append(dequantised(r, name, _ONE, shift))
    return r.cast(dense.matmul(r, replace(node, inputs=tuple(parts))), r.types[node.output].dtype)


def _zero(r: Rewriter, node: Node, index: int) -> Array:
    if not node.input(index):
        return np.zeros(())
    return r.need(node, index, "a zero point").astype(np.float64)


def dynamic_quantize(r: Rewriter, node: Node) -> tuple[str, str, str]:
    """DynamicQuantizeLinear: step and zero point from the extremes of the value itself."""
    x = node.inputs[0]
    r.wide = True
    axes, nothing = range(r.rank(x)), r.value(0.0)
    low = r.binary("Min", r.reduce("ReduceMin", x, axes, keepdims=False), nothing)
    high = r.binary("Max", r.reduce("ReduceMax", x, axes, keepdims=False), nothing)
    extent = r.binary("Sub", high, low)
    # As a quotient of levels by the extent, neither loses the bits that a step of 1/255 of it would.
    flat = r.compare("Equal", extent, nothing)
    extent = r.where(flat, r.value(1.0), extent)
    levels = r.value(255.0)
    offset = r.unary("Round", r.binary("Div", r.binary("Mul", r.unary("Neg", low), levels), extent))
    zero = r.binary("Min", r.binary("Max", offset, nothing), levels)
    steps = r.unary("Round", r.binary("Div", r.binary("Mul", x, levels), extent))
    held = r.binary("Min", r.binary("Max", r.binary("Add", steps, zero), nothing), levels)
    byte = np.dtype(np.uint8)
    return r.cast(held, byte), r.scaled(extent, 1 / 255), r.cast(zero, byte)
