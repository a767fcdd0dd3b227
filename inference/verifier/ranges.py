"""Worst-case ranges: an interval per value and a bound per operation, from the actual weights."""

from dataclasses import dataclass, field
from functools import reduce
from math import prod
from operator import or_

import numpy as np

from inference.ir import ops
from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.program import Node, Program
from inference.ir.types import DType, Integers, TensorType
from inference.verifier.contraction import (
    Accumulator,
    products,
    signed_sums,
    weighted_sums,
    with_any_bias,
    with_bias,
)
from inference.verifier.effort import CHANNEL_TIME, ELEMENT_TIME, LEAF_TIME, Effort
from inference.verifier.forest import check_forest
from inference.verifier.function_values import function_values
from inference.verifier.intervals import ACCUMULATOR_LIMIT, Interval, requantized

#: What a non-linear function's algorithm takes: a 32-bit distance from the zero point.
FUNCTION_LIMIT = (1 << 31) - 1


@dataclass(slots=True)
class Ranges:
    """The intervals of all values so far, and per node the greatest |value| before its epilogue."""

    program: Program
    types: tuple[TensorType, ...]
    effort: Effort
    intervals: list[Interval] = field(default_factory=list)
    bounds: list[int] = field(default_factory=list)
    tree_depths: dict[int, int] = field(default_factory=dict)
    sums: dict[tuple[int, int, tuple[int, ...]], tuple[Integers, Integers]] = field(default_factory=dict)

    def constant(self, value: int) -> Integers | None:
        """The actual values, if a value is a constant."""
        constant = self.program.constant(value)
        if constant is None:
            return None
        self.effort.charge(constant.type.elements, ELEMENT_TIME)
        return constant.array().astype(np.int64)

    def signed_sums(self, value: int, zero: int, axes: tuple[int, ...]) -> tuple[Integers, Integers] | None:
        """`signed_sums` of a constant less its zero point; unrolled networks use the same weights often."""
        if self.program.constant(value) is None:
            return None
        found = self.sums.get((value, zero, axes))
        if found is None:
            weights = self.constant(value)
            assert weights is not None
            found = self.sums[value, zero, axes] = signed_sums(weights - zero, axes)
        return found


def find_ranges(program: Program, types: tuple[TensorType, ...], effort: Effort) -> Ranges:
    """Propagate intervals through a well-formed program; InvalidArtifact(OVERFLOW | BAD_CONSTANT | LIMIT)."""
    ranges = Ranges(program, types, effort)
    ranges.intervals.extend(Interval.of(spec.dtype) for spec in program.inputs)
    for constant in program.constants:
        effort.charge(constant.type.elements, ELEMENT_TIME)
        values = constant.array()
        ranges.intervals.append(Interval(int(values.min()), int(values.max())))
    for i, node in enumerate(program.nodes):
        try:
            interval, bound = _node(ranges, i, node)
        except InvalidArtifact as error:
            raise InvalidArtifact(
                error.reason, f"node {i} ({type(node.op).__name__}): {error.detail}"
            ) from None
        ranges.intervals.append(interval)
        ranges.bounds.append(bound)
    return ranges


def _node(ranges: Ranges, index: int, node: Node) -> tuple[Interval, int]:
    """Interval of the node's result, and its bound; operations that only move values have bound 0."""
    op = node.op
    operands = [ranges.intervals[o] for o in node.operands]
    x = operands[0]
    match op:
        case ops.Conv(out=out) | ops.MatMul(out=out):
            return _contraction(_accumulators(ranges, node, op), out)
        case ops.Trees(out=out):
            total, partial = _trees(ranges, index, node)
            return requantized(total, out, out.shift[0]), partial
        case ops.ReduceSum() | ops.AveragePool():
            return _sum(ranges, node, op, x)
        case ops.Div():
            dividend = x.minus(op.a_zero).times(1 << op.a_shift).within()
            value = _quotients(dividend, operands[1].minus(op.b_zero).within())
            return value.minus(-op.out.zero).clip(op.out.low, op.out.high), dividend.magnitude
        case ops.Function(out=out):
            distance = x.minus(op.x_zero).within(FUNCTION_LIMIT)
            value = function_values(op.kind, distance, op.in_bits, op.out_bits)
            return value.minus(-out.zero).clip(out.low, out.high), distance.magnitude
        case ops.Add() | ops.Mul() | ops.Rescale():
            value, bound = _pointwise(ranges.program, node, op, operands)
            return requantized(value, op.out, op.out.shift[0]), bound
        case ops.Lookup():
            table = ranges.constant(node.operands[1])
            assert table is not None
            reach = x.minus(op.base).within().clip(0, len(table) - 1)
            part = table[reach.low : reach.high + 1]
            return Interval(int(part.min()), int(part.max())), 0
        case _:
            return _moved(ranges, node, operands), 0


