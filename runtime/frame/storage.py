"""Storage items: declared once on a pallet class, bound to the state of one execution.

    class Balances(Pallet, index=5):
        total_issuance: StorageValue[Balance] = StorageValue(default=0, doc="The total units issued.")
        holds: StorageMap[AccountId, Holds] = StorageMap(default=(), doc="Holds on account balances.")

The annotation gives the types of keys and value, the attribute the name (`total_issuance` is
`TotalIssuance`), the pallet the prefix. `StorageValue[T | None]` is an item that may be absent
(`OptionQuery`), any other needs a `default` (`ValueQuery`). On the class the item is its declaration,
for metadata and raw keys (`Balances.holds.key(who)`); on an instance it reads and writes.

Keys are Substrate's: twox128(pallet) ++ twox128(item) ++ hasher(key) for each key. `encoded=True`
keeps the value as SCALE bytes, for a type that only the composed runtime knows.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from types import NoneType, UnionType
from typing import Any, ClassVar, Generic, Self, TypeVar, Union, cast, get_args, get_origin

from runtime.frame.overlay import ABSENT, RAW, Overlay, ValueCodec
from runtime.primitives import hashing
from runtime.primitives.scale import codec

K = TypeVar("K")
K2 = TypeVar("K2")
K3 = TypeVar("K3")
V = TypeVar("V")


class Hasher(IntEnum):
    """How a map key becomes part of a storage key; the values are those of the metadata."""

    BLAKE2_128 = 0
    BLAKE2_256 = 1
    BLAKE2_128_CONCAT = 2
    TWOX_128 = 3
    TWOX_256 = 4
    TWOX_64_CONCAT = 5
    IDENTITY = 6


_HASH: dict[Hasher, Callable[[bytes], bytes]] = {
    Hasher.BLAKE2_128: hashing.blake2_128,
    Hasher.BLAKE2_256: hashing.blake2_256,
    Hasher.BLAKE2_128_CONCAT: hashing.blake2_128_concat,
    Hasher.TWOX_128: hashing.twox_128,
    Hasher.TWOX_256: hashing.twox_256,
    Hasher.TWOX_64_CONCAT: hashing.twox_64_concat,
    Hasher.IDENTITY: hashing.identity,
}
_PLAIN_KEY_OFFSET = {Hasher.BLAKE2_128_CONCAT: 16, Hasher.TWOX_64_CONCAT: 8, Hasher.IDENTITY: 0}
"""Where the readable key starts behind these hashers; a map under another hasher can not list its keys."""


def storage_prefix(pallet: str, item: str) -> bytes:
    """The 32 bytes under which a pallet's item lies."""
    return hashing.twox_128(pallet.encode()) + hashing.twox_128(item.encode())


def _optional_inside(annotation: Any) -> Any:
    """`T` of `T | None`, or `ABSENT` where the annotation is not optional."""
    if get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation):
        rest = tuple(part for part in get_args(annotation) if part is not NoneType)
        return rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 - built from a tuple of types
    return ABSENT


