"""Completion scripts: every command and flag is in them, and a shell can read them."""

import shutil
import subprocess

import pytest

from chain.cli.completion import SHELLS
from chain.cli.main import COMMANDS
from tests.chain.cli.support import Cli


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_knows_every_command_and_its_flags(cli: Cli, shell: str) -> None:
    outcome = cli("completion", shell)
    assert outcome.code == 0
    assert all(command in outcome.out for command in COMMANDS)
    assert "rpc-port" in outcome.out
    assert "keystore-path" in outcome.out


def test_bash_reads_the_script_and_completes_with_it(cli: Cli) -> None:
    bash = shutil.which("bash")
    assert bash is not None, "the project's own tools need bash"
    script = cli("completion", "bash").out
    asked = 'COMP_WORDS=(fixpoint exp); COMP_CWORD=1; _shtab_fixpoint; echo "${COMPREPLY[@]}"'
    answer = subprocess.run([bash, "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["export-blocks"]
    assert answer.stderr == ""
