"""Commands in this process, and a chain on disk for those that read one."""

import shutil
from pathlib import Path

import pytest

from chain.cli import main
from tests.chain.cli.support import ARTIFACT, EXAMPLES, Cli, Outcome, grow


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line and tells what came of it."""

    def run(*arguments: object) -> Outcome:
        try:
            code = main([str(one) for one in arguments])
        except SystemExit as stopped:
            code = int(str(stopped.code or 0))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def grown_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chain of `grow`, made once; tests get copies."""
    folder = tmp_path_factory.mktemp("grown")
    grow(folder)
    return folder


@pytest.fixture
def grown(grown_once: Path, tmp_path: Path) -> Path:
    """A base path with a development chain of five blocks."""
    return Path(shutil.copytree(grown_once, tmp_path / "grown"))


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    """Files that are as they should be, by what the commands below call them."""
    folder = tmp_path / "good"
    folder.mkdir()
    (folder / "model.fxp").write_bytes(ARTIFACT)
    (folder / "input.json").write_text("[[1, 2, 3, 4]]")
    return {
        "ARTIFACT": str(folder / "model.fxp"),
        "INPUT": str(folder / "input.json"),
        "ONNX": str(EXAMPLES / "credit_trees.onnx"),
        "OUT": str(folder / "out"),
    }
