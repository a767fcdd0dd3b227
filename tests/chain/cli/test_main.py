"""The command as a whole: help, exit codes, one line for every fault, and no trace but for bugs."""

import subprocess
import sys
from pathlib import Path

import pytest

from chain.cli.main import COMMANDS
from tests.chain.cli.support import Cli, one_line

FIXPOINT = [sys.executable, "-m", "chain"]


def test_without_a_command_the_help_is_shown_as_wrong_usage(cli: Cli) -> None:
    outcome = cli()
    assert outcome.code == 2
    assert "usage: fixpoint" in outcome.out


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(cli: Cli, command: str) -> None:
    outcome = cli(*filter(None, [command, "--help"]))
    assert outcome.code == 0
    assert f"usage: fixpoint {command}".rstrip() in outcome.out


@pytest.mark.parametrize(
    "command",
    [
        *(["key", one] for one in ("generate", "inspect", "insert", "list")),
        *(["spec", one] for one in ("build", "raw", "check", "show")),
        *(["model", one] for one in ("compile", "inspect", "check", "run", "publish", "list", "pull")),
    ],
)
def test_every_action_has_help(cli: Cli, command: list[str]) -> None:
    assert cli(*command, "--help").code == 0


def test_the_version_is_told(cli: Cli) -> None:
    assert cli("--version").out.startswith("fixpoint ")


@pytest.mark.parametrize(
    "arguments", [["dance"], ["--dance"], ["spec", "build", "dev", "--dance"], ["run", "--rpc-p", "0"]]
)
def test_what_there_is_not_is_wrong_usage(cli: Cli, arguments: list[str]) -> None:
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert "usage:" in outcome.err


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (MemoryError(), 1, "error: out of memory: free some, or give the command less to do"),
        (OSError(28, "No space left on device", "file"), 1, "error: file: No space left on device"),
        (OSError("odd\n  and long"), 1, "error: system: odd and long"),
    ],
)
def test_a_fault_of_the_environment_is_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, fault: BaseException, code: int, line: str
) -> None:
    def fail(chain: str) -> None:
        raise fault

    monkeypatch.setattr("chain.cli.spec.find_spec", fail)
    outcome = cli("spec", "show", "dev")
    assert (outcome.code, one_line(outcome.err)) == (code, line)


def test_a_bug_keeps_its_trace(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(chain: str) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr("chain.cli.spec.find_spec", fail)
    with pytest.raises(AssertionError):
        cli("spec", "show", "dev")


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    piped = subprocess.run(
        f"{sys.executable} -m chain spec build dev | head -c 1", shell=True, capture_output=True, check=True
    )
    assert piped.stdout == b"{"
    assert piped.stderr == b""


def test_the_command_works_as_a_process(tmp_path: Path) -> None:
    done = subprocess.run([*FIXPOINT, "spec", "check", "dev"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    failed = subprocess.run([*FIXPOINT, "spec", "check", "nope"], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    one_line(failed.stderr)
