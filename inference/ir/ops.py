"""The closed op set, version 1: one frozen dataclass per operation, its attributes as fields.

Every operation has exactly one result and an exact integer meaning: the numbered equation in the package
README that its docstring names. `R(v, s)` is v / 2^s rounded half to even, `clip` is the only saturation
there is, and whatever is not clipped is proved in range by the verifier. The order of fields is the
artifact's order.
"""

from dataclasses import dataclass
from typing import ClassVar

from inference.ir.attributes import (
    MAX_SHIFT,
    BitOperation,
    Comparison,
    Extreme,
    FunctionKind,
    Requantize,
    Rounding,
    ScatterKind,
)

__all__ = [
    "MAX_SHIFT",
    "OPS",
    "OPSET_VERSION",
    "OP_BY_CODE",
    "BitOperation",
    "Comparison",
    "Extreme",
    "FunctionKind",
    "Op",
    "Requantize",
    "Rounding",
    "ScatterKind",
]

OPSET_VERSION = 1


@dataclass(frozen=True, slots=True)
class Conv:
    """E2: convolution (x [N, C, *D], weight [O, C/groups, *K][, bias [O]]); 1 to 3 spatial dims.

    acc = sum((x - x_zero) * weight) + bias, y = E1(acc). A padded place counts as x_zero, so it adds nothing.
    `pads` are the begins then the ends.
    """

    code: ClassVar[int] = 1
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    groups: int
    x_zero: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class MatMul:
    """E3: matrix product (a, b[, bias [columns]]) as numpy.matmul of ranks >= 2.

    y = E1((a - a_zero) @ (b - b_zero) + bias).
    """

    code: ClassVar[int] = 2
    a_zero: int
    b_zero: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class Add:
    """E4: y = E1((a - a_zero) * a_multiplier + (b - b_zero) * b_multiplier), broadcast as in numpy."""

    code: ClassVar[int] = 3
    a_zero: int
    b_zero: int
    a_multiplier: int
    b_multiplier: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class Mul:
    """E5: y = E1((a - a_zero) * (b - b_zero)), operands broadcast."""

    code: ClassVar[int] = 4
    a_zero: int
    b_zero: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class Rescale:
    """E6: y = E1((x - x_zero) * multiplier): change of scale, cast, clip, negation, sign."""

    code: ClassVar[int] = 5
    x_zero: int
    multiplier: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class Div:
    """E7: y = clip(round(((a - a_zero) * 2^a_shift) / (b - b_zero)) + zero); out.shift is (0,).

    A zero divisor gives `high`, `low` or clip(zero) for a positive, negative or zero dividend.
    """

    code: ClassVar[int] = 6
    a_zero: int
    b_zero: int
    a_shift: int
    rounding: Rounding
    out: Requantize


@dataclass(frozen=True, slots=True)
class MinMax:
    """E8: the smaller or larger of two broadcast operands of one dtype."""

    code: ClassVar[int] = 7
    kind: Extreme


@dataclass(frozen=True, slots=True)
class Compare:
    """E9: y = 1 where the comparison holds, else 0, as u8; operands broadcast, dtypes may differ."""

    code: ClassVar[int] = 8
    kind: Comparison


@dataclass(frozen=True, slots=True)
class Where:
    """E10: (condition, a, b) -> a where condition is not 0, else b; a and b of one dtype; all broadcast."""

    code: ClassVar[int] = 9


@dataclass(frozen=True, slots=True)
class Bitwise:
    """E11: and, or, exclusive or of two's complement operands of one dtype, broadcast."""

    code: ClassVar[int] = 10
    kind: BitOperation


@dataclass(frozen=True, slots=True)
class Lookup:
    """E13: (x, table) -> table[clip(x - base, 0, length - 1)]; the table is a constant of rank 1."""

    code: ClassVar[int] = 11
    base: int


@dataclass(frozen=True, slots=True)
class Function:
    """E12: y = clip(F(x - x_zero) + zero); out.shift is (0,).

    F(v) is f(v / 2^in_bits) * 2^out_bits by the kind's integer algorithm, which is the definition.
    |x - x_zero| is proved below 2^31.
    """

    code: ClassVar[int] = 12
    kind: FunctionKind
    x_zero: int
    in_bits: int
    out_bits: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class ReduceSum:
    """E14: sum and mean over axes.

    y = clip(round_half_even(multiplier * sum(x - x_zero) / (divisor * 2^shift)) + zero).
    """

    code: ClassVar[int] = 13
    axes: tuple[int, ...]
    keepdims: bool
    x_zero: int
    multiplier: int
    divisor: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class ReduceExtreme:
    """E15: least or greatest element over axes."""

    code: ClassVar[int] = 14
    kind: Extreme
    axes: tuple[int, ...]
    keepdims: bool


