"""Genesis: a plain configuration becomes a state; what is wrong in it is named by its path."""

from typing import Any

import pytest

from runtime.configuration import UNIT, build_runtime
from runtime.frame.engine import NoEngine
from runtime.frame.errors import GenesisReason, InvalidGenesis
from runtime.frame.genesis import MAX_ITEMS, GenesisReader
from runtime.frame.timing import DEFAULT_TIMING, ChainTiming
from runtime.pallets.babe import Babe, EpochConfiguration
from runtime.pallets.balances import Balances
from runtime.pallets.grandpa import Grandpa
from runtime.pallets.session import Session, SessionKeys, SessionValidator
from runtime.pallets.sudo import Sudo
from runtime.pallets.system import CODE_KEY, System
from runtime.pallets.system.account import AccountData, AccountInfo
from runtime.primitives.babe import MAX_AUTHORITIES, AllowedSlots
from runtime.primitives.integers import U8, U64
from runtime.primitives.state import MemoryState
from tests.runtime.helpers import ALICE, DAVE, ED, KEYS, World, config

ADDRESS = KEYS["Alice"].address()
AMOUNT = "balances.balances[0][1]"


def test_the_configuration_becomes_the_state_of_block_zero() -> None:
    world = World()
    env = world.env
    assert env.pallet(System).account.get(ALICE) == AccountInfo(providers=1, data=AccountData(1_000 * UNIT))
    assert env.pallet(Balances).total_issuance.get() == 3_000 * UNIT
    assert env.pallet(Sudo).key.get() == ALICE
    keys = SessionKeys(b"\x11" * 32, b"\x22" * 48)
    assert env.pallet(Session).active() == env.pallet(Session).queued() == (SessionValidator(DAVE, keys, 1),)
    babe = env.pallet(Babe)
    assert babe.authorities.get() == babe.next_authorities.get() == ((keys.babe, 1),)
    assert env.pallet(Grandpa).authorities.get() == ((keys.grandpa, 1),)
    assert babe.timing.get() == DEFAULT_TIMING
    assert babe.randomness.get() == babe.next_randomness.get() == bytes(32)
    assert babe.epoch_config.get() == EpochConfiguration()
    code = world.state.get(CODE_KEY)
    assert code is not None
    assert code.startswith(b"fixpoint-runtime/1/")


def test_an_empty_configuration_is_a_chain_without_accounts() -> None:
    runtime = build_runtime(NoEngine())
    genesis = runtime.genesis({})
    env = runtime.view(MemoryState(genesis.storage))
    assert env.pallet(Balances).total_issuance.get() == 0
    assert env.pallet(Session).validators.get() == ()
    assert env.pallet(Sudo).key.get() is None
    assert runtime.events(MemoryState(genesis.storage)) == ()


def test_randomness_and_epoch_settings_can_be_given() -> None:
    settings = {"c": [1, 2], "allowed_slots": "PrimarySlots"}
    world = World(config(babe={"randomness": "0x" + "33" * 32, "epochConfig": settings, "authorities": []}))
    babe = world.env.pallet(Babe)
    assert babe.randomness.get() == babe.next_randomness.get() == b"\x33" * 32
    assert babe.epoch_config.get() == EpochConfiguration((1, 2), AllowedSlots.PrimarySlots)


def test_a_chain_of_another_timing_has_other_constants_and_another_code() -> None:
    timing = ChainTiming(slot_ms=500, epoch_slots=10)
    asked = {"slotDuration": "500", "epochDuration": 10}
    world = World(config(babe={"timing": asked}), timing=timing)
    babe = world.env.pallet(Babe)
    assert babe.timing.get() == timing
    assert (babe.expected_block_time, babe.epoch_duration) == (500, 10)
    assert world.state.get(CODE_KEY) != World().state.get(CODE_KEY)


ENTRY = config()["session"]["keys"][0]
OTHER = [ADDRESS, ADDRESS]
SAME = [*OTHER, ENTRY[2]]


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
        ("babe", {"timing": {"slotDuration": 1}}, GenesisReason.OUT_OF_RANGE, "babe.timing.slotDuration"),
        ("babe", {"timing": {"slotDuration": 7_000}}, GenesisReason.OUT_OF_RANGE, "babe.timing"),
        ("babe", {"timing": {"slots": 7}}, GenesisReason.UNKNOWN, "babe.timing.slots"),
        ("babe", {"authorities": [[ADDRESS, 1]]}, GenesisReason.UNKNOWN, "babe.authorities"),
        (
            "babe",
            {"epochConfig": {"c": [3, 2], "allowed_slots": "PrimarySlots"}},
            GenesisReason.OUT_OF_RANGE,
            "babe.epochConfig.c",
        ),
        (
            "babe",
            {"epochConfig": {"c": [1, 2], "allowed_slots": "All"}},
            GenesisReason.UNKNOWN,
            "babe.epochConfig.allowed_slots",
        ),
        ("grandpa", {"authorities": []}, GenesisReason.UNKNOWN, "grandpa.authorities"),
        ("session", {"keys": [OTHER]}, GenesisReason.WRONG_TYPE, "session.keys[0]"),
        ("session", {"keys": [[*OTHER, {}]]}, GenesisReason.MISSING, "session.keys[0][2].babe"),
        ("session", {"keys": [ENTRY, ENTRY]}, GenesisReason.DUPLICATE, "session.keys[1][1]"),
        (
            "session",
            {"keys": [ENTRY, [*OTHER, ENTRY[2]]]},
            GenesisReason.DUPLICATE,
            "session.keys[1][2].babe",
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
    keys = [
        [f"0x{index:064x}", f"0x{index:064x}", {"babe": f"0x{index:064x}", "grandpa": f"0x{index:096x}"}]
        for index in range(MAX_AUTHORITIES + 1)
    ]
    with pytest.raises(InvalidGenesis) as caught:
        build_runtime(NoEngine()).genesis({"session": {"keys": keys}})
    assert caught.value.path == "session.keys"


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
