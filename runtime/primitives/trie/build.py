"""Building a whole trie from sorted entries in one pass, keeping only the rightmost path in memory."""

from collections.abc import Callable, Iterable
from hashlib import blake2b

from runtime.primitives.trie.codec import (
    EMPTY_ROOT,
    HASH_LENGTH,
    HASH_LINK_PREFIX,
    HASHED_VALUE,
    HASHED_VALUE_THRESHOLD,
    INLINE_VALUE,
    NO_VALUE,
    compact,
    encode_branch,
    encode_leaf,
)
from runtime.primitives.trie.errors import EntryFault, InvalidEntry
from runtime.primitives.trie.nibbles import SLOT_OF, common_length, path_of
from runtime.primitives.trie.reference import check_version

Emit = Callable[[tuple[bytes, bytes]], None]
"""Receives each hash-keyed record, (hash, bytes), once for each reference to it."""


class _Place:
    """A node whose children are still coming. `depth`: nibbles from the root to the node's end."""

    __slots__ = ("bitmap", "depth", "kind", "links", "payload")

    def __init__(self, depth: int, kind: int, payload: bytes) -> None:
        self.depth = depth
        self.kind = kind
        self.payload = payload
        self.bitmap = 0
        self.links: list[bytes] | None = None

    def attach(self, slot: int, link: bytes) -> None:
        if self.links is None:
            self.links = [b""] * 16
        self.links[slot] = link
        self.bitmap |= 1 << slot

    def encode(self, partial: str) -> bytes:
        if self.links is None:
            return encode_leaf(partial, self.kind, self.payload)
        return encode_branch(partial, self.kind, self.payload, self.bitmap, b"".join(self.links))


def build(entries: Iterable[tuple[bytes, bytes]], version: int = 1, emit: Emit | None = None) -> bytes:
    """The root of the trie of `entries`, which must come in strictly ascending key order.

    Equals `root_of`, and hands every record to `emit`, children before parents. Memory is that of one path,
    so a genesis or a stored flat state of any size streams through. Raises `InvalidEntry` for keys out of
    order or too long, or another version.
    """
    check_version(version)
    emit = emit or _ignore
    stack: list[_Place] = []
    path: str | None = None
    for key, value in entries:
        following = path_of(key)
        if path is not None:
            if following <= path:
                raise InvalidEntry(EntryFault.NOT_ASCENDING, key)
            _close(stack, path, common_length(path, following), emit)
        path = following
        kind, payload = INLINE_VALUE, value
        if version == 1 and len(value) >= HASHED_VALUE_THRESHOLD:
            kind, payload = HASHED_VALUE, blake2b(value, digest_size=HASH_LENGTH).digest()
            emit((payload, value))
        stack.append(_Place(len(path), kind, payload))
    if path is None:
        return EMPTY_ROOT
    top = stack[0]
    _close(stack, path, top.depth, emit)
    encoding = top.encode(path[: top.depth])
    root = blake2b(encoding, digest_size=HASH_LENGTH).digest()
    emit((root, encoding))
    return root


def extrinsics_root(extrinsics: list[bytes]) -> bytes:
    """The root over a block's extrinsics: a trie of compact index -> encoded extrinsic.

    All values are inline (layout V0), as `system_version` 0 and 1 prescribe.
    """
    return build(sorted((compact(index), extrinsic) for index, extrinsic in enumerate(extrinsics)), version=0)


def _close(stack: list[_Place], path: str, depth: int, emit: Emit) -> None:
    """Encode every open node on `path` below `depth`: the next key leaves the path there."""
    while stack[-1].depth > depth:
        node = stack.pop()
        parent_depth = stack[-1].depth if stack else -1
        if parent_depth < depth:
            parent_depth = depth
            stack.append(_Place(depth, NO_VALUE, b""))
        encoding = node.encode(path[parent_depth + 1 : node.depth])
        if len(encoding) < HASH_LENGTH:
            link = bytes((len(encoding) << 2,)) + encoding
        else:
            node_hash = blake2b(encoding, digest_size=HASH_LENGTH).digest()
            emit((node_hash, encoding))
            link = HASH_LINK_PREFIX + node_hash
        stack[-1].attach(SLOT_OF[path[parent_depth]], link)


def _ignore(record: tuple[bytes, bytes]) -> None:
    """Where only the root is asked for."""
