"""The primary-slot lottery: an authority of weight w out of W wins a slot with probability 1 - (1 - c)^(w/W).

BABE computes that threshold in binary64 floating point, step by step. Other nodes' published thresholds are
therefore those of correctly rounded binary64 steps, not of the exact real number. Here each step is done in
integers: a value is `significand * 2^exponent` with at most 53 significant bits, every step rounds to
nearest, ties to even, and the power is computed with a proved error bound that is tightened until its
rounding is certain (Ziv's strategy). The result is the same on every machine.
"""

from dataclasses import dataclass

from runtime.primitives.hashing import blake2_256

THRESHOLD_BITS = 128
_SIGNIFICAND_BITS = 53
_FIRST_PRECISION = 192
_ERROR_BITS = 20
_MAX_U128 = (1 << THRESHOLD_BITS) - 1
_LOTTERY_CONTEXT = b"substrate-babe-vrf"


@dataclass(frozen=True, slots=True)
class Dyadic:
    """The number `significand * 2^exponent`, non-negative, with at most 53 significant bits."""

    significand: int
    exponent: int

    def scaled(self, bits: int) -> int:
        """`floor(self * 2^bits)`."""
        shift = self.exponent + bits
        return self.significand << shift if shift >= 0 else self.significand >> -shift


ZERO = Dyadic(0, 0)
ONE = Dyadic(1, 0)


def primary_threshold(c: tuple[int, int], weight: int, total_weight: int) -> int:
    """A draw (u128) below this number wins; `c` is a fraction in (0, 1], weights are positive with `weight <=
    total_weight`.

    A certain win would be 2^128; it saturates at the largest u128.
    """
    share = _quotient(_rounded(weight), _rounded(total_weight))
    blank = _one_minus(_quotient(_rounded(c[0]), _rounded(c[1])))
    chance: int = _one_minus(_power(blank, share)).scaled(THRESHOLD_BITS)
    return min(chance, _MAX_U128)


def draw(vrf_output: bytes) -> int:
    """The lottery ticket, a u128, that a VRF output (64 bytes) yields."""
    return int.from_bytes(blake2_256(_LOTTERY_CONTEXT + vrf_output)[:16], "little")


def _rounded(value: int, exponent: int = 0, sticky: bool = False) -> Dyadic:
    """Round `value * 2^exponent` to 53 bits, nearest, ties to even; `sticky` says that a little more than
    `value` is meant.
    """
    excess = value.bit_length() - _SIGNIFICAND_BITS
    if excess <= 0:
        return Dyadic(value, exponent)
    kept, rest, half = value >> excess, value & ((1 << excess) - 1), 1 << (excess - 1)
    if rest > half or (rest == half and (sticky or kept & 1)):
        kept += 1
    if kept >> _SIGNIFICAND_BITS:
        return Dyadic(kept >> 1, exponent + excess + 1)
    return Dyadic(kept, exponent + excess)


def _quotient(a: Dyadic, b: Dyadic) -> Dyadic:
    shift = 2 * _SIGNIFICAND_BITS + 2
    quotient, remainder = divmod(a.significand << shift, b.significand)
    return _rounded(quotient, a.exponent - b.exponent - shift, sticky=remainder > 0)


def _one_minus(x: Dyadic) -> Dyadic:
    """`1 - x` rounded, for x in [0, 1]."""
    exponent = min(x.exponent, 0)
    return _rounded((1 << -exponent) - (x.significand << (x.exponent - exponent)), exponent)


def _power(base: Dyadic, exponent: Dyadic) -> Dyadic:
    """`base^exponent` correctly rounded, for base in [0, 1] and exponent in (0, 1].

    The loop ends: a result exactly half-way between two 53-bit numbers has 54 significant bits, but an m-th
    root raised to the k-th power with k < m of a 53-bit odd significand t^m has the odd part t^k < 2^53.
    """
    if not base.significand:
        return ZERO
    if base.scaled(_FIRST_PRECISION) == 1 << _FIRST_PRECISION:
        return ONE
    if exponent.scaled(_FIRST_PRECISION) == 1 << _FIRST_PRECISION:
        return base
    precision = _FIRST_PRECISION
    while True:
        low, high = _power_bounds(base, exponent, precision)
        rounded = _rounded(low, -precision)
        if rounded == _rounded(high, -precision):
            return rounded
        precision *= 2


def _power_bounds(base: Dyadic, exponent: Dyadic, precision: int) -> tuple[int, int]:
    """Integers `low < base^exponent * 2^precision < high`, for precisions up to 2^13.

    Each series term truncates by less than one unit of 2^-precision, and a series has fewer than precision /
    3 terms. The largest errors are ln 2's, doubled by its series and multiplied by at most 53 halvings (the
    base is 2^-53 or more), once in the logarithm and once in the exponential: below 2^20 units altogether.
    Neither the exponent nor exp of a negative number enlarges what comes before it.
    """
    logarithm = _logarithm(base, precision)
    scaled = logarithm * exponent.significand
    scaled = scaled << exponent.exponent if exponent.exponent >= 0 else scaled >> -exponent.exponent
    result = _exponential(scaled, precision)
    error = 1 << _ERROR_BITS
    return result - error, result + error


def _logarithm(x: Dyadic, precision: int) -> int:
    """ln(x) * 2^precision for x > 0: ln(f 2^k) = k ln 2 + 2 atanh((f - 1) / (f + 1)), f in [2/3, 4/3]."""
    bits = x.significand.bit_length()
    halvings = bits if 3 * x.significand >= 1 << (bits + 1) else bits - 1
    one = 1 << halvings
    ratio = ((x.significand - one) << precision) // (x.significand + one)
    return (x.exponent + halvings) * _ln2(precision) + 2 * _atanh(ratio, precision)


def _ln2(precision: int) -> int:
    return 2 * _atanh((1 << precision) // 3, precision)


def _atanh(x: int, precision: int) -> int:
    """atanh(x / 2^precision) * 2^precision by its Taylor series; |x| <= 1/3: each term brings three bits."""
    square = x * x >> precision
    total, power, odd = 0, x, 1
    while power not in (0, -1):
        total += power // odd
        power = power * square >> precision
        odd += 2
    return total


def _exponential(x: int, precision: int) -> int:
    """exp(x / 2^precision) * 2^precision for x <= 0: exp(q ln 2 + r) = 2^q exp(r) with 0 <= r < ln 2."""
    halvings, rest = divmod(x, _ln2(precision))
    total, term, index = 0, 1 << precision, 1
    while term:
        total += term
        term = (term * rest >> precision) // index
        index += 1
    return total >> -halvings if halvings < 0 else total << halvings
