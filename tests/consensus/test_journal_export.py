import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.authoring import AuthoringCore, ClaimRecord, SlotReached
from consensus.finality.journal import RoundRecord
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.journal_export import (
    MAX_KEYS,
    InvalidJournal,
    JournalFault,
    SigningJournal,
    from_json,
    merge_journals,
    to_json,
)
from consensus.slots import slot_start
from tests.consensus.builders import GENESIS, epoch, key
from tests.simulation.node import SimNode
from tests.simulation.signing import bls_key
from tests.simulation.world import World

CHAIN = GENESIS.hash()
BLOCK_KEY, FINALITY_KEY = key(1).public, bls_key(1).public


def vote(stage: Stage, number: int = 3, target: bytes = bytes(32)) -> Vote:
    return Vote(stage, target, 9, number, 0)


def record(number: int, *stages: Stage, target: bytes = bytes(32)) -> RoundRecord:
    votes = tuple(vote(stage, number, target) for stage in stages)
    seen = (SignedVote(vote(Stage.PRECOMMIT, number - 1), 2, bytes(96)),) if number > 1 else ()
    return RoundRecord(0, number, votes, seen)


def journal(slot: int, rounds: RoundRecord) -> SigningJournal:
    return SigningJournal(CHAIN, {BLOCK_KEY: ClaimRecord(slot, bytes(32))}, {FINALITY_KEY: rounds})


FULL = journal(7, record(3, Stage.PREVOTE, Stage.PRECOMMIT))


def refused(text: str, chain: bytes = CHAIN) -> JournalFault:
    with pytest.raises(InvalidJournal) as caught:
        from_json(text, chain)
    return caught.value.reason


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(to_json(FULL)) | fields)


def test_a_document_says_the_same_after_its_way_through_a_file() -> None:
    assert from_json(to_json(FULL), CHAIN) == FULL


def test_a_document_of_another_chain_or_version_or_none_at_all_is_refused() -> None:
    assert refused(to_json(FULL), bytes(32)) is JournalFault.OTHER_CHAIN
    assert refused(changed(version=2)) is JournalFault.VERSION
    assert refused(changed(format="keys")) is JournalFault.MALFORMED
    assert refused("{") is JournalFault.MALFORMED
    assert refused("[]") is JournalFault.MALFORMED
    assert refused(changed(more=1)) is JournalFault.MALFORMED
    assert refused(changed(genesis="0x12")) is JournalFault.MALFORMED
    assert refused(changed(genesis="zz")) is JournalFault.MALFORMED
    assert refused(changed(blockKeys=3)) is JournalFault.MALFORMED
    assert refused(changed(blockKeys=[{}] * (MAX_KEYS + 1))) is JournalFault.TOO_LARGE
    assert refused(" " * (16 * 2**20 + 1)) is JournalFault.TOO_LARGE


@pytest.mark.parametrize(
    ("field", "value"),
    [("setId", 1), ("round", True), ("round", -1), ("round", 2**64), ("record", "0x00"), ("record", 5)],
)
def test_an_entry_that_contradicts_itself_is_refused(field: str, value: object) -> None:
    entry = json.loads(to_json(FULL))["finalityKeys"][0]
    assert refused(changed(finalityKeys=[entry | {field: value}])) is JournalFault.MALFORMED


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))
def test_merging_takes_the_maximum_in_either_order(a: int, b: int, c: int, d: int) -> None:
    left, right = journal(a, record(c, Stage.PREVOTE)), journal(b, record(d, Stage.PREVOTE))
    merged = merge_journals(left, right)
    assert merged == merge_journals(right, left) == merge_journals(merged, left)
    assert merged.claims[BLOCK_KEY].slot == max(a, b)
    assert merged.rounds[FINALITY_KEY].round == max(c, d)


def test_of_one_round_the_record_with_more_votes_wins_and_a_contradiction_is_refused() -> None:
    early = journal(7, record(3, Stage.PREVOTE))
    assert merge_journals(early, FULL) == merge_journals(FULL, early) == FULL
    other = journal(7, record(3, Stage.PREVOTE, target=bytes([1]) * 32))
    with pytest.raises(InvalidJournal) as caught:
        merge_journals(FULL, other)
    assert caught.value.reason is JournalFault.CONFLICT


def test_a_moved_author_claims_no_slot_up_to_the_imported_one() -> None:
    moved = from_json(to_json(FULL), CHAIN).claims[BLOCK_KEY]
    core = AuthoringCore(key(1), 1_000, moved)
    for slot in (0, 6, 7):
        reached = SlotReached(slot, GENESIS, None, epoch(key(1)))
        assert core.handle(reached, slot_start(slot, 1_000)) == []
    reached = SlotReached(8, GENESIS, None, epoch(key(1)))
    assert core.handle(reached, slot_start(8, 1_000))


@pytest.mark.parametrize("steps", range(0, 24, 3))
def test_a_voter_moved_with_its_journal_signs_nothing_twice(steps: int) -> None:
    """The checkers of the world know every vote of the key, on the old machine and on the new one."""
    world = World(3, [SimNode] * 4, [1] * 4)
    world.fork_percent = 50
    world.run_until(3_000)
    old = world.nodes[0]
    old.crash_after = steps
    world.run_until(4_500)
    old.crash()
    left = old.disk.journal
    assert left is not None
    moved = from_json(to_json(SigningJournal(CHAIN, {}, {old.key.public: left})), CHAIN)
    old.disk.forget_votes()
    old.disk.write(moved.rounds[old.key.public], sync=True)
    old.start()
    world.run_until(10_000)
    assert world.lowest_final() >= 8
