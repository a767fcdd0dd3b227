"""Sequential Phragmen: which candidates are elected, and whose stake stands behind each.

Electing a candidate costs one unit of load, which those who approve of it carry together, in proportion to
their stake. Each round elects the candidate whose supporters would be the least loaded afterwards:

    score(c) = (1 + sum of budget(v) * load(v) over supporters v of c) / (sum of budget(v) over them)

and sets the load of its supporters to that score. (Brill, Freeman, Janson, Lackner: "Phragmen's voting
methods and justified representation"; as `seq_phragmen` in Substrate's `sp_npos_elections`.)

Loads are integers in units of `1 / ONE_LOAD`. Sums are exact, so the order of the voters changes nothing;
the one rounding is the division of a score, downwards. Substrate counts in units of 2**-128, which takes
scores of large stakes for equal that differ by less; with that unit the results are its own
(`tests/vectors/npos_phragmen_cases.json`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")

ONE_LOAD = 1 << 320
"""One unit of load. A score is at least 1 / (2**128 * 2**32 voters), so it keeps 160 binary digits: rounding
is far below one unit of a stake of 128 bits."""


class InvalidElection(ValueError):
    """The input is no election: a candidate or a voter's target stands twice, or a number is negative."""


@dataclass(frozen=True, slots=True)
class Ballot(Generic[A]):
    """A voter: its stake in the smallest unit, and the candidates that it approves of, each once."""

    voter: A
    budget: int
    targets: tuple[A, ...]


@dataclass(frozen=True, slots=True)
class Share(Generic[A]):
    """Where the stake of one voter went: (winner, stake) in the order of election; the sum is its budget."""

    voter: A
    parts: tuple[tuple[A, int], ...]


@dataclass(frozen=True, slots=True)
class Elected(Generic[A]):
    """`winners` in the order of election with the stake behind each, and the shares that make it up.

    Voters of whose targets none was elected, and those without stake, have no share.
    """

    winners: tuple[tuple[A, int], ...]
    shares: tuple[Share[A], ...]


def elect(
    seats: int, candidates: Sequence[A], ballots: Sequence[Ballot[A]], one_load: int = ONE_LOAD
) -> Elected[A]:
    """At most `seats` winners; of equal scores the candidate that stands first among `candidates` wins.

    A candidate whom no stake approves of is never elected, so there may be fewer winners than seats. Targets
    that are no candidates are ignored. `one_load` is how finely loads are counted. `InvalidElection` where a
    candidate or a target stands twice.
    """
    places = {candidate: place for place, candidate in enumerate(candidates)}
    if len(places) != len(candidates):
        raise InvalidElection("a candidate stands twice")
    if seats < 0:
        raise InvalidElection(f"{seats} seats")
    budgets, approvals = _graph(places, ballots)
    supporters: list[list[int]] = [[] for _ in candidates]
    approval = [0] * len(candidates)
    for voter, targets in enumerate(approvals):
        for target in targets:
            supporters[target].append(voter)
            approval[target] += budgets[voter]
    burden = [one_load] * len(candidates)
    load = [0] * len(budgets)
    paths: list[list[tuple[int, int]]] = [[] for _ in budgets]
    running = [place for place, stake in enumerate(approval) if stake]
    order: list[int] = []
    while running and len(order) < seats:
        score, winner = min((burden[place] // approval[place], place) for place in running)
        running.remove(winner)
        order.append(winner)
        for voter in supporters[winner]:
            added = (score - load[voter]) * budgets[voter]
            load[voter] = score
            paths[voter].append((winner, score))
            for target in approvals[voter]:
                burden[target] += added
    return _shares(candidates, order, [each for each in ballots if each.budget], budgets, paths)


def _graph(places: dict[A, int], ballots: Sequence[Ballot[A]]) -> tuple[list[int], list[list[int]]]:
    """Budgets of the voters that have any, and the places of the candidates that each approves of."""
    budgets: list[int] = []
    approvals: list[list[int]] = []
    for ballot in ballots:
        if ballot.budget < 0:
            raise InvalidElection(f"{ballot.voter!r} has a negative budget: {ballot.budget}")
        targets = [places[target] for target in ballot.targets if target in places]
        if len(dict.fromkeys(ballot.targets)) != len(ballot.targets):
            raise InvalidElection(f"{ballot.voter!r} names a target twice")
        if ballot.budget:
            budgets.append(ballot.budget)
            approvals.append(targets)
    return budgets, approvals


def _shares(
    candidates: Sequence[A],
    order: Sequence[int],
    ballots: Sequence[Ballot[A]],
    budgets: Sequence[int],
    paths: Sequence[list[tuple[int, int]]],
) -> Elected[A]:
    """Split each budget in proportion to the load that each winner laid on its voter.

    Cumulated loads are rounded, not their differences, so that the parts of a budget always add up to it.
    """
    backing = [0] * len(candidates)
    shares = []
    for ballot, budget, path in zip(ballots, budgets, paths, strict=True):
        if not path:
            continue
        total = path[-1][1]
        parts = []
        given = 0
        for winner, load in path:
            upto = (2 * budget * load + total) // (2 * total)
            parts.append((candidates[winner], upto - given))
            backing[winner] += upto - given
            given = upto
        shares.append(Share(ballot.voter, tuple(parts)))
    return Elected(tuple((candidates[place], backing[place]) for place in order), tuple(shares))
