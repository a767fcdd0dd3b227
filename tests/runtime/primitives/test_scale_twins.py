"""The generated codec and its readable reference agree on every value and on every string of bytes."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.primitives.era import Era, Mortal
from runtime.primitives.header import Header
from runtime.primitives.integers import I8, I16, I32, I64, I128, U8, U16, U32, U64, U128, U256
from runtime.primitives.keys import MultiSignature
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import (
    Array,
    Bits,
    CompactU32,
    CompactU64,
    CompactU128,
    InvalidScale,
    MaxLen,
    Result,
    Scale,
    Vector,
    codec,
    reference,
    variant,
)
from runtime.primitives.scale import shapes as s
from runtime.primitives.scale.description import Type
from runtime.primitives.scale.generate_decoder import decoder
from runtime.primitives.scale.generate_encoder import encoder
from runtime.primitives.scale.generator import FALLBACK, Namespace
from runtime.primitives.types import H256, AccountId, Bytes4


class Flavour(IntEnum):
    """Without fields."""

    SWEET = 1
    SOUR = 9


@dataclass(frozen=True, slots=True)
class AccountData:
    """Balances."""

    free: U128
    reserved: U128
    frozen: U128
    flags: U128


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """As in the System pallet."""

    nonce: U32
    consumers: U32
    providers: U32
    sufficients: U32
    data: AccountData


@dataclass(frozen=True)
class Ordered:
    """A struct with a rule of its own."""

    low: U8
    high: U8

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


@dataclass(frozen=True, slots=True)
class Mixed:
    """A bit of everything, fixed and varying parts in turn."""

    a: U8
    b: bytes
    c: I16
    d: bool | None
    e: U64 | None
    f: Annotated[str, MaxLen(9)]
    g: Annotated[tuple[I32, ...], Array(3)]
    h: Annotated[tuple[Flavour, ...], Array(12)]
    i: tuple[I64, Bytes4, None]
    j: dict[U16, Vector[bool]]
    k: frozenset[Bytes4]
    m: Annotated[tuple[bool, ...], Bits()]
    n: Result[I8, U256]
    o: I128
    p: CompactU64


@variant(1)
@dataclass(frozen=True, slots=True)
class Stop:
    """Ends a recursion."""


@variant(2)
@dataclass(frozen=True, slots=True)
class Go:
    """Recurses."""

    note: CompactU32
    next: "list[Path]"


Path = Stop | Go

TYPES: list[Any] = [
    AccountInfo,
    Mixed,
    Path,
    Header,
    MultiAddress,
    MultiSignature,
    Ordered,
    Type,
    list[Ordered],
    Annotated[list[AccountInfo], MaxLen(3)],
    dict[AccountId, tuple[H256, Era]],
    list[CompactU128],
    Vector[U16],
    bool,
    AccountInfo | None,
]


def _short(tp: object) -> str:
    """A name that is the same in every process: no addresses of functions, and not pages long."""
    return str(tp).split(" at 0x")[0][:60]


def values(shape: s.Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape."""
    match shape:
        case s.UnitShape():
            return st.none()
        case s.BoolShape():
            return st.booleans()
        case s.IntegerShape(width):
            return st.integers(width.minimum, width.maximum)
        case s.CompactShape(bits):
            return st.integers(0, bits).flatmap(lambda n: st.integers(0, (1 << n) - 1))
        case s.TextShape(maximum):
            return st.text(max_size=(maximum or 400) // 4)
        case s.BytesShape():
            return st.binary(max_size=100)
        case s.FixedBytesShape(length):
            return st.binary(min_size=length, max_size=length)
        case s.SequenceShape(item, maximum, as_tuple):
            lists = st.lists(values(item, depth), max_size=min(maximum or 4, 4))
            return lists.map(tuple) if as_tuple else lists
        case s.SetShape(item):
            return st.frozensets(values(item, depth), max_size=4)
        case s.MapShape(key, value):
            return st.dictionaries(values(key, depth), values(value, depth), max_size=4)
        case s.BitsShape():
            return st.lists(st.booleans(), max_size=20).map(tuple)
        case s.ArrayShape(item, length):
            return st.tuples(*(values(item, depth) for _ in range(length)))
        case s.TupleShape(items):
            return st.tuples(*(values(item, depth) for item in items))
        case s.OptionShape(item):
            return st.none() | values(item, depth)
        case s.StructShape(cls) if cls is Ordered:
            return st.tuples(st.integers(0, 255), st.integers(0, 255)).map(
                lambda pair: Ordered(*sorted(pair))
            )
        case s.StructShape(cls, fields):
            return st.builds(cls, *(values(each.shape, depth) for each in fields))
        case s.EnumShape(variants):
            return st.one_of(*(values(each.body, depth) for each in variants))
        case s.PlainEnumShape(cls):
            return st.sampled_from(cls)
        case s.NewtypeShape(inner):
            return values(inner, depth)
        case s.CustomShape():
            return st.builds(Mortal.at, st.integers(0, 10**6), st.integers(0, 10**5))
        case s.RecursiveShape():
            return st.just(Stop()) if depth == 3 else st.deferred(lambda: values(shape.resolve(), depth + 1))


@pytest.mark.parametrize("tp", TYPES, ids=_short)
def test_a_value_has_one_encoding_and_needs_no_help_of_the_reference(tp: Any) -> None:
    shape, space = Scale().shape(tp), Namespace()
    encode, decode = space.globals[encoder(space, shape)], space.globals[decoder(space, shape)]

    @settings(max_examples=60, deadline=None)
    @given(values(shape), st.binary(max_size=3))
    def agree(value: Any, before: bytes) -> None:
        raw = reference.encode(shape, value)
        assert encode(value, 0) == raw
        assert reference.decode(shape, raw, 0) == (value, len(raw))
        assert decode(before + raw + b"\x07", len(before), 0) == (value, len(before + raw))
        assert len(raw) >= s.minimum_size(shape)

    agree()


def outcome(shape: s.Shape, raw: bytes) -> object:
    """What the reference makes of bytes: value and end, or the reason of the refusal."""
    try:
        return reference.decode(shape, raw, 0)
    except InvalidScale as fault:
        return fault.reason


@pytest.mark.parametrize("tp", TYPES, ids=_short)
def test_mutilated_bytes_are_never_read_differently(tp: Any) -> None:
    shape, space = Scale().shape(tp), Namespace()
    decode = space.globals[decoder(space, shape)]

    @settings(max_examples=120, deadline=None)
    @given(values(shape), st.data())
    def agree(value: Any, data: st.DataObject) -> None:
        raw = bytearray(reference.encode(shape, value))
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, max(len(raw) - 1, 0)))
            raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        expected = outcome(shape, bytes(raw))
        try:
            got = decode(bytes(raw), 0, 0)
        except FALLBACK:
            assert not isinstance(expected, tuple), "the generated decoder refuses what is valid"
        else:
            assert got == expected

    agree()


@pytest.mark.parametrize("tp", TYPES, ids=_short)
def test_random_bytes_end_in_a_value_or_in_a_reason(tp: Any) -> None:
    fast = codec(tp)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=200))
    def holds(raw: bytes) -> None:
        try:
            value = fast.decode(raw)
        except InvalidScale:
            return
        else:
            assert fast.encode(value) == raw, "two encodings of one value"

    holds()
