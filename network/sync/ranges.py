"""Full synchronisation: ranges of one chain, from several peers at once, handed on in order."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from network.messages import BlockData, BlocksRequest, Direction
from network.messages import PeerId as Peer
from network.sync.answers import size_of

RANGE_BLOCKS = 64
"""In one request: Substrate's default."""

MAX_AHEAD_BLOCKS = 2_048
"""Asked for, downloaded or being imported: seconds of import, so that the importer never waits."""

MAX_AHEAD_BYTES = 64 << 20
"""Downloaded or being imported; full blocks have 5 MiB."""

MAX_OPEN = 16
"""Ranges asked for at once, of all peers together: 128 MiB could be on their way at worst, and as many
megabytes as blocks have in practice.
"""

LATE_MS = 2_000
"""After so long without an answer the range that the import waits for is asked of another peer as well."""

MAX_ASKERS = 3
"""Of one range at once."""

SHORT_BYTES = 1 << 20
"""An answer of fewer blocks than asked for and fewer bytes than this is a drip: the others go first then."""


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks `first` to `last` of a chain."""

    first: int
    last: int

    @property
    def request(self) -> BlocksRequest:
        """What to ask a peer."""
        return BlocksRequest(self.first, Direction.ASCENDING, self.last - self.first + 1)


@dataclass(frozen=True, slots=True)
class Load:
    """What was handed on and is not stored yet; `size` in bytes, about."""

    blocks: int
    size: int


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a peer sent of a range, checked but not yet joined to what comes before."""

    range: Range
    peer: Peer
    blocks: tuple[BlockData, ...]
    size: int


@dataclass(slots=True)
class _Open:
    range: Range
    asked: dict[Peer, int] = field(default_factory=dict)
    avoid: set[Peer] = field(default_factory=set)
    only: Peer | None = None

    def may_ask(self, peer: Peer, now: int, *, is_next: bool) -> bool:
        if peer in self.avoid or peer in self.asked or self.only not in (None, peer):
            return False
        if not self.asked:
            return True
        is_late = now >= max(self.asked.values()) + LATE_MS
        return is_next and is_late and len(self.asked) < MAX_ASKERS


class Ranges:
    """The window between the import and the download. Imports begin at `start`."""

    def __init__(self, start: int) -> None:
        self._next_import = start
        self._next_range = start
        self._open = dict[int, _Open]()
        self._ready = dict[int, Downloaded]()
        self._held = 0

    @property
    def next_import(self) -> int:
        """The height at which the next import begins."""
        return self._next_import

    @property
    def held(self) -> int:
        """Bytes downloaded and not handed on."""
        return self._held

    def claim(self, peer: Peer, lowest: int, highest: int, importing: Load, now: int) -> Range | None:
        """A range to ask of `peer`, which has the blocks from `lowest` to `highest`, where there is room for
        it beside what is `importing`.
        """
        may_hold = self._held + importing.size < MAX_AHEAD_BYTES
        for first in sorted(self._open):
            waiting = self._open[first]
            is_next = first == self._next_import
            is_there = lowest <= first and waiting.range.last <= highest
            # What the import waits for comes first, or the others would wait for it in memory for ever.
            has_room = may_hold or (is_next and importing.size < MAX_AHEAD_BYTES)
            if has_room and is_there and waiting.may_ask(peer, now, is_next=is_next):
                waiting.asked[peer] = now
                return waiting.range
        first = self._next_range
        ahead = first + RANGE_BLOCKS - self._next_import + importing.blocks
        if not may_hold or ahead > MAX_AHEAD_BLOCKS or len(self._open) >= MAX_OPEN:
            return None
        if not lowest <= first <= highest:
            return None
        chosen = Range(first, min(first + RANGE_BLOCKS - 1, highest))
        self._next_range = chosen.last + 1
        self._open[first] = _Open(chosen, {peer: now})
        return chosen

    def failed(self, wanted: Range, peer: Peer) -> None:
        """No answer of use: the range is to be asked of the others first."""
        waiting = self._open.get(wanted.first)
        if waiting is not None and waiting.asked.pop(peer, None) is not None:
            waiting.avoid.add(peer)

    def forgive(self, peers: Iterable[Peer]) -> None:
        """Where all of `peers` failed, begin again with the first of them."""
        everybody = set(peers)
        for waiting in self._open.values():
            if not waiting.asked and everybody <= waiting.avoid:
                waiting.avoid.clear()

    def arrived(self, wanted: Range, peer: Peer, blocks: tuple[BlockData, ...]) -> bool:
        """Checked blocks; where there are fewer than asked for, the rest is asked again. Nothing happens
        where another peer was faster. Returns whether the answer was a drip.
        """
        size = sum(map(size_of, blocks))
        end = wanted.first + len(blocks)
        is_drip = end <= wanted.last and size < SHORT_BYTES
        waiting = self._open.get(wanted.first)
        if waiting is None or waiting.range != wanted or peer not in waiting.asked:
            return is_drip
        del self._open[wanted.first]
        found = Downloaded(wanted, peer, blocks, size)
        self._ready[wanted.first] = found
        self._held += found.size
        if end <= wanted.last:
            avoid = {peer} if is_drip else set[Peer]()
            self._open[end] = _Open(Range(end, wanted.last), avoid=avoid, only=waiting.only)
        return is_drip

    def take(self) -> Downloaded | None:
        """The blocks that are to be imported next, where they have come."""
        found = self._ready.pop(self._next_import, None)
        if found is not None:
            self._next_import += len(found.blocks)
            self._held -= found.size
        return found

    def give_back(self, found: Downloaded, only: Peer) -> None:
        """Blocks that `take` returned are of another chain: what their peer sent is asked of `only`."""
        self._next_import -= len(found.blocks)
        others = [one for one in self._ready.values() if one.peer == found.peer]
        for one in others:
            del self._ready[one.range.first]
            self._held -= one.size
        for one in (found, *others):
            first = one.range.first
            self._open[first] = _Open(Range(first, first + len(one.blocks) - 1), only=only)
