"""A real node in a real process, and the commands that talk to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chain.cli.support import ARTIFACT, MODEL, Cli, one_line

MODEL_ID = "0x" + MODEL.hex()
SECONDS = 30


@contextmanager
def node(*flags: object, temporary: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A node process and its address; interrupted at the end, as by Ctrl-C."""
    command = [
        sys.executable,
        "-m",
        "chain",
        "dev",
        "--rpc-port",
        "0",
        "--log-format",
        "json",
        *map(str, flags),
    ]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    log = temporary / "node.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, stderr=file, stdout=file, text=True, env=environment)
    try:
        yield process, _address(process, log)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            url = json.loads(line).get("url")
            if url:
                return str(url)
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A development node that makes a block for each transaction."""
    temporary = tmp_path_factory.mktemp("node")
    with node("--seal", "instant", temporary=temporary) as (_, address):
        yield address
    assert not list(temporary.glob("fixpoint-*")), "the temporary chain is deleted"


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "model.fxp"
    path.write_bytes(ARTIFACT)
    return path


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    path = tmp_path / "input.json"
    path.write_text("[[0.5, 1, 1.5, 2]]")
    return path


def published(cli: Cli, url: str, artifact: Path) -> dict[str, Any]:
    outcome = cli("model", "publish", artifact, "--suri", "//Alice", "--url", url, "--json")
    assert outcome.code == 0, outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def test_a_model_is_published_listed_pulled_and_run_on_chain(
    cli: Cli, url: str, artifact: Path, halves: Path, tmp_path: Path
) -> None:
    assert published(cli, url, artifact)["model"] == MODEL_ID
    assert published(cli, url, artifact) == {"model": MODEL_ID, "published": "before"}
    (listed,) = json.loads(cli("model", "list", "--url", url, "--json").out)
    assert (listed["id"], listed["status"].lower()) == (MODEL_ID, "published")
    assert MODEL_ID in cli("model", "list", "--url", url).out
    assert cli("model", "pull", MODEL_ID, "--url", url, "-o", tmp_path / "pulled").code == 0
    assert (tmp_path / "pulled").read_bytes() == ARTIFACT

    estimate = json.loads(cli("infer", MODEL_ID, "--estimate", "--url", url, "--json").out)
    dry = cli("infer", MODEL_ID, "--dry-run", "--input", halves, "--url", url, "--json")
    assert json.loads(dry.out)["outputs"] == {"y": [[2, 4, 6, 8]]}
    outcome = cli("infer", MODEL_ID, "--input", halves, "--suri", "//Alice", "--url", url, "--json")
    done = json.loads(outcome.out)
    assert done["outputs"] == {"y": [[2, 4, 6, 8]]}
    assert done["finalized"] is True
    assert done["fee"] == estimate["partialFee"]

    receipt = json.loads(cli("receipt", done["receipt"], "--url", url, "--json").out)
    assert (receipt["model"], receipt["output"], receipt["blockHash"]) == (
        MODEL_ID,
        done["raw"],
        done["block"],
    )
    assert receipt["outputs"] == {"y": [[2, 4, 6, 8]]}
    assert "Final:" in cli("receipt", done["receipt"], "--url", url).out


def test_answers_for_people_say_what_was_paid(
    cli: Cli, url: str, artifact: Path, halves: Path, tmp_path: Path
) -> None:
    published(cli, url, artifact)
    assert "was published before" in cli("model", "publish", artifact, "--suri", "//Alice", "--url", url).out
    assert "FIX" in cli("infer", MODEL_ID, "--estimate", "--url", url).out
    halves.write_text("[[1, 2, 3, 4]]")
    arguments = ("--input", halves, "--quantized", "--wait", "in-block", "--url", url)
    outcome = cli("infer", MODEL_ID, *arguments, "--suri", "//Bob", "--scheme", "ed25519")
    assert "  2 4 6 8\n" in outcome.out
    assert "Fee:" in outcome.out
    halves.write_text("[[1000, 1, 1, 1]]")
    clipped = cli("infer", MODEL_ID, "--input", halves, "--suri", "//Bob", "--url", url)
    assert "1 values of 'x' lie outside the model's range" in clipped.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["infer", "UNKNOWN", "--input", "INPUT", "--suri", "//Alice"], "no model 0x00"),
        (["infer", "UNKNOWN", "--input", "INPUT", "--dry-run"], "no model 0x00"),
        (["model", "pull", "UNKNOWN"], "no model 0x00"),
        (["receipt", "UNKNOWN"], "the node has no receipt 0x00"),
        (
            ["infer", "MODEL", "--input", "INPUT", "--suri", "//Alice", "--max-fee", "1"],
            "Inference.FeeTooLow",
        ),
        (["infer", "MODEL", "--input", "INPUT", "--suri", "//Nobody"], "account balance too low"),
        (["infer", "MODEL", "--input", "SHORT", "--suri", "//Alice"], "has shape [1, 4], got [1, 3]"),
    ],
)
def test_what_the_chain_refuses_is_one_line(
    cli: Cli, url: str, artifact: Path, halves: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    published(cli, url, artifact)
    short = tmp_path / "short.json"
    short.write_text("[[1, 2, 3]]")
    words = {"UNKNOWN": "0x" + "00" * 32, "MODEL": MODEL_ID, "INPUT": str(halves), "SHORT": str(short)}
    outcome = cli(*(words.get(one, one) for one in arguments), "--url", url)
    assert outcome.code == 1
    assert complaint in one_line(outcome.err)


def test_a_second_node_on_the_same_port_or_database_stops_with_one_line(tmp_path: Path, url: str) -> None:
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "chain", "dev", "-l", "off"]
    taken = subprocess.run(
        [*command, "--rpc-port", port, "-d", tmp_path / "other"], capture_output=True, text=True, check=False
    )
    assert taken.returncode == 1
    assert port in one_line(taken.stderr)


def test_a_node_keeps_its_database_to_itself_and_closes_it_when_interrupted(cli: Cli, tmp_path: Path) -> None:
    base = tmp_path / "base"
    with node("-d", base, temporary=tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "chain", "dev", "-l", "off", "--rpc-port", "0", "-d", base],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "another process holds the database" in one_line(second.stderr)
    assert cli("purge", "-y", "--dev", "-d", base).code == 0


def test_a_wrong_log_filter_stops_the_node_before_it_starts(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("run", "--chain", "dev", "-d", tmp_path, "-l", "loud")
    assert outcome.code == 1
    assert "log filter 'loud'" in one_line(outcome.err)
    assert not list(tmp_path.iterdir())


def test_flags_that_contradict_each_other_are_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("dev", "--tmp", "-d", tmp_path)
    assert (outcome.code, one_line(outcome.err)[:34]) == (2, "error: --tmp and --base-path: a te")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "command",
    [
        ["model", "list"],
        ["model", "pull", MODEL_ID],
        ["model", "publish", "ARTIFACT", "--suri", "//Alice"],
        ["infer", MODEL_ID, "--input", "INPUT", "--suri", "//Alice"],
        ["infer", MODEL_ID, "--estimate"],
        ["receipt", MODEL_ID],
    ],
)
def test_without_a_node_the_commands_say_how_to_start_one(
    cli: Cli, artifact: Path, halves: Path, command: list[str]
) -> None:
    words = {"ARTIFACT": str(artifact), "INPUT": str(halves)}
    outcome = cli(*(words.get(one, one) for one in command), "--url", f"ws://127.0.0.1:{free_port()}")
    assert outcome.code == 1
    assert "start one with `fixpoint dev`" in one_line(outcome.err)


@pytest.mark.parametrize(
    ("command", "code", "complaint"),
    [
        (["receipt", "0x12"], 1, "is no id"),
        (["model", "pull", "hello"], 1, "is no id"),
        (["infer", "hello", "--estimate"], 1, "is no id"),
        (["infer", MODEL_ID, "--suri", "//Alice"], 2, "no input"),
        (["infer", MODEL_ID, "--input", "INPUT"], 2, "no secret"),
        (["infer", MODEL_ID, "--input", "nowhere.npy", "--suri", "//Alice"], 1, "nowhere.npy cannot be read"),
        (["infer", MODEL_ID, "--input", "INPUT", "--suri", "one two"], 1, "gives no sr25519 key"),
        (["infer", MODEL_ID, "--input", "INPUT", "--dry-run", "--quantized"], 1, "leave --quantized out"),
        (["model", "publish", "INPUT", "--suri", "//Alice"], 1, "artifact"),
        (["model", "publish", "nowhere", "--suri", "//Alice"], 1, "nowhere cannot be read"),
        (["model", "publish", "INPUT"], 2, "no secret"),
        (["model", "list", "--url", "gopher://here"], 2, "ws://"),
    ],
)
def test_what_can_be_refused_without_a_node_is_refused_first(
    cli: Cli, halves: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], code: int, complaint: str
) -> None:
    monkeypatch.delenv("FIXPOINT_SURI", raising=False)
    arguments = [str(halves) if one == "INPUT" else one for one in command]
    outcome = cli(*arguments)
    assert outcome.code == code
    assert complaint in one_line(outcome.err)


@pytest.mark.parametrize("amount", ["-1", "1.5", "one", "0.0000000000001FIX", "nan", "1e99FIX", "9" * 70])
def test_an_amount_that_is_none_is_wrong_usage(cli: Cli, amount: str) -> None:
    outcome = cli("infer", MODEL_ID, f"--max-fee={amount}")
    assert outcome.code == 2
    assert "is no amount" in outcome.err


@pytest.mark.parametrize(
    ("text", "planck", "shown"),
    [
        ("0", 0, "0 FIX"),
        ("1", 1, "0.000000000001 FIX"),
        ("1.5FIX", 15 * 10**11, "1.5 FIX"),
        ("1_000 fix", 10**15, "1,000 FIX"),
    ],
)
def test_amounts_are_read_and_shown_to_the_last_unit(text: str, planck: int, shown: str) -> None:
    from chain.cli import amounts

    assert amounts.planck(text) == planck
    assert amounts.amount(planck) == shown
