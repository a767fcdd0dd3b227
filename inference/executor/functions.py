"""Non-linear functions by integer algorithm (README E12). These algorithms *are* the functions' definition.

Values inside are 64-bit integers with 30 bits after the point ("Q30") unless a name says otherwise. Arguments
are below 2^31 in magnitude. Products stay below 2^62.
"""

from collections.abc import Callable
from functools import cache
from math import factorial, isqrt

import numpy as np

from inference.executor.arithmetic import bit_length, divide, shift_right, square_root
from inference.ir.ops import FunctionKind
from inference.ir.types import Integers

_BITS = 30
_ONE = 1 << _BITS

#: What a result that leaves every dtype is set to before it is clipped: +-(2^62 - 1).
_HUGE = (1 << 62) - 1

#: The exponential: octaves are cut into 2^11 steps; log2(e), ln 2 / 2^11; bits of powers and of the rest.
STEP_BITS = 11
LOG2E_Q20 = 1512775
LN2_STEP_Q46 = 23816355775
POWER_BITS = 25
REST_BITS = 26

#: Beyond this argument an exponential is 0, or leaves 62 bits.
EXP_END = 64

#: Constants rounded to the bits that their names say.
_LN2_Q40 = 762123384786
_SQRT2_Q30 = 1518500250
_HALF_SQRT2_Q30 = 759250125
_TWO_OVER_PI_Q30 = 683565276
_HALF_PI_Q30 = 1686629713
_QUARTER_PI_Q30 = 843314857
_TAN_EIGHTH_PI_Q30 = 444758426

#: Abramowitz and Stegun 7.1.26, exact to 1.5e-7: the factor of t and its polynomial.
_ERF_P_Q30 = 351748265
_ERF_Q30 = (273621191, -305476044, 1526231383, -1560310108, 1139675401)

#: Beyond this argument erf is 1 to 30 bits.
_ERF_END = 5

#: Terms of the odd series of 2 artanh and arctan after their range reductions.
_ARTANH_TERMS = 8
_ARCTAN_TERMS = 12


def apply_function(kind: FunctionKind, v: Integers, in_bits: int, out_bits: int) -> Integers:
    """f(v / 2^in_bits) * 2^out_bits as `kind` defines it, |v| < 2^31; magnitude at most 2^62 - 1."""
    return _ALGORITHMS[kind](v, in_bits, out_bits)


def _times(a: Integers, b: Integers | int) -> Integers:
    """Product of Q30 numbers."""
    return shift_right(a * b, _BITS)


def _to_bits(value: Integers, bits: int, out_bits: int) -> Integers:
    """A number with `bits` after the point given `out_bits`."""
    return shift_right(value, bits - out_bits) if bits >= out_bits else value << (out_bits - bits)


def _scaled(value: Integers, exponent: Integers) -> Integers:
    """value * 2^exponent for 0 <= value < 2^31, saturating."""
    right, left = np.clip(-exponent, 0, 62), np.clip(exponent, 0, 31)
    return np.where(exponent > 31, _HUGE * (value > 0), shift_right(value, right) << left)


def _exp(v: Integers, in_bits: int, out_bits: int) -> Integers:
    """2^(j / 2048) (1 + t): a power from a table times a remainder so small that its square is nothing.

    Arguments beyond +-64 count as +-64. Every product is below 2^53, so binary64 computes the same.
    """
    x = np.clip(v, -(EXP_END << in_bits), EXP_END << in_bits)
    j = shift_right(x * LOG2E_Q20, in_bits + 20 - STEP_BITS)
    t = shift_right((x << (46 - in_bits)) - j * LN2_STEP_Q46, 20)
    power = step_powers()[j & ((1 << STEP_BITS) - 1)] * ((1 << REST_BITS) + t)
    exponent = (j >> STEP_BITS) + (out_bits - POWER_BITS - REST_BITS)
    right, left = np.clip(-exponent, 0, 62), np.clip(exponent, 0, 8)
    return np.where(exponent > 8, _HUGE, shift_right(power, right) << left)


@cache
def step_powers() -> Integers:
    """2^(i / 2048) with 25 bits after the point, for i in 0..2047, each rounded to the nearest."""
    bits = 128
    root = 2 << 2 * bits
    for _ in range(STEP_BITS):
        root = isqrt(root) << bits
    powers, power = [], 1 << bits
    for _ in range(1 << STEP_BITS):
        powers.append(((power >> (bits - POWER_BITS - 1)) + 1) >> 1)
        power = power * (root >> bits) >> bits
    return np.array(powers, np.int64)


