"""Validators and nominators: how a stash takes a role and loses it."""

import pytest

from runtime.configuration import CONSTANTS, UNIT
from runtime.frame.errors import BadOrigin, CannotLookup
from runtime.frame.origin import ROOT
from runtime.pallets.staking import Staking
from runtime.pallets.staking.events import Chilled, Kicked, StakingError, ValidatorPrefsSet
from runtime.pallets.staking.types import Nominations, Staked, ValidatorPrefs
from runtime.primitives.fixed import PERBILL_ONE
from runtime.primitives.multiaddress import Index
from tests.runtime.helpers import signed
from tests.runtime.pallets.staking.chain import Chain, staking_config, stash, targets

WHO = stash(50)
ONE = stash(1)


@pytest.fixture
def chain() -> Chain:
    built = Chain(staking_config(nominators=1))
    built.run(WHO, "bond", value=100 * UNIT, payee=Staked())
    built.reported()
    return built


def test_a_stash_offers_to_validate_with_its_commission(chain: Chain) -> None:
    prefs = ValidatorPrefs(50_000_000, True)
    chain.run(WHO, "validate", prefs=prefs)
    assert chain.staking.validators.get(WHO) == prefs
    assert chain.reported() == [ValidatorPrefsSet(WHO, prefs)]
    chain.run(WHO, "validate", prefs=ValidatorPrefs(PERBILL_ONE + 5))
    assert chain.staking.validators.get(WHO) == ValidatorPrefs(PERBILL_ONE)
    assert chain.staking.counter_for_validators.get() == 5
    chain.check()


def test_a_nominator_who_validates_stops_nominating(chain: Chain) -> None:
    chain.run(stash(101), "validate", prefs=ValidatorPrefs())
    assert not chain.staking.nominators.contains(stash(101))
    chain.run(stash(101), "nominate", targets=targets(1))
    assert not chain.staking.validators.contains(stash(101))
    chain.check()


def test_validating_needs_bond_commission_and_room(chain: Chain) -> None:
    call = chain.make("Staking.validate", prefs=ValidatorPrefs(5))
    chain.assert_noop(ROOT, call, BadOrigin())
    chain.assert_noop(signed(stash(51)), call, StakingError.NOT_CONTROLLER)
    chain.staking.min_validator_bond.put(100 * UNIT + 1)
    chain.assert_noop(signed(WHO), call, StakingError.INSUFFICIENT_BOND)
    chain.staking.min_validator_bond.put(100 * UNIT)
    chain.staking.min_commission.put(6)
    chain.assert_noop(signed(WHO), call, StakingError.COMMISSION_TOO_LOW)
    chain.staking.min_commission.put(5)
    chain.staking.max_validators_count.put(4)
    chain.assert_noop(signed(WHO), call, StakingError.TOO_MANY_VALIDATORS)
    chain.run(ONE, "validate", prefs=ValidatorPrefs(7))
    chain.staking.max_validators_count.kill()
    chain.staking.counter_for_validators.put(CONSTANTS[Staking]["max_electable_targets"])
    chain.assert_noop(signed(WHO), call, StakingError.TOO_MANY_VALIDATORS)


def test_nominations_are_kept_without_doubles_and_with_their_era(chain: Chain) -> None:
    chain.era(2)
    chain.run(WHO, "nominate", targets=targets(2, 1, 2))
    era = chain.staking.current_era.get()
    assert era is not None
    assert chain.staking.nominators.get(WHO) == Nominations((stash(2), stash(1)), era)
    chain.run(WHO, "nominate", targets=targets(3))
    assert chain.staking.counter_for_nominators.get() == 2
    chain.check()


def test_nominating_needs_bond_room_and_validators(chain: Chain) -> None:
    def call(*numbers: int) -> object:
        return chain.make("Staking.nominate", targets=targets(*numbers))

    chain.assert_noop(signed(stash(51)), call(1), StakingError.NOT_CONTROLLER)  # type: ignore[arg-type]
    chain.assert_noop(signed(WHO), call(), StakingError.EMPTY_TARGETS)  # type: ignore[arg-type]
    chain.assert_noop(signed(WHO), call(1, 50), StakingError.BAD_TARGET)  # type: ignore[arg-type]
    odd = chain.make("Staking.nominate", targets=[Index(1)])
    chain.assert_noop(signed(WHO), odd, CannotLookup())
    chain.run(stash(2), "validate", prefs=ValidatorPrefs(0, True))
    chain.assert_noop(signed(WHO), call(2), StakingError.BAD_TARGET)  # type: ignore[arg-type]
    chain.staking.min_nominator_bond.put(100 * UNIT + 1)
    chain.assert_noop(signed(WHO), call(1), StakingError.INSUFFICIENT_BOND)  # type: ignore[arg-type]
    chain.staking.min_nominator_bond.put(0)
    chain.staking.max_nominators_count.put(1)
    chain.assert_noop(signed(WHO), call(1), StakingError.TOO_MANY_NOMINATORS)  # type: ignore[arg-type]


