"""How calls travel: one WebSocket for everything, or HTTP for calls that need no answer later."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, Self

import aiohttp

from client.errors import (
    CallTimedOut,
    ClientError,
    ConnectionLost,
    NodeUnreachable,
    ProtocolViolation,
    SubscriptionEnded,
    SubscriptionsNeedWebSocket,
)
from client.messages import Json, Notice, Reply, decode_messages, encode_call, refusal

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""Largest message taken from a node: twice what a node sends by default."""

MAX_WAITING_NOTICES = 1024
"""Values that may wait for a reader of one subscription; more means that nobody reads."""

CONNECT_SECONDS = 10.0
HEARTBEAT_SECONDS = 30.0


class Transport(Protocol):
    """A connection to one node."""

    url: str

    async def call(self, method: str, params: Sequence[Json], seconds: float) -> Json: ...

    async def subscribe(
        self, method: str, params: Sequence[Json], unsubscribe: str, seconds: float
    ) -> Subscription: ...

    async def close(self) -> None: ...


class Subscription(AsyncIterator[Json]):
    """The values of a subscription: `async for`, inside `async with` so that it ends with its reader."""

    def __init__(self, transport: WebSocketTransport, identifier: str, unsubscribe: str) -> None:
        self.id = identifier
        self._transport = transport
        self._unsubscribe = unsubscribe
        self._waiting: deque[Json] = deque()
        self._fault: ClientError | None = None
        self._closed = False
        self._wake = asyncio.Event()

    def push(self, value: Json) -> None:
        """Called by the transport."""
        if len(self._waiting) >= MAX_WAITING_NOTICES:
            self.fail(SubscriptionEnded(f"more than {MAX_WAITING_NOTICES} values were waiting to be read"))
        else:
            self._waiting.append(value)
        self._wake.set()

    def fail(self, fault: ClientError) -> None:
        """Called by the transport: nothing follows what is waiting."""
        self._fault = self._fault or fault
        self._wake.set()

    async def __anext__(self) -> Json:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            if self._fault is not None:
                raise self._fault
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()

    async def close(self) -> None:
        """Tell the node that nobody listens any more. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._wake.set()
            await self._transport.unsubscribe(self.id, self._unsubscribe)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Waiting:
    """A call on its way; with `unsubscribe`, one that opens a subscription."""

    __slots__ = ("future", "method", "unsubscribe")

    def __init__(self, method: str, unsubscribe: str | None) -> None:
        self.method = method
        self.unsubscribe = unsubscribe
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class WebSocketTransport:
    """Calls and subscriptions side by side on one socket."""

    def __init__(
        self, url: str, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self.url = url
        self._session = session
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._lost: ClientError | None = None
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect. Raises `NodeUnreachable`, `ProtocolViolation`."""
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                socket = await session.ws_connect(
                    url, max_msg_size=MAX_MESSAGE_BYTES, heartbeat=HEARTBEAT_SECONDS
                )
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            raise ProtocolViolation(
                f"{url} refused a WebSocket: HTTP {error.status} {error.message}"
            ) from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # ValueError: the address has a form in which no host can be looked up.
            await session.close()
            raise NodeUnreachable(url, _reason(error)) from error
        return cls(url, session, socket)

    async def call(self, method: str, params: Sequence[Json], seconds: float) -> Json:
        """The result of a call. Raises `ClientError`."""
        return await self._send(_Waiting(method, None), params, seconds)

    async def subscribe(
        self, method: str, params: Sequence[Json], unsubscribe: str, seconds: float
    ) -> Subscription:
        """Open a subscription. Raises `ClientError`."""
        opened = await self._send(_Waiting(method, unsubscribe), params, seconds)
        assert isinstance(opened, Subscription)
        return opened

    async def unsubscribe(self, identifier: str, method: str) -> None:
        """Forget a subscription and tell the node, unless it is gone."""
        self._subscriptions.pop(identifier, None)
        if self._lost is None:
            await self._send(_Waiting(method, None), [identifier], CONNECT_SECONDS)

    async def close(self) -> None:
        """Leave. What waits fails with `ConnectionLost`."""
        await self._socket.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._fail(ConnectionLost("the connection was closed by this program"))
        await self._session.close()

    async def _send(self, waiting: _Waiting, params: Sequence[Json], seconds: float) -> Any:
        if self._lost is not None:
            raise self._lost
        identifier = next(self._ids)
        self._waiting[identifier] = waiting
        try:
            async with asyncio.timeout(seconds):
                await self._socket.send_str(encode_call(identifier, waiting.method, params))
                return await waiting.future
        except TimeoutError:
            raise CallTimedOut(f"{waiting.method}: no answer from {self.url} within {seconds:g} s") from None
        except ConnectionError as error:
            raise self._lost or ConnectionLost(f"{self.url}: {_reason(error)}") from error
        finally:
            self._waiting.pop(identifier, None)

    async def _read(self) -> None:
        """Hand out what the node sends, until it leaves."""
        fault: ClientError = ConnectionLost(f"{self.url} closed the connection")
        try:
            async for message in self._socket:
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    for each in decode_messages(message.data):
                        self._take(each)
            if self._socket.close_code not in (None, 1000):
                fault = ConnectionLost(f"{self.url} closed the connection (code {self._socket.close_code})")
        except ProtocolViolation as violation:
            fault = violation
            await self._socket.close()
        finally:
            self._fail(fault)

    def _take(self, message: Reply | Notice) -> None:
        match message:
            case Notice(identifier, result, error):
                subscription = self._subscriptions.get(identifier)
                if subscription is None:
                    return
                if error is None:
                    subscription.push(result)
                else:
                    detail = "" if error.get("data") is None else f": {error['data']}"
                    subscription.fail(SubscriptionEnded(f"{error['message']}{detail}"))
                    del self._subscriptions[identifier]
            case Reply(None, _, error):
                # The node could not read an id: no call can be told, so all that wait learn of it.
                for waiting in tuple(self._waiting.values()):
                    _resolve(waiting, message)
            case Reply():
                found = self._waiting.pop(message.id or 0, None)
                if found is not None:
                    self._answer(found, message)

    def _answer(self, waiting: _Waiting, reply: Reply) -> None:
        if waiting.unsubscribe is None or reply.error is not None:
            _resolve(waiting, reply)
            return
        # Registered here and not by the caller, because the first value may be in the very next message.
        identifier = str(reply.result)
        subscription = Subscription(self, identifier, waiting.unsubscribe)
        self._subscriptions[identifier] = subscription
        _resolve(waiting, Reply(reply.id, subscription, None))

    def _fail(self, fault: ClientError) -> None:
        self._lost = self._lost or fault
        for waiting in self._waiting.values():
            if not waiting.future.done():
                waiting.future.set_exception(self._lost)
        for subscription in self._subscriptions.values():
            subscription.fail(self._lost)
        self._subscriptions.clear()


