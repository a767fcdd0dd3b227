"""The trie of given entries, built the plain way: the reference that the fast builders are tested against."""

from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from itertools import pairwise

from runtime.primitives.trie.codec import (
    EMPTY_ROOT,
    HASH_LENGTH,
    HASHED_VALUE,
    HASHED_VALUE_THRESHOLD,
    INLINE_VALUE,
    NO_VALUE,
    encode_branch,
    encode_leaf,
    link_of,
)
from runtime.primitives.trie.errors import EntryFault, InvalidEntry
from runtime.primitives.trie.nibbles import SLOT_OF, common_length, path_of


def root_of(entries: Mapping[bytes, bytes], version: int = 1) -> bytes:
    """The root of the trie that holds exactly `entries`, under state version 0 or 1.

    Raises `InvalidEntry` for a key beyond `MAX_KEY_BYTES` or another version.
    """
    return reference_records(entries, version)[0]


def reference_records(
    entries: Mapping[bytes, bytes], version: int = 1
) -> tuple[bytes, Counter[tuple[bytes, bytes]]]:
    """(root, every hash-keyed record of the trie with the number of references to it).

    A record is (hash, bytes): a node of 32 bytes or more, the root node, or a hashed value.
    """
    check_version(version)
    records: Counter[tuple[bytes, bytes]] = Counter()
    if not entries:
        return EMPTY_ROOT, records
    paths = {path_of(key): value for key, value in entries.items()}
    # A node stands at each key, and at each place where two neighbouring keys part.
    places = set(paths) | {a[: common_length(a, b)] for a, b in pairwise(sorted(paths))}
    links: dict[str, list[bytes]] = {place: [b""] * 16 for place in places}
    # Descending order visits every node after all nodes below it.
    for place in sorted(places, reverse=True):
        parent = _parent(place, places)
        partial = place if parent is None else place[len(parent) + 1 :]
        encoding = _encode(partial, paths.get(place), links.pop(place), version, records)
        link = link_of(encoding)
        if parent is None:
            root = blake2b(encoding, digest_size=HASH_LENGTH).digest()
            records[root, encoding] += 1
        else:
            links[parent][SLOT_OF[place[len(parent)]]] = link
            if len(encoding) >= HASH_LENGTH:
                records[link[1:], encoding] += 1
    return root, records


def check_version(version: int) -> None:
    """Raises `InvalidEntry` unless `version` is 0 or 1."""
    if version not in (0, 1):
        raise InvalidEntry(EntryFault.UNKNOWN_VERSION, version)


def _parent(place: str, places: set[str]) -> str | None:
    for length in range(len(place) - 1, -1, -1):
        if place[:length] in places:
            return place[:length]
    return None


def _encode(
    partial: str,
    value: bytes | None,
    links: list[bytes],
    version: int,
    records: Counter[tuple[bytes, bytes]],
) -> bytes:
    kind, payload = NO_VALUE, b""
    if value is not None:
        kind, payload = INLINE_VALUE, value
        if version == 1 and len(value) >= HASHED_VALUE_THRESHOLD:
            kind, payload = HASHED_VALUE, blake2b(value, digest_size=HASH_LENGTH).digest()
            records[payload, value] += 1
    bitmap = sum(1 << slot for slot, link in enumerate(links) if link)
    if bitmap:
        return encode_branch(partial, kind, payload, bitmap, b"".join(links))
    return encode_leaf(partial, kind, payload)
