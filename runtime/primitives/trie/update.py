"""Changing a trie: from a root and a set of changes to the next root, touching only the nodes on the way.

Three steps. Writes open the nodes from the root down as mutable *drafts* and put the values in; deletions
then take values out, and take out or merge the nodes that may not stand without them; last, every draft is
encoded and hashed once, children before parents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from runtime.primitives.trie.build import build
from runtime.primitives.trie.codec import (
    EMPTY_ROOT,
    HASH_LENGTH,
    HASH_LINK,
    HASH_LINK_PREFIX,
    HASHED_VALUE,
    HASHED_VALUE_THRESHOLD,
    INLINE_VALUE,
    NO_VALUE,
    Node,
    decode,
    encode_branch,
    encode_leaf,
    link_at,
    split_links,
)
from runtime.primitives.trie.nibbles import SLOT_OF, common_length, path_of
from runtime.primitives.trie.reference import check_version
from runtime.primitives.trie.source import NodeCache, NodeSource, load

MAX_VAIN_GUESSES: Final = 16
"""Wrong guesses at one depth, right ones made up for, after which no child there is taken for a known leaf:
in a large trie the upper levels hold branches only."""

GUESS_WORTH: Final = 4
"""Wrong guesses, of 2 us each, that one right guess makes up for: it saves a read of the store."""


@dataclass(frozen=True, slots=True)
class TrieUpdate:
    """The outcome of `apply`.

    `inserted`: (hash, bytes) of records that gained a reference; `removed`: hashes that lost one. Records are
    nodes of 32 bytes or more, the root node, and hashed values. Both are multisets: a store that counts
    `inserted` up and `removed` down keeps for each record the number of places in the trie that refer to it.
    A hash may stand in both. The empty trie has no record.
    """

    root: bytes
    inserted: list[tuple[bytes, bytes]]
    removed: list[bytes]


def apply(
    root: bytes,
    changes: Mapping[bytes, bytes | None],
    source: NodeSource,
    version: int = 1,
    cache: NodeCache | None = None,
    known: Mapping[bytes, bytes] | None = None,
) -> TrieUpdate:
    """Set (or, where the value is None, delete) each key of `changes` in the trie with this `root`.

    `version` 1 hashes values of 33 bytes and more, 0 keeps all inline; values that are not written keep the
    form they have. Deleting an absent key and writing the value that is there change nothing. `cache` is
    read and filled. `known` holds values that the caller takes to be in the trie under keys of `changes`, as
    execution has read most keys that it writes: they save fetching the leaves. They are only ever compared by
    hash with the trie, so a wrong one costs time and nothing else.

    Raises `MissingNode`, `InvalidNode` (the update is then void; nothing was changed), `InvalidEntry`.
    """
    if root == EMPTY_ROOT:
        created: list[tuple[bytes, bytes]] = []
        entries = [(key, value) for key, value in sorted(changes.items()) if value is not None]
        return TrieUpdate(build(entries, version, created.append), created, [])
    check_version(version)
    known = known or {}
    update = _Update(root, source, version, cache)
    deleted: list[tuple[str, bytes | None]] = []
    for key, value in changes.items():
        path = path_of(key)
        if value is None:
            deleted.append((path, known.get(key)))
            continue
        kind, payload = _value_form(value, version)
        if update.write(path, kind, payload, known.get(key)) and kind == HASHED_VALUE:
            update.inserted.append((payload, value))
    for path, expected in deleted:
        update.delete(path, expected)
    return TrieUpdate(update.finish(), update.inserted, update.removed)


class _Draft:
    """A node being changed.

    `bitmap`: the children there are now. `links`: the joined links of those in `linked`, the children there
    were; what it says of an opened or a lost one is out of date. `opened`: the children that are drafts
    themselves. `origin`: hash of the record that stood at this place before, None where there was none (new
    or inline). `link`: set by `finish`, how the parent refers to the finished node.
    """

    __slots__ = ("bitmap", "kind", "link", "linked", "links", "opened", "origin", "partial", "payload")

    def __init__(self, node: Node, origin: bytes | None) -> None:
        self.partial, self.kind, self.payload, self.bitmap, self.links = node
        self.linked = self.bitmap
        self.opened: dict[int, _Draft] = {}
        self.origin = origin
        self.link = b""

    def encode(self) -> bytes:
        """The encoding, once all opened children have their link; `links` is then up to date."""
        if not self.bitmap:
            return encode_leaf(self.partial, self.kind, self.payload)
        if self.opened or self.linked != self.bitmap:
            self.links = self._relinked()
            self.linked = self.bitmap
        return encode_branch(self.partial, self.kind, self.payload, self.bitmap, self.links)

    def _relinked(self) -> bytes:
        """The joined links of all children as they are now."""
        bitmap, links = self.bitmap, self.links
        if self.linked == bitmap and len(links) == HASH_LINK * bitmap.bit_count():
            patched = links
            for slot, child in self.opened.items():
                at = HASH_LINK * (bitmap & (1 << slot) - 1).bit_count()
                patched = patched[:at] + child.link + patched[at + HASH_LINK :]
                if len(child.link) != HASH_LINK:
                    break
            else:
                return patched
        split = split_links(self.linked, links)
        for slot, child in self.opened.items():
            split[slot] = child.link
        return b"".join(link for slot, link in enumerate(split) if bitmap >> slot & 1)

    def node(self) -> Node:
        """The finished node, for the cache."""
        return self.partial, self.kind, self.payload, self.bitmap, self.links


class _Update:
    """One run of `apply`."""

    def __init__(self, root: bytes, source: NodeSource, version: int, cache: NodeCache | None) -> None:
        self.source = source
        self.version = version
        self.cache = cache
        self.inserted: list[tuple[bytes, bytes]] = []
        self.removed: list[bytes] = []
        self._vain_guesses: dict[int, int] = {}
        self.root: _Draft | None = _Draft(load(root, source, cache), root)

    def write(self, path: str, kind: int, payload: bytes, expected: bytes | None) -> bool:
        """Put a value at `path`, where `expected` may stand now; False where the new one is there already."""
        node, at = self.root, 0
        assert node is not None, "the root can vanish only once deletions have begun"
        while path.startswith(node.partial, at):
            at += len(node.partial)
            if at == len(path):
                if node.kind == kind and node.payload == payload:
                    return False
                self._forget_value(node)
                node.kind, node.payload = kind, payload
                return True
            slot = SLOT_OF[path[at]]
            at += 1
            child = node.opened.get(slot)
            if child is None:
                if not node.bitmap >> slot & 1:
                    _attach(node, slot, _Draft((path[at:], kind, payload, 0, b""), None))
                    return True
                child = self._open(node, slot, path, at, expected)
            node = child
        common = common_length(node.partial, path[at:])
        _split(node, common)
        at += common
        if at == len(path):
            node.kind, node.payload = kind, payload
        else:
            _attach(node, SLOT_OF[path[at]], _Draft((path[at + 1 :], kind, payload, 0, b""), None))
        return True

    def delete(self, path: str, expected: bytes | None) -> None:
        """Take the value at `path`, maybe `expected`, out, and every node that only led to it."""
        node, at = self.root, 0
        parent: _Draft | None = None
        slot = 0
        while node is not None and path.startswith(node.partial, at):
            at += len(node.partial)
            if at == len(path):
                if node.kind != NO_VALUE:
                    self._forget_value(node)
                    node.kind, node.payload = NO_VALUE, b""
                    self._tidy(node, parent, slot)
                return
            slot = SLOT_OF[path[at]]
            at += 1
            if not node.bitmap >> slot & 1:
                return
            parent, node = node, node.opened.get(slot) or self._open(node, slot, path, at, expected)

    def finish(self) -> bytes:
        """Encode all drafts, note what came and went, and return the new root."""
        root = self.root
        if root is None:
            return EMPTY_ROOT
        drafts = [root]
        for draft in drafts:
            if draft.opened:
                drafts.extend(draft.opened.values())
        inserted, cache = self.inserted, self.cache
        for draft in reversed(drafts):
            encoding = draft.encode()
            if len(encoding) >= HASH_LENGTH or draft is root:
                node_hash = blake2b(encoding, digest_size=HASH_LENGTH).digest()
                draft.link = HASH_LINK_PREFIX + node_hash
                if node_hash == draft.origin:
                    continue
                inserted.append((node_hash, encoding))
                # A leaf is cheaper to recognise by its known value than to keep.
                if cache is not None and draft.bitmap:
                    cache.put(node_hash, draft.node())
            else:
                draft.link = bytes((len(encoding) << 2,)) + encoding
            if draft.origin is not None:
                self.removed.append(draft.origin)
        return root.link[1:]

    def _open(self, node: _Draft, slot: int, path: str, at: int, expected: bytes | None) -> _Draft:
        """Make the child at `slot`, which exists and is no draft yet, a draft.

        Where it is not cached, it may be the leaf with `expected` at the rest of `path`: the hash tells.
        """
        link = link_at(node.linked, node.links, slot)
        if len(link) > HASH_LENGTH:
            node_hash = link[1:]
            found = None if self.cache is None else self.cache.get(node_hash)
            if found is None and expected is not None:
                found = self._guess_leaf(node_hash, path, at, expected)
            child = _Draft(found or load(node_hash, self.source, self.cache), node_hash)
        else:
            child = _Draft(decode(link[1:]), None)
        node.opened[slot] = child
        return child

    def _guess_leaf(self, node_hash: bytes, path: str, at: int, value: bytes) -> Node | None:
        """The leaf with `value` at the rest of `path`, if that is what `node_hash` names."""
        vain = self._vain_guesses.get(at, 0)
        if vain >= MAX_VAIN_GUESSES:
            return None
        partial = path[at:]
        kind, payload = _value_form(value, self.version)
        encoding = encode_leaf(partial, kind, payload)
        if blake2b(encoding, digest_size=HASH_LENGTH).digest() != node_hash:
            self._vain_guesses[at] = vain + 1
            return None
        self._vain_guesses[at] = vain - GUESS_WORTH
        return partial, kind, payload, 0, b""

    def _forget_value(self, node: _Draft) -> None:
        if node.kind == HASHED_VALUE:
            self.removed.append(node.payload)

    def _tidy(self, node: _Draft, parent: _Draft | None, slot: int) -> None:
        """Restore the shape around `node`, child `slot` of `parent`, which has just lost its value."""
        if not node.bitmap:
            if node.origin is not None:
                self.removed.append(node.origin)
            if parent is None:
                self.root = None
                return
            del parent.opened[slot]
            parent.bitmap ^= 1 << slot
            node = parent
        if node.kind == NO_VALUE and not node.bitmap & node.bitmap - 1:
            self._merge(node)

    def _merge(self, node: _Draft) -> None:
        """Join a branch without a value with its only child."""
        slot = node.bitmap.bit_length() - 1
        child = node.opened.get(slot) or self._open(node, slot, "", 0, None)
        if child.origin is not None:
            self.removed.append(child.origin)
        node.partial = f"{node.partial}{slot:x}{child.partial}"
        node.kind, node.payload = child.kind, child.payload
        node.bitmap, node.linked, node.links = child.bitmap, child.linked, child.links
        node.opened = child.opened


def _value_form(value: bytes, version: int) -> tuple[int, bytes]:
    """How a node holds `value`: its kind and payload."""
    if version == 1 and len(value) >= HASHED_VALUE_THRESHOLD:
        return HASHED_VALUE, blake2b(value, digest_size=HASH_LENGTH).digest()
    return INLINE_VALUE, value


def _attach(node: _Draft, slot: int, child: _Draft) -> None:
    """Give `node` a new child."""
    node.opened[slot] = child
    node.bitmap |= 1 << slot


def _split(node: _Draft, common: int) -> None:
    """Turn `node` into a branch after `common` nibbles of its partial key, over what it was."""
    lower = _Draft((node.partial[common + 1 :], node.kind, node.payload, node.bitmap, node.links), None)
    lower.linked, lower.opened = node.linked, node.opened
    slot = SLOT_OF[node.partial[common]]
    node.partial, node.kind, node.payload = node.partial[:common], NO_VALUE, b""
    node.bitmap, node.linked, node.links, node.opened = 0, 0, b"", {}
    _attach(node, slot, lower)
