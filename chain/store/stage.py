"""One change of the store under construction: everything that goes into its one batch."""

from collections.abc import Iterable, Mapping

from chain.store.blocks import Blocks, TreeRoute
from chain.store.errors import DatabaseCorrupt
from chain.store.flat import FlatState, Move
from chain.store.kv import Batch, KeyValue
from chain.store.nodes import Counted
from chain.store.schema import (
    ARTIFACT,
    ARTIFACT_EXTRA,
    AUX,
    CANONICAL,
    DELTA,
    JOURNAL,
    META_HEADS,
    NODE,
    NODE_EXTRA,
    Heads,
    Journal,
    number_key,
    pack,
    receipt_prefix,
    unpack,
)


class Columns:
    """The parts of the database that writers work on together."""

    def __init__(self, kv: KeyValue, flat: FlatState) -> None:
        self.kv = kv
        self.flat = flat
        self.blocks = Blocks(kv)
        self.nodes = Counted(kv, NODE, NODE_EXTRA)
        self.artifacts = Counted(kv, ARTIFACT, ARTIFACT_EXTRA)

    def journal(self, block: bytes) -> Journal:
        """What the block brought. Raises `DatabaseCorrupt` where its record is missing."""
        data = self.kv.get(JOURNAL + block)
        if data is None:
            raise DatabaseCorrupt(self.kv.path, f"the journal of block 0x{block.hex()} is missing")
        return Journal.decode(data, self.kv.path)

    def delta(self, block: bytes) -> dict[bytes, bytes | None]:
        """The block's delta. Raises `DatabaseCorrupt` where its record is missing or malformed."""
        data = self.kv.get(DELTA + block)
        match None if data is None else unpack(data, self.kv.path):
            case dict(delta):
                return delta
        raise DatabaseCorrupt(self.kv.path, f"the delta of block 0x{block.hex()} is missing or malformed")


class Stage:
    """A batch and the in-memory changes that go with it; `write` makes both real, or neither."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.batch: Batch = {}
        self._move: Move | None = None
        self._flat_block = b""
        self._removed: list[bytes] = []
        self._released_nodes: list[bytes] = []
        self._released_artifacts: list[bytes] = []

    def move_best(self, route: TreeRoute) -> None:
        """Lead the best chain and the flat state along `route`, whose blocks are all stored."""
        if not route.retracted and not route.enacted:
            return
        blocks, batch = self.columns.blocks, self.batch
        for block in route.retracted:
            batch[CANONICAL + number_key(blocks.require(block).number)] = None
            self._exchange(block, self.columns.delta(block))
        for block in route.enacted:
            batch[CANONICAL + number_key(blocks.require(block).number)] = block
            self._exchange(block, self.columns.delta(block))
        self._flat_block = route.enacted[-1] if route.enacted else route.common

    def extend_best(self, block: bytes, number: int, changes: Mapping[bytes, bytes | None]) -> None:
        """Put a new block onto the best chain, behind what `move_best` did."""
        self.batch[CANONICAL + number_key(number)] = block
        self._exchange(block, changes)
        self._flat_block = block

    def _exchange(self, block: bytes, delta: Mapping[bytes, bytes | None]) -> None:
        if self._move is None:
            self._move = self.columns.flat.start_move()
        self.batch[DELTA + block] = pack(self._move.exchange(delta))

    def remove_blocks(self, removed: Iterable[bytes]) -> None:
        """Take blocks away with all they brought; none of them may be on the best chain."""
        blocks = self.columns.blocks
        for block in removed:
            journal = self.columns.journal(block)
            blocks.stage_removal(self.batch, block, blocks.require(block))
            self._released_nodes += journal.inserted
            self._released_artifacts += journal.artifacts
            for receipt_id in journal.receipts:
                self.batch[receipt_prefix(receipt_id) + block] = None
            self.remove_journal(block)
            self._removed.append(block)

    def remove_journal(self, block: bytes) -> None:
        """Forget how to take the block away or back."""
        self.batch[JOURNAL + block] = None
        self.batch[DELTA + block] = None

    def release_nodes(self, hashes: Iterable[bytes]) -> None:
        """Take one reference off each trie node."""
        self._released_nodes += hashes

    def put_aux(self, aux: Mapping[bytes, bytes | None]) -> None:
        """Records of other parts of the node."""
        for name, value in aux.items():
            self.batch[AUX + name] = value

    def write(self, heads: Heads, *, sync: bool) -> None:
        """Make it so. Raises `DatabaseWriteFailed`, and then nothing has changed."""
        columns, batch = self.columns, self.batch
        columns.nodes.drop(batch, self._released_nodes)
        columns.artifacts.drop(batch, self._released_artifacts)
        batch[META_HEADS] = heads.encode()
        if self._move is None:
            columns.kv.write(batch, sync=sync)
        else:
            self._move.stage(batch, self._flat_block)
            columns.flat.perform(
                self._move.values, self._flat_block, lambda: columns.kv.write(batch, sync=sync)
            )
        for block in self._removed:
            columns.blocks.forget(block)
