"""Keeping peers level: neighbour messages, the votes that a peer lacks, catch-up requests and answers.

Gossip may lose anything; these exchanges repair it. A neighbour message names the votes that its sender
holds, so the answer is exactly what is missing. A peer two rounds ahead is asked for the round that it
completed last: its votes, once verified, are as good a reason to go on as having seen the round.
"""

from dataclasses import dataclass

from consensus.finality.chain import Target
from consensus.finality.commits import Commits
from consensus.finality.events import FinalityEffect, PeerFault, ReportPeer, SendTo
from consensus.finality.gossip import CatchUp, CatchUpRequest, Commit, Held, Neighbour, Votes
from consensus.finality.messages import SignedVote, Stage, pack_signers, unpack_signers
from consensus.finality.round import Round
from consensus.finality.rounds import HISTORY_ROUNDS, Rounds
from consensus.finality.tally import Tally
from runtime.primitives.hashing import blake2_64

CATCH_UP_TIMEOUT_MS = 5_000
"""A catch-up of 1,000 voters is 600 kB: a second on a slow line. Another peer is asked after this long."""

MAX_PEERS = 1_024
"""Peers whose last answer is remembered; far more than a node has connections."""


@dataclass(frozen=True, slots=True)
class _Heard:
    at: int
    round: int


@dataclass(frozen=True, slots=True)
class _Asked:
    peer: bytes
    until: int


class Peers:
    """What this node tells and asks its peers about one voter set."""

    def __init__(self, rounds: Rounds, commits: Commits, interval_ms: int) -> None:
        self._rounds = rounds
        self._commits = commits
        self._interval_ms = interval_ms
        self._heard = dict[bytes, _Heard]()
        self._asked: _Asked | None = None

    def neighbour(self, finalised: Target) -> Neighbour:
        """How far this node is."""
        current = self._rounds.current
        return Neighbour(
            current.number,
            self._rounds.voters.set_id,
            finalised.number,
            _held(current, Stage.PREVOTE),
            _held(current, Stage.PRECOMMIT),
        )

    def hear(self, peer: bytes, neighbour: Neighbour, finalised: Target, now: int) -> list[FinalityEffect]:
        """Help a peer that lags, at most twice an interval; ask one that leads."""
        set_id = self._rounds.voters.set_id
        before = self._heard.get(peer)
        if neighbour.set_id > set_id or self._is_too_soon(peer, neighbour.round, now):
            return []
        if neighbour.set_id < set_id:
            handover = self._commits.handover(neighbour.set_id)
            return [SendTo(peer, Commit(handover))] if handover is not None else []
        effects = list[FinalityEffect]()
        newest = self._commits.newest
        if neighbour.finalised < finalised.number and newest is not None and newest.set_id == set_id:
            effects.append(SendTo(peer, Commit(newest)))
        votes = self._missing(neighbour)
        if votes:
            effects.append(SendTo(peer, Votes(votes)))
        if before is not None and before.round == neighbour.round <= self._rounds.current.number:
            # It is held up: what binds it is the round before, of which it may lack a vote
            # that nobody would say again.
            bound = self._rounds.get(neighbour.round - 1)
            if bound is not None and bound.votes():
                effects.append(SendTo(peer, Votes(bound.votes())))
        if neighbour.round >= self._rounds.current.number + HISTORY_ROUNDS and not self._is_waiting(now):
            self._asked = _Asked(peer, now + CATCH_UP_TIMEOUT_MS)
            effects.append(SendTo(peer, CatchUpRequest(self._rounds.current.number, set_id)))
        return effects

    def answer(self, peer: bytes, request: CatchUpRequest) -> list[FinalityEffect]:
        """The votes of the newest completed round, where it is what the peer asks for."""
        finished = self._rounds.previous
        if request.set_id != self._rounds.voters.set_id or finished is None:
            return []
        if finished.number < request.round or not finished.state.completable:
            return []
        return [SendTo(peer, CatchUp(finished.number, request.set_id, finished.votes()))]

    def catch_up(self, peer: bytes, catch_up: CatchUp) -> list[FinalityEffect]:
        """Want the round that a peer completed, where its votes, still unverified, could complete it."""
        if self._asked is None or self._asked.peer != peer:
            return [ReportPeer(peer, PeerFault.UNASKED_CATCH_UP)]
        self._asked = None
        voters = self._rounds.voters
        if catch_up.set_id != voters.set_id or catch_up.round < self._rounds.current.number:
            return []
        for stage in (Stage.PREVOTE, Stage.PRECOMMIT):
            cast = {
                one.voter
                for one in catch_up.votes
                if one.vote.stage is stage and one.vote.round == catch_up.round and one.voter < len(voters)
            }
            if sum(voters.members[voter].weight for voter in sorted(cast)) < voters.threshold:
                return [ReportPeer(peer, PeerFault.BAD_CATCH_UP)]
        self._rounds.try_to_reach(catch_up.round)
        return []

    def _is_waiting(self, now: int) -> bool:
        return self._asked is not None and now < self._asked.until

    def _is_too_soon(self, peer: bytes, number: int, now: int) -> bool:
        last = self._heard.pop(peer, None)
        if last is not None and now < last.at + self._interval_ms // 2:
            self._heard[peer] = last
            return True
        if len(self._heard) >= MAX_PEERS:
            del self._heard[next(iter(self._heard))]
        self._heard[peer] = _Heard(now, number)
        return False

    def _missing(self, neighbour: Neighbour) -> tuple[SignedVote, ...]:
        """The votes of the peer's round that we hold and it does not."""
        held = self._rounds.get(neighbour.round)
        if held is None:
            return ()
        missing = list[SignedVote]()
        for stage, theirs in ((Stage.PREVOTE, neighbour.prevotes), (Stage.PRECOMMIT, neighbour.precommits)):
            voters = unpack_signers(theirs.voters, len(self._rounds.voters))
            ours = held.tallies[stage].all_votes()
            if voters is None or theirs == _held(held, stage):
                continue
            known = set(voters)
            lacking = [signed for signed in ours if signed.voter not in known]
            # The same voters but other votes: someone equivocated, and each side shall learn of it.
            missing += lacking or ours
        if missing and held.proposal is not None:
            missing.append(held.proposal)
        return tuple(missing)


def _held(current: Round, stage: Stage) -> Held:
    tally: Tally = current.tallies[stage]
    votes = tally.all_votes()
    digest = 0
    for signed in votes:
        digest ^= int.from_bytes(blake2_64(signed.vote.payload() + signed.voter.to_bytes(4, "little")), "big")
    voters = sorted({signed.voter for signed in votes})
    return Held(pack_signers(voters, len(current.voters)), digest.to_bytes(8, "big"))
