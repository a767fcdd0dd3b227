"""The finality core: GRANDPA's rounds for one node, voter or observer, sans I/O.

Events go in, effects come out, to be carried out in the order given. A vote leaves unsigned (`PersistVotes`,
then `SignVote`) and comes back as `VoteSigned`, so nothing is ever signed that is not on disk first. Votes of
others leave for verification (`CheckVotes`) and come back as `VotesChecked`, so pairings may run elsewhere.

After every event the same four questions are asked until none has an answer: is a block final? may a vote be
cast? is the round over? when to look again? A voter that holds a supermajority alone needs no case of its
own: its prevote makes its ghost, so both votes share one journal record.
"""

from collections.abc import Callable, Collection, Iterable

from consensus.authorities import VoterSet
from consensus.finality.chain import ChainView, Target
from consensus.finality.changes import AuthorityRecord, PendingChanges, find_scheduled_change
from consensus.finality.commits import Commits, justify
from consensus.finality.events import (
    BestBlock,
    BlockStored,
    BroadcastJustification,
    BroadcastNeighbour,
    BroadcastVotes,
    CatchUpReceived,
    CatchUpRequested,
    Finalise,
    FinalityEffect,
    FinalityInput,
    JustificationReceived,
    LocalTimeout,
    NeighbourReceived,
    PersistVotes,
    SignVote,
    VotesChecked,
    VoteSigned,
    VotesReceived,
    WakeAt,
)
from consensus.finality.intake import VoteIntake
from consensus.finality.journal import RoundRecord
from consensus.finality.justification import (
    InvalidJustification,
    Justification,
    JustificationFault,
    verify_justification,
)
from consensus.finality.peers import Peers
from consensus.finality.rounds import Rounds
from consensus.finality.scheme import BLS, SignatureScheme
from consensus.finality.voting import Times, Voting
from runtime.primitives.header import Header


