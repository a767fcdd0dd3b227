"""Bonding: every call's success and every way it fails."""

import pytest

from runtime.configuration import UNIT
from runtime.frame.errors import BadOrigin
from runtime.frame.origin import NOBODY, ROOT
from runtime.pallets.balances.types import Held, Released
from runtime.pallets.staking.events import Bonded, StakingError, StakingHold, Unbonded, Withdrawn
from runtime.pallets.staking.types import (
    MAX_UNLOCKING_CHUNKS,
    Account,
    Controller,
    Nowhere,
    SlashingSpans,
    SpanRecord,
    Staked,
    StakingLedger,
    Stash,
    UnlockChunk,
    ValidatorPrefs,
)
from runtime.pallets.system import System
from runtime.pallets.system.account import AccountData
from tests.runtime.helpers import ED, signed
from tests.runtime.pallets.staking.chain import BONDING, RICH, Chain, staking_config, stash

WHO = stash(50)
ONE = stash(1)


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_bonding_holds_the_funds_and_remembers_the_payee(chain: Chain) -> None:
    chain.run(WHO, "bond", value=40 * UNIT, payee=Account(stash(51)))
    assert chain.staking.ledger.get(WHO) == StakingLedger(WHO, 40 * UNIT, 40 * UNIT)
    assert chain.staking.bonded.get(WHO) == WHO
    assert chain.staking.payee.get(WHO) == Account(stash(51))
    assert chain.funds(WHO) == AccountData(RICH - 40 * UNIT, 40 * UNIT)
    reason = chain.staking.hold_reason(StakingHold.Staking)
    assert chain.reported() == [Held(reason, WHO, 40 * UNIT), Bonded(WHO, 40 * UNIT)]
    chain.check()


def test_bonding_more_than_there_is_leaves_the_existential_deposit(chain: Chain) -> None:
    chain.run(WHO, "bond", value=RICH * 5, payee=Staked())
    assert chain.held(WHO) == RICH - ED
    assert chain.free(WHO) == ED


def test_bonding_is_refused_twice_and_for_too_little_and_without_account(chain: Chain) -> None:
    bond = chain.make("Staking.bond", value=UNIT, payee=Staked())
    chain.assert_noop(signed(ONE), bond, StakingError.ALREADY_BONDED)
    chain.assert_noop(NOBODY, bond, BadOrigin())
    chain.assert_noop(ROOT, bond, BadOrigin())
    small = chain.make("Staking.bond", value=ED - 1, payee=Staked())
    chain.assert_noop(signed(WHO), small, StakingError.INSUFFICIENT_BOND)
    chain.assert_noop(signed(stash(77)), bond, StakingError.INSUFFICIENT_BOND)
    old = chain.make("Staking.bond", value=UNIT, payee=Controller())
    chain.assert_noop(signed(WHO), old, StakingError.CONTROLLER_DEPRECATED)
    chain.staking.ledger.insert(WHO, StakingLedger(WHO, 0, 0))
    chain.assert_noop(signed(WHO), bond, StakingError.ALREADY_PAIRED)


def test_extra_funds_join_what_is_active(chain: Chain) -> None:
    chain.run(ONE, "bond_extra", max_additional=7 * UNIT)
    assert chain.staking.ledger.get(ONE) == StakingLedger(ONE, 1_007 * UNIT, 1_007 * UNIT)
    assert chain.reported()[-1] == Bonded(ONE, 7 * UNIT)
    chain.run(ONE, "bond_extra", max_additional=RICH * 9)
    assert chain.held(ONE) == RICH - ED
    chain.check()
    extra = chain.make("Staking.bond_extra", max_additional=UNIT)
    chain.assert_noop(signed(WHO), extra, StakingError.NOT_STASH)
    chain.run(ONE, "chill")
    chain.run(ONE, "unbond", value=RICH)
    nothing = chain.make("Staking.bond_extra", max_additional=ED - 1)
    chain.assert_noop(signed(ONE), nothing, StakingError.INSUFFICIENT_BOND)


