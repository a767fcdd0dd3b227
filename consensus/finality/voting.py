"""What the own voter says in a round, and when (GRANDPA, arXiv 2007.01560, section 2.5).

Safety rests on two rules, which no timer can bend: vote only on the branch of the previous round's estimate,
and cast each vote of a round once, after it is in the journal. The rest is patience. GRANDPA waits 2T before
it prevotes, to hear the primary, and 4T before it precommits, to hear all prevotes. Both waits are skipped
where they can gain nothing: when the previous round left nothing open, and when no prevote still out can move
the ghost. Then finality takes two message delays. Nobody votes while there is nothing to make final.
"""

from dataclasses import dataclass

from consensus.finality.chain import ChainView, Target
from consensus.finality.changes import PendingChanges
from consensus.finality.journal import RoundRecord
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.finality.rounds import Rounds

SIGNING_TIMEOUT_MS = 2_000
"""After this long without a signature the signer is asked again; a local key answers within 2 ms."""


@dataclass(frozen=True, slots=True)
class Times:
    """The clock of the protocol in ms: `gossip_ms` is T, the time in which a message reaches all correct
    voters; `neighbour_ms` how often peers tell each other how far they are.
    """

    gossip_ms: int = 250
    neighbour_ms: int = 1_000


class Voting:
    """One voter's conduct in one voter set.

    `record` is the journal of this set; None for a voter who never voted in it. Votes in it are signed again,
    with the same result, since nobody may have seen them.
    """

    def __init__(
        self, index: int, rounds: Rounds, chain: ChainView, times: Times, record: RoundRecord | None
    ) -> None:
        self.index = index
        self._rounds = rounds
        self._chain = chain
        self._times = times
        self.record = record
        self.resumed = record.votes if record is not None else ()
        self.at_signer = dict[Vote, int]()
        self._round = 0
        self._entered = self._prevoted = 0

    @property
    def has_finished(self) -> bool:
        """Whether both votes of the current round are cast and signed."""
        return self._own(Stage.PRECOMMIT) is not None and not self.at_signer

    def cast(self, best: Target | None, finalised: Target, changes: PendingChanges, now: int) -> list[Vote]:
        """The votes to cast now; they are counted here, and in the record that must be durable first."""
        if self._rounds.current.number != self._round:
            self._round = self._rounds.current.number
            self._entered = self._prevoted = now
        if not self._rounds.is_open:
            return []
        votes = list[Vote]()
        estimate = self._rounds.estimate
        if estimate is not None and self._rounds.current.primary == self.index:
            votes += self._cast(Stage.PROPOSAL, estimate)
        if self._own(Stage.PREVOTE) is None:
            target = self._prevote(best, estimate, finalised, now)
            if target is not None:
                self._prevoted = now
                votes += self._cast(Stage.PREVOTE, changes.limit(target, self._chain))
        if self._own(Stage.PREVOTE) is not None and self._own(Stage.PRECOMMIT) is None:
            target = self._precommit(estimate, now)
            if target is not None:
                votes += self._cast(Stage.PRECOMMIT, target)
        return votes

    def deadline(self, now: int) -> int | None:
        """When to look again though nothing happens."""
        times = list(self.at_signer.values())
        if self._own(Stage.PREVOTE) is None:
            if self._rounds.estimate is not None:
                times.append(self._entered + 2 * self._times.gossip_ms)
        elif self._own(Stage.PRECOMMIT) is None:
            times.append(self._prevoted + 2 * self._times.gossip_ms)
        return min((time for time in times if time > now), default=None)

    def ask(self, votes: tuple[Vote, ...], now: int) -> None:
        """The signer has these votes."""
        self.at_signer.update(dict.fromkeys(votes, now + SIGNING_TIMEOUT_MS))

    def overdue(self, now: int) -> tuple[Vote, ...]:
        """The votes that the signer has had for too long."""
        return tuple(vote for vote, deadline in self.at_signer.items() if now >= deadline)

    def signed(self, vote: Vote, signature: bytes) -> SignedVote | None:
        """The signer's answer; None where it was not asked, or has answered already."""
        if self.at_signer.pop(vote, None) is None:
            return None
        signed = SignedVote(vote, self.index, signature)
        held = self._rounds.get(vote.round)
        if held is not None and vote.stage is not Stage.PROPOSAL:
            held.tallies[vote.stage].sign(vote, self.index, signature)
        return signed

    # -- the rules ----------------------------------------------------------------------------------------

    def _prevote(
        self, best: Target | None, estimate: Target | None, finalised: Target, now: int
    ) -> Target | None:
        """The block to prevote for: the best chain that contains the previous estimate."""
        current = self._rounds.current
        proposal = self._proposed(estimate)
        patient = now < self._entered + 2 * self._times.gossip_ms
        is_primary = current.primary == self.index
        if estimate is not None and patient and not (is_primary or proposal or current.state.completable):
            return None
        base = estimate or finalised
        others_vote = self._rounds.weight_cast(current.number, Stage.PREVOTE) > 0
        if best is not None and self._chain.descends(best.hash, base.hash):
            head = best
        elif estimate is not None or others_vote:
            head = self._chain.best_above(base.hash)
        else:
            return None
        if proposal is not None and not self._chain.descends(head.hash, proposal.hash):
            head = self._chain.best_above(proposal.hash)
        return head if head.number > finalised.number else None

    def _proposed(self, estimate: Target | None) -> Target | None:
        """The primary's proposal, where following it keeps to the estimate."""
        proposal = self._rounds.current.proposal
        if proposal is None or estimate is None:
            return None
        target = Target(proposal.vote.target_hash, proposal.vote.target_number)
        block = self._chain.find(target.hash)
        fits = block is not None and block.number == target.number
        return target if fits and self._chain.descends(target.hash, estimate.hash) else None

    def _precommit(self, estimate: Target | None, now: int) -> Target | None:
        """The prevote ghost, once it contains the previous estimate and waiting can not raise it."""
        state = self._rounds.current.state
        ghost = state.prevote_ghost
        if ghost is None or (estimate is not None and not self._chain.descends(ghost.hash, estimate.hash)):
            return None
        waited = now >= self._prevoted + 2 * self._times.gossip_ms
        return ghost if waited or state.settled or state.completable else None

    # -- own votes ----------------------------------------------------------------------------------------

    def _own(self, stage: Stage) -> Vote | None:
        record = self.record
        return record.vote(stage) if record is not None and record.round == self._round else None

    def _cast(self, stage: Stage, target: Target) -> list[Vote]:
        """Cast a vote unless this stage of the round has one, be it one that was lost here and came back from
        others.
        """
        record, number = self.record, self._rounds.current.number
        tally = self._rounds.current.tallies.get(stage)
        if self._own(stage) is not None or (tally is not None and tally.votes_of(self.index)):
            return []
        vote = Vote(stage, target.hash, target.number, number, self._rounds.voters.set_id)
        before = record.votes if record is not None and record.round == number else ()
        previous = self._rounds.previous.votes() if self._rounds.previous is not None else ()
        seen = previous + self._rounds.current.votes()
        self.record = RoundRecord(vote.set_id, number, (*before, vote), seen)
        if stage is not Stage.PROPOSAL:
            self._rounds.current.count(vote, self.index, None, self._chain)
        return [vote]
