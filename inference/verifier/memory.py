"""Peak memory of a program by liveness, in bytes that every node computes alike."""

from collections.abc import Sequence
from math import prod

from inference.ir import ops
from inference.ir.program import Node, Program
from inference.ir.types import TensorType

#: Bytes of one element while it is worked on: the normative executor holds every value as a 64-bit integer.
WORKING_BYTES = 8


def peak_memory(program: Program, types: Sequence[TensorType]) -> int:
    """Constants, plus the most that is alive at once with the scratch of the operation at work."""
    last = {operand: i for i, node in enumerate(program.nodes) for operand in node.operands}
    last.update(dict.fromkeys((o.value for o in program.outputs), len(program.nodes)))
    dying: dict[int, list[int]] = {}
    for value, node_index in last.items():
        dying.setdefault(node_index, []).append(value)
    live = sum(spec.type.elements for spec in program.inputs)
    peak = live
    for i, node in enumerate(program.nodes):
        live += types[program.first_node + i].elements
        peak = max(peak, live + _scratch(program, types, program.first_node + i, node))
        live -= sum(types[v].elements for v in dying.get(i, []) if program.constant(v) is None)
    return sum(len(c.data) for c in program.constants) + WORKING_BYTES * peak


def _scratch(program: Program, types: Sequence[TensorType], value: int, node: Node) -> int:
    """Elements that an operation needs beside its operands and result."""
    result = types[value].elements
    widened = sum(types[o].elements for o in node.operands if program.constant(o) is not None)
    match node.op:
        case ops.Conv():
            patches = types[node.operands[1]].elements // types[node.operands[1]].shape[0] * node.op.groups
            return (
                widened
                + 4 * result
                + 2 * _padded(types[node.operands[0]], node.op.pads)
                + 3 * (patches * prod(types[value].shape[2:]) * types[value].shape[0])
            )
        case ops.MaxPool() | ops.AveragePool():
            return 4 * result + 2 * _padded(types[node.operands[0]], node.op.pads)
        case ops.Trees():
            return widened + 8 * types[node.operands[1]].elements * types[node.operands[0]].shape[0]
        case ops.Function():
            return 16 * result
        case _:
            return widened + 6 * result + sum(types[o].elements for o in node.operands)


def _padded(x: TensorType, pads: tuple[int, ...]) -> int:
    """Elements of x after padding its last axes."""
    spatial = x.shape[2:]
    return prod((*x.shape[:2], *(n + pads[i] + pads[len(spatial) + i] for i, n in enumerate(spatial))))
