"""Metadata V14, the last one without runtime interfaces: what `state_getMetadata` answers."""

from dataclasses import dataclass

from runtime.metadata import form, parts
from runtime.primitives.integers import U8
from runtime.primitives.scale import Vector, codec
from runtime.primitives.scale.description import PortableType, TypeId

VERSION = 14


@dataclass(frozen=True, slots=True)
class Entry:
    """A storage item; the modifier's two variants are encoded as a boolean would be."""

    name: str
    has_default: bool
    type: parts.EntryType
    default: bytes
    docs: parts.Lines


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the runtime fixes."""

    name: str
    type: TypeId
    value: bytes
    docs: parts.Lines


@dataclass(frozen=True, slots=True)
class Pallet:
    """A pallet."""

    name: str
    storage: parts.Storage[Entry] | None
    calls: TypeId | None
    events: TypeId | None
    constants: Vector[Constant]
    errors: TypeId | None
    index: U8


@dataclass(frozen=True, slots=True)
class Extrinsic:
    """The envelope of transactions; its parts are the parameters of its type."""

    type: TypeId
    version: U8
    extensions: Vector[parts.Extension]


@dataclass(frozen=True, slots=True)
class Metadata:
    """`RuntimeMetadataV14`."""

    types: Vector[PortableType]
    pallets: Vector[Pallet]
    extrinsic: Extrinsic
    runtime: TypeId


CODEC = codec(Metadata)


def encode(metadata: form.Metadata) -> bytes:
    """SCALE bytes, without the magic number and the version."""
    described = metadata.extrinsic
    extrinsic = Extrinsic(described.type, described.version, parts.extensions(described))
    pallets = tuple(pallet(each) for each in metadata.pallets)
    return CODEC.encode(Metadata(metadata.types, pallets, extrinsic, metadata.runtime))


def pallet(described: form.Pallet) -> Pallet:
    """A pallet in this version's layout."""
    entries = tuple(
        Entry(each.name, not each.optional, parts.entry_type(each), each.default, each.docs)
        for each in described.storage
    )
    return Pallet(
        described.name,
        parts.Storage(described.name, entries) if entries else None,
        described.calls,
        described.events,
        tuple(Constant(each.name, each.type, each.value, each.docs) for each in described.constants),
        described.errors,
        described.index,
    )
