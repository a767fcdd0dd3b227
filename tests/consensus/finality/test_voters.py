"""A voter among others: when it votes, what it says, how it keeps level with its peers."""

from dataclasses import replace

import pytest

from consensus.finality.changes import ScheduledChange, finality_item
from consensus.finality.events import (
    BroadcastJustification,
    BroadcastNeighbour,
    BroadcastVotes,
    CatchUpReceived,
    CatchUpRequested,
    CheckVotes,
    FetchBlock,
    Finalise,
    JustificationReceived,
    LocalTimeout,
    NeighbourReceived,
    PeerFault,
    ReportEquivocation,
    ReportPeer,
    SendTo,
    VotesChecked,
)
from consensus.finality.gossip import (
    FINALITY_MESSAGE,
    CatchUp,
    CatchUpRequest,
    Commit,
    FinalityMessage,
    Held,
    Neighbour,
    Votes,
)
from consensus.finality.justification import InvalidJustification, JustificationFault
from consensus.finality.messages import Stage
from tests.consensus.builders import chain, child
from tests.consensus.finality.seat import FORK, MAIN, NOW, PEER, TIMES, Seat, only

PREVOTE, PRECOMMIT, PROPOSAL = Stage.PREVOTE, Stage.PRECOMMIT, Stage.PROPOSAL
EMPTY = Held(b"\0", bytes(8))


def told(seat: Seat) -> Neighbour:
    """The newest neighbour message."""
    seat.feed(LocalTimeout(), after=TIMES.neighbour_ms)
    return only(seat.effects, BroadcastNeighbour)[-1].neighbour


def sent(effects: list[object]) -> list[FinalityMessage]:
    return [one.message for one in effects if isinstance(one, SendTo)]


def finish_round(seat: Seat, number: int, height: int) -> None:
    """Others agree on a block in a round."""
    block = MAIN[height - 1]
    seat.hear(
        *seat.votes(PREVOTE, [1, 2, 3], block, number), *seat.votes(PRECOMMIT, [1, 2, 3], block, number)
    )


def test_a_round_that_all_agree_on_takes_two_steps_and_no_timer() -> None:
    seat = Seat()
    seat.blocks(MAIN[0])
    assert (seat.own(PREVOTE), seat.own(PRECOMMIT)) == (1, None)
    seat.hear(*seat.votes(PREVOTE, [1, 2], MAIN[0]))
    assert seat.own(PRECOMMIT) == 1
    assert only(seat.hear(seat.vote(PRECOMMIT, 1, MAIN[0])), Finalise) == []
    assert len(only(seat.hear(seat.vote(PRECOMMIT, 2, MAIN[0])), Finalise)) == 1
    assert (seat.core.finalised, seat.core.current_round, seat.now) == (1, 2, NOW)


def test_the_threshold_is_reached_with_a_third_silent_and_not_with_one_less() -> None:
    seat = Seat(size=10)
    seat.blocks(MAIN[0])
    seat.hear(*seat.votes(PREVOTE, [1, 2, 3, 4, 5, 6], MAIN[0]))
    seat.hear(*seat.votes(PRECOMMIT, [1, 2, 3, 4, 5], MAIN[0]))
    assert seat.core.finalised == 0
    seat.hear(seat.vote(PRECOMMIT, 6, MAIN[0]))
    assert seat.core.finalised == 1


def test_while_more_prevotes_could_raise_the_ghost_the_precommit_waits_two_gossip_times() -> None:
    seat = Seat()
    seat.blocks(*MAIN[:2])
    seat.hear(seat.vote(PREVOTE, 1, MAIN[1]), seat.vote(PREVOTE, 2, MAIN[0]))
    assert seat.own(PRECOMMIT) is None, "the fourth prevote may still carry block 2"
    seat.feed(LocalTimeout(), after=2 * TIMES.gossip_ms)
    assert seat.own(PRECOMMIT) == 1


