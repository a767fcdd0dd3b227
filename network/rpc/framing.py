"""JSON-RPC 2.0 as pure functions: bytes to requests, results to bytes.

Any bytes whatsoever give a `Frame`; nothing here raises for bad input. A notification (a request without id)
is accepted and ignored, as jsonrpsee does: its sender has no way to learn what became of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from network.rpc import errors
from network.rpc.errors import Json, RpcError
from network.rpc.limits import MAX_ID_LENGTH, MAX_METHOD_LENGTH, RpcLimits

Id = str | int | None


@dataclass(frozen=True, slots=True)
class Request:
    """A call that wants an answer. Parameters are positional, without trailing nulls."""

    id: Id
    method: str
    params: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """A request without id: nobody waits for an answer, so none is made."""

    method: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that is already answered: with `error`, under `id` as far as it could be read."""

    id: Id
    error: RpcError


Entry = Request | Notification | Refused


@dataclass(frozen=True, slots=True)
class Single:
    """A message with one entry; the answer is one object."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Batch:
    """A message with an array of entries (at least one); the answer is an array."""

    entries: tuple[Entry, ...]


Frame = Single | Batch

_I64_MIN: Final = -(1 << 63)
_U64_MAX: Final = (1 << 64) - 1


def parse(data: bytes, limits: RpcLimits) -> Frame:
    """The requests in a message. Malformed or oversized messages become a `Single(Refused(None, ...))`."""
    if len(data) > limits.request_bytes:
        return _refused(errors.oversized_request(limits.request_bytes))
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        return _refused(errors.parse_error(f"nested more than {limits.depth} levels deep"))
    except ValueError as error:
        return _refused(errors.parse_error(_without_content(error)))
    if _deeper_than(limits.depth, value, data):
        return _refused(errors.parse_error(f"nested more than {limits.depth} levels deep"))
    if not isinstance(value, list):
        return Single(_entry(value))
    if not limits.batches_enabled:
        return _refused(errors.batches_not_supported())
    if not value:
        return _refused(errors.invalid_request("the batch is empty"))
    if len(value) > limits.batch_length:
        return _refused(errors.oversized_batch(limits.batch_length))
    return Batch(tuple(_entry(item) for item in value))


def _entry(value: Json) -> Entry:
    if not isinstance(value, dict):
        return Refused(None, errors.invalid_request("a request must be an object"))
    identifier = value.get("id")
    if not _is_id(identifier):
        return Refused(
            None,
            errors.invalid_request(
                f"id must be null, a string of up to {MAX_ID_LENGTH} characters or an integer"
            ),
        )
    if value.get("jsonrpc") != "2.0":
        return Refused(identifier, errors.invalid_request('member "jsonrpc" must be "2.0"'))
    method = value.get("method")
    if not isinstance(method, str) or len(method) > MAX_METHOD_LENGTH:
        return Refused(
            identifier,
            errors.invalid_request(f"method must be a string of up to {MAX_METHOD_LENGTH} characters"),
        )
    if "id" not in value:
        return Notification(method)
    params = value.get("params")
    if params is None:
        return Request(identifier, method, ())
    if isinstance(params, dict):
        return Refused(
            identifier, errors.invalid_params("parameters go by position: send an array, not an object")
        )
    if not isinstance(params, list):
        return Refused(identifier, errors.invalid_request("params must be an array, null or absent"))
    while params and params[-1] is None:
        params.pop()
    return Request(identifier, method, tuple(params))


def _is_id(value: Json) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    if isinstance(value, int) and not isinstance(value, bool):
        return _I64_MIN <= value <= _U64_MAX
    return value is None


def _refused(error: RpcError) -> Single:
    return Single(Refused(None, error))


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("number out of range")
    return number


def _without_content(error: ValueError) -> str:
    """What was wrong, without the document that `UnicodeDecodeError` would carry along."""
    match error:
        case json.JSONDecodeError():
            return f"{error.msg} at character {error.pos}"
        case UnicodeDecodeError():
            return f"not UTF-8 at byte {error.start}"
        case _:
            return "a number that is out of range, or not JSON"


def _deeper_than(limit: int, value: Json, data: bytes) -> bool:
    """Whether arrays and objects nest deeper than `limit`; counting brackets answers for nearly every
    message."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    level: list[Json] = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, list | dict)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, list | dict)
        ]
        if not level:
            return False
    return True


# -- answers ---------------------------------------------------------------------------------------


def encode(value: Json) -> bytes:
    """Compact ASCII JSON; bytes become 0x hex.

    Raises TypeError or ValueError for what JSON cannot hold (a handler's bug, caught by the dispatcher).
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_hex).encode("ascii")


def _hex(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return "0x" + bytes(value).hex()
    raise TypeError(f"a handler returned {type(value).__name__}, which is not a JSON value")


def encode_result(identifier: Id, result: Json, limits: RpcLimits) -> bytes:
    """The response to a call that succeeded, or the oversize error when it does not fit."""
    response = encode({"jsonrpc": "2.0", "id": identifier, "result": result})
    if len(response) > limits.response_bytes:
        return encode_error(identifier, errors.oversized_response(limits.response_bytes))
    return response


def encode_error(identifier: Id, error: RpcError) -> bytes:
    """The response to a call that failed."""
    return encode({"jsonrpc": "2.0", "id": identifier, "error": error.to_json()})


def join_batch(responses: Sequence[bytes], limits: RpcLimits) -> bytes | None:
    """The response to a batch, or None when it held notifications only."""
    if not responses:
        return None
    if sum(map(len, responses)) + len(responses) + 1 > limits.response_bytes:
        return encode_error(None, errors.oversized_batch_response(limits.response_bytes))
    return b"[" + b",".join(responses) + b"]"


def encode_notification(method: str, subscription: str, result: Json) -> bytes:
    """One value of a subscription."""
    return encode(
        {"jsonrpc": "2.0", "method": method, "params": {"subscription": subscription, "result": result}}
    )


def encode_subscription_error(method: str, subscription: str, error: RpcError) -> bytes:
    """The last message of a subscription that the server ends, in the form that polkadot.js reports as an
    error."""
    params = {"subscription": subscription, "error": error.to_json()}
    return encode({"jsonrpc": "2.0", "method": method, "params": params})
