"""An election seen from its winners: who stands behind each, with how much."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from runtime.election.phragmen import Elected

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Support(Generic[A]):
    """The stake behind one winner: the total, and (voter, stake) in the order of the ballots, none zero."""

    total: int
    voters: tuple[tuple[A, int], ...]


def supports_of(elected: Elected[A]) -> dict[A, Support[A]]:
    """The support of each winner, in the order of election."""
    voters: dict[A, list[tuple[A, int]]] = {winner: [] for winner, _ in elected.winners}
    for share in elected.shares:
        for winner, stake in share.parts:
            if stake:
                voters[winner].append((share.voter, stake))
    return {
        winner: Support(sum(stake for _, stake in backers), tuple(backers))
        for winner, backers in voters.items()
    }
