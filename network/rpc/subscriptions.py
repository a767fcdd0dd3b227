"""Subscriptions as data: which are open on a connection, and what waits for a listener.

Pure: no sockets, no clock, no tasks. `broadcast.py` and `session.py` put them on the event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from network.rpc import errors

Value = TypeVar("Value")


class SlowReader(Exception):
    """A listener fell more than `limit` values behind and was dropped."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} values were waiting")
        self.limit = limit


@dataclass(slots=True)
class SubscriptionRegistry:
    """The open subscriptions of one connection: id -> name of the method that opened it.

    `new_id` makes unguessable ids; they are only meaningful on their own connection.
    """

    limit: int
    new_id: Callable[[], str]
    _open: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._open)

    def open(self, name: str) -> str:
        """A fresh id. Raises `RpcError` -32006 when the connection has all it may have."""
        if len(self._open) >= self.limit:
            raise errors.too_many_subscriptions(self.limit)
        identifier = self.new_id()
        while identifier in self._open:
            identifier = self.new_id()
        self._open[identifier] = name
        return identifier

    def is_open(self, identifier: str, name: str) -> bool:
        """Whether this id is open and was opened by this method: one kind's id does not end another kind."""
        return self._open.get(identifier) == name

    def close(self, identifier: str) -> None:
        """Forget an id; unknown ones are no error, because both sides may end a subscription at once."""
        self._open.pop(identifier, None)


@dataclass(slots=True)
class Mailbox(Generic[Value]):
    """Values that wait for one listener, at most `capacity`; one more and the listener is dropped.

    Dropping beats blocking (a stranger would hold up the node) and beats skipping (a follower of storage
    changes would be wrong without knowing it).
    """

    capacity: int
    closed: bool = False
    overflowed: bool = False
    _waiting: deque[Value] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._waiting)

    def fill(self, values: Iterable[Value]) -> None:
        """Put what a new listener starts with, beside the capacity."""
        self._waiting.extend(values)

    def put(self, value: Value) -> None:
        """Add a value; ignored once closed or overflowed."""
        if self.closed or self.overflowed:
            return
        if len(self._waiting) >= self.capacity:
            self.overflowed = True
            self._waiting.clear()
            return
        self._waiting.append(value)

    def take(self) -> Value | None:
        """The oldest value, or None when none waits. Raises `SlowReader` when the listener was dropped."""
        if self.overflowed:
            raise SlowReader(self.capacity)
        return self._waiting.popleft() if self._waiting else None
