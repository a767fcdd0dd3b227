"""kill -9 at random moments, hundreds of times: `python -m benchmarks.crash_campaign --kills 200`.

Half of the kills meet a node that authors, half one that imports; two fifths of them come while the database
is being opened or just was, so that recovery is interrupted as well. After the kills the database must open,
hold every block that was ever reported as final, have the state that its best header commits to, and pass the
full audit. At the end the chain is replayed from genesis by another process, which must agree in every hash,
state root, event and receipt. Exit code 1 where anything of this fails.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import Progress

from benchmarks.crash.supervisor import Supervisor, Tally
from benchmarks.crash.verification import Violation, require
from benchmarks.crash.worker import Moment
from benchmarks.harness import console, machine, show
from chain.store import StoreError

PREPARED_BLOCKS = 600
"""Blocks of the file that is imported: some dozen lives of a process that is killed within a second."""
LEAST_EARLY_SHARE = 10
"""At least one kill of so many must have landed in an opening; otherwise recovery was not put to the test."""

MOMENTS = {
    "while the database was being opened": (Moment.STARTING, Moment.OPENING),
    "in a write of the opening": (Moment.OPENING | Moment.WRITING,),
    "between writes": (Moment.WORKING,),
    "in a write": (Moment.WORKING | Moment.WRITING,),
}


def main() -> int:
    """Run the campaign; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--kills", type=int, default=200, help="in both roles together (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="repeats the delays")
    args = parser.parse_args()
    if args.kills < 2:
        parser.error("--kills: at least 2, one for each role")
    console.print(f"{machine()}; seed {args.seed}")
    start = time.monotonic()
    try:
        authoring, importing = _run(args.kills, args.seed)
    except (Violation, StoreError) as fault:
        console.print(f"[red]violated[/red] with --kills {args.kills} --seed {args.seed}: {fault}")
        return 1
    _table(authoring, importing)
    console.print(f"No violation in {time.monotonic() - start:.0f} s; --seed {args.seed} repeats the delays.")
    return 0


def _run(kills: int, seed: int) -> tuple[Tally, Tally]:
    with tempfile.TemporaryDirectory() as folder, Progress(console=console, transient=True) as progress:
        task = progress.add_task("Killing", total=kills)
        supervisor = Supervisor(Path(folder), seed, lambda: progress.advance(task))
        authoring = supervisor.authoring(kills - kills // 2)
        importing = supervisor.importing(kills // 2, PREPARED_BLOCKS)
    early = authoring.early + importing.early
    require(early * LEAST_EARLY_SHARE >= kills, f"only {early} kills landed in an opening: nothing is shown")
    return authoring, importing


def _table(authoring: Tally, importing: Tally) -> None:
    rows = [
        [
            f"killed {name}",
            *(f"{sum(tally.kills[one] for one in moments)}" for tally in (authoring, importing)),
        ]
        for name, moments in MOMENTS.items()
    ]
    for name, attribute in (
        ("restarts that came up", "opened"),
        ("offline checks with full audit", "checks"),
        ("chains from genesis to their end", "rounds"),
        ("blocks", "blocks"),
        ("of these final before the end", "final"),
        ("blocks compared with another process's", "replayed"),
    ):
        rows.append([name, *(f"{getattr(tally, attribute):,}" for tally in (authoring, importing))])
    rows.append(["final blocks lost or replaced", "0", "0"])
    show("kill -9", ["", "authoring", "importing"], rows)


if __name__ == "__main__":
    sys.exit(main())
