"""The in-memory twin of the LevelDB store: the same contract over a dictionary."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from chain.store.kv import prefix_end


class MemoryReader:
    """Reads over a dictionary and its sorted keys."""

    def __init__(self, data: dict[bytes, bytes]) -> None:
        self._data = data
        self._order: list[bytes] | None = None

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        return self._data.get(key)

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values under `keys`, in their order, None where there is none."""
        return [self._data.get(key) for key in keys]

    def iterate(
        self, prefix: bytes = b"", start_after: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """All pairs under `prefix` strictly beyond `start_after`, as they are at the call."""
        order = self._sorted_keys()
        end = prefix_end(prefix)
        low = bisect_left(order, prefix)
        high = len(order) if end is None else bisect_left(order, end)
        if start_after is not None and reverse:
            high = min(high, bisect_left(order, start_after))
        elif start_after is not None:
            low = max(low, bisect_right(order, start_after))
        keys = order[low:high]
        if reverse:
            keys.reverse()
        return iter([(key, self._data[key]) for key in keys])

    def _sorted_keys(self) -> list[bytes]:
        if self._order is None:
            self._order = sorted(self._data)
        return self._order


class MemorySnapshot(MemoryReader):
    """A copy of the content at one moment."""

    def close(self) -> None:
        """Forget the copy."""
        self._data = {}
        self._order = None


class MemoryKeyValue(MemoryReader):
    """A `KeyValue` that forgets everything when it is dropped."""

    def __init__(self, data: Mapping[bytes, bytes] | None = None) -> None:
        super().__init__(dict(data or {}))
        self._fsyncs = 0

    @property
    def path(self) -> str:
        """A name for error texts."""
        return "(in memory)"

    @property
    def fsyncs(self) -> int:
        """How many writes asked to be synced."""
        return self._fsyncs

    def write(self, batch: Mapping[bytes, bytes | None], *, sync: bool) -> None:
        """Apply `batch`; `sync` is only counted."""
        data = self._data
        same_keys = True
        for key, value in batch.items():
            if value is None:
                same_keys &= data.pop(key, None) is None
            else:
                same_keys &= key in data
                data[key] = value
        if not same_keys:
            self._order = None
        self._fsyncs += sync

    def compact(self) -> None:
        """Nothing to order: a dictionary is."""

    def snapshot(self) -> MemorySnapshot:
        """A copy of the present content."""
        return MemorySnapshot(dict(self._data))

    def close(self) -> None:
        """Nothing to release; the content stays, so that a test can open it again."""
