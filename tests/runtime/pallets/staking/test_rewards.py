"""Rewards: points, shares to the unit, pages, destinations."""

import pytest

from runtime.configuration import CONSTANTS, UNIT
from runtime.frame.errors import BadOrigin
from runtime.frame.origin import NOBODY, Origin, Signed
from runtime.frame.weights import Pays
from runtime.pallets.staking import Staking, weights
from runtime.pallets.staking.events import PayoutStarted, Rewarded, StakingError
from runtime.pallets.staking.rewards import MAX_POINTS
from runtime.pallets.staking.types import (
    MAX_NOMINATIONS,
    Account,
    EraRewardPoints,
    Nowhere,
    Staked,
    StakingLedger,
    Stash,
    ValidatorPrefs,
)
from tests.runtime.helpers import ED, NEWCOMER, signed
from tests.runtime.pallets.staking.chain import RICH, Chain, staking_config, stash

ONE = stash(1)


@pytest.fixture
def chain() -> Chain:
    return Chain(staking_config(2, 2, nominators=1))


def blocks(chain: Chain, **authored: int) -> None:
    """Blocks of `v1`, `v2`, ... in the active era."""
    for name, count in authored.items():
        for _ in range(count):
            chain.staking.note_author(stash(int(name[1:])))


def payout(chain: Chain, who: bytes, era: int, page: int | None = None) -> list[object]:
    arguments = {"validator_stash": who, "era": era}
    if page is None:
        chain.run(stash(50), "payout_stakers", **arguments)
    else:
        chain.run(stash(50), "payout_stakers_by_page", **arguments, page=page)
    return [event for event in chain.reported() if isinstance(event, Rewarded | PayoutStarted)]


def test_a_block_earns_its_author_twenty_points_in_the_active_era(chain: Chain) -> None:
    blocks(chain, v1=2, v2=1)
    assert chain.staking.eras_reward_points.get(0) == EraRewardPoints(60, {stash(1): 40, stash(2): 20})
    chain.era()
    blocks(chain, v2=1)
    assert chain.staking.eras_reward_points.get(1) == EraRewardPoints(20, {stash(2): 20})


def test_points_end_before_they_overflow_and_need_an_era(chain: Chain) -> None:
    chain.staking.eras_reward_points.insert(0, EraRewardPoints(MAX_POINTS - 19, {}))
    blocks(chain, v1=1)
    assert chain.staking.eras_reward_points.get(0) == EraRewardPoints(MAX_POINTS - 19, {})
    chain.staking.active_era.kill()
    blocks(chain, v1=1)
    assert chain.staking.eras_reward_points.get(0).total == MAX_POINTS - 19


def test_an_era_is_shared_by_points_commission_and_stake_to_the_unit(chain: Chain) -> None:
    chain.run(ONE, "validate", prefs=ValidatorPrefs(250_000_001))
    chain.era()
    blocks(chain, v1=3, v2=4)
    chain.era()
    staking = chain.staking
    total = staking.eras_validator_reward.get(1)
    overview = staking.eras_stakers_overview.get(1, ONE)
    assert total is not None
    assert overview is not None
    (nominator,) = staking.nominators_of(1, ONE)
    issuance = chain.balances.total_issuance.get()
    share = total * 60 // 140
    commission = share * 250_000_001 // 10**9
    own = commission + (share - commission) * overview.own // overview.total
    other = (share - commission) * nominator.value // overview.total
    chain.reported()
    assert payout(chain, ONE, 1) == [
        PayoutStarted(1, ONE, 0, None),
        Rewarded(ONE, Staked(), own),
        Rewarded(stash(101), Staked(), other),
    ]
    assert share - 2 <= own + other <= share
    assert chain.balances.total_issuance.get() == issuance + own + other
    assert chain.staking.ledger.get(ONE) == StakingLedger(ONE, 1_000 * UNIT + own, 1_000 * UNIT + own)
    chain.check()


def test_all_payouts_of_an_era_mint_what_the_curve_allows_but_for_single_units() -> None:
    chain = Chain(staking_config(4, 4, nominators=3))
    blocks(chain, v1=5, v2=3, v3=9, v4=1)
    chain.era()
    issuance = chain.balances.total_issuance.get()
    receivers = 0
    for number in range(1, 5):
        receivers += len(payout(chain, stash(number), 0)) - 1
    total = chain.staking.eras_validator_reward.get(0)
    assert total is not None
    minted = chain.balances.total_issuance.get() - issuance
    # Each share, each commission and each part is rounded down once.
    assert total - (receivers + 4) <= minted <= total
    chain.check()


def test_a_validator_without_points_earns_nothing_and_is_claimed(chain: Chain) -> None:
    blocks(chain, v2=1)
    chain.era()
    chain.reported()
    assert chain.staking.pending_rewards(0, ONE)
    assert payout(chain, ONE, 0) == [PayoutStarted(0, ONE, 0, None)]
    assert not chain.staking.pending_rewards(0, ONE)


def test_rewards_go_where_the_stash_wants_them(chain: Chain) -> None:
    for destination in (Stash(), Account(stash(51)), Account(NEWCOMER), Nowhere()):
        chain.run(stash(101), "set_payee", payee=destination)
        era = chain.active
        blocks(chain, v1=1)
        chain.era()
        chain.reported()
        before = {who: chain.free(who) for who in (stash(101), stash(51), NEWCOMER)}
        events = payout(chain, ONE, era)
        after = {who: chain.free(who) - before[who] for who in before}
        match destination:
            case Nowhere():
                assert len(events) == 2
                assert set(after.values()) == {0}
            case Stash():
                assert events[2] == Rewarded(stash(101), Stash(), after[stash(101)])
            case Account(account):
                assert events[2] == Rewarded(stash(101), Account(account), after[account])
        assert chain.held(stash(101)) == 500 * UNIT
    chain.check()


