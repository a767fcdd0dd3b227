"""Proofs of finality for blocks that came before they were final, from peers that keep them.

Votes and commits reach whoever listens. A node that was away while voter sets changed has the blocks,
perhaps, but follows no vote of the sets to come: the proofs stored with the blocks lead it there, one set
after another.
"""

from network.messages import BlockData, BlockPoint, BlocksRequest, Direction
from network.sync.desk import Desk
from network.sync.events import ImportJustification, SyncEffect
from network.sync.requests import Asked

MIN_LAG = 16
"""Blocks above the last final one before peers are asked; voting is rarely so far behind."""

FIRST_PAUSE_MS = 10_000
"""Between two sweeps over what is not final. It doubles while nothing is found, since finality may stand
still everywhere.
"""

MAX_PAUSE_MS = 320_000
"""A sweep costs some 300 bytes for each block that is not final."""

COUNT = 128
"""Headers in one answer; the wire's limit."""


class WantedProofs:
    """The purpose of a request for headers and proofs."""


_PURPOSE = WantedProofs()


class Proofs:
    """Sweeps over the blocks that are not final, asking each peer in turn."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._due: int | None = None
        self._pause = FIRST_PAUSE_MS
        self._next = 0
        self._turn = 0
        self._is_asked = False

    @property
    def wake_at(self) -> int | None:
        """When the next sweep begins."""
        return None if self._is_asked else self._due

    def finalised(self, now: int) -> None:
        """Finality moves by itself."""
        self._pause = FIRST_PAUSE_MS
        if self._next == 0:
            self._due = now + self._pause

    def step(self, now: int) -> list[SyncEffect]:
        """Ask, where it is time."""
        best, final = self._desk.chain.best.number, self._desk.chain.finalised.number
        if best - final < MIN_LAG or self._desk.importing.blocks:
            self._due, self._next = None, 0
            return []
        if self._due is None:
            self._due = now + self._pause
        first = max(self._next, final + 1)
        able = [
            one
            for one in self._desk.peers.awake(now)
            if not one.is_elsewhere and one.lacks_below < first <= one.best.number
        ]
        able = [one for one in able if self._desk.requests.has_room(one.id)]
        if self._is_asked or now < self._due:
            return []
        if not able:
            self._due = now + FIRST_PAUSE_MS
            return []
        self._is_asked = True
        chosen = able[self._turn % len(able)].id
        request = BlocksRequest(first, Direction.ASCENDING, COUNT, bodies=False)
        return [self._desk.ask(chosen, request, _PURPOSE, now)]

    def answered(self, asked: Asked, blocks: tuple[BlockData, ...], now: int) -> list[SyncEffect]:
        """Hand on the proofs of blocks that are stored here."""
        self._is_asked = False
        chain = self._desk.chain
        effects = list[SyncEffect]()
        for block in blocks:
            point = BlockPoint(block.header.hash(), block.header.number)
            if block.justification is not None and chain.contains(point.hash):
                effects.append(ImportJustification(asked.peer, point, block.justification))
        last = blocks[-1].header.number
        if len(blocks) == COUNT and last < chain.best.number:
            self._next, self._due = last + 1, now
        else:
            self._sweep_again(now)
        return effects

    def failed(self, now: int) -> None:
        """No answer of use: the next peer's turn."""
        self._is_asked = False
        self._sweep_again(now)

    def _sweep_again(self, now: int) -> None:
        self._turn += 1
        self._next, self._due = 0, now + self._pause
        self._pause = min(self._pause * 2, MAX_PAUSE_MS)
