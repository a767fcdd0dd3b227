"""Requests under way: who was asked what, until when."""

from dataclasses import dataclass

from network.messages import BlocksRequest, PeerId

TIMEOUT_MS = 10_000
"""8 MiB in ten seconds is a line of 7 Mbit/s; a peer slower than that delays everybody."""

MAX_PER_PEER = 2
"""So that a peer's line is never idle while its answer is checked here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `purpose` is whose it is."""

    peer: PeerId
    body: BlocksRequest
    purpose: object
    until: int


class OpenRequests:
    """At most `MAX_PER_PEER` to each peer, ids in order."""

    def __init__(self) -> None:
        self._open = dict[int, Asked]()
        self._next = 0

    def ask(self, peer: PeerId, body: BlocksRequest, purpose: object, now: int) -> int:
        """Note a request; its id."""
        self._next += 1
        self._open[self._next] = Asked(peer, body, purpose, now + TIMEOUT_MS)
        return self._next

    def has_room(self, peer: PeerId) -> bool:
        """Whether the peer may be asked more."""
        return sum(asked.peer == peer for asked in self._open.values()) < MAX_PER_PEER

    def take(self, peer: PeerId, number: int) -> Asked | None:
        """The request that a peer answers; None where it was not asked."""
        asked = self._open.get(number)
        if asked is None or asked.peer != peer:
            return None
        return self._open.pop(number)

    def overdue(self, now: int) -> list[Asked]:
        """Requests that were not answered in time; they are forgotten."""
        late = [number for number, asked in self._open.items() if asked.until <= now]
        return [self._open.pop(number) for number in late]

    def drop(self, peer: PeerId) -> list[Asked]:
        """The peer is gone: what it was asked."""
        gone = [number for number, asked in self._open.items() if asked.peer == peer]
        return [self._open.pop(number) for number in gone]

    @property
    def deadline(self) -> int | None:
        """When the first one is overdue."""
        return min((asked.until for asked in self._open.values()), default=None)
