"""What goes into the store and what its writers answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chain.store.blocks import TreeRoute
from chain.store.schema import BlockRef
from runtime.primitives.header import Header
from runtime.primitives.trie import TrieUpdate


@dataclass(frozen=True, slots=True)
class Genesis:
    """The first block: its header, the whole state under it, and the artifacts that state names."""

    header: Header
    storage: Mapping[bytes, bytes] = field(default_factory=dict)
    artifacts: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlockCommit:
    """One executed block, complete.

    `body`: extrinsics as in `Block.extrinsics`. `changes`: storage key -> new value or None. `trie`: the
    outcome of applying `changes` to the parent's trie. `artifacts`: content hash -> bytes that the block
    brought. `outcome`: events and results as the importer encodes them. `receipts`: receipt id (1 to 255
    bytes) -> encoded receipt. `aux`: records of other parts of the node, written in the same batch.
    """

    header: Header
    body: Sequence[bytes]
    changes: Mapping[bytes, bytes | None]
    trie: TrieUpdate
    artifacts: Mapping[bytes, bytes] = field(default_factory=dict)
    outcome: bytes = b""
    receipts: Mapping[bytes, bytes] = field(default_factory=dict)
    is_best: bool = True
    aux: Mapping[bytes, bytes | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Committed:
    """A stored block, and how the best block moved (None where it did not)."""

    block: BlockRef
    route: TreeRoute | None


@dataclass(frozen=True, slots=True)
class Finalized:
    """Newly final blocks (oldest first), fork blocks that can no longer win, and how the best block moved."""

    enacted: tuple[bytes, ...]
    discarded: tuple[bytes, ...]
    route: TreeRoute | None


@dataclass(frozen=True, slots=True)
class Reverted:
    """Where the chain stands after going back, and the blocks that were removed."""

    best: BlockRef
    finalized: BlockRef
    removed: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """An inference receipt and the block of the best chain that produced it."""

    block: bytes
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """Memory of the store's own caches; LevelDB's are in `CacheSizes`.

    `flat_values`: bytes of storage keys and values kept decoded-free in front of LevelDB; holds about 180,000
    account records. `trie_nodes`: decoded trie nodes per generation (two generations, 0.4 to 0.8 kB a node):
    1,000,000 accounts have 70,000 branches in their upper levels and 250,000 small ones below.
    """

    flat_values: int = 64 << 20
    trie_nodes: int = 1 << 17
