"""Accumulator bounds of convolutions and matrix products, per channel from the actual weights."""

from dataclasses import dataclass

import numpy as np

from inference.ir.types import Integers
from inference.verifier.intervals import Interval


@dataclass(frozen=True, slots=True)
class Accumulator:
    """One output channel: the interval of finished sums, and the largest |partial sum| in whatever order."""

    total: Interval
    partial: int


def weighted_sums(x: Interval, padded: bool, positive: Integers, negative: Integers) -> list[Accumulator]:
    """Sums of weights times values in `x`, for the sums of a channel's positive and of its negative weights.

    `padded` says that some values may be left out, which counts as zero.
    """
    reach = x | Interval(0, 0)
    outer = reach if padded else x
    found = []
    for p, n in zip(positive.tolist(), negative.tolist(), strict=True):
        total = Interval(outer.low * p + outer.high * n, outer.high * p + outer.low * n)
        partial = max(reach.high * p + reach.low * n, -(reach.low * p + reach.high * n))
        found.append(Accumulator(total, partial))
    return found


def products(a: Interval, b: Interval, terms: int) -> list[Accumulator]:
    """The sum of `terms` products of values in `a` and `b`, as one channel; padding is covered."""
    each = (a * b) | Interval(0, 0)
    return [Accumulator(each.times(terms), each.magnitude * terms)]


def with_bias(sums: list[Accumulator], bias: Integers) -> list[Accumulator]:
    """The accumulators after a constant bias per channel, which may be added before or after the products."""
    if len(sums) == 1:
        sums = sums * len(bias)
    return [
        Accumulator(s.total + Interval(b, b), s.partial + abs(b))
        for s, b in zip(sums, bias.tolist(), strict=True)
    ]


def with_any_bias(sums: list[Accumulator], bias: Interval) -> list[Accumulator]:
    """The accumulators after a bias that is known by its interval only."""
    return [Accumulator(s.total + bias, s.partial + bias.magnitude) for s in sums]


def signed_sums(weights: Integers, axes: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Sums of the positive and of the negative weights over axes, flattened; weights have at most 33 bits."""
    positive = np.maximum(weights, 0).sum(axis=axes, dtype=np.int64)
    negative = np.minimum(weights, 0).sum(axis=axes, dtype=np.int64)
    return positive.ravel(), negative.ravel()
