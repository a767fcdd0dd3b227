"""Reading a chain spec's plain genesis: every wrong value is refused with its JSON path."""

from collections.abc import Iterator, Mapping
from typing import Any

from runtime.frame.errors import GenesisReason, InvalidGenesis
from runtime.primitives.integers import integer_type
from runtime.primitives.keys import ss58

MAX_ITEMS = 2_000_000
"""Entries of one list: twice the largest genesis that the benchmarks build."""


class GenesisReader:
    """A JSON value with its path; each accessor checks the type and names the path where it is wrong."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def refuse(self, reason: GenesisReason, detail: str) -> InvalidGenesis:
        """The error to raise for this value."""
        return InvalidGenesis(reason, self.path, detail, self.value)

    def fields(self, *known: str) -> "GenesisReader":
        """This value, which must be an object without other fields than the `known` ones."""
        if not isinstance(self.value, Mapping):
            raise self.refuse(GenesisReason.WRONG_TYPE, f"expected an object, found {_kind(self.value)}")
        for name in self.value:
            if name not in known:
                raise InvalidGenesis(
                    GenesisReason.UNKNOWN, f"{self.path}.{name}", f"known fields are {', '.join(known)}"
                )
        return self

    def get(self, name: str) -> "GenesisReader | None":
        """The field of an object, or None where it is missing or null."""
        if not isinstance(self.value, Mapping):
            raise self.refuse(GenesisReason.WRONG_TYPE, f"expected an object, found {_kind(self.value)}")
        found = self.value.get(name)
        return None if found is None else GenesisReader(found, f"{self.path}.{name}" if self.path else name)

    def need(self, name: str) -> "GenesisReader":
        """The field of an object, which must be there."""
        found = self.get(name)
        if found is None:
            raise InvalidGenesis(GenesisReason.MISSING, f"{self.path}.{name}", "this field is required")
        return found

    def items(self) -> Iterator["GenesisReader"]:
        """The items of a list."""
        if not isinstance(self.value, list | tuple):
            raise self.refuse(GenesisReason.WRONG_TYPE, f"expected a list, found {_kind(self.value)}")
        if len(self.value) > MAX_ITEMS:
            raise self.refuse(GenesisReason.OUT_OF_RANGE, f"{len(self.value)} items, at most {MAX_ITEMS}")
        for index, item in enumerate(self.value):
            yield GenesisReader(item, f"{self.path}[{index}]")

    def parts(self, count: int) -> "list[GenesisReader]":
        """A list of exactly so many."""
        found = list(self.items())
        if len(found) != count:
            named = {2: "two", 3: "three"}.get(count, str(count))
            raise self.refuse(GenesisReason.WRONG_TYPE, f"expected {named} items, found {len(found)}")
        return found

    def pair(self) -> "tuple[GenesisReader, GenesisReader]":
        """A list of exactly two."""
        first, second = self.parts(2)
        return first, second

    def integer(self, kind: object, minimum: int = 0) -> int:
        """An integer of a fixed width, at least `minimum`; also as decimal text, for numbers above 2**53."""
        value = self.value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 78:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(GenesisReason.WRONG_TYPE, f"expected an integer, found {_kind(self.value)}")
        width = integer_type(kind)
        if not max(minimum, width.minimum) <= value <= width.maximum:
            raise self.refuse(
                GenesisReason.OUT_OF_RANGE,
                f"{value} is outside {max(minimum, width.minimum)}..{width.maximum}",
            )
        return value

    def text(self) -> str:
        """A string."""
        if not isinstance(self.value, str):
            raise self.refuse(GenesisReason.WRONG_TYPE, f"expected a string, found {_kind(self.value)}")
        return self.value

    def account(self) -> bytes:
        """An account id from an SS58 address or 0x-hex: 32 bytes."""
        text = self.text()
        if text.startswith("0x"):
            return self.hexadecimal(32)
        try:
            return ss58.decode(text)
        except ValueError as fault:
            raise self.refuse(GenesisReason.BAD_ADDRESS, str(fault)) from fault

    def hexadecimal(self, length: int) -> bytes:
        """Bytes of this length from 0x-hex."""
        text = self.text()
        try:
            found = bytes.fromhex(text.removeprefix("0x"))
        except ValueError as fault:
            raise self.refuse(GenesisReason.BAD_ADDRESS, f"not hexadecimal: {fault}") from fault
        if len(found) != length:
            raise self.refuse(GenesisReason.BAD_ADDRESS, f"{len(found)} bytes, expected {length}")
        return found


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "an integer"}
    return names.get(type(value), type(value).__name__)
