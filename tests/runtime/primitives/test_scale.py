"""What the codec accepts, what it refuses and why; the annotation language itself."""

from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import Annotated, Any, Generic, TypeVar, Union

import pytest

from runtime.primitives.era import Era, Mortal, encode_era
from runtime.primitives.integers import I8, I128, U8, U16, U32, U64, U128, U256
from runtime.primitives.keys import MultiSignature
from runtime.primitives.multiaddress import Address20, Address32, Id, Index, MultiAddress, Raw
from runtime.primitives.scale import (
    Array,
    Bits,
    Bound,
    CompactU8,
    CompactU16,
    CompactU32,
    CompactU64,
    CompactU128,
    Custom,
    Err,
    FixedBytes,
    InvalidScale,
    MaxLen,
    Ok,
    Result,
    Scale,
    ScaleReason,
    UnsupportedType,
    Vector,
    codec,
    encode_compact,
    scale_path,
    variant,
)
from runtime.primitives.scale.reference import MAX_DEPTH
from runtime.primitives.types import Bytes4

T = TypeVar("T")


class Colour(IntEnum):
    """An enum without fields."""

    RED = 0
    BLUE = 5


@dataclass(frozen=True, slots=True)
class Point:
    """A struct."""

    x: U8
    y: I8


@dataclass(frozen=True)
class Checked:
    """A struct with a rule of its own, worded as a plain ValueError, and without slots."""

    low: U8
    high: U8

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


@variant(0)
@dataclass(frozen=True, slots=True)
class Leaf:
    """Ends a tree."""

    value: CompactU32


@variant(3)
@dataclass(frozen=True, slots=True)
class Node:
    """Holds trees."""

    children: "Vector[Tree]"


Tree = Leaf | Node


@dataclass(frozen=True, slots=True)
class Box(Generic[T]):
    """A generic struct."""

    items: list[T]
    first: T


@dataclass(frozen=True, slots=True)
class Nested:
    """For paths in errors."""

    points: list[Point]


def chain(depth: int) -> Tree:
    tree: Tree = Leaf(1)
    for _ in range(depth):
        tree = Node((tree,))
    return tree


ENCODINGS: list[tuple[Any, Any, str]] = [
    (U8, 255, "ff"),
    (U16, 1, "0100"),
    (U32, 2**32 - 1, "ffffffff"),
    (U64, 1, "0100000000000000"),
    (U128, 2**64, "00000000000000000100000000000000"),
    (U256, 1, "01" + "00" * 31),
    (I8, -128, "80"),
    (I128, -1, "ff" * 16),
    (bool, True, "01"),
    (bool, False, "00"),
    (None, None, ""),
    (tuple[()], (), ""),
    (bytes, b"ab", "086162"),
    (str, "é", "08c3a9"),
    (CompactU8, 255, "fd03"),
    (CompactU16, 64, "0101"),
    (CompactU64, 2**30, "0300000040"),
    (list[U16], [1, 2], "0801000200"),
    (list[bytes], [b"", b"a"], "08000461"),
    (Vector[U8], (1, 2), "080102"),
    (Vector[bool], (True, False), "080100"),
    (tuple[U8, bytes, bool], (1, b"", True), "010001"),
    (Annotated[tuple[U16, ...], Array(2)], (1, 2), "01000200"),
    (Annotated[tuple[U8, ...], Array(0)], (), ""),
    (Annotated[tuple[U16, ...], Array(9)], tuple(range(9)), "".join(f"0{i}00" for i in range(9))),
    (Annotated[tuple[bytes, ...], Array(9)], (b"",) * 9, "00" * 9),
    (Annotated[tuple[bool, ...], Bits()], (True, False, True), "0c05"),
    (Annotated[tuple[bool, ...], Bits(), MaxLen(9)], (True,) * 9, "24ff01"),
    (U8 | None, None, "00"),
    (U8 | None, 7, "0107"),
    (bool | None, None, "00"),
    (bool | None, True, "01"),
    (bool | None, False, "02"),
    (bytes | None, b"a", "010461"),
    (dict[U8, str], {2: "b", 1: "a"}, "080104610204" + "62"),
    (dict[bytes, U8], {}, "00"),
    (frozenset[U16], frozenset((3, 1)), "0801000300"),
    (Point, Point(1, -1), "01ff"),
    (Checked, Checked(1, 2), "0102"),
    (list[Point], [Point(0, 0)], "040000"),
    (Colour, Colour.BLUE, "05"),
    (Leaf, Leaf(1), "0004"),
    (Tree, Node((Leaf(1), Node(()))), "030800040300"),
    (Box[U8], Box([1, 2], 3), "08010203"),
    (Box[Point], Box([], Point(1, 2)), "000102"),
    (Result[None, bool], Ok(None), "00"),
    (Result[U8, bytes], Err(b"e"), "010465"),
    (Leaf | Node | None, Leaf(0), "010000"),
    (Leaf | Node | None, None, "00"),
    (MultiAddress, Id(b"\1" * 32), "00" + "01" * 32),
    (MultiAddress, Index(1), "0104"),
    (MultiAddress, Raw(b"a"), "020461"),
    (MultiAddress, Address32(b"\1" * 32), "03" + "01" * 32),
    (MultiAddress, Address20(b"\1" * 20), "04" + "01" * 20),
]


