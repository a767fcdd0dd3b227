"""Blocks in a file: what `export-blocks` writes and `import-blocks` reads, as JSON lines or as msgpack.

The first record names the format and the chain; each further one is a block with its justification and with
the outcome that the exporting node saw. The outcome is redundant (the state root commits to it): it lets an
importing node say *what* differs, not only that something does.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import IO, Any

import msgpack

FORMAT = "fixpoint-blocks"
VERSION = 1
MAX_RECORD_BYTES = 64 * 1024 * 1024
"""No block reaches this: bodies are bound by the block length (5 MiB), outcomes by the block weight."""


class ExchangeFault(Enum):
    """Why a file of blocks cannot be read."""

    NOT_THIS_FORMAT = "not a Fixpoint block file"
    WRONG_VERSION = "another version of the format"
    TRUNCATED = "ends in the middle of a record"
    MALFORMED = "malformed record"
    TOO_LARGE = "record too large"


class InvalidExchange(Exception):
    """A file of blocks that cannot be read: `reason`, and the number of the `record` (0 is the head)."""

    def __init__(self, reason: ExchangeFault, record: int, detail: str = "") -> None:
        super().__init__(f"record {record}: {reason.value}" + (f": {detail}" if detail else ""))
        self.reason = reason
        self.record = record


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """SCALE header, extrinsics with their length prefixes, justification, encoded outcome (empty: none)."""

    header: bytes
    extrinsics: tuple[bytes, ...]
    justification: bytes | None
    outcome: bytes


def write(out: IO[bytes], genesis_hash: bytes, blocks: Iterable[BlockRecord], *, binary: bool) -> int:
    """Write blocks in ascending order; returns how many."""
    pack = _pack_binary if binary else _pack_json
    out.write(pack({"format": FORMAT, "version": VERSION, "genesis": genesis_hash}))
    count = 0
    for block in blocks:
        record = {
            "header": block.header,
            "extrinsics": list(block.extrinsics),
            "justification": block.justification,
            "outcome": block.outcome,
        }
        out.write(pack(record))
        count += 1
    return count


def read(source: IO[bytes]) -> tuple[bytes, Iterator[BlockRecord]]:
    """The genesis hash a file was written for, and its blocks, read as they are asked for.

    The format is recognised from the first byte. Raises `InvalidExchange`, also while iterating.
    """
    first = source.read(1)
    records = _read_json(source, first) if first == b"{" else _read_binary(source, first)
    numbered = enumerate(records)
    _, head = next(numbered, (0, None))
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InvalidExchange(ExchangeFault.NOT_THIS_FORMAT, 0)
    if head.get("version") != VERSION:
        detail = f"version {head.get('version')!r}, this node reads {VERSION}"
        raise InvalidExchange(ExchangeFault.WRONG_VERSION, 0, detail)
    genesis = head.get("genesis")
    if not isinstance(genesis, bytes) or len(genesis) != 32:
        raise InvalidExchange(ExchangeFault.MALFORMED, 0, "'genesis' must be 32 bytes")
    return genesis, (_block(number, record) for number, record in numbered)


def _block(number: int, record: object) -> BlockRecord:
    fields: dict[Any, Any] = record if isinstance(record, dict) else {}
    if sorted(map(str, fields)) != ["extrinsics", "header", "justification", "outcome"]:
        detail = "needs exactly header, extrinsics, justification, outcome"
        raise InvalidExchange(ExchangeFault.MALFORMED, number, detail)
    extrinsics, justification = fields["extrinsics"], fields["justification"]
    for name in ("header", "outcome"):
        if not isinstance(fields[name], bytes):
            raise InvalidExchange(ExchangeFault.MALFORMED, number, f"{name!r} must be bytes")
    if not isinstance(extrinsics, list) or not all(isinstance(one, bytes) for one in extrinsics):
        raise InvalidExchange(ExchangeFault.MALFORMED, number, "'extrinsics' must be a list of bytes")
    if justification is not None and not isinstance(justification, bytes):
        raise InvalidExchange(ExchangeFault.MALFORMED, number, "'justification' must be bytes or absent")
    return BlockRecord(fields["header"], tuple(extrinsics), justification, fields["outcome"])


def _pack_binary(record: dict[str, Any]) -> bytes:
    body: bytes = msgpack.packb(record)
    return len(body).to_bytes(4, "big") + body


def _read_binary(source: IO[bytes], first: bytes) -> Iterator[object]:
    number = 0
    prefix = first + source.read(3)
    while prefix:
        if len(prefix) < 4:
            raise InvalidExchange(ExchangeFault.TRUNCATED, number)
        size = int.from_bytes(prefix, "big")
        if size > MAX_RECORD_BYTES:
            fault = ExchangeFault.TOO_LARGE if number else ExchangeFault.NOT_THIS_FORMAT
            raise InvalidExchange(fault, number, f"{size} bytes, at most {MAX_RECORD_BYTES}")
        body = source.read(size)
        if len(body) < size:
            raise InvalidExchange(ExchangeFault.TRUNCATED, number)
        try:
            yield msgpack.unpackb(body, strict_map_key=False)
        except (ValueError, msgpack.UnpackException) as error:
            raise InvalidExchange(ExchangeFault.MALFORMED, number, str(error)) from error
        number += 1
        prefix = source.read(4)


def _pack_json(record: dict[str, Any]) -> bytes:
    return json.dumps(_to_json(record)).encode() + b"\n"


def _read_json(source: IO[bytes], first: bytes) -> Iterator[object]:
    number = 0
    line = first + source.readline(MAX_RECORD_BYTES * 2)
    while line:
        if not line.endswith(b"\n"):
            oversized = len(line) > MAX_RECORD_BYTES * 2
            fault = ExchangeFault.TOO_LARGE if oversized else ExchangeFault.TRUNCATED
            raise InvalidExchange(fault, number)
        try:
            yield _from_json(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise InvalidExchange(ExchangeFault.MALFORMED, number, str(error)) from error
        number += 1
        line = source.readline(MAX_RECORD_BYTES * 2)


def _to_json(value: Any) -> Any:
    match value:
        case bytes():
            return "0x" + value.hex()
        case dict():
            return {name: _to_json(item) for name, item in value.items()}
        case list():
            return [_to_json(item) for item in value]
        case _:
            return value


def _from_json(value: Any) -> Any:
    match value:
        case str() if value.startswith("0x"):
            return bytes.fromhex(value[2:])
        case dict():
            return {name: _from_json(item) for name, item in value.items()}
        case list():
            return [_from_json(item) for item in value]
        case _:
            return value
