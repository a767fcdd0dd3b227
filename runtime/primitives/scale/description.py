"""How metadata describes types (scale-info 2), itself in the annotation language and so encodable."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from runtime.primitives.integers import U8, U32
from runtime.primitives.scale.annotations import CompactU32, Vector, variant

TypeId = CompactU32


class Primitive(IntEnum):
    """scale-info's primitive types."""

    BOOL = 0
    CHAR = 1
    STR = 2
    U8 = 3
    U16 = 4
    U32 = 5
    U64 = 6
    U128 = 7
    U256 = 8
    I8 = 9
    I16 = 10
    I32 = 11
    I64 = 12
    I128 = 13
    I256 = 14


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a composite or variant."""

    name: str | None
    type: TypeId
    type_name: str | None = None
    docs: Vector[str] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of an enum."""

    name: str
    fields: Vector[Field]
    index: U8
    docs: Vector[str] = ()


@variant(0)
@dataclass(frozen=True, slots=True)
class CompositeDef:
    """A struct."""

    fields: Vector[Field]


@variant(1)
@dataclass(frozen=True, slots=True)
class VariantDef:
    """An enum."""

    variants: Vector[Variant]


@variant(2)
@dataclass(frozen=True, slots=True)
class SequenceDef:
    """A collection of any length."""

    item: TypeId


@variant(3)
@dataclass(frozen=True, slots=True)
class ArrayDef:
    """A collection of fixed length."""

    length: U32
    item: TypeId


@variant(4)
@dataclass(frozen=True, slots=True)
class TupleDef:
    """A tuple; without items, the unit."""

    items: Vector[TypeId]


@variant(5)
@dataclass(frozen=True, slots=True)
class PrimitiveDef:
    """A primitive."""

    kind: Primitive


@variant(6)
@dataclass(frozen=True, slots=True)
class CompactDef:
    """A compact integer."""

    item: TypeId


@variant(7)
@dataclass(frozen=True, slots=True)
class BitSequenceDef:
    """A bit vector."""

    store: TypeId
    order: TypeId


Definition: TypeAlias = (
    CompositeDef | VariantDef | SequenceDef | ArrayDef | TupleDef | PrimitiveDef | CompactDef | BitSequenceDef
)


@dataclass(frozen=True, slots=True)
class TypeParameter:
    """A generic parameter; without a type where metadata leaves it out."""

    name: str
    type: TypeId | None


@dataclass(frozen=True, slots=True)
class Type:
    """A described type."""

    path: Vector[str]
    params: Vector[TypeParameter]
    definition: Definition
    docs: Vector[str] = ()


@dataclass(frozen=True, slots=True)
class PortableType:
    """A type under its id; `list[PortableType]` is scale-info's `PortableRegistry`."""

    id: TypeId
    type: Type
