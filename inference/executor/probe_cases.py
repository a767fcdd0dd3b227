"""The probe's programs: each kernel in shapes that reach its vectorised paths, with extreme weights."""

from collections.abc import Callable

import numpy as np

from inference.ir import ops
from inference.ir.builder import ProgramBuilder
from inference.ir.ops import Requantize
from inference.ir.program import Program
from inference.ir.types import DType, Integers, Quantization

Build = Callable[[], Program]


def weights(shape: tuple[int, ...], low: int = -64, high: int = 63) -> Integers:
    """A fixed scatter over low..high whose first two output channels are all greatest and all least."""
    count = int(np.prod(shape))
    values = ((np.arange(count, dtype=np.int64) * 40503) >> 3) % (high - low + 1) + low
    values = values.reshape(shape)
    values[0], values[1] = high, low
    return values


def _conv(
    x: tuple[int, ...], w: tuple[int, ...], groups: int, dtype: DType, zero: int, wide: bool = False
) -> Build:
    def build() -> Program:
        b = ProgramBuilder()
        weight = b.constant(weights(w), DType.I8)
        bias = b.constant(np.arange(w[0]) * 997 - 3000, DType.I32)
        out = DType.I16 if wide else dtype
        shifts = tuple(6 + i % 5 for i in range(w[0]))
        op = ops.Conv(
            (1, 1), (1, 1), (1, 1, 1, 1), groups, zero, Requantize.to(out, shifts, 0 if wide else zero)
        )
        b.output(b.emit(op, b.input("x", dtype, x), weight, bias), "y")
        return b.build()

    return build


