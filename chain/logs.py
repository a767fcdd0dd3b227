"""Structured logs: one line an event, for a person's eye or (`--log-format json`) for a machine.

Every event has a target (its logger's name below `fixpoint.`), a message and named fields; `-l target=level`
filters as Substrate's flag does.
"""

import json
import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TextIO

ROOT = "fixpoint"
LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "off": logging.CRITICAL + 10,
}
_COLOURS = {logging.WARNING: "\033[33m", logging.ERROR: "\033[31m", logging.CRITICAL: "\033[31;1m"}


class InvalidFilter(ValueError):
    """A `--log` filter that is not `level` or `target=level`."""


class Log:
    """One target's log: `log.info("Imported", number=5, ms=3)`."""

    def __init__(self, target: str) -> None:
        self._logger = logging.getLogger(f"{ROOT}.{target}")

    def debug(self, message: str, **fields: object) -> None:
        """Detail for whoever looks for a fault."""
        self._emit(logging.DEBUG, message, fields)

    def info(self, message: str, **fields: object) -> None:
        """What an operator reads while all is well."""
        self._emit(logging.INFO, message, fields)

    def warn(self, message: str, **fields: object) -> None:
        """Something to look at; the node goes on."""
        self._emit(logging.WARNING, message, fields)

    def error(self, message: str, **fields: object) -> None:
        """Something failed; the message says what to do."""
        self._emit(logging.ERROR, message, fields)

    def exception(self, message: str, error: BaseException, **fields: object) -> None:
        """A bug: the trace goes along."""
        self._logger.error(message, exc_info=error, extra={"fields": fields})

    def _emit(self, level: int, message: str, fields: Mapping[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, message, extra={"fields": fields})


class _TextFormatter(logging.Formatter):
    """`2026-11-22 12:00:00.123  INFO import: Imported  number=5 ms=3`."""

    def __init__(self, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        target = record.name.removeprefix(f"{ROOT}.")
        level = "WARN" if record.levelno == logging.WARNING else record.levelname
        fields = "".join(f" {name}={_text(value)}" for name, value in _fields(record).items())
        line = f"{moment} {level:>5} {target}: {record.getMessage()}{' ' if fields else ''}{fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        colour = _COLOURS.get(record.levelno, "") if self._colour else ""
        return f"{colour}{line}\033[0m" if colour else line


class _JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, target, message, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": "warn" if record.levelno == logging.WARNING else record.levelname.lower(),
            "target": record.name.removeprefix(f"{ROOT}."),
            "message": record.getMessage(),
        }
        entry |= {name: _plain(value) for name, value in _fields(record).items()}
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(
    filters: Iterable[str] = (),
    *,
    as_json: bool = False,
    colour: bool | None = None,
    out: TextIO | None = None,
) -> None:
    """Send the node's logs to `out` (standard error) at the levels that `filters` name.

    A filter is `level` for all targets or `target=level`; several may stand in one string, divided by commas.
    Raises `InvalidFilter`, which names the filter and the levels there are.
    """
    levels = _parse_filters(filters)
    stream = out or sys.stderr
    handler = logging.StreamHandler(stream)
    use_colour = stream.isatty() if colour is None else colour
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter(use_colour))
    root = logging.getLogger(ROOT)
    root.handlers[:] = [handler]
    root.propagate = False
    for name in [known for known in logging.root.manager.loggerDict if known.startswith(f"{ROOT}.")]:
        logging.getLogger(name).setLevel(logging.NOTSET)
    root.setLevel(levels.pop("", logging.INFO))
    for target, level in levels.items():
        logging.getLogger(f"{ROOT}.{target}").setLevel(level)


def _parse_filters(filters: Iterable[str]) -> dict[str, int]:
    levels: dict[str, int] = {}
    for one in (part.strip() for text in filters for part in text.split(",") if part.strip()):
        target, separator, level = one.rpartition("=")
        if level not in LEVELS or (separator and not target):
            raise InvalidFilter(
                f"log filter {one!r}: write LEVEL or TARGET=LEVEL, LEVEL one of {', '.join(LEVELS)}"
            )
        levels[target] = LEVELS[level]
    return levels


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields


def _plain(value: object) -> object:
    return (
        "0x" + value.hex()
        if isinstance(value, bytes)
        else value
        if isinstance(value, int | bool)
        else str(value)
    )


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}" if len(value) <= 8 else f"0x{value[:4].hex()}…{value[-4:].hex()}"
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text else text
