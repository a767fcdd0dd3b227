"""The node codec: header, partial key, child bitmap, value, children.

Format: Polkadot specification, "State storage trie"; sp-trie `node_header`. A node with children is a branch,
any other a leaf; there are no extension nodes. The header's top bits give the kind, the rest the length of
the partial key in nibbles. Encodings are version-independent: whether a value is hashed stands in the
header.

A child is referred to by its *merkle value*: the encoding itself while shorter than 32 bytes, else its
Blake2b-256. A *link* is that merkle value with its one-byte compact length in front, as it stands in the
parent.
"""

from hashlib import blake2b
from typing import Final

from runtime.primitives.trie.errors import InvalidNode, NodeFault

HASH_LENGTH: Final = 32
EMPTY_NODE: Final = b"\x00"
EMPTY_ROOT: Final = blake2b(EMPTY_NODE, digest_size=HASH_LENGTH).digest()

HASHED_VALUE_THRESHOLD: Final = 33
"""State version 1 hashes values of at least this many bytes (`TRIE_VALUE_NODE_THRESHOLD` of sp-core)."""

MAX_PARTIAL_NIBBLES: Final = 65_535

NO_VALUE: Final = 0
INLINE_VALUE: Final = 1
HASHED_VALUE: Final = 2

HASH_LINK_PREFIX: Final = bytes((HASH_LENGTH << 2,))
HASH_LINK: Final = 1 + HASH_LENGTH
"""Bytes of the link to a child that is named by its hash."""

# (first byte, capacity for the partial key's length) of a leaf by value kind, and of a branch by value kind.
_LEAF_HEADERS: Final = ((0x40, 63), (0x40, 63), (0x20, 31))
_BRANCH_HEADERS: Final = ((0x80, 63), (0xC0, 63), (0x10, 15))


Node = tuple[str, int, bytes, int, bytes]
"""A decoded node: (partial, kind, payload, bitmap, links).

`partial`: nibble path below the parent's child slot. `kind`: one of `NO_VALUE`, `INLINE_VALUE`,
`HASHED_VALUE`. `payload`: the value itself, or its hash where hashed, or nothing. `bitmap`: bit i set where
child i exists. `links`: the links of the children that exist, joined as they stand in the encoding; see
`link_at` and `split_links`.

A plain tuple of atoms, because the garbage collector stops tracking such tuples: a cache of 100,000 named
tuples cost 40 ms in every full collection. The links stay joined because nearly every reader of a branch
wants one of the sixteen: a full branch so takes 0.7 kB instead of 1.6, and a third of the time to decode.
"""


def compact(number: int) -> bytes:
    """The SCALE compact form of `number` < 2**32 (the only lengths that occur in nodes)."""
    if number < 1 << 6:
        return bytes((number << 2,))
    if number < 1 << 14:
        return (number << 2 | 1).to_bytes(2, "little")
    if number < 1 << 30:
        return (number << 2 | 2).to_bytes(4, "little")
    return b"\x03" + number.to_bytes(4, "little")


def encode_header(is_branch: bool, kind: int, nibbles: int) -> bytes:
    """The header of a node whose partial key has `nibbles` nibbles."""
    first, capacity = (_BRANCH_HEADERS if is_branch else _LEAF_HEADERS)[kind]
    if nibbles < capacity:
        return bytes((first | nibbles,))
    full, rest = divmod(nibbles - capacity, 255)
    return bytes((first | capacity,)) + b"\xff" * full + bytes((rest,))


# Headers of every partial key up to a 64-byte path, so that the hot path only indexes.
_TABLE_NIBBLES: Final = 129
_LEAF_TABLE: Final = tuple(
    tuple(encode_header(False, kind, nibbles) for nibbles in range(_TABLE_NIBBLES)) for kind in range(3)
)
_BRANCH_TABLE: Final = tuple(
    tuple(encode_header(True, kind, nibbles) for nibbles in range(_TABLE_NIBBLES)) for kind in range(3)
)


def _stem(partial: str, is_branch: bool, kind: int) -> bytes:
    """Header and packed partial key."""
    nibbles = len(partial)
    if nibbles < _TABLE_NIBBLES:
        header = (_BRANCH_TABLE if is_branch else _LEAF_TABLE)[kind][nibbles]
    else:
        header = encode_header(is_branch, kind, nibbles)
    if not nibbles:
        return header
    return header + bytes.fromhex("0" + partial if nibbles & 1 else partial)


def encode_leaf(partial: str, kind: int, payload: bytes) -> bytes:
    """The encoding of a leaf; fields as in `Node`."""
    if kind == HASHED_VALUE:
        return _stem(partial, False, kind) + payload
    return _stem(partial, False, kind) + compact(len(payload)) + payload


def encode_branch(partial: str, kind: int, payload: bytes, bitmap: int, links: bytes) -> bytes:
    """The encoding of a branch; fields as in `Node`."""
    stem = _stem(partial, True, kind) + bitmap.to_bytes(2, "little")
    if kind == INLINE_VALUE:
        return stem + compact(len(payload)) + payload + links
    return stem + payload + links


def link_at(bitmap: int, links: bytes, slot: int) -> bytes:
    """The link of the child at `slot`, which must exist, out of the joined `links` of a node."""
    if len(links) == HASH_LINK * bitmap.bit_count():
        at = HASH_LINK * (bitmap & (1 << slot) - 1).bit_count()
        return links[at : at + HASH_LINK]
    return split_links(bitmap, links)[slot]


