"""What a voter must find again after a crash: its newest round, its votes there, and why it entered the
round.

The record is written before any vote in it is signed. It is a low watermark (no vote in an earlier round, nor
a second one of a stage in this round) and a proof: the votes that completed the round before. Without them a
voter that restarts would not know the estimate that binds it, and if all voters lost power at once, the
laggards could never be brought to the round of the others.
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
    all votes that completed the round before it (none in a set's first round).
    """

    set_id: U64
    round: U64
    votes: Annotated[Vector[Vote], MaxLen(3)]
    previous: Annotated[Vector[SignedVote], MaxLen(MAX_VOTES_SENT)] = ()

    def vote(self, stage: Stage) -> Vote | None:
        """The own vote of a stage, if it was cast."""
        return next((vote for vote in self.votes if vote.stage is stage), None)


ROUND_RECORD = codec(RoundRecord)