def _pointwise(
    program: Program, node: Node, op: ops.Add | ops.Mul | ops.Rescale, operands: list[Interval]
) -> tuple[Interval, int]:
    x = operands[0]
    match op:
        case ops.Add():
            a = x.minus(op.a_zero).within().times(op.a_multiplier).within()
            b = operands[1].minus(op.b_zero).within().times(op.b_multiplier).within()
            total = (a + b).within()
            if _is_distance_from_peak(program, node, op):
                total = total.clip(total.low, 0)
            return total, max(a.magnitude, b.magnitude, total.magnitude)
        case ops.Mul():
            a, b = x.minus(op.a_zero).within(), operands[1].minus(op.b_zero).within()
            value = (a * b).within()
            if node.operands[0] == node.operands[1] and op.a_zero == op.b_zero:
                value = value.clip(0, value.high)
            return value, max(a.magnitude, b.magnitude, value.magnitude)
        case ops.Rescale():
            distance = x.minus(op.x_zero).within()
            value = distance.times(op.multiplier).within()
            return value, max(distance.magnitude, value.magnitude)


def _is_distance_from_peak(program: Program, node: Node, op: ops.Add) -> bool:
    """Is this x - max(x), as in soft-max? It is never positive."""
    x, peak = node.operands
    if peak < program.first_node or op.a_zero != op.b_zero or not op.a_multiplier == -op.b_multiplier > 0:
        return False
    source = program.nodes[peak - program.first_node]
    match source.op:
        case ops.ReduceExtreme(kind=ops.Extreme.MAX, keepdims=True):
            return source.operands[0] == x
        case _:
            return False


