"""Blocks and their order: headers, bodies, the best chain, children and leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.store.cache import GenerationalCache
from chain.store.errors import DatabaseCorrupt, UnknownBlock
from chain.store.kv import Batch, KeyValue
from chain.store.schema import (
    BODY,
    CANONICAL,
    CHILD,
    HASH_SIZE,
    HEADER,
    HEIGHT,
    JUSTIFICATION,
    LEAF,
    OUTCOME,
    BlockRef,
    number_key,
    pack,
    unpack,
)
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale

HEADER_CACHE_LIMIT = 4 << 20
"""Bytes; several thousand headers, more than the unfinalised chain and its forks ever hold."""

DECODED_HEADER_SIZE = 1_000
"""Bytes charged per decoded header: five fields and a digest of three items."""


@dataclass(frozen=True, slots=True)
class TreeRoute:
    """The way from one block to another: blocks left (newest first), the common ancestor, blocks entered
    (oldest first)."""

    retracted: tuple[bytes, ...]
    common: bytes
    enacted: tuple[bytes, ...]


class Blocks:
    """Reads blocks, and stages their records into a batch."""

    def __init__(self, kv: KeyValue) -> None:
        self._kv = kv
        self._headers: GenerationalCache[Header | None] = GenerationalCache(
            HEADER_CACHE_LIMIT, lambda _hash, _header: DECODED_HEADER_SIZE
        )

    def contains(self, block: bytes) -> bool:
        """Whether the block is stored now."""
        return self._kv.get(HEADER + block) is not None

    def header(self, block: bytes) -> Header | None:
        """The header, or None."""
        header = self._headers.get(block, None)
        if header is None:
            data = self._kv.get(HEADER + block)
            if data is None:
                return None
            try:
                header = Header.decode(data)
            except InvalidScale as error:
                raise DatabaseCorrupt(
                    self._kv.path, f"the header of block 0x{block.hex()} is malformed"
                ) from error
            self._headers.put(block, header)
        return header

    def require(self, block: bytes) -> Header:
        """The header. Raises `UnknownBlock`."""
        header = self.header(block)
        if header is None:
            raise UnknownBlock(block)
        return header

    def body(self, block: bytes) -> tuple[bytes, ...] | None:
        """The extrinsics, or None."""
        data = self._kv.get(BODY + block)
        if data is None:
            return None
        match unpack(data, self._kv.path):
            case list(extrinsics):
                return tuple(extrinsics)
        raise DatabaseCorrupt(self._kv.path, f"the body of block 0x{block.hex()} is malformed")

    def canonical(self, number: int) -> bytes | None:
        """The block at this height of the best chain, or None."""
        if not 0 <= number < 1 << 32:
            return None
        return self._kv.get(CANONICAL + number_key(number))

    def is_canonical(self, block: bytes) -> bool:
        """Whether the block is stored and on the best chain."""
        header = self.header(block)
        return header is not None and self.canonical(header.number) == block

    def at_height(self, number: int) -> list[bytes]:
        """All stored blocks of this height, ascending by hash."""
        prefix = HEIGHT + number_key(number)
        return [key[len(prefix) :] for key, _ in self._kv.iterate(prefix)]

    def children(self, block: bytes) -> tuple[bytes, ...]:
        """The stored children, ascending by hash."""
        prefix = CHILD + block
        return tuple(key[len(prefix) :] for key, _ in self._kv.iterate(prefix))

    def leaves(self) -> tuple[BlockRef, ...]:
        """Blocks without children that may still win, highest first."""
        keys = (key[1:] for key, _ in self._kv.iterate(LEAF, reverse=True))
        return tuple(BlockRef(int.from_bytes(key[:4], "big"), key[4 : 4 + HASH_SIZE]) for key in keys)

    def descendants(self, block: bytes) -> list[bytes]:
        """The block and everything built on it, parents first."""
        found = [block]
        for parent in found:
            found.extend(self.children(parent))
        return found

    def route(self, start: bytes, end: bytes) -> TreeRoute:
        """The way from `start` to `end`. Raises `UnknownBlock`."""
        retracted: list[bytes] = []
        enacted: list[bytes] = []
        left, right = self.require(start), self.require(end)
        while start != end:
            # The higher side steps down; at equal height both do, one after the other.
            if left.number >= right.number:
                retracted.append(start)
                start, left = self._parent(left)
            else:
                enacted.append(end)
                end, right = self._parent(right)
        return TreeRoute(tuple(retracted), start, tuple(reversed(enacted)))

    def _parent(self, header: Header) -> tuple[bytes, Header]:
        parent = self.header(header.parent_hash)
        if parent is None and self.canonical(header.number - 1) is None:
            # A state was imported above here: see `state_import`.
            raise UnknownBlock(header.parent_hash)
        if parent is None or parent.number + 1 != header.number:
            raise DatabaseCorrupt(self._kv.path, f"block {header.number} has no parent in the database")
        return header.parent_hash, parent

    def stage(
        self, batch: Batch, block: bytes, header: Header, body: Sequence[bytes], outcome: bytes
    ) -> None:
        """Put a new block on a parent, its place in the tree and its leaf into `batch`."""
        height = number_key(header.number)
        batch[HEADER + block] = header.encode()
        batch[BODY + block] = pack(list(body))
        batch[OUTCOME + block] = outcome
        batch[HEIGHT + height + block] = b""
        batch[LEAF + height + block] = b""
        batch[CHILD + header.parent_hash + block] = b""
        batch[LEAF + number_key(header.number - 1) + header.parent_hash] = None

    def stage_leaf(self, batch: Batch, ref: BlockRef, *, leaf: bool) -> None:
        """Put into `batch` whether the block is a leaf that may still win."""
        batch[LEAF + number_key(ref.number) + ref.hash] = b"" if leaf else None

    def stage_removal(self, batch: Batch, block: bytes, header: Header) -> None:
        """Put the removal of a block and its place in the tree into `batch`."""
        height = number_key(header.number)
        for key in (
            HEADER + block,
            BODY + block,
            OUTCOME + block,
            JUSTIFICATION + block,
            HEIGHT + height + block,
            LEAF + height + block,
            CHILD + header.parent_hash + block,
        ):
            batch[key] = None

    def forget(self, block: bytes) -> None:
        """Drop a removed block from the cache."""
        self._headers.discard(block)
