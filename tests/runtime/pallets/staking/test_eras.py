"""Eras: who is elected when, what is kept of it, and what happens when an election fails."""

import pytest

from runtime.configuration import CONSTANTS, UNIT
from runtime.pallets.session import WeightedValidator
from runtime.pallets.staking import Staking
from runtime.pallets.staking.eras import TOTAL_WEIGHT
from runtime.pallets.staking.events import EraPaid, StakersElected, StakingElectionFailed
from runtime.pallets.staking.events import ForceEra as ForceEraSet
from runtime.pallets.staking.inflation import era_payout
from runtime.pallets.staking.types import (
    ActiveEraInfo,
    ExposurePage,
    Forcing,
    IndividualExposure,
    Nominations,
    PagedExposureMetadata,
    Staked,
    ValidatorPrefs,
)
from tests.runtime.pallets.staking.chain import (
    BONDING,
    RICH,
    SESSION_MS,
    SESSIONS,
    START_MS,
    Chain,
    staking_config,
    stash,
    targets,
)

HISTORY = CONSTANTS[Staking]["history_depth"]


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_genesis_elects_the_first_era_and_starts_it(chain: Chain) -> None:
    assert sorted(chain.validators) == [stash(n) for n in range(1, 5)]
    staking = chain.staking
    assert staking.current_era.get() == 0
    assert staking.active_era.get() == ActiveEraInfo(0, START_MS)
    assert staking.bonded_eras.get() == ((0, 0),)
    assert staking.eras_start_session_index.get(0) == 0
    assert staking.eras_total_stake.get(0) == 4_000 * UNIT
    assert staking.current_planned_session.get() == 1


def test_an_era_is_planned_one_session_before_it_starts_and_lasts_its_sessions(chain: Chain) -> None:
    staking = chain.staking
    for session in range(1, 3 * SESSIONS):
        chain.session()
        assert staking.current_era.get() == (session + 1) // SESSIONS
        assert chain.active == session // SESSIONS
        assert staking.current_planned_session.get() == session + 1
    assert [staking.eras_start_session_index.get(era) for era in range(3)] == [0, SESSIONS, 2 * SESSIONS]


def test_a_stash_that_validates_is_elected_at_the_next_era(chain: Chain) -> None:
    who = stash(50)
    chain.root("set_validator_count", new=5)
    chain.run(who, "bond", value=100 * UNIT, payee=Staked())
    chain.run(who, "validate", prefs=ValidatorPrefs(7))
    while chain.active == 0:
        assert who not in chain.validators
        chain.session()
    assert who in chain.validators
    assert chain.staking.eras_validator_prefs.get(1, who) == ValidatorPrefs(7)


def test_the_best_backed_are_elected_and_a_chilled_one_is_not(chain: Chain) -> None:
    who = stash(50)
    chain.run(who, "bond", value=2_000 * UNIT, payee=Staked())
    chain.run(who, "validate", prefs=ValidatorPrefs())
    chain.run(stash(2), "chill")
    chain.era()
    assert sorted(chain.validators) == [stash(1), stash(3), stash(4), who]
    chain.run(stash(51), "bond", value=3_000 * UNIT, payee=Staked())
    chain.run(stash(51), "nominate", targets=targets(1))
    chain.run(stash(2), "validate", prefs=ValidatorPrefs())
    chain.root("set_validator_count", new=2)
    chain.era()
    assert chain.validators == [stash(1), who]