def _exp_of_negative(v: Integers, in_bits: int) -> Integers:
    """exp(-|v| / 2^in_bits) in Q30."""
    return np.minimum(_exp(-np.abs(v), in_bits, _BITS), _ONE)


def _log_q40(v: Integers, in_bits: int) -> Integers:
    """Natural logarithm of v / 2^in_bits for 1 <= v < 2^31, with 40 bits after the point."""
    exponent = bit_length(v) - 1
    mantissa = v << (_BITS - exponent)
    large = mantissa > _SQRT2_Q30
    one = np.where(large, 2 * _ONE, _ONE)
    z = divide((mantissa - one) << _BITS, mantissa + one)
    square = _times(z, z)
    series = np.zeros_like(z)
    for k in reversed(range(_ARTANH_TERMS)):
        series = _times(series, square) + 2 * _ONE // (2 * k + 1)
    return (exponent + large - in_bits) * _LN2_Q40 + (_times(series, z) << 10)


def _log(v: Integers, in_bits: int, out_bits: int) -> Integers:
    value = _to_bits(_log_q40(np.maximum(v, 1), in_bits), 40, out_bits)
    return np.where(v > 0, value, -_HUGE)


def _tanh(v: Integers, in_bits: int, out_bits: int) -> Integers:
    """(1 - e) / (1 + e) with e = exp(-2 |x|); an odd function."""
    e = _exp_of_negative(v, in_bits - 1) if in_bits else _exp_of_negative(2 * np.clip(v, -64, 64), 0)
    value = np.sign(v) * divide((_ONE - e) << _BITS, _ONE + e)
    return _to_bits(value, _BITS, out_bits)


def _sigmoid_q30(v: Integers, in_bits: int) -> Integers:
    e = _exp_of_negative(v, in_bits)
    return divide(np.where(v < 0, e, _ONE) << _BITS, _ONE + e)


def _sigmoid(v: Integers, in_bits: int, out_bits: int) -> Integers:
    return _to_bits(_sigmoid_q30(v, in_bits), _BITS, out_bits)


def _erf_q30(x_q28: Integers) -> Integers:
    """1 - polynomial(t) exp(-x^2) with t = 1 / (1 + p x), for an argument with 28 bits; an odd function."""
    x = np.minimum(np.abs(x_q28), _ERF_END << 28)
    t = divide(np.full_like(x, _ONE << _BITS), _ONE + _times(x << 2, _ERF_P_Q30))
    series = np.zeros_like(x)
    for coefficient in reversed(_ERF_Q30):
        series = _times(series + coefficient, t)
    tail = _times(series, _exp(-shift_right(x * x, 32), 24, _BITS))
    return np.where(x == 0, 0, np.sign(x_q28) * (_ONE - tail))


def _to_q28(v: Integers, in_bits: int) -> Integers:
    """v / 2^in_bits with 28 bits after the point, clipped to +-8: all that erf tells apart."""
    bound = 8 << in_bits
    inside = np.clip(v, -bound, bound)
    return inside << (28 - in_bits) if in_bits <= 28 else shift_right(inside, in_bits - 28)


def _erf(v: Integers, in_bits: int, out_bits: int) -> Integers:
    return _to_bits(_erf_q30(_to_q28(v, in_bits)), _BITS, out_bits)


def _gelu(v: Integers, in_bits: int, out_bits: int) -> Integers:
    """x (1 + erf(x / sqrt 2)) / 2."""
    share = _ONE + _erf_q30(_times(_to_q28(v, in_bits), _HALF_SQRT2_Q30))
    return _to_bits(v * share, in_bits + _BITS + 1, out_bits)


def _silu(v: Integers, in_bits: int, out_bits: int) -> Integers:
    """x sigmoid(x)."""
    return _to_bits(v * _sigmoid_q30(v, in_bits), in_bits + _BITS, out_bits)


def _softplus(v: Integers, in_bits: int, out_bits: int) -> Integers:
    """max(x, 0) + log(1 + exp(-|x|))."""
    total = np.minimum(_ONE + _exp_of_negative(v, in_bits), 2 * _ONE - 1)
    value = shift_right(_log_q40(total, _BITS), 10) + (np.maximum(v, 0) << (_BITS - in_bits))
    return _to_bits(value, _BITS, out_bits)


