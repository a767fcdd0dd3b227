"""Exact kernels for convolutions and matrix products."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from inference.executor import onnx_encoding as onnx
from inference.executor.graph import Graph, centred, power_of_two
from inference.executor.taps import MAX_TAPS, Taps
from inference.executor.windows import at
from inference.ir import ops
from inference.ir.program import Node
from inference.ir.types import DType
from inference.verifier.cost import EXACT_SINGLE

#: Weights in this range are exact on every CPU: 255 * 64 * 2 < 2^15, what `vpmaddubsw` can hold.
SAFE_WEIGHTS = (-64, 63)


def _is_byte_product(
    graph: Graph, value: int, node: Node, zero: int, out: ops.Requantize, bound: int
) -> bool:
    """May this product run as QLinearConv or QGemm: bytes, safe constant weights, small sums?"""
    program = graph.program
    x, weight, *bias = node.operands
    dtype = program.types[x].dtype
    span = program.intervals[weight]
    return (
        dtype in (DType.U8, DType.I8)
        and out.dtype is dtype
        and program.program.constant(weight) is not None
        and program.types[weight].dtype is DType.I8
        and SAFE_WEIGHTS[0] <= span.low <= span.high <= SAFE_WEIGHTS[1]
        and bound < EXACT_SINGLE
        and all(dtype.low <= z <= dtype.high for z in (zero, out.zero))
        and all(program.program.constant(b) is not None for b in bias)
    )


def quantized_parameters(
    graph: Graph, value: int, zero: int, out: ops.Requantize
) -> tuple[list[str], list[str], list[str]]:
    """Scale and zero point of input, weights and output: the input's scale is 1, the weights' 2^-shift."""
    one = graph.constant(np.ones((), np.float32))
    kind = graph.program.types[value].dtype.numpy
    shifts = out.shift if len(set(out.shift)) > 1 else out.shift[:1]
    scale = power_of_two(shifts, onnx.FLOAT)
    weight = [graph.constant(scale if len(shifts) > 1 else scale.reshape(()))]
    weight.append(graph.constant(np.zeros(scale.shape if len(shifts) > 1 else (), np.int8)))
    return (
        [one, graph.constant(np.array(zero, kind))],
        weight,
        [one, graph.constant(np.array(out.zero, kind))],
    )


def clip_bytes(graph: Graph, value: int, name: str, out: ops.Requantize) -> None:
    """Saturation to the dtype is the kernel's own; narrower bounds take a Clip."""
    if (out.low, out.high) != (out.dtype.low, out.dtype.high):
        bounds = (graph.constant(np.array(v, out.dtype.numpy)) for v in (out.low, out.high))
        name = graph.emit("Clip", [name, *bounds])
    graph.define(value, name, graph.native(value))


