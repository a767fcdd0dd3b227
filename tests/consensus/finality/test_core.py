"""One voter alone, and observers; `test_voters.py` has several."""

from dataclasses import replace

import pytest

from consensus.finality.chain import ChainView
from consensus.finality.changes import AuthorityRecord
from consensus.finality.core import FinalityCore
from consensus.finality.events import (
    BestBlock,
    BroadcastJustification,
    BroadcastVotes,
    Finalise,
    FinalityEffect,
    FinalityInput,
    JustificationReceived,
    LocalTimeout,
    PersistVotes,
    SignVote,
    VoteSigned,
    WakeAt,
)
from consensus.finality.journal import ROUND_RECORD, RoundRecord
from consensus.finality.justification import InvalidJustification, assemble, verify_justification
from consensus.finality.messages import Stage, Vote
from consensus.finality.voting import SIGNING_TIMEOUT_MS
from consensus.fork_tree import BlockRef, ForkTree
from runtime.primitives.header import Header
from tests.consensus.builders import GENESIS, chain, precommit, voter_set

VOTERS, KEYS = voter_set([1], set_id=3)
BLOCKS = chain(4)
NOW = 1_000_000


def reference(header: Header) -> BlockRef:
    return BlockRef(header.hash(), header.number, header.parent_hash, False)


class Alone:
    """A core over a chain of four blocks, with a signer that answers when told to."""

    def __init__(self, journal: RoundRecord | None = None, root: int = 0, *, voter: bool = True) -> None:
        headers = [GENESIS, *BLOCKS]
        self.tree = ForkTree(reference(headers[root]))
        for header in headers[root + 1 :]:
            self.tree.insert(reference(header))
        by_hash = {header.hash(): header for header in headers}
        self.core = FinalityCore(
            AuthorityRecord(VOTERS.set_id, VOTERS.members),
            lambda: {KEYS[0].public} if voter else set(),
            ChainView(self.tree, by_hash.get),
            journal,
        )
        self.record = journal
        self.final: list[int] = []

    def handle(self, event: FinalityInput, now: int = NOW) -> list[FinalityEffect]:
        effects = self.core.handle(event, now)
        for effect in effects:
            match effect:
                case PersistVotes(record):
                    self.record = record
                case SignVote(vote):
                    assert self.record is not None
                    assert vote in self.record.votes, "a vote is signed before it is durable"
                case Finalise(justification):
                    verify_justification(justification, VOTERS)
                    self.tree.finalise(justification.target_hash)
                    self.final.append(justification.target_number)
        return effects

    def best(self, header: Header) -> list[Vote]:
        return asked(self.handle(BestBlock(header.hash(), header.number)))

    def sign(self, *votes: Vote) -> list[FinalityEffect]:
        return [effect for vote in votes for effect in self.handle(answer(vote))]


def answer(vote: Vote) -> VoteSigned:
    return VoteSigned(vote, KEYS[0].sign(vote.payload()))


def asked(effects: list[FinalityEffect]) -> list[Vote]:
    return [effect.vote for effect in effects if isinstance(effect, SignVote)]


def received(header: Header) -> JustificationReceived:
    vote = precommit(KEYS, 0, header, set_id=3)
    return JustificationReceived(assemble((header.hash(), header.number), [vote], VOTERS))


def test_a_best_block_is_voted_for_then_final_then_announced() -> None:
    alone = Alone()
    effects = alone.handle(BestBlock(BLOCKS[1].hash(), 2))
    assert [type(effect) for effect in effects] == [PersistVotes, SignVote, SignVote, WakeAt]
    prevote, commit = asked(effects)
    assert [vote.stage for vote in (prevote, commit)] == [Stage.PREVOTE, Stage.PRECOMMIT]
    assert {(vote.target_number, vote.round, vote.set_id) for vote in (prevote, commit)} == {(2, 1, 3)}
    assert [type(effect) for effect in alone.sign(prevote)] == [BroadcastVotes]
    broadcast, finalise, told = alone.sign(commit)
    assert isinstance(broadcast, BroadcastVotes)
    assert isinstance(finalise, Finalise)
    assert told == BroadcastJustification(finalise.justification)
    assert (alone.core.finalised, alone.core.round, alone.core.current_round) == (2, 1, 2)


def test_a_voter_alone_writes_its_journal_once_a_round() -> None:
    alone = Alone()
    effects = alone.handle(BestBlock(BLOCKS[0].hash(), 1))
    assert [type(effect) for effect in effects].count(PersistVotes) == 1


def test_a_restart_signs_the_same_votes_again_after_making_them_durable() -> None:
    before = Alone()
    votes = before.best(BLOCKS[0])
    assert before.record is not None
    restarted = Alone(ROUND_RECORD.decode(ROUND_RECORD.encode(before.record)))
    effects = restarted.handle(BestBlock(BLOCKS[3].hash(), 4))
    assert effects[0] == PersistVotes(before.record)
    assert asked(effects) == votes
    assert asked(restarted.sign(*votes))[0].round == 2
    assert restarted.final == [1]


