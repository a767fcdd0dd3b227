"""One client's session with a development node of its own: what the client and the node report."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clients.environments import POLKADOT_JS, Client, command
from tests.clients.scenario import write_scenario

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "clients.md"
START_SECONDS = 60
SESSION_SECONDS = 120


def run_session(client: Client, folder: Path, legacy_only: bool) -> dict[str, Any]:
    """The report of a client that did what the scenario asks; `AssertionError` with its output otherwise.

    A `legacy_only` node serves none of the new specification's groups.
    """
    arguments = command(client)
    scenario = folder / "scenario.json"
    tells_kind = legacy_only and client.speaks_new_rpc
    write_scenario(scenario)
    with development_node(folder, *(["--rpc-legacy-only"] if legacy_only else [])) as port:
        done = subprocess.run(
            [*arguments, f"ws://127.0.0.1:{port}", str(scenario), *(["legacy"] if tells_kind else [])],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SESSION_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{client.title} failed:\n{done.stderr}\n{done.stdout}"
        report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        report["complaints"] = done.stderr.splitlines()
        if client is POLKADOT_JS:
            report["recipe"] = _recipe(arguments, port)
        report["header"] = ask(port, "chain_getHeader", report["proof"]["at"])
        report["reference"] = ask(port, "inference_receipt", report["receipt"]["id"])
    return report


def _recipe(arguments: list[str], port: int) -> list[str]:
    """What the documentation's recipe prints, run as it stands there."""
    node, script = arguments
    (code,) = re.findall(r"```js\n(.*?)```", RECIPE.read_text(), re.DOTALL)
    path = Path(script).with_name("recipe.mjs")
    path.write_text(code)
    command = [node, str(path), f"ws://127.0.0.1:{port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SESSION_SECONDS, check=False)
    assert done.returncode == 0, f"the recipe failed:\n{done.stderr}\n{done.stdout}"
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


@contextmanager
def development_node(folder: Path, *flags: str) -> Iterator[int]:
    """A development node as a process of its own; the value is the port of its RPC."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    arguments = ["-m", "chain", "dev", "--base-path", str(folder / "node"), "--rpc-port", str(port), *flags]
    log = folder / "node.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *arguments], stdout=out, stderr=out)
    try:
        _wait(process, port, log)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def ask(port: int, method: str, *params: object) -> Any:
    """The result of one JSON-RPC call over HTTP."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())["result"]


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(START_SECONDS * 10):
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, f"the node stopped:\n{log.read_text()}"
        time.sleep(0.1)
    raise AssertionError(f"the node did not listen within {START_SECONDS} s:\n{log.read_text()}")