def test_unbonded_funds_come_free_when_the_bonding_duration_has_passed(chain: Chain) -> None:
    chain.run(ONE, "unbond", value=100 * UNIT)
    due = BONDING
    assert chain.staking.ledger.get(ONE) == StakingLedger(
        ONE, 1_000 * UNIT, 900 * UNIT, (UnlockChunk(100 * UNIT, due),)
    )
    assert chain.reported() == [Unbonded(ONE, 100 * UNIT)]
    while (chain.staking.current_era.get() or 0) < due - 1:
        chain.session()
    chain.run(ONE, "withdraw_unbonded", num_slashing_spans=0)
    assert chain.held(ONE) == 1_000 * UNIT
    while (chain.staking.current_era.get() or 0) < due:
        chain.session()
    chain.reported()
    chain.run(ONE, "withdraw_unbonded", num_slashing_spans=0)
    reason = chain.staking.hold_reason(StakingHold.Staking)
    assert chain.reported() == [Released(reason, ONE, 100 * UNIT), Withdrawn(ONE, 100 * UNIT)]
    assert chain.staking.ledger.get(ONE) == StakingLedger(ONE, 900 * UNIT, 900 * UNIT)
    chain.check()


def test_a_role_keeps_its_minimum_bond(chain: Chain) -> None:
    chain.staking.min_validator_bond.put(900 * UNIT)
    more = chain.make("Staking.unbond", value=100 * UNIT + 1)
    chain.assert_noop(signed(ONE), more, StakingError.INSUFFICIENT_BOND)
    chain.run(ONE, "unbond", value=100 * UNIT)
    chain.run(ONE, "chill")
    chain.run(ONE, "unbond", value=RICH)
    assert chain.staking.ledger.get(ONE) == StakingLedger(
        ONE, 1_000 * UNIT, 0, (UnlockChunk(1_000 * UNIT, BONDING),)
    )


def test_a_nominator_keeps_its_minimum_bond_too() -> None:
    chain = Chain(staking_config(nominators=1))
    chain.staking.min_nominator_bond.put(500 * UNIT)
    call = chain.make("Staking.unbond", value=1)
    chain.assert_noop(signed(stash(101)), call, StakingError.INSUFFICIENT_BOND)


def test_unbonding_needs_a_ledger_and_nothing_active_unbonds_to_nothing(chain: Chain) -> None:
    call = chain.make("Staking.unbond", value=UNIT)
    chain.assert_noop(signed(WHO), call, StakingError.NOT_CONTROLLER)
    chain.run(ONE, "chill")
    chain.run(ONE, "unbond", value=RICH)
    chain.reported()
    chain.run(ONE, "unbond", value=UNIT)
    chain.run(stash(2), "unbond", value=0)
    assert chain.reported() == []


def test_chunks_of_one_era_are_one_and_full_chunks_refuse_or_are_withdrawn(chain: Chain) -> None:
    chunks = tuple(UnlockChunk(UNIT, BONDING + n) for n in range(1, MAX_UNLOCKING_CHUNKS + 1))
    full = StakingLedger(ONE, 1_000 * UNIT, (1_000 - len(chunks)) * UNIT, chunks)
    chain.staking.store_ledger(full)
    chain.assert_noop(signed(ONE), chain.make("Staking.unbond", value=UNIT), StakingError.NO_MORE_CHUNKS)
    chain.staking.current_era.put(BONDING + 3)
    chain.run(ONE, "unbond", value=UNIT)
    ledger = chain.staking.ledger.get(ONE)
    assert ledger is not None
    assert ledger.unlocking[0] == UnlockChunk(UNIT, BONDING + 4)
    assert ledger.unlocking[-1] == UnlockChunk(UNIT, 2 * BONDING + 3)
    chain.run(ONE, "unbond", value=UNIT)
    ledger = chain.staking.ledger.get(ONE)
    assert ledger is not None
    assert ledger.unlocking[-1] == UnlockChunk(2 * UNIT, 2 * BONDING + 3)
    chain.check()


def test_a_stash_that_withdraws_everything_is_forgotten(chain: Chain) -> None:
    chain.run(WHO, "bond", value=40 * UNIT, payee=Stash())
    chain.run(WHO, "validate", prefs=ValidatorPrefs())
    chain.run(WHO, "unbond", value=40 * UNIT)
    chain.staking.slashing_spans.insert(WHO, SlashingSpans(1, 3, 2, (2,)))
    chain.staking.span_slash.insert((WHO, 0), SpanRecord(5, 1))
    chain.staking.current_era.put(BONDING)
    few = chain.make("Staking.withdraw_unbonded", num_slashing_spans=1)
    chain.assert_noop(signed(WHO), few, StakingError.INCORRECT_SLASHING_SPANS)
    chain.reported()
    chain.run(WHO, "withdraw_unbonded", num_slashing_spans=2)
    assert chain.reported()[-1] == Withdrawn(WHO, 40 * UNIT)
    staking = chain.staking
    for item in (staking.ledger, staking.bonded, staking.payee, staking.validators, staking.slashing_spans):
        assert not item.contains(WHO)
    assert not staking.span_slash.contains((WHO, 0))
    assert chain.funds(WHO) == AccountData(RICH)
    chain.check()


