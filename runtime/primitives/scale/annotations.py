"""The annotation language from which codecs and metadata are derived.

| annotation | SCALE |
|---|---|
| `U8` ... `I256` (`runtime.primitives.integers`) | fixed-width little-endian integer |
| `CompactU8` ... `CompactU128` | compact integer |
| `bool`, `str`, `bytes` | bool, String, Vec<u8> |
| `Annotated[bytes, FixedBytes(n)]`, e.g. `Bytes4`, `H256`, `AccountId` | [u8; n] |
| `list[T]`, `Vector[T]` (a tuple) | Vec<T> |
| `Annotated[tuple[T, ...], Array(n)]` | [T; n] |
| `Annotated[tuple[bool, ...], Bits()]` | BitVec<u8, Lsb0> |
| `tuple[A, B]`, `tuple[()]`, `None` | tuple, unit |
| `T \\| None` | Option<T> (`bool \\| None` in one byte) |
| `dict[K, V]`, `frozenset[T]` | BTreeMap, BTreeSet |
| frozen dataclass | struct, fields in order |
| union of dataclasses decorated `@variant(i)` | enum |
| `enum.IntEnum` | enum without fields |
| `Ok[T] \\| Err[E]`, in short `Result[T, E]` | Result<T, E> |
| `Annotated[bytes \\| str \\| list \\| ..., MaxLen(n)]` | the same with a bound that decoding enforces |
| `Annotated[T, ScalePath("a::B")]` | T, described in metadata as the newtype or enum `a::B` |
| `Annotated[Any, Bound("RuntimeCall")]` | whatever a `Scale` instance binds to that name |
| `Annotated[T, Custom(...)]` | an encoding written by hand |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, cast

T = TypeVar("T")
E = TypeVar("E")
C = TypeVar("C", bound=type)


@dataclass(frozen=True, slots=True)
class CompactType:
    """A compact integer whose value fits `bits` unsigned bits."""

    bits: int


@dataclass(frozen=True, slots=True)
class FixedBytes:
    """Exactly `length` raw bytes without a length prefix."""

    length: int


@dataclass(frozen=True, slots=True)
class Array:
    """Exactly `length` items without a length prefix."""

    length: int


@dataclass(frozen=True, slots=True)
class MaxLen:
    """At most `length` bytes (of `bytes` and `str`) or items (of collections)."""

    length: int


@dataclass(frozen=True, slots=True)
class Bits:
    """A tuple of booleans packed eight to a byte, least significant first."""


@dataclass(frozen=True, slots=True)
class ScalePath:
    """The name under which metadata describes a type, such as `sp_core::crypto::AccountId32`.

    `params` are the generic parameters: (name, annotation) or (name, None) where metadata leaves one out.
    """

    path: str
    params: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class TypeName:
    """How the source spells a field's type, for metadata only, such as `T::Balance`."""

    name: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A type that is known only once a runtime is composed, such as its call enum."""

    name: str


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One variant of a custom type's description: index, name, annotations of its unnamed fields."""

    index: int
    name: str
    fields: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Custom:
    """An encoding that no other annotation expresses.

    `encode(value)` and `decode_from(buffer, offset)` raise `InvalidScale`; `path` and `variants` describe
    the type for metadata; `minimum_size` is the least number of bytes it occupies.
    """

    encode: Callable[[Any], bytes]
    decode_from: Callable[[bytes, int], tuple[Any, int]]
    path: str
    variants: tuple[VariantSpec, ...]
    minimum_size: int


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """What `@scale_path` and `@variant` note on a class, for codecs (index) and for metadata (the rest)."""

    path: str = ""
    index: int | None = None
    name: str = ""
    unnamed: bool = False


CompactU8 = Annotated[int, CompactType(8)]
CompactU16 = Annotated[int, CompactType(16)]
CompactU32 = Annotated[int, CompactType(32)]
CompactU64 = Annotated[int, CompactType(64)]
CompactU128 = Annotated[int, CompactType(128)]

Vector: TypeAlias = tuple[T, ...]


def variant(index: int, *, name: str = "", unnamed: bool = False) -> Callable[[C], C]:
    """Class decorator: this frozen dataclass is the enum variant `index`.

    For metadata: `name` (default: the class's) and `unnamed` (fields without names, as in `Id(AccountId)`).
    """
    if not 0 <= index <= 255:
        raise ValueError(f"a variant index fits one byte: {index}")

    def mark(cls: C) -> C:
        setattr(cls, INFO_ATTRIBUTE, TypeInfo("", index, name or cls.__name__, unnamed))
        return cls

    return mark


def scale_path(path: str, *, unnamed: bool = False) -> Callable[[C], C]:
    """Class decorator: metadata describes this dataclass or IntEnum under `path`."""

    def mark(cls: C) -> C:
        setattr(cls, INFO_ATTRIBUTE, TypeInfo(path, None, cls.__name__, unnamed))
        return cls

    return mark


INFO_ATTRIBUTE = "__scale_info__"


def type_info(cls: type) -> TypeInfo:
    """What the decorators noted on this very class (not on a base)."""
    return cast(TypeInfo, vars(cls).get(INFO_ATTRIBUTE, TypeInfo()))


def doc_lines(cls: type) -> tuple[str, ...]:
    """The class's docstring as metadata lines; a docstring that `dataclass` made up counts as none."""
    text = vars(cls).get("__doc__") or ""
    if text.startswith(f"{cls.__name__}("):
        return ()
    lines: Sequence[str] = [line.strip() for line in text.strip().splitlines()]
    return tuple(lines)


@variant(0, unnamed=True)
@dataclass(frozen=True, slots=True)
class Ok(Generic[T]):
    """The success of a `Result`."""

    value: T


@variant(1, unnamed=True)
@dataclass(frozen=True, slots=True)
class Err(Generic[E]):
    """The failure of a `Result`."""

    error: E


Result: TypeAlias = Annotated[Ok[T] | Err[E], ScalePath("Result")]