def _wide_conv(channels: int, groups: int) -> Build:
    def build() -> Program:
        b = ProgramBuilder()
        weight = b.constant(weights((24, channels // groups, 3, 3), -32_768, 32_767), DType.I16)
        bias = b.constant(np.arange(24) * 99_991 - 900_000, DType.I32)
        out = Requantize.to(DType.I16, tuple(17 + i % 5 for i in range(24)), 3)
        op = ops.Conv((1, 2), (1, 1), (1, 1, 1, 0), groups, -5, out)
        b.output(b.emit(op, b.input("x", DType.I16, (1, channels, 9, 8)), weight, bias), "y")
        return b.build()

    return build


def _matmul(rows: tuple[int, ...], columns: int, dtype: DType, zero: int, out: DType, weight: DType) -> Build:
    def build() -> Program:
        b = ProgramBuilder()
        bound = 63 if weight is DType.I8 else 32_767
        w = b.constant(weights((rows[-1], columns), -bound - 1, bound), weight)
        shifts = tuple((5 if weight is DType.I8 else 17) + i % 7 for i in range(columns))
        bias = b.constant(np.arange(columns) * 1_009 - 5_000, DType.I32)
        op = ops.MatMul(zero, 0, Requantize.to(out, shifts, zero if out is dtype else 0))
        b.output(b.emit(op, b.input("x", dtype, rows), w, bias), "y")
        return b.build()

    return build


def _pointwise(make: Callable[[ProgramBuilder, int, int], int], dtype: DType, n: int = 333) -> Build:
    def build() -> Program:
        b = ProgramBuilder()
        x, y = b.input("x", dtype, (1, n)), b.input("y", dtype, (1, n))
        b.output(make(b, x, b.emit(ops.Slice((0, n - 1), (1, n), (1, -1)), y)), "z")
        return b.build()

    return build


def _image(op: ops.Op, dtype: DType) -> Build:
    def build() -> Program:
        b = ProgramBuilder()
        b.output(b.emit(op, b.input("x", dtype, (1, 17, 11, 13))), "y")
        return b.build()

    return build


def _movement() -> Program:
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, 6, 5))
    y = b.emit(ops.Transpose((0, 2, 1)), x)
    y = b.emit(ops.Pad((0, 1, 0), (0, 2, 1), (0, 1, 2), 7), y)
    y = b.emit(ops.Slice((0, 10, 1), (1, 9, 7), (1, -1, 2)), y)
    indices = b.constant(np.array([3, -5, 99, 0]), DType.I32)
    y = b.emit(ops.Concat(1), y, b.emit(ops.Gather(1), y, indices))
    b.output(y, "moved")
    b.output(b.emit(ops.ReduceExtreme(ops.Extreme.MAX, (2,), False), y), "greatest")
    b.output(b.emit(ops.ArgExtreme(ops.Extreme.MIN, 1, False, True), y), "place")
    one = b.emit(
        ops.Expand((1, 13, 7)),
        b.emit(ops.Reshape((1, 1, 7)), b.emit(ops.Slice((0, 2, 0), (1, 1, 7), (1, 1, 1)), y)),
    )
    less = b.emit(ops.Compare(ops.Comparison.LESS), y, one)
    equal = b.emit(ops.Compare(ops.Comparison.EQUAL), y, one)
    b.output(b.emit(ops.Where(), b.emit(ops.Bitwise(ops.BitOperation.OR), less, equal), y, one), "chosen")
    b.output(b.emit(ops.MinMax(ops.Extreme.MIN), y, one), "least")
    return b.build()


def _table() -> Program:
    b = ProgramBuilder()
    x = b.input("x", DType.I16, (1, 300))
    tanh = ops.Function(ops.FunctionKind.TANH, 3, 12, 15, Requantize.to(DType.I16))
    b.output(b.emit(tanh, x), "tanh")
    byte = b.emit(ops.Rescale(0, 1, Requantize.to(DType.U8, 8, 128)), x)
    b.output(b.emit(ops.Lookup(10), byte, b.constant(weights((200,), -500, 500), DType.I32)), "looked_up")
    return b.build()


def _trees() -> Program:
    """Three complete trees of depth 4 and a lone leaf; weights need three limbs."""
    b = ProgramBuilder()
    x = b.emit(ops.Reshape((16, 20)), b.input("x", DType.I16, (1, 320)))
    inner = np.arange(15)
    child = np.concatenate(
        [np.where(2 * inner + 1 < 15, 2 * inner + 1, 13 - 2 * inner - 1) + 15 * t for t in range(3)]
    )
    below = np.where(np.tile(inner, 3) < 7, child, -1 - 2 * (np.tile(inner, 3) - 7))
    above = np.where(np.tile(inner, 3) < 7, child + 1, below - 1)
    split = np.arange(45)
    parts = [
        (np.array([0, 15, 30, -5]), DType.I32),
        (split * 7 % 20, DType.I32),
        (split * 1_301 - 30_000, DType.I64),
    ]
    parts += [(below, DType.I32), (above, DType.I32), (weights((16, 3), -(1 << 40), 1 << 40), DType.I64)]
    y = b.emit(ops.Trees(Requantize.to(DType.I64)), x, *(b.constant(v, t) for v, t in parts))
    b.output(y, "sums")
    return b.build()


def _residual(b: ProgramBuilder, x: int, y: int) -> int:
    return b.emit(ops.Add(3, 128, 5, 2, Requantize.to(DType.U8, 3, 10, 10)), x, y)


def _wide_sum(b: ProgramBuilder, x: int, y: int) -> int:
    product = b.emit(ops.Mul(5, -7, Requantize.to(DType.I32, 3)), x, y)
    return b.emit(ops.Add(0, 0, 3, -1, Requantize.to(DType.I16, 11, 1)), product, b.emit(_NEGATED, x))


def _ratio(b: ProgramBuilder, x: int, y: int) -> int:
    divisor = b.emit(ops.Rescale(-40_000, 1, Requantize.to(DType.I32)), y)
    return b.emit(ops.Div(9, 0, 7, ops.Rounding.HALF_EVEN, Requantize.to(DType.I32)), x, divisor)


def _mean(b: ProgramBuilder, x: int, y: int) -> int:
    op = ops.ReduceSum((1,), True, 3, 5, 333, Requantize.to(DType.I32, 1, -4))
    return b.emit(op, b.emit(ops.MinMax(ops.Extreme.MAX), x, y))


def _exponential(b: ProgramBuilder, x: int, y: int) -> int:
    """Two arguments of different reach, each around both ends of it."""
    low = b.emit(ops.Add(0, 0, 31, 2, Requantize.to(DType.I32, 0, -900_000)), x, y)
    high = b.emit(ops.Add(0, 0, 3, 7, Requantize.to(DType.I32, 0, 0)), x, y)
    small = ops.Function(ops.FunctionKind.EXP, 5, 16, 24, Requantize.to(DType.I32, 0, 3))
    large = ops.Function(ops.FunctionKind.EXP, -7, 15, 12, Requantize.to(DType.I32))
    return b.emit(ops.MinMax(ops.Extreme.MAX), b.emit(small, low), b.emit(large, high))


def _entry() -> Program:
    """Steps that are powers of two and others, in each width, read as bytes and in floating point."""
    b = ProgramBuilder()
    steps = (
        (DType.U8, Quantization(1, 32, 128)),
        (DType.I8, Quantization(3, 100, -5)),
        (DType.I16, Quantization(1, 4096, 7)),
        (DType.I32, Quantization(1, 1 << 28)),
        (DType.I32, Quantization(7, 1000, 99)),
        (DType.I64, Quantization(1, 1 << 20)),
    )
    for i, (dtype, quantization) in enumerate(steps):
        x, y = (b.input(f"{name}{i}", dtype, (1, 333), quantization) for name in "xy")
        b.output(b.emit(ops.Slice((0, 332), (1, 333), (1, -1)), x), f"turned{i}")
        b.output(b.emit(ops.MinMax(ops.Extreme.MIN), y, b.constant(np.array(100), dtype)), f"least{i}")
    return b.build()


def _roots(b: ProgramBuilder, x: int, y: int) -> int:
    """Arguments of every length below 2^31, even and odd bits after the point, zero and below it."""
    wide = b.emit(ops.Mul(-40_000, -33_000, Requantize.to(DType.I32, 1, 0, 0)), x, y)
    plain = ops.Function(ops.FunctionKind.SQRT, 0, 21, 22, Requantize.to(DType.I32))
    signed = ops.Function(ops.FunctionKind.SQRT, 9, 14, 15, Requantize.to(DType.I32, 0, -7))
    return b.emit(ops.MinMax(ops.Extreme.MAX), b.emit(plain, wide), b.emit(signed, b.emit(_SQUARED, x, y)))


_SQUARED = ops.Mul(0, 0, Requantize.to(DType.I32, 1))
_NEGATED = ops.Rescale(1, -3, Requantize.to(DType.I32, 1))
_SQUARE = ((3, 3), (2, 2), (1, 1), (1, 1, 1, 1))

#: Case -> the kernel it tries, and its program.
CASES: dict[str, tuple[str, Build]] = {
    "conv_dense": ("byte_conv", _conv((1, 32, 9, 9), (32, 32, 3, 3), 1, DType.U8, 7)),
    "conv_pointwise": ("byte_conv", _conv((1, 64, 7, 7), (48, 64, 1, 1), 1, DType.U8, 0)),
    "conv_grouped": ("byte_conv", _conv((1, 32, 9, 9), (32, 8, 3, 3), 4, DType.U8, 128)),
    "conv_depthwise": ("byte_conv", _conv((1, 32, 9, 9), (32, 1, 3, 3), 32, DType.U8, 3)),
    "conv_signed": ("byte_conv", _conv((1, 32, 9, 9), (32, 32, 3, 3), 1, DType.I8, -5)),
    "conv_float": ("float_conv", _conv((1, 32, 9, 9), (32, 32, 3, 3), 1, DType.U8, 7, True)),
    "conv_double": ("double_conv", _wide_conv(32, 2)),
    "conv_double_depthwise": ("double_conv", _wide_conv(24, 24)),
    "dense": ("byte_matmul", _matmul((1, 256), 40, DType.U8, 0, DType.U8, DType.I8)),
    "dense_sequence": ("byte_matmul", _matmul((1, 5, 130), 33, DType.U8, 100, DType.U8, DType.I8)),
    "dense_float": ("float_matmul", _matmul((1, 256), 40, DType.U8, 0, DType.I32, DType.I8)),
    "dense_double": ("float_matmul", _matmul((1, 256), 40, DType.I16, 0, DType.I16, DType.I16)),
    "residual": ("byte_add", _pointwise(_residual, DType.U8)),
    "wide_sum": ("float_pointwise", _pointwise(_wide_sum, DType.I16)),
    "ratio": ("float_div", _pointwise(_ratio, DType.I16)),
    "mean": ("float_sum", _pointwise(_mean, DType.I16)),
    "exponential": ("exponential", _pointwise(_exponential, DType.I16)),
    "roots": ("square_root", _pointwise(_roots, DType.I16)),
    "average_byte": (
        "byte_average",
        _image(
            ops.AveragePool((2, 2), (2, 2), (1, 1), (0, 0, 0, 0), 9, 1, 0, Requantize.to(DType.U8, 0, 9)),
            DType.U8,
        ),
    ),
    "average_float": (
        "float_average",
        _image(ops.AveragePool(*_SQUARE, 9, 3, 0, Requantize.to(DType.U8, 1, 4)), DType.U8),
    ),
    "max_pool": ("max_pool", _image(ops.MaxPool(*_SQUARE), DType.U8)),
    "max_pool_signed": ("max_pool", _image(ops.MaxPool(*_SQUARE), DType.I8)),
    "trees": ("tree_ensemble", _trees),
    "table": ("table", _table),
    "movement": ("movement", _movement),
    "entry": ("entry", _entry),
}

#: Case -> hash of the reference's outputs.
GOLDEN: dict[str, str] = {
    "conv_dense": "1d9617c31f67b6da32f34365912e3004",
    "conv_pointwise": "8f91867eb9856d4d121a6721c445058d",
    "conv_grouped": "4c9ed1d3504f08b3d9e2cda9ffac24fa",
    "conv_depthwise": "5c448bd3fe1311286245f9680cd00fad",
    "conv_signed": "413faa548b228970413e550d3cd31f36",
    "conv_float": "8c3a983916df2c8c4bc30e2d56c99fcf",
    "conv_double": "5bad9284b69dab8a8d1190e4eb107b2e",
    "conv_double_depthwise": "23209d7df176d34f5585455dda8ce63e",
    "dense": "01c6c4f1d6af738cdaf901d5f5c3683f",
    "dense_sequence": "f848edc4a18b295c80b0922629ef5ba2",
    "dense_float": "7b9de57d35b4521c4b4cccd7b8f9c027",
    "dense_double": "07ece19abf66479a785b2bd3b4d1be12",
    "residual": "28c6686e278110dae022060f8afbbcfc",
    "wide_sum": "b9ef369bf173fe160164eca47751cf0e",
    "ratio": "4f25cff7cf3fdb3b7054e90ee9c66701",
    "mean": "ce24f17a1df367d967e6b1f514959ef3",
    "exponential": "b9ce6186538adc1d932da9ce989da4b6",
    "average_byte": "82cf9dcd44330cf1ee8bc0ef6ac1d92b",
    "average_float": "b5a8d4dbc8a0a2eebb910ded935438d7",
    "max_pool": "1e681666d24345b61e306595282f6b1e",
    "max_pool_signed": "8a1e52b9998f37957942da985975b911",
    "trees": "6c8794b4e6e664f9155a770dc5dd6e05",
    "table": "498e5563fd437a38c2b8c696e2b8c446",
    "movement": "d4dea54688c66b3cff049a185885a0a8",
    "entry": "86738e385d46ba92597797cea4bba074",
    "roots": "36273ad378772dde930830f4479e274d",
}