def test_weights_follow_what_stands_behind_each(chain: Chain) -> None:
    chain.run(stash(1), "bond_extra", max_additional=1_000 * UNIT)
    chain.session(SESSIONS - 2)
    answer = chain.staking.new_session(SESSIONS)
    assert answer is not None
    assert answer[0] == WeightedValidator(stash(1), TOTAL_WEIGHT * 2 // 5)
    assert [each.weight for each in answer[1:]] == [TOTAL_WEIGHT // 5] * 3
    assert chain.staking.new_session(SESSIONS + 1) is None


def test_exposures_are_paged_and_add_up() -> None:
    size = CONSTANTS[Staking]["max_exposure_page_size"]
    chain = Chain(staking_config(1, 1))
    staking = chain.staking
    crowd = [bytes([9, number // 256, number % 256]) + bytes(29) for number in range(size + 3)]
    for number, who in enumerate(crowd, 1):
        ledger = staking.ledger.get(stash(1))
        assert ledger is not None
        chain.balances.mint(who, 10 * UNIT)
        chain.run(who, "bond", value=UNIT + number, payee=Staked())
        chain.run(who, "nominate", targets=targets(1))
    chain.era()
    others = sum(UNIT + number for number in range(1, size + 4))
    overview = PagedExposureMetadata(1_000 * UNIT + others, 1_000 * UNIT, size + 3, 2)
    assert staking.eras_stakers_overview.get(1, stash(1)) == overview
    assert staking.eras_total_stake.get(1) == overview.total
    assert staking.pages_of(1, stash(1)) == staking.eras_stakers_page_count(1, stash(1)) == 2
    own, first = staking.page_of(1, stash(1), 0)
    nothing, second = staking.page_of(1, stash(1), 1)
    assert (own, nothing) == (1_000 * UNIT, 0)
    assert [each.who for each in (*first, *second)] == crowd
    assert second[-1] == IndividualExposure(crowd[-1], UNIT + size + 3)
    assert staking.eras_stakers_paged.get(1, stash(1), 1) == ExposurePage(
        sum(each.value for each in second), second
    )
    assert staking.minimum_active_stake.get() == UNIT + 1


def test_an_election_below_the_minimum_keeps_the_validators(chain: Chain) -> None:
    staking = chain.staking
    staking.minimum_validator_count.put(3)
    chain.run(stash(1), "chill")
    chain.run(stash(2), "chill")
    before = chain.validators
    chain.session(SESSIONS + 2)
    assert chain.validators == before
    assert staking.current_era.get() == 0
    assert StakingElectionFailed() in chain.reported()
    chain.run(stash(1), "validate", prefs=ValidatorPrefs())
    chain.session(2)
    assert sorted(chain.validators) == [stash(1), stash(3), stash(4)]
    assert chain.active == 1
    assert staking.eras_start_session_index.get(1) == SESSIONS + 4
    assert StakersElected() in chain.reported()


def test_a_genesis_without_stakers_has_an_era_and_the_validators_of_its_keys() -> None:
    chain = Chain(staking_config(0, 4))
    assert chain.validators == [stash(50), stash(51)]
    assert chain.staking.current_era.get() == 0
    assert chain.staking.eras_start_session_index.get(0) == 0
    chain.session(2 * SESSIONS)
    assert chain.validators == [stash(50), stash(51)]
    assert chain.active == 0


def test_a_forced_era_comes_with_the_next_session_once(chain: Chain) -> None:
    chain.root("force_new_era")
    assert chain.reported() == [ForceEraSet(Forcing.ForceNew)]
    chain.session()
    assert chain.staking.force_era.get() is Forcing.NotForcing
    chain.session()
    assert chain.active == 1
    chain.session()
    assert chain.active == 1


def test_eras_can_be_forced_always_or_never(chain: Chain) -> None:
    chain.root("force_new_era_always")
    chain.session(4)
    assert chain.active == 3
    chain.root("force_no_eras")
    chain.session(3 * SESSIONS)
    assert chain.active == 4


def test_an_era_pays_what_the_curve_says_for_its_stake_and_time(chain: Chain) -> None:
    issuance = chain.balances.total_issuance.get()
    chain.era()
    payout, remainder = era_payout(4_000 * UNIT, issuance, SESSIONS * SESSION_MS)
    assert payout > 0
    assert chain.staking.eras_validator_reward.get(0) == payout
    assert EraPaid(0, payout, remainder) in chain.reported()
    chain.staking.max_staked_rewards.put(10)
    chain.era()
    capped = (payout + remainder) * 10 // 100
    assert capped < payout
    assert chain.staking.eras_validator_reward.get(1) == capped
    assert EraPaid(1, capped, payout + remainder - capped) in chain.reported()


def test_an_era_whose_start_nobody_saw_pays_nothing(chain: Chain) -> None:
    chain.staking.active_era.put(ActiveEraInfo(0, None))
    chain.session(SESSIONS - 1)
    chain.staking.active_era.put(ActiveEraInfo(0, None))
    chain.session()
    assert chain.active == 1
    assert chain.staking.eras_validator_reward.get(0) is None


def test_history_is_forgotten_when_it_is_old(chain: Chain) -> None:
    staking = chain.staking
    chain.root("force_new_era_always")
    chain.era(HISTORY)
    chain.run(stash(50), "payout_stakers", validator_stash=stash(1), era=HISTORY - 1)
    assert staking.current_era.get() == HISTORY + 1
    assert staking.eras_start_session_index.get(0) is None
    assert list(staking.eras_stakers_overview.items_under(0)) == []
    assert list(staking.eras_validator_prefs.items_under(0)) == []
    assert staking.eras_total_stake.get(0) == 0
    assert staking.eras_validator_reward.get(0) is None
    assert staking.eras_total_stake.get(1) == 4_000 * UNIT
    assert [era for era, _ in staking.bonded_eras.get()] == list(range(HISTORY - BONDING, HISTORY + 1))
    chain.era(HISTORY)
    assert staking.claimed_rewards.get(HISTORY - 1, stash(1)) == ()


def test_nominations_of_those_who_left_count_for_the_others() -> None:
    chain = Chain(staking_config(3, 3, nominators=2))
    chain.run(stash(1), "chill")
    chain.era()
    found = dict(chain.staking.eras_stakers_overview.items_under(1))
    assert sorted(found) == [stash(2), stash(3)]
    assert sum(each.total for each in found.values()) == 3_000 * UNIT


def test_an_election_never_counts_more_than_its_limits() -> None:
    chain = Chain(staking_config(4, 4, nominators=0))
    chain.limit(max_electable_targets=3, max_electing_voters=5)
    staking = chain.staking
    for number, value in ((50, 5), (51, 7), (52, 6)):
        chain.run(stash(number), "bond", value=value * UNIT, payee=Staked())
        staking.add_nominator(stash(number), Nominations((stash(3),), 0))
    chain.run(stash(4), "bond_extra", max_additional=RICH)
    chain.era()
    assert sorted(chain.validators) == [stash(1), stash(2), stash(4)]
    staking.validators.remove(stash(1))
    chain.era()
    overview = staking.eras_stakers_overview.get(2, stash(3))
    assert overview is not None
    assert (overview.own, overview.total) == (1_000 * UNIT, 1_013 * UNIT)
    assert staking.minimum_active_stake.get() == 6 * UNIT
