"""Layers of models that are quantised already: their own 8-bit weights, steps and levels, digit for digit.

Such a file stores weights as integers times a step per channel, and says on which levels a layer reads. Then
the accumulator of the file's own integer runtime is sum((x - zero) * w) + bias, and what it writes is that
times step(x) * step(w[c]) / step(y). Both are done here exactly so, with a factor of about 28 bits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from inference.compiler.formats import Format
from inference.compiler.graph import Array, Node
from inference.compiler.lower.context import Lowering, Quantised, multiplier
from inference.ir import DType, Requantize, ops

_MOST_STEPS = 256

_NEAR = 2e-3
"""Distance from a whole number of steps that float32 leaves to a weight of 127 steps, with much room."""

_TRIED_FIRST = 12
"""Weights of a channel that rule out nearly every step, before all of them are looked at."""

_PRODUCT_BITS = 52
"""log2 of the accumulator times the factor: below 2^53, so the product is exact in float64 kernels."""

_MAX_FACTOR_BITS = 30
_MAX_SHIFT = 62


@dataclass(frozen=True, slots=True)
class GivenWeights:
    """Integer weights [O, rest], their step per channel, and the bias in accumulator units.

    The weights fit a signed byte, or 16 bits if the file had unsigned bytes with a zero point far from 128.
    """

    values: Array
    steps: Array
    bias: Array
    greatest: int

    @property
    def dtype(self) -> DType:
        """The least dtype that holds the weights."""
        fits = DType.I8.low <= self.values.min() and self.values.max() <= DType.I8.high
        return DType.I8 if fits else DType.I16


def given_weights(weights: Array, bias: Array, x: Format) -> GivenWeights | None:
    """The integers behind real weights [O, rest], or None if some channel is on no grid of 8 bits.

    `x` holds the operand's levels. A model that was never quantised has no such grid, except by being it.
    """
    values = np.zeros(weights.shape, dtype=np.int64)
    steps = np.ones(len(weights))
    offsets = np.zeros(len(weights), dtype=np.int64)
    for channel, row in enumerate(weights):
        found = _grid(row, float(bias[channel]) / x.scale)
        if found is None:
            return None
        steps[channel] = found
        values[channel] = np.rint(row / found)
        offsets[channel] = round(float(bias[channel]) / (found * x.scale))
    span = max(x.high - x.zero, x.zero - x.low)
    greatest = int((np.abs(values).sum(axis=1) * span + np.abs(offsets)).max())
    return GivenWeights(values, steps, offsets, greatest) if greatest < 1 << 31 else None


def _grid(row: Array, bias: float) -> float | None:
    """The coarsest step of which all weights of a channel are multiples, and the bias too if one can be."""
    top = float(np.abs(row).max(initial=0))
    if top == 0:
        return abs(bias) / (1 << 20) if bias else 1.0
    fitting = np.arange(1, _MOST_STEPS + 1)
    for part in (row[:_TRIED_FIRST], row):
        steps = part * (fitting[:, None] / top)
        near = (np.abs(steps - np.rint(steps)) < _NEAR).all(axis=1)
        fitting = fitting[near & (np.rint(steps).max(axis=1) < _MOST_STEPS)]
    if not len(fitting):
        return None
    for count in fitting:
        units = bias * float(count) / top
        if abs(units - round(units)) < _NEAR * max(1.0, abs(units) * 1e-4):
            return top / float(count)
    return top / float(fitting[0])


def emit_given(
    lowering: Lowering,
    node: Node,
    made: GivenWeights,
    x: Format,
    layer: Callable[[Array, DType, list[int], Requantize], int],
    inner: int,
) -> None:
    """The layer into a 32-bit accumulator, then each channel times its factor.

    `layer` adds the product for weights [O, rest], bias operands and an epilogue; its result has
    `inner` dimensions after the channels.
    """
    target = lowering.target(node.output)
    ratios = made.steps * x.scale / target.scale
    bits = min(_PRODUCT_BITS - ceil(log2(made.greatest + 1)), _MAX_FACTOR_BITS)
    shift = min(bits - ceil(log2(float(ratios.max()))), _MAX_SHIFT)
    if shift < 0:
        target = Format(target.dtype, target.scale * 2.0**-shift, target.zero, target.low, target.high)
        ratios, shift = ratios * 2.0**shift, 0
    bias = [lowering.constant(made.bias, DType.I32)] if made.bias.any() else []
    accumulator = Requantize.to(DType.I32)
    total = layer(made.values, made.dtype, bias, accumulator)
    factors = np.rint(ratios * 2.0**shift).astype(np.int64).reshape(-1, *(1,) * inner)
    low, high = lowering.clamp(node, target)
    op = ops.Mul(0, 0, target.requantize(shift, low, high))
    lowering.set(node.output, lowering.emit(op, total, lowering.constant(factors, DType.I32)), target)


def emit_product(lowering: Lowering, node: Node, a: Quantised, b: Quantised) -> None:
    """Product of two computed values on levels of the file: exact sums, then one factor."""
    target = lowering.target(node.output)
    factor, shift = multiplier(a.format.scale * b.format.scale / target.scale, _MAX_FACTOR_BITS)
    op = ops.MatMul(a.format.zero, b.format.zero, Requantize.to(DType.I32))
    total = lowering.emit(op, a.value, b.value)
    low, high = lowering.clamp(node, target)
    rescale = ops.Rescale(0, factor, target.requantize(shift, low, high))
    lowering.set(node.output, lowering.emit(rescale, total), target)
