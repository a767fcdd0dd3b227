"""`fixpoint benchmark machine`: figures beside needs, and an exit code for scripts."""

import json
from pathlib import Path

import pytest

from chain.cli import benchmark
from chain.hardware import Requirement, Score
from tests.chain.cli.support import Cli, refused

NEED = Requirement("Abacus", "beads/s", 100, "counts")


def test_a_machine_that_is_fast_enough_passes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "measure", lambda folder: (Score(NEED, 150.0),))
    outcome = cli("benchmark", "machine", "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out) == [
        {"name": "Abacus", "unit": "beads/s", "measured": 150.0, "reference": 100, "passes": True}
    ]


def test_a_slow_machine_fails_by_name_unless_allowed_to(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "measure", lambda folder: (Score(NEED, 10.0),))
    outcome = cli("benchmark", "machine")
    assert "too slow to validate: Abacus" in refused(outcome)
    assert "FAIL" in outcome.out
    assert cli("benchmark", "machine", "--allow-fail").code == 0


def test_a_folder_that_is_none_is_refused(cli: Cli, tmp_path: Path) -> None:
    assert "is no folder" in refused(cli("benchmark", "machine", "-d", tmp_path / "absent"))
