"""Counting who voted for what: each voter once, and equivocators for everything."""

from enum import Enum

from consensus.authorities import VoterSet
from consensus.finality.messages import SignedVote, Vote


class Counting(Enum):
    """What became of a vote."""

    NEW = "the voter's first in this stage"
    DUPLICATE = "already counted"
    EQUIVOCATION = "a second, different vote: the voter counts for every block from now on"
    SURPLUS = "a third vote, which adds nothing"
    UNKNOWN_BLOCK = "its target is not known yet"
    WRONG_NUMBER = "its target has another number"


class Weights:
    """Weight of voters given as bits of an integer."""

    def __init__(self, voters: VoterSet) -> None:
        weights = [member.weight for member in voters.members]
        self._weights = weights
        # Equal weights, the usual case in tests and on new chains, need no walk over the bits.
        self._uniform = weights[0] if min(weights) == max(weights) else None

    def of(self, voters: int) -> int:
        """The sum over all set bits."""
        if self._uniform is not None:
            return voters.bit_count() * self._uniform
        total = 0
        while voters:
            lowest = voters & -voters
            total += self._weights[lowest.bit_length() - 1]
            voters ^= lowest
        return total


class Tally:
    """The votes of one stage of one round: at most two of each voter, the second as proof of equivocation.

    A voter's own vote stands here without a signature while it is at the signer.
    """

    def __init__(self) -> None:
        self.voted = 0
        self.equivocators = 0
        self._votes = dict[int, dict[Vote, bytes | None]]()

    def judge(self, vote: Vote, voter: int) -> Counting:
        """What counting this vote would do; nothing changes."""
        held = self._votes.get(voter)
        if held is None:
            return Counting.NEW
        if vote in held:
            return Counting.DUPLICATE
        return Counting.EQUIVOCATION if len(held) == 1 else Counting.SURPLUS

    def add(self, vote: Vote, voter: int, signature: bytes | None) -> Counting:
        """Count a vote, whose signature (where given) was verified."""
        counting = self.judge(vote, voter)
        if counting in (Counting.NEW, Counting.EQUIVOCATION):
            self._votes.setdefault(voter, {})[vote] = signature
            self.voted |= 1 << voter
            if counting is Counting.EQUIVOCATION:
                self.equivocators |= 1 << voter
        return counting

    def sign(self, vote: Vote, voter: int, signature: bytes) -> None:
        """Add the signature where this vote was counted without one."""
        held = self._votes.get(voter, {})
        if vote in held:
            held[vote] = signature

    def votes_of(self, voter: int) -> tuple[SignedVote, ...]:
        """The signed votes of a voter, oldest first."""
        held = self._votes.get(voter, {})
        return tuple(SignedVote(vote, voter, signed) for vote, signed in held.items() if signed is not None)

    def all_votes(self) -> tuple[SignedVote, ...]:
        """All signed votes, by voter."""
        return tuple(signed for voter in sorted(self._votes) for signed in self.votes_of(voter))
