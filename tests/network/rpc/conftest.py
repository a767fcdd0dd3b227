"""A small table of handlers and a real server over it."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from network.rpc import (
    Broadcast,
    Context,
    Json,
    MethodTable,
    Observer,
    RpcConfig,
    RpcError,
    RpcLimits,
    RpcServer,
    errors,
    method,
    subscription,
)
from network.rpc.parameters import U32, Hex


class Handlers:
    """Handlers of every kind that the server knows."""

    def __init__(self) -> None:
        self.heads: Broadcast[Json] = Broadcast(capacity=8)
        self.release = threading.Event()
        self.opened = 0
        self.closed = 0
        self.health: dict[str, Json] | None = {"peers": 0, "isSyncing": False, "shouldHavePeers": False}

    @method("echo", aliases=("repeat",))
    def echo(self, value: Json = None) -> Json:
        return value

    @method("reverse", worker=True)
    def reverse(self, data: Hex) -> Json:
        return data[::-1]

    @method("wait", worker=True)
    def wait(self) -> Json:
        return self.release.wait(5)

    @method("stop_iteration", worker=True)
    def stop_iteration(self) -> Json:
        raise StopIteration

    @method("slow")
    async def slow(self, milliseconds: U32) -> Json:
        await asyncio.sleep(milliseconds / 1000)
        return milliseconds

    @method("fail")
    async def fail(self) -> Json:
        raise errors.invalid_transaction("Transaction is outdated")

    @method("bug")
    def bug(self) -> Json:
        raise KeyError("secret detail")

    @method("unserialisable")
    def unserialisable(self) -> Json:
        return {1, 2}

    @method("bad_error")
    def bad_error(self) -> Json:
        raise RpcError(1, "bad", {1, 2})

    @method("danger", unsafe=True)
    def danger(self) -> Json:
        return "done"

    @method("whoami")
    def whoami(self, context: Context) -> Json:
        return [context.connection.transport, context.connection.unsafe, context.subscription]

    @method("system_health")
    async def system_health(self) -> Json:
        if self.health is None:
            raise errors.client_error("no health")
        return self.health

    @subscription("sub_heads", unsubscribe="unsub_heads", notification="head", aliases=("sub_head",))
    async def new_heads(self) -> AsyncIterator[Json]:
        self.opened += 1
        try:
            async for head in self.heads.listen(first=["first"]):
                yield head
        finally:
            self.closed += 1

    @subscription("sub_raw", unsubscribe="unsub_raw", notification="raw")
    async def raw(self) -> AsyncIterator[Json]:
        return self.heads.listen()

    @subscription("sub_count", unsubscribe="unsub_count", notification="count")
    async def count(self, context: Context, upto: U32, size: U32 = 1) -> AsyncIterator[Json]:
        assert context.subscription is not None
        for number in range(upto):
            yield str(number).rjust(size)

    @subscription("sub_refused", unsubscribe="unsub_refused", notification="refused")
    async def refused(self) -> AsyncIterator[Json]:
        raise errors.future_rejected()

    @subscription("sub_fail", unsubscribe="unsub_fail", notification="failing")
    async def failing(self, bug: bool) -> AsyncIterator[Json]:
        yield 1
        raise KeyError("secret") if bug else errors.client_error("gone")


@dataclass
class Recorder:
    """An observer that remembers."""

    sessions: int = 0
    started: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def session_opened(self) -> None:
        self.sessions += 1

    def session_closed(self) -> None:
        self.sessions -= 1

    def call_started(self, transport: str, method: str) -> None:
        self.started.append(f"{transport}:{method}")

    def call_finished(self, transport: str, method: str, is_error: bool, seconds: float) -> None:
        assert seconds >= 0
        if is_error:
            self.failed.append(method)


class Socket:
    """A WebSocket client that speaks JSON-RPC by hand."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._id = 0
        self._notifications: deque[Any] = deque()

    async def send(self, name: str, *params: Any) -> int:
        self._id += 1
        await self.socket.send_json({"jsonrpc": "2.0", "id": self._id, "method": name, "params": params})
        return self._id

    async def receive(self) -> Any:
        """The next message, notifications that came before an answer included."""
        return self._notifications.popleft() if self._notifications else await self._next()

    async def _next(self) -> Any:
        return await self.socket.receive_json(timeout=5)

    async def call(self, name: str, *params: Any) -> Any:
        identifier = await self.send(name, *params)
        while "id" not in (answer := await self._next()):
            self._notifications.append(answer)
        assert answer["id"] == identifier
        return answer.get("result", answer.get("error"))


@dataclass
class Running:
    """A started server, its handlers, and an HTTP client."""

    server: RpcServer
    handlers: Handlers
    recorder: Recorder
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/"

    async def open(self, **options: Any) -> Socket:
        return Socket(await self.http.ws_connect(self.url, **options))

    async def post(self, value: Any, **options: Any) -> tuple[int, Any]:
        async with self.http.post(self.url, json=value, **options) as response:
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else None


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in the server's own time."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


Start = Callable[..., Any]


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    return until


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start servers with given limits and configuration; stops them all."""
    running: list[Running] = []

    async def start_one(limits: RpcLimits | None = None, pages: Any = None, **config: Any) -> Running:
        handlers, recorder = Handlers(), Recorder()
        observer: Observer = recorder
        options = RpcConfig(port=0, limits=limits or RpcLimits(), **config)
        server = RpcServer(MethodTable(handlers), options, observer, pages)
        await server.start()
        running.append(Running(server, handlers, recorder, aiohttp.ClientSession()))
        return running[-1]

    yield start_one
    for one in running:
        one.handlers.release.set()
        await one.http.close()
        await one.server.stop()
