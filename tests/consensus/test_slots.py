import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus import slots
from consensus.slots import InvalidSlot, SlotFault

DURATIONS = st.integers(slots.MIN_SLOT_DURATION_MS, slots.MAX_SLOT_DURATION_MS)


@given(st.integers(0, 2**50), DURATIONS)
def test_every_time_lies_inside_its_slot(unix_ms: int, duration: int) -> None:
    slot = slots.slot_of(unix_ms, duration)
    assert slots.slot_start(slot, duration) <= unix_ms < slots.slot_start(slot + 1, duration)
    assert slots.time_until_slot(slot, unix_ms, duration) == 0
    assert slots.slot_of(unix_ms + slots.time_until_slot(slot + 1, unix_ms, duration), duration) == slot + 1


@given(st.integers(0, 2**50), DURATIONS, st.none() | st.integers(0, 2**50))
def test_the_next_slot_is_now_or_later_and_always_after_the_parents(
    unix_ms: int, duration: int, parent: int | None
) -> None:
    slot = slots.next_slot(parent, unix_ms, duration)
    assert slot >= slots.slot_of(unix_ms, duration)
    assert parent is None or slot > parent


def test_a_header_may_run_one_slot_ahead_of_the_clock_unless_told_otherwise() -> None:
    assert slots.newest_acceptable_slot(12_345, 1_000) == 13
    assert slots.newest_acceptable_slot(12_345, 1_000, max_future_slots=5) == 17


@pytest.mark.parametrize(
    "duration", [0, -6_000, slots.MIN_SLOT_DURATION_MS - 1, slots.MAX_SLOT_DURATION_MS + 1]
)
def test_a_slot_duration_out_of_range_is_refused_with_the_allowed_range(duration: int) -> None:
    with pytest.raises(InvalidSlot, match="10 to 3600000 ms") as caught:
        slots.slot_of(0, duration)
    assert caught.value.reason is SlotFault.DURATION


@pytest.mark.parametrize("unix_ms", [-1, 2**64 * 1_000])
def test_a_time_without_a_slot_is_refused(unix_ms: int) -> None:
    with pytest.raises(InvalidSlot) as caught:
        slots.slot_of(unix_ms, 1_000)
    assert caught.value.reason is SlotFault.TIME