class HttpTransport:
    """One POST for each call."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = aiohttp.ClientSession()
        self._ids = itertools.count(1)

    async def call(self, method: str, params: Sequence[Json], seconds: float) -> Json:
        """The result of a call. Raises `ClientError`."""
        body = encode_call(next(self._ids), method, params)
        headers = {"Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.post(self.url, data=body, headers=headers) as reply,
            ):
                text = await _body(reply)
        except TimeoutError:
            raise CallTimedOut(f"{method}: no answer from {self.url} within {seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NodeUnreachable(self.url, _reason(error)) from error
        if reply.content_type != "application/json":
            raise ProtocolViolation(f"{self.url} answered HTTP {reply.status}: {text[:200]!r}")
        match decode_messages(text):
            case [Reply() as answer]:
                return answer.value(method)
        raise ProtocolViolation(f"{self.url} did not answer {method} with one response")

    async def subscribe(
        self, method: str, params: Sequence[Json], unsubscribe: str, seconds: float
    ) -> Subscription:
        """Not over HTTP: raises `SubscriptionsNeedWebSocket`."""
        raise SubscriptionsNeedWebSocket(self.url)

    async def close(self) -> None:
        """Drop kept-alive connections."""
        await self._session.close()


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    """The whole answer, which a WebSocket would take, too. Raises `ProtocolViolation` for a longer one."""
    parts, size = [], 0
    async for part in reply.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_MESSAGE_BYTES:
            raise ProtocolViolation(f"{reply.url} answered with more than {MAX_MESSAGE_BYTES} bytes")
    return b"".join(parts)


async def open_transport(url: str) -> Transport:
    """The transport for `ws://`, `wss://`, `http://` or `https://`; an address without scheme is a
    WebSocket's."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        return await WebSocketTransport.open(f"ws://{url}")
    match scheme:
        case "ws" | "wss":
            return await WebSocketTransport.open(url)
        case "http" | "https":
            return HttpTransport(url)
    raise ValueError(f"{url}: a node's address starts with ws://, wss://, http:// or https://")


def _resolve(waiting: _Waiting, reply: Reply) -> None:
    if waiting.future.done():
        return
    if reply.error is None:
        waiting.future.set_result(reply.result)
    else:
        waiting.future.set_exception(refusal(waiting.method, reply.error))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:g} s"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__
