"""Storing an executed block: one batch, one fsync."""

from chain.store.blocks import TreeRoute
from chain.store.errors import BlockExists, NotOnFinalizedChain, UnknownParent
from chain.store.records import BlockCommit, Committed
from chain.store.schema import DELTA, JOURNAL, BlockRef, Heads, Journal, pack, receipt_prefix
from chain.store.stage import Columns, Stage

MAX_RECEIPT_ID = 255
"""Bytes; the length stands in one byte of the key."""


def commit_block(
    columns: Columns, heads: Heads, commit: BlockCommit, *, sync: bool
) -> tuple[Heads, Committed]:
    """Store the block, its state and its receipts, and move the best chain to it where it is the new best.

    Raises `BlockExists`, `UnknownParent`, `NotOnFinalizedChain`, `DatabaseWriteFailed`; `ValueError` for a
    commit that contradicts itself, which is the caller's bug.
    """
    header = commit.header
    block = BlockRef(header.number, header.hash())
    _check(columns, heads, commit, block)
    stage = Stage(columns)
    batch = stage.batch
    columns.blocks.stage(batch, block.hash, header, commit.body, commit.outcome)
    columns.nodes.add(batch, commit.trie.inserted)
    columns.artifacts.add(batch, commit.artifacts.items())
    batch[JOURNAL + block.hash] = _journal(commit).encode()
    for receipt_id, receipt in commit.receipts.items():
        batch[receipt_prefix(receipt_id) + block.hash] = receipt
    stage.put_aux(commit.aux)
    route: TreeRoute | None = None
    if commit.is_best:
        way = columns.blocks.route(heads.best.hash, header.parent_hash)
        stage.move_best(way)
        stage.extend_best(block.hash, block.number, commit.changes)
        route = TreeRoute(way.retracted, way.common, (*way.enacted, block.hash))
        heads = Heads(block, heads.finalized, heads.oldest_state)
    else:
        batch[DELTA + block.hash] = pack(dict(commit.changes))
    stage.write(heads, sync=sync)
    return heads, Committed(block, route)


def _check(columns: Columns, heads: Heads, commit: BlockCommit, block: BlockRef) -> None:
    header = commit.header
    if columns.blocks.contains(block.hash):
        raise BlockExists(block.hash)
    if not columns.blocks.contains(header.parent_hash):
        raise UnknownParent(block.hash, header.parent_hash)
    parent = columns.blocks.require(header.parent_hash)
    if block.number != parent.number + 1:
        raise ValueError(f"block {block.number} can not follow block {parent.number}")
    if commit.trie.root != header.state_root:
        raise ValueError("the header's state root is not that of the trie update")
    if not all(1 <= len(receipt_id) <= MAX_RECEIPT_ID for receipt_id in commit.receipts):
        raise ValueError(f"a receipt id has 1 to {MAX_RECEIPT_ID} bytes")
    if not descends_from_finalized(columns, heads, BlockRef(parent.number, header.parent_hash)):
        raise NotOnFinalizedChain(block.hash, heads.finalized.hash)


def descends_from_finalized(columns: Columns, heads: Heads, block: BlockRef) -> bool:
    """Whether the finalised head is the block or among its ancestors."""
    number, current = block.number, block.hash
    # The best chain contains the finalised head, so reaching it at or above that height is enough.
    while number >= heads.finalized.number:
        if columns.blocks.canonical(number) == current:
            return True
        current = columns.blocks.require(current).parent_hash
        number -= 1
    return False


def _journal(commit: BlockCommit) -> Journal:
    return Journal(
        inserted=[node_hash for node_hash, _ in commit.trie.inserted],
        removed=commit.trie.removed,
        artifacts=list(commit.artifacts),
        receipts=list(commit.receipts),
    )
