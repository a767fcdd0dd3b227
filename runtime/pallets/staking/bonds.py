"""Calls by which funds come to be at stake and leave again."""

from dataclasses import replace

from runtime.frame.call import call
from runtime.frame.errors import CallFailed, ensure
from runtime.frame.origin import Origin, ensure_signed, ensure_signed_or_root
from runtime.frame.weights import PostDispatchInfo, Weight
from runtime.pallets.staking import ledger as steps
from runtime.pallets.staking import weights
from runtime.pallets.staking.events import Bonded, StakingError, Unbonded, Withdrawn
from runtime.pallets.staking.state import StakingState
from runtime.pallets.staking.types import Controller, RewardDestination, StakingLedger
from runtime.primitives.integers import U32
from runtime.primitives.scale import CompactU128
from runtime.primitives.types import AccountId


def _withdraw_weight(pallet: StakingState, spans: int) -> Weight:
    return weights.withdraw(spans)


def _reap_weight(pallet: StakingState, stash: bytes, spans: int) -> Weight:
    return weights.reap(spans)


class Bonds(StakingState):
    """bond, bond_extra, unbond, rebond, withdraw_unbonded, reap_stash; payees."""

    @call(0, weight=weights.BOND)
    def bond(self, origin: Origin, value: CompactU128, payee: RewardDestination) -> None:
        """Take the origin account as a stash and lock up `value` of its balance.

        `value` must be more than the existential deposit; what the account can not hold of it is left out.
        The account is its own controller.
        """
        stash = ensure_signed(origin)
        ensure(not self.bonded.contains(stash), StakingError.ALREADY_BONDED)
        ensure(not self.ledger.contains(stash), StakingError.ALREADY_PAIRED)
        ensure(not isinstance(payee, Controller), StakingError.CONTROLLER_DEPRECATED)
        amount = min(value, self.balances.holdable(stash))
        ensure(amount >= max(self.minimum_bond, 1), StakingError.INSUFFICIENT_BOND)
        self.bonded.insert(stash, stash)
        self.payee.insert(stash, payee)
        self.store_ledger(StakingLedger(stash, amount, amount))
        self.deposit_event(Bonded(stash, amount))

    @call(1, weight=weights.BOND_EXTRA)
    def bond_extra(self, origin: Origin, max_additional: CompactU128) -> None:
        """Add some extra amount that has appeared in the stash `free_balance` into the balance up for
        staking.

        At most `max_additional`, less where the account can not hold so much.
        """
        stash = ensure_signed(origin)
        ensure(self.bonded.contains(stash), StakingError.NOT_STASH)
        ledger = self.ledger_of(stash)
        extra = min(max_additional, self.balances.holdable(stash))
        grown = replace(ledger, total=ledger.total + extra, active=ledger.active + extra)
        ensure(grown.active >= self.minimum_bond, StakingError.INSUFFICIENT_BOND)
        self.store_ledger(grown)
        self.deposit_event(Bonded(stash, extra))

    @call(2, weight=weights.UNBOND)
    def unbond(self, origin: Origin, value: CompactU128) -> None:
        """Schedule a portion of the stash to be unlocked ready for transfer out after the bond period ends.

        If this leaves an amount actively bonded less than the existential deposit, then it is increased to
        the full amount. Once the unlock period is done, call `withdraw_unbonded` to actually move the funds
        out. Where all unlocking chunks are in use, those that are due are withdrawn first.
        """
        stash = ensure_signed(origin)
        ledger = self.ledger_of(stash)
        era = self.current_era.get() or 0
        if len(ledger.unlocking) >= self.max_unlocking_chunks:
            self._withdraw(ledger, era, None)
            ledger = self.ledger_of(stash)
        due = era + self.bonding_duration
        extends = bool(ledger.unlocking) and ledger.unlocking[-1].era == due
        ensure(extends or len(ledger.unlocking) < self.max_unlocking_chunks, StakingError.NO_MORE_CHUNKS)
        shrunk, moved = steps.unlock(ledger, value, due, self.minimum_bond)
        if not moved:
            return
        ensure(shrunk.active >= self._needed(stash), StakingError.INSUFFICIENT_BOND)
        self.store_ledger(shrunk)
        self.deposit_event(Unbonded(stash, moved))

    @call(3, weight=_withdraw_weight)
    def withdraw_unbonded(self, origin: Origin, num_slashing_spans: U32) -> PostDispatchInfo:
        """Remove any unlocked chunks from the `unlocking` queue from our management.

        This essentially frees up that balance to be used by the stash account to do whatever it wants. A
        stash with nothing left is removed; `num_slashing_spans` is how many slashing spans it has at most.
        """
        stash = ensure_signed(origin)
        removed = self._withdraw(self.ledger_of(stash), self.current_era.get() or 0, num_slashing_spans)
        return PostDispatchInfo(weights.withdraw(num_slashing_spans if removed else 0))

    @call(7, weight=weights.SET_PAYEE)
    def set_payee(self, origin: Origin, payee: RewardDestination) -> None:
        """(Re-)set the payment target for a controller. Effects will be felt instantly."""
        stash = ensure_signed(origin)
        self.ledger_of(stash)
        ensure(not isinstance(payee, Controller), StakingError.CONTROLLER_DEPRECATED)
        self.payee.insert(stash, payee)

    @call(8, weight=weights.SET_CONTROLLER)
    def set_controller(self, origin: Origin) -> None:
        """(Re-)sets the controller of a stash to the stash itself.

        On this chain it is so from the start, so the call always fails, with `AlreadyPaired` for a stash.
        """
        stash = ensure_signed(origin)
        ensure(self.bonded.contains(stash), StakingError.NOT_STASH)
        raise CallFailed(StakingError.ALREADY_PAIRED)

    @call(19, weight=weights.REBOND)
    def rebond(self, origin: Origin, value: CompactU128) -> None:
        """Rebond a portion of the stash scheduled to be unlocked, the latest first."""
        stash = ensure_signed(origin)
        ledger = self.ledger_of(stash)
        ensure(bool(ledger.unlocking), StakingError.NO_UNLOCK_CHUNK)
        grown, moved = steps.rebond(ledger, value)
        ensure(grown.active >= self.minimum_bond, StakingError.INSUFFICIENT_BOND)
        self.store_ledger(grown)
        self.deposit_event(Bonded(stash, moved))

    @call(20, weight=_reap_weight)
    def reap_stash(self, origin: Origin, stash: AccountId, num_slashing_spans: U32) -> PostDispatchInfo:
        """Remove all data structures concerning a staker/stash once it is at a state where it can be cleaned.

        It is when its total is below the existential deposit. It can be called by anyone and is free when it
        succeeds: slashes leave such stashes behind.
        """
        ensure_signed_or_root(origin)
        ledger = self.ledger.get(stash)
        if ledger is None:
            raise CallFailed(StakingError.NOT_STASH)
        ensure(ledger.total < max(self.minimum_bond, 1), StakingError.FUNDED_TARGET)
        self.kill_stash(stash, num_slashing_spans)
        return weights.FREE

    def _needed(self, stash: bytes) -> int:
        """What must stay active for the role of the stash."""
        if self.nominators.contains(stash):
            return self.min_nominator_bond.get()
        if self.validators.contains(stash):
            return self.min_validator_bond.get()
        return 0

    def _withdraw(self, ledger: StakingLedger, era: int, spans: int | None) -> bool:
        """Free what is due, and whether the stash was removed; with `spans` None it never is."""
        kept = steps.consolidate(ledger, era)
        done = not kept.unlocking and kept.active < max(self.minimum_bond, 1)
        if done and spans is not None:
            self.kill_stash(ledger.stash, spans)
        else:
            self.store_ledger(kept)
        if kept.total < ledger.total:
            self.deposit_event(Withdrawn(ledger.stash, ledger.total - kept.total))
        return done and spans is not None