def test_withdrawing_needs_a_ledger(chain: Chain) -> None:
    call = chain.make("Staking.withdraw_unbonded", num_slashing_spans=0)
    chain.assert_noop(signed(WHO), call, StakingError.NOT_CONTROLLER)


def test_rebonding_makes_unlocking_funds_active_again(chain: Chain) -> None:
    call = chain.make("Staking.rebond", value=UNIT)
    chain.assert_noop(signed(ONE), call, StakingError.NO_UNLOCK_CHUNK)
    chain.assert_noop(signed(WHO), call, StakingError.NOT_CONTROLLER)
    chain.run(ONE, "unbond", value=100 * UNIT)
    chain.reported()
    chain.run(ONE, "rebond", value=30 * UNIT)
    assert chain.reported() == [Bonded(ONE, 30 * UNIT)]
    assert chain.staking.ledger.get(ONE) == StakingLedger(
        ONE, 1_000 * UNIT, 930 * UNIT, (UnlockChunk(70 * UNIT, BONDING),)
    )
    chain.run(ONE, "chill")
    chain.run(ONE, "unbond", value=RICH)
    dust = chain.make("Staking.rebond", value=ED - 1)
    chain.assert_noop(signed(ONE), dust, StakingError.INSUFFICIENT_BOND)


def test_the_payee_can_be_changed_and_the_controller_can_not(chain: Chain) -> None:
    chain.run(ONE, "set_payee", payee=Nowhere())
    assert chain.staking.payee.get(ONE) == Nowhere()
    old = chain.make("Staking.set_payee", payee=Controller())
    chain.assert_noop(signed(ONE), old, StakingError.CONTROLLER_DEPRECATED)
    chain.assert_noop(
        signed(WHO), chain.make("Staking.set_payee", payee=Stash()), StakingError.NOT_CONTROLLER
    )
    call = chain.make("Staking.set_controller")
    chain.assert_noop(signed(ONE), call, StakingError.ALREADY_PAIRED)
    chain.assert_noop(signed(WHO), call, StakingError.NOT_STASH)


def test_a_stash_whose_stake_was_slashed_away_may_be_reaped_by_anyone(chain: Chain) -> None:
    call = chain.make("Staking.reap_stash", stash=ONE, num_slashing_spans=0)
    chain.assert_noop(signed(WHO), call, StakingError.FUNDED_TARGET)
    chain.balances.slash_held(chain.staking.hold_reason(StakingHold.Staking), ONE, 1_000 * UNIT)
    chain.balances.burn_credit(1_000 * UNIT)
    chain.staking.ledger.insert(ONE, StakingLedger(ONE, 0, 0))
    chain.dispatch(signed(WHO), call)
    assert not chain.staking.bonded.contains(ONE)
    chain.assert_noop(signed(WHO), call, StakingError.NOT_STASH)
    chain.check()


def test_root_may_unstake_anyone_at_once(chain: Chain) -> None:
    call = chain.make("Staking.force_unstake", stash=ONE, num_slashing_spans=0)
    chain.assert_noop(signed(ONE), call, BadOrigin())
    chain.dispatch(ROOT, call)
    assert chain.funds(ONE) == AccountData(RICH)
    chain.assert_noop(ROOT, call, StakingError.NOT_STASH)
    chain.check()


def test_a_stash_stays_removable_when_root_has_unreserved_its_funds(chain: Chain) -> None:
    info = chain.env.pallet(System).account.get(ONE)
    chain.env.pallet(System).store_funds(ONE, info, AccountData(RICH), provides=0, consumes=-1)
    chain.root("force_unstake", stash=ONE, num_slashing_spans=0)
    assert chain.funds(ONE) == AccountData(RICH)
    assert not chain.staking.bonded.contains(ONE)
