"""Requests under way: who was asked what, until when."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from network.messages import BlocksRequest, PeerId

TIMEOUT_MS = 10_000
"""8 MiB in ten seconds is a line of 7 Mbit/s; a peer slower than that delays everybody."""

MAX_PER_PEER = 2
"""So that a peer's line is never idle while its answer is checked here."""

MAX_EXPIRED = 1_024
"""Ids remembered of requests that were given up: more than 50 peers let expire in a minute."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `purpose` is whose it is."""

    peer: PeerId
    body: BlocksRequest
    purpose: object
    until: int


class Unasked(Enum):
    """Why an answer belongs to no open request."""

    NEVER = "nobody asked for it"
    LATE = "it was given up"


class OpenRequests:
    """At most `MAX_PER_PEER` to each peer, ids in order."""

    def __init__(self) -> None:
        self._open = dict[int, Asked]()
        self._expired = OrderedDict[int, PeerId]()
        self._load = dict[PeerId, int]()
        self._next = 0

    def ask(self, peer: PeerId, body: BlocksRequest, purpose: object, now: int) -> int:
        """Note a request; its id."""
        self._next += 1
        self._open[self._next] = Asked(peer, body, purpose, now + TIMEOUT_MS)
        self._load[peer] = self._load.get(peer, 0) + 1
        return self._next

    def has_room(self, peer: PeerId) -> bool:
        """Whether the peer may be asked more."""
        return self._load.get(peer, 0) < MAX_PER_PEER

    def take(self, peer: PeerId, number: int) -> Asked | Unasked:
        """The request that a peer answers."""
        asked = self._open.get(number)
        if asked is not None and asked.peer == peer:
            return self._close(number)
        if self._expired.get(number) == peer:
            del self._expired[number]
            return Unasked.LATE
        return Unasked.NEVER

    def overdue(self, now: int) -> list[Asked]:
        """Requests that were not answered in time; an answer that still comes is `Unasked.LATE`."""
        late = [number for number, asked in self._open.items() if asked.until <= now]
        for number in late:
            self._expired[number] = self._open[number].peer
            if len(self._expired) > MAX_EXPIRED:
                self._expired.popitem(last=False)
        return [self._close(number) for number in late]

    def drop(self, peer: PeerId) -> list[Asked]:
        """The peer is gone: what it was asked."""
        gone = [number for number, asked in self._open.items() if asked.peer == peer]
        return [self._close(number) for number in gone]

    @property
    def deadline(self) -> int | None:
        """When the first one is overdue."""
        return min((asked.until for asked in self._open.values()), default=None)

    def _close(self, number: int) -> Asked:
        asked = self._open.pop(number)
        left = self._load[asked.peer] - 1
        if left:
            self._load[asked.peer] = left
        else:
            del self._load[asked.peer]
        return asked
