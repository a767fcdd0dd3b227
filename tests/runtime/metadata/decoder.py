"""Reads metadata blobs by hand, from the layouts of `frame-metadata`, with nothing of this project's codec.

The result is plain dicts and lists, so that a blob of ours and one that other clients accepted compare.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PRIMITIVES = (
    "bool char str u8 u16 u32 u64 u128 u256 i8 i16 i32 i64 i128 i256".split()  # noqa: SIM905 - a table
)


@dataclass
class Reader:
    """A position in a blob."""

    data: bytes
    at: int = 0

    def raw(self, count: int) -> bytes:
        found = self.data[self.at : self.at + count]
        assert len(found) == count, f"the blob ends at {len(self.data)}"
        self.at += count
        return found

    def byte(self) -> int:
        return self.raw(1)[0]

    def compact(self) -> int:
        first = self.byte()
        mode = first & 3
        if mode < 3:
            rest = self.raw((0, 1, 3)[mode])
            return int.from_bytes(bytes([first]) + rest, "little") >> 2
        return int.from_bytes(self.raw((first >> 2) + 4), "little")

    def bytes(self) -> bytes:
        return self.raw(self.compact())

    def text(self) -> str:
        return self.bytes().decode()

    def many(self, read: Callable[[], Any]) -> list[Any]:
        return [read() for _ in range(self.compact())]

    def maybe(self, read: Callable[[], Any]) -> Any:
        flag = self.byte()
        assert flag in (0, 1)
        return read() if flag else None

    def lines(self) -> list[str]:
        return self.many(self.text)


class Decoder(Reader):
    """The layouts, the version decided by the fifth byte."""

    def metadata(self) -> dict[str, Any]:
        """The whole blob, every byte of it."""
        assert self.raw(4) == b"meta"
        self.version = self.byte()
        found: dict[str, Any] = {"version": self.version}
        found["types"] = {each.pop("id"): each for each in self.many(self._type)}
        found["pallets"] = {each["name"]: each for each in self.many(self._pallet)}
        found["extrinsic"] = getattr(self, f"_extrinsic_{self.version}")()
        if self.version < 16:
            found["runtime"] = self.compact()
        if self.version > 14:
            found["apis"] = {each["name"]: each for each in self.many(self._api)}
            found["outer"] = [self.compact() for _ in range(3)]
            found["custom"] = self.many(lambda: (self.text(), self.compact(), self.bytes()))
        assert self.at == len(self.data), "bytes remain"
        return found

    # -- types

    def _type(self) -> dict[str, Any]:
        return {
            "id": self.compact(),
            "path": "::".join(self.lines()),
            "params": self.many(lambda: (self.text(), self.maybe(self.compact))),
            "def": self._definition(),
            "docs": self.lines(),
        }

    def _definition(self) -> tuple[str, Any]:
        match self.byte():
            case 0:
                return "composite", self.many(self._field)
            case 1:
                return "variant", self.many(self._variant)
            case 2:
                return "sequence", self.compact()
            case 3:
                length = int.from_bytes(self.raw(4), "little")
                return "array", (length, self.compact())
            case 4:
                return "tuple", self.many(self.compact)
            case 5:
                return "primitive", PRIMITIVES[self.byte()]
            case 6:
                return "compact", self.compact()
            case 7:
                return "bits", (self.compact(), self.compact())
            case other:
                raise AssertionError(f"no kind of type has tag {other}")

    def _field(self) -> dict[str, Any]:
        return {
            "name": self.maybe(self.text),
            "type": self.compact(),
            "type_name": self.maybe(self.text),
            "docs": self.lines(),
        }

    def _variant(self) -> dict[str, Any]:
        return {
            "name": self.text(),
            "fields": self.many(self._field),
            "index": self.byte(),
            "docs": self.lines(),
        }

    # -- pallets

    def _pallet(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": self.text(),
            "storage": self.maybe(self._storage),
            "calls": self.maybe(self._enum),
            "events": self.maybe(self._enum),
            "constants": {each["name"]: each for each in self.many(self._constant)},
            "errors": self.maybe(self._enum),
        }
        if self.version > 15:
            assert self.many(self.byte) == [], "associated types"
            assert self.many(self.byte) == [], "view functions"
        found["index"] = self.byte()
        if self.version > 14:
            found["docs"] = self.lines()
        self._deprecation()
        return found

    def _storage(self) -> dict[str, Any]:
        return {"prefix": self.text(), "entries": {each["name"]: each for each in self.many(self._entry)}}

    def _entry(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.text(), "modifier": ("optional", "default")[self.byte()]}
        if self.byte():
            found["hashers"] = self.many(self.byte)
            found["key"] = self.compact()
        found["value"] = self.compact()
        found["default"] = self.bytes()
        found["docs"] = self.lines()
        self._deprecation()
        return found

    def _constant(self) -> dict[str, Any]:
        found = {"name": self.text(), "type": self.compact(), "value": self.bytes(), "docs": self.lines()}
        self._deprecation()
        return found

    def _enum(self) -> int:
        found = self.compact()
        if self.version > 15:
            assert self.many(self.byte) == [], "deprecated variants"
        return found

    def _deprecation(self) -> None:
        if self.version > 15:
            assert self.byte() == 0, "deprecated"

    # -- extrinsics and interfaces

    def _extension(self) -> tuple[str, int, int]:
        return self.text(), self.compact(), self.compact()

    def _extrinsic_14(self) -> dict[str, Any]:
        return {
            "type": self.compact(),
            "versions": [self.byte()],
            "extensions": self.many(self._extension),
        }

    def _extrinsic_15(self) -> dict[str, Any]:
        return {
            "versions": [self.byte()],
            "parts": [self.compact() for _ in range(3)],
            "extra": self.compact(),
            "extensions": self.many(self._extension),
        }

    def _extrinsic_16(self) -> dict[str, Any]:
        return {
            "versions": list(self.bytes()),
            "parts": [self.compact() for _ in range(3)],
            "by_version": dict(self.many(lambda: (self.byte(), self.many(self.compact)))),
            "extensions": self.many(self._extension),
        }

    def _api(self) -> dict[str, Any]:
        name, methods, docs = self.text(), self.many(self._method), self.lines()
        found = {"name": name, "methods": {each["name"]: each for each in methods}, "docs": docs}
        if self.version > 15:
            found["version"] = self.compact()
        self._deprecation()
        return found

    def _method(self) -> dict[str, Any]:
        found = {
            "name": self.text(),
            "inputs": self.many(lambda: (self.text(), self.compact())),
            "output": self.compact(),
            "docs": self.lines(),
        }
        self._deprecation()
        return found


def structure(types: dict[int, Any], index: int, above: tuple[int, ...] = ()) -> Any:
    """A type as a tree without ids, documentation and type parameters: those of two runtimes compare."""
    if index in above:
        return "itself"
    inner = (*above, index)
    kind, body = types[index]["def"]

    def fields(listed: list[Any]) -> list[Any]:
        return [(each["name"], structure(types, each["type"], inner)) for each in listed]

    match kind:
        case "composite":
            return types[index]["path"], fields(body)
        case "variant":
            cases = {each["index"]: (each["name"], fields(each["fields"])) for each in body}
            return types[index]["path"], cases
        case "sequence" | "compact":
            return kind, structure(types, body, inner)
        case "array":
            return kind, body[0], structure(types, body[1], inner)
        case "tuple":
            return kind, [structure(types, each, inner) for each in body]
        case _:
            return kind, body
