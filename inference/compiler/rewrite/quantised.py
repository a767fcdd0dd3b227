"""Operators of models that are quantised already: on levels of the file, so that lowering can take them as
they are.

A quantised value is kept twice: as integers, and as the real value saturated to what the integers can hold. A
later DequantizeLinear takes the real value, and `levels` tells lowering on which steps it lies.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from inference.compiler.graph import Array, Node
from inference.compiler.rewrite import dense
from inference.compiler.rewrite.rewriter import FLOAT, Rewriter


def quantize(r: Rewriter, node: Node) -> str:
    """QuantizeLinear to integers: round(x / scale) + zero, saturated and cast."""
    x = node.inputs[0]
    dtype = r.types[node.output].dtype
    scale, zero = _quantisation(r, node)
    return quantised(r, x, scale, zero, dtype)


def quantised(r: Rewriter, x: str, scale: Array, zero: Array, dtype: np.dtype[Any]) -> str:
    """Real x as integers of a dtype, scale and zero broadcasting over it."""
    limits = np.iinfo(dtype)
    low = r.value((limits.min - zero) * scale)
    high = r.value((limits.max - zero) * scale)
    above = r.emit("Max", (x, low), r.types[x].dtype, r.shape(x), _given=1)
    held = r.emit("Min", (above, high), r.types[x].dtype, r.shape(x), _given=1)
    steps = r.unary("Round", r.binary("Div", held, r.value(scale)))
    result = r.cast(r.binary("Add", steps, r.value(zero)), dtype)
    if scale.ndim == 0 and dtype.itemsize == 1:
        r.quantised[result] = (held, float(scale), float(zero))
        r.levels[held] = (float(scale), int(zero) - limits.min)
    return result


def dequantize(r: Rewriter, node: Node) -> str:
    """DequantizeLinear; straight after its QuantizeLinear only the saturation remains."""
    name = node.inputs[0]
    scale, zero = _quantisation(r, node)
    return dequantised(r, name, scale, zero)


def dequantised(r: Rewriter, name: str, scale: Array, zero: Array) -> str:
    """Integers as real numbers."""
    made = r.quantised.get(name)
    if made is not None and scale.ndim == 0 and made[1:] == (float(scale), float(zero)):
        return made[0]
    real = r.binary("Mul", r.binary("Sub", r.cast(name, FLOAT), r.value(zero)), r.value(scale))
    dtype = r.types[name].dtype
    if scale.ndim == zero.ndim == 0 and dtype.itemsize == 1:
        r.levels[real] = (float(scale), int(zero) - int(np.iinfo(dtype).min))
    return real


def _quantisation(r: Rewriter, node: Node) -> tuple[Array, Array]:
    scale = r.need(node, 1, "the scale").astype(np.float64)
    zero = r.need(node, 2, "the zero point").astype(np.float64) if node.input(2) else np.zeros(scale.shape)
    axis = node.attributes.get("axis", 1) % max(r.rank(node.inputs[0]), 1)
    if node.attributes.get("block_size", 0) and scale.ndim:
        size, length = node.attributes["block_size"], r.shape(node.inputs[0])[axis]
        scale, zero = (np.repeat(part, size, axis).take(range(length), axis) for part in (scale, zero))
        return scale, zero
    if scale.ndim == 1 and scale.size > 1:
        spread = [-1 if at == axis else 1 for at in range(r.rank(node.inputs[0]))]
        return scale.reshape(spread), zero.reshape(spread)
    return scale.reshape(()), zero.reshape(())


def qlinear_conv(r: Rewriter, node: Node) -> str:
    """QLinearConv: x, w and y with steps and zeros, those of w per channel; the bias in steps of both."""
    x_scale, x_zero, w_scale, w_zero, y_scale, y_zero = (_parameter(r, node, at) for at in (1, 2, 4, 5, 6, 7))
    weight = r.need(node, 3, "the weight")
    spread = (-1, *(1,) * (weight.ndim - 1))
    real = (weight - w_zero.reshape(spread)) * w_scale.reshape(spread)
    operands = [dequantised(r, node.inputs[0], _one(x_scale), _one(x_zero)), r.value(real)]
    if node.input(8):
        operands.append(r.value(r.need(node, 8, "the bias") * x_scale.ravel()[0] * w_scale.ravel()))
    result = dense.conv(r, replace(node, inputs=tuple(operands)))
    return quantised(r, result, _one(y_scale), _one(y_zero), r.types[node.output].dtype)


def qlinear_matmul(r: Rewriter, node: Node) -> str:
    """QLinearMatMul: a, b and the result, each followed or preceded by its step and zero."""
    parts = []
    for start in (0, 3):
        scale, zero = (
            _rows(_parameter(r, node, start + at), r.rank(node.inputs[start]), start) for at in (1, 2)
        )
        parts.append(dequantised(r, node.inputs[start], scale, zero))
    result = dense.matmul(r, replace(node, inputs=tuple(parts)))
    rank = r.rank(result)
    scale, zero = (_rows(_parameter(r, node, at), rank, 0) for at in (6, 7))
    return quantised(r, result, scale, zero, r.types[node.output].dtype)


def _parameter(r: Rewriter, node: Node, index: int) -> Array:
    return r.need(node, index, "a step or zero point").astype(np.float64)


def _one(value: Array) -> Array:
    return value.reshape(()) if value.size == 1 else value


def _rows(value: Array, rank: int, start: int) -> Array:
    """One number per row of the left operand and the result, or per column of the right one."""
    if value.size == 1:
        return value.reshape(())
    if value.ndim > 1:
        return value
    return value.reshape((-1, 1) if start == 0 else (1, -1)) if rank > 1 else value
