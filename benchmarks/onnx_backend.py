"""The ONNX backend suite on the engine: `python -m benchmarks onnx-backend [--jobs 2] [--only OPERATOR]`.

Four numbers side by side, at the declared and at the suite's own tolerance; what is not supported counts as
failed.
`--results FILE` keeps each outcome as it comes and continues from there.
"""

import argparse
import json
import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection, wait
from pathlib import Path

from benchmarks.harness import console, show
from benchmarks.onnx_backend_cases import DECLARED_TOLERANCE, Outcome, attempt, cases, facts, selection

_SHOWN_REASON = 70


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for, and print the four numbers and a table of failures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks onnx-backend", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], help="an operator or a test; may be repeated")
    parser.add_argument("--scope", choices=("headline", "core", "all"), default="all")
    parser.add_argument("--results", type=Path, help="file of outcomes to add to, and to continue from")
    parser.add_argument("--failures", action="store_true", help="list each failed test of the headline")
    options = parser.parse_args(arguments)
    wanted = selection(options.scope, options.only)
    if not wanted:
        parser.error(f"no test in scope {options.scope} is of {', '.join(options.only)}")
    known = dict(_stored(options.results))
    outcomes = {name: known[name] for name in wanted if name in known}
    for outcome in _attempts([name for name in wanted if name not in known], options.jobs):
        outcomes[outcome.name] = outcome
        if options.results:
            with options.results.open("a") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
    _numbers(outcomes)
    _failures(outcomes)
    if options.failures:
        for outcome in outcomes.values():
            if not outcome.declared and facts()[outcome.name].headline:
                console.print(f"{outcome.name}: {outcome.reason}", highlight=False, soft_wrap=True)
    return 0


def _stored(results: Path | None) -> Iterator[tuple[str, Outcome]]:
    if results is not None and results.exists():
        for line in results.read_text().splitlines():
            outcome = Outcome(**json.loads(line))
            yield outcome.name, outcome


def _attempts(names: Sequence[str], jobs: int) -> Iterator[Outcome]:
    """Outcomes as they come; a test that kills its process costs that test alone."""
    cases()
    queues = dict(_start(names[job::jobs]) for job in range(jobs))
    while queues:
        for ready in wait(list(queues)):
            assert isinstance(ready, Connection)
            queue = queues[ready]
            try:
                outcome = ready.recv()
            except EOFError:
                del queues[ready]
                if queue:
                    yield Outcome(queue[0], False, False, "crashed the process")
                    connection, rest = _start(queue[1:])
                    queues[connection] = rest
                continue
            queues[ready] = queue[1:]
            yield outcome


def _start(names: Sequence[str]) -> tuple[Connection, Sequence[str]]:
    """A forked process, which shares the generated tests, and the names that it works through."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    context.Process(target=_work, args=(sender, names), daemon=True).start()
    sender.close()
    return receiver, names


def _work(sender: Connection, names: Sequence[str]) -> None:
    for name in names:
        sender.send(attempt(name))
    sender.close()


def _numbers(outcomes: dict[str, Outcome]) -> None:
    """The four numbers; of a selection, the share of it."""
    known = facts()
    rows = []
    for title, names in (
        ("headline", [name for name in outcomes if known[name].headline]),
        ("relevance", [name for name in outcomes if known[name].relevant]),
        ("whole suite", list(outcomes)),
    ):
        rows.append([title, *_passed(outcomes, names), f"{len(names):,}"])
    by_operator: dict[str, list[str]] = {}
    for name in outcomes:
        if known[name].core:
            by_operator.setdefault(known[name].operator, []).append(name)
    full = [
        sum(all(getattr(outcomes[name], verdict) for name in names) for names in by_operator.values())
        for verdict in ("declared", "strict")
    ]
    rows.insert(2, ["operators", *(f"{count:,}" for count in full), f"{len(by_operator):,}"])
    rule = f"declared (rtol {DECLARED_TOLERANCE}, atol {DECLARED_TOLERANCE})"
    show("ONNX backend suite", ["", rule, "strict (the suite's)", "of"], rows)


def _passed(outcomes: dict[str, Outcome], names: Iterable[str]) -> list[str]:
    found = [outcomes[name] for name in names]
    return [f"{sum(each.declared for each in found):,}", f"{sum(each.strict for each in found):,}"]


def _failures(outcomes: dict[str, Outcome]) -> None:
    """Failed headline tests per operator, by reason."""
    known = facts()
    failed = [each for each in outcomes.values() if not each.declared and known[each.name].headline]
    counted = Counter((known[each.name].operator, _short(each.reason)) for each in failed)
    rows = [[operator, str(count), reason] for (operator, reason), count in counted.most_common()]
    if rows:
        show(f"{len(failed)} failures of the headline", ["operator", "tests", "reason"], rows)


def _short(reason: str) -> str:
    head = reason.partition("\n")[0]
    if head.startswith("precision"):
        return "precision"
    return head if len(head) <= _SHOWN_REASON else head[:_SHOWN_REASON] + "..."
