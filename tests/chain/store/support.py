"""Builds chains of small blocks for the store's tests, and a twin database that crashes on demand."""

from collections.abc import Mapping

from chain.store import BlockCommit, Committed, DatabaseWriteFailed, Genesis, MemoryKeyValue, Store
from runtime.primitives.digest import Digest, Other
from runtime.primitives.hashing import blake2_256
from runtime.primitives.header import Header
from runtime.primitives.trie import root_of

Changes = Mapping[bytes, bytes | None]

LONG = b"a value of more than thirty-two bytes, so the trie hashes it"
GENESIS_STATE = {
    b"alice": b"100",
    b"bob": b"200",
    b"carol": LONG,
    b"dave": LONG,
    b"erin/1": b"x" * 40,
    b"erin/2": b"y" * 40,
}
MODEL = b"the bytes of a model"


def genesis(state: Mapping[bytes, bytes] | None = None, name: bytes = b"test") -> Genesis:
    storage = GENESIS_STATE if state is None else state
    header = Header(bytes(32), 0, root_of(storage), blake2_256(name), Digest())
    return Genesis(header, storage, {blake2_256(MODEL): MODEL})


def commit_of(
    store: Store, parent: bytes, changes: Changes, *, salt: bytes = b"", is_best: bool = True, **more: object
) -> BlockCommit:
    """A block on `parent`; `salt` tells siblings with equal changes apart."""
    trie = store.trie_update(parent, changes)
    number = store.header(parent).number + 1
    header = Header(parent, number, trie.root, blake2_256(b"extrinsics" + salt), Digest((Other(salt),)))
    body = [b"extrinsic of " + salt, b"second"]
    return BlockCommit(header, body, changes, trie, is_best=is_best, outcome=b"outcome " + salt, **more)


def grow(store: Store, parent: bytes, changes: Changes, **more: object) -> bytes:
    """Commit a block on `parent`; returns its hash."""
    return committed(store, parent, changes, **more).block.hash


def committed(store: Store, parent: bytes, changes: Changes, **more: object) -> Committed:
    """Commit a block on `parent`; returns the store's answer."""
    return store.commit_block(commit_of(store, parent, changes, **more))


def state_of(store: Store, block: bytes) -> dict[bytes, bytes]:
    """The whole state of a block, through its view."""
    view = store.state_at(block)
    return {key: view.get(key) for key in view.keys(b"")}


def applied(state: Mapping[bytes, bytes], changes: Changes) -> dict[bytes, bytes]:
    """What `state` becomes."""
    after = {**state, **changes}
    return {key: value for key, value in after.items() if value is not None}


class Crash(Exception):
    """The process died here."""


class FragileKeyValue(MemoryKeyValue):
    """A twin that dies at its n-th write, and may lose what was not synced, as at a loss of power."""

    def __init__(self, data: Mapping[bytes, bytes] | None = None) -> None:
        super().__init__(data)
        self.durable = dict(self._data)
        self.unsynced: list[dict[bytes, bytes | None]] = []
        self.writes = 0
        self.dies_at: int | None = None
        self.fails_at: int | None = None
        self.after = False

    def write(self, batch: Mapping[bytes, bytes | None], *, sync: bool) -> None:
        self.writes += 1
        if self.writes == self.fails_at:
            raise DatabaseWriteFailed(self.path, "No space left on device")
        dying = self.writes == self.dies_at
        if dying and not self.after:
            raise Crash
        super().write(batch, sync=sync)
        self.unsynced.append(dict(batch))
        if sync:
            self._settle(len(self.unsynced))
        if dying:
            raise Crash

    def _settle(self, count: int) -> None:
        for batch in self.unsynced[:count]:
            for key, value in batch.items():
                if value is None:
                    self.durable.pop(key, None)
                else:
                    self.durable[key] = value
        del self.unsynced[:count]

    def reborn(self, surviving: int) -> "FragileKeyValue":
        """What the next process finds when the first `surviving` unsynced batches reached the disk."""
        self._settle(min(surviving, len(self.unsynced)))
        return FragileKeyValue(self.durable)
