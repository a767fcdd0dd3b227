"""Matrix products and convolutions: weights per output channel in powers of two, bias correction, three
tiers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log2

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.formats import MAX_BITS, Format, Kind, Tier
from inference.compiler.graph import Array, Node
from inference.compiler.lower.context import Lowering, Quantised
from inference.compiler.lower.given import GivenWeights, emit_given, emit_product, given_weights
from inference.ir import DType, Requantize, ops

_EXACT_FLOAT32 = 1 << 24
"""Accumulators below this are exact in every int8 kernel, saturating and float ones too."""

_EXACT_FLOAT64 = 1 << 53

_WEIGHT = {Tier.INT8: (DType.I8, 63), Tier.INT16: (DType.I16, 32767), Tier.WIDE: (DType.I32, (1 << 20) - 1)}
"""Weight dtype and greatest weight of each tier; 63 keeps byte kernels exact on CPUs whose pair sums
saturate.
"""

_MAX_SHIFT = 62


@dataclass(frozen=True, slots=True)
class Weights:
    """Quantised weights [O, rest]; per channel their bias in accumulator units and shift to the output."""

    values: Array
    bias: Array
    shifts: tuple[int, ...]
    out: Format


def quantise_weights(
    weights: Array, bias: Array, mean: Array | None, x: Format, target: Format, tier: Tier, span: int
) -> Weights | None:
    """Weights [O, rest] for an operand format and an output format; None when the output's step is too fine.

    Channel c has scale (target.scale / x.scale) * 2^-shift[c], so one shift turns its accumulator into the
    output. `mean` [rest] is the mean operand: what rounding the weights adds to the mean result is taken off
    the bias. `span` is the largest |q - zero| of the operand.
    """
    _, greatest = _WEIGHT[tier]
    ratio = target.scale / x.scale
    limit = _EXACT_FLOAT32 if tier is Tier.INT8 else _EXACT_FLOAT64
    size = np.abs(weights).max(axis=1)
    shifts = np.empty(len(weights), dtype=np.int64)
    quantised = np.empty(weights.shape, dtype=np.int64)
    offsets = np.empty(len(weights), dtype=np.int64)
    for channel, row in enumerate(weights):
        top = max(float(size[channel]), 1e-30)
        shift = floor(log2(ratio * (greatest + 0.49) / top))
        if shift < 0:
            return None
        shift = min(shift, _MAX_SHIFT)
        while True:
            scale = ratio * 2.0**-shift
            steps = np.rint(row / scale)
            lost = float((row - steps * scale) @ mean) if mean is not None else 0.0
            offset = round((float(bias[channel]) + lost) / (scale * x.scale))
            fits = float(np.abs(steps).sum()) * span + abs(offset) < limit
            if fits or shift == 0:
                break
            shift -= 1
        if abs(offset) >= 1 << 62:
            return None
        shifts[channel], quantised[channel], offsets[channel] = shift, steps, offset
    return Weights(quantised, offsets, tuple(shifts.tolist()), target)


def coarser(target: Format, factor: int) -> Format:
    """The output format with a step 2^factor times as large, as plain 32-bit integers."""
    bits = min(floor(-log2(target.scale)) - factor, MAX_BITS)
    bound = (1 << 28) - 1
    return Format(DType.I32, 2.0**-bits, 0, -bound, bound)


def prepared(
    lowering: Lowering, node: Node, weights: Array, mean: Array | None, x: Format, tier: Tier
) -> Weights:
    """Weights for the node's demanded output; falls back to a wide output with a coarser step if need be."""
    bias = _real_bias(lowering, node, len(weights))
    span = max(x.high - x.zero, x.zero - x.low)
    target = lowering.target(node.output)
    if target.dtype is DType.I32:
        # No finer than the accumulator: the least channel step decides, so no bit is made up.
        _, greatest = _WEIGHT[tier]
        step = float(np.abs(weights).max()) * x.scale / greatest
        bits = min(target.bits, floor(-log2(max(step, 2.0**-MAX_BITS))))
        target = Format(target.dtype, 2.0**-bits, 0, target.low, target.high)
    made = quantise_weights(weights, bias, mean, x, target, tier, span)
    factor = 0
    while made is None:
        made = quantise_weights(weights, bias, mean, x, coarser(target, factor), tier, span)
        factor += 1
    return made


