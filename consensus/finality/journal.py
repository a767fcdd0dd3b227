"""What a voter must find again after a crash: its newest round, its votes there, and the votes it built them
on.

The record is written before any vote in it is signed. It is a low watermark (no vote in an earlier round, nor
a second one of a stage in this round) and a proof. The votes that completed the round before give the
estimate that binds this voter; if all voters lost power at once, they also bring the laggards to the round of
the others. The votes seen in the round itself explain the own precommit: no other voter may have them, and
without them the rest might wait for ever for a block that only this voter saw a majority for.
"""

from dataclasses import dataclass
from typing import Annotated

from consensus.finality.gossip import MAX_VOTES_SENT
from consensus.finality.messages import SignedVote, Stage, Vote
from runtime.primitives.integers import U64
from runtime.primitives.scale import MaxLen, Vector, codec


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """The own votes of the newest round voted in (one of each stage at most, in the order of casting), and
    the signed votes seen by then in that round and in the one before.
    """

    set_id: U64
    round: U64
    votes: Annotated[Vector[Vote], MaxLen(3)]
    seen: Annotated[Vector[SignedVote], MaxLen(2 * MAX_VOTES_SENT)] = ()

    @property
    def has_previous(self) -> bool:
        """Whether there was a round before this one in its set."""
        return any(signed.vote.round < self.round for signed in self.seen)

    def vote(self, stage: Stage) -> Vote | None:
        """The own vote of a stage, if it was cast."""
        return next((vote for vote in self.votes if vote.stage is stage), None)


ROUND_RECORD = codec(RoundRecord)
