"""Balancing: voters move their stake between the winners they approve of, towards the least supported.

An attacker buys the cheapest seat, so the least support of a set is what protects it. A round lets each
voter in turn pour its budget like water: always onto the lowest of its winners, as they stand without its own
stake. Neither does the least support ever fall, nor the sum of the supports' squares rise.
"""

from typing import TypeVar

from runtime.election.phragmen import Elected, Share

A = TypeVar("A")


def balance(elected: Elected[A], rounds: int) -> Elected[A]:
    """The same winners with shares evened out, after at most `rounds` rounds; ends early when nothing moves.

    Each budget stays whole. Where water does not divide evenly, the first elected get one unit more.
    """
    order = {winner: place for place, (winner, _) in enumerate(elected.winners)}
    backing = dict(elected.winners)
    shares = list(elected.shares)
    for _ in range(rounds):
        moved = False
        for index, share in enumerate(shares):
            if len(share.parts) < 2:
                continue
            for winner, stake in share.parts:
                backing[winner] -= stake
            budget = sum(stake for _, stake in share.parts)
            winners = [winner for winner, _ in share.parts]
            poured = _pour(budget, [(backing[winner], order[winner]) for winner in winners])
            parts = tuple(zip(winners, poured, strict=True))
            for winner, stake in parts:
                backing[winner] += stake
            moved = moved or parts != share.parts
            shares[index] = Share(share.voter, parts)
        if not moved:
            break
    return Elected(tuple((winner, backing[winner]) for winner, _ in elected.winners), tuple(shares))


def _pour(water: int, grounds: list[tuple[int, int]]) -> list[int]:
    """How much of `water` stands on each ground of (height, rank) when all of it has found its level."""
    ascending = sorted(range(len(grounds)), key=lambda place: grounds[place])
    wet = 1
    filled = 0
    while wet < len(ascending):
        step = wet * (grounds[ascending[wet]][0] - grounds[ascending[wet - 1]][0])
        if filled + step > water:
            break
        filled += step
        wet += 1
    surface = grounds[ascending[wet - 1]][0]
    each, rest = divmod(water - filled, wet)
    result = [0] * len(grounds)
    first_elected = sorted(ascending[:wet], key=lambda place: grounds[place][1])
    for position, place in enumerate(first_elected):
        result[place] = surface - grounds[place][0] + each + (position < rest)
    return result
