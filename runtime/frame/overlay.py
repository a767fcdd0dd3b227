"""Changes over a frozen state, with nested transactions.

One flat table holds every value that was read or written, *decoded*, so that a value is decoded at most once
and encoded at most once in a block, however often pallets read and write it between. Nesting is a journal of
what each write replaced: reading costs one dictionary access at any depth, and a rollback replays the
journal backwards. (`execution-specs` stacks dictionaries instead; a read then costs one access per level.)
"""

from collections.abc import Iterator
from typing import Any, Final, Protocol

from runtime.primitives.hashing import blake2_256
from runtime.primitives.scale import InvalidScale
from runtime.primitives.state import StateReader


class ValueCodec(Protocol):
    """The two functions of a SCALE codec that storage needs."""

    def encode(self, value: Any) -> bytes:
        """The SCALE bytes of `value`."""
        ...

    def decode(self, data: bytes) -> Any:
        """The value of `data`, all of which must be consumed; `InvalidScale` otherwise."""
        ...


class RawCodec:
    """Values that are their own encoding: well-known keys and what root writes by key."""

    def encode(self, value: bytes) -> bytes:
        """The bytes themselves."""
        return value

    def decode(self, data: bytes) -> bytes:
        """The bytes themselves."""
        return data


class _Absent:
    """The type of `ABSENT`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final[Any] = _Absent()
"""What a read answers where the state holds nothing (None is a value of optional types)."""

RAW: Final = RawCodec()

_Entry = tuple[ValueCodec, Any, bool]


class Overlay:
    """Typed reads and writes over a `StateReader`; `changes()` is what a block did to the state."""

    __slots__ = ("_artifacts", "_entries", "_journal", "_marks", "_parent")

    def __init__(self, parent: StateReader) -> None:
        self._parent = parent
        self._entries: dict[bytes, _Entry] = {}
        self._artifacts: dict[bytes, bytes] = {}
        self._journal: list[tuple[dict[bytes, Any], bytes, Any]] = []
        self._marks: list[int] = []

    def get(self, key: bytes, codec: ValueCodec) -> Any:
        """The value under `key`, or `ABSENT`.

        Bytes that are not a value of the item's type read as absent, as in Substrate: only root can write
        such bytes, and a chain that stopped on them could not be repaired by root either.
        """
        entry = self._entries.get(key)
        if entry is not None:
            if entry[0] is codec or entry[1] is ABSENT:
                return entry[1]
            raw: bytes | None = entry[0].encode(entry[1])
            changed = entry[2]
        else:
            raw = self._parent.get(key)
            changed = False
        value = ABSENT
        if raw is not None:
            try:
                value = codec.decode(raw)
            except InvalidScale:
                return ABSENT
        self._entries[key] = (codec, value, changed)
        return value

    def put(self, key: bytes, codec: ValueCodec, value: Any) -> None:
        """Write `value` under `key`; `ABSENT` deletes."""
        entries = self._entries
        if self._marks:
            self._journal.append((entries, key, entries.get(key)))
        entries[key] = (codec, value, True)

    def keys(self, prefix: bytes, start_after: bytes | None = None) -> Iterator[bytes]:
        """The keys that start with `prefix` now, ascending, strictly after `start_after` where given.

        A snapshot of the overlay is taken at the call, so the caller may write while iterating.
        """
        overlaid = {key: entry[1] is not ABSENT for key, entry in self._entries.items() if entry[2]}
        fresh = sorted(
            key
            for key, present in overlaid.items()
            if present and key.startswith(prefix) and (start_after is None or key > start_after)
        )
        position = 0
        for key in self._parent.keys(prefix, start_after):
            while position < len(fresh) and fresh[position] < key:
                yield fresh[position]
                position += 1
            if position < len(fresh) and fresh[position] == key:
                position += 1
            if overlaid.get(key, True):
                yield key
        yield from fresh[position:]

    def artifact(self, content_hash: bytes) -> bytes | None:
        """The artifact with this Blake2b-256: stored in this block, or known to the parent state."""
        found = self._artifacts.get(content_hash)
        return found if found is not None else self._parent.artifact(content_hash)

    def store_artifact(self, content: bytes) -> bytes:
        """Keep `content` outside the trie; the answer is its Blake2b-256, under which it is found again."""
        content_hash = blake2_256(content)
        if content_hash not in self._artifacts:
            if self._marks:
                self._journal.append((self._artifacts, content_hash, None))
            self._artifacts[content_hash] = content
        return content_hash

    def begin(self) -> None:
        """Open a nested transaction."""
        self._marks.append(len(self._journal))

    def commit(self) -> None:
        """Keep what the innermost transaction wrote."""
        self._marks.pop()
        if not self._marks:
            self._journal.clear()

    def rollback(self) -> None:
        """Undo what the innermost transaction wrote."""
        mark = self._marks.pop()
        journal = self._journal
        while len(journal) > mark:
            table, key, previous = journal.pop()
            if previous is None:
                table.pop(key, None)
            else:
                table[key] = previous

    def changes(self) -> dict[bytes, bytes | None]:
        """Encoded writes in the order of first access; None deletes a key that the parent state holds."""
        assert not self._marks, "a transaction is still open"
        result: dict[bytes, bytes | None] = {}
        for key, (codec, value, changed) in self._entries.items():
            if not changed:
                continue
            if value is not ABSENT:
                result[key] = codec.encode(value)
            elif self._parent.get(key) is not None:
                result[key] = None
        return result

    def artifacts(self) -> dict[bytes, bytes]:
        """What this block stored outside the trie: Blake2b-256 to content."""
        return dict(self._artifacts)
