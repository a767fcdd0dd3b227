"""What an era may pay: inflation as a function of how much of the issuance is at stake.

Polkadot's curve for nominated proof of stake: from `MIN_INFLATION` with nothing at stake it rises in a
straight line to `MAX_INFLATION` at `IDEAL_STAKE`, and halves its distance to the minimum with each `FALLOFF`
beyond, so that not all funds are drawn out of use. The falling side is interpolated between points. All
numbers are billionths.
"""

from itertools import pairwise

from runtime.primitives.fixed import PERBILL_ONE

MIN_INFLATION = 25_000_000
MAX_INFLATION = 100_000_000
IDEAL_STAKE = 500_000_000
FALLOFF = 50_000_000
MILLISECONDS_PER_YEAR = 1000 * 3600 * 24 * 36525 // 100

_HALF_POINTS = 2
"""Points of the falling side for each halving: linear pieces then err by less than 1.5 % of the distance."""
_ROOT_OF_HALF = 707_106_781
"""The square root of one half, in billionths: the step from one point to the next."""


def _points() -> tuple[tuple[int, int], ...]:
    points = [(0, MIN_INFLATION), (IDEAL_STAKE, MAX_INFLATION)]
    excess = MAX_INFLATION - MIN_INFLATION
    step = FALLOFF // _HALF_POINTS
    for number in range(1, (PERBILL_ONE - IDEAL_STAKE) // step + 1):
        halvings, odd = divmod(number, _HALF_POINTS)
        height = excess >> halvings
        points.append(
            (
                IDEAL_STAKE + number * step,
                MIN_INFLATION + (height * _ROOT_OF_HALF // PERBILL_ONE if odd else height),
            )
        )
    return tuple(points)


CURVE = _points()
"""(share of the issuance at stake, yearly inflation), rising in the first."""


def yearly_payout(staked: int, issuance: int) -> int:
    """The curve at `staked / issuance`, times the issuance, rounded down: units per year.

    A stake above the issuance counts as all of it; an empty chain pays nothing.
    """
    if issuance == 0:
        return 0
    staked = min(staked, issuance)
    for (left, low), (right, high) in pairwise(CURVE):
        if staked * PERBILL_ONE <= right * issuance:
            # The line through both points at staked / issuance, over one common denominator.
            width = right - left
            rise = (high - low) * (staked * PERBILL_ONE - left * issuance)
            return (low * width * issuance + rise) // (width * PERBILL_ONE)
    raise AssertionError("the curve ends at all of the issuance")


def era_payout(staked: int, issuance: int, duration: int) -> tuple[int, int]:
    """What an era of `duration` milliseconds pays its stakers, and what it would pay more at the ideal stake.

    The first is what may be minted; the second is the remainder, which this chain never mints.
    """
    duration = min(max(duration, 0), MILLISECONDS_PER_YEAR)
    largest = MAX_INFLATION * issuance * duration // (PERBILL_ONE * MILLISECONDS_PER_YEAR)
    payout = yearly_payout(staked, issuance) * duration // MILLISECONDS_PER_YEAR
    return payout, max(largest - payout, 0)