def test_a_blocked_validator_keeps_those_who_named_it_before(chain: Chain) -> None:
    chain.run(stash(2), "validate", prefs=ValidatorPrefs(0, True))
    chain.run(stash(101), "nominate", targets=targets(2))
    assert chain.staking.nominators.get(stash(101)) == Nominations((stash(2),), 0)


def test_the_room_of_nominators_is_what_an_election_can_count(chain: Chain) -> None:
    constants = CONSTANTS[Staking]
    room = constants["max_electing_voters"] - constants["max_electable_targets"]
    assert chain.staking.nominator_room() == room
    chain.staking.max_nominators_count.put(room + 1)
    assert chain.staking.nominator_room() == room
    chain.staking.counter_for_nominators.put(room)
    call = chain.make("Staking.nominate", targets=targets(1))
    chain.assert_noop(signed(WHO), call, StakingError.TOO_MANY_NOMINATORS)


def test_chilling_ends_either_role_once(chain: Chain) -> None:
    for who in (ONE, stash(101)):
        chain.run(who, "chill")
        assert chain.reported() == [Chilled(who)]
        chain.run(who, "chill")
        assert chain.reported() == []
    chain.assert_noop(signed(stash(51)), chain.make("Staking.chill"), StakingError.NOT_CONTROLLER)
    chain.check()


def test_a_validator_kicks_its_nominators(chain: Chain) -> None:
    chain.run(ONE, "kick", who=targets(101, 50, 77))
    assert chain.reported() == [Kicked(stash(101), ONE)]
    kept = chain.staking.nominators.get(stash(101))
    assert kept is not None
    assert kept.targets == (stash(2), stash(3), stash(4))
    call = chain.make("Staking.kick", who=targets(101))
    chain.assert_noop(signed(stash(51)), call, StakingError.NOT_CONTROLLER)


def test_others_are_chilled_when_their_bond_is_too_low_and_their_role_is_crowded(chain: Chain) -> None:
    def call(who: bytes) -> object:
        return chain.make("Staking.chill_other", stash=who)

    staking = chain.staking
    chain.assert_noop(signed(ONE), call(stash(51)), StakingError.NOT_CONTROLLER)  # type: ignore[arg-type]
    chain.assert_noop(signed(WHO), call(ONE), StakingError.CANNOT_CHILL_OTHER)  # type: ignore[arg-type]
    staking.chill_threshold.put(75)
    chain.assert_noop(signed(WHO), call(ONE), StakingError.CANNOT_CHILL_OTHER)  # type: ignore[arg-type]
    staking.max_validators_count.put(5)
    staking.max_nominators_count.put(1)
    chain.assert_noop(signed(WHO), call(ONE), StakingError.CANNOT_CHILL_OTHER)  # type: ignore[arg-type]
    staking.min_validator_bond.put(1_000 * UNIT + 1)
    staking.min_nominator_bond.put(500 * UNIT + 1)
    chain.run(WHO, "chill_other", stash=ONE)
    assert chain.reported() == [Chilled(ONE)]
    # Three of five are no more than three quarters.
    chain.assert_noop(signed(WHO), call(stash(2)), StakingError.CANNOT_CHILL_OTHER)  # type: ignore[arg-type]
    chain.run(WHO, "chill_other", stash=stash(101))
    chain.run(stash(2), "chill_other", stash=stash(2))
    assert chain.reported() == [Chilled(stash(101)), Chilled(stash(2))]
    chain.check()


def test_anyone_may_raise_a_commission_to_the_minimum(chain: Chain) -> None:
    call = chain.make("Staking.force_apply_min_commission", validator_stash=ONE)
    chain.staking.min_commission.put(30)
    chain.dispatch(signed(WHO), call)
    assert chain.staking.validators.get(ONE) == ValidatorPrefs(30)
    chain.staking.min_commission.put(10)
    chain.dispatch(signed(WHO), call)
    assert chain.staking.validators.get(ONE) == ValidatorPrefs(30)
    other = chain.make("Staking.force_apply_min_commission", validator_stash=WHO)
    chain.assert_noop(signed(WHO), other, StakingError.NOT_STASH)
