"""Messages on their way to one connection, bounded in number and bytes."""

from __future__ import annotations

import asyncio
from collections import deque


class OutboxClosed(Exception):
    """The connection is gone: nothing can be sent any more."""


class Outbox:
    """A queue whose `put` waits for room, so that whoever makes messages slows down to the reader's pace."""

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._bytes = 0
        self._messages: deque[bytes] = deque()
        self._closed = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, message: bytes) -> None:
        """Add a message, after others have gone if need be. Raises `OutboxClosed`."""
        while not self._closed and self._is_full(len(message)):
            self._room.clear()
            await self._room.wait()
        if self._closed:
            raise OutboxClosed
        self._messages.append(message)
        self._bytes += len(message)
        self._changed.set()

    async def take(self) -> bytes:
        """The oldest message, when there is one. Raises `OutboxClosed`."""
        while not self._messages:
            if self._closed:
                raise OutboxClosed
            self._changed.clear()
            await self._changed.wait()
        message = self._messages.popleft()
        self._bytes -= len(message)
        self._room.set()
        return message

    def close(self) -> None:
        """Drop what waits and wake everyone."""
        self._closed = True
        self._messages.clear()
        self._bytes = 0
        self._changed.set()
        self._room.set()

    def _is_full(self, size: int) -> bool:
        # One message always fits into an empty outbox, whatever its size.
        if not self._messages:
            return False
        return len(self._messages) >= self._capacity or self._bytes + size > self._max_bytes
