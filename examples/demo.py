"""The whole idea in one run: two trained models on a chain, called, finalised, and checked by somebody else.

    make demo           runs it and leaves the node running
    make demo EXIT=1    runs it and stops

Nothing is staged: the node is a process of its own, everything reaches it over JSON-RPC, and the check at the
end is another process that gets a file of blocks and trusts none of them.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from chain import exchange
from chain.exchange import BlockRecord
from chain.remote_export import fetch_records
from client import Client, Inference, connect
from inference.compiler import Artifact, compile_model
from runtime.configuration import UNIT, build_runtime
from runtime.frame.engine import NoEngine
from runtime.frame.events import EventRecord
from runtime.pallets.inference.types import Completed
from runtime.primitives.keys import KeyPair

MODELS = Path(__file__).parent / "models"
CALLS = 5
"""Inferences of each model; each is a transaction of its own."""
START_SECONDS = 60
EVENTS = build_runtime(NoEngine()).composition.events
console = Console(width=100, highlight=False)


@dataclass(frozen=True)
class Subject:
    """A model of the demonstration, and how to read its outputs."""

    title: str
    stem: str
    input: str
    answer: str
    words: tuple[str, ...]

    def samples(self) -> dict[str, Any]:
        """Calibration samples, held-out samples and their labels."""
        with np.load(MODELS / f"{self.stem}_samples.npz") as arrays:
            return dict(arrays)


SUBJECTS = (
    Subject("handwritten digits, a convolutional net", "digits_cnn", "image", "scores", tuple("0123456789")),
    Subject(
        "credit applications, boosted trees",
        "credit_trees",
        "applicant",
        "label",
        ("will pay", "will default"),
    ),
)


def main() -> int:
    """Run the demonstration; the exit status is 0 only if every check held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exit", action="store_true", help="stop the node at the end")
    options = parser.parse_args()
    console.rule("[bold]Fixpoint: models that a chain executes, bit for bit")
    with tempfile.TemporaryDirectory(prefix="fixpoint-demo-") as folder, node(Path(folder)) as (process, url):
        asyncio.run(demonstrate(url, Path(folder)))
        if not options.exit:
            leave_running(process, url)
    return 0


