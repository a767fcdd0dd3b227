"""The layout of the database: one byte names the column, the rest of the key is the column's own.

Numbers in keys are big-endian so that LevelDB's order is theirs. Values no one hashes are msgpack; headers
are SCALE because their bytes are hashed; nodes, artifacts and values are the bytes themselves.
"""

from dataclasses import dataclass

import msgpack

from chain.store.errors import DatabaseCorrupt

FORMAT_VERSION = 1
"""Raised by every change of this layout that an older node would misread."""

HASH_SIZE = 32

META = b"m"
"""name -> one of the `META_` records."""
HEADER = b"h"
"""block -> SCALE header."""
BODY = b"b"
"""block -> list of extrinsics."""
OUTCOME = b"o"
"""block -> the importer's record of events and results."""
JUSTIFICATION = b"q"
"""block -> proof of finality."""
CANONICAL = b"n"
"""number -> block, on the best chain."""
HEIGHT = b"g"
"""number, block -> nothing: every stored block by height."""
CHILD = b"c"
"""parent, block -> nothing."""
LEAF = b"l"
"""number, block -> nothing: blocks without children that may still win."""
NODE = b"t"
"""hash -> trie node, or hashed value of state version 1."""
NODE_EXTRA = b"x"
"""hash -> how many references beyond the first; absent for the first."""
FLAT = b"s"
"""storage key -> value, in the state of the best block."""
DELTA = b"d"
"""block -> values that turn the flat state into that of its parent (if on the best chain) or its own."""
JOURNAL = b"j"
"""block -> `Journal`."""
ARTIFACT = b"a"
"""content hash -> bytes."""
ARTIFACT_EXTRA = b"y"
"""content hash -> how many blocks brought it beyond the first."""
RECEIPT = b"r"
"""length of id, id, block -> receipt."""
AUX = b"z"
"""name -> small records of other parts of the node."""

META_BUILDING = META + b"building"
"""Stands while the genesis state is being written: what lies beside it is unfinished."""
META_VERSION = META + b"version"
META_GENESIS = META + b"genesis"
META_PRUNING = META + b"pruning"
META_HEADS = META + b"heads"
META_FLAT = META + b"flat"
"""The block whose state the flat column holds; empty while it is being rebuilt."""


def number_key(number: int) -> bytes:
    """A block number (u32) as it stands in keys."""
    return number.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by number and hash."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Heads:
    """Where the chain stands: best and finalised block, and the oldest number whose states are kept."""

    best: BlockRef
    finalized: BlockRef
    oldest_state: int

    def encode(self) -> bytes:
        """As stored."""
        fields = (
            self.best.number,
            self.best.hash,
            self.finalized.number,
            self.finalized.hash,
            self.oldest_state,
        )
        return pack(fields)

    @classmethod
    def decode(cls, data: bytes, path: str) -> "Heads":
        """Raises `DatabaseCorrupt`."""
        match unpack(data, path):
            case [int(best), bytes(best_hash), int(final), bytes(final_hash), int(oldest)]:
                return cls(BlockRef(best, best_hash), BlockRef(final, final_hash), oldest)
        raise DatabaseCorrupt(path, "the record of the chain's heads is malformed")


@dataclass(frozen=True, slots=True)
class Journal:
    """What a block brought, so that it can be taken away again; kept as long as its state.

    `inserted` and `removed` are multisets of node hashes relative to the parent's trie.
    """

    inserted: list[bytes]
    removed: list[bytes]
    artifacts: list[bytes]
    receipts: list[bytes]

    def encode(self) -> bytes:
        """As stored: node hashes joined, since they all have one size."""
        return pack((b"".join(self.inserted), b"".join(self.removed), self.artifacts, self.receipts))

    @classmethod
    def decode(cls, data: bytes, path: str) -> "Journal":
        """Raises `DatabaseCorrupt`."""
        match unpack(data, path):
            case [bytes(inserted), bytes(removed), list(artifacts), list(receipts)]:
                return cls(_hashes(inserted), _hashes(removed), artifacts, receipts)
        raise DatabaseCorrupt(path, "a block's journal is malformed")


def receipt_prefix(receipt_id: bytes) -> bytes:
    """The start of the keys of the receipts called `receipt_id`; ids have at most 255 bytes."""
    return RECEIPT + bytes([len(receipt_id)]) + receipt_id


def pack(value: object) -> bytes:
    """msgpack, byte strings and integers only."""
    packed: bytes = msgpack.packb(value)
    return packed


def unpack(data: bytes, path: str) -> object:
    """The inverse of `pack`. Raises `DatabaseCorrupt`."""
    try:
        value: object = msgpack.unpackb(data, strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise DatabaseCorrupt(path, "a record is not valid msgpack") from error
    return value


def _hashes(joined: bytes) -> list[bytes]:
    return [joined[start : start + HASH_SIZE] for start in range(0, len(joined), HASH_SIZE)]
