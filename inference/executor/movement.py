"""Operations that choose, compare or move values (E8 to E11, E15 to E17, E20 to E28)."""

from collections.abc import Sequence

import numpy as np

from inference.ir import ops
from inference.ir.types import Integers


def move(op: ops.Op, operands: Sequence[Integers]) -> Integers:
    """One operation that does no arithmetic beyond comparing, on arrays of any integer dtype."""
    x = operands[0]
    match op:
        case ops.MinMax(kind=kind):
            return (np.minimum if kind is ops.Extreme.MIN else np.maximum)(x, operands[1])
        case ops.Compare(kind=kind):
            return _compare(kind, x, operands[1])
        case ops.Where():
            return np.where(x != 0, operands[1], operands[2])
        case ops.Bitwise(kind=kind):
            return _bitwise(kind, x, operands[1])
        case ops.ReduceExtreme(kind=kind, axes=axes, keepdims=keepdims):
            reduce = np.min if kind is ops.Extreme.MIN else np.max
            return np.asarray(reduce(x, axis=axes, keepdims=keepdims))
        case ops.ArgExtreme():
            return _arg_extreme(op, x)
        case ops.TopK(kind=kind, axis=axis, k=k):
            order = np.argsort(x if kind is ops.Extreme.MIN else ~x, axis=axis, kind="stable")
            return np.take(order, np.arange(k), axis=axis)
        case ops.GatherElements(axis=axis):
            return np.take_along_axis(x, _inside(operands[1], x.shape[axis]), axis)
        case ops.ScatterElements():
            return _scatter(op, x, operands[1], operands[2])
        case _:
            return _rearrange(op, operands)


def _rearrange(op: ops.Op, operands: Sequence[Integers]) -> Integers:
    x = operands[0]
    match op:
        case ops.Reshape(shape=shape):
            return x.reshape(shape)
        case ops.Transpose(permutation=permutation):
            return x.transpose(permutation)
        case ops.Concat(axis=axis):
            return np.concatenate(operands, axis)
        case ops.Slice(starts=starts, sizes=sizes, steps=steps):
            for axis, (start, size, step) in enumerate(zip(starts, sizes, steps, strict=True)):
                if size != x.shape[axis] or step != 1:
                    x = np.take(x, start + step * np.arange(size), axis)
            return x
        case ops.Pad():
            return _pad(op, x)
        case ops.Expand(shape=shape):
            return np.broadcast_to(x, shape)
        case ops.Gather(axis=axis):
            return np.take(x, _inside(operands[1], x.shape[axis]), axis)
        case _:
            raise AssertionError(f"{type(op).__name__} has no executor")


def _pad(op: ops.Pad, x: Integers) -> Integers:
    parts = list(zip(x.shape, op.before, op.after, op.interior, strict=True))
    padded = np.full([b + n + (n - 1) * i + a for n, b, a, i in parts], op.value, x.dtype)
    padded[tuple(slice(b, b + (n - 1) * (i + 1) + 1, i + 1) for n, b, _, i in parts)] = x
    return padded


def _inside(indices: Integers, length: int) -> Integers:
    return np.clip(indices, 0, length - 1).astype(np.int64)


def _compare(kind: ops.Comparison, a: Integers, b: Integers) -> Integers:
    match kind:
        case ops.Comparison.EQUAL:
            return np.asarray(a == b, np.int64)
        case ops.Comparison.LESS:
            return np.asarray(a < b, np.int64)
        case ops.Comparison.LESS_OR_EQUAL:
            return np.asarray(a <= b, np.int64)


def _bitwise(kind: ops.BitOperation, a: Integers, b: Integers) -> Integers:
    match kind:
        case ops.BitOperation.AND:
            return a & b
        case ops.BitOperation.OR:
            return a | b
        case ops.BitOperation.XOR:
            return a ^ b


def _arg_extreme(op: ops.ArgExtreme, x: Integers) -> Integers:
    find = np.argmin if op.kind is ops.Extreme.MIN else np.argmax
    if op.last:
        index = x.shape[op.axis] - 1 - find(np.flip(x, op.axis), axis=op.axis, keepdims=op.keepdims)
    else:
        index = find(x, axis=op.axis, keepdims=op.keepdims)
    return np.asarray(index, np.int64)


def _scatter(op: ops.ScatterElements, x: Integers, indices: Integers, updates: Integers) -> Integers:
    """Row-major order decides which of two updates of one element stays."""
    result = np.array(x, order="C")
    place: list[Integers] = list(np.indices(indices.shape))
    place[op.axis] = _inside(indices, x.shape[op.axis])
    if op.kind is ops.ScatterKind.ADD:
        np.add.at(result, tuple(place), updates)
        return result
    flat = np.ravel_multi_index(tuple(place), x.shape).ravel()
    keep = len(flat) - 1 - np.unique(flat[::-1], return_index=True)[1]
    result.reshape(-1)[flat[keep]] = updates.ravel()[keep]
    return result
