"""A bounded map in two generations: as cheap as a dictionary, and what is used stays."""

from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

ENTRY_OVERHEAD = 200
"""Bytes charged per entry beside its content: object headers (33 per byte string) and its table share."""


class GenerationalCache(Generic[V]):
    """Least-recently-used in two steps, without the cost of reordering on every hit.

    Entries go into the young generation; when that holds half of the limit, the old generation is dropped
    and the young one becomes old. A hit in the old generation makes the entry young again. So an entry
    survives while it is used at least once per half limit, and the content never exceeds `limit` bytes
    by more than one entry. `peek` is safe from any thread; the rest needs the owner's lock where a value
    under a key can change.
    """

    def __init__(self, limit: int, size_of: Callable[[bytes, V], int]) -> None:
        self._half = limit // 2
        self._size_of = size_of
        self._young: dict[bytes, V] = {}
        self._old: dict[bytes, V] = {}
        self._young_size = 0
        self._old_size = 0

    def peek(self, key: bytes, default: V) -> V:
        """The value under `key` if it was used lately, else `default`; changes nothing."""
        return self._young.get(key, default)

    def get(self, key: bytes, default: V) -> V:
        """The value under `key`, or `default`; a hit keeps the entry."""
        value = self._young.get(key, default)
        if value is default:
            value = self._old.get(key, default)
            if value is not default:
                self.put(key, value)
        return value

    def put(self, key: bytes, value: V) -> None:
        """Hold `value` under `key`."""
        self._young[key] = value
        self._young_size += self._size_of(key, value) + ENTRY_OVERHEAD
        if self._young_size > self._half:
            self._old, self._young = self._young, {}
            self._old_size, self._young_size = self._young_size, 0

    def discard(self, key: bytes) -> None:
        """Forget `key`."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    @property
    def size(self) -> int:
        """Bytes charged at present; an upper bound, since overwritten entries are charged twice."""
        return self._young_size + self._old_size
