"""Root's calls: numbers of validators, forcing of eras, slashes to cancel, limits of bonds and roles."""

from itertools import pairwise
from typing import Annotated, Any

from runtime.frame.call import call
from runtime.frame.errors import ensure
from runtime.frame.origin import Origin, ensure_root
from runtime.frame.storage import StorageValue
from runtime.frame.weights import DispatchClass, Weight
from runtime.pallets.staking import weights
from runtime.pallets.staking.eras import Eras
from runtime.pallets.staking.events import StakingError
from runtime.pallets.staking.state import MAX_INVULNERABLES
from runtime.pallets.staking.types import (
    BalanceOp,
    ConfigOp,
    CountOp,
    EraIndex,
    Forcing,
    Noop,
    PerbillOp,
    PercentOp,
    Remove,
    SetTo,
)
from runtime.primitives.fixed import PERBILL_ONE, Perbill, Percent
from runtime.primitives.integers import U32
from runtime.primitives.scale import CompactU32, MaxLen
from runtime.primitives.types import AccountId

MAX_CANCELLED = 1_000
"""Slashes that one call may cancel: as many as a whole set of validators can offend at once."""


def _cancel_weight(pallet: Eras, era: int, indices: list[int]) -> Weight:
    return weights.cancel(len(indices))


def _reap_weight(pallet: Eras, stash: bytes, spans: int) -> Weight:
    return weights.reap(spans)


class Admin(Eras):
    """What only root may do."""

    @call(9, weight=weights.SET_VALUE)
    def set_validator_count(self, origin: Origin, new: CompactU32) -> None:
        """Sets the ideal number of validators. Root only."""
        ensure_root(origin)
        self._set_count(new)

    @call(10, weight=weights.SET_VALUE)
    def increase_validator_count(self, origin: Origin, additional: CompactU32) -> None:
        """Increments the ideal number of validators up to the maximum. Root only."""
        ensure_root(origin)
        self._set_count(self.validator_count.get() + additional)

    @call(11, weight=weights.SET_VALUE)
    def scale_validator_count(self, origin: Origin, factor: Percent) -> None:
        """Scale up the ideal number of validators by a factor up to the maximum. Root only."""
        ensure_root(origin)
        old = self.validator_count.get()
        self._set_count(old + old * factor // 100)

    @call(12, weight=weights.SET_VALUE)
    def force_no_eras(self, origin: Origin) -> None:
        """Force there to be no new eras indefinitely. Root only."""
        ensure_root(origin)
        self.set_force_era(Forcing.ForceNone)

    @call(13, weight=weights.SET_VALUE)
    def force_new_era(self, origin: Origin) -> None:
        """Force there to be a new era at the end of the next session, then back to normal. Root only."""
        ensure_root(origin)
        self.set_force_era(Forcing.ForceNew)

    @call(14, weight=weights.SET_VALUE)
    def set_invulnerables(
        self, origin: Origin, invulnerables: Annotated[list[AccountId], MaxLen(MAX_INVULNERABLES)]
    ) -> None:
        """Set the validators who cannot be slashed (if any). Root only."""
        ensure_root(origin)
        self.invulnerables.put(tuple(invulnerables))

    @call(15, weight=_reap_weight)
    def force_unstake(self, origin: Origin, stash: AccountId, num_slashing_spans: U32) -> None:
        """Force a current staker to become completely unstaked, immediately. Root only."""
        ensure_root(origin)
        ensure(self.bonded.contains(stash), StakingError.NOT_STASH)
        self.kill_stash(stash, num_slashing_spans)

    @call(16, weight=weights.SET_VALUE)
    def force_new_era_always(self, origin: Origin) -> None:
        """Force there to be a new era at the end of sessions indefinitely. Root only."""
        ensure_root(origin)
        self.set_force_era(Forcing.ForceAlways)

    @call(17, weight=_cancel_weight)
    def cancel_deferred_slash(
        self, origin: Origin, era: EraIndex, slash_indices: Annotated[list[U32], MaxLen(MAX_CANCELLED)]
    ) -> None:
        """Cancel enactment of deferred slashes: of those due in `era`, at the given places. Root only."""
        ensure_root(origin)
        ensure(bool(slash_indices), StakingError.EMPTY_TARGETS)
        ensure(
            all(one < other for one, other in pairwise(slash_indices)),
            StakingError.NOT_SORTED_AND_UNIQUE,
        )
        pending = self.unapplied_slashes.get(era)
        ensure(slash_indices[-1] < len(pending), StakingError.INVALID_SLASH_INDEX)
        kept = tuple(each for place, each in enumerate(pending) if place not in slash_indices)
        if kept:
            self.unapplied_slashes.insert(era, kept)
        else:
            self.unapplied_slashes.remove(era)

    @call(22, weight=weights.SET_VALUE)
    def set_staking_configs(
        self,
        origin: Origin,
        min_nominator_bond: BalanceOp,
        min_validator_bond: BalanceOp,
        max_nominator_count: CountOp,
        max_validator_count: CountOp,
        chill_threshold: PercentOp,
        min_commission: PerbillOp,
        max_staked_rewards: PercentOp,
    ) -> None:
        """Update the various staking configurations. Root only."""
        ensure_root(origin)
        for item, operation in (
            (self.min_nominator_bond, min_nominator_bond),
            (self.min_validator_bond, min_validator_bond),
            (self.max_nominators_count, max_nominator_count),
            (self.max_validators_count, max_validator_count),
            (self.chill_threshold, chill_threshold),
            (self.min_commission, min_commission),
            (self.max_staked_rewards, max_staked_rewards),
        ):
            _configure(item, operation)

    @call(25, weight=weights.SET_VALUE, dispatch_class=DispatchClass.Operational)
    def set_min_commission(self, origin: Origin, new: Perbill) -> None:
        """Sets the minimum amount of commission that each validators must maintain. Root only.

        Active validators' commission is not changed; see `force_apply_min_commission`.
        """
        ensure_root(origin)
        self.min_commission.put(min(new, PERBILL_ONE))

    def _set_count(self, count: int) -> None:
        ensure(count <= self.max_validator_set, StakingError.TOO_MANY_VALIDATORS)
        self.validator_count.put(count)


def _configure(item: StorageValue[Any], operation: ConfigOp) -> None:
    match operation:
        case Noop():
            return
        case SetTo(value):
            item.put(value)
        case Remove():
            item.kill()
