"""The bench on which fast codecs are made: a namespace, and functions written into it as source.

A generated function does the same as the reference codec on everything valid, without a dispatch per value:
neighbouring fixed-size fields, also those of nested structs, become one `struct` call. It checks but does not
explain: on anything irregular it raises, and the codec repeats the work with the reference, which words the
error. So it must refuse whatever the reference refuses, and may refuse more.
"""

import struct
from dataclasses import fields
from itertools import pairwise
from typing import Any, Final

from runtime.primitives.scale import reference
from runtime.primitives.scale import shapes as s
from runtime.primitives.scale.compact import encode_compact

DISPATCH_FROM: Final = 8
"""Enums with this many variants or more are dispatched by table, smaller ones by a chain of comparisons."""
INLINE_ARRAY: Final = 8
"""Arrays up to this length are written out item by item, to join their neighbours' `struct` call."""

LETTERS: Final = {
    (8, False): "B",
    (16, False): "H",
    (32, False): "I",
    (64, False): "Q",
    (8, True): "b",
    (16, True): "h",
    (32, True): "i",
    (64, True): "q",
}
"""`struct` format letters of (bits, signed); wider integers travel as bytes."""


class Irregular(Exception):
    """A generated function met something that the reference must judge."""


FALLBACK: Final = (
    Irregular,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
)
"""What generated code raises on irregular input; anything else is a bug and stays visible."""


class Namespace:
    """The globals of generated functions, with names given out in order."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {
            "Irregular": Irregular,
            "from_bytes": int.from_bytes,
            "new": object.__new__,
            "pack": struct.pack,
            "unpack_from": struct.unpack_from,
            "decode_compact": decode_compact_fast,
            "encode_compact": encode_compact_fast,
            "ascending": ascending,
            "SMALL": tuple(encode_compact(value) for value in range(64)),
            "BOOLS": (False, True),
            "OPTIONAL_BOOLS": (None, True, False),
            "MAX_DEPTH": reference.MAX_DEPTH,
        }
        self._count = 0
        self.decoders: dict[object, str] = {}
        self.encoders: dict[object, str] = {}

    def name(self, letter: str) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{letter}{self._count}"

    def constant(self, value: object) -> str:
        """The name of a new global with this value."""
        name = self.name("G")
        self.globals[name] = value
        return name

    def define(self, name: str, parameters: str, lines: list[str]) -> None:
        """Compile a function into the namespace."""
        source = f"def {name}({parameters}):\n" + "\n".join(f"    {line}" for line in lines)
        exec(compile(source, f"<generated codec {name}>", "exec"), self.globals)


class Block:
    """Lines of source at one level of indentation under construction."""

    def __init__(self, space: Namespace) -> None:
        self.space = space
        self.lines: list[str] = []

    def add(self, *lines: str) -> None:
        """Append lines."""
        self.lines.extend(lines)

    def nest(self, head: str, body: list[str]) -> None:
        """Append a compound statement."""
        self.lines.append(head)
        self.lines.extend(f"    {line}" for line in body or ["pass"])

    def refuse_if(self, condition: str) -> None:
        """Append a check that sends the value to the reference codec."""
        self.lines.append(f"if {condition}: raise Irregular")


def encode_compact_fast(value: int, bits: int) -> bytes:
    """A compact integer of at most `bits` bits."""
    if value >> bits:
        raise Irregular
    return encode_compact(value)


def decode_compact_fast(b: bytes, o: int, bits: int) -> tuple[int, int]:
    """A compact integer of more than one byte; the twin of `compact.decode_compact`."""
    first = b[o]
    mode = first & 3
    if mode == 1:
        value, end, least = (first | b[o + 1] << 8) >> 2, o + 2, 1 << 6
    elif mode == 2:
        end, least = o + 4, 1 << 14
        value = int.from_bytes(b[o:end], "little") >> 2
    else:
        size = (first >> 2) + 4
        end, least = o + 1 + size, 1 << (30 if size == 4 else (size - 1) * 8)
        value = int.from_bytes(b[o + 1 : end], "little")
    if value < least or value >> bits or end > len(b):
        raise Irregular
    return value, end


def ascending(keys: list[Any]) -> bool:
    """Whether keys ascend strictly."""
    return all(before < after for before, after in pairwise(keys))


def letter_of(shape: s.Shape) -> str | None:
    """The `struct` letter of an integer that has one."""
    match shape:
        case s.IntegerShape(width):
            return LETTERS.get((width.bits, width.signed))
        case _:
            return None


def plain_slots(cls: type) -> bool:
    """Whether an instance may be filled slot by slot: a slotted dataclass without logic of its own.

    That spares the frozen `__init__`, which costs more than all of the decoding.
    """
    slots = vars(cls).get("__slots__", ())
    return "__post_init__" not in dir(cls) and set(slots) == {each.name for each in fields(cls)}