def _quotients(dividend: Interval, divisor: Interval) -> Interval:
    """Whichever way they are rounded; a divisor of 0 gives the ends of what the epilogue allows."""
    if divisor.low <= 0:
        return Interval(-2 * DType.I64.high, 2 * DType.I64.high)
    least = dividend.low // (divisor.low if dividend.low < 0 else divisor.high)
    most = -(-dividend.high // (divisor.high if dividend.high < 0 else divisor.low))
    return Interval(least, most)


def _contraction(sums: list[Accumulator], out: ops.Requantize) -> tuple[Interval, int]:
    shifts = out.shift if len(out.shift) == len(sums) else out.shift * len(sums)
    sums = sums * (len(shifts) // len(sums))
    bound = max(s.partial for s in sums)
    Interval(-bound, bound).within()
    found = [requantized(s.total, out, shift) for s, shift in zip(sums, shifts, strict=True)]
    return reduce(or_, found), bound


def _accumulators(ranges: Ranges, node: Node, op: ops.Conv | ops.MatMul) -> list[Accumulator]:
    a, b = (ranges.intervals[o] for o in node.operands[:2])
    kind = ranges.types[node.operands[1]]
    if isinstance(op, ops.Conv):
        x = a.minus(op.x_zero)
        axes = tuple(range(1, len(kind.shape)))
        terms, padded, zero = prod(kind.shape[1:]), any(op.pads), 0
    else:
        x = a.minus(op.a_zero)
        axes, terms, padded, zero = (-2,), kind.shape[-2], False, op.b_zero
    channels = kind.shape[0 if isinstance(op, ops.Conv) else -1]
    constant = ranges.program.constant(node.operands[1]) is not None
    ranges.effort.charge(kind.elements // terms if constant else channels, CHANNEL_TIME)
    signed = ranges.signed_sums(node.operands[1], zero, axes)
    sums = products(x, b.minus(zero), terms) if signed is None else weighted_sums(x, padded, *signed)
    if len(sums) > channels:
        sums = _merge(sums, channels)
    if len(node.operands) == 2:
        return sums
    bias = ranges.constant(node.operands[2])
    return with_any_bias(sums, ranges.intervals[node.operands[2]]) if bias is None else with_bias(sums, bias)


def _merge(sums: list[Accumulator], channels: int) -> list[Accumulator]:
    """One accumulator per column of a batch of matrices."""
    return [
        Accumulator(
            reduce(or_, (s.total for s in sums[c::channels])), max(s.partial for s in sums[c::channels])
        )
        for c in range(channels)
    ]


def _sum(
    ranges: Ranges, node: Node, op: ops.ReduceSum | ops.AveragePool, x: Interval
) -> tuple[Interval, int]:
    distance = x.minus(op.x_zero).within()
    shift = op.out.shift[0]
    if isinstance(op, ops.ReduceSum):
        terms = prod(ranges.types[node.operands[0]].shape[i] for i in op.axes)
        total = distance.times(terms)
    else:
        terms = prod(op.kernel)
        total = distance.times(terms) | (Interval(0, 0) if any(op.pads) else distance.times(terms))
    scale = (op.divisor or terms) << shift
    if scale > ACCUMULATOR_LIMIT:
        raise InvalidArtifact(ArtifactFault.OVERFLOW, f"divisor {op.divisor} * 2^{shift} exceeds 2^62")
    bound = (distance | Interval(0, 0)).times(terms).within().times(op.multiplier).within().magnitude
    bound = max(bound, distance.magnitude * terms)
    if op.divisor:
        return requantized(total.times(op.multiplier), op.out, shift, op.divisor), bound
    return requantized(distance.times(op.multiplier), op.out, shift), bound


def _trees(ranges: Ranges, index: int, node: Node) -> tuple[Interval, int]:
    count, feature_count, width = (ranges.types[node.operands[i]].shape for i in (1, 2, 6))
    # A forest may name one leaf often: what its paths reach is not bounded by the constants' size.
    ranges.effort.charge((3 * count[0] + feature_count[0]) * width[1], LEAF_TIME)
    parts = [ranges.constant(o) for o in node.operands[1:]]
    roots, feature, _, below, above, leaves = (p for p in parts if p is not None)
    forest = check_forest(ranges.types[node.operands[0]].shape[1], roots, feature, below, above, leaves)
    ranges.tree_depths[index] = forest.depth
    return forest.total, forest.partial


def _moved(ranges: Ranges, node: Node, operands: list[Interval]) -> Interval:
    """Operations that choose, compare or move values."""
    op, x = node.op, operands[0]
    match op:
        case ops.MinMax(kind=kind):
            pick = min if kind is ops.Extreme.MIN else max
            return Interval(pick(x.low, operands[1].low), pick(x.high, operands[1].high))
        case ops.Compare():
            return Interval(0, 1)
        case ops.Where():
            return operands[1] | operands[2]
        case ops.Bitwise():
            return _bitwise(op.kind, *operands)
        case ops.ArgExtreme(axis=axis) | ops.TopK(axis=axis):
            return Interval(0, ranges.types[node.operands[0]].shape[axis] - 1)
        case ops.Concat():
            return reduce(or_, operands)
        case ops.Pad(value=value):
            padded = any(op.before) or any(op.after) or any(op.interior)
            return x | Interval(value, value) if padded else x
        case ops.ScatterElements(axis=axis, kind=kind):
            if kind is ops.ScatterKind.SET:
                return x | operands[2]
            most = operands[2].times(ranges.types[node.operands[1]].shape[axis]) | Interval(0, 0)
            total, whole = x + most, Interval.of(ranges.types[node.operands[0]].dtype)
            if (total | whole) != whole:
                raise InvalidArtifact(ArtifactFault.OVERFLOW, f"{total.low}..{total.high} leaves the dtype")
            return total.within()
        case _:
            return x


def _bitwise(kind: ops.BitOperation, a: Interval, b: Interval) -> Interval:
    """Two's complement: n bits and a sign stay so; `and` with a natural number is no larger."""
    natural = [v.high for v in (a, b) if v.low >= 0]
    if kind is ops.BitOperation.AND and natural:
        return Interval(0, min(natural))
    bits = max(v.bit_length() if v >= 0 else (~v).bit_length() for i in (a, b) for v in (i.low, i.high))
    return Interval(0 if len(natural) == 2 else -(1 << bits), (1 << bits) - 1)