def test_a_voter_keeps_to_the_estimate_of_the_round_before() -> None:
    """Round 1 may still make block 2 final; only then does a better branch not count."""
    seat = Seat()
    seat.blocks(*MAIN[:2])
    seat.hear(seat.vote(PREVOTE, 1, MAIN[1]), seat.vote(PREVOTE, 2, MAIN[1]))
    seat.hear(seat.vote(PRECOMMIT, 1, MAIN[0]), seat.vote(PRECOMMIT, 2, MAIN[1]))
    assert (seat.core.finalised, seat.core.current_round) == (1, 2)
    assert seat.core._rounds.estimate is not None
    seat.blocks(*FORK)
    assert seat.own(PREVOTE, 2) is None, "the primary of round 2 is heard first"
    seat.feed(LocalTimeout(), after=2 * TIMES.gossip_ms)
    assert seat.own(PREVOTE, 2) == 2
    record = seat.journal
    assert record is not None
    assert record.votes[0].target_hash == MAIN[1].hash()
    assert record.has_previous
    assert {one.vote.round for one in record.seen} == {1}


def open_round(seat: Seat) -> None:
    """Leave round 1 with an estimate above the last final block."""
    seat.blocks(*MAIN[:3])
    others = [number for number in range(4) if number != seat.index][:2]
    seat.hear(*seat.votes(PREVOTE, others, MAIN[1]))
    if seat.index is not None:
        seat.feed(LocalTimeout(), after=2 * TIMES.gossip_ms)
    seat.hear(seat.vote(PRECOMMIT, others[0], MAIN[0]), seat.vote(PRECOMMIT, others[1], MAIN[1]))
    assert (seat.core.finalised, seat.core.current_round) == (1, 2)


def test_the_primary_proposes_the_open_estimate_and_prevotes_at_once() -> None:
    seat = Seat(index=2)
    open_round(seat)
    own = [one.votes[0].vote for one in only(seat.effects, BroadcastVotes) if one.own]
    assert [(vote.stage, vote.target_number) for vote in own if vote.round == 2] == [
        (PROPOSAL, 2),
        (PREVOTE, 3),
    ]


def test_a_proposal_that_keeps_to_the_estimate_ends_the_wait_and_others_do_not() -> None:
    seat = Seat()
    open_round(seat)
    stray = seat.vote(PROPOSAL, 1, MAIN[1], 2)
    seat.hear(stray)
    assert seat.own(PREVOTE, 2) is None, "voter 1 is not the primary of round 2"
    seat.hear(seat.vote(PROPOSAL, 2, MAIN[1], 2))
    assert seat.own(PREVOTE, 2) == 3
    low = Seat()
    open_round(low)
    low.hear(low.vote(PROPOSAL, 2, MAIN[0], 2), low.vote(PROPOSAL, 2, MAIN[1], 2))
    assert low.own(PREVOTE, 2) is None, "a proposal below the estimate does not count"


def test_the_best_chain_gives_way_to_the_primarys_proposal() -> None:
    seat = Seat()
    open_round(seat)
    branch = chain(1, parent=MAIN[1], state=8)
    seat.blocks(*branch, best=False)
    seat.hear(seat.vote(PROPOSAL, 2, branch[0], 2))
    assert seat.journal is not None
    assert seat.journal.votes[0].target_hash == branch[0].hash()


def test_without_a_better_block_of_its_own_a_voter_joins_what_others_vote_for() -> None:
    seat = Seat()
    seat.blocks(MAIN[0], best=False)
    assert seat.own(PREVOTE) is None
    seat.hear(seat.vote(PREVOTE, 1, MAIN[0]))
    assert seat.own(PREVOTE) == 1


def test_a_commit_for_any_round_makes_its_block_final() -> None:
    seat = Seat()
    seat.blocks(*MAIN[:2])
    assert len(only(seat.commit(MAIN[1], number=9), Finalise)) == 1
    assert seat.core.current_round == 1


def test_a_commit_is_told_by_the_primary_at_once_and_by_others_in_turn_unless_it_is_known() -> None:
    primary, third, heard = Seat(index=1), Seat(index=3), Seat(index=3)
    for seat in (primary, third, heard):
        seat.blocks(MAIN[0])
        others = [number for number in range(4) if number != seat.index][:2]
        seat.hear(*seat.votes(PREVOTE, others, MAIN[0]), *seat.votes(PRECOMMIT, others, MAIN[0]))
        assert seat.core.finalised == 1
    assert len(only(primary.effects, BroadcastJustification)) == 1
    assert only(third.effects, BroadcastJustification) == []
    heard.commit(MAIN[0])
    for seat in (third, heard):
        seat.feed(LocalTimeout(), after=2 * TIMES.gossip_ms)
    assert len(only(third.effects, BroadcastJustification)) == 1
    assert only(heard.effects, BroadcastJustification) == []


