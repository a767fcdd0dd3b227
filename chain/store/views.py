"""Frozen views of one block's state."""

from collections.abc import Callable, Iterator
from typing import Protocol

from chain.store.errors import DatabaseCorrupt, StateDiscarded
from chain.store.flat import FlatState, Moved
from runtime.primitives.trie import InvalidNode, MissingNode, NodeCache, NodeSource, iterate, lookup


class StateOwner(Protocol):
    """What a view asks the store for."""

    @property
    def path(self) -> str:
        """The database, for error texts."""
        ...

    @property
    def trie_cache(self) -> NodeCache:
        """Decoded nodes."""
        ...

    def node_source(self) -> NodeSource:
        """Encoded nodes."""
        ...

    def has_state(self, block: bytes) -> bool:
        """Whether the state of the block is kept."""
        ...

    def artifact(self, content_hash: bytes) -> bytes | None:
        """Artifact bytes."""
        ...

    @property
    def oldest_state(self) -> int:
        """The lowest block number whose states are kept."""
        ...


class StateView:
    """A `StateReader` over one block: from the flat state while it stands there, else from the trie.

    Reads raise `StateDiscarded` when the state is pruned while the view is in use.
    """

    __slots__ = ("_flat", "_get_node", "_owner", "block", "number", "root")

    def __init__(self, owner: StateOwner, flat: FlatState, block: bytes, number: int, root: bytes) -> None:
        self._owner = owner
        self._flat = flat
        self._get_node: Callable[[bytes], bytes | None] = owner.node_source()
        self.block = block
        self.number = number
        self.root = root

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        try:
            return self._flat.read(self.block, key)
        except Moved:
            pass
        try:
            return lookup(self.root, key, self._get_node, self._owner.trie_cache)
        except (MissingNode, InvalidNode) as error:
            raise self._lost(error) from error

    def keys(self, prefix: bytes, start_after: bytes | None = None) -> Iterator[bytes]:
        """All keys that start with `prefix`, ascending, strictly after `start_after` where given."""
        try:
            return self._flat.keys(self.block, prefix, start_after)
        except Moved:
            return self._trie_keys(prefix, start_after)

    def artifact(self, content_hash: bytes) -> bytes | None:
        """The bytes under this hash, or None.

        Other branches' artifacts are served too: a state may only ask for what it names.
        """
        return self._owner.artifact(content_hash)

    def _trie_keys(self, prefix: bytes, start_after: bytes | None) -> Iterator[bytes]:
        # Uncached: a walk over many keys would push the hot nodes out.
        try:
            for key, _ in iterate(self.root, self._get_node, prefix, start_after):
                yield key
        except (MissingNode, InvalidNode) as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> Exception:
        if not self._owner.has_state(self.block):
            return StateDiscarded(self.block, self.number, self._owner.oldest_state)
        return DatabaseCorrupt(self._owner.path, f"state of block {self.number}: {error}")
