"""Which values can hold many calls side by side along their first axis, so that equal calls run as one."""

from collections.abc import Sequence

from inference.ir import ops
from inference.ir.program import Node
from inference.ir.types import TensorType
from inference.verifier import VerifiedProgram


def batched_values(program: VerifiedProgram) -> frozenset[int]:
    """The values whose first axis is a call axis, or nothing if some operation or output mixes calls."""
    source, types = program.program, program.types
    if any(not spec.shape for spec in source.inputs):
        return frozenset()
    batched = set(range(len(source.inputs)))
    for i, node in enumerate(source.nodes):
        along = [o in batched for o in node.operands]
        if not any(along):
            continue
        if not _keeps_calls_apart(
            node, [types[o] for o in node.operands], along, types[source.first_node + i]
        ):
            return frozenset()
        batched.add(source.first_node + i)
    return frozenset(batched) if all(o.value in batched for o in source.outputs) else frozenset()


def _keeps_calls_apart(node: Node, operands: list[TensorType], along: list[bool], result: TensorType) -> bool:
    op, x = node.op, operands[0].shape
    match op:
        case ops.Conv() | ops.Trees() | ops.Lookup():
            return along[0] and not any(along[1:])
        case ops.MaxPool() | ops.AveragePool() | ops.Rescale() | ops.Function():
            return True
        case ops.MatMul():
            return _matmul(operands, along)
        case ops.Add() | ops.Mul() | ops.Div() | ops.MinMax() | ops.Compare() | ops.Where() | ops.Bitwise():
            return all(_broadcasts(t, a, result) for t, a in zip(operands, along, strict=True))
        case ops.ReduceSum(axes=axes) | ops.ReduceExtreme(axes=axes):
            return 0 not in axes
        case ops.ArgExtreme(axis=axis) | ops.TopK(axis=axis):
            return axis != 0
        case ops.Reshape(shape=shape) | ops.Expand(shape=shape):
            return (
                len(shape) > 0 and shape[0] == x[0] and (len(shape) == len(x) or isinstance(op, ops.Reshape))
            )
        case ops.Transpose(permutation=permutation):
            return permutation[0] == 0
        case ops.Slice(starts=starts, sizes=sizes, steps=steps):
            return (starts[0], sizes[0], steps[0]) == (0, x[0], 1)
        case ops.Pad(before=before, after=after, interior=interior):
            return before[0] == after[0] == interior[0] == 0
        case ops.Gather(axis=axis):
            if along[0]:
                return axis != 0 and not along[1]
            return axis == 0 and len(operands[1].shape) > 0
        case ops.Concat(axis=axis) | ops.GatherElements(axis=axis) | ops.ScatterElements(axis=axis):
            return axis != 0 and all(along)
        case _:
            return False


def _broadcasts(operand: TensorType, along: bool, result: TensorType) -> bool:
    """A call axis must be the result's first; what all calls share must not reach that axis."""
    if along:
        return len(operand.shape) == len(result.shape) and operand.shape[0] == result.shape[0]
    return len(operand.shape) < len(result.shape) or operand.shape[0] == 1


def _matmul(operands: Sequence[TensorType], along: Sequence[bool]) -> bool:
    a, b = operands[0].shape, operands[1].shape
    if len(along) == 3 and along[2]:
        return False
    match along[0], along[1]:
        case True, True:
            return len(a) == len(b) > 2 and a[0] == b[0]
        case True, _:
            return len(b) == 2 or len(b) < len(a) or (len(b) == len(a) and b[0] == 1)
        case _:
            return len(b) > 2 and (len(a) < len(b) or (len(a) == len(b) and a[0] == 1))


def widened(op: ops.Op, calls: int) -> ops.Op:
    """The operation for `calls` calls side by side: what names the first axis's length grows with it."""
    match op:
        case ops.Reshape(shape=shape):
            return ops.Reshape((shape[0] * calls, *shape[1:]))
        case ops.Expand(shape=shape):
            return ops.Expand((shape[0] * calls, *shape[1:]))
        case ops.Slice(starts=starts, sizes=sizes, steps=steps):
            return ops.Slice(starts, (sizes[0] * calls, *sizes[1:]), steps)
        case _:
            return op
