"""The client's side of JSON-RPC 2.0: requests to text, text to replies. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from client.errors import CallRefused, ProtocolViolation
from network.rpc.framing import encode

Json = Any


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the call with this id; `error` is the JSON error object of one that failed."""

    id: int | None
    result: Json
    error: dict[str, Json] | None

    def value(self, method: str) -> Json:
        """The result. Raises `CallRefused`."""
        if self.error is None:
            return self.result
        raise refusal(method, self.error)


@dataclass(frozen=True, slots=True)
class Notice:
    """A value of a subscription, or the error with which the node ended it."""

    subscription: str
    result: Json
    error: dict[str, Json] | None


def encode_call(identifier: int, method: str, params: Sequence[Json]) -> str:
    """A request; bytes among the parameters become 0x hex."""
    return encode({"jsonrpc": "2.0", "id": identifier, "method": method, "params": list(params)}).decode()


def decode_messages(text: str | bytes) -> list[Reply | Notice]:
    """The replies and notices of one message. Raises `ProtocolViolation`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(f"the answer is not JSON: {error}") from None
    return [_decode(each) for each in (value if isinstance(value, list) else [value])]


def refusal(method: str, error: dict[str, Json]) -> CallRefused:
    """The exception of a JSON error object."""
    return CallRefused(method, int(error["code"]), str(error["message"]), error.get("data"))


def _decode(value: Json) -> Reply | Notice:
    match value:
        case {"params": {"subscription": str() | int() as identifier, **rest}}:
            return Notice(str(identifier), rest.get("result"), _error(rest.get("error")))
        case {"id": int() | None as identifier, "error": error}:
            return Reply(identifier, None, _error(error))
        case {"id": int() as identifier, "result": result}:
            return Reply(identifier, result, None)
    raise ProtocolViolation("the answer is neither a JSON-RPC response nor a notification")


def _error(value: Json) -> dict[str, Json] | None:
    match value:
        case None:
            return None
        case {"code": int(), "message": str()}:
            return dict(value)
    raise ProtocolViolation("the error in the answer has no code and message")
