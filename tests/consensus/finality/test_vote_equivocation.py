from dataclasses import replace

import pytest

from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.finality.scheme import BLS
from consensus.finality.vote_equivocation import (
    VOTE_EQUIVOCATION,
    InvalidVoteEquivocation,
    VoteEquivocation,
    VoteEquivocationFault,
    verify_vote_equivocation,
)
from tests.consensus.builders import chain, precommit, voter_set

VOTERS, KEYS = voter_set([1, 1, 1])
BLOCKS = chain(4)


def test_two_votes_of_one_voter_in_one_stage_convict_it() -> None:
    proof = VoteEquivocation(precommit(KEYS, 1, BLOCKS[0]), precommit(KEYS, 1, BLOCKS[1]))
    assert verify_vote_equivocation(VOTE_EQUIVOCATION.decode(VOTE_EQUIVOCATION.encode(proof)), VOTERS) == 1


def signed(stage: Stage, number: int, voter: int = 1) -> SignedVote:
    vote = Vote(stage, bytes([number]) * 32, number, 1, 0)
    return SignedVote(vote, voter, KEYS[voter].sign(vote.payload()))


def test_anything_else_convicts_nobody() -> None:
    first, second = signed(Stage.PREVOTE, 1), signed(Stage.PREVOTE, 2)
    proposals = signed(Stage.PROPOSAL, 1), signed(Stage.PROPOSAL, 2)
    cases = [
        (proposals, VoteEquivocationFault.PROPOSAL),
        ((first, signed(Stage.PRECOMMIT, 2)), VoteEquivocationFault.DIFFERENT_VOTES),
        ((first, signed(Stage.PREVOTE, 2, voter=2)), VoteEquivocationFault.DIFFERENT_VOTES),
        ((first, replace(second, vote=replace(second.vote, round=2))), VoteEquivocationFault.DIFFERENT_VOTES),
        ((first, first), VoteEquivocationFault.SAME_VOTE),
        ((first, replace(second, signature=first.signature)), VoteEquivocationFault.SIGNATURE),
        ((first, replace(second, signature=bytes(96))), VoteEquivocationFault.SIGNATURE),
    ]
    for votes, fault in cases:
        with pytest.raises(InvalidVoteEquivocation) as caught:
            verify_vote_equivocation(VoteEquivocation(*votes), VOTERS)
        assert caught.value.reason is fault


def test_a_batch_names_exactly_the_votes_that_do_not_hold() -> None:
    votes = [signed(Stage.PREVOTE, 1 + number % 2, voter=number % 3) for number in range(6)]
    assert BLS.verify_votes(votes, VOTERS) == (True,) * 6
    bad = list(votes)
    bad[2] = replace(bad[2], signature=bad[3].signature)
    bad[4] = replace(bad[4], signature=bytes(96))
    assert BLS.verify_votes(bad, VOTERS) == (True, True, False, True, False, True)
    strange = [votes[0], replace(votes[1], voter=9)]
    assert BLS.verify_votes(strange, VOTERS) == (True, False)


def test_signatures_whose_errors_cancel_out_are_still_caught() -> None:
    """The sum of both is right, as two colluding voters could arrange; each alone is wrong."""
    first, second = signed(Stage.PREVOTE, 1, voter=0), signed(Stage.PREVOTE, 1, voter=1)
    swapped = [replace(first, signature=second.signature), replace(second, signature=first.signature)]
    assert BLS.aggregate([one.signature for one in swapped]) == BLS.aggregate(
        [first.signature, second.signature]
    )
    assert BLS.verify_votes(swapped, VOTERS) == (False, False)