class StorageItem:
    """What every kind of storage item shares: its declaration, and the overlay once bound."""

    key_count: ClassVar[int]
    hashers: tuple[Hasher, ...]

    def __init__(
        self, default: Any = ABSENT, *, name: str = "", doc: str = "", encoded: bool = False
    ) -> None:
        self.default = default
        self.encoded = encoded
        self.name = name
        self.doc = doc
        self.pallet = ""
        self.prefix = b""
        self.optional = False
        self.key_types: tuple[Any, ...] = ()
        self.value_type: Any = None
        self.overlay: Overlay = cast(Overlay, None)

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute
        self.name = self.name or "".join(part.capitalize() for part in attribute.split("_"))

    def __get__(self, instance: Any, owner: type) -> Self:
        if instance is None:
            return self
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound.bind(instance.env.overlay)
        instance.__dict__[self.attribute] = bound
        return bound

    def declare(self, pallet: str, arguments: tuple[Any, ...]) -> None:
        """Fix names and codecs from the annotation's type arguments; called once per pallet class."""
        if self.pallet:
            raise TypeError(f"{self.name} is storage of {self.pallet} and can not be {pallet}'s too")
        self.pallet = pallet
        self.prefix = storage_prefix(pallet, self.name)
        *keys, value = arguments
        if len(keys) != self.key_count:
            raise TypeError(f"{pallet}.{self.name} needs {self.key_count} key types, got {len(keys)}")
        inner = _optional_inside(value)
        if inner is not ABSENT:
            self.optional, self.default, value = True, None, inner
        elif self.default is ABSENT:
            raise TypeError(f"{pallet}.{self.name} needs a default, or `| None` in its annotation")
        self.key_types, self.value_type = tuple(keys), value
        self.codec: ValueCodec = RAW if self.encoded else codec(value)
        self.key_codecs = tuple(codec(key) for key in keys)

    def bind(self, overlay: Overlay) -> None:
        """Read and write through `overlay` from now on."""
        self.overlay = overlay

    def _read(self, key: bytes) -> Any:
        value = self.overlay.get(key, self.codec)
        return self.default if value is ABSENT else value

    def _write(self, key: bytes, value: Any) -> None:
        self.overlay.put(key, self.codec, ABSENT if value is None and self.optional else value)


class StorageValue(StorageItem, Generic[V]):
    """One value."""

    key_count = 0
    hashers = ()

    def key(self) -> bytes:
        """The storage key."""
        return self.prefix

    def get(self) -> V:
        """The value, or the default (None for an optional item)."""
        return cast(V, self._read(self.prefix))

    def exists(self) -> bool:
        """Whether the state holds a value."""
        return self.overlay.get(self.prefix, self.codec) is not ABSENT

    def put(self, value: V) -> None:
        """Write the value; None deletes an optional one."""
        self._write(self.prefix, value)

    def kill(self) -> None:
        """Delete the value."""
        self.overlay.put(self.prefix, self.codec, ABSENT)

    def take(self) -> V:
        """Read, then delete."""
        value = self.get()
        self.kill()
        return value


