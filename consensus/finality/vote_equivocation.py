"""Vote equivocation: one voter, one stage of one round, two different votes; a proof for anybody to check."""

from dataclasses import dataclass
from enum import Enum

from consensus.authorities import VoterSet
from consensus.finality.messages import SignedVote, Stage
from consensus.finality.scheme import BLS, SignatureScheme
from runtime.primitives.errors import InvalidData
from runtime.primitives.grandpa import (
    Precommit,
    PrecommitEquivocation,
    PrecommitEquivocationBody,
    Prevote,
    PrevoteEquivocation,
    PrevoteEquivocationBody,
    VoteEquivocationProof,
)
from runtime.primitives.scale import codec


class VoteEquivocationFault(Enum):
    """Why evidence convicts nobody."""

    PROPOSAL = "proposals bind nobody"
    DIFFERENT_VOTES = "the votes are not of one voter in one stage of one round"
    SAME_VOTE = "both votes are the same"
    SIGNATURE = "a vote is not signed by the voter"


class InvalidVoteEquivocation(InvalidData):
    """Evidence that convicts nobody."""

    reason: VoteEquivocationFault


@dataclass(frozen=True, slots=True)
class VoteEquivocation:
    """Two votes that no correct voter signs both; SCALE as listed."""

    first: SignedVote
    second: SignedVote


VOTE_EQUIVOCATION = codec(VoteEquivocation)


def verify_vote_equivocation(proof: VoteEquivocation, voters: VoterSet, scheme: SignatureScheme = BLS) -> int:
    """The index of the voter in `voters` whom the proof convicts; raises `InvalidVoteEquivocation`."""
    first, second = proof.first, proof.second
    if first.vote.stage is Stage.PROPOSAL:
        raise InvalidVoteEquivocation(VoteEquivocationFault.PROPOSAL, f"round {first.vote.round}")
    slots = [(one.voter, one.vote.stage, one.vote.round, one.vote.set_id) for one in (first, second)]
    if slots[0] != slots[1]:
        raise InvalidVoteEquivocation(VoteEquivocationFault.DIFFERENT_VOTES, f"{slots[0]} and {slots[1]}")
    if first.vote == second.vote:
        raise InvalidVoteEquivocation(VoteEquivocationFault.SAME_VOTE, f"of voter {first.voter}")
    if not all(scheme.verify_votes((first, second), voters)):
        raise InvalidVoteEquivocation(VoteEquivocationFault.SIGNATURE, f"voter {first.voter}")
    return first.voter


def on_chain_proof(proof: VoteEquivocation, voters: VoterSet) -> VoteEquivocationProof:
    """Valid evidence in the form that the chain takes it: with the voter's key in place of its index."""
    first, second = proof.first, proof.second
    key = voters.members[first.voter].key
    stage, round_number = first.vote.stage, first.vote.round
    targets = [(one.vote.target_hash, one.vote.target_number, one.signature) for one in (first, second)]
    if stage is Stage.PREVOTE:
        prevotes = [(Prevote(block, number), signature) for block, number, signature in targets]
        body = PrevoteEquivocationBody(round_number, key, *prevotes)
        return VoteEquivocationProof(voters.set_id, PrevoteEquivocation(body))
    precommits = [(Precommit(block, number), signature) for block, number, signature in targets]
    return VoteEquivocationProof(
        voters.set_id, PrecommitEquivocation(PrecommitEquivocationBody(round_number, key, *precommits))
    )