def _root(v: Integers, in_bits: int) -> tuple[Integers, Integers]:
    """Square root of v / 2^in_bits for v >= 1: a number in [2^30, 2^31) and its bits after the point."""
    shift = 61 - bit_length(v)
    shift = shift + ((shift + in_bits) & 1)
    return square_root(v << shift), (shift + in_bits) >> 1


def _sqrt(v: Integers, in_bits: int, out_bits: int) -> Integers:
    root, bits = _root(np.maximum(v, 1), in_bits)
    return np.where(v > 0, _scaled(root, out_bits - bits), 0)


def _rsqrt(v: Integers, in_bits: int, out_bits: int) -> Integers:
    root, bits = _root(np.maximum(v, 1), in_bits)
    inverse = divide(np.full_like(root, 1 << 60), root)
    return np.where(v > 0, _scaled(inverse, bits + (out_bits - 60)), _HUGE)


def _reciprocal(v: Integers, in_bits: int, out_bits: int) -> Integers:
    one = np.full_like(v, 1 << (in_bits + out_bits))
    value = np.sign(v) * divide(one, np.maximum(np.abs(v), 1))
    return np.where(v == 0, _HUGE, value)


def _sine(v: Integers, in_bits: int, out_bits: int, quarter: int) -> Integers:
    """sin(x + quarter * pi / 2): the nearest multiple of pi/2 is taken off, the rest is a series."""
    bits = in_bits + _BITS
    turns = v * _TWO_OVER_PI_Q30
    whole = shift_right(turns, bits)
    angle = _times(shift_right(turns - (whole << bits), in_bits), _HALF_PI_Q30)
    square = _times(angle, angle)
    sine, cosine = np.zeros_like(angle), np.zeros_like(angle)
    for k in reversed(range(7)):
        sign = 1 - 2 * (k & 1)
        sine = _times(sine, square) + sign * (_ONE // factorial(2 * k + 1))
        cosine = _times(cosine, square) + sign * (_ONE // factorial(2 * k))
    sine = _times(sine, angle)
    place = (whole + quarter) & 3
    value = np.where(place & 1, cosine, sine) * (1 - (place & 2))
    return _to_bits(np.clip(value, -_ONE, _ONE), _BITS, out_bits)


def _sin(v: Integers, in_bits: int, out_bits: int) -> Integers:
    return _sine(v, in_bits, out_bits, 0)


def _cos(v: Integers, in_bits: int, out_bits: int) -> Integers:
    return _sine(v, in_bits, out_bits, 1)


def _atan(v: Integers, in_bits: int, out_bits: int) -> Integers:
    """An odd function; arguments above 1 go through pi/2 - atan(1/x), above tan(pi/8) through pi/4."""
    x = np.abs(v)
    inverted = x > 1 << in_bits
    small = np.minimum(x, 1 << in_bits) << (_BITS - in_bits)
    z = np.where(inverted, divide(np.full_like(x, 1 << (_BITS + in_bits)), np.maximum(x, 1)), small)
    turned = z > _TAN_EIGHTH_PI_Q30
    z = np.where(turned, divide((z - _ONE) << _BITS, z + _ONE), z)
    square = _times(z, z)
    series = np.zeros_like(z)
    for k in reversed(range(_ARCTAN_TERMS)):
        series = _times(series, square) + (1 - 2 * (k & 1)) * (_ONE // (2 * k + 1))
    angle = _times(series, z) + turned * _QUARTER_PI_Q30
    return _to_bits(np.sign(v) * np.where(inverted, _HALF_PI_Q30 - angle, angle), _BITS, out_bits)


_ALGORITHMS: dict[FunctionKind, Callable[[Integers, int, int], Integers]] = {
    FunctionKind.EXP: _exp,
    FunctionKind.LOG: _log,
    FunctionKind.TANH: _tanh,
    FunctionKind.SIGMOID: _sigmoid,
    FunctionKind.ERF: _erf,
    FunctionKind.SQRT: _sqrt,
    FunctionKind.RSQRT: _rsqrt,
    FunctionKind.RECIPROCAL: _reciprocal,
    FunctionKind.SIN: _sin,
    FunctionKind.COS: _cos,
    FunctionKind.GELU: _gelu,
    FunctionKind.SILU: _silu,
    FunctionKind.SOFTPLUS: _softplus,
    FunctionKind.ATAN: _atan,
}
