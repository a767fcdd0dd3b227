"""Balances: every call's success and every way it fails; issuance is conserved whatever happens."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.configuration import UNIT
from runtime.frame.errors import (
    Arithmetic,
    ArithmeticKind,
    BadOrigin,
    CallFailed,
    CannotLookup,
    ConsumerRemaining,
    NoProviders,
    TokenError,
    TooManyConsumers,
)
from runtime.frame.holds import RuntimeHoldReason
from runtime.frame.origin import NOBODY, ROOT
from runtime.pallets.balances import Balances, Preservation
from runtime.pallets.balances.funds import MAX_BALANCE
from runtime.pallets.balances.types import (
    MAX_HOLDS,
    BalanceSet,
    Burned,
    BurnedDebt,
    Deposit,
    DustLost,
    Endowed,
    Held,
    MintedCredit,
    Released,
    Transfer,
    Unreserved,
    Withdraw,
)
from runtime.pallets.system import System
from runtime.pallets.system.account import AccountData, AccountInfo
from runtime.pallets.system.types import KilledAccount, NewAccount
from runtime.primitives.multiaddress import Address20, Id, Index
from tests.runtime.helpers import ALICE, BOB, CHARLIE, DAVE, ED, NEWCOMER, World, signed, token

RICH = 1_000 * UNIT
REASON = RuntimeHoldReason(40, 0)
TRANSFERS = ("Balances.transfer_allow_death", "Balances.transfer_keep_alive")


@pytest.fixture
def world() -> World:
    return World()


def balances(world: World) -> Balances:
    return world.env.pallet(Balances)


def issuance(world: World) -> int:
    return balances(world).total_issuance.get()


def transfer(world: World, dest: bytes, value: int, name: str = TRANSFERS[0]) -> Any:
    return world.make(name, dest=Id(dest), value=value)


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_transfer_moves_free_funds_and_says_so(world: World, name: str) -> None:
    world.dispatch(signed(ALICE), transfer(world, BOB, 5 * UNIT, name))
    assert (world.free(ALICE), world.free(BOB)) == (RICH - 5 * UNIT, RICH + 5 * UNIT)
    assert world.reported() == [Transfer(ALICE, BOB, 5 * UNIT)]


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_transfer_creates_an_account(world: World, name: str) -> None:
    world.dispatch(signed(ALICE), transfer(world, NEWCOMER, ED, name))
    info = world.env.pallet(System).account.get(NEWCOMER)
    assert info == AccountInfo(providers=1, data=AccountData(ED))
    assert world.reported() == [NewAccount(NEWCOMER), Endowed(NEWCOMER, ED), Transfer(ALICE, NEWCOMER, ED)]


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_transfer_to_oneself_or_of_nothing_changes_nothing_but_is_reported(world: World, name: str) -> None:
    world.dispatch(signed(ALICE), transfer(world, ALICE, 5, name))
    world.dispatch(signed(ALICE), transfer(world, BOB, 0, name))
    assert world.free(ALICE) == RICH
    assert world.reported() == [Transfer(ALICE, ALICE, 5), Transfer(ALICE, BOB, 0)]
    assert world.env.overlay.changes() == {}


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_transfer_below_the_existential_deposit_is_refused_and_changes_nothing(
    world: World, name: str
) -> None:
    world.assert_noop(signed(ALICE), transfer(world, NEWCOMER, ED - 1, name), token(TokenError.BelowMinimum))


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_transfer_of_more_than_the_balance_is_refused_and_changes_nothing(world: World, name: str) -> None:
    world.assert_noop(signed(ALICE), transfer(world, BOB, RICH + 1, name), token(TokenError.FundsUnavailable))


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_transfer_needs_a_signature_and_an_account_id(world: World, name: str) -> None:
    for origin in (ROOT, NOBODY):
        world.assert_noop(origin, transfer(world, BOB, UNIT, name), BadOrigin())
    for address in (Index(0), Address20(bytes(20))):
        world.assert_noop(signed(ALICE), world.make(name, dest=address, value=1), CannotLookup())


def test_a_transfer_that_overflows_the_payee_is_refused_and_changes_nothing(world: World) -> None:
    world.env.pallet(System).account.insert(BOB, AccountInfo(providers=1, data=AccountData(MAX_BALANCE)))
    world.assert_noop(signed(ALICE), transfer(world, BOB, 1), Arithmetic(ArithmeticKind.Overflow))


def test_a_transfer_may_empty_an_account_which_is_then_reaped(world: World) -> None:
    world.dispatch(signed(ALICE), transfer(world, BOB, RICH))
    assert not world.env.pallet(System).account.contains(ALICE)
    assert world.reported() == [KilledAccount(ALICE), Transfer(ALICE, BOB, RICH)]


def test_dust_below_the_existential_deposit_is_burned_with_its_account(world: World) -> None:
    before = issuance(world)
    world.dispatch(signed(ALICE), transfer(world, BOB, RICH - ED + 1))
    dust = ED - 1
    assert issuance(world) == before - dust
    assert world.reported() == [
        KilledAccount(ALICE),
        DustLost(ALICE, dust),
        BurnedDebt(dust),
        Transfer(ALICE, BOB, RICH - dust),
    ]


def test_keep_alive_refuses_what_would_reap_the_sender(world: World) -> None:
    call = transfer(world, BOB, RICH - ED + 1, TRANSFERS[1])
    world.assert_noop(signed(ALICE), call, token(TokenError.NotExpendable))
    world.dispatch(signed(ALICE), transfer(world, BOB, RICH - ED, TRANSFERS[1]))
    assert world.free(ALICE) == ED


def test_an_account_with_a_reserve_can_not_give_away_its_existential_deposit(world: World) -> None:
    balances(world).hold(REASON, ALICE, UNIT)
    free = world.free(ALICE)
    world.assert_noop(signed(ALICE), transfer(world, BOB, free), token(TokenError.Frozen))
    world.dispatch(signed(ALICE), transfer(world, BOB, free - ED))
    assert world.funds(ALICE) == AccountData(ED, UNIT)


def test_frozen_funds_stay(world: World) -> None:
    accounts = world.env.pallet(System).account
    accounts.insert(ALICE, AccountInfo(consumers=1, providers=1, data=AccountData(10 * UNIT, 0, 4 * UNIT)))
    world.assert_noop(signed(ALICE), transfer(world, BOB, 6 * UNIT + 1), token(TokenError.Frozen))
    world.dispatch(signed(ALICE), transfer(world, BOB, 6 * UNIT))
    assert world.free(ALICE) == 4 * UNIT


def test_a_second_provider_lets_an_account_lose_its_balance_and_live(world: World) -> None:
    accounts = world.env.pallet(System).account
    accounts.insert(ALICE, AccountInfo(providers=2, data=AccountData(UNIT)))
    world.dispatch(signed(ALICE), transfer(world, BOB, UNIT))
    assert accounts.get(ALICE) == AccountInfo(providers=1)


def test_force_transfer_is_for_root(world: World) -> None:
    call = world.make("Balances.force_transfer", source=Id(ALICE), dest=Id(BOB), value=UNIT)
    world.assert_noop(signed(ALICE), call, BadOrigin())
    world.dispatch(ROOT, call)
    assert world.free(BOB) == RICH + UNIT
    bad = world.make("Balances.force_transfer", source=Index(1), dest=Id(BOB), value=UNIT)
    world.assert_noop(ROOT, bad, CannotLookup())


@pytest.mark.parametrize(("keep_alive", "left"), [(True, ED), (False, 0)])
def test_transfer_all_leaves_what_it_must(world: World, keep_alive: bool, left: int) -> None:
    call = world.make("Balances.transfer_all", dest=Id(BOB), keep_alive=keep_alive)
    world.assert_noop(ROOT, call, BadOrigin())
    world.dispatch(signed(ALICE), call)
    assert world.free(ALICE) == left
    assert world.free(BOB) == 2 * RICH - left


def test_force_unreserve_frees_at_most_what_is_reserved(world: World) -> None:
    balances(world).hold(REASON, ALICE, UNIT)
    world.reported()
    call = world.make("Balances.force_unreserve", who=Id(ALICE), amount=3 * UNIT)
    world.assert_noop(signed(ALICE), call, BadOrigin())
    world.dispatch(ROOT, call)
    assert world.funds(ALICE) == AccountData(RICH)
    assert world.env.pallet(System).account.get(ALICE).consumers == 0
    world.dispatch(ROOT, call)
    assert world.reported() == [Unreserved(ALICE, UNIT)]


def test_force_set_balance_mints_burns_creates_and_wipes_out(world: World) -> None:
    before = issuance(world)

    def set_to(who: bytes, value: int) -> list[Any]:
        world.dispatch(ROOT, world.make("Balances.force_set_balance", who=Id(who), new_free=value))
        return world.reported()

    assert set_to(ALICE, RICH + 5) == [MintedCredit(5), BalanceSet(ALICE, RICH + 5)]
    assert set_to(ALICE, RICH) == [BurnedDebt(5), BalanceSet(ALICE, RICH)]
    assert set_to(ALICE, RICH) == [BalanceSet(ALICE, RICH)]
    assert set_to(NEWCOMER, ED) == [
        NewAccount(NEWCOMER),
        Endowed(NEWCOMER, ED),
        MintedCredit(ED),
        BalanceSet(NEWCOMER, ED),
    ]
    assert set_to(NEWCOMER, ED - 1) == [KilledAccount(NEWCOMER), BurnedDebt(ED), BalanceSet(NEWCOMER, 0)]
    assert set_to(NEWCOMER, 0) == [BalanceSet(NEWCOMER, 0)]
    assert issuance(world) == before


def test_force_set_balance_refuses_other_origins_overflow_and_reserved_accounts(world: World) -> None:
    call = world.make("Balances.force_set_balance", who=Id(ALICE), new_free=1)
    world.assert_noop(signed(ALICE), call, BadOrigin())
    huge = world.make("Balances.force_set_balance", who=Id(ALICE), new_free=MAX_BALANCE)
    world.assert_noop(ROOT, huge, Arithmetic(ArithmeticKind.Overflow))
    balances(world).hold(REASON, ALICE, UNIT)
    world.assert_noop(ROOT, call, ConsumerRemaining())


def test_burning_reduces_the_issuance(world: World) -> None:
    before = issuance(world)
    world.dispatch(signed(ALICE), world.make("Balances.burn", value=UNIT, keep_alive=True))
    assert issuance(world) == before - UNIT
    assert world.reported() == [Burned(ALICE, UNIT)]
    everything = world.make("Balances.burn", value=RICH - UNIT, keep_alive=True)
    world.assert_noop(signed(ALICE), everything, token(TokenError.FundsUnavailable))
    world.dispatch(signed(ALICE), world.make("Balances.burn", value=RICH - UNIT, keep_alive=False))
    assert not world.env.pallet(System).account.contains(ALICE)
    world.assert_noop(ROOT, everything, BadOrigin())


def test_a_hold_moves_funds_to_the_reserve_and_release_moves_them_back(world: World) -> None:
    pallet = balances(world)
    pallet.hold(REASON, ALICE, UNIT)
    pallet.hold(REASON, ALICE, UNIT)
    assert world.funds(ALICE) == AccountData(RICH - 2 * UNIT, 2 * UNIT)
    assert pallet.balance_on_hold(REASON, ALICE) == 2 * UNIT
    assert world.env.pallet(System).account.get(ALICE).consumers == 1
    pallet.release(REASON, ALICE, 2 * UNIT)
    assert world.funds(ALICE) == AccountData(RICH)
    assert not pallet.holds_of.contains(ALICE)
    assert world.env.pallet(System).account.get(ALICE).consumers == 0
    assert world.reported() == [
        Held(REASON, ALICE, UNIT),
        Held(REASON, ALICE, UNIT),
        Released(REASON, ALICE, 2 * UNIT),
    ]


def test_holds_are_refused_beyond_the_balance_the_count_and_for_no_account(world: World) -> None:
    pallet = balances(world)

    def refused(error: TokenError, reason: RuntimeHoldReason, who: bytes, amount: int) -> None:
        with pytest.raises(CallFailed) as caught:
            pallet.hold(reason, who, amount)
        assert caught.value.error == token(error)

    refused(TokenError.FundsUnavailable, REASON, ALICE, RICH - ED + 1)
    refused(TokenError.CannotCreateHold, REASON, NEWCOMER, 1)
    for index in range(MAX_HOLDS):
        pallet.hold(RuntimeHoldReason(41, index), ALICE, 1)
    refused(TokenError.CannotCreateHold, REASON, ALICE, 1)
    pallet.hold(RuntimeHoldReason(41, 0), ALICE, 1)
    with pytest.raises(CallFailed) as caught:
        pallet.release(REASON, ALICE, 1)
    assert caught.value.error == token(TokenError.FundsUnavailable)


def test_references_bound_what_an_account_may_carry(world: World) -> None:
    system = world.env.pallet(System)
    full = AccountInfo(consumers=64, providers=1, data=AccountData(RICH))
    with pytest.raises(CallFailed) as caught:
        system.store_funds(ALICE, full, AccountData(1, 1), provides=0, consumes=1)
    assert caught.value.error == TooManyConsumers()
    with pytest.raises(CallFailed) as caught:
        system.store_funds(NEWCOMER, AccountInfo(), AccountData(1, 1), provides=0, consumes=1)
    assert caught.value.error == NoProviders()


def test_a_withdrawn_fee_can_be_paid_out_or_burned(world: World) -> None:
    pallet = balances(world)
    before = issuance(world)
    pallet.withdraw(ALICE, 10)
    assert pallet.pay(BOB, 4)
    assert not pallet.pay(DAVE, 4)
    pallet.burn_credit(6)
    assert issuance(world) == before - 6
    assert world.reported() == [Withdraw(ALICE, 10), Deposit(BOB, 4), BurnedDebt(6)]
    with pytest.raises(CallFailed) as caught:
        pallet.withdraw(ALICE, RICH)
    assert caught.value.error == token(TokenError.FundsUnavailable)


ACCOUNTS = (ALICE, BOB, CHARLIE, NEWCOMER, bytes([8]) * 32)
AMOUNTS = st.one_of(
    st.integers(0, 2 * RICH), st.sampled_from([0, 1, ED - 1, ED, RICH - ED, RICH - ED + 1, RICH, RICH + 1])
)
WHO = st.sampled_from(ACCOUNTS)
STEPS = st.lists(st.tuples(st.integers(0, 8), WHO, WHO, AMOUNTS, st.booleans()), max_size=25)


def _step(world: World, kind: int, one: bytes, other: bytes, amount: int, flag: bool) -> None:
    pallet = balances(world)
    match kind:
        case 0 | 1:
            world.dispatch(signed(one), transfer(world, other, amount, TRANSFERS[kind]))
        case 2:
            world.dispatch(signed(one), world.make("Balances.transfer_all", dest=Id(other), keep_alive=flag))
        case 3:
            world.dispatch(signed(one), world.make("Balances.burn", value=amount, keep_alive=flag))
        case 4:
            world.dispatch(ROOT, world.make("Balances.force_set_balance", who=Id(one), new_free=amount))
        case 5:
            world.dispatch(ROOT, world.make("Balances.force_unreserve", who=Id(one), amount=amount))
        case 6:
            with world.env.transaction():
                pallet.hold(REASON, one, amount)
        case 7:
            with world.env.transaction():
                pallet.release(REASON, one, amount)
        case _:
            with world.env.transaction():
                pallet.transfer(one, other, amount, Preservation.PROTECT)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_issuance_and_references_hold_over_any_sequence_of_calls(
    steps: list[tuple[int, bytes, bytes, int, bool]],
) -> None:
    world = World()
    for step in steps:
        before, events = world.env.overlay.changes(), len(world.env.events)
        try:
            _step(world, *step)
        except CallFailed:
            assert world.env.overlay.changes() == before
            assert len(world.env.events) == events
        accounts = dict(world.env.pallet(System).account.items())
        assert sum(each.data.free + each.data.reserved for each in accounts.values()) == issuance(world)
        for each in accounts.values():
            assert each.data.free >= ED
            assert each.providers == 1
            assert each.consumers == (each.data.reserved > 0)