def test_a_vote_for_an_unknown_block_is_fetched_and_counted_when_it_comes() -> None:
    seat = Seat()
    effects = seat.hear(seat.vote(PREVOTE, 1, MAIN[0]), seat.vote(PREVOTE, 2, MAIN[0]))
    assert only(effects, FetchBlock) == [FetchBlock(MAIN[0].hash(), 1, PEER)]
    again = seat.feed(LocalTimeout(), after=TIMES.neighbour_ms)
    assert only(again, FetchBlock) == [FetchBlock(MAIN[0].hash(), 1, None)]
    seat.blocks(MAIN[0])
    assert seat.own(PRECOMMIT) == 1


def test_an_equivocator_is_reported_with_evidence_once_known_blocks_or_not() -> None:
    seat = Seat()
    seat.blocks(*MAIN[:2])
    seat.hear(seat.vote(PREVOTE, 1, MAIN[0]))
    evidence = only(seat.hear(seat.vote(PREVOTE, 1, MAIN[1])), ReportEquivocation)
    assert [one.evidence.first.vote.target_number for one in evidence] == [1]
    assert only(seat.hear(seat.vote(PREVOTE, 1, FORK[0])), ReportEquivocation) == []
    seat.hear(seat.vote(PREVOTE, 2, FORK[0]))
    assert len(only(seat.hear(seat.vote(PREVOTE, 2, FORK[1])), ReportEquivocation)) == 1


def test_bad_votes_are_reported_and_not_counted() -> None:
    seat = Seat()
    seat.blocks(MAIN[0])
    forged = replace(seat.vote(PREVOTE, 1, MAIN[0]), signature=bytes(96))
    assert only(seat.hear(forged), ReportPeer) == [ReportPeer(PEER, PeerFault.BAD_SIGNATURE)]
    stranger = replace(forged, voter=9)
    assert only(seat.hear(stranger), ReportPeer) == [ReportPeer(PEER, PeerFault.UNKNOWN_VOTER)]
    elsewhere = replace(forged, vote=replace(forged.vote, set_id=7))
    late = replace(forged, vote=replace(forged.vote, round=50))
    assert seat.hear(elsewhere, late) == []
    wrong = seat.vote(PREVOTE, 1, MAIN[0])
    vote = replace(wrong.vote, target_number=3)
    seat.hear(replace(wrong, vote=vote, signature=seat.signature(1, vote)))
    assert told(seat).prevotes.voters == b"\x01"


def test_one_check_runs_at_a_time_and_the_next_takes_what_came_meanwhile() -> None:
    seat = Seat(index=None)
    seat.blocks(MAIN[0])
    first, second = seat.vote(PREVOTE, 1, MAIN[0]), seat.vote(PREVOTE, 2, MAIN[0])
    (check,) = only(seat.core._intake.receive(PEER, (first,)), CheckVotes)
    assert seat.core._intake.receive(PEER, (second, first)) == []
    assert seat.core._intake.checked(replace(check), (True,)) == []
    relayed, following = seat.core._intake.checked(check, (True,))
    assert relayed == BroadcastVotes((first,), own=False)
    assert following == CheckVotes(seat.core.voters, (second,), (PEER,))
    assert seat.feed(VotesChecked(check, (True,))) == []


def test_a_peer_gets_the_votes_that_it_lacks_and_no_others() -> None:
    seat = Seat()
    seat.blocks(MAIN[0])
    seat.hear(seat.vote(PREVOTE, 1, MAIN[0]))
    own = told(seat)
    assert (own.round, own.prevotes.voters) == (1, b"\x03")
    assert sent(seat.feed(NeighbourReceived(b"level", own))) == []
    lacking = replace(own, prevotes=Held(b"\x01", bytes(8)))
    (votes,) = sent(seat.feed(NeighbourReceived(b"a", lacking)))
    assert isinstance(votes, Votes)
    assert [one.voter for one in votes.votes] == [1]
    assert sent(seat.feed(NeighbourReceived(b"a", lacking))) == [], "once is enough for a while"
    other = replace(own, prevotes=Held(own.prevotes.voters, b"another."))
    (votes,) = sent(seat.feed(NeighbourReceived(b"b", other)))
    assert isinstance(votes, Votes)
    assert [one.voter for one in votes.votes] == [0, 1], "the same voters with other votes: tell all"
    odd = replace(own, prevotes=Held(b"\xff\xff", bytes(8)))
    assert sent(seat.feed(NeighbourReceived(b"c", odd))) == []