def _real_bias(lowering: Lowering, node: Node, channels: int) -> Array:
    """The bias of every channel, zero without one."""
    known = lowering.need(node, 2).astype(np.float64).ravel() if node.input(2) else np.zeros(1)
    bias: Array = np.broadcast_to(known, (channels,))
    return bias


def _given(lowering: Lowering, node: Node, weights: Array, x: Quantised) -> GivenWeights | None:
    """Weights [O, rest] as the file's own integers, if the layer reads levels of the file."""
    if node.inputs[0] not in lowering.levels or x.format != lowering.levels[node.inputs[0]]:
        return None
    return given_weights(weights, _real_bias(lowering, node, len(weights)), x.format)


def operand_kind(tier: Tier) -> Kind:
    """Format kind that a layer of a tier reads."""
    return {Tier.INT8: Kind.U8, Tier.INT16: Kind.I16, Tier.WIDE: Kind.PRODUCT}[tier]


def matmul(lowering: Lowering, node: Node) -> None:
    """Matrix products with constant or computed right operand."""
    tier = lowering.tier(node)
    weight = lowering.graph.constant(node.inputs[1])
    if weight is None or weight.ndim != 2:
        _computed_matmul(lowering, node, tier)
        return
    x = lowering.operand(node.inputs[0], operand_kind(tier))
    given = _given(lowering, node, weight.T.astype(np.float64), x)
    if given is not None:

        def product(values: Array, dtype: DType, bias: list[int], out: Requantize) -> int:
            op = ops.MatMul(x.format.zero, 0, out)
            return lowering.emit(op, x.value, lowering.constant(values.T, dtype), *bias)

        emit_given(lowering, node, given, x.format, product, 0)
        return
    mean = None
    if node.inputs[0] in lowering.seen:
        full = lowering.seen[node.inputs[0]].mean
        mean = full.reshape(-1, full.shape[-1]).mean(axis=0)
    made = prepared(lowering, node, weight.T.astype(np.float64), mean, x.format, tier)
    dtype, _ = _WEIGHT[tier]
    operands = [x.value, lowering.constant(made.values.T, dtype)]
    operands += _bias(lowering, made)
    low, high = lowering.clamp(node, made.out)
    op = ops.MatMul(x.format.zero, 0, made.out.requantize(_shifts(made), low, high))
    _finish(lowering, node, lowering.emit(op, *operands), made.out)


def _bias(lowering: Lowering, made: Weights) -> list[int]:
    if not made.bias.any():
        return []
    small = bool(np.abs(made.bias).max() < 1 << 31)
    return [lowering.constant(made.bias, DType.I32 if small else DType.I64)]


def _shifts(made: Weights) -> tuple[int, ...]:
    return made.shifts if len(set(made.shifts)) > 1 else made.shifts[:1]


def _finish(lowering: Lowering, node: Node, value: int, form: Format) -> None:
    """Records the result, narrowed if it had to be made wider than its readers want."""
    wanted = lowering.target(node.output)
    made = Quantised(value, form)
    if wanted.dtype is not form.dtype:
        made = lowering.change(made, wanted)
    lowering.set(node.output, made.value, made.format)


def _computed_matmul(lowering: Lowering, node: Node, tier: Tier) -> None:
    """Product of two computed values, as in attention: at least 16 bits on both sides."""
    if node.inputs[0] in lowering.levels and node.inputs[1] in lowering.levels:
        emit_product(lowering, node, *(lowering.operand(name, Kind.U8) for name in node.inputs[:2]))
        return
    tier = max(tier, Tier.INT16)
    kind = operand_kind(tier)
    a, b = (lowering.as_kind(name, kind) for name in node.inputs[:2])
    target = lowering.target(node.output, max(lowering.demand(node.output), Kind.I16))
    total = a.format.bits + b.format.bits
    bits = min(target.bits, total)
    form = Format(target.dtype, 2.0**-bits, 0, target.low, target.high)
    low, high = lowering.clamp(node, form)
    op = ops.MatMul(0, 0, form.requantize(total - bits, low, high))
    value = lowering.emit(op, a.value, b.value)
    if node.input(2):
        raise UnsupportedModel(node.op, node.name, "a bias on a product of computed values")
    lowering.set(node.output, value, form)


