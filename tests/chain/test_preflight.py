"""What a validator makes sure of before it signs."""

from pathlib import Path

import pytest

from chain import hardware, preflight
from chain.config import ChainFolder, NodeConfig
from chain.hardware import Requirement, Score
from chain.keystore import Keystore, KeystoreFault, KeyType, PasswordCost
from chain.preflight import PreflightFault, check_validator
from genesis.presets import dev
from tests.chain.chains import START_SLOT, World

SLOT_MS = 1_000


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    folder = ChainFolder(dev(), tmp_path)
    folder.root.mkdir(parents=True)
    return NodeConfig(folder, validator=True, measures_machine=False)


@pytest.fixture(autouse=True)
def _synchronised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_clock_warnings", list)


def test_a_validator_with_both_keys_and_a_right_clock_hears_no_warning(config: NodeConfig) -> None:
    world, keystore = World(), Keystore(None, ("//Alice",))
    world.build()
    assert check_validator(config, world.store, keystore, SLOT_MS).warnings == ()


def test_a_clock_behind_the_best_block_stops_the_node(
    config: NodeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    world.build()
    monkeypatch.setattr(preflight, "unix_ms", lambda: (START_SLOT - 100) * SLOT_MS)
    with pytest.raises(PreflightFault, match="101 s ahead of this machine's clock: set the clock"):
        check_validator(config, world.store, Keystore(None, ("//Alice",)), SLOT_MS)


def test_missing_keys_are_named_with_what_to_do(config: NodeConfig) -> None:
    (warning,) = check_validator(config, World().store, Keystore(None), SLOT_MS).warnings
    assert "no key of type babe and gran" in warning
    assert "author_rotateKeys" in warning


def test_a_wrong_password_is_found_before_the_first_slot(config: NodeConfig, tmp_path: Path) -> None:
    folder, cost = tmp_path / "keys", PasswordCost(1, 8192)
    Keystore(folder, password="right", cost=cost).insert(KeyType.BLOCK, "//Alice")
    with pytest.raises(KeystoreFault, match="does not open"):
        check_validator(config, World().store, Keystore(folder, password="wrong", cost=cost), SLOT_MS)


def test_a_slow_machine_is_warned_of_with_figures(
    config: NodeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Score(Requirement("Abacus", "beads/s", 100, "counts"), 50)
    monkeypatch.setattr(preflight, "measure", lambda folder: (slow,))
    measured = NodeConfig(config.folder, validator=True)
    (warning,) = check_validator(measured, World().store, Keystore(None, ("//Alice",)), SLOT_MS).warnings
    assert warning.startswith("Abacus: 50 beads/s, a validator needs 100 (counts)")


def test_every_measurement_gives_a_rate_and_a_fifth_below_the_reference_still_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "BUDGET_SECONDS", 0.0001)
    scores = hardware.measure(tmp_path)
    assert len({score.requirement.name for score in scores}) == 5
    assert all(score.measured > 0 for score in scores)
    need = Requirement("x", "per s", 100, "is needed")
    assert Score(need, 80).passes
    assert not Score(need, 79.9).passes
