"""Operations outside onnxruntime: BLAS in binary64 where the proof allows it, 64-bit integers elsewhere."""

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from inference.executor.reference import evaluate
from inference.executor.windows import at, pad, padded_sizes, windows
from inference.ir import ops
from inference.verifier.cost import EXACT_DOUBLE

Array = NDArray[np.integer]
Doubles = NDArray[np.float64]


def evaluate_fast(op: ops.Op, operands: Sequence[Array], bound: int) -> Array:
    """One operation on arrays of their own dtypes: the reference's bits, perhaps in a wider dtype."""
    if isinstance(op, ops.Conv | ops.MatMul) and bound < EXACT_DOUBLE:
        sums = _conv(op, operands) if isinstance(op, ops.Conv) else _matmul(op, operands)
        return _epilogue(sums, op.out, 1 if isinstance(op, ops.Conv) else -1)
    return evaluate(op, [o.astype(np.int64) for o in operands])


def _epilogue(sums: Doubles, out: ops.Requantize, channel_axis: int) -> Array:
    """E1 in binary64: scaling by a power of two and rounding half to even are exact below 2^53."""
    if any(out.shift):
        shape = [1] * sums.ndim
        shape[channel_axis] = -1
        scale = np.ldexp(np.ones(len(out.shift)), -np.array(out.shift, np.int32)).reshape(shape)
        np.rint(np.multiply(sums, scale, out=sums), out=sums)
    rounded = sums.astype(np.int64)
    rounded += out.zero
    return np.clip(rounded, out.low, out.high).astype(out.dtype.numpy)


def _matmul(op: ops.MatMul, operands: Sequence[Array]) -> Doubles:
    a, b = operands[0].astype(np.float64), operands[1].astype(np.float64)
    for part, zero in ((a, op.a_zero), (b, op.b_zero)):
        if zero:
            part -= np.float64(zero)
    sums: Doubles = np.matmul(a, b)
    for bias in operands[2:]:
        sums += bias
    return sums


def _conv(op: ops.Conv, operands: Sequence[Array]) -> Doubles:
    """Gathered patches times weights; a depthwise layer adds tap by tap instead."""
    x, weight = operands[0], operands[1].astype(np.float64)
    n, channels, *spatial = x.shape
    count, per_group, *kernel = weight.shape
    centred = np.ascontiguousarray(pad(x.astype(np.int64) - op.x_zero, op.pads, 0), np.float64)
    groups = op.groups
    grid = centred.reshape(n, groups, channels // groups, *padded_sizes(op.pads, spatial))
    taps = list(windows(grid, tuple(kernel), op.strides, op.dilations))
    sizes = taps[0][1].shape[3:]
    if per_group == 1:
        scale = weight.reshape(groups, count // groups, *kernel)
        spread = [1] * len(sizes)
        parts = (view * scale[at(tap)].reshape(groups, -1, *spread) for tap, view in taps)
        result: Doubles = reduce(np.add, parts).reshape(n, count, *sizes)
    else:
        patches = np.stack([view for _, view in taps], axis=3).reshape(n, groups, -1, prod(sizes))
        result = np.matmul(weight.reshape(groups, count // groups, -1), patches).reshape(n, count, *sizes)
    for bias in operands[2:]:
        result += bias.reshape(-1, *[1] * len(sizes))
    return result