def split_links(bitmap: int, links: bytes) -> list[bytes]:
    """The joined `links` of a node as 16 links, empty where there is no child."""
    split = [b""] * 16
    at = 0
    for slot in range(16):
        if bitmap >> slot & 1:
            end = at + 1 + (links[at] >> 2)
            split[slot] = links[at:end]
            at = end
    return split


def link_of(encoding: bytes) -> bytes:
    """How a parent refers to the node with this encoding."""
    if len(encoding) < HASH_LENGTH:
        return bytes((len(encoding) << 2,)) + encoding
    return HASH_LINK_PREFIX + blake2b(encoding, digest_size=HASH_LENGTH).digest()


def decode(data: bytes) -> Node:
    """Decode one node, strictly; inline children stay encoded in their links.

    Raises `InvalidNode` for every encoding that `encode_leaf` or `encode_branch` would not produce.
    """
    try:
        return _decode(data)
    except IndexError:
        raise InvalidNode(NodeFault.TRUNCATED if data else NodeFault.EMPTY, data) from None


def _decode(data: bytes) -> Node:
    is_branch, kind, nibbles, at = _read_header(data)
    partial, at = _read_partial(data, at, nibbles)
    bitmap = 0
    if is_branch:
        bitmap = data[at] | data[at + 1] << 8
        at += 2
        if not bitmap:
            raise InvalidNode(NodeFault.NO_CHILDREN, data)
        if kind == NO_VALUE and not bitmap & bitmap - 1:
            raise InvalidNode(NodeFault.LONE_CHILD, data)
    payload, at = _read_value(data, at, kind)
    if is_branch:
        _check_links(data, at, bitmap)
    elif at != len(data):
        raise InvalidNode(NodeFault.TRAILING_BYTES, data)
    return partial, kind, payload, bitmap, data[at:]


def _read_header(data: bytes) -> tuple[bool, int, int, int]:
    """(is a branch, value kind, nibbles of the partial key, offset behind the header)."""
    first = data[0]
    if first >= 0x80:
        is_branch, kind, capacity = True, (INLINE_VALUE if first >= 0xC0 else NO_VALUE), 63
    elif first >= 0x40:
        is_branch, kind, capacity = False, INLINE_VALUE, 63
    elif first >= 0x20:
        is_branch, kind, capacity = False, HASHED_VALUE, 31
    elif first >= 0x10:
        is_branch, kind, capacity = True, HASHED_VALUE, 15
    else:
        # 0x00 is the empty trie, which is never a node of another; 0x01 escapes values in compact proofs.
        raise InvalidNode(NodeFault.RESERVED_HEADER, data)
    nibbles, at = first & capacity, 1
    if nibbles == capacity:
        while data[at] == 255:
            at += 1
        nibbles += 255 * (at - 1) + data[at]
        at += 1
    return is_branch, kind, nibbles, at


def _read_partial(data: bytes, at: int, nibbles: int) -> tuple[str, int]:
    if not nibbles:
        return "", at
    if nibbles > MAX_PARTIAL_NIBBLES:
        raise InvalidNode(NodeFault.PARTIAL_KEY_TOO_LONG, data)
    end = at + (nibbles + 1 >> 1)
    if end > len(data):
        raise InvalidNode(NodeFault.TRUNCATED, data)
    packed = data[at:end].hex()
    if not nibbles & 1:
        return packed, end
    if packed[0] != "0":
        raise InvalidNode(NodeFault.NONZERO_PADDING, data)
    return packed[1:], end


def _read_value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    if kind == NO_VALUE:
        return b"", at
    if kind == HASHED_VALUE:
        end = at + HASH_LENGTH
    else:
        length, at = _read_compact(data, at)
        end = at + length
    if end > len(data):
        raise InvalidNode(NodeFault.TRUNCATED, data)
    return data[at:end], end


def _check_links(data: bytes, at: int, bitmap: int) -> None:
    """From `at` on, `data` must hold the links of `bitmap` and nothing else."""
    children = bitmap.bit_count()
    # At a glance where all children are named by hash, as they nearly always are.
    if len(data) - at == HASH_LINK * children and data[at::HASH_LINK] == HASH_LINK_PREFIX * children:
        return
    for _ in range(children):
        length = data[at]
        if length != HASH_LENGTH << 2:
            _check_link_length(data, length)
        at += 1 + (length >> 2)
    if at != len(data):
        raise InvalidNode(NodeFault.TRUNCATED if at > len(data) else NodeFault.TRAILING_BYTES, data)


def _check_link_length(data: bytes, length: int) -> None:
    """Only one-byte compacts of 1 to 32 can stand before a merkle value."""
    if length & 3 == 0 and 0 < length < HASH_LENGTH << 2:
        return
    if length == 0:
        raise InvalidNode(NodeFault.EMPTY_CHILD, data)
    raise InvalidNode(NodeFault.LONG_CHILD, data)


def _read_compact(data: bytes, at: int) -> tuple[int, int]:
    mode = data[at] & 3
    if mode == 0:
        return data[at] >> 2, at + 1
    if mode == 3 and data[at] != 3:
        # More than four bytes of length: no value is that long.
        raise InvalidNode(NodeFault.TRUNCATED, data)
    width, shift, least = ((2, 2, 1 << 6), (4, 2, 1 << 14), (5, 8, 1 << 30))[mode - 1]
    if at + width > len(data):
        raise InvalidNode(NodeFault.TRUNCATED, data)
    number = int.from_bytes(data[at : at + width], "little") >> shift
    if number < least:
        raise InvalidNode(NodeFault.NON_CANONICAL_LENGTH, data)
    return number, at + width
