"""Whatever stakers, reporters and root do: no unit is lost or made but as the events say."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.configuration import UNIT
from runtime.frame.errors import CallFailed
from runtime.pallets.balances.types import BurnedDebt, DustLost, Minted
from runtime.pallets.staking.types import Account, Nowhere, Staked, Stash, ValidatorPrefs
from runtime.primitives.fixed import PERBILL_ONE
from tests.runtime.helpers import ED
from tests.runtime.pallets.staking.chain import RICH, Chain, staking_config, stash, targets

WHO = (1, 2, 3, 4, 50, 51, 101, 102)
AMOUNTS = st.sampled_from([0, 1, ED - 1, ED, UNIT + 7, 333 * UNIT + 1, 1_000 * UNIT, RICH, RICH * 9])
NAMES = st.lists(st.sampled_from(WHO), min_size=1, max_size=4)
PAYEES = st.sampled_from([Staked(), Stash(), Nowhere(), Account(stash(52)), Account(stash(77))])
FRACTIONS = st.sampled_from([0, 1, PERBILL_ONE // 1_000, PERBILL_ONE // 3, PERBILL_ONE])

STEPS = st.one_of(
    st.tuples(st.just("bond"), st.sampled_from(WHO), AMOUNTS, PAYEES),
    st.tuples(st.just("bond_extra"), st.sampled_from(WHO), AMOUNTS),
    st.tuples(st.just("unbond"), st.sampled_from(WHO), AMOUNTS),
    st.tuples(st.just("rebond"), st.sampled_from(WHO), AMOUNTS),
    st.tuples(st.just("withdraw"), st.sampled_from(WHO), st.integers(0, 3)),
    st.tuples(st.just("validate"), st.sampled_from(WHO), st.sampled_from([0, 250_000_000, PERBILL_ONE])),
    st.tuples(st.just("nominate"), st.sampled_from(WHO), NAMES),
    st.tuples(st.just("chill"), st.sampled_from(WHO)),
    st.tuples(st.just("payee"), st.sampled_from(WHO), PAYEES),
    st.tuples(st.just("reap"), st.sampled_from(WHO)),
    st.tuples(st.just("unstake"), st.sampled_from(WHO)),
    st.tuples(st.just("offend"), st.sampled_from(WHO), FRACTIONS, st.integers(0, 12)),
    st.tuples(st.just("cancel"), st.integers(0, 12)),
    st.tuples(st.just("pay"), st.sampled_from(WHO), st.integers(0, 4)),
    st.tuples(st.just("work"), st.lists(st.sampled_from(WHO), max_size=4)),
    st.tuples(st.just("era"), st.sampled_from([1, 2, 8, 30])),
)


def take(chain: Chain, step: tuple[Any, ...]) -> None:
    """One step of a history; a call that fails is part of it."""
    match step:
        case "bond", who, value, payee:
            chain.run(stash(who), "bond", value=value, payee=payee)
        case "bond_extra", who, value:
            chain.run(stash(who), "bond_extra", max_additional=value)
        case "unbond" | "rebond" as name, who, value:
            chain.run(stash(who), name, value=value)
        case "withdraw", who, spans:
            chain.run(stash(who), "withdraw_unbonded", num_slashing_spans=spans)
        case "validate", who, commission:
            chain.run(stash(who), "validate", prefs=ValidatorPrefs(commission))
        case "nominate", who, names:
            chain.run(stash(who), "nominate", targets=targets(*names))
        case "chill", who:
            chain.run(stash(who), "chill")
        case "payee", who, payee:
            chain.run(stash(who), "set_payee", payee=payee)
        case "reap", who:
            chain.run(stash(50), "reap_stash", stash=stash(who), num_slashing_spans=9)
        case "unstake", who:
            chain.root("force_unstake", stash=stash(who), num_slashing_spans=9)
        case "offend", who, fraction, ago:
            session = max(chain.index - ago, 0)
            chain.staking.on_offence([(stash(who), (stash(52), stash(77)))], fraction, session)
        case "cancel", ahead:
            chain.root("cancel_deferred_slash", era=chain.active + ahead, slash_indices=[0])
        case "pay", who, ago:
            era = max(chain.active - ago, 0)
            chain.run(stash(52), "payout_stakers", validator_stash=stash(who), era=era)
        case "work", authors:
            for who in authors:
                chain.staking.note_author(stash(who))
        case "era", count:
            chain.root("force_new_era_always")
            chain.era(count)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=4, max_size=14))
def test_funds_ledgers_and_holds_agree_after_every_step(history: list[tuple[Any, ...]]) -> None:
    chain = Chain(staking_config(4, 3, nominators=2))
    issuance = chain.balances.total_issuance.get()
    for step in history:
        try:
            take(chain, step)
        except CallFailed:
            assert step[0] not in ("offend", "work", "era")
        chain.check()
        for event in chain.reported():
            match event:
                case Minted(_, amount):
                    issuance += amount
                case BurnedDebt(amount):
                    issuance -= amount
                case DustLost():
                    raise AssertionError("staking reaps no account")
        assert issuance == chain.balances.total_issuance.get()
