"""Checking headers with the authorities that their parent's state names."""

from chain.importing.rules import EpochSource, epoch_for, epoch_source, slot_duration_at
from consensus.digest import find_pre_digest
from consensus.epoch import Epoch
from consensus.header_check import VerifiedHeader, verify_header
from consensus.slots import newest_acceptable_slot, slot_of
from runtime.primitives.header import Header
from runtime.primitives.state import StateReader

MAX_EPOCHS = 16
"""Decoded epochs that are kept: two at a border, times as many forks as are ever alive at once."""


class HeaderChecker:
    """The consensus rules of one chain: who may author which slot."""

    def __init__(self, slot_duration_ms: int) -> None:
        self.slot_duration_ms = slot_duration_ms
        self._epochs: dict[EpochSource, Epoch] = {}

    def epoch_for(self, parent: StateReader, slot: int) -> Epoch:
        """Authorities, randomness and lottery settings of a block of `slot` on the block of this state.

        Decoded once for each epoch of each fork: what the state holds is the key. Raises
        `InvalidAuthorities`.
        """
        source = epoch_source(parent, slot)
        # Taken out and put back, so that the oldest in the dictionary is the least recently used.
        epoch = self._epochs.pop(source, None) or source.epoch()
        self._epochs[source] = epoch
        if len(self._epochs) > MAX_EPOCHS:
            del self._epochs[next(iter(self._epochs))]
        return epoch

    def slot_at(self, now_ms: int) -> int:
        """The slot of a unix time in milliseconds."""
        return slot_of(now_ms, self.slot_duration_ms)

    def check(self, header: Header, parent: Header, state: StateReader, now_ms: int) -> VerifiedHeader:
        """All that can be checked without executing, by the parent's `state`; raises `InvalidHeader`."""
        newest = newest_acceptable_slot(now_ms, self.slot_duration_ms)
        epoch = self.epoch_for(state, find_pre_digest(header).slot)
        return verify_header(header, parent, epoch, newest)


def header_checker(state: StateReader) -> HeaderChecker:
    """The rules for all descendants of a genesis state.

    Raises `InvalidAuthorities` where the chain names none or an unusable key, `InvalidSlot` for a slot
    duration that no clock can follow.
    """
    duration = slot_duration_at(state)
    epoch_for(state, 1)
    return HeaderChecker(duration)
