"""How fast a chain lives: lengths that each chain fixes in its genesis and clients read as constants.

They are constants of the composed runtime, as in Substrate, and stand in the state as well, so that all nodes
of a chain agree and a runtime composed for another chain refuses to execute its blocks.
"""

from dataclasses import dataclass

from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import scale_path


@scale_path("fixpoint_runtime::ChainTiming")
@dataclass(frozen=True, slots=True)
class ChainTiming:
    """`slot_ms` milliseconds a slot, `epoch_slots` slots an epoch (which is a session), and stake's periods.

    `sessions_per_era`, `bonding_eras` (how long stake stays liable behind an unbonding) and
    `slash_defer_eras` (how long a slash can still be cancelled) are for Staking.
    """

    slot_ms: U64 = 6_000
    epoch_slots: U64 = 2_400
    sessions_per_era: U32 = 6
    bonding_eras: U32 = 28
    slash_defer_eras: U32 = 7

    @property
    def kept_sessions(self) -> int:
        """Sessions for which evidence can still be checked: as long as stake is liable, and one era more."""
        return self.sessions_per_era * (self.bonding_eras + 1)


DEFAULT_TIMING = ChainTiming()