@pytest.mark.parametrize(("tp", "value", "raw"), ENCODINGS, ids=lambda part: str(part)[:60])
def test_a_value_is_encoded_as_scale_says_and_read_back(tp: Any, value: Any, raw: str) -> None:
    assert codec(tp).encode(value).hex() == raw
    back = codec(tp).decode(bytes.fromhex(raw))
    assert back == value
    assert type(back) is type(value)
    assert codec(tp).decode_from(b"\xff" + bytes.fromhex(raw) + b"\xff", 1) == (value, 1 + len(raw) // 2)


REFUSED: list[tuple[Any, str, ScaleReason]] = [
    (U32, "010203", ScaleReason.UNEXPECTED_END),
    (U8, "0102", ScaleReason.TRAILING_BYTES),
    (None, "00", ScaleReason.TRAILING_BYTES),
    (bool, "02", ScaleReason.BAD_BOOL),
    (bool, "", ScaleReason.UNEXPECTED_END),
    (bool | None, "03", ScaleReason.BAD_OPTION),
    (U8 | None, "02", ScaleReason.BAD_OPTION),
    (U8 | None, "01", ScaleReason.UNEXPECTED_END),
    (CompactU32, "", ScaleReason.UNEXPECTED_END),
    (CompactU32, "01", ScaleReason.UNEXPECTED_END),
    (CompactU32, "0300", ScaleReason.UNEXPECTED_END),
    (CompactU32, "0100", ScaleReason.NON_CANONICAL_COMPACT),
    (CompactU32, "fd00", ScaleReason.NON_CANONICAL_COMPACT),
    (CompactU32, "02000000", ScaleReason.NON_CANONICAL_COMPACT),
    (CompactU32, "feff0000", ScaleReason.NON_CANONICAL_COMPACT),
    (CompactU32, "03ffffff3f", ScaleReason.NON_CANONICAL_COMPACT),
    (CompactU64, "07ffffffff00", ScaleReason.NON_CANONICAL_COMPACT),
    (CompactU128, "13ffffffffffffff00", ScaleReason.NON_CANONICAL_COMPACT),
    (CompactU32, "070000000001", ScaleReason.OUT_OF_RANGE),
    (CompactU8, "0104", ScaleReason.OUT_OF_RANGE),
    (CompactU128, "37" + "ff" * 17, ScaleReason.OUT_OF_RANGE),
    (bytes, "0c6162", ScaleReason.UNEXPECTED_END),
    (bytes, "03ffffffff" + "00" * 8, ScaleReason.UNEXPECTED_END),
    (bytes, "0700000000ff" + "00" * 8, ScaleReason.OUT_OF_RANGE),
    (Annotated[bytes, MaxLen(1)], "086162", ScaleReason.TOO_LONG),
    (str, "04ff", ScaleReason.BAD_UTF8),
    (str, "0ceda080", ScaleReason.BAD_UTF8),
    (Annotated[str, MaxLen(1)], "08c3a9", ScaleReason.TOO_LONG),
    (list[U32], "feffffff", ScaleReason.UNEXPECTED_END),
    (list[U32], "0801000000", ScaleReason.UNEXPECTED_END),
    (list[bytes], "03ffffffff00", ScaleReason.UNEXPECTED_END),
    (list[Point], "080102", ScaleReason.UNEXPECTED_END),
    (Annotated[list[U8], MaxLen(2)], "0c010203", ScaleReason.TOO_LONG),
    (Annotated[dict[U8, U8], MaxLen(0)], "040101", ScaleReason.TOO_LONG),
    (Annotated[frozenset[U8], MaxLen(0)], "0401", ScaleReason.TOO_LONG),
    (Bytes4, "010203", ScaleReason.UNEXPECTED_END),
    (Annotated[tuple[bool, ...], Bits()], "0c0d", ScaleReason.BAD_PADDING),
    (Annotated[tuple[bool, ...], Bits()], "24ff", ScaleReason.UNEXPECTED_END),
    (Annotated[tuple[bool, ...], Bits(), MaxLen(8)], "24ff01", ScaleReason.TOO_LONG),
    (dict[U8, U8], "0802000100", ScaleReason.UNSORTED_KEYS),
    (dict[U8, U8], "0801000100", ScaleReason.UNSORTED_KEYS),
    (frozenset[U8], "080201", ScaleReason.UNSORTED_KEYS),
    (frozenset[bytes], "0804620461", ScaleReason.UNSORTED_KEYS),
    (Colour, "01", ScaleReason.UNKNOWN_VARIANT),
    (Tree, "01", ScaleReason.UNKNOWN_VARIANT),
    (Tree, "", ScaleReason.UNEXPECTED_END),
    (MultiAddress, "05", ScaleReason.UNKNOWN_VARIANT),
    (MultiSignature, "03" + "00" * 65, ScaleReason.UNKNOWN_VARIANT),
    (Result[U8, U8], "0200", ScaleReason.UNKNOWN_VARIANT),
    (Checked, "0201", ScaleReason.BROKEN_RULE),
    (Tree, "0304" * (MAX_DEPTH + 1) + "0004", ScaleReason.TOO_DEEP),
    (Tree, "0304" * 100_000, ScaleReason.TOO_DEEP),
    (Era, "", ScaleReason.UNEXPECTED_END),
    (Era, "01", ScaleReason.UNEXPECTED_END),
    (Era, "1000", ScaleReason.BAD_ERA),
    (Era, "4100", ScaleReason.BAD_ERA),
]


@pytest.mark.parametrize(("tp", "raw", "reason"), REFUSED, ids=lambda part: str(part)[:60])
def test_hostile_bytes_are_refused_with_the_reason(tp: Any, raw: str, reason: ScaleReason) -> None:
    with pytest.raises(InvalidScale) as refused:
        codec(tp).decode(bytes.fromhex(raw))
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("tp", "value", "reason"),
    [
        (U8, 256, ScaleReason.OUT_OF_RANGE),
        (U8, -1, ScaleReason.OUT_OF_RANGE),
        (U8, "1", ScaleReason.WRONG_TYPE),
        (U128, 1 << 128, ScaleReason.OUT_OF_RANGE),
        (U128, -1, ScaleReason.OUT_OF_RANGE),
        (I128, 1 << 127, ScaleReason.OUT_OF_RANGE),
        (CompactU32, 1 << 32, ScaleReason.OUT_OF_RANGE),
        (CompactU32, -1, ScaleReason.OUT_OF_RANGE),
        (CompactU32, None, ScaleReason.WRONG_TYPE),
        (bool, 1, ScaleReason.WRONG_TYPE),
        (bool | None, 1, ScaleReason.WRONG_TYPE),
        (None, 0, ScaleReason.WRONG_TYPE),
        (bytes, "text", ScaleReason.WRONG_TYPE),
        (str, b"bytes", ScaleReason.WRONG_TYPE),
        (str, "\ud800", ScaleReason.BAD_UTF8),
        (Bytes4, b"12345", ScaleReason.WRONG_LENGTH),
        (Bytes4, b"123", ScaleReason.WRONG_LENGTH),
        (Bytes4, 4, ScaleReason.WRONG_TYPE),
        (Annotated[bytes, MaxLen(1)], b"12", ScaleReason.TOO_LONG),
        (Annotated[list[U8], MaxLen(1)], [1, 2], ScaleReason.TOO_LONG),
        (list[U8], 3, ScaleReason.WRONG_TYPE),
        (list[U8], [256], ScaleReason.OUT_OF_RANGE),
        (frozenset[U8], [1], ScaleReason.WRONG_TYPE),
        (dict[U8, U8], [(1, 1)], ScaleReason.WRONG_TYPE),
        (tuple[U8, U8], (1,), ScaleReason.WRONG_LENGTH),
        (Annotated[tuple[U8, ...], Array(2)], (1, 2, 3), ScaleReason.WRONG_LENGTH),
        (Annotated[tuple[U8, ...], Array(9)], (1, 2, 3), ScaleReason.WRONG_LENGTH),
        (Annotated[tuple[bool, ...], Bits()], (1,), ScaleReason.WRONG_TYPE),
        (Point, (1, 2), ScaleReason.WRONG_TYPE),
        (Point, Point(1, 200), ScaleReason.OUT_OF_RANGE),
        (Colour, 5, ScaleReason.WRONG_TYPE),
        (Tree, Point(1, 1), ScaleReason.WRONG_TYPE),
        (Tree, chain(MAX_DEPTH + 1), ScaleReason.TOO_DEEP),
        (Era, 5, ScaleReason.WRONG_TYPE),
    ],
    ids=lambda part: str(part)[:60],
)
def test_a_value_that_does_not_fit_its_type_is_refused(tp: Any, value: Any, reason: ScaleReason) -> None:
    with pytest.raises(InvalidScale) as refused:
        codec(tp).encode(value)
    assert refused.value.reason is reason


