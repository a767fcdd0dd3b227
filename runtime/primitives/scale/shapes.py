"""The shape of an encoding: what annotations are translated into, once, before anything else looks at them.

The reference codec, the generated codec and the type registry all read shapes, so the three can not
disagree about what an annotation means.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

from runtime.primitives.integers import IntegerType
from runtime.primitives.scale.annotations import VariantSpec


@dataclass(frozen=True, slots=True)
class UnitShape:
    """No bytes; the value is None."""


@dataclass(frozen=True, slots=True)
class BoolShape:
    """One byte, 0 or 1."""


@dataclass(frozen=True, slots=True)
class IntegerShape:
    """A fixed-width integer."""

    width: IntegerType


@dataclass(frozen=True, slots=True)
class CompactShape:
    """A compact integer of at most `bits` bits."""

    bits: int


@dataclass(frozen=True, slots=True)
class TextShape:
    """UTF-8 with a compact length in bytes."""

    maximum: int | None


@dataclass(frozen=True, slots=True)
class BytesShape:
    """Bytes with a compact length."""

    maximum: int | None


@dataclass(frozen=True, slots=True)
class FixedBytesShape:
    """Exactly `length` bytes."""

    length: int


@dataclass(frozen=True, slots=True)
class SequenceShape:
    """Items with a compact count; the value is a list, or a tuple where `as_tuple`."""

    item: "Shape"
    maximum: int | None
    as_tuple: bool


@dataclass(frozen=True, slots=True)
class SetShape:
    """Strictly ascending items with a compact count; the value is a frozenset."""

    item: "Shape"
    maximum: int | None


@dataclass(frozen=True, slots=True)
class MapShape:
    """(key, value) pairs with strictly ascending keys and a compact count; the value is a dict."""

    key: "Shape"
    value: "Shape"
    maximum: int | None


@dataclass(frozen=True, slots=True)
class BitsShape:
    """Booleans, eight to a byte, least significant first, with a compact count; the value is a tuple."""

    maximum: int | None


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """Exactly `length` items; the value is a tuple."""

    item: "Shape"
    length: int


@dataclass(frozen=True, slots=True)
class TupleShape:
    """Items of different shapes, one after the other."""

    items: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class OptionShape:
    """0, or 1 and the item; an optional boolean is one byte: 0 None, 1 True, 2 False."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field of a struct or variant; `type_name` is for metadata only."""

    name: str
    shape: "Shape"
    type_name: str | None


@dataclass(frozen=True, slots=True)
class StructShape:
    """The fields of a frozen dataclass in order. `params` are (name, shape) of a generic class."""

    cls: type
    fields: tuple[FieldShape, ...]
    path: str
    params: tuple[tuple[str, "Shape | None"], ...]
    unnamed: bool
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VariantShape:
    """One variant of an enum: its index byte, then the fields of its dataclass."""

    index: int
    name: str
    body: StructShape


@dataclass(frozen=True, slots=True)
class EnumShape:
    """A byte that says which variant follows."""

    variants: tuple[VariantShape, ...]
    path: str
    params: tuple[tuple[str, "Shape | None"], ...]


@dataclass(frozen=True, slots=True)
class PlainEnumShape:
    """A byte that is a member's value."""

    cls: type[IntEnum]
    path: str
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewtypeShape:
    """The inner encoding, described in metadata under a name of its own."""

    inner: "Shape"
    path: str
    params: tuple[tuple[str, "Shape | None"], ...]


@dataclass(frozen=True, slots=True)
class CustomShape:
    """An encoding written by hand; see `annotations.Custom`."""

    encode: Callable[[Any], bytes]
    decode_from: Callable[[bytes, int], tuple[Any, int]]
    path: str
    variants: tuple[VariantSpec, ...]
    variant_fields: tuple[tuple["Shape", ...], ...]
    minimum_size: int


@dataclass(frozen=True, slots=True, eq=False)
class RecursiveShape:
    """The place where a type contains itself; `resolve` gives the whole shape once that is built."""

    name: str
    resolve: Callable[[], "Shape"] = field(repr=False)


Shape: TypeAlias = (
    UnitShape
    | BoolShape
    | IntegerShape
    | CompactShape
    | TextShape
    | BytesShape
    | FixedBytesShape
    | SequenceShape
    | SetShape
    | MapShape
    | BitsShape
    | ArrayShape
    | TupleShape
    | OptionShape
    | StructShape
    | EnumShape
    | PlainEnumShape
    | NewtypeShape
    | CustomShape
    | RecursiveShape
)


def minimum_size(shape: Shape) -> int:
    """The least number of bytes that any value of `shape` occupies.

    A recursive place counts as one byte: a type that contains itself ends only through an enum, an option
    or a collection, and each of these takes a byte.
    """
    match shape:
        case UnitShape():
            return 0
        case IntegerShape(width):
            return width.bits // 8
        case FixedBytesShape(length):
            return length
        case ArrayShape(item, length):
            return length * minimum_size(item)
        case TupleShape(items):
            return sum(minimum_size(item) for item in items)
        case StructShape():
            return sum(minimum_size(each.shape) for each in shape.fields)
        case EnumShape(variants):
            return 1 + min(minimum_size(each.body) for each in variants)
        case NewtypeShape(inner):
            return minimum_size(inner)
        case CustomShape():
            return shape.minimum_size
        case _:
            return 1
