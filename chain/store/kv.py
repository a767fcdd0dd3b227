"""The key-value contract under the store, kept by LevelDB and by its in-memory twin.

A batch is a plain dictionary from key to new value, None meaning deletion: the last word per key wins, and
a batch under construction can be read. `write` applies all of a batch or nothing, also across a crash; after
a crash the database holds a prefix of the batches written, at least up to the last synced one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

Batch: TypeAlias = dict[bytes, bytes | None]
"""Changes under construction: key -> new value, or None to delete."""


class Reader(Protocol):
    """Read access, to the live database or to a snapshot."""

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        ...

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values under `keys`, in their order, None where there is none."""
        ...

    def iterate(
        self, prefix: bytes = b"", start_after: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """All pairs whose key starts with `prefix`, ascending (descending with `reverse`).

        `start_after` is a whole key: the iteration begins strictly beyond it in its direction. The pairs
        are those of the moment of the call, whatever is written afterwards.
        """
        ...


class Snapshot(Reader, Protocol):
    """A frozen view of the whole database."""

    def close(self) -> None:
        """Let the database forget the view."""
        ...


class KeyValue(Reader, Protocol):
    """An ordered, durable map of byte strings. Reads are safe from any thread, writes from one."""

    @property
    def path(self) -> str:
        """Where the data lie, for error texts."""
        ...

    @property
    def fsyncs(self) -> int:
        """How many writes so far waited for the disk (one fsync of the log each)."""
        ...

    def write(self, batch: Mapping[bytes, bytes | None], *, sync: bool) -> None:
        """Apply `batch` atomically; with `sync`, return only when it is on the disk.

        Raises `DatabaseWriteFailed`; from then on every further write is refused with the same error,
        because what the log holds behind a failed write is unknown until it is opened again.
        """
        ...

    def compact(self) -> None:
        """Bring everything into the order that reads are fastest in; for the end of a long run of writes."""
        ...

    def snapshot(self) -> Snapshot:
        """A frozen view of the present content."""
        ...

    def close(self) -> None:
        """Release the database; closing twice is allowed."""
        ...


def prefix_end(prefix: bytes) -> bytes | None:
    """The smallest key above all keys that start with `prefix`; None where there is no such bound."""
    stripped = prefix.rstrip(b"\xff")
    if not stripped:
        return None
    return stripped[:-1] + bytes([stripped[-1] + 1])
