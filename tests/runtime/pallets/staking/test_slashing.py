"""Slashes: their size, their time, who pays, who is paid, and what root may undo."""

import pytest

from runtime.configuration import UNIT
from runtime.frame.errors import BadOrigin
from runtime.frame.origin import ROOT
from runtime.pallets.session import Session
from runtime.pallets.session.types import ValidatorDisabled
from runtime.pallets.staking.events import (
    Chilled,
    OldSlashingReportDiscarded,
    Slashed,
    SlashReported,
    StakingError,
)
from runtime.pallets.staking.types import (
    SlashingSpans,
    SpanRecord,
    StakingLedger,
    UnappliedSlash,
    ValidatorPrefs,
)
from runtime.primitives.fixed import PERBILL_ONE, perbill_mul
from tests.runtime.helpers import signed
from tests.runtime.pallets.staking.chain import (
    BONDING,
    DEFER,
    RICH,
    SESSIONS,
    Chain,
    staking_config,
    stash,
)

ONE = stash(1)
HALF = PERBILL_ONE // 2
TENTH = PERBILL_ONE // 10
REPORTER = stash(52)


@pytest.fixture
def chain() -> Chain:
    """Four validators of 1,000, three nominators of 500 that stand behind all of them."""
    built = Chain(staking_config(4, 4, nominators=3))
    built.reported()
    assert len(behind(built)) > 1
    return built


def report(chain: Chain, who: bytes, fraction: int, session: int | None = None, *reporters: bytes) -> None:
    chain.staking.on_offence([(who, reporters)], fraction, chain.index if session is None else session)


def stake(chain: Chain, who: bytes) -> int:
    ledger = chain.staking.ledger.get(who)
    return ledger.total if ledger is not None else 0


def behind(chain: Chain, era: int = 0) -> dict[bytes, int]:
    return {each.who: each.value for each in chain.staking.nominators_of(era, ONE)}


