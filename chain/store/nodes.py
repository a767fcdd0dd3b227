"""Trie nodes under their hash, counted by how many places refer to them.

The count of a node is its multiplicity in the oldest kept state plus what every later kept block inserted. A
block that is taken away gives back what it inserted; when the oldest state moves up to a block's, what that
block removed goes. So a count is positive exactly while some kept state reaches the node.

A count of one is not stored: nearly all nodes have it, and a look-up for an absent key costs 1 to 2 us thanks
to the bloom filter. Look-ups go in the order of the keys, so that neighbours find the same index entries and
filters in the processor's cache. That a node's child is absent does not spare the look-up of the node: a
hashed value may have the same bytes, and then stands here without what they name.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from chain.store.errors import DatabaseCorrupt
from chain.store.kv import Batch, KeyValue, Reader

COUNT_SIZE = 8


def node_source(reader: Reader, column: bytes) -> Callable[[bytes], bytes | None]:
    """hash -> record, as the trie wants it."""
    get = reader.get

    def source(node_hash: bytes) -> bytes | None:
        return get(column + node_hash)

    return source


class Counted:
    """Byte strings by hash with a reference count; used for trie nodes and for artifacts.

    `column` holds the bytes, `extra` the references beyond the first. All changes go into a batch; one batch
    may be given to `add` or to `drop` once only, because both read the counts from the database.
    """

    def __init__(self, kv: KeyValue, column: bytes, extra: bytes) -> None:
        self._kv = kv
        self._column = column
        self._extra = extra

    def get(self, content_hash: bytes) -> bytes | None:
        """The bytes under this hash, or None."""
        return self._kv.get(self._column + content_hash)

    def add(self, batch: Batch, inserted: Iterable[tuple[bytes, bytes]]) -> None:
        """Count one reference for each (hash, bytes)."""
        records: dict[bytes, bytes] = {}
        repeated: list[bytes] = []
        for content_hash, record in inserted:
            if content_hash in records:
                repeated.append(content_hash)
            records[content_hash] = record
        column = self._column
        keys = [column + content_hash for content_hash in sorted(records)]
        for key, stored in zip(keys, self._kv.multi_get(keys), strict=True):
            if stored is None:
                batch[key] = records[key[len(column) :]]
            else:
                repeated.append(key[len(column) :])
        for content_hash, more in Counter(repeated).items():
            batch[self._extra + content_hash] = _encode(self._extra_count(content_hash) + more)

    def drop(self, batch: Batch, hashes: Iterable[bytes]) -> None:
        """Take one reference off each hash; the last one takes the bytes. Raises `DatabaseCorrupt`."""
        counts = Counter(hashes)
        column, extra = self._column, self._extra
        stored = self._kv.multi_get([extra + content_hash for content_hash in counts])
        for (content_hash, less), record in zip(counts.items(), stored, strict=True):
            left = 1 + (0 if record is None else int.from_bytes(record, "little")) - less
            if left < 0:
                raise DatabaseCorrupt(
                    self._kv.path, f"0x{content_hash.hex()} is referred to more often than held"
                )
            if left == 0:
                batch[column + content_hash] = None
            if left > 1:
                batch[extra + content_hash] = _encode(left - 1)
            elif record is not None:
                batch[extra + content_hash] = None

    def count(self, content_hash: bytes) -> int:
        """References to the hash; 0 where it is not held."""
        if self.get(content_hash) is None:
            return 0
        return 1 + self._extra_count(content_hash)

    def _extra_count(self, content_hash: bytes) -> int:
        return int.from_bytes(self._kv.get(self._extra + content_hash) or b"", "little")


def _encode(count: int) -> bytes:
    return count.to_bytes(COUNT_SIZE, "little")
