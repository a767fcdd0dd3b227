"""Decoders of parameters, derived from the annotations of a handler.

A decoder turns a JSON value into what the handler's annotation promises, or raises `InvalidParameter` with a
sentence that says what was expected. Hex is accepted with and without `0x`, in either case, as Substrate's
clients send it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, Union

from network.rpc.errors import Json
from runtime.primitives.keys import ss58

_SHOWN_CHARACTERS = 40
"""How much of a wrong value an error repeats: enough to recognise it, too little to fill a log."""


class InvalidParameter(Exception):
    """A JSON value that does not fit its declaration; the text says what was expected and what came."""


class Decoder(Protocol):
    """What an annotation becomes: `decode` a value, and describe it for OpenRPC as JSON Schema."""

    def decode(self, value: Json) -> Any: ...

    def schema(self) -> dict[str, Json]: ...


@dataclass(frozen=True, slots=True)
class HexBytes:
    """Bytes as a hex string, of any length or of exactly `length` bytes."""

    length: int | None = None

    def decode(self, value: Json) -> bytes:
        if not isinstance(value, str):
            raise InvalidParameter(f"expected a hex string, got {_shown(value)}")
        digits = value[2:] if value[:2] in ("0x", "0X") else value
        # bytes.fromhex skips blanks, which would give one value many spellings.
        if len(digits) % 2 or not digits.isascii() or not all(map(str.isalnum, digits)):
            raise InvalidParameter(f"expected an even number of hex digits, got {_shown(value)}")
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            raise InvalidParameter(f"expected hex digits, got {_shown(value)}") from None
        if self.length is not None and len(data) != self.length:
            raise InvalidParameter(f"expected {self.length} bytes of hex, got {len(data)} bytes")
        return data

    def schema(self) -> dict[str, Json]:
        digits = "*" if self.length is None else f"{{{2 * self.length}}}"
        return {"type": "string", "pattern": f"^(0x)?[0-9a-fA-F]{digits}$"}


@dataclass(frozen=True, slots=True)
class Unsigned:
    """An integer of `bits` bits; with `hex_too`, a 0x hex string as well."""

    bits: int
    hex_too: bool = False

    def decode(self, value: Json) -> int:
        number = value
        if self.hex_too and isinstance(value, str):
            try:
                number = int(value, 16) if value[:2] in ("0x", "0X") and "_" not in value else None
            except ValueError:
                number = None
        if not isinstance(number, int) or isinstance(number, bool):
            form = "an integer or a 0x hex number" if self.hex_too else "an integer"
            raise InvalidParameter(f"expected {form}, got {_shown(value)}")
        if not 0 <= number < 1 << self.bits:
            raise InvalidParameter(f"expected an integer in 0..2^{self.bits}-1, got {_shown(value)}")
        return number

    def schema(self) -> dict[str, Json]:
        integer: dict[str, Json] = {"type": "integer", "minimum": 0, "maximum": (1 << self.bits) - 1}
        return (
            {"oneOf": [integer, {"type": "string", "pattern": "^0x[0-9a-fA-F]+$"}]}
            if self.hex_too
            else integer
        )


@dataclass(frozen=True, slots=True)
class AccountAddress:
    """An account as SS58 (any network prefix) or as 0x hex of its 32 bytes."""

    def decode(self, value: Json) -> bytes:
        if not isinstance(value, str):
            raise InvalidParameter(f"expected an SS58 address, got {_shown(value)}")
        if value.startswith("0x"):
            return HexBytes(32).decode(value)
        try:
            return ss58.decode(value)
        except ss58.InvalidAddress as error:
            raise InvalidParameter(f"expected an SS58 address, got {_shown(value)}: {error}") from None

    def schema(self) -> dict[str, Json]:
        return {"type": "string"}


BlockHash = Annotated[bytes, HexBytes(32)]
Hash = Annotated[bytes, HexBytes(32)]
Hex = Annotated[bytes, HexBytes()]
StorageKey = Annotated[bytes, HexBytes()]
U8 = Annotated[int, Unsigned(8)]
U16 = Annotated[int, Unsigned(16)]
U32 = Annotated[int, Unsigned(32)]
U64 = Annotated[int, Unsigned(64)]
U128 = Annotated[int, Unsigned(128)]
NumberOrHex = Annotated[int, Unsigned(32, hex_too=True)]
Account = Annotated[bytes, AccountAddress()]


# -- decoders of plain annotations -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Anything:
    def decode(self, value: Json) -> Json:
        return value

    def schema(self) -> dict[str, Json]:
        return {}


@dataclass(frozen=True, slots=True)
class _Plain:
    """str, bool, int or None by exact type (a bool is no int here)."""

    type: type
    name: str

    def decode(self, value: Json) -> Json:
        if type(value) is not self.type:
            raise InvalidParameter(f"expected {self.name}, got {_shown(value)}")
        return value

    def schema(self) -> dict[str, Json]:
        return {"type": {str: "string", bool: "boolean", int: "integer"}.get(self.type, "null")}


@dataclass(frozen=True, slots=True)
class _ListOf:
    item: Decoder

    def decode(self, value: Json) -> list[Any]:
        if not isinstance(value, list):
            raise InvalidParameter(f"expected an array, got {_shown(value)}")
        decoded = []
        for position, element in enumerate(value):
            try:
                decoded.append(self.item.decode(element))
            except InvalidParameter as error:
                raise InvalidParameter(f"element {position}: {error}") from None
        return decoded

    def schema(self) -> dict[str, Json]:
        return {"type": "array", "items": self.item.schema()}


@dataclass(frozen=True, slots=True)
class _TupleOf:
    items: tuple[Decoder, ...]

    def decode(self, value: Json) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(self.items):
            raise InvalidParameter(f"expected an array of {len(self.items)}, got {_shown(value)}")
        return tuple(item.decode(element) for item, element in zip(self.items, value, strict=True))

    def schema(self) -> dict[str, Json]:
        count = len(self.items)
        return {
            "type": "array",
            "prefixItems": [item.schema() for item in self.items],
            "minItems": count,
            "maxItems": count,
        }


@dataclass(frozen=True, slots=True)
class _DictOf:
    item: Decoder

    def decode(self, value: Json) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidParameter(f"expected an object, got {_shown(value)}")
        decoded = {}
        for key, element in value.items():
            try:
                decoded[key] = self.item.decode(element)
            except InvalidParameter as error:
                raise InvalidParameter(f"member {_shown(key)}: {error}") from None
        return decoded

    def schema(self) -> dict[str, Json]:
        return {"type": "object", "additionalProperties": self.item.schema()}


@dataclass(frozen=True, slots=True)
class _OneOf:
    options: tuple[Decoder, ...]

    def decode(self, value: Json) -> Any:
        reasons = []
        for option in self.options:
            try:
                return option.decode(value)
            except InvalidParameter as error:
                reasons.append(str(error))
        # The first option is what the method is about; null is said in words.
        wanted = [reason for reason in reasons if reason != f"expected null, got {_shown(value)}"]
        raise InvalidParameter("; or ".join(wanted) or reasons[0])

    def schema(self) -> dict[str, Json]:
        return {"oneOf": [option.schema() for option in self.options]}


_PLAIN: Mapping[Any, Decoder] = {
    Any: _Anything(),
    str: _Plain(str, "a string"),
    bool: _Plain(bool, "true or false"),
    int: _Plain(int, "an integer"),
    types.NoneType: _Plain(types.NoneType, "null"),
}


def decoder_of(annotation: Any) -> Decoder:
    """The decoder of an annotation. Raises TypeError for one that no parameter may have (a programming
    error)."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        for marker in arguments[1:]:
            if isinstance(marker, HexBytes | Unsigned | AccountAddress):
                return marker
        return decoder_of(arguments[0])
    if origin is list:
        return _ListOf(decoder_of(arguments[0]))
    if origin is tuple and Ellipsis not in arguments:
        return _TupleOf(tuple(map(decoder_of, arguments)))
    if origin is dict and arguments[0] is str:
        return _DictOf(decoder_of(arguments[1]))
    if origin in (Union, types.UnionType):
        return _OneOf(tuple(map(decoder_of, arguments)))
    raise TypeError(f"no JSON parameter can be decoded as {annotation!r}")


def _shown(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"an array of {len(value)}"
        case dict():
            return "an object"
        case int() if value.bit_length() > 256:
            return "a number of more than 256 bits"
    text = ascii(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
