"""Elections: known results, exact budgets, order that does not matter, and fair representation."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.election import Ballot, Elected, InvalidElection, Share, Support, balance, elect, supports_of

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "npos_phragmen_cases.json"
CASES = json.loads(VECTORS.read_text())["cases"]
SUBSTRATE_LOAD = 2**128 - 1


def ballots_of(case: dict[str, Any]) -> list[Ballot[int]]:
    return [Ballot(who, budget, tuple(targets)) for who, budget, targets in case["voters"]]


def staked(elected: Elected[int]) -> dict[str, list[list[int]]]:
    return {
        str(share.voter): sorted([winner, stake] for winner, stake in share.parts) for share in elected.shares
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_known_elections_come_out_as_in_substrate(case: dict[str, Any]) -> None:
    elected = elect(case["n"], case["candidates"], ballots_of(case), SUBSTRATE_LOAD)
    if "winners" in case:
        assert [list(winner) for winner in elected.winners] == case["winners"]
    else:
        assert [winner for winner, _ in elected.winners] == case["winner_ids"]
    if "staked" in case:
        assert staked(elected) == {who: sorted(parts) for who, parts in case["staked"].items()}
    if "balanced_winners" in case:
        even = balance(elected, 10)
        assert [list(winner) for winner in even.winners] == case["balanced_winners"]
        parts = {who: [part for part in each if part[1]] for who, each in staked(even).items()}
        assert parts == {who: sorted(each) for who, each in case["balanced_staked"].items()}


def test_scores_that_substrate_takes_for_equal_are_told_apart() -> None:
    for case in CASES:
        elected = elect(case["n"], case["candidates"], ballots_of(case))
        if case["name"] == "large_scale_voters_and_candidates":
            assert elected.winners == ((4, 2**64 - 1 + 2**64 - 4), (1, 2**64 - 11 + 2**64 - 2))
        else:
            assert elected == elect(case["n"], case["candidates"], ballots_of(case), SUBSTRATE_LOAD)


def test_equal_candidates_are_elected_in_the_order_in_which_they_stand() -> None:
    ballots = [Ballot("v", 10, ("a", "b", "c"))]
    assert [name for name, _ in elect(2, ["c", "a", "b"], ballots).winners] == ["c", "a"]
    assert [name for name, _ in elect(2, ["b", "c", "a"], ballots).winners] == ["b", "c"]


def test_a_candidate_whom_no_stake_approves_of_is_never_elected() -> None:
    ballots = [Ballot("v", 10, ("a",)), Ballot("w", 0, ("b",)), Ballot("x", 9, ("stranger",))]
    assert elect(3, ["b", "a", "c"], ballots) == Elected((("a", 10),), (Share("v", (("a", 10),)),))
    assert elect(0, ["a"], ballots) == Elected((), ())
    assert elect(3, [], ballots) == Elected((), ())


def test_input_that_is_no_election_is_refused() -> None:
    with pytest.raises(InvalidElection, match="a candidate stands twice"):
        elect(1, ["a", "a"], [])
    with pytest.raises(InvalidElection, match="names a target twice"):
        elect(1, ["a"], [Ballot("v", 1, ("a", "a"))])
    with pytest.raises(InvalidElection, match="negative budget"):
        elect(1, ["a"], [Ballot("v", -1, ("a",))])
    with pytest.raises(InvalidElection, match="seats"):
        elect(-1, ["a"], [])


def test_supports_name_every_backer_in_the_order_of_the_ballots() -> None:
    ballots = [Ballot(10, 10, (1, 2)), Ballot(20, 20, (1, 3)), Ballot(30, 30, (2, 3))]
    found = supports_of(elect(2, [1, 2, 3], ballots))
    assert list(found) == [3, 2]
    assert found == {3: Support(35, ((20, 20), (30, 15))), 2: Support(25, ((10, 10), (30, 15)))}


CANDIDATES = list(range(7))
elections = st.lists(
    st.tuples(
        st.integers(0, 2**128 - 1) | st.integers(0, 5),
        st.lists(st.sampled_from(CANDIDATES), unique=True, max_size=7),
    ),
    max_size=9,
).map(lambda rows: [Ballot(100 + i, budget, tuple(targets)) for i, (budget, targets) in enumerate(rows)])


def budgets_kept(elected: Elected[int], ballots: Sequence[Ballot[int]]) -> None:
    winners = dict(elected.winners)
    by_voter = {share.voter: share for share in elected.shares}
    for ballot in ballots:
        share = by_voter.pop(ballot.voter, None)
        chosen = [target for target in ballot.targets if target in winners]
        if share is None:
            assert not chosen or not ballot.budget
            continue
        assert sum(stake for _, stake in share.parts) == ballot.budget
        assert all(stake >= 0 for _, stake in share.parts)
        assert sorted(winner for winner, _ in share.parts) == sorted(chosen)
    assert not by_voter
    for winner, stake in elected.winners:
        assert stake == sum(part for share in elected.shares for name, part in share.parts if name == winner)


@settings(max_examples=150, deadline=None)
@given(elections, st.integers(0, 8), st.integers(0, 3))
def test_every_unit_of_every_budget_stands_behind_exactly_one_winner(
    ballots: list[Ballot[int]], seats: int, rounds: int
) -> None:
    elected = elect(seats, CANDIDATES, ballots)
    approved = {target for ballot in ballots if ballot.budget for target in ballot.targets}
    assert len(elected.winners) == min(seats, len(approved))
    budgets_kept(elected, ballots)
    even = balance(elected, rounds)
    budgets_kept(even, ballots)
    assert [name for name, _ in even.winners] == [name for name, _ in elected.winners]
    if elected.winners:
        assert min(stake for _, stake in even.winners) >= min(stake for _, stake in elected.winners)
        before = sum(stake * stake for _, stake in elected.winners)
        assert sum(stake * stake for _, stake in even.winners) <= before


@settings(max_examples=100, deadline=None)
@given(elections, st.integers(1, 7), st.randoms(use_true_random=False))
def test_the_order_of_voters_and_of_their_targets_changes_no_result(
    ballots: list[Ballot[int]], seats: int, random: Any
) -> None:
    shuffled = [
        Ballot(each.voter, each.budget, tuple(random.sample(each.targets, len(each.targets))))
        for each in random.sample(ballots, len(ballots))
    ]
    one, other = elect(seats, CANDIDATES, ballots), elect(seats, CANDIDATES, shuffled)
    assert one.winners == other.winners
    assert {share.voter: share for share in one.shares} == {share.voter: share for share in other.shares}


@settings(max_examples=150, deadline=None)
@given(elections, st.integers(1, 7))
def test_a_group_that_agrees_gets_the_seats_that_its_stake_deserves(
    ballots: list[Ballot[int]], seats: int
) -> None:
    """Proportional justified representation: l quotas of stake agreeing on l candidates hold l seats."""
    elected = elect(seats, CANDIDATES, ballots)
    winners = {name for name, _ in elected.winners}
    total = sum(each.budget for each in ballots)
    for common in ({a} for a in CANDIDATES), ({a, b} for a in CANDIDATES for b in CANDIDATES if a < b):
        for wanted in common:
            group = [each for each in ballots if wanted <= set(each.targets)]
            stake = sum(each.budget for each in group)
            if stake and stake * seats >= len(wanted) * total:
                approved = {target for each in group if each.budget for target in each.targets}
                assert len(approved & winners) >= len(wanted)
