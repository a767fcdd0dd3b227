"""One round of voting, and what it implies (GRANDPA, arXiv 2007.01560, section 2).

With n the total weight, f = floor((n - 1) / 3) and the threshold n - f:
- the *prevote ghost* g is the deepest block with threshold prevotes;
- a block is *final* when it and g's chain have threshold precommits;
- the *estimate* E is the highest block of g's chain that could still become final;
- the round is *completable* when E is below g, or nothing above g could still become final.
"Could" grants an adversary every vote not yet cast and every equivocation that the fault bound still allows.
Equivocators count for every block.
"""

from dataclasses import dataclass

from consensus.authorities import VoterSet
from consensus.finality.chain import ChainView, Target
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.finality.tally import Counting, Tally, Weights
from consensus.finality.vote_graph import VoteGraph, VoteNode


@dataclass(frozen=True, slots=True)
class RoundState:
    """What the votes imply; blocks are None while too little was voted, or where they lie below the base."""

    prevote_ghost: Target | None = None
    committed: Target | None = None
    """The deepest block that a justification can prove final: the first vote of each voter counts."""
    estimate: Target | None = None
    finalised: Target | None = None
    completable: bool = False
    settled: bool = False
    """No descendant of the prevote ghost can reach the threshold any more, equivocations apart: nothing is
    gained by waiting for further prevotes."""


class Round:
    """The votes of one round above `base`, the last final block when the round was opened."""

    def __init__(self, number: int, voters: VoterSet, base: Target) -> None:
        self.number = number
        self.voters = voters
        self.tallies = {Stage.PREVOTE: Tally(), Stage.PRECOMMIT: Tally()}
        self.proposal: SignedVote | None = None
        self._weights = Weights(voters)
        self._graph = VoteGraph(base)
        self._state: RoundState | None = RoundState()

    @property
    def primary(self) -> int:
        """The voter whose proposal counts in this round."""
        return self.number % len(self.voters)

    @property
    def state(self) -> RoundState:
        """What the votes counted so far imply."""
        if self._state is None:
            self._state = self._derive()
        return self._state

    def count(self, vote: Vote, voter: int, signature: bytes | None, chain: ChainView) -> Counting:
        """Count a vote of this round; see `Counting`. A vote for a block at or below the base's height, or on
        a branch that lost, counts as cast, but for no block above the base.
        """
        tally = self.tallies[vote.stage]
        counting = tally.judge(vote, voter)
        target = Target(vote.target_hash, vote.target_number)
        if counting is Counting.NEW:
            block = chain.find(target.hash)
            if block is not None and block.number != target.number:
                return Counting.WRONG_NUMBER
            above = target.number > self._graph.base.number or target == self._graph.base
            known = block is not None or target.hash in self._graph
            if above and not known and target.number > chain.root.number:
                return Counting.UNKNOWN_BLOCK
            if above and known:
                self._graph.vote(target, vote.stage, 1 << voter, chain)
        if counting in (Counting.NEW, Counting.EQUIVOCATION):
            tally.add(vote, voter, signature)
            self._state = None
        return counting

    def convict(self, first: SignedVote, second: SignedVote) -> None:
        """Count two different votes of one voter, whatever blocks they name."""
        for one in (first, second):
            self.tallies[one.vote.stage].add(one.vote, one.voter, one.signature)
        self._state = None

    def keep(self, target: Target, chain: ChainView) -> None:
        """Hold the way to a block that becomes final, before the fork tree forgets what is below it."""
        self._graph.insert(target, chain)

    def precommits_for(self, target: Target) -> tuple[SignedVote, ...]:
        """The signed precommits that stand behind a decided block, one of each voter."""
        behind = self._graph.precommits(target)
        tally = self.tallies[Stage.PRECOMMIT]
        first = (tally.votes_of(voter)[:1] for voter in range(len(self.voters)) if behind >> voter & 1)
        return tuple(signed for votes in first for signed in votes)

    def votes(self) -> tuple[SignedVote, ...]:
        """All signed votes, prevotes first."""
        return self.tallies[Stage.PREVOTE].all_votes() + self.tallies[Stage.PRECOMMIT].all_votes()

    def weight(self, voters: int) -> int:
        """The weight of voters given as bits."""
        return self._weights.of(voters)

    # -- what the votes imply -----------------------------------------------------------------------------

    def _prevoted(self, node: VoteNode) -> bool:
        voters = node.prevotes | self.tallies[Stage.PREVOTE].equivocators
        return self._weights.of(voters) >= self.voters.threshold

    def _precommitted(self, node: VoteNode) -> bool:
        voters = node.precommits | self.tallies[Stage.PRECOMMIT].equivocators
        return self._weights.of(voters) >= self.voters.threshold

    def _proved(self, node: VoteNode) -> bool:
        return self._weights.of(node.precommits) >= self.voters.threshold

    def _could_be_committed(self, node: VoteNode) -> bool:
        """Whether a supermajority of precommits is possible, with all that an adversary may still add."""
        tally = self.tallies[Stage.PRECOMMIT]
        cast = self._weights.of(tally.voted)
        behind = self._weights.of(node.precommits | tally.equivocators)
        allowed = self.voters.total_weight - self.voters.threshold - self._weights.of(tally.equivocators)
        turncoats = min(cast - behind, max(allowed, 0))
        return behind + self.voters.total_weight - cast + turncoats >= self.voters.threshold

    def _derive(self) -> RoundState:
        threshold = self.voters.threshold
        prevoted = self._weights.of(self.tallies[Stage.PREVOTE].voted)
        committed = self._weights.of(self.tallies[Stage.PRECOMMIT].voted)
        proved = self._graph.ghost(self._proved) if committed >= threshold else None
        ghost = self._graph.ghost(self._prevoted) if prevoted >= threshold else None
        if ghost is None:
            # With enough votes cast, the ghost lies below the base. Once the base can not be committed, nor
            # can anything above it, and all that the round may still decide is final already.
            base = self._graph.ancestor(self._graph.base, self._could_be_committed)
            over = prevoted >= threshold and committed >= threshold and base is None
            return RoundState(committed=proved, completable=over)
        settled = self._is_settled(ghost, prevoted)
        if committed < threshold:
            # Whoever has not precommitted, and then the fault bound, could still make any block final.
            return RoundState(ghost, proved, estimate=ghost, settled=settled)
        finalised = self._graph.ancestor(ghost, self._precommitted)
        estimate = self._graph.ancestor(ghost, self._could_be_committed)
        completable = estimate != ghost or self._graph.ghost(self._could_be_committed, ghost) == ghost
        return RoundState(ghost, proved, estimate, finalised, completable, settled)

    def _is_settled(self, ghost: Target, prevoted: int) -> bool:
        outstanding = self.voters.total_weight - prevoted
        equivocators = self.tallies[Stage.PREVOTE].equivocators
        return all(
            self._weights.of(child.prevotes | equivocators) + outstanding < self.voters.threshold
            for child in self._graph.children(ghost)
        )
