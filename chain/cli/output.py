"""What commands print: facts for people, JSON for programs, and progress on a terminal.

Results go to standard output; progress and remarks to standard error, so that output can be piped.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

Advance = Callable[[int], None]
"""Tells a progress bar how many more steps are done."""

Tell = Callable[[str], None]
"""Says in a few words what is being done."""


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """`--json`: the result as one JSON document on standard output."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def show(args: argparse.Namespace, value: Any, text: str) -> None:
    """Print the result: `value` as JSON where asked for, else `text`."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False) if args.json else text)


def facts(pairs: Mapping[str, object]) -> str:
    """Names and values in two columns; empty values are left out."""
    shown = {name: value for name, value in pairs.items() if value is not None and value != ""}
    width = max((len(name) for name in shown), default=0) + 2
    return "\n".join(f"{name + ':':<{width}}{text(value)}" for name, value in shown.items())


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows in aligned columns under their heads."""
    lines = [list(heads), *[[text(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def text(value: object) -> str:
    """A value for people: bytes as hex, whole numbers with thousands apart."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def plain(value: Any) -> Any:
    """The value with bytes as hex and tuples as lists, ready for JSON."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def remark(line: str) -> None:
    """A line beside the result, such as a warning."""
    print(line, file=sys.stderr)


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on standard error while the body runs; silent where that is no terminal.

    `total` None: how much there is to do is unknown.
    """
    if not sys.stderr.isatty():
        yield lambda steps: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)


@contextmanager
def activity(description: str) -> Iterator[Tell]:
    """A turning mark with the latest news on standard error; silent where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda news: None
        return
    with Console(stderr=True).status(description) as status:
        yield lambda news: status.update(f"{description}: {escape(news)}")
