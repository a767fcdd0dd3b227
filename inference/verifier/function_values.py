"""What the non-linear functions can give at most, whatever their argument: bounds that need no evaluation."""

from math import isqrt

from inference.ir.ops import FunctionKind
from inference.verifier.intervals import ACCUMULATOR_LIMIT, Interval

#: Kinds whose results lie in -1..1; their algorithms end in a number of at most one.
_BOUNDED = (FunctionKind.TANH, FunctionKind.ERF, FunctionKind.SIN, FunctionKind.COS)

#: Kinds whose results are natural numbers: they are built from powers, roots and sums of such.
_NATURAL = (FunctionKind.EXP, FunctionKind.RSQRT, FunctionKind.SOFTPLUS)

#: An integer root of at least 30 bits is short of the real one by less than 2^-29 of it.
_ROOT_BITS = 29


def function_values(kind: FunctionKind, x: Interval, in_bits: int, out_bits: int) -> Interval:
    """An interval that holds F(v) for every v in `x`, before the zero point is added."""
    one = 1 << out_bits
    match kind:
        case FunctionKind.SIGMOID:
            return Interval(0, one)
        case FunctionKind.SQRT:
            return Interval(_root(x.low, in_bits, out_bits)[0], _root(x.high, in_bits, out_bits)[1])
        case _ if kind in _BOUNDED:
            return Interval(-one, one)
        case _ if kind in _NATURAL:
            return Interval(0, ACCUMULATOR_LIMIT)
        case _:
            return Interval(-ACCUMULATOR_LIMIT, ACCUMULATOR_LIMIT)


def _root(v: int, in_bits: int, out_bits: int) -> tuple[int, int]:
    """Numbers below and above F(v) of SQRT: the root is rounded down to 30 bits, then to the nearest."""
    if v <= 0:
        return 0, 0
    root = isqrt((v << 2 * out_bits) >> in_bits)
    return max(root - (root >> _ROOT_BITS) - 1, 0), root + 2