def test_a_peer_that_lags_gets_the_newest_commit_and_the_votes_of_its_round() -> None:
    seat = Seat()
    seat.blocks(MAIN[0])
    finish_round(seat, 1, 1)
    behind = Neighbour(1, 0, 0, EMPTY, EMPTY)
    commit, votes = sent(seat.feed(NeighbourReceived(b"a", behind)))
    assert isinstance(commit, Commit)
    assert commit.justification.target_number == 1
    assert isinstance(votes, Votes)
    assert {one.vote.round for one in votes.votes} == {1}
    assert FINALITY_MESSAGE.decode(FINALITY_MESSAGE.encode(votes)) == votes
    assert FINALITY_MESSAGE.decode(FINALITY_MESSAGE.encode(commit)) == commit


def test_a_peer_that_stays_behind_gets_the_votes_of_the_round_that_binds_it() -> None:
    seat = Seat()
    seat.blocks(*MAIN[:3])
    for number in (1, 2, 3):
        finish_round(seat, number, number)
    current = seat.core.current_round
    behind = Neighbour(current - 1, 0, 3, EMPTY, EMPTY)
    first = sent(seat.feed(NeighbourReceived(b"a", behind)))
    assert {one.vote.round for message in first for one in message.votes} == {current - 1}
    seat.now += seat.core._times.neighbour_ms
    again = sent(seat.feed(NeighbourReceived(b"a", behind)))
    assert [{one.vote.round for one in message.votes} for message in again] == [{current - 1}, {current - 2}]


def test_a_proposal_travels_with_the_votes_of_its_round() -> None:
    seat = Seat()
    open_round(seat)
    seat.hear(seat.vote(PROPOSAL, 2, MAIN[1], 2))
    (votes,) = sent(seat.feed(NeighbourReceived(b"a", Neighbour(2, 0, 1, EMPTY, EMPTY))))
    assert isinstance(votes, Votes)
    assert votes.votes[-1].vote.stage is PROPOSAL


def caught_up(seat: Seat, number: int) -> CatchUp:
    votes = seat.votes(PREVOTE, [1, 2, 3], MAIN[0], number) + seat.votes(
        PRECOMMIT, [1, 2, 3], MAIN[0], number
    )
    return CatchUp(number, 0, votes)


def test_a_voter_far_behind_asks_for_a_completed_round_and_skips_to_the_one_after() -> None:
    seat = Seat()
    seat.blocks(*MAIN[:2])
    far = Neighbour(8, 0, 0, EMPTY, EMPTY)
    assert sent(seat.feed(NeighbourReceived(PEER, far))) == [CatchUpRequest(1, 0)]
    assert sent(seat.feed(NeighbourReceived(b"b", far))) == [], "one request at a time"
    seat.feed(CatchUpReceived(PEER, caught_up(seat, 7)))
    assert (seat.core.current_round, seat.core.finalised) == (8, 1)
    assert seat.own(PREVOTE, 8) == 2


def test_catch_ups_that_nobody_asked_for_or_that_complete_nothing_are_refused() -> None:
    seat = Seat()
    seat.blocks(MAIN[0])
    good = caught_up(seat, 7)
    unasked = seat.feed(CatchUpReceived(PEER, good))
    assert only(unasked, ReportPeer) == [ReportPeer(PEER, PeerFault.UNASKED_CATCH_UP)]
    far = Neighbour(8, 0, 0, EMPTY, EMPTY)
    seat.feed(NeighbourReceived(PEER, far))
    short = replace(good, votes=good.votes[:5])
    bad = seat.feed(CatchUpReceived(PEER, short))
    assert only(bad, ReportPeer) == [ReportPeer(PEER, PeerFault.BAD_CATCH_UP)]
    seat.feed(NeighbourReceived(b"b", far))
    assert seat.feed(CatchUpReceived(b"b", replace(good, set_id=3))) == []
    seat.feed(NeighbourReceived(b"c", far))
    seat.feed(CatchUpReceived(b"c", CatchUp(9, 0, caught_up(seat, 9).votes)))
    assert seat.core.current_round == 10