@dataclass(frozen=True, slots=True)
class ArgExtreme:
    """E16: index (i32) of the least or greatest element along an axis; of equals the first, or the `last`."""

    code: ClassVar[int] = 15
    kind: Extreme
    axis: int
    keepdims: bool
    last: bool


@dataclass(frozen=True, slots=True)
class TopK:
    """E17: indices (i32) of the k least or greatest elements along an axis.

    The best comes first; of equals the lower index comes first.
    """

    code: ClassVar[int] = 16
    kind: Extreme
    axis: int
    k: int


@dataclass(frozen=True, slots=True)
class MaxPool:
    """E18: greatest element per window of x [N, C, *D]; no window lies in padding only."""

    code: ClassVar[int] = 17
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AveragePool:
    """E19: as E14 per window, pads adding nothing; divisor 0 is the window's number of real elements."""

    code: ClassVar[int] = 18
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    x_zero: int
    multiplier: int
    divisor: int
    out: Requantize


@dataclass(frozen=True, slots=True)
class Reshape:
    """E20: the same elements in row-major order under another shape."""

    code: ClassVar[int] = 19
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transpose:
    """E21: axis i of the result is axis permutation[i] of x."""

    code: ClassVar[int] = 20
    permutation: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Concat:
    """E22: one to 1,024 operands of one dtype joined along an axis."""

    code: ClassVar[int] = 21
    axis: int


@dataclass(frozen=True, slots=True)
class Slice:
    """E23: y[i] = x[start + i * step] for i < size, per axis, all inside x; steps may be negative."""

    code: ClassVar[int] = 22
    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pad:
    """E24: `value` put before, after and (interior) between elements, per axis.

    A transposed convolution is an interior padding and a Conv with flipped weights.
    """

    code: ClassVar[int] = 23
    before: tuple[int, ...]
    after: tuple[int, ...]
    interior: tuple[int, ...]
    value: int


@dataclass(frozen=True, slots=True)
class Expand:
    """E25: broadcast to a shape, as numpy.broadcast_to."""

    code: ClassVar[int] = 24
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gather:
    """E26: (x, indices) -> numpy.take(x, clip(indices, 0, length - 1), axis)."""

    code: ClassVar[int] = 25
    axis: int


@dataclass(frozen=True, slots=True)
class GatherElements:
    """E27: (x, indices) -> numpy.take_along_axis with clipped indices; equal shapes off the axis."""

    code: ClassVar[int] = 26
    axis: int


@dataclass(frozen=True, slots=True)
class ScatterElements:
    """E28: (x, indices, updates): updates set or added along an axis, in row-major order, indices clipped."""

    code: ClassVar[int] = 27
    axis: int
    kind: ScatterKind


@dataclass(frozen=True, slots=True)
class Trees:
    """E29: (x [N, F], roots [T], feature, threshold, below, above [I], leaves [L, C]) -> [N, C].

    y = E1(sum over trees of the leaf that x reaches). All but x are constants. Node i goes to below[i] if
    x[feature[i]] <= threshold[i], else to above[i]. A child or root c >= 0 is a node that nothing else leads
    to, of a greater index than its parent; c < 0 is the leaf -1 - c, which trees may share. `a < t` is
    `a <= t - 1`.
    """

    code: ClassVar[int] = 28
    out: Requantize


Op = (
    Conv
    | MatMul
    | Add
    | Mul
    | Rescale
    | Div
    | MinMax
    | Compare
    | Where
    | Bitwise
    | Lookup
    | Function
    | ReduceSum
    | ReduceExtreme
    | ArgExtreme
    | TopK
    | MaxPool
    | AveragePool
    | Reshape
    | Transpose
    | Concat
    | Slice
    | Pad
    | Expand
    | Gather
    | GatherElements
    | ScatterElements
    | Trees
)

OPS: tuple[type[Op], ...] = Op.__args__
OP_BY_CODE: dict[int, type[Op]] = {op.code: op for op in OPS}
