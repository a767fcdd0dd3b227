"""Parts of the layouts that more than one version of the metadata shares (crate `frame-metadata`)."""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from runtime.frame.storage import Hasher
from runtime.metadata import form
from runtime.primitives.scale import Vector, variant
from runtime.primitives.scale.description import TypeId

S = TypeVar("S")

Lines: TypeAlias = Vector[str]


@variant(0, unnamed=True)
@dataclass(frozen=True, slots=True)
class Plain:
    """A storage item with one value."""

    value: TypeId


@variant(1)
@dataclass(frozen=True, slots=True)
class Map:
    """A storage item with a value for each key."""

    hashers: Vector[Hasher]
    key: TypeId
    value: TypeId


EntryType: TypeAlias = Plain | Map


@dataclass(frozen=True, slots=True)
class Storage(Generic[S]):
    """The storage of a pallet."""

    prefix: str
    entries: Vector[S]


@dataclass(frozen=True, slots=True)
class Extension:
    """A transaction extension."""

    identifier: str
    type: TypeId
    implicit: TypeId


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an interface function."""

    name: str
    type: TypeId


@dataclass(frozen=True, slots=True)
class OuterEnums:
    """The enums over all pallets."""

    calls: TypeId
    events: TypeId
    errors: TypeId


@dataclass(frozen=True, slots=True)
class CustomValue:
    """A value that a chain adds for its own clients."""

    type: TypeId
    value: bytes


def entry_type(entry: form.StorageEntry) -> EntryType:
    """What lies under a storage item."""
    return Plain(entry.value) if entry.key is None else Map(entry.hashers, entry.key, entry.value)


def extensions(extrinsic: form.Extrinsic) -> tuple[Extension, ...]:
    """The extensions, in the order in which they are signed."""
    return tuple(Extension(each.identifier, each.type, each.implicit) for each in extrinsic.extensions)


def parameters(function: form.ApiFunction) -> tuple[Parameter, ...]:
    """What an interface function takes."""
    return tuple(Parameter(name, each) for name, each in function.inputs)


def outer_enums(metadata: form.Metadata) -> OuterEnums:
    """The enums over all pallets."""
    return OuterEnums(metadata.calls, metadata.events, metadata.errors)
