"""The intermediate form: all that any version of the metadata says, in none of their layouts.

Types are ids into `Metadata.types`; `docs` are lines. Values and defaults are SCALE bytes.
"""

from dataclasses import dataclass

from runtime.frame.storage import Hasher
from runtime.primitives.scale.description import PortableType


@dataclass(frozen=True, slots=True)
class StorageEntry:
    """A storage item. A plain value has no hashers and no key; several keys are one tuple type."""

    name: str
    optional: bool
    hashers: tuple[Hasher, ...]
    key: int | None
    value: int
    default: bytes
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the runtime fixes."""

    name: str
    type: int
    value: bytes
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pallet:
    """A pallet; `calls`, `events` and `errors` are the types of its enums, where it has such."""

    name: str
    index: int
    storage: tuple[StorageEntry, ...]
    calls: int | None
    events: int | None
    errors: int | None
    constants: tuple[Constant, ...]
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """A transaction extension: the type of what it sends, and of what is signed but not sent."""

    identifier: str
    type: int
    implicit: int


@dataclass(frozen=True, slots=True)
class Extrinsic:
    """The envelope of transactions: the type of the whole and of its parts."""

    version: int
    type: int
    address: int
    call: int
    signature: int
    extra: int
    extensions: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class ApiFunction:
    """One function of a runtime interface; `inputs` are (name, type)."""

    name: str
    inputs: tuple[tuple[str, int], ...]
    output: int
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interface:
    """A runtime interface, as `state_call` serves it."""

    name: str
    version: int
    functions: tuple[ApiFunction, ...]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Everything. `calls`, `events` and `errors` are the outer enums, one variant for each pallet."""

    types: tuple[PortableType, ...]
    pallets: tuple[Pallet, ...]
    extrinsic: Extrinsic
    runtime: int
    calls: int
    events: int
    errors: int
    interfaces: tuple[Interface, ...]
