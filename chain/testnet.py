"""A local network: several nodes of one chain as processes of this machine, each with its folder and log.

What `fixpoint testnet` starts for people, and what functional tests kill, pause, wipe and start again.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.config import ChainFolder
from chain.keystore import Keystore, KeyType
from genesis.spec import ChainSpec, dumps
from network.address import ip_address
from network.identity import Identity
from runtime.primitives.hashing import blake2_256

LOOPBACK = "127.0.0.1"

READY_SECONDS = 60.0
"""A node that serves nothing for so long does not come up: the kernel probe takes a few seconds."""

STOP_SECONDS = 15.0
"""A node that was told to stop finishes the block under way; one that needs longer is killed."""

POLL_SECONDS = 0.05


class NetworkFault(Exception):
    """A node of the local network did not do what it should; the text says which, and where its log lies."""


@dataclass(frozen=True, slots=True)
class Member:
    """One node: `uri` is the secret of its validator keys, None for a node that only follows."""

    name: str
    folder: Path
    port: int
    rpc_port: int
    uri: str | None
    identity: Identity

    @property
    def address(self) -> str:
        """Where peers find it."""
        return str(ip_address(LOOPBACK, self.port, self.identity.peer))

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"ws://{LOOPBACK}:{self.rpc_port}"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "node.log"


class LocalNetwork:
    """Nodes of `spec` below `folder`. Processes are started one by one and stopped together by `close`."""

    def __init__(self, folder: Path, spec: ChainSpec, flags: Sequence[str] = ()) -> None:
        self.folder = folder
        self.spec = spec
        self.members = list[Member]()
        self._flags = list(flags)
        self._processes = dict[str, subprocess.Popen[bytes]]()
        folder.mkdir(parents=True, exist_ok=True)
        self.spec_file = folder / "chain.json"
        self.spec_file.write_text(dumps(spec), encoding="utf-8")

    def add(self, name: str, uri: str | None, port: int = 0, rpc_port: int = 0) -> Member:
        """A further node, not started yet; port 0 takes a free one. Its session keys are stored."""
        folder = self.folder / name
        # Not a secret worth keeping: whoever knows the name of a test node may pass for it.
        identity = Identity.from_seed(blake2_256(f"{self.spec.id}/{name}".encode()))
        member = Member(name, folder, port or free_port(), rpc_port or free_port(), uri, identity)
        self.members.append(member)
        return member

    def start(self, member: Member, *flags: str) -> None:
        """Start the node's process; see `wait_ready`."""
        member.folder.mkdir(parents=True, exist_ok=True)
        if member.uri is not None:
            keystore = Keystore(ChainFolder(self.spec, member.folder).keystore)
            for kind in KeyType:
                keystore.insert(kind, member.uri)
        known = [one.address for one in self.members if one is not member]
        command = [
            *(sys.executable, "-m", "chain", "run", "--chain", str(self.spec_file)),
            *("--base-path", str(member.folder), "--name", member.name, "--log-format", "json"),
            *("--listen-addr", f"/ip4/{LOOPBACK}/tcp/{member.port}/ws", "--rpc-port", str(member.rpc_port)),
            *("--node-key", member.identity.seed.hex(), "--no-prometheus", "--no-hardware-benchmarks"),
            *(["--validator"] if member.uri is not None else []),
            *(flag for address in known for flag in ("--bootnodes", address)),
            *self._flags,
            *flags,
        ]
        with member.log.open("ab") as log:
            self._processes[member.name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self, member: Member) -> None:
        """Return when the node answers. Raises `NetworkFault`."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if not self.is_running(member):
                raise NetworkFault(f"node {member.name} ended: {self.last_words(member)}")
            try:
                self.call(member, "system_health")
            except OSError:
                time.sleep(POLL_SECONDS)
            else:
                return
        raise NetworkFault(f"node {member.name} does not answer; see {member.log}")

    def call(self, member: Member, method: str, *params: object) -> Any:
        """A JSON-RPC call. Raises `OSError` where nobody answers, `NetworkFault` for an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        url = member.url.replace("ws://", "http://")
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:
            value = json.load(answer)
        if "error" in value:
            raise NetworkFault(f"node {member.name} answers {method} with {value['error']}")
        return value["result"]

    def is_running(self, member: Member) -> bool:
        """Whether the node's process lives."""
        process = self._processes.get(member.name)
        return process is not None and process.poll() is None

    def pid(self, member: Member) -> int:
        """The number of a running node's process."""
        return self._processes[member.name].pid

    def pause(self, member: Member) -> None:
        """Stop the node's clock: the process gets no time until `resume`."""
        self._signal(member, signal.SIGSTOP)

    def resume(self, member: Member) -> None:
        """Let a paused node go on."""
        self._signal(member, signal.SIGCONT)

    def kill(self, member: Member) -> None:
        """End the process at once, as a loss of power would."""
        self._signal(member, signal.SIGKILL)
        self._processes.pop(member.name).wait()

    def stop(self, member: Member) -> int:
        """End the node in order; its exit code."""
        self._signal(member, signal.SIGTERM)
        return self._await_end(member)

    def wipe(self, member: Member) -> None:
        """Delete what a stopped node stored, but for its log."""
        shutil.rmtree(member.folder / "chains", ignore_errors=True)

    def close(self) -> None:
        """End all nodes, together."""
        running = [member for member in self.members if self.is_running(member)]
        for member in running:
            self._signal(member, signal.SIGCONT)
            self._signal(member, signal.SIGTERM)
        for member in running:
            self._await_end(member)

    def last_words(self, member: Member) -> str:
        """The last line that a node wrote."""
        lines = member.log.read_text(errors="replace").splitlines() if member.log.exists() else []
        return lines[-1] if lines else "(it said nothing)"

    def _await_end(self, member: Member) -> int:
        process = self._processes.pop(member.name)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _signal(self, member: Member, number: signal.Signals) -> None:
        if self.is_running(member):
            os.kill(self._processes[member.name].pid, number)


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
