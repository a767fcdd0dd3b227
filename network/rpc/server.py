"""The RPC server: JSON-RPC over WebSocket and HTTP POST on one port, and health for load balancers.

A thin shell over aiohttp. What a message means is in `framing` and `dispatch`, what a connection holds in
`session`, who may come in in `policy`.
"""

from __future__ import annotations

import asyncio
import errno
import inspect
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from aiohttp import WSCloseCode, WSMsgType, web

from network.rpc import errors, framing, limits
from network.rpc.dispatch import Caller, Dispatcher, NoObserver, Observer
from network.rpc.errors import RpcError
from network.rpc.limits import RpcLimits
from network.rpc.methods import Connection, Method, MethodTable
from network.rpc.policy import DEFAULT_ORIGINS, AccessPolicy, UnsafeMethods
from network.rpc.rate import RatePolicy, TokenBucket
from network.rpc.session import Session

_logger = logging.getLogger("fixpoint.rpc")

DEFAULT_PORT: Final = 9944

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RpcServerError(Exception):
    """The server cannot start; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RpcConfig:
    """Where to listen and whom to serve; the defaults are Substrate's. Port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    cors: tuple[str, ...] | None = DEFAULT_ORIGINS
    """Origins that browsers may come from (`--rpc-cors`); `ALL_ORIGINS` is all."""
    methods: UnsafeMethods = UnsafeMethods.AUTO
    limits: RpcLimits = field(default_factory=RpcLimits)
    rate: RatePolicy | None = None
    """How many calls a connection may make (`--rpc-rate-limit`); None for any number."""


