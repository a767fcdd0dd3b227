"""Votes on their way in: bounded, verified in batches, parked while their block is unknown, then counted."""

from consensus.finality.chain import ChainView
from consensus.finality.events import (
    BroadcastVotes,
    CheckVotes,
    FetchBlock,
    FinalityEffect,
    PeerFault,
    ReportEquivocation,
    ReportPeer,
)
from consensus.finality.messages import SignedVote, Stage
from consensus.finality.round import Round
from consensus.finality.rounds import Rounds
from consensus.finality.tally import Counting
from consensus.finality.vote_equivocation import VoteEquivocation

MAX_BATCH = 512
"""Votes in one check: some 0.1 s of work, so that a flood delays correct votes by little more."""

MAX_QUEUED = 8_192
"""Unverified votes that wait, 1.5 MB: every vote of 1,000 voters in four rounds. What comes on top is
dropped; neighbour messages bring it again.
"""

MAX_FETCHES = 16
"""Blocks asked for at once; correct voters name few."""

_Slot = tuple[int, Stage, int]


class VoteIntake:
    """Takes votes of one voter set from peers into its rounds."""

    def __init__(self, rounds: Rounds, chain: ChainView) -> None:
        self._rounds = rounds
        self._chain = chain
        self._queue = dict[SignedVote, bytes]()
        self._check: CheckVotes | None = None
        # Verified votes for unknown blocks: one a slot, since a second one convicts.
        self._parked = dict[_Slot, SignedVote]()

    def receive(self, peer: bytes, votes: tuple[SignedVote, ...]) -> list[FinalityEffect]:
        """Queue what is new and wanted; start a check where none is under way."""
        set_id, size = self._rounds.voters.set_id, len(self._rounds.voters)
        for signed in votes:
            if signed.vote.set_id != set_id:
                continue
            if signed.voter >= size:
                return [ReportPeer(peer, PeerFault.UNKNOWN_VOTER)]
            if self._is_wanted(signed) and len(self._queue) < MAX_QUEUED:
                self._queue.setdefault(signed, peer)
        return self._next_check()

    def checked(self, check: CheckVotes, valid: tuple[bool, ...]) -> list[FinalityEffect]:
        """Count what holds, report who sent what does not, check what came meanwhile."""
        if check is not self._check:
            return []
        self._check = None
        effects, relayed = list[FinalityEffect](), list[SignedVote]()
        for signed, peer, holds in zip(check.votes, check.peers, valid, strict=True):
            if not holds:
                effects.append(ReportPeer(peer, PeerFault.BAD_SIGNATURE))
                continue
            evidence, is_new = self.count(signed, peer)
            effects += evidence
            if is_new:
                relayed.append(signed)
        if relayed:
            effects.append(BroadcastVotes(tuple(relayed), own=False))
        return effects + self._next_check()

    def count(self, signed: SignedVote, peer: bytes | None = None) -> tuple[list[FinalityEffect], bool]:
        """Count a verified vote, or park it and ask for its block; whether it was new, and the evidence where
        it convicts.
        """
        held = self._rounds.get(signed.vote.round)
        if held is None:
            return [], False
        if signed.vote.stage is Stage.PROPOSAL:
            return [], self._propose(held, signed)
        slot = _slot(signed)
        other = self._parked.get(slot)
        if other is not None and other.vote != signed.vote:
            del self._parked[slot]
            held.convict(other, signed)
            return [ReportEquivocation(VoteEquivocation(other, signed))], True
        match held.count(signed.vote, signed.voter, signed.signature, self._chain):
            case Counting.NEW:
                self._parked.pop(slot, None)
                return [], True
            case Counting.EQUIVOCATION:
                return self._evidence(held, signed), True
            case Counting.UNKNOWN_BLOCK:
                waiting = [one for one in self._parked.values() if one is not other]
                self._parked[slot] = signed
                is_asked = any(one.vote.target_hash == signed.vote.target_hash for one in waiting)
                return [] if is_asked else [_fetch(signed, peer)], other is None
            case _:
                return [], False

    def retry(self) -> list[FinalityEffect]:
        """Count parked votes whose block has come; forget those of rounds that are gone."""
        effects = list[FinalityEffect]()
        for slot, signed in list(self._parked.items()):
            if self._rounds.get(signed.vote.round) is None:
                del self._parked[slot]
            elif self._chain.find(signed.vote.target_hash) is not None:
                del self._parked[slot]
                effects += self.count(signed)[0]
        return effects

    def fetches(self) -> list[FinalityEffect]:
        """Ask again for the blocks that parked votes wait for."""
        wanted = {signed.vote.target_hash: signed for signed in self._parked.values()}
        return [_fetch(signed, None) for signed in list(wanted.values())[:MAX_FETCHES]]

    def _evidence(self, held: Round, signed: SignedVote) -> list[FinalityEffect]:
        votes = held.tallies[signed.vote.stage].votes_of(signed.voter)
        # A voter's own first vote may still be at the signer: then there is nothing to show yet.
        return [ReportEquivocation(VoteEquivocation(*votes))] if len(votes) == 2 else []

    def _propose(self, held: Round, signed: SignedVote) -> bool:
        if held.proposal is not None or signed.voter != held.primary:
            return False
        held.proposal = signed
        return True

    def _is_wanted(self, signed: SignedVote) -> bool:
        held = self._rounds.get(signed.vote.round)
        if held is None or self._parked.get(_slot(signed)) == signed:
            return False
        if signed.vote.stage is Stage.PROPOSAL:
            return held.proposal is None and signed.voter == held.primary
        counting = held.tallies[signed.vote.stage].judge(signed.vote, signed.voter)
        return counting in (Counting.NEW, Counting.EQUIVOCATION)

    def _next_check(self) -> list[FinalityEffect]:
        if self._check is not None:
            return []
        batch = list[tuple[SignedVote, bytes]]()
        while self._queue and len(batch) < MAX_BATCH:
            signed = next(iter(self._queue))
            peer = self._queue.pop(signed)
            if self._is_wanted(signed):
                batch.append((signed, peer))
        if not batch:
            return []
        votes, peers = zip(*batch, strict=True)
        self._check = CheckVotes(self._rounds.voters, votes, peers)
        return [self._check]


def _fetch(signed: SignedVote, peer: bytes | None) -> FetchBlock:
    return FetchBlock(signed.vote.target_hash, signed.vote.target_number, peer)


def _slot(signed: SignedVote) -> _Slot:
    return signed.vote.round, signed.vote.stage, signed.voter
