"""Finality on this node: durable votes, justifications that others accept, nothing signed twice."""

from collections.abc import Callable

import pytest

from chain.finalising import VOTE_RECORD, BlockFinalised
from chain.importing import RejectedBlock, RejectionReason
from chain.store import MemoryKeyValue
from consensus.finality.events import BestBlock, LocalTimeout
from consensus.finality.journal import ROUND_RECORD
from consensus.finality.justification import Justification, verify_justification
from tests.chain.chains import World


@pytest.fixture
def world() -> World:
    return World()


def test_a_best_block_becomes_final_with_a_justification_that_verifies(world: World) -> None:
    authored = world.build()
    world.finalise(authored)
    assert world.store.finalized().hash == authored.stored.hash
    encoded = world.store.justification(authored.stored.hash)
    assert encoded is not None
    verify_justification(Justification.decode(encoded), world.chain.voters_of(0))
    assert [event.result.enacted for event in world.finalised] == [(authored.stored.hash,)]


def test_a_later_block_finalises_its_ancestors(world: World) -> None:
    hashes = [world.build().stored.hash for _ in range(2)]
    last = world.build()
    world.finalise(last)
    assert world.finalised[0].result.enacted == (*hashes, last.stored.hash)
    assert world.importer.tree.root.hash == last.stored.hash


def test_the_vote_is_in_the_journal_before_it_is_signed(world: World) -> None:
    authored = world.build()
    world.finalise(authored)
    record = world.store.aux(VOTE_RECORD)
    assert record is not None
    journal = ROUND_RECORD.decode(record)
    assert {vote.target_hash for vote in journal.votes} == {authored.stored.hash}
    assert journal.round == world.finaliser.round == 1


def test_a_restarted_voter_goes_on_with_the_next_round(world: World) -> None:
    world.finalise(world.build())
    restarted = World(world.kv, slot=world.slot)
    restarted.finalise(restarted.build())
    assert restarted.finaliser.round == 2


def test_an_observer_votes_for_nothing_and_follows_justifications(world: World) -> None:
    other = World()
    observer = other.chain.observer()
    authored = world.build()
    world.finalise(authored)
    other.importer.import_block(world.received(authored.stored.hash), world.now() + 10**6)
    assert observer.handle(BestBlock(authored.stored.hash, 1), world.now()) == []
    assert other.store.finalized().number == 0
    encoded = world.store.justification(authored.stored.hash)
    assert encoded is not None
    (outcome,) = observer.justify(encoded, 1, authored.stored.hash, world.now())
    assert isinstance(outcome, BlockFinalised)
    assert outcome.result.enacted == (authored.stored.hash,)
    assert other.store.finalized().hash == authored.stored.hash


def test_a_timeout_without_a_pending_vote_changes_nothing(world: World) -> None:
    world.finalise(world.build())
    before = world.store.finalized()
    assert world.finaliser.handle(LocalTimeout(), world.now() + 10_000) == []
    assert world.store.finalized() == before
    assert world.finaliser.wake_at is None


def test_a_block_and_its_finality_cost_at_most_three_syncs(world: World) -> None:
    assert isinstance(world.kv, MemoryKeyValue)
    before = world.kv.fsyncs
    world.finalise(world.build(world.transfer()))
    assert world.kv.fsyncs - before <= 3


def test_a_justification_for_another_block_is_refused(world: World) -> None:
    first, second = world.build(), world.build()
    world.finalise(first)
    encoded = world.store.justification(first.stored.hash)
    assert encoded is not None
    with pytest.raises(RejectedBlock) as rejection:
        world.finaliser.justify(encoded, second.stored.number, second.stored.hash, world.now())
    assert rejection.value.reason is RejectionReason.JUSTIFICATION
    assert first.stored.hash.hex() in rejection.value.detail


@pytest.mark.parametrize("damage", [lambda j: j[:-1], lambda j: j[:-1] + bytes([j[-1] ^ 1]), lambda j: b""])
def test_a_damaged_justification_is_refused(world: World, damage: Callable[[bytes], bytes]) -> None:
    other, authored = World(), world.build()
    world.finalise(authored)
    encoded = world.store.justification(authored.stored.hash)
    assert encoded is not None
    other.importer.import_block(world.received(authored.stored.hash), world.now() + 10**6)
    with pytest.raises(RejectedBlock) as rejection:
        other.chain.observer().justify(damage(encoded), 1, authored.stored.hash, world.now())
    assert rejection.value.reason is RejectionReason.JUSTIFICATION


def test_finality_of_another_branch_moves_the_head_and_keeps_what_the_lost_blocks_held(world: World) -> None:
    """This node built two blocks; the voters made a lone rival final."""
    rival = World()
    final = rival.build().stored.hash
    rival.vote_for(final, 1)
    lost = [world.build(world.transfer()).stored.hash, world.build().stored.hash]
    world.importer.import_block(rival.received(final), world.now() + 10**6)
    assert world.store.best().hash == lost[1]
    encoded = rival.store.justification(final)
    assert encoded is not None
    (outcome,) = world.finaliser.justify(encoded, 1, final, world.now())
    assert isinstance(outcome, BlockFinalised)
    assert outcome.moved is not None
    assert outcome.moved.head.hash == final == world.store.best().hash == world.importer.tree.best.hash
    assert list(outcome.moved.returned) == [lost[1], lost[0]]
    assert len(outcome.moved.returned[lost[0]]) == 2, "the timestamp and the transfer"
    assert not world.store.contains(lost[0])
