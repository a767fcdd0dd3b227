"""Taking a node's answers apart: whatever it sent, the fault is the node's and is called so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from client.errors import ClientError, ProtocolViolation
from client.messages import Json
from runtime.primitives.errors import InvalidData

Value = TypeVar("Value")

HASH_SIZE = 32

_WRONG = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, InvalidData)
"""What taking apart something of another form raises."""


def read(method: str, parse: Callable[[Json], Value], answer: Json) -> Value:
    """`parse(answer)`. Raises `ProtocolViolation` where the answer has not the form that it must have."""
    try:
        return parse(answer)
    except ClientError:
        raise
    except _WRONG as error:
        shown = ascii(answer)
        shown = shown if len(shown) <= 80 else shown[:79] + "…"
        raise ProtocolViolation(
            f"{method} was answered with {shown}, which is not what it promises"
        ) from error


def unhex(text: Json) -> bytes:
    """The bytes of a node's 0x hex."""
    return bytes.fromhex(text.removeprefix("0x"))


def block_hash(text: Json) -> bytes:
    """The 32 bytes of a hash. Raises `ValueError` for another number of them."""
    found = unhex(text)
    if len(found) != HASH_SIZE:
        raise ValueError(f"{len(found)} bytes are no hash")
    return found
