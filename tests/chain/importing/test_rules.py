"""The epoch of a block comes from its parent's state, on every fork; execution holds headers to it."""

from dataclasses import replace

import pytest

from chain.importing import Received, RejectedBlock, RejectionReason
from chain.importing.checker import MAX_EPOCHS
from chain.importing.rules import disabled_authors, epoch_for, voters_at
from chain.opening import assemble
from chain.replay import export_records, import_records
from chain.store import MemoryKeyValue
from consensus.claims import claim_slot
from consensus.digest import BABE, CONSENSUS_LOG, NextEpochData, consensus_logs, pre_digest_item
from consensus.epoch import AllowedSlots
from consensus.seal import seal_header
from runtime.pallets.babe import Babe
from runtime.pallets.babe.types import EpochConfiguration
from runtime.pallets.grandpa import Grandpa
from runtime.pallets.grandpa.types import StoredPendingChange
from runtime.pallets.session import Session
from runtime.primitives.digest import Consensus, Digest, PreRuntime
from runtime.primitives.header import Header
from runtime.primitives.state import MemoryState
from tests.chain.chains import ALICE_BLOCK_KEY, GENESIS, RUNTIME, START_SLOT, World

EPOCH = 60


def grow(world: World, *gaps: int) -> None:
    """A block behind each of these numbers of slots."""
    for gap in gaps:
        world.slot += gap - 1
        world.finalise(world.build())


def best(world: World) -> Header:
    header = world.store.header(world.store.best().hash)
    assert header is not None
    return header


def test_a_chain_of_several_epochs_some_without_a_block_replays_to_the_same_state() -> None:
    world = World()
    grow(world, 1, 30, 29, 1, 58, 3, 200, 1, 60, 1, 180, 7)
    state = RUNTIME.view(world.store.state_at(world.store.best().hash))
    assert state.pallet(Babe).epoch_index.get() == (world.slot - START_SLOT - 1) // EPOCH
    assert len(state.pallet(Babe).skipped_epochs.get()) == 2
    assert state.pallet(Session).current_index.get() < state.pallet(Babe).epoch_index.get()
    copy = assemble(MemoryKeyValue(), GENESIS, RUNTIME)
    records = export_records(world.store, 1, best(world).number)
    summary = import_records(copy, records, lambda: 10**15)
    assert summary.blocks == summary.justifications == best(world).number
    assert summary.state_root == best(world).state_root


def test_the_epoch_of_a_child_is_the_announced_one_from_the_border_on() -> None:
    world = World()
    grow(world, 1, 1)
    first = world.slot - 1
    state = world.store.state_at(world.store.best().hash)
    inside, behind, far = (epoch_for(state, slot) for slot in (first + 59, first + 60, first + 200))
    assert (inside.index, inside.start_slot, inside.contains(first + 59)) == (0, first, True)
    assert (behind.index, behind.start_slot) == (1, first + 60)
    assert (far.index, far.start_slot) == (3, first + 180)
    announced = next(one for one in consensus_logs(_header(world, 1)) if isinstance(one, NextEpochData))
    assert behind.randomness == far.randomness == announced.randomness
    assert behind.authorities.members == announced.authorities


def _header(world: World, number: int) -> Header:
    block_hash = world.store.block_hash(number)
    header = world.store.header(block_hash) if block_hash is not None else None
    assert header is not None
    return header


def test_the_first_block_starts_the_first_epoch_wherever_its_slot_lies() -> None:
    state = MemoryState(GENESIS.storage)
    for slot in (1, START_SLOT, 2**40):
        epoch = epoch_for(state, slot)
        assert (epoch.index, epoch.start_slot, epoch.duration) == (0, slot, EPOCH)


def test_a_configuration_holds_from_the_next_epoch_on() -> None:
    world = World()
    grow(world, 1)
    codec = Babe.next_epoch_config.codec
    changed = {
        Babe.next_epoch_config.key(): codec.encode(EpochConfiguration((1, 2), AllowedSlots.PrimarySlots))
    }
    storage = {key: world.store.state_at(world.store.best().hash).get(key) for key in GENESIS.storage}
    slot = world.slot
    grown = world.store.state_at(world.store.best().hash)
    for item in (Babe.genesis_slot, Babe.current_slot):
        storage[item.key()] = grown.get(item.key())
    state = MemoryState({key: value for key, value in storage.items() if value is not None} | changed)
    assert epoch_for(state, slot + 1).c == (1, 4)
    assert epoch_for(state, slot + EPOCH).c == (1, 2)
    assert epoch_for(state, slot + EPOCH).allowed_slots is AllowedSlots.PrimarySlots


