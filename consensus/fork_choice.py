"""Which of two chains is better: the one with more primary slots, then the longer one; on a tie, the one seen
first.

BABE counts primaries first because an adversary can always produce secondary blocks in its own turns, while
primary slots are won by lottery in proportion to weight.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ChainWeight:
    """The weight of a chain above a common root; compares as fork choice does (field order matters)."""

    primaries: int
    length: int

    def extended(self, *, primary: bool) -> "ChainWeight":
        """The weight after one more block."""
        return ChainWeight(self.primaries + primary, self.length + 1)


NO_WEIGHT = ChainWeight(0, 0)
