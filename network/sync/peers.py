"""What is known of each peer's chain, and how far it is relied on."""

from collections.abc import Iterable
from dataclasses import dataclass

from network.messages import BlockPoint, PeerId, Status

REST_MS = 2_000
"""A peer that failed is left in peace for so long, twice as long after each further time: nobody who stalls
is waited for again and again while others serve.
"""

MAX_REST_MS = 60_000
"""A node with a single slow peer still asks it once a minute."""


@dataclass(slots=True)
class SyncPeer:
    """One peer. `best` is what it said last; nothing of that is proved.

    `is_elsewhere`: its chain leaves ours below our last final block, and is not followed until its head
    builds on ours. `is_apart`: it was seen on another branch than the one being followed. `is_credible`: it
    has not failed since it last delivered. `lacks_below`: it refused blocks up to here, as whoever keeps no
    history does.
    """

    id: PeerId
    best: BlockPoint
    finalised: int
    is_elsewhere: bool = False
    is_apart: bool = False
    is_credible: bool = True
    strikes: int = 0
    rests_until: int = 0
    lacks_below: int = 0

    def strike(self, now: int) -> None:
        """It failed, whether by fault or by bad luck."""
        self.rests_until = now + min(REST_MS << min(self.strikes, 8), MAX_REST_MS)
        self.strikes += 1
        self.is_credible = False

    def served(self) -> None:
        """It delivered blocks as asked."""
        self.strikes = max(self.strikes - 1, 0)
        self.is_credible = True


class SyncPeers:
    """All connected peers, in the order in which they came."""

    def __init__(self) -> None:
        self._peers = dict[PeerId, SyncPeer]()

    def join(self, peer: PeerId, status: Status) -> None:
        """A peer is connected."""
        self._peers[peer] = SyncPeer(peer, status.best, status.finalised.number)

    def leave(self, peer: PeerId) -> None:
        """A peer is no longer connected."""
        self._peers.pop(peer, None)

    def get(self, peer: PeerId) -> SyncPeer | None:
        """A connected peer."""
        return self._peers.get(peer)

    def all(self) -> Iterable[SyncPeer]:
        """Everybody."""
        return self._peers.values()

    def awake(self, now: int) -> list[SyncPeer]:
        """Who may be asked, those first that failed least."""
        ready = (peer for peer in self._peers.values() if peer.rests_until <= now)
        return sorted(ready, key=lambda peer: peer.strikes)

    def lead(self, height: int, above: int, now: int) -> SyncPeer | None:
        """Whose chain to follow from `height` on, of those that say to be higher than `above`: who failed
        least, then whoever says to be highest.
        """
        awake = (one for one in self.awake(now) if not one.is_elsewhere)
        able = (one for one in awake if one.best.number > above and one.lacks_below <= height)
        return min(able, key=lambda one: (one.strikes, -one.best.number), default=None)

    @property
    def height(self) -> int:
        """Where the middle one of all credible peers says to be; 0 without any. No minority can move it."""
        heights = sorted(
            peer.best.number for peer in self._peers.values() if peer.is_credible and not peer.is_elsewhere
        )
        return heights[len(heights) // 2] if heights else 0
