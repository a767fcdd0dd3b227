"""Metadata V16: V15 with versions of interfaces and extensions, and a place for deprecations everywhere.

Nothing of this chain is deprecated, has associated types or view functions yet, so those places are empty.
"""

from dataclasses import dataclass
from enum import IntEnum

from runtime.metadata import form, parts
from runtime.primitives.integers import U8
from runtime.primitives.scale import CompactU32, Vector, codec
from runtime.primitives.scale.description import PortableType, TypeId

VERSION = 16

EXTENSIONS_VERSION = 0
"""The version of the set of extensions; an extrinsic of version 4 knows no other."""


class Deprecation(IntEnum):
    """Whether an item is deprecated."""

    NotDeprecated = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A storage item."""

    name: str
    has_default: bool
    type: parts.EntryType
    default: bytes
    docs: parts.Lines
    deprecation: Deprecation = Deprecation.NotDeprecated


@dataclass(frozen=True, slots=True)
class PalletEnum:
    """The calls, events or errors of a pallet, and which variants are deprecated."""

    type: TypeId
    deprecations: dict[U8, Deprecation]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the runtime fixes."""

    name: str
    type: TypeId
    value: bytes
    docs: parts.Lines
    deprecation: Deprecation = Deprecation.NotDeprecated


@dataclass(frozen=True, slots=True)
class Pallet:
    """A pallet."""

    name: str
    storage: parts.Storage[Entry] | None
    calls: PalletEnum | None
    events: PalletEnum | None
    constants: Vector[Constant]
    errors: PalletEnum | None
    associated_types: Vector[parts.Parameter]
    view_functions: Vector[parts.Parameter]
    index: U8
    docs: parts.Lines
    deprecation: Deprecation = Deprecation.NotDeprecated


@dataclass(frozen=True, slots=True)
class Extrinsic:
    """The envelope of transactions; the extensions of each version are places in the list of all."""

    versions: Vector[U8]
    address: TypeId
    call: TypeId
    signature: TypeId
    by_version: dict[U8, Vector[CompactU32]]
    extensions: Vector[parts.Extension]


@dataclass(frozen=True, slots=True)
class ApiFunction:
    """A function of a runtime interface."""

    name: str
    inputs: Vector[parts.Parameter]
    output: TypeId
    docs: parts.Lines
    deprecation: Deprecation = Deprecation.NotDeprecated


@dataclass(frozen=True, slots=True)
class Interface:
    """A runtime interface."""

    name: str
    functions: Vector[ApiFunction]
    docs: parts.Lines
    version: CompactU32
    deprecation: Deprecation = Deprecation.NotDeprecated


@dataclass(frozen=True, slots=True)
class Metadata:
    """`RuntimeMetadataV16`."""

    types: Vector[PortableType]
    pallets: Vector[Pallet]
    extrinsic: Extrinsic
    interfaces: Vector[Interface]
    outer: parts.OuterEnums
    custom: dict[str, parts.CustomValue]


CODEC = codec(Metadata)


def encode(metadata: form.Metadata) -> bytes:
    """SCALE bytes, without the magic number and the version."""
    return CODEC.encode(
        Metadata(
            metadata.types,
            tuple(_pallet(each) for each in metadata.pallets),
            _extrinsic(metadata.extrinsic),
            tuple(_interface(each) for each in metadata.interfaces),
            parts.outer_enums(metadata),
            {},
        )
    )


def _pallet(described: form.Pallet) -> Pallet:
    entries = tuple(
        Entry(each.name, not each.optional, parts.entry_type(each), each.default, each.docs)
        for each in described.storage
    )
    return Pallet(
        described.name,
        parts.Storage(described.name, entries) if entries else None,
        _enum(described.calls),
        _enum(described.events),
        tuple(Constant(each.name, each.type, each.value, each.docs) for each in described.constants),
        _enum(described.errors),
        (),
        (),
        described.index,
        described.docs,
    )


def _enum(found: int | None) -> PalletEnum | None:
    return None if found is None else PalletEnum(found, {})


def _extrinsic(described: form.Extrinsic) -> Extrinsic:
    extensions = parts.extensions(described)
    return Extrinsic(
        (described.version,),
        described.address,
        described.call,
        described.signature,
        {EXTENSIONS_VERSION: tuple(range(len(extensions)))},
        extensions,
    )


def _interface(described: form.Interface) -> Interface:
    functions = tuple(
        ApiFunction(each.name, parts.parameters(each), each.output, each.docs) for each in described.functions
    )
    return Interface(described.name, functions, (), described.version)
