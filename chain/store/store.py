"""The node's database as the rest of the node sees it."""

from collections.abc import Iterator, Mapping
from threading import Lock

from chain.store.blocks import TreeRoute
from chain.store.commit import commit_block
from chain.store.errors import DatabaseCorrupt, StateDiscarded
from chain.store.finality import finalize, revert, set_best
from chain.store.flat import FlatState
from chain.store.kv import KeyValue
from chain.store.nodes import node_source
from chain.store.opening import open_database
from chain.store.pruning import Pruning
from chain.store.records import (
    BlockCommit,
    CacheLimits,
    Committed,
    Finalized,
    Genesis,
    Reverted,
    StoredReceipt,
)
from chain.store.schema import AUX, HASH_SIZE, JUSTIFICATION, NODE, OUTCOME, BlockRef, Heads, receipt_prefix
from chain.store.stage import Columns
from chain.store.views import StateView
from runtime.primitives.header import Header
from runtime.primitives.trie import InvalidNode, MissingNode, NodeCache, NodeSource, TrieUpdate, apply, warm

WARM_NODES = 1 << 16
"""Trie nodes loaded by `warm_up`: about all upper levels of 1,000,000 accounts, 50 MB and half a second."""


class Store:
    """Blocks, states, artifacts and receipts of one chain.

    Reads are safe from any thread and never wait for a write. Writes exclude each other; each is one atomic
    batch. A write that fails raises `DatabaseWriteFailed` and changes nothing.
    """

    def __init__(
        self, kv: KeyValue, genesis_hash: bytes, pruning: Pruning, heads: Heads, limits: CacheLimits
    ) -> None:
        self.kv = kv
        self.genesis_hash = genesis_hash
        self.pruning = pruning
        self.trie_cache = NodeCache(limits.trie_nodes)
        self._heads = heads
        self._flat = FlatState(kv, heads.best.hash, limits.flat_values)
        self._columns = Columns(kv, self._flat)
        self._blocks = self._columns.blocks
        self._get_node = node_source(kv, NODE)
        self._writing = Lock()

    @classmethod
    def open(
        cls,
        kv: KeyValue,
        genesis: Genesis | None,
        pruning: Pruning | None = None,
        limits: CacheLimits | None = None,
    ) -> "Store":
        """The store over `kv`: created with `genesis` where empty, else checked and, where its flat state
        lags, mended.

        `genesis` None opens what is there; of an existing chain only the hash is compared. `pruning` None
        takes the stored mode (256 states for a new one). Raises what `opening.open_database` lists.
        """
        genesis_hash, mode, heads = open_database(kv, genesis, pruning)
        return cls(kv, genesis_hash, mode, heads, limits or CacheLimits())

    def close(self) -> None:
        """Wait for a write under way, then release the database."""
        with self._writing:
            self.kv.close()

    @property
    def path(self) -> str:
        """Where the data lie, for error texts."""
        return self.kv.path

    @property
    def cached_bytes(self) -> int:
        """Memory charged to the cache of flat values; at most `CacheLimits.flat_values` and one entry."""
        return self._flat.cached_bytes

    # Where the chain stands.

    def best(self) -> BlockRef:
        """The best block: the head of the chain that is built on."""
        return self._heads.best

    def finalized(self) -> BlockRef:
        """The last finalised block; the genesis block at first."""
        return self._heads.finalized

    @property
    def oldest_state(self) -> int:
        """The lowest block number whose states are kept."""
        return self._heads.oldest_state

    # Blocks. Hashes have 32 bytes; None means: not stored.

    def contains(self, block: bytes) -> bool:
        """Whether the block is stored."""
        return self._blocks.contains(block)

    def header(self, block: bytes) -> Header | None:
        """The block's header."""
        return self._blocks.header(block)

    def body(self, block: bytes) -> tuple[bytes, ...] | None:
        """The block's extrinsics, as in `Block.extrinsics`."""
        return self._blocks.body(block)

    def outcome(self, block: bytes) -> bytes | None:
        """The importer's record of the block's events and results."""
        return self.kv.get(OUTCOME + block)

    def justification(self, block: bytes) -> bytes | None:
        """The proof of finality kept with the block; not every final block has its own."""
        return self.kv.get(JUSTIFICATION + block)

    def block_hash(self, number: int) -> bytes | None:
        """The block at this height of the best chain."""
        return self._blocks.canonical(number)

    def blocks_at(self, number: int) -> list[bytes]:
        """All stored blocks of this height, ascending by hash."""
        return self._blocks.at_height(number)

    def descendants(self, block: bytes) -> list[bytes]:
        """The block and everything built on it, parents first."""
        return self._blocks.descendants(block)

    def is_canonical(self, block: bytes) -> bool:
        """Whether the block is stored and on the best chain."""
        return self._blocks.is_canonical(block)

    def leaves(self) -> tuple[BlockRef, ...]:
        """Blocks without children that may still win, highest first."""
        return self._blocks.leaves()

    def children(self, block: bytes) -> tuple[bytes, ...]:
        """The stored children of a block, ascending by hash."""
        return self._blocks.children(block)

    def route(self, start: bytes, end: bytes) -> TreeRoute:
        """The way through the tree of blocks. Raises `UnknownBlock`."""
        return self._blocks.route(start, end)

    # States.

    def has_state(self, block: bytes) -> bool:
        """Whether the state of the block is kept."""
        header = self._blocks.header(block) if self._blocks.contains(block) else None
        return header is not None and header.number >= self._heads.oldest_state

    def state_root(self, block: bytes) -> bytes:
        """The root of the block's state. Raises `UnknownBlock`."""
        return self._blocks.require(block).state_root

    def state_at(self, block: bytes) -> StateView:
        """A frozen view of the block's state. Raises `UnknownBlock`, `StateDiscarded`."""
        header = self._blocks.require(block)
        if header.number < self._heads.oldest_state:
            raise StateDiscarded(block, header.number, self._heads.oldest_state)
        return StateView(self, self._flat, block, header.number, header.state_root)

    def node_source(self) -> NodeSource:
        """Encoded trie nodes and hashed values by hash, for `trie.apply`, `trie.prove` and `trie.iterate`."""
        return self._get_node

    def trie_update(
        self, parent: bytes, changes: Mapping[bytes, bytes | None], version: int = 1
    ) -> TrieUpdate:
        """Apply `changes` to the trie of block `parent`, with the store's cache of decoded nodes; writes
        nothing.

        Raises `UnknownBlock`, `StateDiscarded`; `MissingNode` and `InvalidNode` where the database is
        corrupt.
        """
        root = self.state_at(parent).root
        # Execution has just read what it changed: the trie then needs no leaf from the disk.
        known = self._flat.recent(changes)
        return apply(root, changes, self._get_node, version, self.trie_cache, known)

    def warm_up(self) -> int:
        """Load the top of the best state's trie, up to `WARM_NODES`, so that the first blocks of a node that
        comes up do not each wait for thousands of reads; returns how many nodes. Raises `DatabaseCorrupt`.
        """
        best = self._heads.best
        try:
            return warm(self.state_root(best.hash), self._get_node, self.trie_cache, WARM_NODES)
        except (MissingNode, InvalidNode) as error:
            raise DatabaseCorrupt(self.path, f"state of block {best.number}: {error}") from error

    def artifact(self, content_hash: bytes) -> bytes | None:
        """The bytes whose Blake2b-256 is `content_hash`."""
        return self._columns.artifacts.get(content_hash)

    def receipt(self, receipt_id: bytes) -> StoredReceipt | None:
        """The inference receipt with this id on the best chain; kept after its state is pruned."""
        if not 1 <= len(receipt_id) <= 255:
            return None
        for key, data in self.kv.iterate(receipt_prefix(receipt_id)):
            block = key[-HASH_SIZE:]
            header = self._blocks.header(block)
            if header is not None and self._blocks.canonical(header.number) == block:
                return StoredReceipt(block, header.number, data)
        return None

    def aux(self, name: bytes) -> bytes | None:
        """A record of another part of the node."""
        return self.kv.get(AUX + name)

    def aux_items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All such records whose name starts with `prefix`, ascending by name."""
        return ((key[len(AUX) :], value) for key, value in self.kv.iterate(AUX + prefix))

    # Writing.

    def commit_block(self, commit: BlockCommit, *, sync: bool = True) -> Committed:
        """Store an executed block; see `commit.commit_block`."""
        with self._writing:
            self._heads, committed = commit_block(self._columns, self._heads, commit, sync=sync)
        if commit.is_best:
            self.trie_cache.forget(commit.trie.removed)
        return committed

    def set_best(self, block: bytes, *, sync: bool = True) -> TreeRoute:
        """Follow fork choice to a stored block; see `finality.set_best`."""
        with self._writing:
            self._heads, route = set_best(self._columns, self._heads, block, sync=sync)
        return route

    def finalize(
        self,
        block: bytes,
        justification: bytes | None = None,
        *,
        aux: Mapping[bytes, bytes | None] | None = None,
        sync: bool = True,
    ) -> Finalized:
        """Move the finalised head; see `finality.finalize`."""
        with self._writing:
            self._heads, finalized = finalize(
                self._columns, self._heads, block, justification, self.pruning, aux or {}, sync=sync
            )
        return finalized

    def revert(self, blocks_back: int, *, force: bool = False) -> Reverted:
        """Go back from the best block; see `finality.revert`."""
        with self._writing:
            self._heads, reverted = revert(self._columns, self._heads, blocks_back, force=force)
        return reverted

    def write_aux(self, changes: Mapping[bytes, bytes | None], *, sync: bool = True) -> None:
        """Write records of other parts of the node, on their own."""
        with self._writing:
            self.kv.write({AUX + name: value for name, value in changes.items()}, sync=sync)
