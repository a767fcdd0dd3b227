"""Every command with files and numbers that are not what they should be.

Exit code 1 or 2 and one clear line; wrong usage may show how a command is used before it. An exception that
is not turned into that line fails the test by itself.
"""

import gzip
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.cli.support import ALICE, ARTIFACT, EXAMPLES, MODEL, Cli, Outcome, refused

MODEL_ID = "0x" + MODEL.hex()


CONTENTS = {
    "empty": b"",
    "noise": random.Random(1).randbytes(5_000),
    "zeros": bytes(70_000),
    "not utf-8": b'{"name": "\xff\xfe"}',
    "deep": b"[" * 100_000,
    "a number": b"9" * 5_000,
    "null": b"null",
    "list": b"[]",
    "odd object": b'{"genesis": {"raw": {"top": 1}}, "id": [], "bootNodes": null, "x": NaN}',
    "text": "ünïcode\u202e\n\n\x00".encode(),
    "half an artifact": ARTIFACT[: len(ARTIFACT) // 2],
    "a zip": b"PK\x03\x04" + bytes(200),
    "gzip": gzip.compress(b"{}"),
    "npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    + b" " * 60
    + b"\n",
    "huge npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,)}\n",
    "onnx-like": b"\x08\x09\x12\x04test" + b"\x3a\xff\xff\xff\xff\x0f",
}

READS = [
    ["key", "inspect", "--suri-file", "BAD"],
    ["key", "insert", "--suri-file", "BAD", "--keystore-path", "OUT"],
    ["key", "list", "--keystore-path", "BAD"],
    ["spec", "check", "BAD"],
    ["spec", "show", "BAD"],
    ["spec", "raw", "BAD"],
    ["spec", "build", "BAD"],
    ["model", "compile", "BAD", "-o", "OUT"],
    ["model", "compile", "ONNX", "--calibration", "BAD", "-o", "OUT"],
    ["model", "compile", "ONNX", "--held-out", "BAD:x", "-o", "OUT"],
    ["model", "inspect", "BAD"],
    ["model", "check", "BAD"],
    ["model", "check", "ARTIFACT", "--against", "BAD"],
    ["model", "check", "ARTIFACT", "--against", "ONNX", "--samples", "BAD"],
    ["model", "run", "BAD", "--input", "INPUT"],
    ["model", "run", "ARTIFACT", "--input", "BAD"],
    ["model", "publish", "BAD", *ALICE],
    ["infer", MODEL_ID, "--input", "BAD", *ALICE],
    ["infer", MODEL_ID, "--estimate", "--suri-file", "BAD"],
    ["export-blocks", "--chain", "BAD", "OUT"],
    ["import-blocks", "BAD", "--chain", "dev", "-d", "OUT"],
    ["check-block", "1", "--chain", "BAD"],
    ["revert", "--chain", "BAD"],
    ["purge", "-y", "--chain", "BAD"],
    ["run", "--chain", "BAD", "-d", "OUT"],
]
ARRAYS = {"--input", "--calibration", "--held-out", "--samples"}


def run(cli: Cli, command: list[str], good: dict[str, str], bad: str) -> Outcome:
    words = {**good, "BAD": bad, "BAD:x": f"{bad}:x" if bad.endswith(".npz") else bad}
    return cli(*(words.get(one, one) for one in command))


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_a_file_that_is_not_what_it_should_be_is_refused_in_one_line(
    cli: Cli, tmp_path: Path, good: dict[str, str], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name, content in CONTENTS.items():
        for ending in (".json", ".npz", ".npy") if ARRAYS & {*command} else ("",):
            bad = tmp_path / f"bad{ending}"
            bad.write_bytes(content)
            harmless = "--input" in command and name in ("null", "list") and ending == ".json"
            outcome = run(cli, command, good, str(bad))
            assert harmless or refused(outcome), name
    assert not (tmp_path / "data").exists()


def _places(folder: Path) -> Iterator[str]:
    """Paths at which nothing can be read."""
    (folder / "file").write_text("x")
    (folder / "folder.npz").mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "dangling.json").symlink_to(folder / "nowhere")
    yield from (
        str(folder / name) for name in ("missing", "missing.json", "missing.npz", "folder.npz", "loop")
    )
    yield from (str(folder / "file" / "below"), str(folder / ("x" * 300)), str(folder / "dangling.json"))
    yield from ("", os.fsdecode(b"/\xff\xfe.npz"), "/proc/self/mem", "\udcff.json")
    if os.geteuid() != 0:
        (folder / "locked.json").write_text("[]")
        (folder / "locked.json").chmod(0)
        yield str(folder / "locked.json")


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_a_path_at_which_there_is_nothing_to_read_is_refused_in_one_line(
    cli: Cli, tmp_path: Path, good: dict[str, str], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for bad in _places(tmp_path):
        outcome = run(cli, command, good, bad)
        lists_an_empty_keystore = command[:2] == ["key", "list"] and outcome.code == 0
        assert lists_an_empty_keystore or refused(outcome), bad


WRITES = [
    ["spec", "build", "dev", "-o", "BAD"],
    ["spec", "raw", "dev", "-o", "BAD"],
    ["model", "run", "ARTIFACT", "--input", "INPUT", "-o", "BAD"],
    ["export-blocks", "--chain", "dev", "-d", "GROWN", "BAD"],
    ["key", "insert", "--suri", "//Alice", "--keystore-path", "BAD"],
]


@pytest.mark.parametrize("command", WRITES, ids=" ".join)
def test_a_path_that_cannot_be_written_is_refused_in_one_line(
    cli: Cli, tmp_path: Path, good: dict[str, str], grown: Path, command: list[str]
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full" / "kept").mkdir(parents=True)
    places = [str(tmp_path / "file" / "below"), str(tmp_path / ("x" * 300)), "/proc/nothing/here"]
    if command[0] != "key":
        places += [str(tmp_path / "full"), str(tmp_path / "missing" / "file")]
    for bad in places:
        assert refused(run(cli, command, good | {"GROWN": str(grown)}, bad)), bad


@pytest.mark.parametrize(
    "command",
    [
        ["export-blocks", "--chain", "dev", "OUT"],
        ["import-blocks", "--chain", "dev", "INPUT"],
        ["check-block", "1", "--chain", "dev"],
        ["revert", "--chain", "dev"],
        ["purge", "-y", "--chain", "dev"],
        ["run", "--chain", "dev", "--rpc-port", "0", "-l", "off"],
        ["dev", "--rpc-port", "0", "-l", "off"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("place", ["a file", "below a file", "damaged", "too long"])
def test_a_database_folder_that_is_none_is_refused_in_one_line(
    cli: Cli, tmp_path: Path, good: dict[str, str], command: list[str], place: str
) -> None:
    database = tmp_path / "base" / "chains" / "dev" / "db"
    match place:
        case "a file":
            database.parent.mkdir(parents=True)
            database.write_bytes(b"x")
        case "below a file":
            (tmp_path / "base").write_bytes(b"x")
        case "damaged":
            database.mkdir(parents=True)
            (database / "CURRENT").write_bytes(b"\xff" * 100)
    base = {"too long": str(tmp_path / ("x" * 300))}.get(place, str(tmp_path / "base"))
    if command[0] == "purge" and place in ("a file", "damaged"):
        return
    assert refused(run(cli, [*command, "-d", base], good, ""))


def test_a_file_name_that_is_no_text_is_no_fault(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chain", "model", "inspect", str(tmp_path / os.fsdecode(b"\xff"))]
    done = subprocess.run(command, capture_output=True, check=False)
    assert refused(Outcome(done.returncode, "", done.stderr.decode()))
    out = tmp_path / os.fsdecode(b"\xff.fxp")
    source = str(EXAMPLES / "credit_trees.onnx")
    command = [sys.executable, "-m", "chain", "model", "compile", source, "-o", str(out)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert out.is_file()


# -- numbers

NUMBERS = (
    "",
    "-1",
    "1.5",
    "1e9",
    "nan",
    "0x10",
    "٣",
    "1_0",
    "9" * 40,
    "9" * 5_000,
    " 1",
    "+1",
    "\ud800",
    "true",
)
COUNTS = [
    ["key", "generate", "--words"],
    ["key", "generate", "--network"],
    ["model", "run", "ARTIFACT", "--input", "INPUT", "--threads"],
    ["export-blocks", "OUT", "--from"],
    ["export-blocks", "OUT", "--to"],
    ["import-blocks", "INPUT", "--pruning"],
    ["revert"],
    ["check-block"],
    *(["run", flag] for flag in ("--rpc-port", "--pool-limit", "--pool-kbytes", "--tx-ban-seconds")),
    *(
        ["run", flag]
        for flag in ("--rpc-max-connections", "--rpc-max-request-size", "--rpc-max-batch-request-len")
    ),
    *(["run", flag] for flag in ("--inference-threads", "--inference-cache-mb", "--state-pruning")),
    ["infer", MODEL_ID, "--max-fee"],
    ["receipt"],
    ["model", "pull"],
    ["infer"],
    ["key", "inspect", "--public"],
]


@pytest.mark.parametrize("command", COUNTS, ids=" ".join)
def test_a_number_that_is_none_is_refused_in_one_line(
    cli: Cli, tmp_path: Path, good: dict[str, str], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("FIXPOINT_SURI", raising=False)
    for number in NUMBERS:
        joined = (
            [*command[:-1], f"{command[-1]}={number}"] if command[-1].startswith("--") else [*command, number]
        )
        assert refused(run(cli, joined, good, "")), number
