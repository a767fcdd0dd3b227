"""Result types: the one place that says which operands an operation takes and what shape comes out."""

from collections.abc import Sequence
from math import prod

from inference.ir import ops
from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.types import DType, TensorType

#: Operands of each operation: least and most.
ARITY: dict[type[ops.Op], tuple[int, int]] = {
    ops.Conv: (2, 3),
    ops.MatMul: (2, 3),
    ops.Concat: (1, 1024),
    ops.Where: (3, 3),
    ops.ScatterElements: (3, 3),
    ops.Trees: (7, 7),
    **dict.fromkeys(
        (
            ops.Add,
            ops.Mul,
            ops.Div,
            ops.MinMax,
            ops.Compare,
            ops.Bitwise,
            ops.Lookup,
            ops.Gather,
            ops.GatherElements,
        ),
        (2, 2),
    ),
}

#: dtypes of a bias: what an accumulator may be started with.
_BIAS = (DType.I32, DType.I64)


def require(condition: bool, detail: str, fault: ArtifactFault = ArtifactFault.BAD_TYPE) -> None:
    """Raise InvalidArtifact(fault, detail) unless the condition holds."""
    if not condition:
        raise InvalidArtifact(fault, detail)


def result_type(op: ops.Op, operands: Sequence[TensorType]) -> TensorType:
    """Dtype and shape of `op` applied to such operands; raises InvalidArtifact(BAD_ARITY | BAD_TYPE)."""
    least, most = ARITY.get(type(op), (1, 1))
    require(
        least <= len(operands) <= most,
        f"{type(op).__name__} takes {least} to {most} operands, not {len(operands)}",
        ArtifactFault.BAD_ARITY,
    )
    x = operands[0]
    match op:
        case ops.Conv() | ops.MaxPool() | ops.AveragePool():
            return _windowed(op, operands)
        case ops.MatMul(out=out):
            shape = _matmul(operands)
            _epilogue(out, shape[-1], operands[2:])
            return TensorType(out.dtype, shape)
        case ops.Add(out=out) | ops.Mul(out=out) | ops.Div(out=out):
            return TensorType(out.dtype, broadcast(x.shape, operands[1].shape))
        case ops.Rescale(out=out) | ops.Function(out=out):
            return TensorType(out.dtype, x.shape)
        case ops.MinMax() | ops.Bitwise():
            _same_dtype(op, operands)
            return TensorType(x.dtype, broadcast(x.shape, operands[1].shape))
        case ops.Compare():
            return TensorType(DType.U8, broadcast(x.shape, operands[1].shape))
        case ops.Where():
            _same_dtype(op, operands[1:])
            shape = broadcast(broadcast(x.shape, operands[1].shape), operands[2].shape)
            return TensorType(operands[1].dtype, shape)
        case ops.Lookup():
            require(len(operands[1].shape) == 1, "a Lookup table has rank 1")
            return TensorType(operands[1].dtype, x.shape)
        case ops.ReduceSum(out=out):
            return TensorType(out.dtype, _reduced(x.shape, op.axes, op.keepdims))
        case ops.ReduceExtreme():
            return TensorType(x.dtype, _reduced(x.shape, op.axes, op.keepdims))
        case ops.ArgExtreme():
            return TensorType(DType.I32, _reduced(x.shape, (op.axis,), op.keepdims))
        case ops.TopK(axis=axis, k=k):
            _axis(axis, x.shape)
            require(1 <= k <= x.shape[axis], f"TopK k {k} of {x.shape[axis]}")
            return TensorType(DType.I32, (*x.shape[:axis], k, *x.shape[axis + 1 :]))
        case ops.Trees(out=out):
            return TensorType(out.dtype, _trees(operands))
        case _:
            return _layout(op, operands)


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The numpy broadcast of two shapes; raises InvalidArtifact(BAD_TYPE)."""
    rank = max(len(a), len(b))
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    require(
        all(p == q or 1 in (p, q) for p, q in zip(a, b, strict=True)), f"shapes {a} and {b} do not broadcast"
    )
    return tuple(q if p == 1 else p for p, q in zip(a, b, strict=True))


def window_sizes(
    spatial: tuple[int, ...], kernel: tuple[int, ...], op: ops.Conv | ops.MaxPool | ops.AveragePool
) -> tuple[int, ...]:
    """Spatial result sizes of a sliding window; raises InvalidArtifact(BAD_TYPE) if there is none."""
    n = len(spatial)
    lengths = (len(kernel), len(op.strides), len(op.dilations), len(op.pads))
    require(
        1 <= n <= 3 and lengths == (n, n, n, 2 * n),
        f"{type(op).__name__} attributes do not fit {n} spatial dims",
    )
    sizes = []
    for i in range(n):
        padded = spatial[i] + op.pads[i] + op.pads[n + i]
        extent = op.dilations[i] * (kernel[i] - 1) + 1
        require(padded >= extent, f"window extent {extent} is larger than the padded input {padded}")
        sizes.append((padded - extent) // op.strides[i] + 1)
    return tuple(sizes)


def _windowed(op: ops.Conv | ops.MaxPool | ops.AveragePool, operands: Sequence[TensorType]) -> TensorType:
    x = operands[0]
    require(len(x.shape) >= 3, f"{type(op).__name__} input {x} has rank below 3")
    channels, spatial = x.shape[1], x.shape[2:]
    if not isinstance(op, ops.Conv):
        dtype = op.out.dtype if isinstance(op, ops.AveragePool) else x.dtype
        return TensorType(dtype, (x.shape[0], channels, *window_sizes(spatial, op.kernel, op)))
    weight = operands[1]
    require(len(weight.shape) == len(x.shape), f"Conv weight {weight} has not the rank of {x}")
    count = weight.shape[0]
    require(
        weight.shape[1] * op.groups == channels and count % op.groups == 0,
        f"Conv weight {weight} with {op.groups} groups does not fit input {x}",
    )
    _epilogue(op.out, count, operands[2:])
    return TensorType(op.out.dtype, (x.shape[0], count, *window_sizes(spatial, weight.shape[2:], op)))


def _matmul(operands: Sequence[TensorType]) -> tuple[int, ...]:
    a, b = operands[0].shape, operands[1].shape
    require(len(a) >= 2 and len(b) >= 2 and a[-1] == b[-2], f"MatMul of {operands[0]} and {operands[1]}")
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])


def _epilogue(out: ops.Requantize, channels: int, bias: Sequence[TensorType]) -> None:
    require(len(out.shift) in (1, channels), f"{len(out.shift)} shifts for {channels} channels")
    for b in bias:
        require(b.dtype in _BIAS and b.shape == (channels,), f"bias {b} for {channels} channels")


def _same_dtype(op: ops.Op, operands: Sequence[TensorType]) -> None:
    require(len({t.dtype for t in operands}) == 1, f"{type(op).__name__} operands differ in dtype")


def _axis(axis: int, shape: tuple[int, ...]) -> None:
    require(0 <= axis < len(shape), f"axis {axis} of shape {shape}")


def _reduced(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    require(bool(axes) and list(axes) == sorted(set(axes)), f"axes {axes} are not strictly increasing")
    for axis in axes:
        _axis(axis, shape)
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _trees(operands: Sequence[TensorType]) -> tuple[int, ...]:
    x, roots, feature, threshold, below, above, leaves = operands
    require(
        len(x.shape) == 2 and len(leaves.shape) == 2,
        f"Trees take x [N, F] and leaves [L, C], not {x}, {leaves}",
    )
    require(roots.dtype is DType.I32 and len(roots.shape) == 1, f"tree roots {roots} are not i32[T]")
    split = feature.shape
    require(
        len(split) == 1 and threshold.shape == split, f"tree features {feature} and thresholds {threshold}"
    )
    for part in (feature, below, above):
        require(part.dtype is DType.I32 and part.shape == split, f"tree part {part} is not i32{split}")
    return (x.shape[0], leaves.shape[1])


def _layout(op: ops.Op, operands: Sequence[TensorType]) -> TensorType:
    x = operands[0]
    rank = len(x.shape)
    match op:
        case ops.Reshape(shape=shape):
            require(prod(shape) == x.elements, f"Reshape of {x} to {shape}")
            return TensorType(x.dtype, shape)
        case ops.Transpose(permutation=permutation):
            require(sorted(permutation) == list(range(rank)), f"permutation {permutation} of {x}")
            return TensorType(x.dtype, tuple(x.shape[i] for i in permutation))
        case ops.Concat(axis=axis):
            return _concat(op, axis, operands)
        case ops.Slice(starts=starts, sizes=sizes, steps=steps):
            require(len(starts) == len(sizes) == len(steps) == rank, f"Slice attributes do not fit {x}")
            for n, start, size, step in zip(x.shape, starts, sizes, steps, strict=True):
                inside = 0 <= start < n and 0 <= start + (size - 1) * step < n
                require(size >= 1 and step != 0 and inside, f"Slice {start}, {size}, {step} of {n}")
            return TensorType(x.dtype, sizes)
        case ops.Pad(before=before, after=after, interior=interior, value=value):
            require(len(before) == len(after) == len(interior) == rank, f"Pad attributes do not fit {x}")
            require(x.dtype.low <= value <= x.dtype.high, f"pad value {value} in {x.dtype.text}")
            parts = zip(x.shape, before, after, interior, strict=True)
            return TensorType(x.dtype, tuple(b + n + (n - 1) * i + a for n, b, a, i in parts))
        case ops.Expand(shape=shape):
            require(broadcast(x.shape, shape) == shape, f"Expand of {x} to {shape}")
            return TensorType(x.dtype, shape)
        case ops.Gather(axis=axis):
            _axis(axis, x.shape)
            return TensorType(x.dtype, (*x.shape[:axis], *operands[1].shape, *x.shape[axis + 1 :]))
        case ops.GatherElements(axis=axis):
            _along(axis, x, operands[1])
            return TensorType(x.dtype, operands[1].shape)
        case ops.ScatterElements(axis=axis):
            _along(axis, x, operands[1])
            updates = operands[2]
            fits = updates.dtype is x.dtype and updates.shape == operands[1].shape
            require(fits, f"ScatterElements updates {updates} for {x} and indices {operands[1]}")
            return x
        case _:
            raise AssertionError(f"{type(op).__name__} has no type rule")


def _concat(op: ops.Op, axis: int, operands: Sequence[TensorType]) -> TensorType:
    x = operands[0]
    _axis(axis, x.shape)
    _same_dtype(op, operands)
    rest = {(len(t.shape), t.shape[:axis], t.shape[axis + 1 :]) for t in operands}
    require(len(rest) == 1, "Concat operands differ off the axis")
    return TensorType(x.dtype, (*x.shape[:axis], sum(t.shape[axis] for t in operands), *x.shape[axis + 1 :]))


def _along(axis: int, x: TensorType, indices: TensorType) -> None:
    _axis(axis, x.shape)
    same = len(indices.shape) == len(x.shape) and all(
        i == axis or n == m for i, (n, m) in enumerate(zip(x.shape, indices.shape, strict=True))
    )
    require(same, f"indices {indices} for {x} along axis {axis}")
