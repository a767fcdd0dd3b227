"""Reading a trie: one key, or keys in order."""

from collections.abc import Iterator

from runtime.primitives.trie.codec import EMPTY_ROOT, HASHED_VALUE, NO_VALUE, link_at, split_links
from runtime.primitives.trie.errors import InvalidNode, NodeFault
from runtime.primitives.trie.nibbles import DIGITS, MAX_PATH_NIBBLES, SLOT_OF, path_of
from runtime.primitives.trie.source import NodeCache, NodeSource, fetch, follow, load


def lookup(root: bytes, key: bytes, source: NodeSource, cache: NodeCache | None = None) -> bytes | None:
    """The value under `key` in the trie with this `root`, or None.

    Raises `MissingNode` where the source lacks a node on the way, `InvalidNode` where one is corrupt.
    """
    if root == EMPTY_ROOT:
        return None
    path, at = path_of(key), 0
    partial, kind, payload, bitmap, links = load(root, source, cache)
    while path.startswith(partial, at):
        at += len(partial)
        if at == len(path):
            return None if kind == NO_VALUE else _stored(kind, payload, source)
        slot = SLOT_OF[path[at]]
        if not bitmap >> slot & 1:
            return None
        partial, kind, payload, bitmap, links = follow(link_at(bitmap, links, slot), source, cache)
        at += 1
    return None


def closest_merkle_value(root: bytes, prefix: bytes, source: NodeSource) -> bytes | None:
    """The merkle value of the topmost node whose key starts with `prefix`, or None where there is none.

    It changes exactly when something below the prefix does. Raises `MissingNode`, `InvalidNode`.
    """
    if root == EMPTY_ROOT:
        return None
    path, at, found = path_of(prefix), 0, root
    partial, _, _, bitmap, links = load(root, source, None)
    while not partial.startswith(path[at:]):
        if not path.startswith(partial, at):
            return None
        at += len(partial)
        slot = SLOT_OF[path[at]]
        if not bitmap >> slot & 1:
            return None
        link = link_at(bitmap, links, slot)
        found, at = link[1:], at + 1
        partial, _, _, bitmap, links = follow(link, source, None)
    return found


def iterate(
    root: bytes,
    source: NodeSource,
    prefix: bytes = b"",
    start_after: bytes | None = None,
    cache: NodeCache | None = None,
) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) pairs in key order: those below `prefix`, strictly after `start_after` where given.

    Lazy: nodes are fetched as the walk needs them, none outside the range except the way to it.
    Raises `MissingNode`, `InvalidNode`.
    """
    if root == EMPTY_ROOT:
        return
    wanted, floor = path_of(prefix), "" if start_after is None else path_of(start_after)
    pending: list[tuple[int, int, bytes]] = []
    path = ""
    partial, kind, payload, bitmap, links = load(root, source, cache)
    while True:
        path += partial
        if len(path) > MAX_PATH_NIBBLES:
            raise InvalidNode(NodeFault.PARTIAL_KEY_TOO_LONG, path[-MAX_PATH_NIBBLES:].encode())
        in_range = path.startswith(wanted)
        # A subtree is worth a walk while its path agrees with the prefix and is not wholly before the floor.
        if (in_range or wanted.startswith(path)) and path >= floor[: len(path)]:
            if kind != NO_VALUE and in_range and (start_after is None or path > floor):
                if len(path) & 1:
                    raise InvalidNode(NodeFault.ODD_KEY, path.encode())
                yield bytes.fromhex(path), _stored(kind, payload, source)
            if bitmap:
                pending.extend(_children(path, split_links(bitmap, links), wanted, floor))
        if not pending:
            return
        depth, slot, link = pending.pop()
        path = path[:depth] + DIGITS[slot]
        partial, kind, payload, bitmap, links = follow(link, source, cache)


def _children(path: str, links: list[bytes], wanted: str, floor: str) -> Iterator[tuple[int, int, bytes]]:
    """(depth, slot, link) of the children of the node at `path` that may hold keys of the range, last
    first.
    """
    below = len(path)
    only = wanted[below] if len(wanted) > below else ""
    least = floor[below] if floor[:below] == path and len(floor) > below else ""
    for slot in range(15, -1, -1):
        digit = DIGITS[slot]
        if links[slot] and only in ("", digit) and digit >= least:
            yield below, slot, links[slot]


def _stored(kind: int, payload: bytes, source: NodeSource) -> bytes:
    return fetch(payload, source) if kind == HASHED_VALUE else payload
