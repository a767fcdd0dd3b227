"""The operations of one follower: bodies, calls and storage, answered piece by piece among its events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from itertools import chain
from typing import Any

from chain.rpc.failures import Reported, rpc_error
from chain.rpc.specification.storage import QueriedTrie, Query
from chain.store import StateDiscarded, Store, UnknownBlock
from network.rpc import Json
from runtime.executive import RuntimeApi
from runtime.primitives.scale import InvalidScale

MAX_OPERATIONS = 16
"""Operations of one follower at a time; the specification asks for at least sixteen."""

PAGE_RESULTS = 1_000
PAGE_BYTES = 1 << 20
"""Results and bytes of one storage event; then the client is asked whether it wants more."""

_logger = logging.getLogger("fixpoint.rpc")

Event = dict[str, Json]


class Operations:
    """What runs for one follower; `tell` takes its events, on the event loop's thread."""

    def __init__(self, store: Store, api: RuntimeApi, tell: Callable[[Event], None]) -> None:
        self._store = store
        self._api = api
        self._tell = tell
        self._last = 0
        self._running: dict[str, asyncio.Task[None] | None] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    @property
    def is_full(self) -> bool:
        """Whether no other may begin."""
        return len(self._running) >= MAX_OPERATIONS

    def body(self, block: bytes) -> tuple[str, Callable[[], None]]:
        """Read a body: the operation's id, and what starts it."""
        return self._prepare(lambda identifier: self._body(block))

    def call(self, block: bytes, function: str, parameters: bytes) -> tuple[str, Callable[[], None]]:
        """Call the runtime: the operation's id, and what starts it."""
        return self._prepare(lambda identifier: self._call(block, function, parameters))

    def storage(
        self, block: bytes, queries: list[Query], child: bytes | None
    ) -> tuple[str, Callable[[], None]]:
        """Read storage: the operation's id, and what starts it."""
        return self._prepare(lambda identifier: self._storage(identifier, block, queries, child))

    def go_on(self, identifier: str) -> bool:
        """Give an operation that waits the word to continue; whether it waited."""
        waiting = self._waiting.pop(identifier, None)
        if waiting is not None:
            waiting.set()
        return waiting is not None

    def stop(self, identifier: str) -> None:
        """End an operation; unknown ones are no error, because it may just have ended."""
        task = self._running.pop(identifier, None)
        self._waiting.pop(identifier, None)
        if task is not None:
            task.cancel()

    def stop_all(self) -> None:
        """End everything."""
        for identifier in list(self._running):
            self.stop(identifier)

    def _prepare(self, make: Callable[[str], AsyncGenerator[Event]]) -> tuple[str, Callable[[], None]]:
        self._last += 1
        identifier = str(self._last)
        self._running[identifier] = None

        def start() -> None:
            if identifier in self._running:
                work: Coroutine[Any, Any, None] = self._run(identifier, make(identifier))
                self._running[identifier] = asyncio.create_task(work)

        return identifier, start

    async def _run(self, identifier: str, events: AsyncGenerator[Event]) -> None:
        try:
            async for event in events:
                self._say(identifier, event)
        except (UnknownBlock, StateDiscarded):
            self._say(identifier, {"event": "operationInaccessible"})
        except Reported as fault:
            self._say(identifier, {"event": "operationError", "error": rpc_error(fault).message})
        except InvalidScale as fault:
            self._say(identifier, {"event": "operationError", "error": f"Bad input data provided: {fault}"})
        except Exception:
            _logger.exception("operation %s failed", identifier)
            self._say(identifier, {"event": "operationError", "error": "Internal error"})
        finally:
            await events.aclose()
            self._running.pop(identifier, None)
            self._waiting.pop(identifier, None)

    def _say(self, identifier: str, event: Event) -> None:
        """Tell an event, unless the operation was stopped."""
        if identifier in self._running:
            name = event.pop("event")
            self._tell({"event": name, "operationId": identifier, **event})

    async def _body(self, block: bytes) -> AsyncGenerator[Event]:
        body = await asyncio.to_thread(self._store.body, block)
        if body is None:
            raise UnknownBlock(block)
        yield {"event": "operationBodyDone", "value": list(body)}

    async def _call(self, block: bytes, function: str, parameters: bytes) -> AsyncGenerator[Event]:
        def answer() -> bytes:
            return self._api.call(function, parameters, self._store.state_at(block))

        yield {"event": "operationCallDone", "output": await asyncio.to_thread(answer)}

    async def _storage(
        self, identifier: str, block: bytes, queries: list[Query], child: bytes | None
    ) -> AsyncGenerator[Event]:
        trie = await asyncio.to_thread(QueriedTrie, self._store, block, child)
        results = chain.from_iterable(map(trie.answers, queries))
        while True:
            page, more = await asyncio.to_thread(take_page, results)
            if page:
                yield {"event": "operationStorageItems", "items": page}
            if not more:
                break
            word = self._waiting[identifier] = asyncio.Event()
            yield {"event": "operationWaitingForContinue"}
            await word.wait()
        yield {"event": "operationStorageDone"}


def take_page(results: Iterator[dict[str, Json]]) -> tuple[list[dict[str, Json]], bool]:
    """The next results, as many as one event carries, and whether there may be more."""
    page: list[dict[str, Json]] = []
    size = 0
    for result in results:
        page.append(result)
        size += sum(len(each) for each in result.values() if isinstance(each, bytes))
        if len(page) >= PAGE_RESULTS or size >= PAGE_BYTES:
            return page, True
    return page, False
