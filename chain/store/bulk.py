"""Writing and deleting much at once, in batches that stay small; none of it is synced."""

from collections.abc import Iterable, Iterator
from itertools import islice

from chain.store.kv import Batch, KeyValue
from chain.store.nodes import Counted
from chain.store.schema import FLAT, NODE, NODE_EXTRA
from runtime.primitives.trie import build

CHUNK = 20_000
"""Records per batch while much is written that a crash may interrupt: some ten megabytes."""

STATE_VERSION = 1


def write_trie(kv: KeyValue, entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Add the trie of ascending `entries` to the node column; its root."""
    nodes = Counted(kv, NODE, NODE_EXTRA)
    waiting: list[tuple[bytes, bytes]] = []

    def flush() -> None:
        batch: Batch = {}
        nodes.add(batch, waiting)
        waiting.clear()
        kv.write(batch, sync=False)

    def take(record: tuple[bytes, bytes]) -> None:
        waiting.append(record)
        if len(waiting) >= CHUNK:
            flush()

    root = build(entries, STATE_VERSION, take)
    flush()
    return root


def write_flat(kv: KeyValue, entries: Iterable[tuple[bytes, bytes]]) -> int:
    """Add `entries` to the flat column; how many they were."""
    count = 0
    for chunk in chunks(iter(entries)):
        kv.write({FLAT + key: value for key, value in chunk}, sync=False)
        count += len(chunk)
    return count


def delete_all(kv: KeyValue, prefix: bytes, spare: bytes | None = None) -> None:
    """Delete everything whose key starts with `prefix`, but the key `spare`."""
    for chunk in chunks(kv.iterate(prefix)):
        kv.write({key: None for key, _ in chunk if key != spare}, sync=False)


def chunks(pairs: Iterator[tuple[bytes, bytes]]) -> Iterable[list[tuple[bytes, bytes]]]:
    """`pairs` in lists of at most `CHUNK`."""
    while chunk := list(islice(pairs, CHUNK)):
        yield chunk
