"""`transaction_v1_*` and `transactionWatch_v1_*`: transactions on their way into a block."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing

from chain.notifications import Notifications
from chain.pool import Broadcast, Dropped, Future, Invalid, PoolError, Ready, Retracted, Usurped
from chain.rpc.failures import rpc_error
from chain.transactions import Finalized, InBlock, Statuses, Transactions, TransactionStatus
from network.rpc import Context, Json, RpcError, method, subscription
from network.rpc.parameters import Hex
from runtime.frame.errors import InvalidTransaction

MAX_BROADCASTS_PER_CONNECTION = 16
"""As in polkadot-sdk."""

MAX_BROADCASTS = 1_024
"""Over all connections: each may be validated once per block, in a third of a millisecond."""

INVALID_OPERATION = -32801

_ID_BYTES = 12


class TransactionMethods:
    """The groups `transaction` and `transactionWatch`."""

    def __init__(self, transactions: Transactions, notifications: Notifications) -> None:
        self._transactions = transactions
        self._notifications = notifications
        self._broadcasts = 0

    @method("transaction_v1_broadcast")
    async def broadcast(self, context: Context, transaction: Hex) -> str | None:
        """Keep a transaction on its way until it is final or `transaction_v1_stop` is called; the id of that
        operation, or null where there are too many.

        Nothing is said of whether it is valid: clients find it in blocks, or not.
        """
        tasks: dict[str, asyncio.Task[None]] | None = context.connection.state.get("broadcasts")
        if tasks is None:
            tasks = context.connection.state["broadcasts"] = {}
            context.connection.closing.append(lambda: _cancel_all(tasks))
        if len(tasks) >= MAX_BROADCASTS_PER_CONNECTION or self._broadcasts >= MAX_BROADCASTS:
            return None
        identifier = secrets.token_urlsafe(_ID_BYTES)
        tasks[identifier] = asyncio.create_task(self._keep_alive(transaction))
        self._broadcasts += 1
        tasks[identifier].add_done_callback(self._ended)
        return identifier

    @method("transaction_v1_stop")
    async def stop(self, context: Context, operation_id: str) -> None:
        """Stop to broadcast a transaction; it may be in a block all the same."""
        task = context.connection.state.get("broadcasts", {}).pop(operation_id, None)
        if task is None:
            raise RpcError(INVALID_OPERATION, "Invalid operation id")
        task.cancel()

    @subscription(
        "transactionWatch_v1_submitAndWatch",
        unsubscribe="transactionWatch_v1_unwatch",
        notification="transactionWatch_v1_watchEvent",
    )
    async def submit_and_watch(self, transaction: Hex) -> AsyncIterator[Json]:
        """Submit a transaction and follow it until it is final or given up."""
        return self._watch(transaction)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._broadcasts -= 1

    async def _keep_alive(self, transaction: bytes) -> None:
        """Submit, and again at each new head while it is not in the pool, until it is final."""
        async with aclosing(self._notifications.best.listen()) as heads:
            while True:
                if await self._is_final(transaction):
                    return
                try:
                    await anext(heads)
                except StopAsyncIteration:
                    return

    async def _is_final(self, transaction: bytes) -> bool:
        """Submit, where it can be, and wait for its end; whether that is finality."""
        try:
            _, statuses = await self._transactions.watch(transaction)
        except (InvalidTransaction, PoolError):
            return False
        async with aclosing(statuses):
            async for status in statuses:
                if isinstance(status, Finalized):
                    return True
        return False

    async def _watch(self, transaction: bytes) -> AsyncIterator[Json]:
        try:
            _, statuses = await self._transactions.watch(transaction)
        except (InvalidTransaction, PoolError) as fault:
            refused = rpc_error(fault)
            shown = refused.message if refused.data is None else f"{refused.message}: {refused.data}"
            yield {"event": "invalid", "error": shown}
            return
        async with aclosing(WatchFeed(statuses)) as feed:
            async for event in feed:
                yield event


class WatchFeed(AsyncIterator[Json]):
    """Statuses of the pool as events of the specification; those it has no event for are left out."""

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses

    async def __anext__(self) -> Json:
        while True:
            event = watch_event(await anext(self._statuses))
            if event is not None:
                return event

    async def aclose(self) -> None:
        """Stop watching."""
        await self._statuses.aclose()


def watch_event(status: TransactionStatus) -> Json:
    """What to tell of a status, None for nothing."""
    match status:
        case Ready():
            return {"event": "validated"}
        case InBlock(block, index):
            return {"event": "bestChainBlockIncluded", "block": {"hash": block, "index": index}}
        case Retracted():
            return {"event": "bestChainBlockIncluded", "block": None}
        case Finalized(block, index):
            return {"event": "finalized", "block": {"hash": block, "index": index}}
        case Usurped():
            return {"event": "invalid", "error": "Extrinsic was rendered invalid by another one"}
        case Dropped():
            return {"event": "dropped", "error": "Extrinsic dropped from the pool due to exceeding limits"}
        case Invalid():
            return {"event": "invalid", "error": "Extrinsic marked as invalid"}
        case Future() | Broadcast():
            return None


def _cancel_all(tasks: dict[str, asyncio.Task[None]]) -> None:
    for task in tasks.values():
        task.cancel()
