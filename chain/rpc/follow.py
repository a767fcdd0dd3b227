"""Heads as a subscription needs them: the present one first, then each later one once, in order.

The database moves before its notification arrives, so the first heads that a new listener hears may be older
than the head that it was shown.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from chain.finalising import BlockFinalised
from chain.notifications import BlockImported
from chain.store import Store
from network.rpc import Broadcast
from runtime.primitives.header import Header


@dataclass(frozen=True, slots=True)
class Head:
    """A best block. `changes` is what tells its state from the head's shown before, None where that is not
    known (the first head, another branch): then everything may differ.
    """

    hash: bytes
    header: Header
    changes: Mapping[bytes, bytes | None] | None


async def best_heads(store: Store, feed: Broadcast[BlockImported]) -> AsyncGenerator[Head]:
    """The best block, then every block that becomes it."""
    listener = feed.listen()
    try:
        first = store.best()
        yield Head(first.hash, _header(store, first.hash), None)
        shown, behind = first.hash, True
        async for block in listener:
            behind = behind and _leads_to(store, block, first.hash, first.number)
            if behind:
                continue
            known = block.header.parent_hash == shown
            yield Head(block.hash, block.header, block.changes if known else None)
            shown = block.hash
    finally:
        listener.close()


async def all_heads(store: Store, feed: Broadcast[BlockImported]) -> AsyncGenerator[Header]:
    """The best block, then every block that is imported, on whatever branch."""
    listener = feed.listen()
    try:
        first = store.best().hash
        yield _header(store, first)
        async for block in listener:
            if block.hash != first:
                yield block.header
    finally:
        listener.close()


async def finalized_heads(store: Store, feed: Broadcast[BlockFinalised]) -> AsyncGenerator[Header]:
    """The last final block, then every block that becomes final, without gaps."""
    listener = feed.listen()
    try:
        header = _header(store, store.finalized().hash)
        yield header
        shown = header.number
        async for event in listener:
            for block in event.result.enacted:
                header = _header(store, block)
                if header.number > shown:
                    yield header
                    shown = header.number
    finally:
        listener.close()


def _header(store: Store, block: bytes) -> Header:
    header = store.header(block)
    assert header is not None, "heads are stored, and final blocks are never removed"
    return header


def _leads_to(store: Store, block: BlockImported, end: bytes, number: int) -> bool:
    """Whether the block is the block `end` or one of its ancestors."""
    if block.header.number > number or not store.contains(block.hash):
        return False
    return not store.route(block.hash, end).retracted
