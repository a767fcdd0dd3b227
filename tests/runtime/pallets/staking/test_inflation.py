"""The curve: its corners are exact, it is steady and monotone, and it pays to the unit."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.pallets.staking.inflation import (
    CURVE,
    IDEAL_STAKE,
    MAX_INFLATION,
    MILLISECONDS_PER_YEAR,
    MIN_INFLATION,
    era_payout,
    yearly_payout,
)

ISSUANCE = 10**21


def test_the_curve_passes_through_its_corners_and_halves_beyond_the_ideal() -> None:
    assert yearly_payout(0, ISSUANCE) == ISSUANCE // 40
    assert yearly_payout(ISSUANCE // 4, ISSUANCE) == ISSUANCE // 16
    assert yearly_payout(ISSUANCE // 2, ISSUANCE) == ISSUANCE // 10
    for number in range(11):
        staked = ISSUANCE // 2 + number * ISSUANCE // 20
        excess = (MAX_INFLATION - MIN_INFLATION) >> number
        assert yearly_payout(staked, ISSUANCE) == ISSUANCE * (MIN_INFLATION + excess) // 10**9


def test_the_pieces_of_the_falling_side_stay_close_to_the_exponential() -> None:
    for share in range(500, 1001):
        exact = Fraction(MIN_INFLATION) + (MAX_INFLATION - MIN_INFLATION) * Fraction(
            2 ** ((500 - share) / 50)
        )
        found = Fraction(yearly_payout(ISSUANCE * share // 1000, ISSUANCE) * 10**9, ISSUANCE)
        assert abs(found - exact) <= (exact - MIN_INFLATION) * Fraction(16, 1000) + 1


def test_points_rise_in_stake_and_end_at_all_of_it() -> None:
    assert [share for share, _ in CURVE] == sorted({share for share, _ in CURVE})
    assert CURVE[1] == (IDEAL_STAKE, MAX_INFLATION)
    assert CURVE[-1][0] == 10**9


@given(st.integers(1, 2**128 - 1), st.integers(0, 2**128 - 1), st.integers(0, 10**12))
def test_a_payout_is_the_line_between_points_rounded_down(issuance: int, staked: int, duration: int) -> None:
    share = min(Fraction(staked, issuance), Fraction(1)) * 10**9
    left, right = next((a, b) for a, b in pairwise(CURVE) if share <= b[0])
    inflation = left[1] + (share - left[0]) * Fraction(right[1] - left[1], right[0] - left[0])
    yearly = int(inflation * issuance / 10**9)
    assert yearly_payout(staked, issuance) == yearly
    capped = min(duration, MILLISECONDS_PER_YEAR)
    payout, remainder = era_payout(staked, issuance, duration)
    assert payout == yearly * capped // MILLISECONDS_PER_YEAR
    assert payout + remainder == issuance * capped // (10 * MILLISECONDS_PER_YEAR)


@pytest.mark.parametrize("duration", [-5, 0])
def test_no_time_and_no_issuance_pay_nothing(duration: int) -> None:
    assert era_payout(10, 100, duration) == (0, 0)
    assert yearly_payout(5, 0) == 0
