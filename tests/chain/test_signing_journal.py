"""A moved validator never signs what its keys have signed before."""

import json

import pytest

from chain.signing_journal import read_journal, write_journal
from chain.store import MemoryKeyValue
from consensus.journal_export import InvalidJournal, JournalFault, from_json, to_json
from tests.chain.chains import ALICE_KEYS, World


def grown() -> World:
    world = World()
    world.finalise(world.build())
    world.finalise(world.build())
    return world


def test_a_node_with_the_imported_journal_claims_no_slot_again_and_goes_on_behind_the_last_round() -> None:
    old = grown()
    document = to_json(read_journal(old.store, ALICE_KEYS))
    fresh = World()
    write_journal(fresh.store, ALICE_KEYS, from_json(document, fresh.store.genesis_hash))
    moved = World(fresh.kv, slot=old.slot - 1)
    assert moved.author.author(old.slot, old.now, list) is None, "the slot was claimed on the old machine"
    moved.slot = old.slot
    for number in (1, 2):
        block = old.received(old.store.block_hash(number) or b"")
        moved.importer.import_block(block, old.now() + 10**6)
        moved.finaliser.justify(block.justification or b"", number, block.header.hash(), old.now())
    moved.finalise(moved.build())
    assert moved.finaliser.round == old.finaliser.round + 1


def test_importing_an_old_document_takes_nothing_back() -> None:
    world = World()
    world.finalise(world.build())
    early = read_journal(world.store, ALICE_KEYS)
    world.finalise(world.build())
    before = read_journal(world.store, ALICE_KEYS)
    assert write_journal(world.store, ALICE_KEYS, early) == before == read_journal(world.store, ALICE_KEYS)


def test_a_journal_of_another_chain_is_refused_and_changes_nothing() -> None:
    world = grown()
    before = read_journal(world.store, ALICE_KEYS)
    document = json.loads(to_json(before)) | {"genesis": "0x" + "11" * 32}
    with pytest.raises(InvalidJournal) as fault:
        from_json(json.dumps(document), world.store.genesis_hash)
    assert fault.value.reason is JournalFault.OTHER_CHAIN
    assert read_journal(world.store, ALICE_KEYS) == before


def test_an_empty_database_has_an_empty_journal() -> None:
    journal = read_journal(World(MemoryKeyValue()).store, ALICE_KEYS)
    assert (journal.claims, journal.rounds) == ({}, {})
