"""Root's settings, and the chain spec's."""

from typing import Any

import pytest

from runtime.configuration import CONSTANTS, UNIT
from runtime.frame.errors import BadOrigin, GenesisReason, InvalidGenesis
from runtime.frame.origin import ROOT
from runtime.pallets.staking import Staking
from runtime.pallets.staking.events import StakingError
from runtime.pallets.staking.types import Forcing, Nominations, Noop, Remove, SetTo, Staked, StakingLedger
from runtime.primitives.fixed import PERBILL_ONE
from runtime.primitives.keys import ss58
from tests.runtime.helpers import ED, World, signed
from tests.runtime.pallets.staking.chain import RICH, Chain, staking_config, stash

LARGEST = CONSTANTS[Staking]["max_validator_set"]
NOOPS = {
    "min_nominator_bond": Noop(),
    "min_validator_bond": Noop(),
    "max_nominator_count": Noop(),
    "max_validator_count": Noop(),
    "chill_threshold": Noop(),
    "min_commission": Noop(),
    "max_staked_rewards": Noop(),
}


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_root_sets_the_number_of_validators(chain: Chain) -> None:
    chain.root("set_validator_count", new=10)
    chain.root("increase_validator_count", additional=5)
    chain.root("scale_validator_count", factor=10)
    assert chain.staking.validator_count.get() == 16
    for name, argument in (
        ("set_validator_count", {"new": LARGEST + 1}),
        ("increase_validator_count", {"additional": LARGEST}),
    ):
        call = chain.make(f"Staking.{name}", **argument)
        chain.assert_noop(ROOT, call, StakingError.TOO_MANY_VALIDATORS)
    chain.root("set_validator_count", new=LARGEST)
    over = chain.make("Staking.scale_validator_count", factor=1)
    chain.assert_noop(ROOT, over, StakingError.TOO_MANY_VALIDATORS)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("set_validator_count", {"new": 1}),
        ("increase_validator_count", {"additional": 1}),
        ("scale_validator_count", {"factor": 1}),
        ("force_no_eras", {}),
        ("force_new_era", {}),
        ("force_new_era_always", {}),
        ("set_invulnerables", {"invulnerables": []}),
        ("set_min_commission", {"new": 1}),
        ("set_staking_configs", NOOPS),
    ],
)
def test_settings_are_for_root(chain: Chain, name: str, arguments: dict[str, Any]) -> None:
    chain.assert_noop(signed(stash(1)), chain.make(f"Staking.{name}", **arguments), BadOrigin())


def test_settings_are_set_kept_and_removed(chain: Chain) -> None:
    staking = chain.staking
    chain.root("set_min_commission", new=PERBILL_ONE * 2)
    assert staking.min_commission.get() == PERBILL_ONE
    values = {name: SetTo(number) for number, name in enumerate(NOOPS, 1)}
    chain.root("set_staking_configs", **values)
    before = chain.env.overlay.changes()
    chain.root("set_staking_configs", **NOOPS)
    assert chain.env.overlay.changes() == before
    items = (
        staking.min_nominator_bond,
        staking.min_validator_bond,
        staking.max_nominators_count,
        staking.max_validators_count,
        staking.chill_threshold,
        staking.min_commission,
        staking.max_staked_rewards,
    )
    assert [item.get() for item in items] == [1, 2, 3, 4, 5, 6, 7]
    chain.root("set_staking_configs", **dict.fromkeys(NOOPS, Remove()))
    assert [item.exists() for item in items] == [False] * 7


def test_settings_travel_as_bytes(chain: Chain) -> None:
    call = chain.make(
        "Staking.set_staking_configs",
        **NOOPS | {"min_nominator_bond": SetTo(5), "max_validator_count": Remove()},
    )
    encoded = chain.runtime.encode_call(call)
    assert encoded[2:] == b"\1" + (5).to_bytes(16, "little") + bytes(2) + b"\2" + bytes(3)
    assert chain.runtime.decode_call(encoded) == call


def build(**changes: Any) -> World:
    return World(staking_config(2, 2, nominators=1, **changes))


def test_a_genesis_bonds_its_stakers() -> None:
    chain = build(
        invulnerables=[ss58.encode(stash(2))],
        forceEra="ForceNone",
        minNominatorBond=3,
        minValidatorBond=4,
        maxNominatorCount=5,
        maxValidatorCount=6,
        minCommission=7,
    )
    staking = chain.env.pallet(Staking)
    assert staking.ledger.get(stash(1)) == StakingLedger(stash(1), 1_000 * UNIT, 1_000 * UNIT)
    assert staking.payee.get(stash(1)) == Staked()
    assert staking.nominators.get(stash(101)) == Nominations((stash(1), stash(2)), 0)
    assert (staking.counter_for_validators.get(), staking.counter_for_nominators.get()) == (2, 1)
    assert staking.invulnerables.get() == (stash(2),)
    assert staking.force_era.get() is Forcing.ForceNone
    assert staking.validator_count.get() == 2
    assert staking.slash_reward_fraction.get() == 100_000_000
    assert (staking.min_nominator_bond.get(), staking.min_validator_bond.get()) == (3, 4)
    assert (staking.max_nominators_count.get(), staking.max_validators_count.get()) == (5, 6)
    assert staking.min_commission.get() == 7


ADDRESS = ss58.encode(stash(50))
OTHER = ss58.encode(stash(51))


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({"validatorCount": LARGEST + 1}, GenesisReason.OUT_OF_RANGE, "staking.validatorCount"),
        ({"forceEra": "Sometimes"}, GenesisReason.OUT_OF_RANGE, "staking.forceEra"),
        ({"invulnerables": [ADDRESS] * 33}, GenesisReason.OUT_OF_RANGE, "staking.invulnerables"),
        ({"stakers": [[ADDRESS, ADDRESS, UNIT]]}, GenesisReason.WRONG_TYPE, "staking.stakers[0]"),
        (
            {"stakers": [[ADDRESS, OTHER, UNIT, "Idle"]]},
            GenesisReason.OUT_OF_RANGE,
            "staking.stakers[0][1]",
        ),
        (
            {"stakers": [[ADDRESS, ADDRESS, UNIT, "Idle"]] * 2},
            GenesisReason.DUPLICATE,
            "staking.stakers[1][0]",
        ),
        (
            {"stakers": [[ADDRESS, ADDRESS, ED - 1, "Idle"]]},
            GenesisReason.OUT_OF_RANGE,
            "staking.stakers[0][2]",
        ),
        (
            {"stakers": [[ADDRESS, ADDRESS, RICH, "Idle"]]},
            GenesisReason.OUT_OF_RANGE,
            "staking.stakers[0][2]",
        ),
        (
            {"stakers": [[ADDRESS, ADDRESS, UNIT, "Boss"]]},
            GenesisReason.OUT_OF_RANGE,
            "staking.stakers[0][3]",
        ),
        (
            {"stakers": [[ADDRESS, ADDRESS, UNIT, {"Nominator": []}]]},
            GenesisReason.OUT_OF_RANGE,
            "staking.stakers[0][3]",
        ),
    ],
)
def test_a_genesis_that_can_not_be_is_refused(
    changes: dict[str, Any], reason: GenesisReason, path: str
) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        build(**changes)
    assert (caught.value.reason, caught.value.path) == (reason, path)
