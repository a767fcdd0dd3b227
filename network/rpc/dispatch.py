"""From a message to its answer: parse, find the method, decode, call, encode."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from network.rpc import errors, framing
from network.rpc.errors import Json, RpcError
from network.rpc.framing import Batch, Entry, Notification, Refused, Request, Single
from network.rpc.limits import WORKER_QUEUE, WORKER_THREADS, RpcLimits
from network.rpc.methods import Connection, Context, Method, MethodTable, Subscribe, Unsubscribe

_logger = logging.getLogger("fixpoint.rpc")


class Observer(Protocol):
    """What the server tells its measurements."""

    def session_opened(self) -> None: ...

    def session_closed(self) -> None: ...

    def call_started(self, transport: str, method: str) -> None: ...

    def call_finished(self, transport: str, method: str, is_error: bool, seconds: float) -> None: ...


class NoObserver:
    """Measures nothing."""

    def session_opened(self) -> None:
        """Ignored."""

    def session_closed(self) -> None:
        """Ignored."""

    def call_started(self, transport: str, method: str) -> None:
        """Ignored."""

    def call_finished(self, transport: str, method: str, is_error: bool, seconds: float) -> None:
        """Ignored."""


class Subscriptions(Protocol):
    """The subscriptions of a connection that can have them."""

    def reserve(self, name: str) -> str:
        """A fresh id, or `RpcError` when there are too many."""

    def attach(self, identifier: str, subscribe: Subscribe, stream: AsyncIterator[Json]) -> None:
        """The stream of a reserved id; it starts when the answer that carries the id is on its way."""

    def end(self, identifier: str) -> None:
        """Stop and forget."""

    def end_if(self, identifier: str, name: str) -> bool:
        """Stop and forget if it is open and of this kind; whether it was."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a message came from. `subscriptions` is None over HTTP."""

    connection: Connection
    subscriptions: Subscriptions | None = None


@dataclass(slots=True)
class Answer:
    """The bytes to send back (None: nothing), and the subscriptions that begin once they are queued."""

    payload: bytes | None
    opened: list[str]
    afterwards: list[Callable[[], None]]
    """To be called once the bytes are queued."""


class Dispatcher:
    """Answers messages from a method table. One per server; owns the worker threads."""

    def __init__(self, table: MethodTable, limits: RpcLimits, observer: Observer) -> None:
        self._table = table
        self._limits = limits
        self._observer = observer
        self._workers = ThreadPoolExecutor(WORKER_THREADS, thread_name_prefix="rpc")
        self._in_workers = 0

    def close(self) -> None:
        """Let running worker calls finish in the background and drop those that wait."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def answer(self, data: bytes, caller: Caller) -> Answer:
        """The answer to one message. Never raises for what a client sent or a handler did."""
        made = Answer(None, [], [])
        match framing.parse(data, self._limits):
            case Single(entry):
                made.payload = await self._respond(entry, caller, made)
            case Batch(entries):
                await self._answer_batch(entries, caller, made)
        return made

    async def _answer_batch(self, entries: tuple[Entry, ...], caller: Caller, made: Answer) -> None:
        responses: list[bytes] = []
        size = 1
        for entry in entries:
            response = await self._respond(entry, caller, made)
            if response is None:
                continue
            responses.append(response)
            size += len(response) + 1
            if size > self._limits.response_bytes:
                break
            # A batch of a thousand quick calls must not hold the loop for their sum.
            await asyncio.sleep(0)
        made.payload = framing.join_batch(responses, self._limits)
        if size > self._limits.response_bytes and caller.subscriptions is not None:
            # The client will never learn these ids.
            for identifier in made.opened:
                caller.subscriptions.end(identifier)
            made.opened = []

    async def _respond(self, entry: Entry, caller: Caller, made: Answer) -> bytes | None:
        match entry:
            case Notification():
                return None
            case Refused(identifier, error):
                return framing.encode_error(identifier, error)
            case Request():
                return await self._respond_to(entry, caller, made)

    async def _respond_to(self, request: Request, caller: Caller, made: Answer) -> bytes:
        bucket = caller.connection.bucket
        if bucket is not None and not bucket.take(time.monotonic()):
            return framing.encode_error(request.id, errors.rate_limited(bucket.per_minute))
        found = self._table.find(request.method)
        if found is None:
            return framing.encode_error(request.id, errors.method_not_found())
        transport = caller.connection.transport
        self._observer.call_started(transport, request.method)
        started = time.perf_counter()
        failed = True
        try:
            result = await self._call(found, request, caller, made)
            response = framing.encode_result(request.id, result, self._limits)
            failed = False
        except RpcError as error:
            response = _encode_failure(request, error)
        except Exception:
            _logger.exception("handler of %s failed", request.method)
            response = framing.encode_error(request.id, errors.internal_error())
        finally:
            self._observer.call_finished(transport, request.method, failed, time.perf_counter() - started)
        return response

    async def _call(
        self, found: Method | Unsubscribe, request: Request, caller: Caller, made: Answer
    ) -> Json:
        match found:
            case Unsubscribe(name):
                return _unsubscribe(name, request, caller)
            case Method() if found.unsafe and not caller.connection.unsafe:
                raise errors.unsafe_denied()
            case Subscribe():
                identifier = await self._subscribe(found, request, caller)
                made.opened.append(identifier)
                return identifier
            case Method():
                arguments = found.decode(request.params)
                if found.wants_context:
                    arguments = (Context(caller.connection, None, made.afterwards), *arguments)
                if found.worker:
                    return await self._in_worker(found.handler, arguments)
                result = found.handler(*arguments)
                return await result if inspect.isawaitable(result) else result

    async def _subscribe(self, found: Subscribe, request: Request, caller: Caller) -> str:
        if caller.subscriptions is None:
            raise errors.subscriptions_need_websocket()
        arguments = found.decode(request.params)
        identifier = caller.subscriptions.reserve(found.name)
        try:
            if found.wants_context:
                arguments = (Context(caller.connection, identifier), *arguments)
            stream = found.handler(*arguments)
            if inspect.isawaitable(stream):
                stream = await stream
            caller.subscriptions.attach(identifier, found, stream)
        except BaseException:
            caller.subscriptions.end(identifier)
            raise
        return identifier

    async def _in_worker(self, handler: Callable[..., Json], arguments: tuple[Any, ...]) -> Json:
        if self._in_workers >= WORKER_THREADS + WORKER_QUEUE:
            raise errors.server_is_busy()

        def run() -> Json:
            try:
                return handler(*arguments)
            except StopIteration as error:
                # asyncio refuses to carry a StopIteration and would leave the caller waiting for ever.
                raise RuntimeError("handler raised StopIteration") from error

        self._in_workers += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, run)
        finally:
            self._in_workers -= 1


def _unsubscribe(name: str, request: Request, caller: Caller) -> bool:
    if caller.subscriptions is None:
        raise errors.subscriptions_need_websocket()
    match request.params:
        case (str() | int() as identifier,):
            return caller.subscriptions.end_if(str(identifier), name)
    raise errors.invalid_params(f"{request.method} takes one parameter: the subscription id")


def _encode_failure(request: Request, error: RpcError) -> bytes:
    try:
        return framing.encode_error(request.id, error)
    except (TypeError, ValueError):
        _logger.exception("error data of %s is not JSON", request.method)
        return framing.encode_error(request.id, errors.internal_error())
