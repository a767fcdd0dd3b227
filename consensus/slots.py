"""Slots: the clock of block production.

Slot `s` covers the unix milliseconds `[s * duration, (s + 1) * duration)`, as in BABE and Aura. Every
function takes the time as an argument; reading a clock is the node's business.
"""

from enum import Enum

from runtime.primitives.errors import InvalidData

MAX_SLOT = 2**64 - 1
"""Slots are u64 on the wire."""

MAX_FUTURE_SLOTS = 1
"""How many slots a header may run ahead of the local clock: BABE's import adds exactly one for honest clock
drift.
"""

MIN_SLOT_DURATION_MS = 10
"""Shorter slots than this could not carry even an empty block through import and a synced write."""

MAX_SLOT_DURATION_MS = 3_600_000
"""An hour; a longer slot is a unit mistake (seconds given for milliseconds) in the chain spec."""


class SlotFault(Enum):
    """Why a time or a slot setting was refused."""

    DURATION = "slot duration out of range"
    TIME = "unix time out of range"


class InvalidSlot(InvalidData):
    """A slot setting or time that has no slot."""

    reason: SlotFault


def check_slot_duration(duration_ms: int) -> int:
    """`duration_ms` itself; raises `InvalidSlot` outside `[MIN_SLOT_DURATION_MS, MAX_SLOT_DURATION_MS]`."""
    if not MIN_SLOT_DURATION_MS <= duration_ms <= MAX_SLOT_DURATION_MS:
        allowed = f"{MIN_SLOT_DURATION_MS} to {MAX_SLOT_DURATION_MS}"
        raise InvalidSlot(SlotFault.DURATION, f"{duration_ms} ms, allowed are {allowed} ms")
    return duration_ms


def slot_of(unix_ms: int, duration_ms: int) -> int:
    """The slot that contains `unix_ms`; raises `InvalidSlot` for one before 1970 or beyond u64."""
    slot = unix_ms // check_slot_duration(duration_ms)
    if not 0 <= slot <= MAX_SLOT:
        raise InvalidSlot(SlotFault.TIME, f"{unix_ms} ms lies in no slot of {duration_ms} ms")
    return slot


def slot_start(slot: int, duration_ms: int) -> int:
    """The first unix millisecond of `slot`."""
    return slot * check_slot_duration(duration_ms)


def time_until_slot(slot: int, unix_ms: int, duration_ms: int) -> int:
    """Milliseconds from `unix_ms` until `slot` begins; 0 when it has begun."""
    return max(0, slot_start(slot, duration_ms) - unix_ms)


def next_slot(parent_slot: int | None, unix_ms: int, duration_ms: int) -> int:
    """The first slot in which a child of a block of `parent_slot` may be built at `unix_ms`.

    Instant and manual sealing build several blocks within one slot's time; theirs then run ahead of the
    clock.
    """
    current = slot_of(unix_ms, duration_ms)
    return current if parent_slot is None else max(current, parent_slot + 1)


def newest_acceptable_slot(unix_ms: int, duration_ms: int, max_future_slots: int = MAX_FUTURE_SLOTS) -> int:
    """The newest slot that a header imported at `unix_ms` may claim."""
    return slot_of(unix_ms, duration_ms) + max_future_slots
