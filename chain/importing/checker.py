"""Checking headers with the authorities of this chain."""

from consensus.epoch import Epoch
from consensus.header_check import VerifiedHeader, verify_header
from consensus.slots import newest_acceptable_slot, slot_of
from runtime.primitives.header import Header


class HeaderChecker:
    """The consensus rules of one chain: who may author which slot.

    `epoch` is the genesis epoch; a chain that never hands over keeps its authorities and only counts on.
    """

    def __init__(self, epoch: Epoch, slot_duration_ms: int) -> None:
        self._epoch = epoch
        self.slot_duration_ms = slot_duration_ms

    def epoch_of(self, slot: int) -> Epoch:
        """Authorities, randomness and lottery settings of a slot."""
        return self._epoch.at_slot(slot)

    def slot_at(self, now_ms: int) -> int:
        """The slot of a unix time in milliseconds."""
        return slot_of(now_ms, self.slot_duration_ms)

    def check(self, header: Header, parent: Header, slot: int, now_ms: int) -> VerifiedHeader:
        """All that can be checked without executing; raises `InvalidHeader`."""
        newest = newest_acceptable_slot(now_ms, self.slot_duration_ms)
        return verify_header(header, parent, self.epoch_of(slot), newest)