def test_a_recursive_value_may_nest_up_to_the_limit() -> None:
    deepest = chain(MAX_DEPTH)
    assert codec(Tree).decode(codec(Tree).encode(deepest)) == deepest


def test_an_error_names_the_place_and_the_byte() -> None:
    with pytest.raises(
        InvalidScale, match=r"bad bool: 2 is neither 0 nor 1 \(at byte 3 in \[1\]\[1\]\)"
    ) as refused:
        codec(tuple[U8, list[bool]]).decode(bytes.fromhex("07080102"))
    assert refused.value.path == ("[1]", "[1]")
    assert refused.value.offset == 3
    with pytest.raises(InvalidScale, match=r"200 does not fit i8 \(points\[1\].y\)") as refused:
        codec(Nested).encode(Nested([Point(1, 1), Point(1, 200)]))
    assert refused.value.offset is None


def test_a_fault_deep_inside_custom_encodings_is_met_a_linear_number_of_times() -> None:
    met = []

    def decode_from(buffer: bytes, offset: int) -> tuple[object, int]:
        met.append(offset)
        return nested.decode_from(buffer, offset)

    def encode(value: Any) -> bytes:
        met.append(0)
        return nested.encode(value)

    custom = Annotated[Any, Custom(encode, decode_from, "Call", (), 1)]
    nested = Scale({"Call": custom}).codec(tuple[list[Annotated[Any, Bound("Call")]], bool])
    depth = 20
    with pytest.raises(InvalidScale) as refused:
        nested.decode(b"\x04" * depth + b"\x00\x02" + b"\x00" * depth)
    assert refused.value.reason is ScaleReason.BAD_BOOL
    assert len(met) <= 2 * depth
    met.clear()
    value: Any = ([], 2)
    for _ in range(depth):
        value = ([value], True)
    with pytest.raises(InvalidScale):
        nested.encode(value)
    assert len(met) <= 2 * depth


