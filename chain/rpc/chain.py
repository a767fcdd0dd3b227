"""`chain_*`: headers, blocks and heads."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from chain.notifications import Notifications
from chain.rpc.access import block_or_best, header_at
from chain.rpc.follow import all_heads, best_heads, finalized_heads
from chain.rpc.json import block_json, header_json
from chain.store import Store
from network.rpc import Json, method, subscription
from network.rpc.parameters import BlockHash, NumberOrHex


class ChainMethods:
    """The section `chain`."""

    def __init__(self, store: Store, notifications: Notifications) -> None:
        self._store = store
        self._notifications = notifications

    @method("chain_getHeader")
    def header(self, hash: BlockHash | None = None) -> Json:
        """The header of a block, or of the best one; null where it is unknown."""
        header = header_at(self._store, hash)
        return None if header is None else header_json(header)

    @method("chain_getBlock")
    def block(self, hash: BlockHash | None = None) -> Json:
        """A block with its extrinsics and, where it has one, its proof of finality; null where unknown."""
        block = block_or_best(self._store, hash)
        header, body = self._store.header(block), self._store.body(block)
        if header is None or body is None:
            return None
        return block_json(header, body, self._store.justification(block))

    @method("chain_getBlockHash", aliases=("chain_getHead",))
    def block_hash(self, number: NumberOrHex | list[NumberOrHex] | None = None) -> Json:
        """The hash of the best chain's block of this height, or one for each of several; best by default."""
        match number:
            case None:
                return self._store.best().hash
            case int():
                return self._store.block_hash(number)
            case _:
                return [self._store.block_hash(each) for each in number]

    @method("chain_getFinalizedHead", aliases=("chain_getFinalisedHead",))
    def finalized_head(self) -> bytes:
        """The hash of the last final block."""
        return self._store.finalized().hash

    @subscription(
        "chain_subscribeNewHeads",
        unsubscribe="chain_unsubscribeNewHeads",
        notification="chain_newHead",
        aliases=("chain_subscribeNewHead", "subscribe_newHead"),
        unsubscribe_aliases=("chain_unsubscribeNewHead", "unsubscribe_newHead"),
    )
    async def new_heads(self) -> AsyncIterator[Json]:
        """The best header, and each one that becomes it."""
        async with aclosing(best_heads(self._store, self._notifications.best)) as heads:
            async for head in heads:
                yield header_json(head.header)

    @subscription(
        "chain_subscribeAllHeads", unsubscribe="chain_unsubscribeAllHeads", notification="chain_allHead"
    )
    async def all_heads(self) -> AsyncIterator[Json]:
        """The best header, and that of every block imported from now on, on whatever branch."""
        async with aclosing(all_heads(self._store, self._notifications.imported)) as headers:
            async for header in headers:
                yield header_json(header)

    @subscription(
        "chain_subscribeFinalizedHeads",
        unsubscribe="chain_unsubscribeFinalizedHeads",
        notification="chain_finalizedHead",
        aliases=("chain_subscribeFinalisedHeads",),
        unsubscribe_aliases=("chain_unsubscribeFinalisedHeads",),
    )
    async def finalized_heads(self) -> AsyncIterator[Json]:
        """The last final header, and each one that becomes final, without gaps."""
        async with aclosing(finalized_heads(self._store, self._notifications.finalised)) as headers:
            async for header in headers:
                yield header_json(header)
