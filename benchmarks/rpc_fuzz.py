"""Hostile JSON-RPC calls by the ten thousand: `python -m benchmarks.rpc_fuzz --calls 50000 --seed 1`.

Good and bad parameters of every declared method, and damaged messages, go through the node's dispatcher over
a chain in memory. Every answer must be well-formed JSON-RPC and no internal error, and nothing may change but
by a method that is there to change it. Exit code 1 where anything of this fails.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.harness import console, machine, resident_mib, show
from tests.chain.rpc.fuzzing import Fuzzer, Report, Violation


def main() -> int:
    """Run the campaign; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=50_000, help="calls to make (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="repeats the calls")
    args = parser.parse_args()
    if args.calls < 1:
        parser.error("--calls: at least 1")
    console.print(f"{machine()}; seed {args.seed}")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = asyncio.run(Fuzzer(Path(folder), args.seed).run(args.calls))
        except Violation as fault:
            console.print(
                f"[red]violated[/red] with --seed {args.seed}: {fault}", markup=True, soft_wrap=True
            )
            return 1
    _tables(report)
    seconds = time.perf_counter() - start
    console.print(
        f"{report.calls:,} calls in {seconds:.0f} s, {resident_mib():.0f} MiB resident: no violation."
    )
    return 0


def _tables(report: Report) -> None:
    total: Counter[str] = Counter()
    for outcomes in report.outcomes.values():
        total.update(outcomes)
    show("Answers", ["code", "count"], [[code, f"{count:,}"] for code, count in total.most_common()])
    slowest = sorted(report.slowest.items(), key=lambda item: -item[1])[:8]
    rows = [
        [name, f"{report.outcomes[name].total():,}", f"{1000 * seconds:.0f} ms"] for name, seconds in slowest
    ]
    show("Slowest messages", ["method", "calls", "slowest"], rows)


if __name__ == "__main__":
    sys.exit(main())
