"""Blocks that this node builds: what goes in, when it ends, and that no slot is used twice."""

import pytest

from chain.authoring.author import CLAIM_KEY
from chain.authoring.proposer import MAX_SKIPPED, EndReason
from chain.pool import PoolTransaction
from chain.store import MemoryKeyValue
from consensus.authoring import CLAIM_RECORD
from consensus.digest import slot_of_header
from runtime.pallets.system import System
from runtime.pallets.timestamp import Timestamp
from tests.chain.chains import BOB, RUNTIME, World


@pytest.fixture
def world() -> World:
    return World()


def pooled(*transactions: object) -> list[PoolTransaction]:
    return [PoolTransaction(one.hash, one.encoded, 1, (), (one.hash,), 99) for one in transactions]  # type: ignore[attr-defined]


def test_a_block_carries_its_slot_its_time_and_the_transactions(world: World) -> None:
    authored = world.build(world.transfer(), world.transfer(7, BOB))
    header = world.store.header(authored.stored.hash)
    assert header is not None
    assert slot_of_header(header) == world.slot
    state = RUNTIME.view(world.store.state_at(authored.stored.hash))
    assert state.pallet(Timestamp).now.get() == world.now()
    assert state.pallet(System).account.get(BOB.public).nonce == 1
    assert len(authored.proposal.included) == 2
    assert authored.proposal.ended is EndReason.NO_MORE_TRANSACTIONS


def test_a_slot_is_never_used_twice(world: World) -> None:
    world.build()
    assert world.author.author(world.slot, world.now, list) is None
    assert world.store.best().number == 1


def test_a_restarted_author_remembers_its_slot_even_when_its_block_was_reverted(world: World) -> None:
    world.build()
    world.store.revert(1)
    restarted = World(world.kv)
    assert restarted.store.best().number == 0
    assert restarted.author.author(world.slot, world.now, list) is None
    restarted.slot = world.slot
    assert restarted.build().stored.number == 1


def test_the_claim_is_durable_with_its_block(world: World) -> None:
    world.build()
    record = world.store.aux(CLAIM_KEY)
    assert record is not None
    assert CLAIM_RECORD.decode(record).slot == world.slot
    assert isinstance(world.kv, MemoryKeyValue)


def test_a_slot_behind_the_parents_is_left_alone(world: World) -> None:
    world.build()
    assert world.author.author(world.slot - 1, world.now, list) is None


def test_an_invalid_transaction_is_reported_and_the_others_stay(world: World) -> None:
    stale, good = world.transfer(), world.transfer(nonce=1)
    world.build(stale)
    authored = world.build(stale, good)
    assert authored.proposal.invalid == (stale.hash,)
    assert authored.proposal.included == (good.hash,)


def test_a_transaction_from_the_future_is_neither_included_nor_invalid(world: World) -> None:
    authored = world.build(world.transfer(nonce=5))
    assert authored.proposal.included == ()
    assert authored.proposal.invalid == ()


def test_building_ends_at_the_deadline(world: World) -> None:
    world.slot += 1
    start = world.now()
    times = iter([start, start, *[start + step * 400 for step in range(1, 50)]])
    transactions = pooled(*[world.remark(b"x", nonce=n) for n in range(20)])
    authored = world.author.author(world.slot, lambda: next(times), lambda: transactions)
    assert authored is not None
    assert authored.proposal.ended is EndReason.DEADLINE
    assert 0 < len(authored.proposal.included) < 20


def test_a_slot_that_is_nearly_over_starts_no_block(world: World) -> None:
    assert world.author.author(world.slot + 1, lambda: (world.slot + 2) * 1000, list) is None


def test_a_full_block_ends_after_a_few_more_tries(world: World) -> None:
    big = [world.remark(bytes(900_000), nonce=n) for n in range(5 + MAX_SKIPPED)]
    authored = world.build(*big)
    assert authored.proposal.ended is EndReason.BLOCK_FULL
    assert len(authored.proposal.included) == 4
    assert authored.proposal.invalid == ()


def test_an_own_block_is_what_every_other_node_gets_by_executing_it(world: World) -> None:
    other = World()
    authored = world.build(world.transfer(), world.transfer(3, BOB))
    stored = other.importer.import_block(world.received(authored.stored.hash), world.now() + 10**6)
    assert stored.executed.execution.changes == authored.proposal.execution.changes
    assert stored.executed.trie.root == authored.proposal.trie.root