def test_a_restart_behind_its_finality_goes_on_with_the_next_round() -> None:
    before = Alone()
    before.sign(*before.best(BLOCKS[0]))
    restarted = Alone(before.record, root=1)
    votes = restarted.best(BLOCKS[1])
    assert {vote.round for vote in votes} == {1}
    assert {vote.round for vote in asked(restarted.sign(*votes))} == {2}


def test_the_journal_of_an_earlier_set_is_passed_over_and_that_of_a_later_one_silences() -> None:
    votes = tuple(Alone().best(BLOCKS[0]))
    earlier = RoundRecord(2, 7, tuple(replace(vote, set_id=2, round=7) for vote in votes))
    assert {vote.round for vote in Alone(earlier).best(BLOCKS[0])} == {1}
    later = RoundRecord(4, 1, tuple(replace(vote, set_id=4) for vote in votes))
    assert Alone(later).best(BLOCKS[0]) == []


def test_blocks_that_arrive_while_votes_are_at_the_signer_wait_and_only_the_newest_is_voted_for() -> None:
    alone = Alone()
    votes = alone.best(BLOCKS[0])
    assert alone.best(BLOCKS[1]) == []
    assert alone.best(BLOCKS[2]) == []
    assert {vote.target_number for vote in asked(alone.sign(*votes))} == {3}


def test_final_blocks_stale_answers_and_observers_cause_nothing() -> None:
    alone = Alone(root=2)
    assert alone.handle(BestBlock(BLOCKS[1].hash(), 2)) == []
    votes = alone.best(BLOCKS[2])
    assert alone.handle(answer(replace(votes[0], round=9))) == []
    alone.sign(*votes)
    assert alone.sign(*votes) == []
    observer = Alone(voter=False)
    assert observer.handle(BestBlock(BLOCKS[0].hash(), 1)) == []
    assert observer.handle(answer(votes[0])) == []


def test_a_received_justification_takes_effect_once() -> None:
    observer = Alone(voter=False)
    event = received(BLOCKS[1])
    assert observer.handle(event) == [Finalise(event.justification)]
    assert observer.handle(event) == []
    assert observer.handle(received(BLOCKS[0])) == []
    assert observer.core.finalised == 2


def test_a_justification_from_a_peer_is_passed_on_when_it_is_newer() -> None:
    observer = Alone(voter=False)
    event = replace(received(BLOCKS[1]), peer=b"peer")
    assert observer.handle(event) == [
        Finalise(event.justification),
        BroadcastJustification(event.justification),
    ]
    assert observer.handle(event) == []


def test_a_justification_of_a_block_still_to_come_waits_for_it() -> None:
    observer = Alone(voter=False)
    later = chain(2, parent=BLOCKS[-1])
    assert observer.handle(received(later[1])) == []
    assert observer.handle(received(later[0])) == []
    for header in later:
        observer.tree.insert(reference(header))
        observer.handle(BestBlock(header.hash(), header.number))
    assert observer.final == [6]


def test_a_bad_justification_is_refused_and_changes_nothing() -> None:
    observer = Alone(voter=False)
    bad = replace(received(BLOCKS[1]).justification, round=7)
    with pytest.raises(InvalidJustification):
        observer.handle(JustificationReceived(bad))
    assert observer.core.finalised == 0


def test_a_vote_overtaken_by_a_received_justification_finalises_nothing_more() -> None:
    alone = Alone()
    votes = alone.best(BLOCKS[0])
    alone.handle(received(BLOCKS[2]))
    alone.best(BLOCKS[3])
    assert {vote.target_number for vote in asked(alone.sign(*votes))} == {4}
    assert alone.final == [3]


def test_a_silent_signer_is_asked_again_for_the_same_votes_only() -> None:
    alone = Alone()
    assert alone.handle(LocalTimeout()) == []
    votes = alone.best(BLOCKS[0])
    early = alone.handle(LocalTimeout(), NOW + SIGNING_TIMEOUT_MS - 1)
    assert early == [WakeAt(NOW + SIGNING_TIMEOUT_MS)]
    later = NOW + SIGNING_TIMEOUT_MS
    effects = alone.handle(LocalTimeout(), later)
    assert effects == [*(SignVote(vote) for vote in votes), WakeAt(later + SIGNING_TIMEOUT_MS)]


def test_a_signer_with_the_wrong_key_is_a_bug_found_at_once() -> None:
    alone = Alone()
    votes = alone.best(BLOCKS[0])
    with pytest.raises(AssertionError, match="voter's key"):
        alone.handle(VoteSigned(votes[0], KEYS[0].sign(b"else")))
