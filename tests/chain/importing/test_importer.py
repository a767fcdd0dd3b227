"""Blocks through the importer: what holds is stored, what does not is named and leaves nothing behind."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chain.importing import Received, RejectedBlock, RejectionReason
from chain.importing.importer import EVENTS_KEY, rebuild_tree
from chain.store import MemoryKeyValue
from consensus.seal import seal_header
from runtime.frame.events import EventRecord
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.header import Header
from tests.chain.chains import ALICE_BLOCK_KEY, BOB, NOW, RUNTIME, World

LATER = NOW + 10**9


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def other() -> World:
    return World()


def contents(world: World) -> dict[bytes, bytes]:
    assert isinstance(world.kv, MemoryKeyValue)
    return dict(world.kv.iterate(b""))


def resealed(header: Header) -> Header:
    """What a dishonest authority can do: change its header and seal it again."""
    return seal_header(header.without_seal(), ALICE_BLOCK_KEY)


def refused(world: World, block: Received, now: int = LATER) -> RejectedBlock:
    """The rejection, after a check that nothing was written."""
    before = contents(world)
    with pytest.raises(RejectedBlock) as rejection:
        world.importer.import_block(block, now)
    assert contents(world) == before
    return rejection.value


def test_an_imported_block_gives_the_same_state_root_and_events(world: World, other: World) -> None:
    authored = world.build(world.transfer())
    stored = other.importer.import_block(world.received(authored.stored.hash), LATER)
    assert stored.is_best
    assert stored.hash == authored.stored.hash
    assert other.store.best() == world.store.best()
    assert other.store.state_at(stored.hash).get(EVENTS_KEY) == world.store.outcome(stored.hash)


def test_a_known_block_is_refused(world: World) -> None:
    block = world.received(world.build().stored.hash)
    assert refused(world, block).reason is RejectionReason.KNOWN


def test_a_block_without_its_parent_is_refused(world: World, other: World) -> None:
    world.build()
    orphan = world.received(world.build().stored.hash)
    rejection = refused(other, orphan)
    assert rejection.reason is RejectionReason.UNKNOWN_PARENT
    assert orphan.header.parent_hash.hex() in str(rejection)


def test_a_block_that_forks_below_finality_is_refused(world: World, other: World) -> None:
    fork = world.received(world.build(world.remark(b"fork")).stored.hash)
    first = other.build()
    other.finalise(first)
    rejection = refused(other, fork)
    assert rejection.reason is RejectionReason.BEHIND_FINALITY
    assert "finalised is #1" in rejection.detail


def test_a_block_from_the_future_is_refused(world: World, other: World) -> None:
    block = world.received(world.build().stored.hash)
    assert refused(other, block, now=NOW - 10_000).reason is RejectionReason.HEADER


def test_a_block_with_a_changed_header_and_its_old_seal_is_refused(world: World, other: World) -> None:
    block = world.received(world.build().stored.hash)
    forged = replace(block, header=replace(block.header, state_root=bytes(32)))
    assert refused(other, forged).reason is RejectionReason.HEADER


def test_a_false_state_root_is_named_with_both_values(world: World, other: World) -> None:
    block = world.received(world.build(world.transfer()).stored.hash)
    forged = replace(block, header=resealed(replace(block.header, state_root=b"\7" * 32)))
    rejection = refused(other, forged)
    assert rejection.reason is RejectionReason.STATE_ROOT
    assert "0x" + "07" * 32 in rejection.detail
    assert block.header.state_root.hex() in rejection.detail


def test_a_false_extrinsics_root_is_an_execution_fault(world: World, other: World) -> None:
    block = world.received(world.build(world.transfer()).stored.hash)
    forged = replace(block, header=resealed(replace(block.header, extrinsics_root=bytes(32))))
    rejection = refused(other, forged)
    assert rejection.reason is RejectionReason.EXECUTION
    assert "extrinsics root" in str(rejection)


def altered(block: Received, change: Callable[[EventRecord], EventRecord]) -> Received:
    """The block with one change in the events it claims."""
    assert block.events is not None
    codec = RUNTIME.composition.events
    return replace(block, events=codec.encode([change(record) for record in codec.decode(block.events)]))


def test_a_fee_altered_by_one_is_named(world: World, other: World) -> None:
    def change(record: EventRecord) -> EventRecord:
        match record.event:
            case TransactionFeePaid() as paid:
                return replace(record, event=replace(paid, actual_fee=paid.actual_fee + 1))
        return record

    block = world.received(world.build(world.transfer()).stored.hash)
    rejection = refused(other, altered(block, change))
    assert rejection.reason is RejectionReason.OUTCOME
    assert "(extrinsic 1) TransactionPayment.TransactionFeePaid.actual_fee" in rejection.detail


def test_a_missing_event_is_named_by_the_counts(world: World, other: World) -> None:
    block = world.received(world.build(world.transfer()).stored.hash)
    assert block.events is not None
    codec = RUNTIME.composition.events
    records = codec.decode(block.events)
    rejection = refused(other, replace(block, events=codec.encode(records[:-1])))
    assert f"{len(records) - 1} events claimed, execution gives {len(records)}" in rejection.detail


def test_another_event_in_its_place_is_named_by_both_names(world: World, other: World) -> None:
    block = world.received(world.build(world.transfer()).stored.hash)
    assert block.events is not None
    codec = RUNTIME.composition.events
    first, second, *rest = codec.decode(block.events)
    rejection = refused(other, replace(block, events=codec.encode([second, first, *rest])))
    assert "in the claim and" in rejection.detail


def test_an_event_in_another_phase_is_named(world: World, other: World) -> None:
    block = world.received(world.build(world.transfer()).stored.hash)
    assert block.events is not None
    last = RUNTIME.composition.events.decode(block.events)[-1]

    def change(record: EventRecord) -> EventRecord:
        is_first = record.phase != last.phase
        return replace(record, phase=last.phase) if is_first else record

    rejection = refused(other, altered(block, change))
    assert "phase" in rejection.detail


def test_events_that_are_no_events_are_named_as_such(world: World, other: World) -> None:
    block = world.received(world.build().stored.hash)
    rejection = refused(other, replace(block, events=b"\xff\xff"))
    assert "cannot be decoded" in rejection.detail


def test_a_fork_with_more_primary_slots_or_blocks_becomes_best(world: World, other: World) -> None:
    """Two nodes build apart; each then follows the heavier branch, whichever it heard of first."""
    left = [world.build(world.remark(b"left")).stored.hash]
    right = [other.build().stored.hash for _ in range(3)]
    for block_hash in right:
        world.importer.import_block(other.received(block_hash), LATER)
    for block_hash in left:
        other.importer.import_block(world.received(block_hash), LATER)
    assert world.store.best() == other.store.best()
    assert world.store.best().hash == world.importer.tree.best.hash
    best = world.store.best()
    assert world.store.state_at(best.hash).get(EVENTS_KEY) == other.store.state_at(best.hash).get(EVENTS_KEY)


def test_the_fork_tree_is_rebuilt_from_the_database(world: World) -> None:
    world.finalise(world.build())
    for _ in range(3):
        world.build()
    rebuilt = rebuild_tree(world.store)
    assert rebuilt.best == world.importer.tree.best
    assert rebuilt.root == world.importer.tree.root
    assert len(rebuilt) == len(world.importer.tree) == 3


def test_what_bob_owns_is_the_same_on_both_nodes(world: World, other: World) -> None:
    for nonce in range(3):
        authored = world.build(world.transfer(nonce=nonce), world.transfer(5, BOB, nonce))
        other.importer.import_block(world.received(authored.stored.hash), LATER)
    states = [one.store.state_at(one.store.best().hash) for one in (world, other)]
    keys = [sorted(state.keys(b"")) for state in states]
    assert keys[0] == keys[1]
    assert [states[0].get(key) for key in keys[0]] == [states[1].get(key) for key in keys[0]]
