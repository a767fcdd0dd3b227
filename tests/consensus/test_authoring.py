from dataclasses import replace

import pytest

from consensus.authoring import (
    CLAIM_RECORD,
    AuthoringCore,
    BuildBlock,
    ClaimRecord,
    PersistClaim,
    ProposalBuilt,
    PublishBlock,
    SlotReached,
)
from consensus.claims import claim_slot
from consensus.digest import pre_digest_item
from consensus.header_check import verify_header
from tests.consensus.builders import GENESIS, child, epoch, key

KEY = key(1)
SLOTS = epoch(KEY)
DURATION = 6_000


def reached(slot: int, parent_slot: int | None = None) -> SlotReached:
    return SlotReached(slot, GENESIS, parent_slot, SLOTS)


def proposal(slot: int, state: int = 3) -> ProposalBuilt:
    claim = claim_slot(slot, SLOTS, KEY)
    assert claim is not None
    return ProposalBuilt(slot, child(GENESIS, pre_digest_item(claim.pre_digest), state=state))


def test_a_claim_is_durable_before_the_sealed_block_is_published() -> None:
    core = AuthoringCore(KEY, DURATION)
    (build,) = core.handle(reached(5), now=30_000)
    assert build == BuildBlock(claim_slot(5, SLOTS, KEY), GENESIS, 34_000)  # type: ignore[arg-type]
    persist, publish = core.handle(proposal(5), now=31_000)
    assert isinstance(persist, PersistClaim)
    assert isinstance(publish, PublishBlock)
    assert persist.record == ClaimRecord(5, publish.header.without_seal().hash())
    assert CLAIM_RECORD.decode(CLAIM_RECORD.encode(persist.record)) == persist.record
    assert verify_header(publish.header, GENESIS, SLOTS, 5).author == KEY.public


def test_no_slot_is_used_twice_even_after_a_restart() -> None:
    core = AuthoringCore(KEY, DURATION)
    core.handle(reached(5), now=30_000)
    record = core.handle(proposal(5), now=30_000)[0]
    assert isinstance(record, PersistClaim)
    for again in (core, AuthoringCore(KEY, DURATION, record.record)):
        assert again.handle(reached(5), now=30_000) == []
        assert again.handle(reached(4), now=24_000) == []
        assert again.handle(proposal(5, state=4), now=30_000) == []
        assert len(again.handle(reached(6), now=36_000)) == 1


def test_a_slot_that_is_over_or_not_after_the_parents_or_not_ours_is_left_alone() -> None:
    core = AuthoringCore(KEY, DURATION)
    assert core.handle(reached(5), now=36_000) == []
    assert core.handle(reached(5, parent_slot=5), now=30_000) == []
    assert core.handle(replace(reached(5), epoch=epoch(key(2))), now=30_000) == []
    assert len(core.handle(reached(5, parent_slot=4), now=30_000)) == 1


def test_a_slot_ahead_of_the_clock_gives_at_most_its_own_time_to_build() -> None:
    (build,) = AuthoringCore(KEY, DURATION).handle(reached(500), now=30_000)
    assert isinstance(build, BuildBlock)
    assert build.deadline_ms == 34_000


def test_a_proposal_nobody_waits_for_is_dropped_unsealed() -> None:
    core = AuthoringCore(KEY, DURATION)
    assert core.handle(proposal(5), now=30_000) == []
    core.handle(reached(5), now=30_000)
    core.handle(reached(6), now=36_000)
    assert core.handle(proposal(5), now=36_000) == []
    assert len(core.handle(proposal(6), now=37_000)) == 2


def test_a_proposal_with_another_claim_is_a_bug_and_seals_nothing() -> None:
    core = AuthoringCore(KEY, DURATION)
    core.handle(reached(5), now=30_000)
    with pytest.raises(AssertionError, match="another claim"):
        core.handle(replace(proposal(6), slot=5), now=30_000)
