"""Reading the fields of a frame: a reader takes an untrusted value and gives a typed one, or refuses it."""

from collections.abc import Callable
from enum import Enum
from typing import Any, NoReturn, TypeVar

from runtime.primitives.errors import InvalidData

T = TypeVar("T")

HASH_LENGTH = 32
MAX_NUMBER = (1 << 32) - 1
MAX_ID = (1 << 64) - 1


class MessageReason(Enum):
    """Why bytes are no message."""

    TOO_LARGE = "larger than its kind may be"
    MALFORMED = "not a frame"
    UNKNOWN_KIND = "of an unknown kind"
    FIELDS = "with the wrong number of fields"
    FIELD = "with a wrong field"
    NOT_CANONICAL = "not in canonical form"


class InvalidMessage(InvalidData):
    """Bytes from a peer that are no message."""

    reason: MessageReason


def refuse(detail: str, value: object = None) -> NoReturn:
    """Refuse a field."""
    raise InvalidMessage(MessageReason.FIELD, f"{detail}: {value!r:.60}" if value is not None else detail)


def integer(value: Any, maximum: int = MAX_NUMBER) -> int:
    """A whole number from 0 to `maximum`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        refuse(f"a number from 0 to {maximum} is expected", value)
    return value


def boolean(value: Any) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        refuse("true or false is expected", value)
    return value


def data(value: Any, maximum: int) -> bytes:
    """A byte string of at most `maximum` bytes."""
    if not isinstance(value, bytes) or len(value) > maximum:
        refuse(f"at most {maximum} bytes are expected", value)
    return value


def digest(value: Any) -> bytes:
    """A hash of 32 bytes."""
    if not isinstance(value, bytes) or len(value) != HASH_LENGTH:
        refuse("a hash of 32 bytes is expected", value)
    return value


def text(value: Any, maximum: int) -> str:
    """A text of at most `maximum` characters."""
    if not isinstance(value, str) or len(value) > maximum:
        refuse(f"a text of at most {maximum} characters is expected", value)
    return value


def sequence(value: Any, maximum: int, read: Callable[[Any], T]) -> tuple[T, ...]:
    """At most `maximum` items."""
    if not isinstance(value, list) or len(value) > maximum:
        refuse(f"at most {maximum} items are expected")
    return tuple(read(item) for item in value)


def optional(value: Any, read: Callable[[Any], T]) -> T | None:
    """A value, or nothing."""
    return None if value is None else read(value)


def fields(value: Any, count: int) -> list[Any]:
    """A list of exactly `count` fields."""
    if not isinstance(value, list) or len(value) != count:
        raise InvalidMessage(MessageReason.FIELDS, f"{count} fields are expected")
    return value
