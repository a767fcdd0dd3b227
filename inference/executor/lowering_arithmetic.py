"""Exact kernels for element-wise arithmetic, sums, pools and tables."""

from functools import reduce
from math import prod

import numpy as np

from inference.executor import onnx_encoding as onnx
from inference.executor.graph import Graph, centred, dtype_of
from inference.executor.lowering_products import (
    SAFE_WEIGHTS,
    clip_bytes,
    quantized_parameters,
    window_attributes,
)
from inference.executor.reference import evaluate
from inference.executor.taps import MAX_TAPS, Taps
from inference.ir import ops
from inference.ir.program import Node
from inference.ir.types import DType
from inference.verifier.cost import EXACT_DOUBLE, EXACT_SINGLE

#: Stands for a divisor of 0: quotients by it leave every range, yet stay finite.
_TINY = 2.0**-90

#: A rounded quotient is exact while the dividend leaves this many bits of the significand.
_QUOTIENT_BITS = 1


def _scaled(graph: Graph, value: int, zero: int, factor: int, kind: int) -> str:
    name = centred(graph, value, zero, kind)
    return graph.emit("Mul", [name, graph.scalar(factor, kind)]) if factor != 1 else name


def float_pointwise(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """Add, Mul and Rescale in whichever floating point holds every intermediate value."""
    op = node.op
    a, b = node.operands[0], node.operands[-1]
    match op:
        case ops.Add():
            zeros: tuple[int, ...] = (op.a_zero, op.b_zero, op.a_multiplier, op.b_multiplier)
        case ops.Mul():
            zeros = (op.a_zero, op.b_zero)
        case ops.Rescale():
            zeros = (op.x_zero, op.multiplier)
        case _:
            raise AssertionError(op)
    kind = graph.element_type(node, bound, (*zeros, op.out.zero))
    if kind is None:
        return False
    match op:
        case ops.Add():
            parts = [_scaled(graph, a, op.a_zero, op.a_multiplier, kind)]
            name = graph.emit("Add", [*parts, _scaled(graph, b, op.b_zero, op.b_multiplier, kind)])
        case ops.Mul():
            name = graph.emit("Mul", [centred(graph, a, op.a_zero, kind), centred(graph, b, op.b_zero, kind)])
        case ops.Rescale():
            name = _scaled(graph, a, op.x_zero, op.multiplier, kind)
    graph.epilogue(value, name, kind, op.out)
    return True


def byte_add(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """QLinearAdd folds zero points in before it rounds, which leaves ties alone only if they are even."""
    op = node.op
    assert isinstance(op, ops.Add)
    dtype = op.out.dtype
    if (
        dtype not in (DType.U8, DType.I8)
        or any(graph.program.types[o].dtype is not dtype for o in node.operands)
        or op.out.zero & 1
        or min(op.a_multiplier, op.b_multiplier) < 1
        or max(bound, abs(op.a_zero * op.a_multiplier), abs(op.b_zero * op.b_multiplier)) << 3 >= EXACT_SINGLE
        or any(not dtype.low <= z <= dtype.high for z in (op.a_zero, op.b_zero, op.out.zero))
        or abs(op.out.zero) << op.out.shift[0] << 3 >= EXACT_SINGLE
    ):
        return False
    inputs = []
    for o, zero, factor in zip(
        node.operands, (op.a_zero, op.b_zero), (op.a_multiplier, op.b_multiplier), strict=True
    ):
        scale = np.ldexp(np.float32(factor), -op.out.shift[0])
        zero_point = graph.constant(np.array(zero, dtype.numpy))
        inputs += [graph.value(o, graph.native(o)), graph.constant(np.array(scale, np.float32)), zero_point]
    inputs += [graph.constant(np.ones((), np.float32)), graph.constant(np.array(op.out.zero, dtype.numpy))]
    clip_bytes(graph, value, graph.emit("QLinearAdd", inputs, domain="com.microsoft"), op.out)
    return True


def float_div(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """A correctly rounded quotient of small integers can not cross or make a tie.

    A divisor of 0 becomes a number so small that the quotient leaves every range on the side of the
    dividend's sign, and stays 0 for a dividend of 0.
    """
    op = node.op
    assert isinstance(op, ops.Div)
    a, b = node.operands
    divisor = graph.program.intervals[b].minus(op.b_zero)
    reach = max(bound, divisor.magnitude)
    kind = graph.element_type(
        node, reach, (op.a_zero, op.b_zero, op.out.zero, 1 << op.a_shift), _QUOTIENT_BITS
    )
    if kind is None or divisor.low < 0 <= divisor.high or op.rounding is ops.Rounding.TRUNCATE:
        return False
    if divisor.low == 0 and max(-op.out.low, op.out.high) > EXACT_SINGLE and kind == onnx.FLOAT:
        kind = onnx.DOUBLE
    if divisor.low == 0 and max(-op.out.low, op.out.high) > EXACT_DOUBLE:
        return False
    name = _scaled(graph, a, op.a_zero, 1 << op.a_shift, kind)
    under = centred(graph, b, op.b_zero, kind)
    if divisor.low == 0:
        under = graph.emit("Max", [under, graph.constant(np.array(_TINY, np.float32).astype(dtype_of(kind)))])
    name = graph.emit("Div", [name, under])
    name = graph.emit("Round" if op.rounding is ops.Rounding.HALF_EVEN else "Floor", [name])
    graph.finish(value, name, kind, op.out)
    return True


def float_sum(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """Sums below the significand are exact, and so is the rounding of their quotient."""
    op = node.op
    assert isinstance(op, ops.ReduceSum)
    x = node.operands[0]
    divisor = op.divisor << op.out.shift[0]
    kind = graph.element_type(
        node, max(bound, divisor), (op.x_zero, op.multiplier, op.out.zero), _QUOTIENT_BITS
    )
    if kind is None:
        return False
    inputs = [centred(graph, x, op.x_zero, kind), graph.integers(op.axes)]
    name = graph.emit("ReduceSum", inputs, {"keepdims": int(op.keepdims)})
    _quotient(graph, value, name, kind, op, divisor)
    return True


def _quotient(
    graph: Graph, value: int, name: str, kind: int, op: ops.ReduceSum | ops.AveragePool, divisor: int | str
) -> None:
    if op.multiplier != 1:
        name = graph.emit("Mul", [name, graph.scalar(op.multiplier, kind)])
    if divisor != 1:
        by = graph.scalar(divisor, kind) if isinstance(divisor, int) else divisor
        name = graph.emit("Round", [graph.emit("Div", [name, by])])
    graph.finish(value, name, kind, op.out)


def float_average(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """Window sums, then the quotient of two integers, which rounds exactly.

    A window over everything is a ReduceSum; else binary32 has a depthwise convolution and binary64 the sum
    of the taps.
    """
    op = node.op
    assert isinstance(op, ops.AveragePool)
    x, sizes = node.operands[0], graph.shape(value)[2:]
    shape = graph.shape(x)
    most = (op.divisor or prod(op.kernel)) << op.out.shift[0]
    kind = graph.element_type(node, max(bound, most), (op.x_zero, op.multiplier, op.out.zero), _QUOTIENT_BITS)
    whole = op.kernel == shape[2:] and not any(op.pads)
    if kind is None or (kind == onnx.DOUBLE and not whole and prod(op.kernel) > MAX_TAPS):
        return False
    if whole:
        axes = graph.integers(range(2, len(shape)))
        name = graph.emit("ReduceSum", [centred(graph, x, op.x_zero, kind), axes], {"keepdims": 1})
    elif kind == onnx.FLOAT:
        ones = graph.constant(np.ones((shape[1], 1, *op.kernel), np.float32))
        inputs = [centred(graph, x, op.x_zero, kind), ones]
        name = graph.emit("Conv", inputs, window_attributes(op, op.kernel, shape[1]))
    else:
        taps = Taps(graph, op, x, op.kernel, sizes)
        name = reduce(lambda a, b: graph.emit("Add", [a, b]), [view for _, view in taps.views()])
        name = taps.finish(name, shape[1])
    divisor: int | str = most
    if not op.divisor and any(op.pads):
        counts = window_counts(op, shape) << op.out.shift[0]
        divisor = graph.constant(counts.astype(np.float32 if kind == onnx.FLOAT else np.float64))
    _quotient(graph, value, name, kind, op, divisor)
    return True


def byte_average(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """A mean over a power of two is a byte convolution with equal weights."""
    op = node.op
    assert isinstance(op, ops.AveragePool)
    divisor = op.divisor or (0 if any(op.pads) else prod(op.kernel))
    dtype = op.out.dtype
    if (
        divisor.bit_count() != 1
        or not 1 <= op.multiplier <= SAFE_WEIGHTS[1]
        or dtype not in (DType.U8, DType.I8)
        or graph.program.types[node.operands[0]].dtype is not dtype
        or bound >= EXACT_SINGLE
        or any(not dtype.low <= z <= dtype.high for z in (op.x_zero, op.out.zero))
    ):
        return False
    x = node.operands[0]
    channels = graph.shape(x)[1]
    shift = op.out.shift[0] + divisor.bit_length() - 1
    out = ops.Requantize(dtype, (shift,), op.out.zero, op.out.low, op.out.high)
    of_x, of_weight, of_y = quantized_parameters(graph, value, op.x_zero, out)
    weight = graph.constant(np.full((channels, 1, *op.kernel), op.multiplier, np.int8))
    inputs = [graph.value(x, graph.native(x)), *of_x, weight, *of_weight, *of_y]
    name = graph.emit("QLinearConv", inputs, window_attributes(op, op.kernel, channels))
    clip_bytes(graph, value, name, out)
    return True


def window_counts(
    op: ops.AveragePool, shape: tuple[int, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Real elements per window, [1, 1, ...]."""
    counting = ops.AveragePool(
        op.kernel, op.strides, op.dilations, op.pads, 0, 1, 1, ops.Requantize.to(DType.I64)
    )
    return evaluate(counting, [np.ones((1, 1, *shape[2:]), np.int64)])


def max_pool(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """MaxPool on bytes, or in floating point; E1 never falls, so that it may follow instead of lead."""
    op, x = node.op, node.operands[0]
    assert isinstance(op, ops.MaxPool)
    if any(p >= op.kernel[i % len(op.kernel)] for i, p in enumerate(op.pads)):
        return False
    pending = graph.pending(x)
    if pending is not None:
        name, out = pending
        name = graph.emit("MaxPool", [name], window_attributes(op, op.kernel))
        graph.scaled(value, name, onnx.FLOAT, out)
        return True
    kind = graph.native(x)
    if kind not in (onnx.UINT8, onnx.INT8):
        found = graph.element_type(node, bound)
        if found is None:
            return False
        kind = found
    name = graph.emit("MaxPool", [graph.value(x, kind)], window_attributes(op, op.kernel))
    graph.define(value, name, kind)
    return True