def test_a_rule_of_a_struct_that_is_worded_already_keeps_its_reason() -> None:
    @dataclass(frozen=True)
    class Even:
        n: U8

        def __post_init__(self) -> None:
            if self.n & 1:
                raise InvalidScale(ScaleReason.BAD_PADDING, "odd")

    evens = codec(tuple[Even, bytes])
    assert evens.decode(b"\2\0") == (Even(2), b"")
    for raw in (b"\1\0", b"\1\4"):
        with pytest.raises(InvalidScale) as refused:
            evens.decode(raw)
        assert refused.value.reason is ScaleReason.BAD_PADDING


def test_a_declared_length_costs_nothing_until_the_bytes_are_there() -> None:
    for tp in (bytes, str, list[U8], list[bytes], list[Point], dict[U8, U8], frozenset[U64]):
        with pytest.raises(InvalidScale) as refused:
            codec(tp).decode(encode_compact(2**32 - 1) + bytes(3))
        assert refused.value.reason is ScaleReason.UNEXPECTED_END


def test_a_compact_integer_has_at_most_67_bytes() -> None:
    assert encode_compact((1 << 536) - 1)[0] == 0xFF
    with pytest.raises(InvalidScale):
        encode_compact(1 << 536)
    with pytest.raises(InvalidScale):
        encode_compact(-1)


