"""One WebSocket connection: calls answered side by side, subscriptions pumped, one writer, bounded
everywhere."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from network.rpc import errors, framing
from network.rpc.dispatch import Caller, Dispatcher
from network.rpc.errors import Json, RpcError
from network.rpc.limits import MAX_CALLS_IN_FLIGHT, RpcLimits
from network.rpc.methods import Connection, Subscribe
from network.rpc.outbox import Outbox, OutboxClosed
from network.rpc.subscriptions import SlowReader, SubscriptionRegistry

_logger = logging.getLogger("fixpoint.rpc")

_ID_BYTES = 12
"""Randomness of a subscription id: 16 characters, as jsonrpsee's."""

Send = Callable[[bytes], Awaitable[None]]


class Session:
    """The calls and subscriptions of one connection. `receive` each message, `close` at the end."""

    def __init__(self, connection: Connection, dispatcher: Dispatcher, limits: RpcLimits, send: Send) -> None:
        self._caller = Caller(connection, self)
        self._dispatcher = dispatcher
        self._limits = limits
        self._send = send
        self._registry = SubscriptionRegistry(
            limits.subscriptions_per_connection, lambda: secrets.token_urlsafe(_ID_BYTES)
        )
        self._outbox = Outbox(limits.message_buffer_capacity, limits.outbox_bytes)
        self._streams: dict[str, tuple[Subscribe, AsyncIterator[Json]]] = {}
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CALLS_IN_FLIGHT)
        self._writer = asyncio.create_task(self._write())

    async def receive(self, data: bytes) -> None:
        """Begin to answer a message; waits while too many are being answered."""
        await self._slots.acquire()
        task = asyncio.create_task(self._answer(data))
        self._calls.add(task)
        task.add_done_callback(self._answered)

    async def close(self) -> None:
        """End every call and subscription; their generators are closed when this returns."""
        self._outbox.close()
        self._caller.connection.close()
        tasks = [*self._calls, *self._pumps.values(), self._writer]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for identifier in tuple(self._streams):
            await self._finish(identifier)
        await asyncio.gather(*self._endings)

    async def wait_stalled(self) -> None:
        """Return when the socket stopped taking messages."""
        await asyncio.wait([self._writer])

    # -- the dispatcher's view: Subscriptions ------------------------------------------------------

    def reserve(self, name: str) -> str:
        """A fresh id, or `RpcError` when there are too many."""
        return self._registry.open(name)

    def attach(self, identifier: str, subscribe: Subscribe, stream: AsyncIterator[Json]) -> None:
        """Keep the stream until the answer that carries the id is queued."""
        self._streams[identifier] = (subscribe, stream)

    def end(self, identifier: str) -> None:
        """Stop and forget."""
        self._registry.close(identifier)
        pump = self._pumps.get(identifier)
        if pump is not None:
            pump.cancel()
        else:
            self._finish_soon(identifier)

    def end_if(self, identifier: str, name: str) -> bool:
        """Stop and forget if it is open and of this kind; whether it was."""
        if not self._registry.is_open(identifier, name):
            return False
        self.end(identifier)
        return True

    # -- tasks -------------------------------------------------------------------------------------

    async def _answer(self, data: bytes) -> None:
        answer = await self._dispatcher.answer(data, self._caller)
        if answer.payload is not None:
            await self._outbox.put(answer.payload)
        for each in answer.afterwards:
            each()
        for identifier in answer.opened:
            if identifier in self._streams:
                self._start(identifier)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, OutboxClosed):
            _logger.error("answering a message failed", exc_info=error)

    def _start(self, identifier: str) -> None:
        subscribe, stream = self._streams[identifier]
        pump = asyncio.create_task(self._pump(identifier, subscribe, stream))
        self._pumps[identifier] = pump
        pump.add_done_callback(lambda _: self._pumped(identifier))

    def _pumped(self, identifier: str) -> None:
        self._pumps.pop(identifier, None)
        # A task that is cancelled before its first step runs no `finally`, so the stream is closed from here.
        self._finish_soon(identifier)

    def _finish_soon(self, identifier: str) -> None:
        if identifier in self._streams:
            ending = asyncio.create_task(self._finish(identifier))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def _finish(self, identifier: str) -> None:
        """Close a stream, whether or not it was started; the second time does nothing."""
        self._registry.close(identifier)
        subscribe, stream = self._streams.pop(identifier, (None, None))
        close = getattr(stream, "aclose", None)
        if subscribe is None or close is None:
            return
        try:
            await close()
        except Exception:
            _logger.exception("closing subscription %s failed", subscribe.name)

    async def _pump(self, identifier: str, subscribe: Subscribe, stream: AsyncIterator[Json]) -> None:
        """Send every value of a stream; say why when it ends for a reason the client should know."""
        with suppress(OutboxClosed):
            try:
                await self._forward(identifier, subscribe, stream)
            except SlowReader as slow:
                await self._fail(identifier, subscribe, errors.slow_reader(slow.limit))
            except RpcError as error:
                await self._fail(identifier, subscribe, error)
            except OutboxClosed:
                raise
            except Exception:
                _logger.exception("subscription %s failed", subscribe.name)
                await self._fail(identifier, subscribe, errors.internal_error())
            finally:
                await self._finish(identifier)

    async def _forward(self, identifier: str, subscribe: Subscribe, stream: AsyncIterator[Json]) -> None:
        async for value in stream:
            message = framing.encode_notification(subscribe.notification, identifier, value)
            if len(message) > self._limits.response_bytes:
                raise errors.oversized_response(self._limits.response_bytes)
            await self._outbox.put(message)

    async def _fail(self, identifier: str, subscribe: Subscribe, error: RpcError) -> None:
        _logger.debug("subscription %s of %s ended: %s", identifier, self._caller.connection.remote, error)
        await self._outbox.put(framing.encode_subscription_error(subscribe.notification, identifier, error))

    async def _write(self) -> None:
        """The only task that writes; ends when the socket fails or stalls."""
        while True:
            message = await self._outbox.take()
            try:
                async with asyncio.timeout(self._limits.stalled_write_seconds):
                    await self._send(message)
            except (TimeoutError, ConnectionError) as error:
                _logger.debug("connection from %s dropped: %r", self._caller.connection.remote, error)
                self._outbox.close()
                return