class RpcServer:
    """Serves a `MethodTable`. `start()`, then `stop()`; one start per server.

    `pages` are further GET handlers by path; the one of "/" is shown to browsers that do not ask for a
    WebSocket.
    """

    def __init__(
        self,
        table: MethodTable,
        config: RpcConfig | None = None,
        observer: Observer | None = None,
        pages: Mapping[str, Page] | None = None,
    ) -> None:
        self._table = table
        self._config = config or RpcConfig()
        self._limits = self._config.limits
        self._observer: Observer = observer or NoObserver()
        self._pages = dict(pages or {})
        self._dispatcher = Dispatcher(table, self._limits, self._observer)
        self._unsafe = self._config.methods.permitted(self._config.host)
        self._ids = itertools.count(1)
        self._open = 0
        self._buckets: WeakKeyDictionary[object, TokenBucket | None] = WeakKeyDictionary()
        self._sockets: set[web.WebSocketResponse] = set()
        self._policy = AccessPolicy(self._config.cors, self._config.host, self._config.port)
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._policy.port

    async def start(self) -> None:
        """Listen. Raises `RpcServerError` when the address cannot be had."""
        app = web.Application(client_max_size=self._limits.request_bytes)
        app.router.add_get("/", self._get, allow_head=False)
        app.router.add_post("/", self._post)
        app.router.add_options("/", self._preflight)
        app.router.add_get("/health", self._health)
        app.router.add_get("/health/readiness", self._readiness)
        for path, page in self._pages.items():
            if path != "/":
                app.router.add_get(path, self._guarded(page))
        app.on_shutdown.append(self._close_sockets)
        runner = web.AppRunner(
            app,
            handle_signals=False,
            # Nobody reads the answer of a client that hung up: its handler stops.
            handler_cancellation=True,
            access_log=None,
            shutdown_timeout=limits.SHUTDOWN_SECONDS,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._config.host, self._config.port).start()
        except OSError as error:
            await runner.cleanup()
            raise RpcServerError(self._cannot_listen(error)) from error
        self._runner = runner
        port = runner.addresses[0][1]
        self._policy = AccessPolicy(self._config.cors, self._config.host, port)
        _logger.info(
            "JSON-RPC on %s:%d, unsafe methods %s", self._config.host, port, "on" if self._unsafe else "off"
        )

    async def stop(self) -> None:
        """End subscriptions, close sockets (1001) and stop listening. Safe to call twice."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
        self._dispatcher.close()

    def _cannot_listen(self, error: OSError) -> str:
        address = f"{self._config.host}:{self._config.port}"
        if error.errno == errno.EADDRINUSE:
            return (
                f"cannot listen for RPC on {address}: the port is in use, most likely by another node; "
                "stop that one or choose another port with --rpc-port"
            )
        reason = error.strerror or error
        return f"cannot listen for RPC on {address}: {reason}; choose another address or --rpc-port"

    # -- WebSocket ---------------------------------------------------------------------------------

    async def _get(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            max_msg_size=limits.MAX_UNREAD_FACTOR * self._limits.request_bytes,
            heartbeat=self._limits.heartbeat_seconds,
            timeout=limits.CLOSE_SECONDS,
            compress=False,
        )
        wants_socket = socket.can_prepare(request).ok
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if not wants_socket:
            page = self._pages.get("/")
            return (
                await page(request)
                if page
                else _text(405, "Used HTTP Method is not allowed. POST is required")
            )
        self._open += 1
        self._observer.session_opened()
        try:
            await socket.prepare(request)
            self._sockets.add(socket)
            if (
                await self._converse(socket, self._connection(request, "ws"))
                and request.transport is not None
            ):
                # A socket that takes nothing would not take a close frame either.
                request.transport.abort()
        finally:
            self._sockets.discard(socket)
            self._open -= 1
            self._observer.session_closed()
        return socket

    async def _converse(self, socket: web.WebSocketResponse, connection: Connection) -> bool:
        """Feed messages to a session until the client leaves or its socket stalls; whether it stalled."""

        async def send(message: bytes) -> None:
            await socket.send_frame(message, WSMsgType.TEXT)

        session = Session(connection, self._dispatcher, self._limits, send)
        reader = asyncio.create_task(_read(socket, session))
        stalled = asyncio.create_task(session.wait_stalled())
        try:
            await asyncio.wait((reader, stalled), return_when=asyncio.FIRST_COMPLETED)
            return not reader.done()
        finally:
            reader.cancel()
            stalled.cancel()
            await asyncio.gather(reader, stalled, return_exceptions=True)
            await session.close()

    async def _close_sockets(self, _: web.Application) -> None:
        closings = (
            socket.close(code=WSCloseCode.GOING_AWAY, message=b"node stops") for socket in self._sockets
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.CLOSE_SECONDS):
                await asyncio.gather(*closings, return_exceptions=True)

    # -- HTTP --------------------------------------------------------------------------------------

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if request.content_type != "application/json":
            return _text(
                415, "Supplied content type is not allowed. Content-Type: application/json is required"
            )
        self._open += 1
        connection = self._connection(request, "http")
        try:
            async with asyncio.timeout(limits.READ_SECONDS):
                data = await request.read()
            answer = await self._dispatcher.answer(data, Caller(connection))
        except web.HTTPRequestEntityTooLarge:
            error = errors.oversized_request(self._limits.request_bytes)
            return self._json(request, framing.encode_error(None, error), 413)
        except TimeoutError:
            return _text(408, f"The request was not complete after {limits.READ_SECONDS:.0f} s")
        finally:
            connection.close()
            self._open -= 1
        if answer.payload is None:
            return web.Response(status=204, headers=self._cors_headers(request))
        return self._json(request, answer.payload)

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        headers = {
            **self._cors_headers(request),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "3600",
        }
        return web.Response(status=204, headers=headers)

    async def _health(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        health = await self._system_health()
        return self._json(request, framing.encode(health), 500 if health is None else 200)

    async def _readiness(self, request: web.Request) -> web.StreamResponse:
        """200 when the node is in sync and has the peers it should have, as Substrate's."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        health = await self._system_health()
        ready = health is not None and (
            (not health["isSyncing"] and health["peers"] > 0) or not health["shouldHavePeers"]
        )
        return _text(200 if ready else 500, "ready" if ready else "not ready")

    async def _system_health(self) -> dict[str, errors.Json] | None:
        found = self._table.find("system_health")
        if not isinstance(found, Method):
            return None
        try:
            health = found.handler()
            if inspect.isawaitable(health):
                health = await health
        except RpcError:
            return None
        return health if isinstance(health, dict) else None

    # -- common ------------------------------------------------------------------------------------

    def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request that is not served at all, or None."""
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        if not self._policy.host_allowed(host):
            return _text(403, "Provided Host header is not whitelisted.")
        if not self._policy.origin_allowed(origin):
            return _text(403, f"Origin {ascii(origin)[:200]} may not call this node; see --rpc-cors")
        if self._open >= self._limits.connections:
            return _text(429, "Too many connections. Please try again later.")
        return None

    def _guarded(self, page: Page) -> Page:
        async def guarded(request: web.Request) -> web.StreamResponse:
            return self._refusal(request) or await page(request)

        return guarded

    def _connection(self, request: web.Request, transport: str) -> Connection:
        remote = request.remote or "unknown"
        return Connection(next(self._ids), transport, remote, self._unsafe, self._bucket(request, remote))

    def _bucket(self, request: web.Request, remote: str) -> TokenBucket | None:
        """The calls of this connection, which over HTTP serves many requests."""
        if self._config.rate is None:
            return None
        if request.transport not in self._buckets:
            found = self._config.rate.bucket(remote, request.headers, time.monotonic())
            self._buckets[request.transport] = found
        return self._buckets[request.transport]

    def _cors_headers(self, request: web.Request) -> dict[str, str]:
        origin = request.headers.get("Origin")
        return {} if origin is None else {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    def _json(self, request: web.Request, body: bytes, status: int = 200) -> web.Response:
        return web.Response(
            status=status,
            body=body,
            content_type="application/json",
            charset="utf-8",
            headers=self._cors_headers(request),
        )


async def _read(socket: web.WebSocketResponse, session: Session) -> None:
    async for message in socket:
        match message.type:
            case WSMsgType.TEXT:
                await session.receive(message.data.encode())
            case WSMsgType.BINARY:
                await session.receive(message.data)


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")
