"""Calls by which a stash becomes a validator or nominator, or neither."""

from dataclasses import replace
from typing import Annotated

from runtime.frame.call import call
from runtime.frame.errors import CallFailed, ensure
from runtime.frame.origin import Origin, ensure_signed
from runtime.frame.weights import Weight
from runtime.pallets.staking import weights
from runtime.pallets.staking.events import Kicked, StakingError, ValidatorPrefsSet
from runtime.pallets.staking.state import StakingState
from runtime.pallets.staking.types import MAX_NOMINATIONS, Nominations, ValidatorPrefs
from runtime.primitives.fixed import PERBILL_ONE
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import MaxLen
from runtime.primitives.types import AccountId

MAX_KICKS = 512
"""Nominators that one call may kick: the weight is theirs, and a longer list is a second call."""


def _nominate_weight(pallet: StakingState, targets: list[object]) -> Weight:
    return weights.nominate(len(targets))


def _kick_weight(pallet: StakingState, who: list[object]) -> Weight:
    return weights.kick(len(who))


class Roles(StakingState):
    """validate, nominate, chill, chill_other, kick, force_apply_min_commission."""

    @call(4, weight=weights.VALIDATE)
    def validate(self, origin: Origin, prefs: ValidatorPrefs) -> None:
        """Declare the desire to validate for the origin controller.

        Effects will be felt at the beginning of the next era.
        """
        stash = ensure_signed(origin)
        ledger = self.ledger_of(stash)
        ensure(ledger.active >= self.min_validator_bond.get(), StakingError.INSUFFICIENT_BOND)
        # A commission above one is one, as in Substrate's decoding of a `Perbill`.
        prefs = replace(prefs, commission=min(prefs.commission, PERBILL_ONE))
        ensure(prefs.commission >= self.min_commission.get(), StakingError.COMMISSION_TOO_LOW)
        if not self.validators.contains(stash):
            ensure(
                self.counter_for_validators.get() < self.validator_room(), StakingError.TOO_MANY_VALIDATORS
            )
        self.remove_nominator(stash)
        self.add_validator(stash, prefs)
        self.deposit_event(ValidatorPrefsSet(stash, prefs))

    @call(5, weight=_nominate_weight)
    def nominate(
        self, origin: Origin, targets: Annotated[list[MultiAddress], MaxLen(MAX_NOMINATIONS)]
    ) -> None:
        """Declare the desire to nominate `targets` for the origin controller.

        Effects will be felt at the beginning of the next era.
        """
        stash = ensure_signed(origin)
        ledger = self.ledger_of(stash)
        ensure(ledger.active >= self.min_nominator_bond.get(), StakingError.INSUFFICIENT_BOND)
        former = self.nominators.get(stash)
        if former is None:
            ensure(
                self.counter_for_nominators.get() < self.nominator_room(), StakingError.TOO_MANY_NOMINATORS
            )
        ensure(bool(targets), StakingError.EMPTY_TARGETS)
        chosen = tuple(dict.fromkeys(self.system.lookup(target) for target in targets))
        kept = former.targets if former is not None else ()
        for target in chosen:
            open_to_all = self.validators.contains(target) and not self.validators.get(target).blocked
            ensure(target in kept or open_to_all, StakingError.BAD_TARGET)
        self.remove_validator(stash)
        self.add_nominator(stash, Nominations(chosen, self.current_era.get() or 0))

    @call(6, weight=weights.CHILL)
    def chill(self, origin: Origin) -> None:
        """Declare no desire to either validate or nominate.

        Effects will be felt at the beginning of the next era.
        """
        stash = ensure_signed(origin)
        self.ledger_of(stash)
        self.chill_stash(stash)

    @call(21, weight=_kick_weight)
    def kick(self, origin: Origin, who: Annotated[list[MultiAddress], MaxLen(MAX_KICKS)]) -> None:
        """Remove the given nominations from the calling validator.

        Making this call only makes sense if you first set the validator preferences to block any further
        nominations.
        """
        stash = ensure_signed(origin)
        self.ledger_of(stash)
        for address in who:
            nominator = self.system.lookup(address)
            nominations = self.nominators.get(nominator)
            if nominations is None or stash not in nominations.targets:
                continue
            left = tuple(target for target in nominations.targets if target != stash)
            self.nominators.insert(nominator, replace(nominations, targets=left))
            self.deposit_event(Kicked(nominator, stash))

    @call(23, weight=weights.CHILL_OTHER)
    def chill_other(self, origin: Origin, stash: AccountId) -> None:
        """Declare a `controller` to stop participating as either a validator or nominator.

        Anyone may chill a stash whose bond is below the minimum of its role, once the number of those in that
        role has passed the `ChillThreshold` of its maximum.
        """
        caller = ensure_signed(origin)
        ledger = self.ledger_of(stash)
        if caller != stash:
            threshold = self.chill_threshold.get()
            if threshold is None:
                raise CallFailed(StakingError.CANNOT_CHILL_OTHER)
            if self.nominators.contains(stash):
                room, count = self.max_nominators_count.get(), self.counter_for_nominators.get()
                needed = self.min_nominator_bond.get()
            else:
                room, count = self.max_validators_count.get(), self.counter_for_validators.get()
                needed = self.min_validator_bond.get()
            full = room is not None and count * 100 > threshold * room
            ensure(full and ledger.active < needed, StakingError.CANNOT_CHILL_OTHER)
        self.chill_stash(stash)

    @call(24, weight=weights.FORCE_APPLY_MIN_COMMISSION)
    def force_apply_min_commission(self, origin: Origin, validator_stash: AccountId) -> None:
        """Force a validator to have at least the minimum commission. Can be called by anyone."""
        ensure_signed(origin)
        ensure(self.validators.contains(validator_stash), StakingError.NOT_STASH)
        prefs = self.validators.get(validator_stash)
        minimum = self.min_commission.get()
        if prefs.commission < minimum:
            self.validators.insert(validator_stash, replace(prefs, commission=minimum))
