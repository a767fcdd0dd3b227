"""The state of the best block as plain key-value pairs: what execution reads.

Each block on the way has a *delta*: the values that lead away from where the flat state stands. Exchanging a
delta with the flat state moves it over that block, and leaves the delta that leads back; so one record per
block serves undoing and redoing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import Final, TypeAlias

from chain.store.cache import GenerationalCache
from chain.store.kv import Batch, KeyValue
from chain.store.schema import FLAT, META_FLAT

Values: TypeAlias = dict[bytes, bytes | None]
"""Storage key -> value, None where there is none."""


class Moved(Exception):
    """The flat state stands, or is about to stand, at another block than asked for."""


class _Unknown:
    """The type of the mark for 'not in the cache', told apart from a cached absence."""


_UNKNOWN: Final = _Unknown()

_Cached: TypeAlias = bytes | _Unknown | None


def _size(key: bytes, value: _Cached) -> int:
    return len(key) + (len(value) if isinstance(value, bytes) else 0)


class FlatState:
    """The flat column and the write-through cache before it.

    Readers on other threads are safe without waiting for the writer: a reader notes the generation, checks
    the block, reads, and trusts what it read only if the generation is still the same. The writer raises the
    generation and withdraws the block before anything changes.
    """

    def __init__(self, kv: KeyValue, block: bytes, cache_limit: int) -> None:
        self._kv = kv
        self._block: bytes | None = block
        self._generation = 0
        self._lock = Lock()
        self._cache: GenerationalCache[_Cached] = GenerationalCache(cache_limit, _size)

    def read(self, block: bytes, key: bytes) -> bytes | None:
        """The value of `key` in the state of `block`. Raises `Moved` unless the flat state stands there."""
        generation = self._generation
        if self._block != block:
            raise Moved
        value = self._cache.peek(key, _UNKNOWN)
        if isinstance(value, _Unknown):
            return self._load(key, generation)
        if generation != self._generation:
            raise Moved
        return value

    def recent(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """What the cache holds under `keys`, of whichever block: a hint, to be checked by whoever uses it."""
        found = {}
        for key in keys:
            value = self._cache.peek(key, _UNKNOWN)
            if isinstance(value, bytes):
                found[key] = value
        return found

    def keys(self, block: bytes, prefix: bytes, start_after: bytes | None) -> Iterator[bytes]:
        """Keys of the state of `block` under `prefix`, ascending, after `start_after`. Raises `Moved` at
        once.
        """
        generation = self._generation
        if self._block != block:
            raise Moved
        pairs = self._kv.iterate(FLAT + prefix, None if start_after is None else FLAT + start_after)
        if generation != self._generation:
            raise Moved
        return (key[1:] for key, _ in pairs)

    def _load(self, key: bytes, generation: int) -> bytes | None:
        with self._lock:
            value = self._cache.get(key, _UNKNOWN)
        if isinstance(value, _Unknown):
            value = self._kv.get(FLAT + key)
        with self._lock:
            if generation != self._generation:
                raise Moved
            self._cache.put(key, value)
        return value

    @property
    def cached_bytes(self) -> int:
        """Bytes charged to the cache."""
        return self._cache.size

    def start_move(self) -> "Move":
        """A move of the flat state to another block, to be staged into a batch."""
        assert self._block is not None, "one move at a time"
        return Move(self, self._block)

    def perform(self, values: Mapping[bytes, bytes | None], block: bytes, write: Callable[[], None]) -> None:
        """Run `write`, which puts `values` on the disk, while no reader trusts the flat state; then serve
        `block`.

        When `write` raises, nothing has changed.
        """
        before = self._block
        with self._lock:
            self._generation += 1
            self._block = None
        try:
            write()
        except BaseException:
            self._block = before
            raise
        with self._lock:
            for key, value in values.items():
                self._cache.put(key, value)
            self._block = block


class Move:
    """Exchanges under way: what the flat state will hold, and the deltas that lead back."""

    def __init__(self, flat: FlatState, origin: bytes) -> None:
        self._flat = flat
        self._origin = origin
        self.values: Values = {}

    def exchange(self, delta: Mapping[bytes, bytes | None]) -> Values:
        """Put `delta` into the flat state; returns the values that were there, the delta that leads back."""
        before: Values = {}
        values, read, origin = self.values, self._flat.read, self._origin
        for key, value in delta.items():
            before[key] = values[key] if key in values else read(origin, key)
            values[key] = value
        return before

    def stage(self, batch: Batch, block: bytes) -> None:
        """Put the new values and the stamp of `block` into `batch`."""
        for key, value in self.values.items():
            batch[FLAT + key] = value
        batch[META_FLAT] = block
