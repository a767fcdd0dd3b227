"""Static cost and memory of a program: integers that every node computes alike before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from inference.ir import ops
from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.limits import Limits
from inference.ir.program import Node, Program
from inference.ir.types import DType, TensorType
from inference.verifier.memory import peak_memory
from inference.verifier.ranges import Ranges

#: Fixed picoseconds of one call: boundary checks, and entering a resident session.
CALL_TIME = 30_000_000

#: Fixed picoseconds of one operation, whatever its size: a kernel launch or a numpy call.
OPERATION_TIME = 6_000_000

#: Picoseconds per byte of inputs and outputs: copied in and out.
BYTE_TIME = 1_000

#: |accumulator| below which one rounding to 24 bits of significand loses nothing, so byte kernels are exact.
EXACT_SINGLE = 1 << 24

#: |accumulator| below which binary64 arithmetic on integers is exact.
EXACT_DOUBLE = 1 << 53

#: Longest table that a function over a narrow range may become.
MAX_TABLE = 1 << 16

#: Entries of all such tables in one program: they are computed when a model is loaded, within a second.
TABLE_BUDGET = 1 << 22


@dataclass(frozen=True, slots=True)
class Rate:
    """Picoseconds per unit of work by the accumulator's proved size: below 2^24, below 2^53, above."""

    single: int
    double: int
    wide: int

    def at(self, bound: int) -> int:
        """The rate for an operation whose greatest |intermediate value| is `bound`."""
        if bound < EXACT_SINGLE:
            return self.single
        return self.double if bound < EXACT_DOUBLE else self.wide


#: Picoseconds per unit: about three times what one core of a server with AVX2 or better measures, so that the
#: slowest kernel that may serve the case on a plain machine stays within the price.
_PRODUCT = Rate(30, 120, 2_500)
_SIGNED_PRODUCT = Rate(120, 120, 2_500)
_DEPTHWISE = Rate(400, 8_000, 15_000)
_PATCH = Rate(100, 7_000, 7_000)
_GROUPED_PATCH = Rate(1_500, 7_000, 7_000)
_WEIGHT = Rate(60, 2_000, 3_000)
_LEVEL = 5_000_000
_TREE_NODE = Rate(20_000, 20_000, 20_000)
_ELEMENT = Rate(1_200, 3_500, 8_000)
_TAP = Rate(3_000, 3_000, 8_000)
_QUOTIENT = Rate(4_000, 6_000, 60_000)
_INTEGER_QUOTIENT = 60_000
_TABLE = 8_000
_FUNCTION = 200_000
_FUNCTION_START = 300_000_000
_OUTSIDE = 100_000_000
_MOVE = 800
_ORDER = 60_000
_SCATTER = 200_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Picoseconds and peak bytes of one call, and operations by name."""

    ref_time: int
    peak_memory: int
    op_counts: dict[str, int]


def find_cost(ranges: Ranges, tables: frozenset[int], limits: Limits) -> Cost:
    """The cost of one call; raises InvalidArtifact(LIMIT) if it exceeds the limits."""
    program, types = ranges.program, ranges.types
    ports = sum(s.nbytes for s in program.inputs) + sum(types[o.value].nbytes for o in program.outputs)
    time = CALL_TIME + BYTE_TIME * ports
    counts: dict[str, int] = {}
    for i, node in enumerate(program.nodes):
        time += OPERATION_TIME + _work(ranges, i, node, i in tables)
        name = type(node.op).__name__
        counts[name] = counts.get(name, 0) + 1
    peak = peak_memory(program, types)
    for what, value, bound in (
        ("ref_time", time, limits.ref_time),
        ("peak_memory", peak, limits.peak_memory),
    ):
        if value > bound:
            raise InvalidArtifact(ArtifactFault.LIMIT, f"{what} is {value}, at most {bound} is allowed")
    return Cost(time, peak, dict(sorted(counts.items())))


def find_tables(ranges: Ranges) -> frozenset[int]:
    """The Function nodes whose arguments span so little that a table of their definition serves them."""
    found, budget = [], TABLE_BUDGET
    for i, node in enumerate(ranges.program.nodes):
        if isinstance(node.op, ops.Function):
            span = ranges.intervals[node.operands[0]]
            entries = span.high - span.low + 1
            if entries <= min(MAX_TABLE, budget):
                budget -= entries
                found.append(i)
    return frozenset(found)


def _work(ranges: Ranges, index: int, node: Node, tabled: bool) -> int:
    program: Program = ranges.program
    types, bound = ranges.types, ranges.bounds[index]
    result, x = types[program.first_node + index], types[node.operands[0]]
    moved = result.elements + sum(types[o].elements for o in node.operands)
    match node.op:
        case ops.Conv() | ops.MatMul():
            return _products(node, types, result, bound)
        case ops.Trees():
            trees, depth = types[node.operands[1]].shape[0], max(ranges.tree_depths[index], 1)
            walked = (
                x.shape[0] * trees * (depth * _TREE_NODE.at(bound) + result.shape[1] * _ELEMENT.at(bound))
            )
            return depth * _LEVEL + walked
        case ops.MaxPool(kernel=kernel) | ops.AveragePool(kernel=kernel):
            return (
                result.elements * (prod(kernel) * _TAP.at(bound) + _QUOTIENT.at(bound)) + x.elements * _MOVE
            )
        case ops.Div():
            divisor = ranges.intervals[node.operands[1]].minus(node.op.b_zero)
            plain = divisor.low <= 0 <= divisor.high or node.op.rounding is ops.Rounding.TRUNCATE
            if plain or bound >= EXACT_DOUBLE >> 1:
                return _OUTSIDE + result.elements * _INTEGER_QUOTIENT
            return result.elements * _QUOTIENT.at(2 * bound)
        case ops.Function():
            return result.elements * _TABLE if tabled else result.elements * _FUNCTION + _FUNCTION_START
        case ops.TopK():
            return x.elements * _ORDER
        case ops.ReduceSum():
            return x.elements * _ELEMENT.at(bound) + result.elements * _QUOTIENT.at(2 * bound)
        case ops.Lookup():
            return result.elements * _TABLE
        case ops.ScatterElements():
            return x.elements * _MOVE + types[node.operands[1]].elements * _SCATTER
        case ops.Add() | ops.Mul() | ops.Rescale():
            return moved * _ELEMENT.at(bound) + (_OUTSIDE if bound >= EXACT_DOUBLE else 0)
        case _:
            return moved * _MOVE


def _products(node: Node, types: Sequence[TensorType], result: TensorType, bound: int) -> int:
    x, weight = (types[o] for o in node.operands[:2])
    rate, terms, patches, copied = _PRODUCT, weight.shape[-2], 0, _PATCH
    if isinstance(node.op, ops.Conv):
        terms = prod(weight.shape[1:])
        if node.op.groups > 1 and weight.shape[1] == 1:
            rate = _DEPTHWISE
        else:
            # Where no kernel slides over the input itself, what each window meets is copied side by side.
            patches = terms * node.op.groups * (result.elements // result.shape[1])
            copied = _PATCH if node.op.groups == 1 else _GROUPED_PATCH
    if x.dtype is DType.I8:
        rate = _SIGNED_PRODUCT
    streamed = (weight.elements + x.elements) * _WEIGHT.at(bound) + patches * copied.at(bound)
    return result.elements * (terms * rate.at(bound) + _ELEMENT.at(bound)) + streamed
