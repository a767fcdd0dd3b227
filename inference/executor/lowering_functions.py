"""Exact kernels for tables and non-linear functions."""

import numpy as np
from numpy.typing import NDArray

from inference.executor import onnx_encoding as onnx
from inference.executor.functions import (
    EXP_END,
    LN2_STEP_Q46,
    LOG2E_Q20,
    POWER_BITS,
    REST_BITS,
    STEP_BITS,
    step_powers,
)
from inference.executor.graph import Graph
from inference.executor.reference import evaluate
from inference.ir import ops
from inference.ir.program import Node
from inference.verifier.cost import EXACT_DOUBLE

#: Powers that one exponential may keep at hand: 64 octaves, 1 MiB.
_MAX_POWERS = 1 << 17

#: Roots that a session takes at once: each compares its argument with up to 31 powers of two, side by side.
_MAX_ROOTS = 4_096

#: Greatest power of two that a root is scaled by: results beyond it leave 32 bits, where the definition ends.
_MAX_ROOT_EXPONENT = 8


def exponential(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """The definition of exp, step by step, in binary64, which holds each of its products.

    The powers of all steps that the argument can reach stand in one table, scaled to the result's bits.
    """
    op = node.op
    assert isinstance(op, ops.Function)
    if op.kind is not ops.FunctionKind.EXP or max(-op.out.low, op.out.high, op.out.zero) >= EXACT_DOUBLE:
        return False
    span = graph.program.intervals[node.operands[0]].minus(op.x_zero)
    # Below 2^-(out_bits + 3) all results are 0, so the table need not go on; ln 2 is less than 0.6932.
    end = -((op.out_bits + 4) * 6932 << op.in_bits) // 10_000
    least, most = max(span.low, end, -EXP_END << op.in_bits), min(span.high, EXP_END << op.in_bits)
    if least > most:
        return False
    first, last = (round(v * LOG2E_Q20 / (1 << (op.in_bits + 20 - STEP_BITS))) for v in (least, most))
    steps = np.arange(first - 1, last + 2)
    if len(steps) > _MAX_POWERS:
        return False
    octaves = (steps >> STEP_BITS) + (op.out_bits - POWER_BITS - REST_BITS)
    powers = np.ldexp(step_powers()[steps & ((1 << STEP_BITS) - 1)].astype(np.float64), octaves)
    x = graph.value(node.operands[0], onnx.DOUBLE)
    if op.x_zero:
        x = graph.emit("Sub", [x, graph.scalar(op.x_zero, onnx.DOUBLE)])
    if (least, most) != (span.low, span.high):
        x = graph.emit("Clip", [x, graph.scalar(least, onnx.DOUBLE), graph.scalar(most, onnx.DOUBLE)])
    step = graph.emit("Round", [_times(graph, x, LOG2E_Q20, STEP_BITS - op.in_bits - 20)])
    whole, part = _times(graph, x, 1, REST_BITS - op.in_bits), _times(graph, step, LN2_STEP_Q46, -20)
    rest = graph.emit("Round", [graph.emit("Sub", [whole, part])])
    rest = graph.emit("Add", [rest, graph.scalar(1 << REST_BITS, onnx.DOUBLE)])
    place = graph.cast(graph.emit("Sub", [step, graph.scalar(int(steps[0]), onnx.DOUBLE)]), onnx.INT32)
    power = _looked_up(graph, value, powers, place)
    graph.finish(value, graph.emit("Round", [graph.emit("Mul", [power, rest])]), onnx.DOUBLE, op.out)
    return True


def square_root(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """The definition of sqrt: the integer root of the argument scaled to 61 or 62 bits, then scaled back.

    Both scales follow from the argument's length, which is how many powers of two do not exceed it. The root
    is binary64's, less one where its square is greater.
    """
    op = node.op
    assert isinstance(op, ops.Function)
    span = graph.program.intervals[node.operands[0]].minus(op.x_zero)
    if (
        op.kind is not ops.FunctionKind.SQRT
        or span.high < 1
        or graph.program.types[value].elements > _MAX_ROOTS
    ):
        return False
    lengths = np.arange(1, span.high.bit_length() + 1)
    shift = 61 - lengths
    shift += (shift + op.in_bits) & 1
    exponents = op.out_bits - ((shift + op.in_bits) >> 1)
    if exponents.max() > _MAX_ROOT_EXPONENT or max(-op.out.low, op.out.high, op.out.zero) >= EXACT_DOUBLE:
        return False
    x = graph.value(node.operands[0], onnx.INT64)
    if op.x_zero:
        x = graph.emit("Sub", [x, graph.scalar(op.x_zero, onnx.INT64)])
    argument = graph.emit("Max", [x, graph.scalar(1, onnx.INT64)]) if span.low < 1 else x
    rank = len(graph.shape(value))
    column = graph.emit("Unsqueeze", [argument, graph.integers([rank])])
    reached = graph.emit("LessOrEqual", [graph.constant(1 << lengths[:-1].astype(np.int64)), column])
    counted = [graph.cast(reached, onnx.INT32), graph.integers([rank])]
    length = graph.emit("ReduceSum", counted, {"keepdims": 0})
    scales = (np.left_shift(1, shift, dtype=np.int64), np.ldexp(1.0, exponents))
    up, down = (graph.emit("Gather", [graph.constant(s), length], {"axis": 0}) for s in scales)
    scaled = graph.emit("Mul", [argument, up])
    root = graph.cast(graph.emit("Sqrt", [graph.cast(scaled, onnx.DOUBLE)]), onnx.INT64)
    above = graph.emit("Less", [scaled, graph.emit("Mul", [root, root])])
    root = graph.emit("Sub", [root, graph.cast(above, onnx.INT64)])
    name = graph.emit("Round", [graph.emit("Mul", [graph.cast(root, onnx.DOUBLE), down])])
    if span.low < 1:
        positive = graph.cast(graph.emit("Less", [graph.scalar(0, onnx.INT64), x]), onnx.DOUBLE)
        name = graph.emit("Mul", [name, positive])
    graph.finish(value, name, onnx.DOUBLE, op.out)
    return True


def _times(graph: Graph, name: str, factor: int, exponent: int) -> str:
    """name * factor * 2^exponent: one product, since the constant is a binary64 number."""
    return graph.emit("Mul", [name, graph.constant(np.ldexp(np.array(factor, np.float64), exponent))])


def lookup_table(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """Gather from the constant table."""
    op = node.op
    assert isinstance(op, ops.Lookup)
    table = graph.program.program.constant(node.operands[1])
    assert table is not None
    low, high = op.base, op.base + table.type.elements - 1
    return _table(graph, value, node.operands[0], table.array(), low, high)


def function_table(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """A function over a narrow range becomes the table of its definition."""
    if value - graph.program.program.first_node not in graph.program.tables:
        return False
    span = graph.program.intervals[node.operands[0]]
    entries = evaluate(node.op, [np.arange(span.low, span.high + 1, dtype=np.int64)])
    table = entries.astype(graph.program.types[value].dtype.numpy)
    return _table(graph, value, node.operands[0], table, span.low, span.high)


def _table(
    graph: Graph,
    value: int,
    x: int,
    table: NDArray[np.integer],
    low: int,
    high: int,
) -> bool:
    """table[clip(x, low, high) - low]; every number involved fits the index type."""
    span = graph.program.intervals[x]
    kind = onnx.INT64 if max(span.magnitude, abs(low), abs(high)) >= 1 << 30 else onnx.INT32
    name = graph.value(x, kind)
    if span.low < low or span.high > high:
        name = graph.emit(
            "Min", [graph.emit("Max", [name, graph.scalar(low, kind)]), graph.scalar(high, kind)]
        )
    if low:
        name = graph.emit("Sub", [name, graph.scalar(low, kind)])
    graph.define(value, _looked_up(graph, value, table, name), graph.native(value))
    return True


def _looked_up(graph: Graph, value: int, table: NDArray[np.generic], places: str) -> str:
    """table[places]. GatherElements copies numbers where Gather copies slices, one call for each: six times
    faster, though it wants both of one rank.
    """
    shape = graph.shape(value)
    flat = graph.emit("Reshape", [places, graph.integers([-1])]) if len(shape) != 1 else places
    name = graph.emit("GatherElements", [graph.constant(table), flat], {"axis": 0})
    if len(shape) == 1:
        return name
    target = [-1, *shape[1:]] if value in graph.batched else list(shape)
    return graph.emit("Reshape", [name, graph.integers(target)])
