"""`fixpoint journal`: what moves, and what is wrong with a document."""

import json
from pathlib import Path

from tests.chain.cli.support import Cli, one_line, refused


def test_the_commands_move_a_journal_between_machines(cli: Cli, grown: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "journal.json", tmp_path / "other"
    cli("key", "insert", "--chain", "dev", "-d", grown, "--suri", "//Alice")
    exported = json.loads(cli("journal", "export", file, "--chain", "dev", "-d", grown, "--json").out)
    assert exported["round"] >= 1
    assert exported["highestSlot"] > 0
    assert "there is no database" in refused(cli("journal", "import", file, "--chain", "dev", "-d", other))
    again = cli("journal", "import", file, "--chain", "dev", "-d", grown, "--json")
    assert json.loads(again.out) == exported


def test_the_commands_name_what_is_wrong(cli: Cli, grown: Path, tmp_path: Path) -> None:
    nothing = cli("journal", "export", tmp_path / "out.json", "--chain", "dev", "-d", grown)
    assert "there is nothing to export" in one_line(nothing.err)
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    assert "nothing was imported" in one_line(
        cli("journal", "import", bad, "--chain", "dev", "-d", grown).err
    )
    absent = cli("journal", "import", tmp_path / "absent", "--chain", "dev", "-d", grown)
    assert "cannot be read" in one_line(absent.err)
