"""Vectors: thresholds computed by Substrate, as published in the tests of smoldot's `verify/babe.rs`."""

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction
from itertools import accumulate, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus import lottery
from consensus.lottery import Dyadic, draw, primary_threshold
from runtime.primitives.babe import randomness_of

WEIGHTS = st.integers(1, 2**64 - 1)
DOUBLING = list(accumulate(repeat(0, 50), lambda weight, _: 2 * weight - 1, initial=2))[:50]


@pytest.mark.parametrize(
    ("c", "weights", "weight", "expected"),
    [
        ((2, 9), [1] * 8, 1, 10523572781773471998586657386560225280),
        ((103, 971), list(range(2, 902)), 11, 1032931305829506557190946382938112),
        ((89, 91), DOUBLING, 63, 72686664904329579129208832),
    ],
)
def test_substrates_published_thresholds_are_reproduced_to_the_last_digit(
    c: tuple[int, int], weights: list[int], weight: int, expected: int
) -> None:
    assert primary_threshold(c, weight, sum(weights)) == expected


def oracle(c: tuple[int, int], weight: int, total: int) -> int:
    """BABE's formula in floating point, but with the power rounded correctly from 200 decimal digits."""
    base, share = 1.0 - float(c[0]) / float(c[1]), float(weight) / float(total)
    with localcontext() as context:
        context.prec = 200
        power = float((Decimal(share) * Decimal(base).ln()).exp()) if base > 0 else 0.0
    return min(2**128 - 1, int(Fraction(1.0 - power) * 2**128))


@settings(max_examples=150, deadline=None)
@given(st.tuples(WEIGHTS, WEIGHTS).map(sorted), st.tuples(WEIGHTS, WEIGHTS).map(sorted))
def test_the_integer_method_equals_correctly_rounded_floating_point(c: list[int], weights: list[int]) -> None:
    assert primary_threshold((c[0], c[1]), *weights) == oracle((c[0], c[1]), *weights)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 63), st.integers(1, 1000), st.integers(1, 1000))
def test_the_threshold_is_within_rounding_of_the_exact_probability(c: int, weight: int, rest: int) -> None:
    getcontext().prec = 60
    exact = 1 - (Decimal(64 - c) / 64) ** (Decimal(weight) / (weight + rest))
    difference = abs(Decimal(primary_threshold((c, 64), weight, weight + rest)) / 2**128 - exact)
    assert difference < Decimal(2) ** -51


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 63), st.integers(1, 10**6), st.integers(1, 10**6))
def test_more_weight_never_lowers_the_threshold(c: int, weight: int, more: int) -> None:
    total = 2 * 10**6
    assert primary_threshold((c, 64), weight, total) <= primary_threshold((c, 64), weight + more, total)


def test_the_ends_of_the_scale_are_exact() -> None:
    assert primary_threshold((1, 1), 1, 3) == 2**128 - 1
    assert primary_threshold((1, 4), 5, 5) == 2**126
    assert primary_threshold((3, 4), 1, 2) == 2**127
    assert primary_threshold((1, 2**64 - 1), 1, 2**64 - 1) == 0


def test_rounding_goes_to_the_nearest_and_to_even_on_a_tie() -> None:
    tie = (2**52 << 1) | 1
    assert lottery._rounded(tie) == Dyadic(2**52, 1)
    assert lottery._rounded(tie, sticky=True) == Dyadic(2**52 + 1, 1)
    assert lottery._rounded(2**54 - 1) == Dyadic(2**52, 2)
    assert lottery._rounded(5, -3) == Dyadic(5, -3)


def test_a_power_that_is_too_close_to_a_tie_is_computed_more_precisely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    precise = primary_threshold((103, 971), 11, 406_350)
    monkeypatch.setattr(lottery, "_FIRST_PRECISION", 64)
    assert primary_threshold((103, 971), 11, 406_350) == precise


def test_draw_and_randomness_of_one_output_are_unrelated() -> None:
    output = bytes(range(64))
    assert 0 <= draw(output) < 2**128
    assert draw(output).to_bytes(16, "little") != randomness_of(output)[:16]
    assert len(randomness_of(output)) == 32
