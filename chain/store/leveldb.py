"""The node's database on LevelDB, through plyvel."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import plyvel

from chain.store.errors import (
    DatabaseCorrupt,
    DatabaseLocked,
    DatabaseUnavailable,
    DatabaseWriteFailed,
)
from chain.store.kv import prefix_end

MEBIBYTE = 1 << 20
DATABASE_FILES = ("CURRENT", "MANIFEST-*", "*.log", "*.ldb")
FIRST_MANIFEST = "MANIFEST-000001"


@dataclass(frozen=True, slots=True)
class CacheSizes:
    """Memory given to LevelDB, in bytes, and its other bounds.

    The block cache holds the working set of a state of about 1,000,000 accounts; the write buffer holds
    some ten full blocks, so that compaction runs rarely and a restart replays at most that much.
    """

    block_cache: int = 128 * MEBIBYTE
    write_buffer: int = 32 * MEBIBYTE
    table_file: int = 16 * MEBIBYTE
    open_files: int = 512
    bloom_bits: int = 10
    """Bits per key: one per cent of look-ups for an absent key (most trie insertions) touch the disk."""


def _reads(reader: Any, path: str, key: bytes) -> bytes | None:
    try:
        # Checksums are verified on every block that is loaded: a flipped bit must never become a balance.
        value: bytes | None = reader.get(key, verify_checksums=True)
    except plyvel.Error as error:
        raise DatabaseCorrupt(path, _one_line(error)) from error
    return value


def _iterates(
    reader: Any, path: str, prefix: bytes, start_after: bytes | None, reverse: bool
) -> Iterator[tuple[bytes, bytes]]:
    start, stop = prefix, prefix_end(prefix)
    include_start, include_stop = True, False
    if start_after is not None and reverse:
        stop = start_after if stop is None else min(stop, start_after)
    elif start_after is not None and start_after >= start:
        start, include_start = start_after, False
    if stop is not None and start >= stop:
        return iter(())
    cursor = reader.iterator(
        # plyvel's reverse iterator misses a range whose only key is its start, so that bound is kept here.
        start=None if reverse else start,
        stop=stop,
        include_start=include_start,
        include_stop=include_stop,
        reverse=reverse,
        verify_checksums=True,
        fill_cache=False,
    )
    pairs = _pairs(cursor, path)
    return takewhile(lambda pair: pair[0] >= start, pairs) if reverse else pairs


def _pairs(cursor: Any, path: str) -> Iterator[tuple[bytes, bytes]]:
    with cursor:
        try:
            yield from cursor
        except plyvel.Error as error:
            raise DatabaseCorrupt(path, _one_line(error)) from error


class LevelSnapshot:
    """A frozen view of a LevelDB database."""

    def __init__(self, snapshot: Any, path: str) -> None:
        self._snapshot = snapshot
        self._path = path

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        return _reads(self._snapshot, self._path, key)

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values under `keys`, in their order, None where there is none."""
        return [_reads(self._snapshot, self._path, key) for key in keys]

    def iterate(
        self, prefix: bytes = b"", start_after: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """All pairs under `prefix` strictly beyond `start_after`."""
        return _iterates(self._snapshot, self._path, prefix, start_after, reverse)

    def close(self) -> None:
        """Let LevelDB compact what only this view still holds."""
        self._snapshot.close()


class LevelDB:
    """A `KeyValue` in a folder. One process at a time holds it."""

    def __init__(self, database: Any, path: str) -> None:
        self._database = database
        self._path = path
        self._fsyncs = 0
        self._failure: str | None = None

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], cache: CacheSizes | None = None, *, create: bool = True
    ) -> "LevelDB":
        """Open the database in folder `path`, made if absent unless `create` is false.

        Raises `DatabaseLocked`, `DatabaseCorrupt` (checksums, missing files), or `DatabaseUnavailable`
        (no such folder, no permission, not a folder).
        """
        sizes = cache or CacheSizes()
        name = os.fspath(path)
        if create:
            _make_folder(name)
        if not (Path(name) / "CURRENT").is_file() and holds_database(name):
            # LevelDB would take the folder for a new one, and delete what it does not know.
            raise DatabaseCorrupt(name, "its file CURRENT is missing")
        try:
            database = plyvel.DB(
                name,
                create_if_missing=create,
                # A damaged log or table must be an error here, never a silently shorter history.
                paranoid_checks=True,
                write_buffer_size=sizes.write_buffer,
                max_open_files=sizes.open_files,
                lru_cache_size=sizes.block_cache,
                max_file_size=sizes.table_file,
                bloom_filter_bits=sizes.bloom_bits,
                # Hashes and signatures do not compress; the time would be spent for nothing.
                compression=None,
            )
        except plyvel.Error as error:
            raise _opening_error(name, error) from error
        return cls(database, name)

    @property
    def path(self) -> str:
        """The folder."""
        return self._path

    @property
    def fsyncs(self) -> int:
        """How many writes waited for the disk; LevelDB's own background fsyncs are not in it."""
        return self._fsyncs

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        return _reads(self._database, self._path, key)

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values under `keys`, in their order, None where there is none."""
        read = self._database.get
        try:
            return [read(key, verify_checksums=True) for key in keys]
        except plyvel.Error as error:
            raise DatabaseCorrupt(self._path, _one_line(error)) from error

    def iterate(
        self, prefix: bytes = b"", start_after: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """All pairs under `prefix` strictly beyond `start_after`, as they are at the call."""
        return _iterates(self._database, self._path, prefix, start_after, reverse)

    def write(self, batch: Mapping[bytes, bytes | None], *, sync: bool) -> None:
        """Apply `batch` atomically, and wait for the disk with `sync`. Raises `DatabaseWriteFailed`."""
        if self._failure is not None:
            raise DatabaseWriteFailed(self._path, f"an earlier write failed: {self._failure}")
        try:
            writing = self._database.write_batch(sync=sync)
            for key, value in batch.items():
                if value is None:
                    writing.delete(key)
                else:
                    writing.put(key, value)
            writing.write()
        except plyvel.Error as error:
            self._failure = _one_line(error)
            raise DatabaseWriteFailed(self._path, self._failure) from error
        self._fsyncs += sync

    def compact(self) -> None:
        """Merge all tables into one level, so that a read asks one of them; about 4 s a gigabyte.

        LevelDB would get there by itself, but on account of reads, beside the blocks that make them.
        """
        # Without bounds plyvel does nothing; the first byte of a key is a column's letter.
        self._database.compact_range(start=b"\x00", stop=b"\xff")

    def snapshot(self) -> LevelSnapshot:
        """A frozen view of the present content."""
        return LevelSnapshot(self._database.snapshot(), self._path)

    def close(self) -> None:
        """Release the folder; closing twice is allowed."""
        self._database.close()


def remove_database(path: str | os.PathLike[str]) -> None:
    """Delete the LevelDB files of folder `path`. Raises `DatabaseLocked` or `DatabaseUnavailable`."""
    name = os.fspath(path)
    try:
        plyvel.destroy_db(name)
    except plyvel.Error as error:
        raise _opening_error(name, error) from error
    # LevelDB's own clean-up stops at what a damaged manifest no longer names; the folder is the database's
    # alone.
    shutil.rmtree(name, ignore_errors=True)


def holds_database(path: str | os.PathLike[str]) -> bool:
    """Whether the folder has files of a LevelDB, be it whole or damaged.

    What a process leaves that died before its new database first had a CURRENT is none: LevelDB writes the
    first log and the second manifest only after that.
    """
    folder = Path(path)
    files = {file.name for pattern in DATABASE_FILES for file in folder.glob(pattern)}
    return not files <= {FIRST_MANIFEST}


def _make_folder(name: str) -> None:
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(name, error.strerror or "the folder can not be made") from error


def _opening_error(path: str, error: Exception) -> Exception:
    text = _one_line(error)
    if "LOCK" in text and ("temporarily unavailable" in text or "already held" in text):
        return DatabaseLocked(path)
    if isinstance(error, plyvel.CorruptionError):
        return DatabaseCorrupt(path, text)
    return DatabaseUnavailable(path, text)


def _one_line(error: Exception) -> str:
    text = error.args[0] if error.args else type(error).__name__
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return " ".join(str(text).split())
