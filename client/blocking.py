"""The client without `await`: an event loop of its own in a thread of its own.

with blocking.connect("ws://127.0.0.1:9944") as node:
    node.run(lambda client: client.models())
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

from client.client import DEFAULT_SECONDS, DEFAULT_URL, Client
from client.client import connect as connect_async

Answer = TypeVar("Answer")


class BlockingClient:
    """Runs the coroutines of a `Client` to their end. Use as a context manager."""

    def __init__(self, url: str, seconds: float) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fixpoint client", daemon=True)
        self._thread.start()
        try:
            self._client = self._wait(connect_async(url, seconds=seconds))
        except BaseException:
            self._stop()
            raise

    def run(self, work: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """The result of a client's coroutine; raises what it raises."""

        async def working() -> Answer:
            return await work(self._client)

        answer: Answer = self._wait(working())
        return answer

    def call(self, method: str, *params: Any) -> Any:
        """Call any JSON-RPC method."""
        return self.run(lambda client: client.call(method, *params))

    def close(self) -> None:
        """Leave the node and end the thread. Safe to call twice."""
        if not self._loop.is_closed():
            self._wait(self._client.close())
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, work: Any) -> Any:
        pending = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return pending.result()
        except BaseException:
            pending.cancel()
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def connect(url: str = DEFAULT_URL, *, seconds: float = DEFAULT_SECONDS) -> BlockingClient:
    """As `client.connect`, for programs without an event loop."""
    return BlockingClient(url, seconds)