@pytest.fixture(scope="module")
def border() -> tuple[World, Received, Header]:
    """A chain up to the border of an epoch, the block behind it as received, and its parent."""
    world = World()
    grow(world, 1, 58)
    parent = best(world)
    rival = World()
    for number in (1, 2):
        block_hash = world.store.block_hash(number)
        assert block_hash is not None
        rival.importer.import_block(world.received(block_hash), 10**15)
    rival.slot = world.slot + 1
    made = rival.build()
    return world, rival.received(made.stored.hash), parent


def resealed(header: Header, digest: Digest) -> Header:
    return seal_header(replace(header, digest=digest), ALICE_BLOCK_KEY)


def test_a_header_that_announces_another_epoch_is_refused_by_execution(
    border: tuple[World, Received, Header],
) -> None:
    world, block, _ = border
    items = list(block.header.digest.without_seal().logs)
    place, data = next(
        (index, CONSENSUS_LOG.decode(one.data))
        for index, one in enumerate(items)
        if isinstance(one, Consensus) and one.engine == BABE
    )
    assert isinstance(data, NextEpochData)
    forged = [
        [*items[:place], *items[place + 1 :]],
        [
            *items[:place],
            Consensus(BABE, CONSENSUS_LOG.encode(replace(data, randomness=bytes(32)))),
            *items[place + 1 :],
        ],
    ]
    before = world.store.best()
    for logs in forged:
        wrong = replace(block, header=resealed(block.header, Digest(tuple(logs))))
        with pytest.raises(RejectedBlock, match="the header has") as refused:
            world.importer.import_block(wrong, 10**15)
        assert refused.value.reason is RejectionReason.EXECUTION
    assert world.store.best() == before


def test_a_claim_that_was_drawn_for_the_epoch_before_is_refused(
    border: tuple[World, Received, Header],
) -> None:
    world, block, parent = border
    slot = world.slot + 2
    state = world.store.state_at(parent.hash())
    old = epoch_for(state, world.slot)
    claim = claim_slot(slot, replace(old, duration=2 * EPOCH), ALICE_BLOCK_KEY)
    assert claim is not None
    rest = [one for one in block.header.digest.without_seal().logs if not isinstance(one, PreRuntime)]
    header = resealed(block.header, Digest((pre_digest_item(claim.pre_digest), *rest)))
    with pytest.raises(RejectedBlock) as refused:
        world.importer.import_block(replace(block, header=header), 10**15)
    assert refused.value.reason is RejectionReason.HEADER


def test_the_block_behind_the_border_is_imported_as_it_was_made(
    border: tuple[World, Received, Header],
) -> None:
    world, block, _ = border
    world.importer.import_block(block, 10**15)
    assert best(world) == block.header


def test_an_epoch_is_decoded_once_and_few_are_kept() -> None:
    world = World()
    grow(world, 1)
    checker, state = world.chain.checker, world.store.state_at(world.store.best().hash)
    assert checker.epoch_for(state, world.slot) is checker.epoch_for(state, world.slot + 1)
    for index in range(2 * MAX_EPOCHS):
        checker.epoch_for(state, world.slot + index * EPOCH)
    assert len(checker._epochs) == MAX_EPOCHS


def test_a_disabled_author_builds_nothing_until_its_set_has_changed() -> None:
    world = World()
    grow(world, 1)
    grown = world.store.state_at(world.store.best().hash)
    keys = (Babe.genesis_slot.key(), Babe.epoch_index.key(), Session.queued_changed.key())
    storage = {key: value for key in keys if (value := grown.get(key)) is not None} | dict(GENESIS.storage)
    storage[Babe.genesis_slot.key()] = grown.get(Babe.genesis_slot.key()) or b""
    storage[Session.disabled_validators.key()] = Session.disabled_validators.codec.encode((0,))
    assert disabled_authors(MemoryState(storage), world.slot + 1) == (0,)
    assert disabled_authors(MemoryState(storage), world.slot + EPOCH) == (0,)
    storage[Session.queued_changed.key()] = b"\1"
    assert disabled_authors(MemoryState(storage), world.slot + EPOCH) == ()


def test_voters_of_a_change_that_waits_do_not_rule_yet() -> None:
    storage = dict(GENESIS.storage)
    assert voters_at(MemoryState(storage)).set_id == 0
    storage[Grandpa.current_set_id.key()] = (3).to_bytes(8, "little")
    assert voters_at(MemoryState(storage)).set_id == 3
    waiting = StoredPendingChange(5, 4, (), None)
    storage[Grandpa.pending_change.key()] = Grandpa.pending_change.codec.encode(waiting)
    assert voters_at(MemoryState(storage)).set_id == 2
