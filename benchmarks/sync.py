"""How fast a new node catches up with a peer, beside importing the same blocks from a file.

`python -m benchmarks sync` grows a chain of blocks full of signed transfers, serves it by a real node, and
lets an empty one synchronise over its encrypted connection; each is a process of its own, as is the import.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.chains import author_blocks, chain_with, signers, transfer
from benchmarks.harness import show
from chain.config import ChainFolder, NodeConfig
from chain.opening import open_chain
from chain.testnet import LocalNetwork

GOAL = 0.7
POLL_SECONDS = 0.02
ACCOUNTS = 1_000


def main(arguments: Sequence[str]) -> int:
    """Measure and report; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--transfers", type=int, default=500, help="in each block")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        senders = signers(ACCOUNTS)
        spec = chain_with([one.public for one in senders])
        network = LocalNetwork(folder, spec, ("--log", "warn"))
        server, client = network.add("server", None), network.add("client", None)
        with open_chain(NodeConfig(ChainFolder(spec, server.folder))) as chain:
            batches = [
                [
                    transfer(
                        chain,
                        senders[i % ACCOUNTS],
                        senders[(i + 1) % ACCOUNTS].public,
                        i // ACCOUNTS,
                    )
                    for i in range(block * options.transfers, (block + 1) * options.transfers)
                ]
                for block in range(options.blocks)
            ]
            author_blocks(chain, batches)
        imported = _import_seconds(network, server.folder, folder)
        try:
            network.start(server)
            network.wait_ready(server)
            network.start(client)
            network.wait_ready(client)
            synchronised = _sync_seconds(network, options.blocks)
        finally:
            network.close()
    count = options.blocks * options.transfers
    ratio = imported / synchronised
    rows = [
        ["import-blocks from a file", f"{count / imported:,.0f} tx/s", "1.00"],
        ["full synchronisation from a peer", f"{count / synchronised:,.0f} tx/s", f"{ratio:.2f}"],
    ]
    show(f"{options.blocks} blocks of {options.transfers} transfers", ["", "rate", "/ import"], rows)
    return 0 if ratio >= GOAL else 1


def _import_seconds(network: LocalNetwork, source: Path, folder: Path) -> float:
    """The best of two imports, less what the process needs to start."""
    file = folder / "chain.blocks"
    _run("export-blocks", "--chain", network.spec_file, "-d", source, "--binary", file)
    started = time.perf_counter()
    _run("chain-info", "--chain", network.spec_file, "-d", source)
    start_up = time.perf_counter() - started
    times = list[float]()
    for number in range(2):
        started = time.perf_counter()
        _run("import-blocks", "--chain", network.spec_file, "-d", folder / f"import-{number}", file)
        times.append(time.perf_counter() - started - start_up)
    return min(times)


def _run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "chain", *map(str, arguments)], check=True, capture_output=True)


def _sync_seconds(network: LocalNetwork, blocks: int) -> float:
    """From the first block to the last, as the node's RPC tells; the connection is made meanwhile."""
    client = network.members[1]
    first, started, height = 0, time.perf_counter(), 0
    while height < blocks:
        height = int(network.call(client, "chain_getHeader")["number"], 16)
        if height and not first:
            first, started = height, time.perf_counter()
        time.sleep(POLL_SECONDS)
    elapsed = time.perf_counter() - started
    return elapsed * blocks / max(blocks - first, 1)