@pytest.mark.parametrize(("period", "phase"), [(2, 0), (3, 0), (1 << 17, 0), (4, 4), (4, -1), (1 << 13, 1)])
def test_an_impossible_era_can_not_be_made(period: int, phase: int) -> None:
    with pytest.raises(InvalidScale) as refused:
        Mortal(period, phase)
    assert refused.value.reason is ScaleReason.BAD_ERA


def test_an_era_rounds_its_period_up_to_a_power_of_two_within_bounds() -> None:
    assert Mortal.at(100, 1).period == 4
    assert Mortal.at(100, 65).period == 128
    assert Mortal.at(100, 10**9).period == 1 << 16
    assert encode_era(Mortal.at(100, 1)) == b"\x01\0"


def test_the_birth_of_an_era_is_never_after_the_block_that_sees_it() -> None:
    era = Mortal.at(70, 64)
    assert [era.birth(height) for height in (70, 100, 133, 134)] == [70, 70, 70, 134]
    assert era.death(70) == 134


def test_a_type_bound_by_name_is_found_when_the_family_is_composed() -> None:
    @variant(0)
    @dataclass(frozen=True, slots=True)
    class Batch:
        calls: list[Annotated[Any, Bound("Call")]]

    @variant(1)
    @dataclass(frozen=True, slots=True)
    class Remark:
        data: bytes

    calls = Scale({"Call": Union[Batch, Remark]}).codec(Annotated[Any, Bound("Call")])  # noqa: UP007
    value = Batch([Remark(b"a"), Batch([])])
    assert calls.encode(value).hex() == "0008010461" + "0000"
    assert calls.decode(calls.encode(value)) == value
    with pytest.raises(UnsupportedType, match="Call"):
        codec(Annotated[Any, Bound("Call")])


def test_an_enum_of_many_variants_is_dispatched_by_its_index() -> None:
    def make(index: int) -> type:
        return variant(index)(
            dataclass(frozen=True, slots=True)(type(f"V{index}", (), {"__annotations__": {"n": U8}}))
        )

    kinds = {index: make(index) for index in range(0, 60, 3)}
    many = codec(list[reduce(or_, kinds.values())])  # type: ignore[misc]
    values = [kind(index) for index, kind in kinds.items()]
    raw = many.encode(values)
    assert raw == encode_compact(20) + b"".join(bytes((index, index)) for index in kinds)
    assert many.decode(raw) == values
    for bad in (b"\x04\x01\x00", b"\x04\x00"):
        with pytest.raises(InvalidScale):
            many.decode(bad)
    with pytest.raises(InvalidScale):
        many.encode([Point(1, 1)])


@dataclass
class Mutable:
    """Not frozen."""

    x: U8


@dataclass(frozen=True, kw_only=True)
class Keyword:
    """Not positional."""

    x: U8


@variant(0)
@dataclass(frozen=True)
class Same:
    """Shares its index with `Leaf`."""


class Wide(IntEnum):
    """A member does not fit a byte."""

    BIG = 256


@pytest.mark.parametrize(
    "tp",
    [
        int,
        float,
        object,
        Mutable,
        Keyword,
        Box,
        Wide,
        Leaf | Same,
        Leaf | Point,
        U8 | U16,
        list[None],
        list[U8, U16],  # type: ignore[type-arg]
        frozenset[U8, U16],  # type: ignore[type-arg]
        list[tuple[()]],
        Annotated[U8, MaxLen(3)],
        Annotated[bytes, FixedBytes(3), MaxLen(3)],
    ],
    ids=str,
)
def test_an_annotation_without_an_encoding_is_refused_when_the_codec_is_built(tp: Any) -> None:
    with pytest.raises(UnsupportedType):
        codec(tp)


def test_a_mark_that_fits_no_class_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="one byte"):
        variant(256)
    assert scale_path("a::B")(Point) is Point


def test_a_codec_is_derived_once() -> None:
    assert codec(Point) is codec(Point)
    assert codec(list[U8]) is not codec(list[U16])
