"""One producer, many subscriptions: values published on the event loop reach every listener, in order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from network.rpc.limits import MESSAGE_BUFFER_CAPACITY
from network.rpc.subscriptions import Mailbox

Value = TypeVar("Value")


class Broadcast(Generic[Value]):
    """A feed of values. `publish` never blocks: a listener that is `capacity` behind is dropped instead."""

    def __init__(self, capacity: int = MESSAGE_BUFFER_CAPACITY) -> None:
        self._capacity = capacity
        # Weak, because an async generator that loops over a listener is cancelled without closing it: when
        # the generator goes, so does the listener. By number, so that those who came first are served first.
        self._listeners: WeakValueDictionary[int, Listener[Value]] = WeakValueDictionary()
        self._numbers = itertools.count()
        self._closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    def publish(self, value: Value) -> None:
        """Give a value to every listener. Call on the event loop's thread."""
        for listener in tuple(self._listeners.values()):
            listener.put(value)

    def listen(self, first: Iterable[Value] = ()) -> Listener[Value]:
        """A listener that gets `first`, then everything published from this moment on."""
        listener = Listener(self, next(self._numbers), self._capacity, first)
        if self._closed:
            listener.finish()
        else:
            self._listeners[listener.number] = listener
        return listener

    def close(self) -> None:
        """End all listeners after what they have waiting."""
        self._closed = True
        for listener in tuple(self._listeners.values()):
            listener.finish()
        self._listeners.clear()

    def forget(self, listener: Listener[Value]) -> None:
        """Stop giving values to a listener."""
        self._listeners.pop(listener.number, None)


class Listener(AsyncIterator[Value]):
    """The values of a `Broadcast` from one moment on; for one task. Raises `SlowReader` when it was
    dropped."""

    def __init__(self, source: Broadcast[Value], number: int, capacity: int, first: Iterable[Value]) -> None:
        self.number = number
        self._source = source
        self._mailbox: Mailbox[tuple[Value]] = Mailbox(capacity)
        self._mailbox.fill((value,) for value in first)
        self._wake = asyncio.Event()

    def put(self, value: Value) -> None:
        """Called by the broadcast."""
        self._mailbox.put((value,))
        if self._mailbox.overflowed:
            self._source.forget(self)
        self._wake.set()

    def finish(self) -> None:
        """No more values: iteration ends after those that wait."""
        self._mailbox.closed = True
        self._wake.set()

    async def __anext__(self) -> Value:
        while True:
            # A one-tuple, so that None can be a value.
            taken = self._mailbox.take()
            if taken is not None:
                return taken[0]
            if self._mailbox.closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()

    async def aclose(self) -> None:
        """Stop listening."""
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._source.forget(self)
        self.finish()