def test_an_offender_is_chilled_and_disabled_at_once_and_slashed_later(chain: Chain) -> None:
    backers = behind(chain)
    report(chain, ONE, TENTH)
    assert chain.reported() == [SlashReported(ONE, TENTH, 0), ValidatorDisabled(ONE), Chilled(ONE)]
    assert chain.env.pallet(Session).disabled_validators.get() == (chain.validators.index(ONE),)
    others = tuple((who, perbill_mul(TENTH, value)) for who, value in backers.items())
    taken = 100 * UNIT + sum(value for _, value in others)
    reward = 5 * UNIT + sum(perbill_mul(TENTH, value) // 2 for _, value in others)
    due = chain.staking.unapplied_slashes.get(DEFER + 1)
    assert due == (UnappliedSlash(ONE, 100 * UNIT, others, (), reward),)
    chain.era()
    assert ONE not in chain.validators
    chain.era(DEFER - 1)
    assert stake(chain, ONE) == 1_000 * UNIT
    chain.reported()
    issuance = chain.balances.total_issuance.get()
    chain.era()
    assert chain.active == DEFER + 1
    assert [event for event in chain.reported() if isinstance(event, Slashed)] == [
        Slashed(ONE, 100 * UNIT),
        *(Slashed(who, value) for who, value in others),
    ]
    assert stake(chain, ONE) == 900 * UNIT
    for who, value in others:
        assert stake(chain, who) == 500 * UNIT - value
    assert chain.balances.total_issuance.get() == issuance - taken
    assert not chain.staking.unapplied_slashes.contains(DEFER + 1)
    chain.check()


def test_the_whole_stake_behind_a_validator_pays_the_same_share(chain: Chain) -> None:
    backers = behind(chain)
    report(chain, ONE, PERBILL_ONE)
    chain.era(DEFER + 1)
    assert stake(chain, ONE) == 0
    for who, value in backers.items():
        assert stake(chain, who) == 500 * UNIT - value
    chain.check()
    chain.run(REPORTER, "reap_stash", stash=ONE, num_slashing_spans=2)
    assert not chain.staking.bonded.contains(ONE)
    chain.check()


def test_reporters_share_half_of_the_reward_and_the_rest_is_burned(chain: Chain) -> None:
    """A tenth of the slash may be paid as reward, and half of it goes to those who report first."""
    before, issuance = chain.free(REPORTER), chain.balances.total_issuance.get()
    report(chain, ONE, HALF, None, REPORTER, stash(51))
    chain.era(DEFER + 1)
    total = 500 * UNIT + sum(value // 2 for value in behind(chain).values())
    reward = (50 * UNIT) // 2 + sum(value // 2 // 10 // 2 for value in behind(chain).values())
    paid = chain.free(REPORTER) - before
    assert paid == reward // 2
    assert chain.balances.total_issuance.get() == issuance - total + 2 * paid
    chain.check()


def test_within_a_span_only_the_largest_slash_counts(chain: Chain) -> None:
    report(chain, ONE, TENTH)
    first = chain.staking.unapplied_slashes.get(DEFER + 1)
    report(chain, ONE, TENTH)
    report(chain, ONE, TENTH // 2)
    assert chain.staking.unapplied_slashes.get(DEFER + 1) == first
    report(chain, ONE, HALF)
    assert [each.own for each in chain.staking.unapplied_slashes.get(DEFER + 1)] == [100 * UNIT, 400 * UNIT]
    assert chain.staking.validator_slash_in_era.get(0, ONE) == (HALF, 500 * UNIT)
    chain.era(DEFER + 1)
    assert stake(chain, ONE) == 500 * UNIT
    for who, value in behind(chain).items():
        assert stake(chain, who) == 500 * UNIT - value // 2
    chain.check()


def test_slashes_in_two_eras_of_one_span_are_not_added_and_a_new_span_is(chain: Chain) -> None:
    chain.era()
    session = chain.index
    report(chain, ONE, HALF, 0)
    # The second era's offence is smaller: the span, which began before era 0, has paid more already.
    report(chain, ONE, TENTH, session)
    pending = [
        each.own for due in (DEFER + 1, DEFER + 2) for each in chain.staking.unapplied_slashes.get(due)
    ]
    assert pending == [500 * UNIT]
    assert chain.staking.slashing_spans.get(ONE) == SlashingSpans(1, 2, 0, (2,))
    assert chain.staking.span_slash.get((ONE, 0)).slashed == 500 * UNIT
    chain.run(ONE, "validate", prefs=ValidatorPrefs())
    chain.era(2)
    assert ONE in chain.validators
    report(chain, ONE, TENTH)
    due = chain.staking.unapplied_slashes.get(chain.active + DEFER + 1)
    assert [each.own for each in due] == [100 * UNIT]
    assert chain.staking.slashing_spans.get(ONE) == SlashingSpans(2, 4, 3, (2, 2))


def test_a_nominator_slashed_through_two_validators_in_an_era_pays_for_both(chain: Chain) -> None:
    who = stash(101)
    parts = {
        number: {each.who: each.value for each in chain.staking.nominators_of(0, stash(number))}
        for number in (1, 2)
    }
    report(chain, stash(1), TENTH)
    report(chain, stash(2), TENTH)
    expected = sum(part.get(who, 0) // 10 for part in parts.values())
    assert expected > 0
    assert chain.staking.nominator_slash_in_era.get(0, who) == expected
    chain.era(DEFER + 1)
    assert stake(chain, who) == 500 * UNIT - expected
    chain.check()


def test_unbonding_does_not_save_from_a_slash(chain: Chain) -> None:
    report(chain, ONE, HALF)
    chain.run(ONE, "unbond", value=1_000 * UNIT)
    chain.era(DEFER + 1)
    ledger = chain.staking.ledger.get(ONE)
    assert ledger is not None
    assert ledger.total == 500 * UNIT
    assert ledger.active == 0
    chain.check()


def test_root_cancels_deferred_slashes_by_place(chain: Chain) -> None:
    for number in (1, 2, 3):
        report(chain, stash(number), TENTH)
    due = DEFER + 1

    def call(*places: int) -> object:
        return chain.make("Staking.cancel_deferred_slash", era=due, slash_indices=list(places))

    chain.assert_noop(signed(ONE), call(0), BadOrigin())  # type: ignore[arg-type]
    chain.assert_noop(ROOT, call(), StakingError.EMPTY_TARGETS)  # type: ignore[arg-type]
    chain.assert_noop(ROOT, call(1, 0), StakingError.NOT_SORTED_AND_UNIQUE)  # type: ignore[arg-type]
    chain.assert_noop(ROOT, call(1, 1), StakingError.NOT_SORTED_AND_UNIQUE)  # type: ignore[arg-type]
    chain.assert_noop(ROOT, call(3), StakingError.INVALID_SLASH_INDEX)  # type: ignore[arg-type]
    chain.root("cancel_deferred_slash", era=due, slash_indices=[0, 2])
    assert [each.validator for each in chain.staking.unapplied_slashes.get(due)] == [stash(2)]
    chain.root("cancel_deferred_slash", era=due, slash_indices=[0])
    assert not chain.staking.unapplied_slashes.contains(due)
    chain.era(DEFER + 1)
    assert [stake(chain, stash(number)) for number in (1, 2, 3)] == [1_000 * UNIT] * 3


def test_an_offence_of_an_earlier_era_is_slashed_by_what_stood_behind_it_then(chain: Chain) -> None:
    chain.run(ONE, "bond_extra", max_additional=1_000 * UNIT)
    chain.era(2)
    chain.reported()
    report(chain, ONE, TENTH, SESSIONS - 1)
    assert chain.reported()[0] == SlashReported(ONE, TENTH, 0)
    assert chain.env.pallet(Session).disabled_validators.get() == ()
    assert chain.staking.unapplied_slashes.get(DEFER + 1)[0].own == 100 * UNIT


def test_a_late_report_waits_for_the_next_era_at_least(chain: Chain) -> None:
    chain.era(DEFER + 5)
    report(chain, ONE, TENTH, 0)
    assert chain.staking.unapplied_slashes.get(DEFER + 6)[0].own == 100 * UNIT


def test_an_offence_older_than_the_bonding_duration_is_discarded(chain: Chain) -> None:
    chain.era(BONDING + 1)
    chain.reported()
    report(chain, ONE, TENTH, 0)
    assert chain.reported() == [OldSlashingReportDiscarded(0)]
    chain.staking.active_era.kill()
    report(chain, ONE, TENTH)
    assert chain.reported() == []


def test_what_was_slashed_in_an_era_is_forgotten_with_its_bond(chain: Chain) -> None:
    report(chain, ONE, TENTH)
    chain.era(BONDING)
    assert chain.staking.validator_slash_in_era.get(0, ONE) is not None
    (nominator, *_) = behind(chain)
    assert chain.staking.nominator_slash_in_era.get(0, nominator) is not None
    chain.era()
    assert chain.staking.validator_slash_in_era.get(0, ONE) is None
    assert chain.staking.nominator_slash_in_era.get(0, nominator) is None


def test_the_invulnerable_and_those_outside_the_era_are_not_slashed(chain: Chain) -> None:
    chain.root("set_invulnerables", invulnerables=[ONE])
    report(chain, ONE, HALF)
    report(chain, stash(50), HALF)
    assert chain.reported() == []
    assert not chain.staking.unapplied_slashes.contains(DEFER + 1)


def test_no_more_are_disabled_than_finality_can_do_without(chain: Chain) -> None:
    for number in (1, 2, 3):
        report(chain, stash(number), TENTH)
    assert chain.env.pallet(Session).disabled_validators.get() == (chain.validators.index(ONE),)


def test_a_fraction_of_nothing_only_chills(chain: Chain) -> None:
    report(chain, ONE, 0)
    assert chain.reported() == [SlashReported(ONE, 0, 0), Chilled(ONE)]
    assert chain.env.pallet(Session).disabled_validators.get() == ()
    assert chain.staking.slashing_spans.get(ONE) is None


def test_without_deferral_a_slash_is_taken_at_once() -> None:
    chain = Chain(staking_config(4, 4))
    chain.limit(slash_defer_duration=0)
    report(chain, ONE, TENTH)
    assert stake(chain, ONE) == 900 * UNIT
    chain.check()


def test_a_stash_that_lost_everything_may_bond_again(chain: Chain) -> None:
    report(chain, ONE, PERBILL_ONE)
    chain.era(DEFER + 1)
    assert stake(chain, ONE) == 0
    chain.run(ONE, "bond_extra", max_additional=2 * UNIT)
    assert stake(chain, ONE) == 2 * UNIT
    chain.check()


def test_what_a_stash_no_longer_has_can_not_be_slashed(chain: Chain) -> None:
    report(chain, ONE, HALF, None, REPORTER)
    for number in (1, 101, 102, 103):
        chain.root("force_unstake", stash=stash(number), num_slashing_spans=2)
    free, issuance = chain.free(REPORTER), chain.balances.total_issuance.get()
    chain.era(DEFER + 1)
    assert chain.free(REPORTER) == free
    assert chain.balances.total_issuance.get() == issuance
    chain.check()


def test_spans_older_than_the_window_are_pruned_with_the_next_slash(chain: Chain) -> None:
    report(chain, ONE, TENTH)
    chain.run(ONE, "validate", prefs=ValidatorPrefs())
    chain.era(BONDING + 5)
    report(chain, ONE, TENTH)
    now = chain.active
    spans = chain.staking.slashing_spans.get(ONE)
    assert spans == SlashingSpans(2, now + 1, now, (now,))
    assert chain.staking.span_slash.get((ONE, 0)) == SpanRecord()
    assert chain.staking.span_slash.get((ONE, 1)).slashed > 0


def test_a_slash_below_one_unit_takes_nothing() -> None:
    chain = Chain(staking_config(4, 4))
    report(chain, ONE, 1)
    before = stake(chain, ONE)
    chain.era(DEFER + 1)
    assert stake(chain, ONE) == before - 1_000 * UNIT // PERBILL_ONE


def test_rewards_of_a_second_larger_slash_come_on_top(chain: Chain) -> None:
    report(chain, ONE, TENTH, None, REPORTER)
    report(chain, ONE, HALF, None, REPORTER)
    payouts = [each.payout for each in chain.staking.unapplied_slashes.get(DEFER + 1)]
    assert payouts[0] < payouts[1]
    record = chain.staking.span_slash.get((ONE, 0))
    assert record.slashed == 500 * UNIT
    assert record.paid_out == 5 * UNIT + (50 * UNIT - 5 * UNIT) // 2


def test_a_ledger_smaller_than_its_slash_is_emptied(chain: Chain) -> None:
    report(chain, ONE, HALF)
    chain.run(ONE, "unbond", value=RICH)
    chain.staking.store_ledger(StakingLedger(ONE, 100 * UNIT, 100 * UNIT))
    chain.era(DEFER + 1)
    assert stake(chain, ONE) == 0
    chain.check()
