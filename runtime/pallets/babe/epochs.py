"""Arithmetic of epochs: which one a slot lies in, and which session belonged to it."""

from collections.abc import Sequence


def epoch_index(slot: int, genesis_slot: int, duration: int) -> int:
    """The epoch that `slot` lies in, counted from the first block's slot."""
    return (slot - genesis_slot) // duration


def epoch_start(index: int, genesis_slot: int, duration: int) -> int:
    """The first slot of an epoch."""
    return genesis_slot + index * duration


def session_of_epoch(index: int, skipped: Sequence[tuple[int, int]]) -> int:
    """The session of an epoch.

    Sessions count on when whole epochs pass without a block; `skipped` lists (epoch, session) of each epoch
    that began behind such a gap, ascending.
    """
    before = [pair for pair in skipped if pair[0] <= index]
    if not before:
        return index
    epoch, session = before[-1]
    return session + index - epoch
