"""Many runs, to be interrupted and resumed at will:

`python -m tests.simulation.campaign mixed|twins [--first N] [--count N] [--seconds N] [--progress FILE]`
`python -m tests.simulation.campaign mixed|twins --replay N`

`mixed` draws faults from seeds, `twins` canonical Twins scenarios from indices. Prints the rate, and each
seed or index that breaks a promise with the option that replays it; exit code 1 where there is one. With
`--progress`, what is done is kept in FILE, and the next call goes on from there.
"""

import argparse
import json
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Any

from tests.simulation import twins
from tests.simulation.scenario import mixed_faults, run

REPORT_EVERY = 50


def mixed(seed: int) -> str:
    """One seed of mixed faults; what it tested."""
    run(mixed_faults(seed))
    return str(seed)


def twin(index: int) -> str:
    """One Twins scenario; what it tested."""
    scenario = twins.sample(index)
    twins.play(scenario)
    return blake2b(repr(scenario).encode(), digest_size=8).hexdigest()


KINDS: dict[str, Callable[[int], str]] = {"mixed": mixed, "twins": twin}


def main(arguments: list[str]) -> int:
    """Run the part asked for; 1 where anything failed, now or before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--first", type=int, default=0, help="first seed or index (default: %(default)s)")
    parser.add_argument("--count", type=int, default=3_000, help="how many in all (default: %(default)s)")
    parser.add_argument("--seconds", type=int, help="stop after this long")
    parser.add_argument("--progress", type=Path, help="file that keeps what is done")
    parser.add_argument("--replay", type=int, help="run this one alone, and let its failure through")
    options = parser.parse_args(arguments)
    if options.replay is not None:
        KINDS[options.kind](options.replay)
        say(f"{options.kind} {options.replay}: no violation")
        return 0
    state = load(options)
    end = options.first + options.count
    started, begun = monotonic(), state["next"]
    tested = set[str](state["tested"])
    while state["next"] < end and (options.seconds is None or monotonic() - started < options.seconds):
        number = state["next"]
        try:
            tested.add(KINDS[options.kind](number))
        except AssertionError as error:
            state["failed"].append(number)
            say(f"{options.kind} {number}: {type(error).__name__}: {error}; replay it with --replay {number}")
        state["next"] = number + 1
        if state["next"] % REPORT_EVERY == 0 or state["next"] == end:
            save(options, state, tested)
            rate = (state["next"] - begun) / (monotonic() - started)
            say(f"up to {number}: {len(tested)} distinct, {len(state['failed'])} failed, {rate:.1f} a second")
    save(options, state, tested)
    return int(bool(state["failed"]))


def load(options: argparse.Namespace) -> dict[str, Any]:
    """What earlier calls did."""
    if options.progress is None or not options.progress.exists():
        return {"kind": options.kind, "next": options.first, "failed": [], "tested": []}
    state: dict[str, Any] = json.loads(options.progress.read_text())
    if state["kind"] != options.kind:
        raise SystemExit(f"{options.progress} keeps a campaign of {state['kind']}, not {options.kind}")
    return state


def save(options: argparse.Namespace, state: dict[str, Any], tested: set[str]) -> None:
    """Keep what is done, whole or not at all."""
    if options.progress is not None:
        new = options.progress.with_suffix(".new")
        new.write_text(json.dumps(state | {"tested": sorted(tested)}))
        new.replace(options.progress)


def say(line: str) -> None:
    """A line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
