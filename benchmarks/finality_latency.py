"""How long a block takes to be final on a network of real processes: `python -m benchmarks finality-latency`.

A number of validators run on this machine for a while. For each block the time from its author's seal to each
node's finality is read from the nodes' logs, whose clock is the same. Beside it stands what others reach:
Malachite 0.78 s, CometBFT up to 4 s, GRANDPA on Kusama 16.5 s.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.harness import console, show
from chain.testnet import LocalNetwork
from genesis.presets import testnet

GOAL_MS = 1_500
OTHERS = (("Malachite", 780), ("CometBFT", 4_000), ("GRANDPA on Kusama", 16_500))


def main(arguments: Sequence[str]) -> int:
    """Run a network and report; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--validators", type=int, default=4)
    parser.add_argument("--slot-ms", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        spec = testnet(options.validators, options.slot_ms, 50)
        network = LocalNetwork(Path(folder), spec, ("--log", "info"))
        try:
            for index in range(options.validators):
                network.add(f"validator-{index}", f"//Validator//{index}")
            for member in network.members:
                network.start(member)
            for member in network.members:
                network.wait_ready(member)
            time.sleep(options.seconds)
        finally:
            network.close()
        delays = sorted(_delays([member.log for member in network.members]))
    if not delays:
        console.print("no block became final")
        return 1
    median, p95 = delays[len(delays) // 2], delays[len(delays) * 95 // 100]
    rows = [
        [f"Fixpoint, {options.validators} processes, median", f"{median} ms", "1.00"],
        ["95th percentile", f"{p95} ms", f"{p95 / median:.2f}"],
        *[[name, f"{ms:,} ms", f"{ms / median:.1f}"] for name, ms in OTHERS],
    ]
    show(f"From a block's seal to its finality on each node, {len(delays)} times", ["", "", "/ median"], rows)
    return 0 if p95 <= GOAL_MS else 1


def _delays(logs: Sequence[Path]) -> Iterator[int]:
    """Milliseconds from the author's line to each node's, for final blocks that somebody here authored.

    A node names the highest block only where finality moves by several: those below are left out.
    """
    authored = dict[str, datetime]()
    final = list[tuple[str, datetime]]()
    for log in logs:
        for line in log.read_text().splitlines():
            event = json.loads(line)
            at = datetime.fromisoformat(event["time"])
            if event["message"] == "Authored":
                authored[event["hash"]] = at
            elif event["message"] == "Finalised":
                final.append((event["hash"], at))
    for block, at in final:
        if block in authored:
            yield round((at - authored[block]).total_seconds() * 1000)