def test_a_round_wanted_far_ahead_is_replaced_by_the_next_one_wanted() -> None:
    seat = Seat()
    seat.core._rounds.try_to_reach(2)
    seat.core._rounds.try_to_reach(20)
    seat.core._rounds.try_to_reach(30)
    assert [one.number for one in seat.core._rounds.newest_first()] == [30, 2, 1]


def test_a_catch_up_request_is_answered_with_the_round_before_where_that_helps() -> None:
    seat = Seat()
    seat.blocks(MAIN[0])
    assert sent(seat.feed(CatchUpRequested(PEER, CatchUpRequest(1, 0)))) == []
    finish_round(seat, 1, 1)
    (answer,) = sent(seat.feed(CatchUpRequested(PEER, CatchUpRequest(1, 0))))
    assert isinstance(answer, CatchUp)
    assert (answer.round, len(answer.votes)) == (1, 8)
    assert sent(seat.feed(CatchUpRequested(PEER, CatchUpRequest(5, 0)))) == []
    assert sent(seat.feed(CatchUpRequested(PEER, CatchUpRequest(1, 4)))) == []


def handing_over(seat: Seat) -> None:
    """Block 2 announces that voters 1 to 3 rule once block 3 is final."""
    change = finality_item(ScheduledChange(seat.members[1:], 1))
    second = child(MAIN[0], change)
    third, fourth = chain(2, parent=second)
    seat.blocks(MAIN[0], second, third, fourth)


def test_votes_stop_at_the_block_that_hands_over_and_the_next_set_starts_with_round_one() -> None:
    seat = Seat(index=1)
    handing_over(seat)
    assert seat.own(PREVOTE) == 3
    third = seat.headers[seat.tree.best.parent_hash]
    effects = seat.hear(*seat.votes(PREVOTE, [0, 2], third), *seat.votes(PRECOMMIT, [0, 2], third))
    (final,) = only(effects, Finalise)
    assert final.authorities is not None
    assert (final.authorities.set_id, final.authorities.members) == (1, seat.members[1:])
    assert (seat.core.voters.set_id, seat.core.current_round) == (1, 1)
    assert seat.own(PREVOTE) == 4, "it goes on in the new set at once"
    (handover,) = sent(seat.feed(NeighbourReceived(b"a", Neighbour(5, 0, 2, EMPTY, EMPTY))))
    assert handover == Commit(final.justification)
    assert sent(seat.feed(NeighbourReceived(b"b", Neighbour(5, 9, 2, EMPTY, EMPTY)))) == []


def test_a_voter_who_is_not_in_the_next_set_goes_on_as_an_observer() -> None:
    seat = Seat(index=0)
    handing_over(seat)
    third = seat.headers[seat.tree.best.parent_hash]
    seat.hear(*seat.votes(PREVOTE, [1, 2], third), *seat.votes(PRECOMMIT, [1, 2], third))
    assert (seat.core.voters.set_id, seat.core.round) == (1, 0)


def test_a_justification_beyond_a_handover_is_refused() -> None:
    seat = Seat(index=1)
    handing_over(seat)
    fourth = seat.headers[seat.tree.best.hash]
    with pytest.raises(InvalidJustification) as caught:
        seat.commit(fourth)
    assert caught.value.reason is JustificationFault.BEYOND_HANDOVER
    assert seat.core.finalised == 0
    later = replace(seat.justification(fourth, [1, 2, 3]), set_id=1)
    unjudged = seat.feed(JustificationReceived(later, PEER))
    assert only(unjudged, Finalise) == [], "a set to come is not judged yet"


def test_a_voter_does_not_contradict_a_vote_of_its_own_that_it_does_not_remember() -> None:
    seat = Seat()
    seat.blocks(*MAIN[:2], best=False)
    seat.hear(seat.vote(PREVOTE, 0, MAIN[0]))
    seat.blocks(MAIN[2])
    assert seat.own(PREVOTE) is None
