"""Where nodes come from: a store behind a function, and a bounded cache of decoded nodes before it."""

from collections.abc import Callable, Iterable
from typing import Final

from runtime.primitives.trie.codec import EMPTY_ROOT, HASH_LENGTH, HASH_LINK, Node, decode, split_links
from runtime.primitives.trie.errors import MissingNode

NodeSource = Callable[[bytes], bytes | None]
"""hash -> encoded node, or the value where the hash is a hashed value's; None where the store holds neither.

A source is trusted: what it returns is not hashed again. Sources over bytes from elsewhere check first, as
the proofs do.
"""

DEFAULT_GENERATION: Final = 1 << 16
"""Nodes per generation. A full branch takes about 0.8 kB decoded, a leaf or small branch 0.4 kB, so that two
generations stay below 110 MB at worst. They hold all branches of 100,000 accounts, and of 1,000,000 all but
those directly above the leaves."""


class NodeCache:
    """Decoded nodes by hash, with at most `2 * generation` of them.

    Entries age in two generations: reading an old entry makes it young again, and when the young ones are
    full they become the old ones and the former old ones go. That is nearly least-recently-used at the price
    of one or two dictionary accesses. Nodes are immutable and named by content, so an entry never goes
    stale.
    """

    __slots__ = ("_generation", "_old", "_young")

    def __init__(self, generation: int = DEFAULT_GENERATION) -> None:
        self._generation = max(1, generation)
        self._young: dict[bytes, Node] = {}
        self._old: dict[bytes, Node] = {}

    def __len__(self) -> int:
        """How many entries are held (a node in both generations counts twice)."""
        return len(self._young) + len(self._old)

    def get(self, node_hash: bytes) -> Node | None:
        """The decoded node, or None where it is not cached."""
        node = self._young.get(node_hash)
        if node is None:
            node = self._old.get(node_hash)
            if node is not None:
                self.put(node_hash, node)
        return node

    def forget(self, hashes: Iterable[bytes]) -> None:
        """Drop nodes that no state of interest holds any more, as the `removed` of a block that became the
        best one, so that the room stays with living nodes. Unknown hashes are ignored."""
        young, old = self._young, self._old
        for node_hash in hashes:
            young.pop(node_hash, None)
            old.pop(node_hash, None)

    def put(self, node_hash: bytes, node: Node) -> None:
        """Remember `node`, dropping the oldest generation when the young one is full."""
        young = self._young
        young[node_hash] = node
        if len(young) >= self._generation:
            self._old = young
            self._young = {}


def fetch(node_hash: bytes, source: NodeSource) -> bytes:
    """The record under `node_hash`. Raises `MissingNode`."""
    data = source(node_hash)
    if data is None:
        raise MissingNode(node_hash)
    return data


def load(node_hash: bytes, source: NodeSource, cache: NodeCache | None) -> Node:
    """The decoded node under `node_hash`. Raises `MissingNode`, `InvalidNode`."""
    if cache is None:
        return decode(fetch(node_hash, source))
    node = cache.get(node_hash)
    if node is None:
        node = decode(fetch(node_hash, source))
        cache.put(node_hash, node)
    return node


def follow(link: bytes, source: NodeSource, cache: NodeCache | None) -> Node:
    """The child behind a parent's `link`, stored or inline. Raises `MissingNode`, `InvalidNode`."""
    if len(link) > HASH_LENGTH:
        return load(link[1:], source, cache)
    return decode(link[1:])


def warm(root: bytes, source: NodeSource, cache: NodeCache, limit: int) -> int:
    """Load the top of the trie into `cache`, level by level, at most `limit` nodes; returns how many.

    Every path leads through the top, so these are the nodes that updates will ask for first. Raises
    `MissingNode`, `InvalidNode`.
    """
    level, loaded = [] if root == EMPTY_ROOT else [root], 0
    while level and loaded < limit:
        below: list[bytes] = []
        # In the order of a store's keys, whose neighbours lie together.
        for node_hash in sorted(level)[: limit - loaded]:
            _, _, _, bitmap, links = load(node_hash, source, cache)
            below += [link[1:] for link in split_links(bitmap, links) if len(link) == HASH_LINK]
            loaded += 1
        level = below
    return loaded
