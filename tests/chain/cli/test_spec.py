"""Chain specifications on the command line: built, converted, checked and shown."""

import json
from pathlib import Path

import pytest

from tests.chain.chains import GENESIS
from tests.chain.cli.support import Cli, one_line


@pytest.mark.parametrize("preset", ["dev", "local"])
def test_built_plain_and_raw_specifications_are_the_same_chain(cli: Cli, tmp_path: Path, preset: str) -> None:
    plain, raw = tmp_path / "plain.json", tmp_path / "raw.json"
    assert cli("spec", "build", preset, "-o", plain).code == 0
    assert cli("spec", "raw", plain, "-o", raw).code == 0
    assert json.loads(cli("spec", "build", preset, "--raw").out) == json.loads(raw.read_text())
    found = [json.loads(cli("spec", "show", one, "--json").out) for one in (preset, plain, raw)]
    assert [one["form"] for one in found] == ["plain", "plain", "raw"]
    assert len({one["genesisHash"] for one in found}) == 1
    assert not list(tmp_path.glob("*.new"))


def test_the_development_chain_is_shown_with_its_authority(cli: Cli) -> None:
    found = json.loads(cli("spec", "show", "dev", "--json").out)
    assert found["genesisHash"] == "0x" + GENESIS.header.hash().hex()
    assert found["slotDurationMs"] == 1000
    assert [one["address"] for one in found["authorities"]] == [
        "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"
    ]
    assert "Genesis hash:" in cli("spec", "show", "dev").out


def test_a_sound_specification_is_called_so(cli: Cli) -> None:
    assert cli("spec", "check", "local").out.startswith("Local Testnet is sound: genesis 0x")
    assert json.loads(cli("spec", "check", "local", "--json").out)["ok"] is True


def broken(tmp_path: Path, cli: Cli, path: str, value: object) -> Path:
    whole = json.loads(cli("spec", "build", "dev").out)
    *parents, last = path.split(".")
    target = whole
    for name in parents:
        target = target[name]
    target[last] = value
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(whole))
    return file


CONFIG = "genesis.runtimeGenesis.config"


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("id", "../escape", "$.id"),
        ("colour", "blue", "$.colour"),
        (f"{CONFIG}.balances", {"balances": [["nobody", 1]]}, "balances.balances[0][0]"),
        (f"{CONFIG}.evm", {}, "evm"),
        (f"{CONFIG}.session", {}, "a chain needs at least one"),
        (f"{CONFIG}.sudo", {"key": 5}, "sudo.key"),
        ("genesis", {"raw": {"top": {"0x01": "0x"}}}, "a chain needs at least one"),
    ],
)
def test_a_specification_that_no_node_can_start_from_is_refused_with_the_place(
    cli: Cli, tmp_path: Path, path: str, value: object, complaint: str
) -> None:
    file = broken(tmp_path, cli, path, value)
    for action in ("check", "show"):
        outcome = cli("spec", action, file)
        assert outcome.code == 1
        assert complaint in one_line(outcome.err)
        assert outcome.out == ""


@pytest.mark.parametrize("action", ["build", "raw", "check", "show"])
def test_a_chain_that_is_nowhere_is_named(cli: Cli, tmp_path: Path, action: str) -> None:
    outcome = cli("spec", action, tmp_path / "nope.json")
    assert outcome.code == 1
    assert "name dev or local, or a chain spec file" in one_line(outcome.err)


def test_a_file_that_cannot_be_written_is_named_and_the_old_one_stays(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("spec", "build", "dev", "-o", tmp_path / "no" / "folder.json")
    assert outcome.code == 1
    assert "cannot be written" in one_line(outcome.err)


def test_spec_without_an_action_is_wrong_usage(cli: Cli) -> None:
    outcome = cli("spec")
    assert outcome.code == 2
    assert "usage: fixpoint spec" in outcome.err
