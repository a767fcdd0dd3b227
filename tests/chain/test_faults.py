"""What a machine can do to a node: real processes, one line each, and all that was final still there."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.crash.workload import prepare_blocks
from chain import machine
from chain.store import LevelDB, Store
from genesis.presets import dev
from genesis.spec import PlainGenesis, dumps
from inference.executor.probe import KernelFailure, ProbeReport
from tests.chain.cli.support import grow

ROOT = Path(__file__).resolve().parents[2]
FILE_LIMIT = 150_000
"""Bytes that a file may have on the 'full' disk: some dozens of blocks."""


LIMITED = """
import resource, sys
from chain.cli import main
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, hard))
try:
    code = main()
finally:
    # The disk is full for the node alone: a measurement of coverage writes its own file when all is over.
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
sys.exit(code)
"""


def start(*arguments: object, limit: int | None = None) -> subprocess.Popen[str]:
    """A node's command in a process of its own, whose files may have `limit` bytes."""
    code = "import sys; from chain.cli import main; sys.exit(main())"
    if limit is not None:
        code = LIMITED.format(limit=limit)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    """The one line with which a process failed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, (out, err)
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    return line


def run_flags(base: Path, chain: object = "dev") -> list[object]:
    return ["run", "--chain", chain, "--base-path", base, "--rpc-port", 0, "--alice", "--log", "off"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A chain of five blocks, of which four are final."""
    grow(tmp_path / "base")
    return tmp_path / "base"


def database(base: Path) -> Path:
    return base / "chains" / "dev" / "db"


def final_blocks(base: Path) -> list[bytes]:
    """Hashes of the final blocks, whose states must be whole."""
    kv = LevelDB.open(database(base))
    try:
        store = Store.open(kv, genesis=None)
        state = store.state_at(store.finalized().hash)
        assert sum(1 for key in state.keys(b"") if state.get(key) is not None) > 10
        return [store.block_hash(number) or b"" for number in range(store.finalized().number + 1)]
    finally:
        kv.close()


def test_a_second_process_on_the_database_ends_and_the_first_goes_on(base: Path) -> None:
    before = final_blocks(base)
    held = LevelDB.open(database(base))
    try:
        second = start(*run_flags(base)), start("check-block", "--chain", "dev", "-d", base, 1)
        for process in second:
            line = ended(process)
            assert f"another process holds the database {database(base)}" in line
            assert "stop that node, or choose another base path" in line
        held.write({b"xstill": b"writable"}, sync=True)
    finally:
        held.close()
    assert final_blocks(base) == before


def test_a_database_of_another_chain_is_refused_with_both_hashes(base: Path, tmp_path: Path) -> None:
    before = final_blocks(base)
    spec = dev()
    assert isinstance(spec.genesis, PlainGenesis)
    config = {
        **spec.genesis.config,
        "balances": {"balances": spec.genesis.config["balances"]["balances"][:3]},
    }
    other = tmp_path / "other.json"
    other.write_text(dumps(replace(spec, genesis=PlainGenesis(config))))
    line = ended(start(*run_flags(base, other)))
    assert f"belongs to the chain with genesis 0x{before[0].hex()}" in line
    assert "choose the chain spec or the base path that fits" in line
    assert final_blocks(base) == before


@pytest.mark.parametrize("kind", ["*.log", "*.ldb"])
def test_flipped_bytes_in_the_database_stop_the_node_and_stay_mendable(base: Path, kind: str) -> None:
    """Nothing is dropped silently: with the bytes put back, everything final is there."""
    before = final_blocks(base)
    if kind == "*.log":
        kv = LevelDB.open(database(base))
        kv.write({b"x%d" % number: bytes(500) for number in range(40)}, sync=True)
        kv.close()
    file = max(database(base).glob(kind), key=lambda path: path.stat().st_size)
    whole = file.read_bytes()
    damaged = bytearray(whole)
    for position in range(len(whole) // 5, len(whole), len(whole) // 5):
        damaged[position] ^= 0x55
    file.write_bytes(damaged)
    line = ended(start(*run_flags(base)))
    assert f"the database {database(base)} is corrupt" in line
    assert "restore a copy of the folder, or purge it and synchronise again" in line
    file.write_bytes(whole)
    assert final_blocks(base) == before


def test_an_import_onto_a_full_disk_stops_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    prepared, _ = prepare_blocks(tmp_path / "blocks", 150)
    base = tmp_path / "base"
    arguments = ("import-blocks", "--chain", "dev", "-d", base, prepared.path)
    line = ended(start(*arguments, limit=FILE_LIMIT))
    assert f"could not write to the database {database(base)}" in line
    assert "everything stored before is safe: free disk space" in line
    final = final_blocks(base)
    assert 1 < len(final) < 150
    again = start(*arguments)
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert final_blocks(base)[: len(final)] == final
    assert len(final_blocks(base)) == 151 - 150 % 3


def call(url: str, name: str, *params: object) -> Any:
    """A JSON-RPC call; None where the node is gone."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except (ConnectionError, urllib.error.URLError):
        return None


def test_a_node_on_a_full_disk_stops_with_one_line_and_keeps_what_it_called_final(base: Path) -> None:
    """Blocks are asked for over RPC: also then the node must end, not only answer."""
    flags = [*run_flags(base)[:-1], "rpc=info", "--log", "error", "--log-format", "json", "--seal", "manual"]
    node = start(*flags, limit=FILE_LIMIT)
    assert node.stderr is not None
    final = 0
    refused: Any = None
    try:
        url = address(node)
        while refused is None:
            answer = call(url, "engine_createBlock", True, True)
            if answer is None or "error" in answer:
                refused = answer or {}
            else:
                final += 1
        (line,) = node.stderr.read().splitlines()
        assert node.wait(timeout=30) == 1
    finally:
        node.kill()
        node.communicate()
    assert line.startswith(f"error: could not write to the database {database(base)}")
    assert "error" not in refused or "could not write" in refused["error"]["message"]
    assert final > 10
    assert len(final_blocks(base)) >= final


def address(node: subprocess.Popen[str]) -> str:
    """Where a node that was just started serves RPC, from its log."""
    assert node.stderr is not None
    for line in node.stderr:
        if "JSON-RPC is served" in line:
            return str(json.loads(line)["url"]).replace("ws://", "http://")
    raise AssertionError("the node said no address")


@pytest.mark.parametrize(
    ("report", "code", "named"),
    [
        (ProbeReport((), ("conv",)), 1, "reference executor gives wrong results on this machine in conv"),
        (ProbeReport((KernelFailure("conv", "conv2d", "no such kernel"),), ()), 0, ""),
    ],
    ids=["a reference that cannot be trusted", "a kernel that is missing"],
)
def test_a_machine_is_refused_only_where_it_cannot_give_the_defined_bits(
    base: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    report: ProbeReport,
    code: int,
    named: str,
) -> None:
    """Without a fast kernel the reference serves, and the block comes out the same."""
    from chain.cli import main

    before = final_blocks(base)
    monkeypatch.setattr(machine, "conformance", lambda: report)
    assert main(["check-block", "--chain", "dev", "-d", str(base), "3"]) == code
    err = capsys.readouterr().err
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == code
    assert named in err
    assert final_blocks(base) == before


def test_a_machine_without_the_kernel_library_is_told_in_one_line(base: Path) -> None:
    code = "import sys; sys.modules['onnxruntime'] = None; from chain.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, run_flags(base))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: the library onnxruntime cannot be loaded")
    assert line.endswith("install fixpoint again")