class _Map(StorageItem):
    """Shared by maps: hashing of keys, and listing what lies under a prefix."""

    def bind(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self._keys: dict[Any, bytes] = {}

    def _hash(self, position: int, key: Any) -> bytes:
        return _HASH[self.hashers[position]](self.key_codecs[position].encode(key))

    def _split(self, key: bytes) -> tuple[Any, ...]:
        """The map keys inside a storage key."""
        parts = []
        offset = len(self.prefix)
        for hasher, key_codec in zip(self.hashers, self.key_codecs, strict=True):
            part, offset = key_codec.decode_from(key, offset + _PLAIN_KEY_OFFSET[hasher])
            parts.append(part)
        return tuple(parts)

    def _remove_all(self, prefix: bytes, limit: int) -> int:
        removed = 0
        for key in self.overlay.keys(prefix):
            if removed == limit:
                break
            self.overlay.put(key, self.codec, ABSENT)
            removed += 1
        return removed


class StorageMap(_Map, Generic[K, V]):
    """Values under one key."""

    key_count = 1

    def __init__(
        self,
        default: Any = ABSENT,
        *,
        hasher: Hasher = Hasher.BLAKE2_128_CONCAT,
        name: str = "",
        doc: str = "",
    ) -> None:
        super().__init__(default, name=name, doc=doc)
        self.hashers = (hasher,)

    def key(self, key: K) -> bytes:
        """The storage key of one entry."""
        return self.prefix + self._hash(0, key)

    def _key(self, key: K) -> bytes:
        found = self._keys.get(key)
        if found is None:
            found = self._keys[key] = self.key(key)
        return found

    def get(self, key: K) -> V:
        """The value under `key`, or the default (None for an optional item)."""
        return cast(V, self._read(self._key(key)))

    def contains(self, key: K) -> bool:
        """Whether the state holds a value under `key`."""
        return self.overlay.get(self._key(key), self.codec) is not ABSENT

    def insert(self, key: K, value: V) -> None:
        """Write the value under `key`; None deletes an optional one."""
        self._write(self._key(key), value)

    def remove(self, key: K) -> None:
        """Delete the value under `key`."""
        self.overlay.put(self._key(key), self.codec, ABSENT)

    def take(self, key: K) -> V:
        """Read, then delete."""
        value = self.get(key)
        self.remove(key)
        return value

    def items(self) -> Iterator[tuple[K, V]]:
        """Entries in the order of their storage keys: for genesis, tests and bounded maps only."""
        for key in self.overlay.keys(self.prefix):
            yield self._split(key)[0], cast(V, self._read(key))

    def clear(self, limit: int) -> int:
        """Delete at most `limit` entries; the answer is how many were deleted."""
        return self._remove_all(self.prefix, limit)


class StorageDoubleMap(_Map, Generic[K, K2, V]):
    """Values under two keys; all that lies under one first key can be listed and removed."""

    key_count = 2

    def __init__(
        self,
        default: Any = ABSENT,
        *,
        hashers: tuple[Hasher, Hasher] = (Hasher.BLAKE2_128_CONCAT, Hasher.BLAKE2_128_CONCAT),
        name: str = "",
        doc: str = "",
    ) -> None:
        super().__init__(default, name=name, doc=doc)
        self.hashers = hashers

    def prefix_of(self, first: K) -> bytes:
        """What the storage keys of all entries under `first` start with."""
        return self.prefix + self._hash(0, first)

    def key(self, first: K, second: K2) -> bytes:
        """The storage key of one entry."""
        return self.prefix_of(first) + self._hash(1, second)

    def get(self, first: K, second: K2) -> V:
        """The value under both keys, or the default (None for an optional item)."""
        return cast(V, self._read(self.key(first, second)))

    def contains(self, first: K, second: K2) -> bool:
        """Whether the state holds a value under both keys."""
        return self.overlay.get(self.key(first, second), self.codec) is not ABSENT

    def insert(self, first: K, second: K2, value: V) -> None:
        """Write the value; None deletes an optional one."""
        self._write(self.key(first, second), value)

    def remove(self, first: K, second: K2) -> None:
        """Delete the value under both keys."""
        self.overlay.put(self.key(first, second), self.codec, ABSENT)

    def items_under(self, first: K) -> Iterator[tuple[K2, V]]:
        """The entries under `first`, in the order of their storage keys."""
        for key in self.overlay.keys(self.prefix_of(first)):
            yield self._split(key)[1], cast(V, self._read(key))

    def clear_under(self, first: K, limit: int) -> int:
        """Delete at most `limit` entries under `first`; the answer is how many were deleted."""
        return self._remove_all(self.prefix_of(first), limit)


class StorageTripleMap(_Map, Generic[K, K2, K3, V]):
    """Values under three keys (`StorageNMap` in Substrate); all under one first key can be removed."""

    key_count = 3

    def __init__(
        self,
        default: Any = ABSENT,
        *,
        hashers: tuple[Hasher, Hasher, Hasher],
        name: str = "",
        doc: str = "",
    ) -> None:
        super().__init__(default, name=name, doc=doc)
        self.hashers = hashers

    def key(self, first: K, second: K2, third: K3) -> bytes:
        """The storage key of one entry."""
        return self.prefix + self._hash(0, first) + self._hash(1, second) + self._hash(2, third)

    def get(self, first: K, second: K2, third: K3) -> V:
        """The value under the three keys, or the default (None for an optional item)."""
        return cast(V, self._read(self.key(first, second, third)))

    def insert(self, first: K, second: K2, third: K3, value: V) -> None:
        """Write the value; None deletes an optional one."""
        self._write(self.key(first, second, third), value)

    def items_under(self, first: K) -> Iterator[tuple[K2, K3, V]]:
        """The entries under `first`, in the order of their storage keys."""
        for key in self.overlay.keys(self.prefix + self._hash(0, first)):
            _, second, third = self._split(key)
            yield second, third, cast(V, self._read(key))

    def clear_under(self, first: K, limit: int) -> int:
        """Delete at most `limit` entries under `first`; the answer is how many were deleted."""
        return self._remove_all(self.prefix + self._hash(0, first), limit)
