"""Ledgers and slashing spans as pure values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.pallets.staking import ledger as steps
from runtime.pallets.staking import spans
from runtime.pallets.staking.types import SlashingSpans, StakingLedger, UnlockChunk

WHO = bytes(32)


def ledger(active: int, *chunks: tuple[int, int]) -> StakingLedger:
    unlocking = tuple(UnlockChunk(value, era) for value, era in chunks)
    return StakingLedger(WHO, active + sum(value for value, _ in chunks), active, unlocking)


def test_unlocking_moves_active_funds_into_the_chunk_of_its_era() -> None:
    assert steps.unlock(ledger(100), 30, 28, 10) == (ledger(70, (30, 28)), 30)
    assert steps.unlock(ledger(70, (30, 28)), 20, 28, 10) == (ledger(50, (50, 28)), 20)
    assert steps.unlock(ledger(70, (30, 28)), 20, 29, 10) == (ledger(50, (30, 28), (20, 29)), 20)
    assert steps.unlock(ledger(0, (30, 28)), 20, 29, 0) == (ledger(0, (30, 28)), 0)


def test_dust_does_not_stay_active() -> None:
    assert steps.unlock(ledger(100), 91, 28, 10) == (ledger(0, (100, 28)), 100)
    assert steps.unlock(ledger(100), 500, 28, 10) == (ledger(0, (100, 28)), 100)


def test_due_chunks_leave_the_ledger() -> None:
    full = ledger(5, (10, 3), (20, 4), (30, 9))
    assert steps.consolidate(full, 2) == full
    assert steps.consolidate(full, 4) == ledger(5, (30, 9))
    assert steps.consolidate(full, 9) == ledger(5)


def test_rebonding_takes_the_latest_chunks_first() -> None:
    full = ledger(5, (10, 3), (20, 4))
    assert steps.rebond(full, 5) == (ledger(10, (10, 3), (15, 4)), 5)
    assert steps.rebond(full, 20) == (ledger(25, (10, 3)), 20)
    assert steps.rebond(full, 99) == (ledger(35), 30)


@pytest.mark.parametrize(
    ("amount", "expected", "taken"),
    [
        (30, ledger(70), 30),
        (99, ledger(0), 100),  # what would be left is dust
        (500, ledger(0), 100),
        (0, ledger(100), 0),
    ],
)
def test_a_slash_takes_from_what_is_active(amount: int, expected: StakingLedger, taken: int) -> None:
    assert steps.slash(ledger(100), amount, 1, 5) == (expected, taken)


def test_chunks_that_were_at_stake_pay_in_proportion() -> None:
    full = ledger(100, (100, 30), (200, 31))
    assert steps.slash(full, 40, 1, 30) == (ledger(90, (90, 30), (180, 31)), 40)
    assert steps.slash(full, 30, 1, 31) == (ledger(90, (100, 30), (180, 31)), 30)


def test_chunks_from_before_pay_last_and_latest_first() -> None:
    full = ledger(10, (100, 5), (50, 6))
    assert steps.slash(full, 40, 1, 30) == (ledger(0, (100, 5), (20, 6)), 40)
    assert steps.slash(full, 100, 1, 30) == (ledger(0, (60, 5)), 100)
    assert steps.slash(ledger(10, (100, 5), (50, 30)), 80, 1, 30) == (ledger(0, (80, 5)), 80)


@given(
    st.integers(0, 2**100),
    st.lists(st.tuples(st.integers(1, 2**100), st.integers(0, 60)), max_size=6),
    st.integers(0, 2**102),
    st.integers(0, 10**9),
    st.integers(0, 60),
)
def test_a_slash_takes_what_is_asked_or_all_but_dust(
    active: int, chunks: list[tuple[int, int]], amount: int, minimum: int, since: int
) -> None:
    before = ledger(active, *sorted(chunks, key=lambda chunk: chunk[1]))
    after, taken = steps.slash(before, amount, minimum, since)
    assert after.total == before.total - taken == after.active + sum(c.value for c in after.unlocking)
    assert taken >= min(amount, before.total)
    assert taken <= amount + (len(chunks) + 1) * minimum
    assert after.active <= before.active


def test_a_span_ends_with_the_era_in_which_it_is_ended() -> None:
    first = spans.first_span(3)
    assert [spans.span_of(first, era) for era in (2, 3, 90)] == [None, 0, 0]
    second = spans.end_span(first, 10)
    assert second == SlashingSpans(1, 11, 0, (8,))
    assert [spans.span_of(second, era) for era in (2, 3, 10, 11)] == [None, 0, 0, 1]
    assert spans.end_span(second, 10) == second
    third = spans.end_span(second, 14)
    assert third == SlashingSpans(2, 15, 0, (4, 8))
    assert [spans.span_of(third, era) for era in (2, 10, 14, 15)] == [None, 0, 1, 2]


def test_spans_that_left_the_window_are_forgotten() -> None:
    found = SlashingSpans(3, 20, 17, (5, 5, 5))
    assert spans.prune(found, 4) == (found, range(0))
    assert spans.prune(found, 10) == (SlashingSpans(3, 20, 17, (5, 5)), range(1))
    assert spans.prune(found, 12) == (SlashingSpans(3, 20, 17, (5, 5)), range(1))
    assert spans.prune(found, 25) == (SlashingSpans(3, 25, 17, ()), range(3))
