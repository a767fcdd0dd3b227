"""Mixed faults over many seeds: `python -m tests.simulation.campaign FIRST COUNT`.

Prints the rate and every seed that breaks a promise; `run(mixed_faults(seed))` replays one. To go on after an
interruption, start at the last seed printed.
"""

import sys
from time import monotonic

from tests.simulation.scenario import mixed_faults, run

REPORT_EVERY = 50


def main(first: int, count: int) -> int:
    """Run the seeds; the number of those that failed."""
    failed, started = list[int](), monotonic()
    for done, seed in enumerate(range(first, first + count), 1):
        try:
            run(mixed_faults(seed))
        except AssertionError as error:
            failed.append(seed)
            say(f"seed {seed}: {type(error).__name__}: {error}")
        if done % REPORT_EVERY == 0 or done == count:
            rate = done / (monotonic() - started)
            say(f"up to seed {seed}: {len(failed)} failed, {rate:.1f} seeds a second")
    return len(failed)


def say(line: str) -> None:
    """A line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
