"""What operations are told besides their operands: the epilogue and the enumerations."""

from dataclasses import dataclass
from enum import IntEnum

from inference.ir.types import DType

#: Largest right or left shift: one less than the value bits of the widest accumulator.
MAX_SHIFT = 62


@dataclass(frozen=True, slots=True)
class Requantize:
    """E1, the epilogue: y = clip(R(v, shift) + zero, low, high) as `dtype`.

    `shift` has one entry for the whole tensor, or one per output channel (Conv, MatMul).
    """

    dtype: DType
    shift: tuple[int, ...]
    zero: int
    low: int
    high: int

    @staticmethod
    def to(
        dtype: DType,
        shift: int | tuple[int, ...] = 0,
        zero: int = 0,
        low: int | None = None,
        high: int | None = None,
    ) -> "Requantize":
        """An epilogue that saturates at `low` and `high`, by default the whole range of `dtype`."""
        return Requantize(
            dtype,
            (shift,) if isinstance(shift, int) else tuple(shift),
            zero,
            dtype.low if low is None else low,
            dtype.high if high is None else high,
        )


class FunctionKind(IntEnum):
    """Non-linear functions that are defined by integer algorithm (E12)."""

    EXP = 1
    LOG = 2
    TANH = 3
    SIGMOID = 4
    ERF = 5
    SQRT = 6
    RSQRT = 7
    RECIPROCAL = 8
    SIN = 9
    COS = 10
    GELU = 11
    SILU = 12
    SOFTPLUS = 13
    ATAN = 14


class Comparison(IntEnum):
    """Comparisons of integers; the others follow by swapping operands or by 1 - y."""

    EQUAL = 1
    LESS = 2
    LESS_OR_EQUAL = 3


class BitOperation(IntEnum):
    """Bitwise operations on equal dtypes; `not x` is Rescale by -1 with zero -1 (or 255, 65535)."""

    AND = 1
    OR = 2
    XOR = 3


class Extreme(IntEnum):
    """Which end of the order an operation looks for."""

    MIN = 1
    MAX = 2


class Rounding(IntEnum):
    """How a quotient becomes an integer."""

    HALF_EVEN = 1
    FLOOR = 2
    TRUNCATE = 3


class ScatterKind(IntEnum):
    """What an update does to the element it falls on."""

    SET = 1
    ADD = 2
