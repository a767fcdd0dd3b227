"""Revert and purge: they say what they did, ask before they destroy, and never touch keys."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.chain.cli.support import Cli, one_line


class Terminal(io.StringIO):
    """Standard input with a person before it."""

    def isatty(self) -> bool:
        return True


def database(base: Path) -> Path:
    return base / "chains" / "dev" / "db"


def test_revert_takes_back_blocks_that_are_not_final(cli: Cli, grown: Path) -> None:
    outcome = cli("revert", "1", "--chain", "dev", "-d", grown, "--json")
    found = json.loads(outcome.out)
    assert (found["removed"], found["best"]["number"], found["finalized"]["number"]) == (1, 4, 4)


def test_revert_stops_at_the_final_block_unless_forced(cli: Cli, grown: Path) -> None:
    assert "Best block:     4" in cli("revert", "--chain", "dev", "-d", grown).out
    refused = cli("revert", "1", "--chain", "dev", "-d", grown)
    assert refused.code == 1
    assert "nothing to revert: block 4 is final" in one_line(refused.err)
    forced = json.loads(cli("revert", "2", "--force", "--chain", "dev", "-d", grown, "--json").out)
    assert forced["best"] == forced["finalized"]
    assert forced["best"]["number"] == 2


def test_reverting_nothing_is_no_fault(cli: Cli, grown: Path) -> None:
    assert json.loads(cli("revert", "0", "--chain", "dev", "-d", grown, "--json").out)["removed"] == 0


@pytest.mark.parametrize("count", ["-1", "many", "99999999999999999999999"])
def test_a_count_that_is_none_is_wrong_usage(cli: Cli, grown: Path, count: str) -> None:
    assert cli("revert", "--chain", "dev", "-d", grown, "--", count).code == 2


def test_purge_deletes_the_database_and_keeps_the_keys(cli: Cli, grown: Path) -> None:
    cli("key", "insert", "--suri", "//Alice", "--chain", "dev", "-d", grown)
    outcome = cli("purge", "-y", "--chain", "dev", "-d", grown, "--json")
    assert json.loads(outcome.out) == {"purged": str(database(grown))}
    assert not database(grown).exists()
    assert len(list((grown / "chains" / "dev" / "keystore").iterdir())) == 2


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_purge_asks_before_it_deletes(
    cli: Cli, grown: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    outcome = cli("purge", "--chain", "dev", "-d", grown)
    assert outcome.code == code
    assert str(database(grown)) in outcome.err
    assert database(grown).exists() == bool(code)


def test_purge_deletes_nothing_where_nobody_can_be_asked(
    cli: Cli, grown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    outcome = cli("purge", "--chain", "dev", "-d", grown)
    assert outcome.code == 1
    assert "say -y to delete" in one_line(outcome.err)
    assert database(grown).exists()


def test_purge_leaves_a_folder_alone_that_is_no_database(cli: Cli, tmp_path: Path) -> None:
    database(tmp_path).mkdir(parents=True)
    (database(tmp_path) / "thesis.txt").write_text("years of work")
    outcome = cli("purge", "-y", "--chain", "dev", "-d", tmp_path)
    assert outcome.code == 1
    assert "there is no database in this folder" in one_line(outcome.err)
    assert (database(tmp_path) / "thesis.txt").exists()


def test_chain_info_tells_where_the_chain_stands_and_changes_nothing(cli: Cli, grown: Path) -> None:
    before = cli("chain-info", "--chain", "dev", "-d", grown, "--json").out
    found = json.loads(before)
    assert (found["bestNumber"], found["finalizedNumber"], found["leaves"]) == (5, 4, 1)
    assert found["pruning"] == "256"
    assert "Best block:   5" in cli("chain-info", "--chain", "dev", "-d", grown).out
    assert cli("chain-info", "--chain", "dev", "-d", grown, "--json").out == before


def test_chain_info_without_a_database_says_where_it_looked(cli: Cli, tmp_path: Path) -> None:
    assert "there is no database" in one_line(cli("chain-info", "--chain", "dev", "-d", tmp_path).err)
