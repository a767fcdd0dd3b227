"""Random small programs for property tests: every operation, legal attributes, extreme weights."""

import random
from collections.abc import Sequence

import numpy as np

from inference.ir import DType, InvalidArtifact, Quantization, Requantize, TensorSpec, ops
from inference.ir.builder import ProgramBuilder
from inference.ir.program import Program
from inference.ir.types import Integers
from inference.verifier import verify

_BYTES = (DType.U8, DType.I8)
_ALL = tuple(DType)


class Generator:
    """Grows one program from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.numpy = np.random.default_rng(seed)
        self.builder = ProgramBuilder()
        self.pool: list[int] = []

    def program(self, operations: int = 6) -> Program:
        """A valid program with about that many operations."""
        r = self.random
        shapes = [(1, 4, 6, 5), (1, 3, 7), (1, 9), (1, 2, 4, 4, 3)]
        for i in range(r.choice((1, 1, 2))):
            shape = r.choice(shapes)
            dtype = r.choice((DType.U8, DType.U8, DType.I8, DType.I16, DType.U16, DType.I32))
            q = Quantization(r.choice((1, 3)), r.choice((1, 256)), r.randint(max(dtype.low, -9), 9))
            self.pool.append(self.builder.input(f"x{i}", dtype, shape, q))
        made = 0
        for _ in range(operations * 8):
            value = self._try()
            if value is not None:
                made += 1
                self.pool.append(value)
                if made == operations:
                    break
        for i, value in enumerate(self.pool[-2:]):
            self.builder.output(value, f"y{i}")
        return self.builder.build()

    def _try(self) -> int | None:
        x = self.random.choice(self.pool[-3:])
        try:
            value = self.random.choice(_MAKERS)(self, x)
        except (InvalidArtifact, ValueError, IndexError):
            return None
        probe = ProgramBuilder()
        probe.__dict__.update(
            {k: (list(v) if isinstance(v, list) else dict(v)) for k, v in self.builder.__dict__.items()}
        )
        probe._outputs = []
        probe.output(value, "probe")
        try:
            verify(probe.build())
        except InvalidArtifact:
            return None
        return value if self.builder.type_of(value).elements <= 3_000 else None

    def requantize(
        self, channels: int = 1, dtype: DType | None = None, shifts: Sequence[int] | None = None
    ) -> Requantize:
        r = self.random
        dtype = dtype or r.choice((DType.U8, DType.U8, DType.I8, DType.I16, DType.I32, r.choice(_ALL)))
        if shifts is None:
            count = r.choice((1, channels))
            shifts = [r.randint(0, 12) for _ in range(count)]
        zero = r.choice((0, 0, 1, 7, 128))
        ends = sorted((r.randint(max(dtype.low, -300), 100), r.randint(100, min(dtype.high, 40_000))))
        low, high = r.choice(
            ((dtype.low, dtype.high), (max(zero, dtype.low), max(dtype.high, zero)), tuple(ends))
        )
        return Requantize(dtype, tuple(shifts), zero, low, min(high, dtype.high))

    def scalar_requantize(self, shift: int | None = None) -> Requantize:
        return self.requantize(shifts=[self.random.randint(0, 10) if shift is None else shift])

    def zero(self) -> int:
        return self.random.choice((0, 0, 3, 128, -5))

    def weight(self, shape: Sequence[int]) -> int:
        """A constant of weights, half of the time at the ends of what a byte kernel takes."""
        dtype = self.random.choice((DType.I8, DType.I8, DType.I16))
        values = self.numpy.integers(-64, 64, shape)
        if self.random.random() < 0.3:
            values = np.where(values < 0, -64, 63)
        if dtype is DType.I16:
            values = values * 500
        return self.builder.constant(values, dtype)

    def bias(self, count: int) -> tuple[int, ...]:
        if self.random.random() < 0.5:
            return ()
        return (self.builder.constant(self.numpy.integers(-9_000, 9_000, count), DType.I32),)

    def shape(self, x: int) -> tuple[int, ...]:
        return self.builder.type_of(x).shape

    def partner(self, x: int) -> int:
        """Something that broadcasts with x: a value of its shape, itself, or a constant."""
        same = [v for v in self.pool if self.shape(v) == self.shape(x)]
        if self.random.random() < 0.6:
            return self.random.choice(same)
        shape = [self.random.choice((1, n)) for n in self.shape(x)][self.random.randint(0, 1) :]
        dtype = self.random.choice((self.builder.type_of(x).dtype, DType.I16))
        return self.builder.constant(self.numpy.integers(max(-90, dtype.low), 120, shape), dtype)

    def window(self, x: int) -> tuple[tuple[int, ...], ...]:
        """Kernel, strides, dilations, pads."""
        n = len(self.shape(x)) - 2
        r = self.random
        kernel = tuple(r.randint(1, 3) for _ in range(n))
        return (
            kernel,
            tuple(r.randint(1, 2) for _ in range(n)),
            tuple(r.choice((1, 1, 2)) for _ in range(n)),
            tuple(r.randint(0, 1) for _ in range(2 * n)),
        )


def _conv(g: Generator, x: int) -> int:
    channels = g.shape(x)[1]
    groups = g.random.choice([d for d in (1, 1, 2, 3, 4) if channels % d == 0])
    count = groups * g.random.randint(1, 4)
    kernel, strides, dilations, pads = g.window(x)
    op = ops.Conv(strides, dilations, pads, groups, g.zero(), g.requantize(count))
    return g.builder.emit(op, x, g.weight((count, channels // groups, *kernel)), *g.bias(count))


def _matmul(g: Generator, x: int) -> int:
    columns = g.random.randint(1, 6)
    out = g.requantize(columns)
    if g.random.random() < 0.3 and len(g.shape(x)) > 2:
        order = (*range(len(g.shape(x)) - 2), len(g.shape(x)) - 1, len(g.shape(x)) - 2)
        other = g.builder.emit(ops.Transpose(order), x)
        return g.builder.emit(ops.MatMul(g.zero(), g.zero(), g.requantize(g.shape(x)[-2])), x, other)
    rows = [g.shape(x)[-1], columns]
    return g.builder.emit(
        ops.MatMul(g.zero(), g.random.choice((0, 0, 2)), out), x, g.weight(rows), *g.bias(columns)
    )


def _add(g: Generator, x: int) -> int:
    m = [g.random.choice((1, 2, 4, 5, -1)) for _ in range(2)]
    return g.builder.emit(ops.Add(g.zero(), g.zero(), m[0], m[1], g.scalar_requantize()), x, g.partner(x))


def _mul(g: Generator, x: int) -> int:
    return g.builder.emit(ops.Mul(g.zero(), g.zero(), g.scalar_requantize()), x, g.partner(x))


def _rescale(g: Generator, x: int) -> int:
    return g.builder.emit(
        ops.Rescale(g.zero(), g.random.choice((1, 1, 3, -2, 1000)), g.scalar_requantize()), x
    )


def _div(g: Generator, x: int) -> int:
    other = g.partner(x)
    if g.random.random() < 0.5:
        other = g.builder.emit(ops.Rescale(0, 1, Requantize.to(DType.I16, 0, 0, 1, 30_000)), other)
    op = ops.Div(
        g.zero(), 0, g.random.randint(0, 9), g.random.choice(tuple(ops.Rounding)), g.scalar_requantize(0)
    )
    return g.builder.emit(op, x, other)


def _choose(g: Generator, x: int) -> int:
    other = g.partner(x)
    op = g.random.choice(
        (
            ops.MinMax(g.random.choice(tuple(ops.Extreme))),
            ops.Compare(g.random.choice(tuple(ops.Comparison))),
            ops.Bitwise(g.random.choice(tuple(ops.BitOperation))),
        )
    )
    return g.builder.emit(op, x, other)


def _where(g: Generator, x: int) -> int:
    y = g.partner(x)
    condition = g.builder.emit(ops.Compare(ops.Comparison.LESS), x, y)
    if g.random.random() < 0.5:
        flag = g.builder.emit(ops.Compare(ops.Comparison.EQUAL), x, y)
        condition = g.builder.emit(ops.Bitwise(g.random.choice(tuple(ops.BitOperation))), condition, flag)
    return g.builder.emit(ops.Where(), condition, x, y)


def _lookup(g: Generator, x: int) -> int:
    dtype = g.random.choice(_ALL)
    table = g.builder.constant(
        g.numpy.integers(max(dtype.low, -99), min(dtype.high, 999), g.random.choice((1, 40, 256))), dtype
    )
    return g.builder.emit(ops.Lookup(g.random.choice((0, -128, 10))), x, table)


def _function(g: Generator, x: int) -> int:
    kind = g.random.choice(tuple(ops.FunctionKind))
    op = ops.Function(
        kind, g.zero(), g.random.randint(0, 16), g.random.randint(0, 16), g.scalar_requantize(0)
    )
    return g.builder.emit(op, x)


def _reduce(g: Generator, x: int) -> int:
    rank = len(g.shape(x))
    axes = tuple(sorted(g.random.sample(range(rank), g.random.randint(1, rank))))
    keep = g.random.random() < 0.5
    if g.random.random() < 0.5:
        return g.builder.emit(ops.ReduceExtreme(g.random.choice(tuple(ops.Extreme)), axes, keep), x)
    op = ops.ReduceSum(
        axes, keep, g.zero(), g.random.choice((1, 3)), g.random.choice((1, 4, 7)), g.scalar_requantize()
    )
    return g.builder.emit(op, x)


def _order(g: Generator, x: int) -> int:
    axis = g.random.randrange(len(g.shape(x)))
    kind = g.random.choice(tuple(ops.Extreme))
    if g.random.random() < 0.5:
        return g.builder.emit(ops.ArgExtreme(kind, axis, g.random.random() < 0.5, g.random.random() < 0.5), x)
    best = g.builder.emit(ops.TopK(kind, axis, g.random.randint(1, g.shape(x)[axis])), x)
    return g.builder.emit(ops.GatherElements(axis), x, best)


def _pool(g: Generator, x: int) -> int:
    if g.random.random() < 0.5:
        return g.builder.emit(ops.MaxPool(*g.window(x)), x)
    window = g.window(x)
    op = ops.AveragePool(
        *window, g.zero(), g.random.choice((1, 3)), g.random.choice((0, 4, 9)), g.scalar_requantize()
    )
    return g.builder.emit(op, x)


def _layout(g: Generator, x: int) -> int:
    shape, r = g.shape(x), g.random
    rank = len(shape)
    match r.randrange(6):
        case 0:
            return g.builder.emit(ops.Reshape((shape[0], -(-g.builder.type_of(x).elements // shape[0]))), x)
        case 1:
            return g.builder.emit(ops.Transpose(tuple(r.sample(range(rank), rank))), x)
        case 2:
            return g.builder.emit(
                ops.Concat(r.randrange(rank)), x, r.choice([v for v in g.pool if g.shape(v) == shape])
            )
        case 3:
            step = [r.choice((1, 1, 2, -1)) for _ in shape]
            size = [
                r.randint(1, n) if s in (1, -1) else (n + 1) // 2 for n, s in zip(shape, step, strict=True)
            ]
            start = [n - 1 if s < 0 else 0 for n, s in zip(shape, step, strict=True)]
            return g.builder.emit(ops.Slice(tuple(start), tuple(size), tuple(step)), x)
        case 4:
            parts = [
                tuple(0 if i == 0 and r.random() < 0.8 else r.randint(0, 2) for i in range(rank))
                for _ in range(3)
            ]
            return g.builder.emit(ops.Pad(*parts, r.choice((0, 7))), x)
        case _:
            return g.builder.emit(ops.Expand(tuple(n if n > 1 else r.choice((1, 3)) for n in shape)), x)


def _gather(g: Generator, x: int) -> int:
    axis = g.random.randrange(len(g.shape(x)))
    indices = g.builder.constant(g.numpy.integers(-2, 9, (3,)), DType.I32)
    if g.random.random() < 0.5:
        return g.builder.emit(ops.Gather(axis), x, indices)
    places = g.builder.constant(g.numpy.integers(-1, 6, g.shape(x)), DType.I64)
    return g.builder.emit(
        ops.ScatterElements(axis, g.random.choice(tuple(ops.ScatterKind))), x, places, g.partner(x)
    )


def forest(g: Generator, features: int, trees: int, classes: int) -> list[int]:
    """Roots, features, thresholds, children and leaves of random trees, as constants."""
    feature, threshold, below, above, roots = [], [], [], [], []
    leaves: list[list[int]] = []

    def grow(depth: int) -> int:
        if depth == 0 or g.random.random() < 0.2:
            leaves.append([g.random.randint(-1_000, 1_000) for _ in range(classes)])
            return -len(leaves)
        i = len(feature)
        feature.append(g.random.randrange(features))
        threshold.append(g.random.randint(-50, 200))
        below.append(0)
        above.append(0)
        below[i], above[i] = grow(depth - 1), grow(depth - 1)
        return i

    while not feature or len(roots) < trees:
        roots.append(grow(4))
    parts = [
        (roots, DType.I32),
        (feature, DType.I32),
        (threshold, DType.I64),
        (below, DType.I32),
        (above, DType.I32),
    ]
    return [g.builder.constant(np.array(v), t) for v, t in parts] + [
        g.builder.constant(np.array(leaves), DType.I64)
    ]


def _trees(g: Generator, x: int) -> int:
    shape = g.shape(x)
    flat = g.builder.emit(ops.Reshape((shape[0], g.builder.type_of(x).elements // shape[0])), x)
    parts = forest(g, g.shape(flat)[1], g.random.randint(1, 5), g.random.randint(1, 3))
    return g.builder.emit(ops.Trees(g.scalar_requantize(0)), flat, *parts)


_MAKERS = (
    _conv,
    _conv,
    _matmul,
    _add,
    _add,
    _mul,
    _rescale,
    _div,
    _choose,
    _where,
    _lookup,
    _function,
    _reduce,
    _order,
    _pool,
    _pool,
    _layout,
    _layout,
    _gather,
    _trees,
)


def random_program(seed: int, operations: int = 6) -> Program:
    """The program of a seed."""
    return Generator(seed).program(operations)


def random_input(spec: TensorSpec, kind: int, rng: np.random.Generator) -> Integers:
    """Kind 0: all greatest; 1: all least; 2: only ends; else anything."""
    low, high = spec.dtype.low, spec.dtype.high
    match kind:
        case 0:
            return np.full(spec.shape, high)
        case 1:
            return np.full(spec.shape, low)
        case 2:
            return np.where(rng.integers(0, 2, spec.shape) > 0, high, low)
        case _:
            return rng.integers(low, high, spec.shape, endpoint=True)
