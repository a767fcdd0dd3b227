"""Metadata V15: V14, and runtime interfaces, documentation of pallets, the parts of an extrinsic."""

from dataclasses import dataclass

from runtime.metadata import form, parts, v14
from runtime.primitives.integers import U8
from runtime.primitives.scale import Vector, codec
from runtime.primitives.scale.description import PortableType, TypeId

VERSION = 15


@dataclass(frozen=True, slots=True)
class Pallet:
    """A pallet: V14's, and its documentation."""

    body: v14.Pallet
    docs: parts.Lines


@dataclass(frozen=True, slots=True)
class Extrinsic:
    """The envelope of transactions and its parts."""

    version: U8
    address: TypeId
    call: TypeId
    signature: TypeId
    extra: TypeId
    extensions: Vector[parts.Extension]


@dataclass(frozen=True, slots=True)
class ApiFunction:
    """A function of a runtime interface."""

    name: str
    inputs: Vector[parts.Parameter]
    output: TypeId
    docs: parts.Lines


@dataclass(frozen=True, slots=True)
class Interface:
    """A runtime interface."""

    name: str
    functions: Vector[ApiFunction]
    docs: parts.Lines = ()


@dataclass(frozen=True, slots=True)
class Metadata:
    """`RuntimeMetadataV15`."""

    types: Vector[PortableType]
    pallets: Vector[Pallet]
    extrinsic: Extrinsic
    runtime: TypeId
    interfaces: Vector[Interface]
    outer: parts.OuterEnums
    custom: dict[str, parts.CustomValue]


CODEC = codec(Metadata)


def encode(metadata: form.Metadata) -> bytes:
    """SCALE bytes, without the magic number and the version."""
    return CODEC.encode(
        Metadata(
            metadata.types,
            tuple(Pallet(v14.pallet(each), each.docs) for each in metadata.pallets),
            _extrinsic(metadata.extrinsic),
            metadata.runtime,
            tuple(_interface(each) for each in metadata.interfaces),
            parts.outer_enums(metadata),
            {},
        )
    )


def _extrinsic(described: form.Extrinsic) -> Extrinsic:
    return Extrinsic(
        described.version,
        described.address,
        described.call,
        described.signature,
        described.extra,
        parts.extensions(described),
    )


def _interface(described: form.Interface) -> Interface:
    functions = tuple(
        ApiFunction(each.name, parts.parameters(each), each.output, each.docs) for each in described.functions
    )
    return Interface(described.name, functions)