def byte_conv(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """QLinearConv: byte activations, safe weights, sums below 2^24."""
    op = node.op
    assert isinstance(op, ops.Conv)
    if not _is_byte_product(graph, value, node, op.x_zero, op.out, bound):
        return False
    x, weight, *bias = node.operands
    if graph.shape(x)[1] == 1:
        # One channel leaves the byte kernel nothing to multiply side by side.
        return False
    of_x, of_weight, of_y = quantized_parameters(graph, value, op.x_zero, op.out)
    inputs = [graph.value(x, graph.native(x)), *of_x, graph.value(weight, onnx.INT8), *of_weight, *of_y]
    inputs.extend(graph.value(b, onnx.INT32) for b in bias)
    name = graph.emit("QLinearConv", inputs, window_attributes(op, graph.shape(weight)[2:], op.groups))
    clip_bytes(graph, value, name, op.out)
    return True


def byte_matmul(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """QGemm, its rows flattened: byte activations, safe constant weights, sums below 2^24."""
    op = node.op
    assert isinstance(op, ops.MatMul)
    a, b, *bias = node.operands
    if (
        not _is_byte_product(graph, value, node, op.a_zero, op.out, bound)
        or op.b_zero
        or len(graph.shape(b)) != 2
    ):
        return False
    of_a, of_b, of_y = quantized_parameters(graph, value, op.a_zero, op.out)
    rows, flat = graph.shape(a), graph.value(a, graph.native(a))
    if len(rows) > 2:
        flat = graph.emit("Reshape", [flat, graph.integers([-1, rows[-1]])])
    inputs = [flat, *of_a, graph.value(b, onnx.INT8), *of_b, *(graph.value(c, onnx.INT32) for c in bias)]
    inputs.extend([""] * (not bias) + of_y)
    name = graph.emit("QGemm", inputs, domain="com.microsoft")
    if len(rows) > 2:
        name = graph.emit("Reshape", [name, graph.integers([-1, *graph.shape(value)[1:]])])
    clip_bytes(graph, value, name, op.out)
    return True


def window_attributes(
    op: ops.Conv | ops.AveragePool | ops.MaxPool, kernel: tuple[int, ...], groups: int = 0
) -> dict[str, onnx.Attribute]:
    """What Conv, QLinearConv and MaxPool are told of their windows."""
    found: dict[str, onnx.Attribute] = {"kernel_shape": kernel, "strides": op.strides, "pads": op.pads}
    found["dilations"] = op.dilations
    if groups:
        found["group"] = groups
    return found


def float_conv(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """Conv in binary32 while every partial sum is below 2^24."""
    op = node.op
    assert isinstance(op, ops.Conv)
    kind = graph.element_type(node, bound, (op.x_zero, op.out.zero))
    if kind != onnx.FLOAT:
        return False
    x, weight, *bias = node.operands
    attributes = window_attributes(op, graph.shape(weight)[2:], op.groups)
    constants = [graph.program.program.constant(o) for o in (weight, *bias)]
    if None in constants:
        inputs = [centred(graph, x, op.x_zero, kind), *(graph.value(o, kind) for o in (weight, *bias))]
        graph.epilogue(value, graph.emit("Conv", inputs, attributes), kind, op.out, 1)
        return True
    # 2^-shift goes into the weights: that moves the point of every partial sum, and no bit of it.
    scale = power_of_two(op.out.shift, kind)
    folded = [scale_channels(c.array(), scale) for c in constants if c is not None]
    inputs = [centred(graph, x, op.x_zero, kind), *(graph.constant(f) for f in folded)]
    graph.scaled(value, graph.emit("Conv", inputs, attributes), kind, op.out)
    return True


def scale_channels(weights: NDArray[np.integer], scale: NDArray[np.floating]) -> NDArray[np.floating]:
    """Weights, or a bias, times a power of two per output channel, the first axis."""
    scaled: NDArray[np.floating] = weights.astype(scale.dtype) * scale.reshape(-1, *[1] * (weights.ndim - 1))
    return scaled


def double_conv(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """Convolution in binary64, which has no kernel of its own: a sum over the places of the kernel."""
    op = node.op
    assert isinstance(op, ops.Conv)
    x, *rest = node.operands
    constants = [graph.program.program.constant(o) for o in rest]
    kind = graph.element_type(node, bound, (op.x_zero, op.out.zero))
    if kind is None or None in constants or prod(graph.shape(rest[0])[2:]) > MAX_TAPS:
        return False
    scale = power_of_two(op.out.shift, onnx.DOUBLE)
    weights, *bias = [scale_channels(c.array(), scale) for c in constants if c is not None]
    count, per_group, *kernel = weights.shape
    taps = Taps(graph, op, x, kernel, graph.shape(value)[2:])
    if per_group == 1 and count == op.groups:
        name = _depthwise_sum(graph, taps, weights)
    else:
        name = _grouped_product(graph, taps, weights, op.groups)
    name = taps.finish(name, count)
    for b in bias:
        shaped = b.reshape(-1, *[1] * len(kernel))
        name = graph.emit("Add", [name, graph.constant(shaped)])
    graph.scaled(value, name, onnx.DOUBLE, op.out)
    return True


def _depthwise_sum(graph: Graph, taps: Taps, weights: NDArray[np.floating]) -> str:
    name = ""
    for tap, view in taps.views():
        scale = weights[at(tap)].reshape(1, -1, *[1] * taps.axes)
        part = graph.emit("Mul", [view, graph.constant(scale)])
        name = graph.emit("Add", [name, part]) if name else part
    return name


def _grouped_product(graph: Graph, taps: Taps, weights: NDArray[np.floating], groups: int) -> str:
    """All places side by side, then one product per group."""
    count, per_group = weights.shape[:2]
    shape = graph.integers([0, groups, per_group, -1])
    patches = [graph.emit("Reshape", [view, shape]) for _, view in taps.views()]
    name = graph.emit("Concat", patches, {"axis": 2}) if len(patches) > 1 else patches[0]
    matrix = np.moveaxis(weights.reshape(groups, count // groups, per_group, -1), 3, 2)
    flat = np.ascontiguousarray(matrix.reshape(groups, count // groups, -1))
    name = graph.emit("MatMul", [graph.constant(flat), name])
    return graph.emit("Reshape", [name, graph.integers([0, count, *taps.sizes])])


def float_matmul(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """MatMul in binary32 or binary64, whichever holds every partial sum."""
    op = node.op
    assert isinstance(op, ops.MatMul)
    kind = graph.element_type(node, bound, (op.a_zero, op.b_zero, op.out.zero))
    if kind is None:
        return False
    a, b, *bias = node.operands
    constants = [graph.program.program.constant(o) for o in (b, *bias)]
    left = centred(graph, a, op.a_zero, kind)
    if None in constants:
        name = graph.emit("MatMul", [left, centred(graph, b, op.b_zero, kind)])
        for c in bias:
            name = graph.emit("Add", [name, graph.value(c, kind)])
        graph.epilogue(value, name, kind, op.out, -1)
        return True
    scale = power_of_two(op.out.shift, kind)
    weights, *offsets = [c.array().astype(scale.dtype) for c in constants if c is not None]
    name = graph.emit("MatMul", [left, graph.constant((weights - op.b_zero) * scale)])
    for offset in offsets:
        name = graph.emit("Add", [name, graph.constant(offset * scale)])
    graph.scaled(value, name, kind, op.out)
    return True
