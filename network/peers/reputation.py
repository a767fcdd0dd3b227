"""What a peer's conduct costs it: a score that faults lower, time heals, and a ban ends."""

from collections import OrderedDict
from dataclasses import dataclass

from network.messages import PeerFault, PeerId

BAN_SCORE = -100
"""At or below, a peer is banned."""

BAN_MS = 10 * 60 * 1_000
"""Ten minutes: longer than a restart with a repaired configuration, short enough to forgive an operator."""

HEAL_MS = 1_000
"""One point comes back in so many ms: a peer that times out once a minute keeps a good name."""

MAX_REMEMBERED = 16_384
"""Peers with a score or a ban, 2 MB; who is forgotten first misbehaved longest ago."""

COSTS: dict[PeerFault, int] = {
    PeerFault.MALFORMED: 100,
    PeerFault.OVERSIZED: 100,
    PeerFault.WRONG_CHAIN: 100,
    PeerFault.BAD_BLOCK: 100,
    PeerFault.BAD_HEADER: 100,
    PeerFault.BAD_PROOF: 100,
    PeerFault.BAD_JUSTIFICATION: 100,
    PeerFault.BAD_ANSWER: 50,
    PeerFault.BAD_VOTE: 34,
    PeerFault.LIED_ABOUT_HEAD: 34,
    PeerFault.UNREQUESTED: 20,
    PeerFault.TIMED_OUT: 20,
    PeerFault.FLOODING: 2,
    PeerFault.BAD_TRANSACTION: 2,
}
"""100: no correct peer ever does it, be its view as old as it likes. Less: bad luck may look like it, so it
takes several within a minute or two. 2: each of many messages.
"""


@dataclass(slots=True)
class _Record:
    score: int
    at: int
    banned_until: int = 0


class Reputation:
    """The scores of peers that misbehaved. Times are ms of any clock that does not go back."""

    def __init__(self) -> None:
        self._records = OrderedDict[PeerId, _Record]()

    def report(self, peer: PeerId, fault: PeerFault, now: int) -> bool:
        """Count a fault; whether the peer is banned by it."""
        record = self._records.pop(peer, None) or _Record(0, now)
        record.score = min(record.score + max(now - record.at, 0) // HEAL_MS, 0) - COSTS[fault]
        record.at = now
        is_banned = record.score <= BAN_SCORE
        if is_banned:
            record.score, record.banned_until = 0, now + BAN_MS
        self._records[peer] = record
        if len(self._records) > MAX_REMEMBERED:
            self._records.popitem(last=False)
        return is_banned

    def score(self, peer: PeerId, now: int) -> int:
        """At most 0."""
        record = self._records.get(peer)
        return min(record.score + max(now - record.at, 0) // HEAL_MS, 0) if record is not None else 0

    def banned_until(self, peer: PeerId, now: int) -> int | None:
        """When the peer's ban ends; None where it has none."""
        record = self._records.get(peer)
        return record.banned_until if record is not None and record.banned_until > now else None
