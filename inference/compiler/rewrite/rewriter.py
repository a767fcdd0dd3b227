"""The tool that rewriting rules work with: emits canonical opset-20 nodes and keeps their static types."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Array, Builder, Graph, Node, TensorType

CANONICAL_OPSET = 20

FLOAT = np.dtype(np.float32)
INT = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)


class Rewriter(Builder):
    """A builder with one method per canonical operation; results are value names.

    `stem` is the name of the node being rewritten, so that what it becomes still says where it came from;
    `wide` marks the nodes that need the wide tier (normalisers, soft-max: small differences of large
    numbers).
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.stem = ""
        self.wide = False
        self.opset = graph.opset
        self.quantised: dict[str, tuple[str, float, float]] = {}
        self.levels: dict[str, tuple[float, int]] = {}
        self.classes: dict[str, tuple[str, ...]] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        """Static shape of a value."""
        return self.types[name].shape

    def rank(self, name: str) -> int:
        """Number of dimensions of a value."""
        return len(self.types[name].shape)

    def is_float(self, name: str) -> bool:
        """Whether a value is real-valued."""
        return self.types[name].is_float

    def known(self, name: str) -> Array | None:
        """The value if it is constant, else None."""
        return self.constants.get(name)

    def need(self, node: Node, index: int, what: str) -> Array:
        """Constant operand `index`; refuses the model when it is computed."""
        value = self.known(node.input(index))
        if value is None:
            raise UnsupportedModel(
                node.op, node.name, f"{what} must be a constant of the model, not computed"
            )
        return value

    def emit(
        self, op: str, inputs: Sequence[str], dtype: np.dtype[Any], shape: Sequence[int], **attributes: Any
    ) -> str:
        """Adds a node and returns its result."""
        if self.wide:
            attributes["_wide"] = 1
        return self.node(
            op, self.stem, inputs, TensorType(dtype, tuple(int(size) for size in shape)), **attributes
        )

    def value(self, array: Any, dtype: np.dtype[Any] = FLOAT) -> str:
        """A constant."""
        return self.constant(f"{self.stem}.constant", np.asarray(array, dtype=dtype))

    def unary(self, op: str, x: str, **attributes: Any) -> str:
        """An element-wise operation of one operand."""
        return self.emit(op, (x,), self.types[x].dtype, self.shape(x), **attributes)

    def binary(self, op: str, a: str, b: str) -> str:
        """An element-wise operation of two operands that broadcast."""
        return self.emit(op, (a, b), self.types[a].dtype, np.broadcast_shapes(self.shape(a), self.shape(b)))

    def scaled(self, x: str, factor: float) -> str:
        """x times a number."""
        return x if factor == 1 else self.binary("Mul", x, self.value(factor))

    def compare(self, op: str, a: str, b: str) -> str:
        """Equal, Less, LessOrEqual, Greater, GreaterOrEqual, And, Or or Xor of two operands."""
        return self.emit(op, (a, b), BOOL, np.broadcast_shapes(self.shape(a), self.shape(b)))

    def where(self, condition: str, a: str, b: str) -> str:
        """a where the condition holds, else b."""
        shape = np.broadcast_shapes(self.shape(condition), self.shape(a), self.shape(b))
        return self.emit("Where", (condition, a, b), self.types[a].dtype, shape)

    def cast(self, x: str, dtype: np.dtype[Any]) -> str:
        """Change of element type."""
        if self.types[x].dtype == dtype:
            return x
        codes = {
            FLOAT: 1,
            INT: 7,
            BOOL: 9,
            np.dtype(np.uint8): 2,
            np.dtype(np.int8): 3,
            np.dtype(np.uint16): 4,
            np.dtype(np.int16): 5,
            np.dtype(np.int32): 6,
            np.dtype(np.uint32): 12,
            np.dtype(np.uint64): 13,
        }
        return self.emit("Cast", (x,), dtype, self.shape(x), to=codes[dtype])

    def matmul(self, a: str, b: str) -> str:
        """Matrix product of values of rank two or more."""
        left, right = self.shape(a), self.shape(b)
        batch = np.broadcast_shapes(left[:-2], right[:-2])
        return self.emit("MatMul", (a, b), self.types[a].dtype, (*batch, left[-2], right[-1]))

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """The same elements under another shape."""
        if tuple(shape) == self.shape(x):
            return x
        known = self.known(x)
        if known is not None:
            return self.constant(f"{self.stem}.constant", known.reshape(tuple(shape)))
        target = self.value(shape, INT)
        return self.emit("Reshape", (x, target), self.types[x].dtype, shape)

    def transpose(self, x: str, permutation: Sequence[int]) -> str:
        """Axes in another order."""
        if list(permutation) == list(range(self.rank(x))):
            return x
        known = self.known(x)
        if known is not None:
            return self.constant(f"{self.stem}.constant", np.ascontiguousarray(known.transpose(permutation)))
        shape = [self.shape(x)[axis] for axis in permutation]
        return self.emit(
            "Transpose", (x,), self.types[x].dtype, shape, perm=tuple(int(axis) for axis in permutation)
        )

    def reduce(self, op: str, x: str, axes: Sequence[int], keepdims: bool = True) -> str:
        """ReduceSum, ReduceMean, ReduceMax or ReduceMin over axes."""
        rank = self.rank(x)
        axes = sorted({axis % rank for axis in axes})
        if not axes:
            return x
        full = self.shape(x)
        kept = [1 if axis in axes else size for axis, size in enumerate(full)]
        shape = kept if keepdims else [size for axis, size in enumerate(full) if axis not in axes]
        operand = self.value(axes, INT)
        return self.emit(op, (x, operand), self.types[x].dtype, shape, keepdims=int(keepdims))

    def gather(self, x: str, indices: Any, axis: int) -> str:
        """Elements at constant places of an axis; a scalar index drops the axis."""
        places = np.asarray(indices, dtype=np.int64)
        axis %= self.rank(x)
        full = self.shape(x)
        operand = self.value(places, INT)
        shape = (*full[:axis], *places.shape, *full[axis + 1 :])
        return self.emit("Gather", (x, operand), self.types[x].dtype, shape, axis=axis)

    def from_end(self, places: str, size: int) -> str:
        """Places along an axis as 64-bit integers, negative ones counted from its end."""
        known = self.known(places)
        if known is not None:
            return self.value(np.where(known < 0, known + size, known), INT)
        places = self.cast(places, INT)
        below = self.compare("Less", places, self.value(0, INT))
        return self.binary("Add", places, self.where(below, self.value(size, INT), self.value(0, INT)))

    def scatter(self, x: str, places: str, updates: str, axis: int, reduction: str) -> str:
        """x with updates set ("none") or added ("add") at places along an axis."""
        operands = (x, places, updates)
        return self.emit(
            "ScatterElements", operands, self.types[x].dtype, self.shape(x), axis=axis, reduction=reduction
        )

    def along(self, x: str, axis: int, weights: Any) -> str:
        """Each line of x along an axis times a constant matrix."""
        rank = self.rank(x)
        if rank == 1:
            row = self.matmul(self.reshape(x, (1, *self.shape(x))), self.value(weights))
            return self.reshape(row, self.shape(row)[1:])
        order = [at for at in range(rank) if at != axis % rank] + [axis % rank]
        result = self.matmul(self.transpose(x, order), self.value(weights))
        return self.transpose(result, [order.index(at) for at in range(rank)])

    def slice(self, x: str, starts: Sequence[int], sizes: Sequence[int], steps: Sequence[int]) -> str:
        """Per axis: `sizes` elements from `starts` on in `steps`; all axes are given."""
        full = self.shape(x)
        if tuple(sizes) == full and all(step > 0 for step in steps):
            return x
        ends: list[int] = []
        for start, size, step in zip(starts, sizes, steps, strict=True):
            end = start + size * step
            ends.append(end if end >= 0 else -(1 << 62))
        operands = [self.value(part, INT) for part in (starts, ends, range(len(full)), steps)]
        return self.emit("Slice", (x, *operands), self.types[x].dtype, sizes)

    def part(self, x: str, axis: int, start: int, size: int) -> str:
        """A run of elements along one axis."""
        full = list(self.shape(x))
        axis %= len(full)
        starts = [start if at == axis else 0 for at in range(len(full))]
        sizes = [size if at == axis else length for at, length in enumerate(full)]
        return self.slice(x, starts, sizes, [1] * len(full))

    def concat(self, parts: Sequence[str], axis: int) -> str:
        """Values joined along an axis."""
        if len(parts) == 1:
            return parts[0]
        axis %= self.rank(parts[0])
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        return self.emit("Concat", parts, self.types[parts[0]].dtype, shape, axis=axis)

    def pad(self, x: str, before: Sequence[int], after: Sequence[int], value: float) -> str:
        """Constant padding."""
        if not any(before) and not any(after):
            return x
        full = self.shape(x)
        shape = [size + low + high for size, low, high in zip(full, before, after, strict=True)]
        pads = self.value([*before, *after], INT)
        filler = self.value(value, self.types[x].dtype)
        return self.emit("Pad", (x, pads, filler), self.types[x].dtype, shape, mode="constant")

    def expand(self, x: str, shape: Sequence[int]) -> str:
        """Broadcast to a shape."""
        if tuple(shape) == self.shape(x):
            return x
        return self.emit("Expand", (x, self.value(shape, INT)), self.types[x].dtype, shape)

    def softmax(self, x: str, axes: Sequence[int]) -> str:
        """exp(x - max) / sum(exp(x - max)) over axes, in the wide tier."""
        before, self.wide = self.wide, True
        shifted = self.binary("Sub", x, self.reduce("ReduceMax", x, axes))
        powers = self.unary("Exp", shifted)
        result = self.binary("Div", powers, self.reduce("ReduceSum", powers, axes))
        self.wide = before
        return result

    def normalised(self, x: str, axes: Sequence[int], epsilon: float, centred: bool = True) -> str:
        """(x - mean) / sqrt(variance + epsilon) over axes; without `centred`, x / sqrt(mean square +
        epsilon).
        """
        before, self.wide = self.wide, True
        if centred:
            x = self.binary("Sub", x, self.reduce("ReduceMean", x, axes))
        variance = self.reduce("ReduceMean", self.binary("Mul", x, x), axes)
        root = self.unary("Sqrt", self.binary("Add", variance, self.value(epsilon)))
        result = self.binary("Div", x, root)
        self.wide = before
        return result

    def argmax(
        self, x: str, axis: int, keepdims: bool = False, op: str = "ArgMax", last: bool = False
    ) -> str:
        """Index of the greatest (ArgMin: least) element along an axis."""
        full = self.shape(x)
        axis %= len(full)
        shape = (*full[:axis], *((1,) if keepdims else ()), *full[axis + 1 :])
        return self.emit(op, (x,), INT, shape, axis=axis, keepdims=int(keepdims), select_last_index=int(last))
