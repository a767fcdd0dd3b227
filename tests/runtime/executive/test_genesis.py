"""Genesis: a plain configuration becomes a state; what is wrong in it is named by its path."""

from typing import Any

import pytest

from runtime.configuration import UNIT, build_runtime
from runtime.frame.engine import NoEngine
from runtime.frame.errors import GenesisReason, InvalidGenesis
from runtime.frame.genesis import MAX_ITEMS, GenesisReader
from runtime.pallets.authorities import DEFAULT_SLOT_DURATION, MAX_AUTHORITIES, Authorities, Authority
from runtime.pallets.balances import Balances
from runtime.pallets.sudo import Sudo
from runtime.pallets.system import CODE_KEY, System
from runtime.pallets.system.account import AccountData, AccountInfo
from runtime.primitives.integers import U8, U64
from runtime.primitives.state import MemoryState
from tests.runtime.helpers import ALICE, DAVE, ED, KEYS, SLOT, World, config

ADDRESS = KEYS["Alice"].address()
AMOUNT = "balances.balances[0][1]"


def test_the_configuration_becomes_the_state_of_block_zero() -> None:
    world = World()
    env = world.env
    assert env.pallet(System).account.get(ALICE) == AccountInfo(providers=1, data=AccountData(1_000 * UNIT))
    assert env.pallet(Balances).total_issuance.get() == 3_000 * UNIT
    assert env.pallet(Sudo).key.get() == ALICE
    authorities = env.pallet(Authorities)
    assert authorities.validators.get() == (Authority(DAVE, b"\x11" * 32, b"\x22" * 48, 1),)
    assert authorities.slot_duration.get() == SLOT
    assert authorities.randomness.get() == bytes(32)
    assert world.state.get(CODE_KEY) == b"fixpoint-runtime/1"


def test_an_empty_configuration_is_a_chain_without_accounts() -> None:
    runtime = build_runtime(NoEngine())
    genesis = runtime.genesis({})
    env = runtime.view(MemoryState(genesis.storage))
    assert env.pallet(Balances).total_issuance.get() == 0
    assert env.pallet(Authorities).slot_duration.get() == DEFAULT_SLOT_DURATION
    assert env.pallet(Sudo).key.get() is None
    assert runtime.events(MemoryState(genesis.storage)) == ()


def test_randomness_and_weights_can_be_given() -> None:
    validator = config()["authorities"]["validators"][0] | {"weight": "5"}
    world = World(config(authorities={"validators": [validator], "randomness": "0x" + "33" * 32}))
    assert world.env.pallet(Authorities).randomness.get() == b"\x33" * 32
    assert world.env.pallet(Authorities).validators.get()[0].weight == 5


VALIDATOR = config()["authorities"]["validators"][0]


@pytest.mark.parametrize(
    ("part", "value", "reason", "path"),
    [
        ("nothing", {}, GenesisReason.UNKNOWN, "nothing"),
        ("balances", [], GenesisReason.WRONG_TYPE, "balances"),
        ("balances", {"balance": []}, GenesisReason.UNKNOWN, "balances.balance"),
        ("balances", {"balances": {}}, GenesisReason.WRONG_TYPE, "balances.balances"),
        ("balances", {"balances": [[ADDRESS]]}, GenesisReason.WRONG_TYPE, "balances.balances[0]"),
        (
            "balances",
            {"balances": [[ADDRESS, ED - 1]]},
            GenesisReason.OUT_OF_RANGE,
            "balances.balances[0][1]",
        ),
        (
            "balances",
            {"balances": [[ADDRESS, 1 << 128]]},
            GenesisReason.OUT_OF_RANGE,
            "balances.balances[0][1]",
        ),
        ("balances", {"balances": [[ADDRESS, "1x"]]}, GenesisReason.WRONG_TYPE, "balances.balances[0][1]"),
        ("balances", {"balances": [[ADDRESS, True]]}, GenesisReason.WRONG_TYPE, "balances.balances[0][1]"),
        ("balances", {"balances": [["5bad", UNIT]]}, GenesisReason.BAD_ADDRESS, "balances.balances[0][0]"),
        ("balances", {"balances": [["0x12", UNIT]]}, GenesisReason.BAD_ADDRESS, "balances.balances[0][0]"),
        ("balances", {"balances": [["0xzz", UNIT]]}, GenesisReason.BAD_ADDRESS, "balances.balances[0][0]"),
        ("balances", {"balances": [[5, UNIT]]}, GenesisReason.WRONG_TYPE, "balances.balances[0][0]"),
        ("balances", {"balances": [[ADDRESS, UNIT]] * 2}, GenesisReason.DUPLICATE, "balances.balances[1][0]"),
        (
            "balances",
            {"balances": [[ADDRESS, (1 << 128) - 1], ["0x" + "01" * 32, UNIT]]},
            GenesisReason.OUT_OF_RANGE,
            "balances",
        ),
        ("sudo", {"key": 1.5}, GenesisReason.WRONG_TYPE, "sudo.key"),
        ("authorities", {"slotDuration": 0}, GenesisReason.OUT_OF_RANGE, "authorities.slotDuration"),
        ("authorities", {"validators": [{}]}, GenesisReason.MISSING, "authorities.validators[0].account"),
        (
            "authorities",
            {"validators": [VALIDATOR, VALIDATOR]},
            GenesisReason.DUPLICATE,
            "authorities.validators[1].blockKey",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(part: str, value: Any, reason: GenesisReason, path: str) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        build_runtime(NoEngine()).genesis({part: value})
    assert caught.value.reason is reason
    assert caught.value.path == path
    assert path in str(caught.value)


def test_too_many_validators_are_refused() -> None:
    validators = [VALIDATOR | {"blockKey": f"0x{index:064x}"} for index in range(MAX_AUTHORITIES + 1)]
    with pytest.raises(InvalidGenesis) as caught:
        build_runtime(NoEngine()).genesis({"authorities": {"validators": validators}})
    assert caught.value.path == "authorities.validators"


def test_the_reader_checks_types_and_limits() -> None:
    with pytest.raises(InvalidGenesis, match="expected an object, found a string"):
        GenesisReader("x", "a").get("b")
    with pytest.raises(InvalidGenesis, match="at most"):
        list(GenesisReader([0] * (MAX_ITEMS + 1), "a").items())
    assert GenesisReader("18446744073709551615", "a").integer(U64) == (1 << 64) - 1
    with pytest.raises(InvalidGenesis, match=r"outside 0\.\.255"):
        GenesisReader(256, "a").integer(U8)
    with pytest.raises(InvalidGenesis, match="found float"):
        GenesisReader(1.0, "a").integer(U8)