def test_a_reward_that_no_account_can_take_is_not_minted(chain: Chain) -> None:
    chain.run(stash(101), "set_payee", payee=Account(NEWCOMER))
    blocks(chain, v1=1)
    chain.era()
    chain.staking.eras_validator_reward.insert(0, ED)
    chain.reported()
    assert len(payout(chain, ONE, 0)) == 2
    assert chain.free(NEWCOMER) == 0
    chain.check()


def test_a_reward_for_a_stash_that_left_is_not_paid(chain: Chain) -> None:
    blocks(chain, v1=1)
    chain.era()
    chain.root("force_unstake", stash=stash(101), num_slashing_spans=0)
    chain.reported()
    assert len(payout(chain, ONE, 0)) == 2
    chain.staking.payee.insert(stash(101), Staked())
    blocks(chain, v1=1)
    chain.era()
    chain.staking.eras_validator_reward.insert(1, UNIT)
    assert len(payout(chain, ONE, 1)) == 2
    chain.check()


def test_pages_are_paid_one_by_one_and_each_once() -> None:
    chain = Chain(staking_config(1, 1, nominators=5))
    chain.limit(max_exposure_page_size=2)
    chain.run(ONE, "validate", prefs=ValidatorPrefs(500_000_000))
    chain.era()
    blocks(chain, v1=1)
    chain.era()
    total = chain.staking.eras_validator_reward.get(1)
    assert total is not None
    issuance = chain.balances.total_issuance.get()
    chain.reported()
    assert payout(chain, ONE, 1, page=1)[0] == PayoutStarted(1, ONE, 1, 0)
    assert payout(chain, ONE, 1)[0] == PayoutStarted(1, ONE, 0, 2)
    again = chain.make("Staking.payout_stakers_by_page", validator_stash=ONE, era=1, page=1)
    chain.assert_noop(signed(ONE), again, StakingError.ALREADY_CLAIMED)
    none = chain.make("Staking.payout_stakers_by_page", validator_stash=ONE, era=1, page=3)
    chain.assert_noop(signed(ONE), none, StakingError.INVALID_PAGE)
    assert chain.staking.pending_rewards(1, ONE)
    assert payout(chain, ONE, 1) == [
        PayoutStarted(1, ONE, 2, None),
        Rewarded(ONE, Staked(), total // 2 * 500 * UNIT // (3_500 * UNIT)),
        Rewarded(stash(105), Staked(), (total - total // 2) * 500 * UNIT // (3_500 * UNIT)),
    ]
    assert not chain.staking.pending_rewards(1, ONE)
    minted = chain.balances.total_issuance.get() - issuance
    assert total - 10 <= minted <= total
    all_claimed = chain.make("Staking.payout_stakers", validator_stash=ONE, era=1)
    chain.assert_noop(signed(ONE), all_claimed, StakingError.ALREADY_CLAIMED)
    chain.check()


def test_only_ended_eras_of_validators_are_paid(chain: Chain) -> None:
    def call(who: bytes, era: int) -> object:
        return chain.make("Staking.payout_stakers", validator_stash=who, era=era)

    invalid = StakingError.INVALID_ERA_TO_REWARD
    chain.assert_noop(signed(ONE), call(ONE, 0), invalid)  # type: ignore[arg-type]
    chain.era(2)
    chain.assert_noop(signed(ONE), call(ONE, 2), invalid)  # type: ignore[arg-type]
    chain.assert_noop(signed(ONE), call(ONE, 99), invalid)  # type: ignore[arg-type]
    chain.assert_noop(signed(ONE), call(stash(50), 1), StakingError.NOT_STASH)  # type: ignore[arg-type]
    chain.assert_noop(NOBODY, call(ONE, 1), BadOrigin())  # type: ignore[arg-type]
    page = chain.make("Staking.payout_stakers_by_page", validator_stash=ONE, era=2, page=0)
    chain.assert_noop(signed(ONE), page, invalid)
    chain.staking.eras_validator_reward.insert(0, 1)
    chain.staking.current_era.put(CONSTANTS[Staking]["history_depth"] + 1)
    chain.assert_noop(signed(ONE), call(ONE, 0), invalid)  # type: ignore[arg-type]


def test_a_payout_is_free_and_weighs_what_it_paid(chain: Chain) -> None:
    blocks(chain, v1=1)
    chain.era()
    origin: Origin = Signed(stash(50))
    call = chain.make("Staking.payout_stakers", validator_stash=ONE, era=0)
    assert chain.env.call_weight(call) == weights.payout(CONSTANTS[Staking]["max_exposure_page_size"])
    post = chain.env.dispatch(call, origin)
    assert post.pays_fee is Pays.No
    assert post.actual_weight == weights.payout(1)


def test_wallets_learn_the_quota_and_the_pages(chain: Chain) -> None:
    assert chain.staking.nominations_quota(5) == MAX_NOMINATIONS
    assert chain.staking.eras_stakers_page_count(0, ONE) == 1
    assert chain.staking.eras_stakers_page_count(0, stash(50)) == 0
    assert not chain.staking.pending_rewards(0, stash(50))


def test_a_compounded_reward_that_can_not_be_held_stays_free(chain: Chain) -> None:
    chain.run(ONE, "bond_extra", max_additional=RICH)
    blocks(chain, v1=1)
    chain.era()
    assert chain.free(ONE) == ED
    payout(chain, ONE, 0)
    assert chain.free(ONE) == ED
    chain.check()
