"""What must hold for any votes in any order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.finality.chain import Target
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.finality.tally import Counting
from tests.consensus.finality.graphs import UNSIGNED, NamedRound, NamedTree

TREE = NamedTree(
    [
        ("genesis", ["A", "B", "C"]),
        ("B", ["D", "E", "F"]),
        ("C", ["G", "H"]),
        ("C", ["I", "J", "K"]),
        ("I", ["L"]),
        ("genesis", ["M", "N"]),
    ]
)
BLOCKS = sorted(TREE.refs)
WEIGHTS = [2, 1, 1, 3, 1, 2]
TOTAL, FAULTY = sum(WEIGHTS), (sum(WEIGHTS) - 1) // 3

Ballot = tuple[Stage, int, str]


@st.composite
def ballots(draw: st.DrawFn) -> list[Ballot]:
    """Votes of all voters; up to the fault bound of weight votes several times."""
    votes, spare = list[Ballot](), FAULTY
    for voter, weight in enumerate(WEIGHTS):
        for stage in (Stage.PREVOTE, Stage.PRECOMMIT):
            votes += [(stage, voter, name) for name in draw(st.lists(st.sampled_from(BLOCKS), max_size=1))]
        if weight <= spare and draw(st.booleans()):
            spare -= weight
            more = st.tuples(st.sampled_from((Stage.PREVOTE, Stage.PRECOMMIT)), st.sampled_from(BLOCKS))
            votes += [(stage, voter, name) for stage, name in draw(st.lists(more, max_size=3))]
    return draw(st.permutations(votes))


def counted(votes: list[Ballot]) -> NamedRound:
    voting = NamedRound(TREE, WEIGHTS)
    for vote in votes:
        voting.vote(*vote)
    return voting


def is_at_or_above(upper: Target | None, lower: Target | None) -> bool:
    return lower is None or (upper is not None and TREE.tree.is_ancestor(lower.hash, upper.hash))


@settings(max_examples=150)
@given(ballots(), st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_change_what_they_imply(votes: list[Ballot], random: object) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = counted(votes).round.state, counted(shuffled).round.state
    # Which of an equivocator's votes a justification can show depends on which two came first.
    assert [first.prevote_ghost, first.estimate, first.finalised, first.completable] == [
        second.prevote_ghost,
        second.estimate,
        second.finalised,
        second.completable,
    ]


@settings(max_examples=150)
@given(ballots())
def test_ghost_and_finality_only_rise_and_the_estimate_stays_between_them(votes: list[Ballot]) -> None:
    voting = NamedRound(TREE, WEIGHTS)
    before = voting.round.state
    prevotes = [vote for vote in votes if vote[0] is Stage.PREVOTE]
    for vote in prevotes + [vote for vote in votes if vote[0] is Stage.PRECOMMIT]:
        voting.vote(*vote)
        state = voting.round.state
        assert is_at_or_above(state.prevote_ghost, before.prevote_ghost)
        assert is_at_or_above(state.prevote_ghost, state.estimate)
        assert is_at_or_above(state.finalised, before.finalised)
        assert is_at_or_above(state.estimate, state.finalised)
        before = state


@settings(max_examples=150)
@given(ballots(), st.data())
def test_the_estimate_of_a_completable_round_bounds_what_it_can_still_make_final(
    votes: list[Ballot], data: st.DataObject
) -> None:
    voting = counted(votes)
    state = voting.round.state
    if not state.completable or state.prevote_ghost is None:
        return
    ghost = TREE.name(state.prevote_ghost)
    assert ghost is not None
    for voter in range(len(WEIGHTS)):
        has_voted = voting.round.tallies[Stage.PRECOMMIT].voted >> voter & 1
        if not has_voted and data.draw(st.booleans()):
            voting.vote(Stage.PRECOMMIT, voter, ghost)
    after = voting.round.state
    assert is_at_or_above(state.estimate, after.finalised)
    assert after.completable


def test_a_vote_for_an_unknown_block_or_with_a_wrong_number_is_not_counted() -> None:
    voting = NamedRound(TREE, WEIGHTS)
    unknown = Vote(Stage.PREVOTE, bytes(32), 9, 1, 0)
    wrong = Vote(Stage.PREVOTE, TREE.target("A").hash, 7, 1, 0)
    assert voting.round.count(unknown, 0, UNSIGNED, TREE.chain) is Counting.UNKNOWN_BLOCK
    assert voting.round.count(wrong, 0, UNSIGNED, TREE.chain) is Counting.WRONG_NUMBER
    assert voting.round.votes() == ()


def test_votes_below_the_base_or_on_a_lost_branch_count_as_cast_for_no_block() -> None:
    voting = NamedRound(TREE, [1, 1, 1, 1], base="C")
    for voter in range(3):
        voting.vote(Stage.PREVOTE, voter, "A")
        voting.vote(Stage.PRECOMMIT, voter, "C" if voter == 0 else "N")
    state = voting.round.state
    assert (state.prevote_ghost, state.estimate, state.committed) == (None, None, None)
    assert not state.completable, "the fourth precommit and an equivocation could still make the base final"
    voting.vote(Stage.PRECOMMIT, 3, "N")
    assert voting.round.state.completable


def test_a_convicted_voter_counts_for_every_block() -> None:
    voting = NamedRound(TREE, [1, 1, 1, 1])
    voting.vote(Stage.PREVOTE, 0, "K")
    voting.vote(Stage.PREVOTE, 1, "K")
    votes = [Vote(Stage.PREVOTE, bytes([number]) * 32, 9, 1, 0) for number in (1, 2)]
    voting.round.convict(*(SignedVote(vote, 3, UNSIGNED) for vote in votes))
    assert voting.described()["prevote_ghost"] == "K"