def conv(lowering: Lowering, node: Node) -> None:
    """Convolution with constant weights."""
    weight = lowering.need(node, 1)
    attributes = node.attributes
    dims = weight.ndim - 2
    _convolve(
        lowering,
        node,
        weight,
        attributes.get("strides", (1,) * dims),
        attributes.get("dilations", (1,) * dims),
        attributes.get("pads", (0,) * (2 * dims)),
        None,
    )


def conv_transpose(lowering: Lowering, node: Node) -> None:
    """Transposed convolution: zeros between the elements, then a convolution with the flipped kernel."""
    weight = lowering.need(node, 1)
    attributes = node.attributes
    groups = attributes.get("group", 1)
    dims = weight.ndim - 2
    inputs, per_group = weight.shape[:2]
    kernel = weight.shape[2:]
    cut = weight.reshape(groups, inputs // groups, per_group, *kernel).swapaxes(1, 2)
    turned = np.flip(cut.reshape(groups * per_group, inputs // groups, *kernel), tuple(range(2, 2 + dims)))
    dilations, strides, pads = attributes["dilations"], attributes["strides"], attributes["pads"]
    extra = attributes["output_padding"]
    reach = [dilations[axis] * (kernel[axis] - 1) for axis in range(dims)]
    begins = [reach[axis] - pads[axis] for axis in range(dims)]
    ends = [reach[axis] - pads[axis + dims] + extra[axis] for axis in range(dims)]
    if min(*begins, *ends) < 0:
        raise UnsupportedModel(
            node.op, node.name, "pads larger than the kernel reaches; crop after the layer"
        )
    spread = ([0, 0, *begins], [0, 0, *ends], [0, 0, *(stride - 1 for stride in strides)])
    _convolve(lowering, node, np.ascontiguousarray(turned), (1,) * dims, dilations, (0,) * (2 * dims), spread)


def _convolve(
    lowering: Lowering,
    node: Node,
    weight: Array,
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    spread: tuple[list[int], list[int], list[int]] | None,
) -> None:
    tier = lowering.tier(node)
    x = lowering.operand(node.inputs[0], operand_kind(tier))
    groups = node.attributes.get("group", 1)
    channels = len(weight)
    flat = weight.reshape(channels, -1).astype(np.float64)
    source = x.value
    if spread is not None and any(any(part) for part in spread):
        before, after, interior = (tuple(part) for part in spread)
        source = lowering.emit(ops.Pad(before, after, interior, x.format.zero), source)

    def convolution(values: Array, dtype: DType, bias: list[int], out: Requantize) -> int:
        op = ops.Conv(tuple(strides), tuple(dilations), tuple(pads), groups, x.format.zero, out)
        return lowering.emit(op, source, lowering.constant(values.reshape(weight.shape), dtype), *bias)

    given = _given(lowering, node, flat, x)
    if given is not None:
        emit_given(lowering, node, given, x.format, convolution, weight.ndim - 2)
        return
    mean = _channel_mean(lowering, node, weight, groups) if spread is None else None
    made = prepared(lowering, node, flat, mean, x.format, tier)
    low, high = lowering.clamp(node, made.out)
    out = made.out.requantize(_shifts(made), low, high)
    value = convolution(made.values, _WEIGHT[tier][0], _bias(lowering, made), out)
    _finish(lowering, node, value, made.out)


def _channel_mean(lowering: Lowering, node: Node, weight: Array, groups: int) -> Array | None:
    """Mean operand per weight of a channel: the mean of its input channel at every place of the kernel."""
    if node.inputs[0] not in lowering.seen or groups > 1:
        return None
    full = lowering.seen[node.inputs[0]].mean
    per_channel = full.mean(axis=(0, *range(2, full.ndim)))
    return np.repeat(per_channel, int(np.prod(weight.shape[2:])))