# -- the node -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def node(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A development node as a process of its own; stopped at the end."""
    port = free_port()
    log = folder / "node.log"
    command = [
        sys.executable,
        "-m",
        "chain",
        "dev",
        "--base-path",
        str(folder / "node"),
        "--rpc-port",
        str(port),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stderr=out, stdout=out)
    try:
        wait_for_port(process, port, log)
        console.print(f"A development chain runs (process {process.pid}), a block each second.\n")
        yield process, f"ws://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def free_port() -> int:
    """The usual port where nobody has it, else any other."""
    for port in (9944, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise SystemExit("no local port is free for the node's RPC")


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the node listens; its log is shown when it does not."""
    for _ in range(START_SECONDS * 10):
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    raise SystemExit(f"the node did not start:\n{log.read_text()}")


def leave_running(process: subprocess.Popen[bytes], url: str) -> None:
    """Tell where the node is, and wait for Ctrl-C."""
    lines = [
        f"JSON-RPC   {url}   (HTTP on the same port)",
        "Try        .venv/bin/fixpoint model list --url " + url,
        "           .venv/bin/fixpoint infer --help",
        "Stop       Ctrl-C",
    ]
    console.print(Panel("\n".join(lines), title="The node stays up", title_align="left"))
    with contextlib.suppress(KeyboardInterrupt):
        process.wait()


# -- the run ------------------------------------------------------------------------------------------------


async def demonstrate(url: str, folder: Path) -> None:
    """Compile, publish, call, wait for finality, then let another process check everything."""
    alice, bob = KeyPair.from_uri("//Alice"), KeyPair.from_uri("//Bob")
    async with await connect(url) as client:
        results: list[Inference] = []
        for subject in SUBJECTS:
            console.rule(f"[bold]{subject.title}", align="left")
            artifact = compile_and_report(subject)
            await publish(client, artifact, alice)
            results += await call(client, subject, artifact, bob)
        last = max([await height(client, one.inclusion.block_hash) for one in results])
        await finality(client, last)
        records = [record async for record in fetch_records(client, 1, last)]
        genesis = await client.genesis_hash()
        root = (await client.call("chain_getHeader", await client.call("chain_getBlockHash", last)))[
            "stateRoot"
        ]
    console.rule("[bold]A second process that trusts nothing", align="left")
    replay(folder, genesis, records, str(root), results)
    dishonest(folder, genesis, records)


def compile_and_report(subject: Subject) -> Artifact:
    """ONNX to an integer program, and what that cost in accuracy."""
    samples = subject.samples()
    path = MODELS / f"{subject.stem}.onnx"
    artifact = compile_model(
        path, calibration={subject.input: samples["calibration"]}, held_out={subject.input: samples["X"]}
    )
    report, data = artifact.report, artifact.to_bytes()
    agreement = (
        "-" if report.agreement is None else f"{report.agreement:.2%} of {len(samples['X'])} held-out samples"
    )
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("model", f"0x{artifact.id.hex()}")
    table.add_row("float32 ONNX", f"{path.stat().st_size:,} bytes")
    table.add_row("integer program", f"{len(data):,} bytes, {sum(report.op_counts.values())} operations")
    table.add_row("same answer as float32", agreement)
    table.add_row(
        "cost of a call", f"{report.ref_time / 1e9:.3f} ms of block time, fixed for ever when published"
    )
    console.print(table)
    return artifact


async def publish(client: Client, artifact: Artifact, owner: KeyPair) -> None:
    """Put the program on chain; every validator verifies it in the block."""
    published = await client.publish(artifact.to_bytes(), owner)
    included = published.inclusion
    assert included is not None
    number = await height(client, included.block_hash)
    console.print(f"  published by Alice in block {number}, fee {fix(included.fee or 0)}\n")


async def call(client: Client, subject: Subject, artifact: Artifact, caller: KeyPair) -> list[Inference]:
    """Send inferences on held-out samples; compare answers with float32, and the fee with the estimate."""
    samples = subject.samples()
    session = onnxruntime.InferenceSession(
        MODELS / f"{subject.stem}.onnx", providers=["CPUExecutionProvider"]
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("sample", "truth", "float32", "on chain", "block", "fee = estimate", "receipt"):
        table.add_column(column, style="bold" if column == "on chain" else "")
    results = []
    for index in range(CALLS):
        sample = samples["X"][index : index + 1]
        estimate = await client.estimate(artifact.id, caller)
        inference = await client.infer(artifact.id, {subject.input: sample}, caller)
        original = session.run([subject.answer], {subject.input: sample})[0]
        assert inference.inclusion.fee == estimate.partial_fee, "the fee differs from the estimate"
        number = await height(client, inference.inclusion.block_hash)
        table.add_row(
            str(index),
            subject.words[int(samples["y"][index])],
            subject.words[choice(original)],
            subject.words[choice(inference.outputs[subject.answer])],
            str(number),
            fix(inference.inclusion.fee),
            f"0x{inference.receipt.hex()[:12]}…",
        )
        results.append(inference)
    console.print(table)
    console.print()
    return results


async def finality(client: Client, last: int) -> None:
    """Wait until the last inference can not be undone any more."""
    async with await client.heads("finalized") as heads:
        async for head in heads:
            if int(head["number"], 16) >= last:
                console.print(f"Block {last} is final: a BLS-signed justification stands beside it.\n")
                return


def choice(output: Any) -> int:
    """The class that an output names: a label as it is, scores by their maximum."""
    values = np.asarray(output).ravel()
    return int(values[0]) if values.size == 1 else int(values.argmax())


async def height(client: Client, block_hash: bytes) -> int:
    """The number of a block."""
    return int((await client.call("chain_getHeader", block_hash))["number"], 16)


def fix(planck: int) -> str:
    """An amount for people."""
    return f"{planck / UNIT:.6f} FIX"


# -- the check ----------------------------------------------------------------------------------------------


def replay(
    folder: Path, genesis: bytes, records: list[BlockRecord], root: str, results: list[Inference]
) -> None:
    """Another process executes all blocks from genesis; its state root and outputs must be the same bits."""
    done, _ = import_in_new_process(folder, genesis, records, "honest")
    assert done is not None, "the replay failed"
    outputs = {event.receipt: event.output for record in records for event in completed(record)}
    same = all(outputs[one.receipt] == one.raw for one in results)
    assert done["stateRoot"] == root, f"state root {done['stateRoot']} instead of {root}"
    assert done["inferences"] == len(results)
    assert same, "an output differs"
    console.print(
        f"It executed {done['blocks']} blocks with {done['transactions']} transactions and "
        f"{done['inferences']} inferences from genesis, and agrees:\n"
        f"  state root [bold green]{done['stateRoot']}[/]\n"
        f"  {len(results)} outputs equal, bit for bit; "
        f"finality verified up to block {done['finalized']['number']}\n"
    )


def dishonest(folder: Path, genesis: bytes, records: list[BlockRecord]) -> None:
    """The same blocks with one bit of one output changed are refused, and the reason names it."""
    index = max(i for i, record in enumerate(records) if completed(record))
    record = records[index]
    events = [forged(one) for one in EVENTS.decode(record.outcome)]
    lie = replace(record, outcome=EVENTS.encode(events))
    _, complaint = import_in_new_process(folder, genesis, [*records[:index], lie], "dishonest")
    assert "Inference.Completed.output" in complaint, complaint
    console.print("The same file with one bit of one output changed is refused:")
    console.print(f"  [red]{complaint.strip().splitlines()[-1]}[/]\n")


def completed(record: BlockRecord) -> list[Completed]:
    """The results of inferences that a block reports."""
    return [one.event for one in EVENTS.decode(record.outcome) if isinstance(one.event, Completed)]


def forged(record: EventRecord) -> EventRecord:
    """The event with the first bit of a model's output flipped, where it is one."""
    if not isinstance(record.event, Completed):
        return record
    first, *rest = record.event.output
    output = (bytes([first[0] ^ 1]) + first[1:], *rest)
    return replace(record, event=replace(record.event, output=output))


def import_in_new_process(
    folder: Path, genesis: bytes, records: list[BlockRecord], name: str
) -> tuple[dict[str, Any] | None, str]:
    """`fixpoint import-blocks` on an empty database: (its summary or None, what it complained of)."""
    path = folder / f"{name}.blocks"
    with path.open("wb") as out:
        exchange.write(out, genesis, records, binary=True)
    command = [sys.executable, "-m", "chain", "import-blocks", str(path), "--chain", "dev", "--json"]
    finished = subprocess.run(
        [*command, "--base-path", str(folder / name)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=False,
    )
    return (json.loads(finished.stdout) if finished.returncode == 0 else None), finished.stderr


if __name__ == "__main__":
    sys.exit(main())