class FinalityCore:
    """Finality for one node.

    `authorities` is the newest record that came with `Finalise`, or that of the genesis state.
    `keys` tells the own BLS public keys whenever a voter set takes over; the core votes in the sets that hold
    one of them. `chain` shows
    the fork tree, whose root is the last final block and moves when `Finalise` is carried out. `journal` is
    the newest persisted record: the core never votes in a set before the journal's. `handovers` are the
    stored justifications that ended the last voter sets, for peers that still follow those.
    """

    def __init__(
        self,
        authorities: AuthorityRecord,
        keys: Callable[[], Collection[bytes]],
        chain: ChainView,
        journal: RoundRecord | None = None,
        *,
        handovers: Iterable[Justification] = (),
        times: Times | None = None,
        scheme: SignatureScheme = BLS,
    ) -> None:
        self._keys = keys
        self._chain = chain
        self._journal = journal
        self._times = times or Times()
        self._scheme = scheme
        self._changes = PendingChanges(authorities)
        self._commits = Commits(self._times.gossip_ms)
        for justification in handovers:
            self._commits.hand_over(justification)
        self._finalised = chain.root
        self._best: Target | None = None
        self._ahead: Justification | None = None
        self._wake: int | None = None
        self._tell_at = 0
        self._enter(authorities.voters())

    def _enter(self, voters: VoterSet) -> None:
        """Start the rounds of a voter set, where the journal left them if it did."""
        journal = self._journal
        record = journal if journal is not None and journal.set_id == voters.set_id else None
        self._voters = voters
        self._rounds = Rounds(voters, self._finalised, self._chain, record)
        self._intake = VoteIntake(self._rounds, self._chain)
        for signed in record.seen if record is not None else ():
            self._intake.count(signed)
        self._peers = Peers(self._rounds, self._commits, self._times.neighbour_ms)
        own = self._keys()
        index = next((index for index, one in enumerate(voters.members) if one.key in own), None)
        if journal is not None and journal.set_id > voters.set_id:
            # The database went back behind the journal: whatever is said here may have been said otherwise.
            index = None
        self._voting: Voting | None = None
        if index is not None:
            self._voting = Voting(index, self._rounds, self._chain, self._times, record)
        self._resumed = record is None or index is None

    @property
    def voters(self) -> VoterSet:
        """The voter set that rules now."""
        return self._voters

    @property
    def round(self) -> int:
        """The newest round voted in; 0 before the first."""
        record = self._voting.record if self._voting is not None else None
        return record.round if record is not None else 0

    @property
    def current_round(self) -> int:
        """The round whose votes are gathered."""
        return self._rounds.current.number

    @property
    def finalised(self) -> int:
        """The number of the last final block."""
        return self._finalised.number

    def handle(self, event: FinalityInput, now: int) -> list[FinalityEffect]:
        """React to one event at unix time `now` (ms).

        Raises `InvalidJustification` for a received one, `InvalidHeader` for a stored block with an
        announcement that can not be read; then nothing has changed.
        """
        effects = list[FinalityEffect]()
        match event:
            case BestBlock(block_hash, number):
                self._best = Target(block_hash, number)
                effects += self._look_again()
            case BlockStored(header):
                self._announce(header)
                effects += self._look_again()
            case VoteSigned():
                effects += self._signed(event)
            case VotesReceived(peer, votes):
                effects += self._intake.receive(peer, votes)
            case VotesChecked(check, valid):
                effects += self._intake.checked(check, valid)
            case JustificationReceived(justification, peer):
                effects += self._accept(justification, peer)
            case NeighbourReceived(peer, neighbour):
                effects += self._peers.hear(peer, neighbour, self._finalised, now)
            case CatchUpRequested(peer, request):
                effects += self._peers.answer(peer, request)
            case CatchUpReceived(peer, catch_up):
                effects += self._peers.catch_up(peer, catch_up)
                effects += self._intake.receive(peer, catch_up.votes)
            case LocalTimeout():
                self._wake = None
                effects += self._timed_out(now)
        return effects + self._resume(now) + self._progress(now) + self._wake_up(now)

    # -- events -------------------------------------------------------------------------------------------

    def _resume(self, now: int) -> list[FinalityEffect]:
        """Once after a start: sign the votes of the journal again, after making sure that it is on disk."""
        if self._resumed:
            return []
        self._resumed = True
        voting = self._voting
        assert voting is not None, "only a voter has a journal to resume"
        assert voting.record is not None, "only a voter has a journal to resume"
        votes = voting.record.votes
        voting.ask(votes, now)
        return [PersistVotes(voting.record), *(SignVote(vote) for vote in votes)]

    def _announce(self, header: Header) -> None:
        change = find_scheduled_change(header)
        if change is not None:
            self._changes.announce(Target(header.hash(), header.number), change, self._chain)

    def _look_again(self) -> list[FinalityEffect]:
        """A new block: what waited for it may go on."""
        effects = self._intake.retry()
        ahead = self._ahead
        if ahead is not None and self._chain.find(ahead.target_hash) is not None:
            self._ahead = None
            if not self._changes.crosses(Target(ahead.target_hash, ahead.target_number), self._chain):
                effects += self._adopt(ahead)
        return effects

    def _signed(self, answer: VoteSigned) -> list[FinalityEffect]:
        if self._voting is None:
            return []
        signed = self._voting.signed(answer.vote, answer.signature)
        if signed is None:
            return []
        valid = self._scheme.verify_votes((signed,), self._voters)
        assert all(valid), "the signer does not hold the voter's key"
        return [*self._intake.count(signed)[0], BroadcastVotes((signed,), own=True)]

    def _accept(self, justification: Justification, peer: bytes | None) -> list[FinalityEffect]:
        """One of a set to come is passed over unverified, since its sender will bring the handover first; so
        is one for a block that is final already, unless it saves telling others.
        """
        if justification.target_number <= self._finalised.number:
            if justification.set_id == self._voters.set_id and self._commits.is_spared_by(justification):
                verify_justification(justification, self._voters, self._scheme)
                self._commits.heard(justification)
            return []
        if peer is not None and justification.set_id > self._voters.set_id:
            return []
        verify_justification(justification, self._voters, self._scheme)
        if self._chain.find(justification.target_hash) is None:
            if self._ahead is None or self._ahead.target_number < justification.target_number:
                self._ahead = justification
            return []
        target = Target(justification.target_hash, justification.target_number)
        if self._changes.crosses(target, self._chain):
            raise InvalidJustification(JustificationFault.BEYOND_HANDOVER, f"block {target.number}")
        effects = self._adopt(justification)
        return [*effects, BroadcastJustification(justification)] if peer is not None else effects

    def _adopt(self, justification: Justification) -> list[FinalityEffect]:
        """Make the target of a verified justification final."""
        target = Target(justification.target_hash, justification.target_number)
        if justification.set_id != self._voters.set_id or target.number <= self._finalised.number:
            return []
        self._commits.heard(justification)
        return [self._finalise(justification)]

    def _timed_out(self, now: int) -> list[FinalityEffect]:
        effects = list[FinalityEffect]()
        if self._voting is not None:
            overdue = self._voting.overdue(now)
            self._voting.ask(overdue, now)
            effects += [SignVote(vote) for vote in overdue]
        justification = self._commits.due(now)
        if justification is not None:
            effects.append(BroadcastJustification(justification))
        return effects

    # -- the four questions -------------------------------------------------------------------------------

    def _progress(self, now: int) -> list[FinalityEffect]:
        effects = list[FinalityEffect]()
        while True:
            step = [*self._make_final(now), *self._cast(now)]
            effects += step
            if not step and not self._advance():
                return effects

    def _make_final(self, now: int) -> list[FinalityEffect]:
        """Justify the highest block that the votes prove final."""
        if self._voting is not None and self._voting.at_signer:
            return []
        for finished in self._rounds.newest_first():
            target = finished.state.committed
            if target is None or target.number <= self._finalised.number:
                continue
            if self._changes.crosses(target, self._chain):
                continue
            justification = justify(finished, target, self._chain, self._scheme)
            if justification is None:
                continue
            self._commits.heard(justification)
            place = None
            if self._voting is not None:
                place = (self._voting.index - finished.primary) % len(finished.voters)
            effects: list[FinalityEffect] = [self._finalise(justification)]
            if place == 0:
                effects.append(BroadcastJustification(justification))
            elif place is not None:
                self._commits.wait(justification, place, now)
            return effects
        return []

    def _finalise(self, justification: Justification) -> Finalise:
        target = Target(justification.target_hash, justification.target_number)
        self._rounds.finalise(target)
        authorities = self._changes.finalise(target, self._chain)
        self._finalised = target
        if authorities is not None and authorities.set_id != self._voters.set_id:
            self._commits.hand_over(justification)
            self._enter(authorities.voters())
        return Finalise(justification, authorities)

    def _cast(self, now: int) -> list[FinalityEffect]:
        """Vote where the rules allow; votes cast together share one write to the journal."""
        if self._voting is None or not self._resumed:
            return []
        votes = self._voting.cast(self._best, self._finalised, self._changes, now)
        if not votes:
            return []
        self._journal = self._voting.record
        assert self._journal is not None, "a vote that is cast is in the record"
        self._voting.ask(tuple(votes), now)
        return [PersistVotes(self._journal), *(SignVote(vote) for vote in votes)]

    def _advance(self) -> bool:
        """Leave the current round when it is decided, its votes are cast and the estimate before it is final;
        or follow others who have left it behind.
        """
        finished = self._rounds.completable_ahead()
        if finished is None:
            return False
        if finished is self._rounds.current:
            waits = self._voting is not None and not self._voting.has_finished
            if waits or self._rounds.estimate is not None:
                return False
        self._rounds.advance_past(finished)
        return True

    def _wake_up(self, now: int) -> list[FinalityEffect]:
        """Tell peers where this node is, when it is time; ask to be woken for what comes next."""
        effects, times = list[FinalityEffect](), list[int]()
        if len(self._voters) > 1:
            # A single voter's justifications say everything.
            if now >= self._tell_at:
                self._tell_at = now + self._times.neighbour_ms
                effects.append(BroadcastNeighbour(self._peers.neighbour(self._finalised)))
                effects += self._intake.fetches()
            times.append(self._tell_at)
        if self._commits.tell_at is not None:
            times.append(self._commits.tell_at)
        deadline = self._voting.deadline(now) if self._voting is not None else None
        if deadline is not None:
            times.append(deadline)
        wake = min(times, default=None)
        if wake is not None and wake != self._wake:
            self._wake = wake
            effects.append(WakeAt(wake))
        return effects
