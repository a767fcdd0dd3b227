"""Full synchronisation: one peer's chain is followed, and all peers on it help to download it.

The peer that leads shows where its chain leaves ours (`search`); from there on ranges are asked of everybody
and joined in order (`ranges`). Where a range does not join, the leader's own counts: a helper that differs
is on another branch and left out; a leader whose own ranges do not join is no longer followed. So whoever
lies is found out by the first block that it made up, at the price of one download.
"""

from dataclasses import dataclass, field

from network.messages import BlockData, BlockPoint, PeerFault, PeerId
from network.sync.desk import Desk
from network.sync.events import Report, SyncEffect
from network.sync.peers import SyncPeer
from network.sync.ranges import Range, Ranges
from network.sync.requests import Asked
from network.sync.search import Search

NEAR_BLOCKS = 32
"""A head at most so far ahead is fetched as a branch; ranges take over beyond."""

STALL_MS = 20_000
"""A leader under whom nothing came for so long is left for another: twice the time of a request."""

FORGIVE_MS = 1_000
"""How often a range that everybody failed at is offered to all again."""


@dataclass(eq=False, slots=True)
class Chase:
    """Following `lead`. `tip` is the last block handed on, or the meeting point; `tip_peer` sent it."""

    lead: PeerId
    search: Search
    progress_at: int
    is_probing: bool = False
    ranges: Ranges | None = None
    tip: bytes = b""
    tip_peer: PeerId | None = None
    forgive_at: int = 0


@dataclass(frozen=True, slots=True)
class Followed:
    """The purpose of a request: a range, or (None) a header of the search."""

    chase: Chase = field(repr=False)
    range: Range | None


class Following:
    """At most one chase at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._chase: Chase | None = None
        self._wish: PeerId | None = None

    @property
    def is_active(self) -> bool:
        """Whether a chain is being followed, or one is worth it once its peer has rested."""
        above = self._desk.height + NEAR_BLOCKS
        return self._chase is not None or any(
            peer.best.number > above and not peer.is_elsewhere for peer in self._desk.peers.all()
        )

    @property
    def held(self) -> int:
        """Bytes downloaded that were not handed on."""
        ranges = self._chase.ranges if self._chase is not None else None
        return ranges.held if ranges is not None else 0

    def wish(self, peer: PeerId) -> None:
        """Follow this peer next: its branch is too long to be fetched otherwise."""
        self._wish = peer

    def stop(self) -> None:
        """End the chase."""
        self._chase = None
        for peer in self._desk.peers.all():
            peer.is_apart = False

    def gone(self, peer: PeerId) -> None:
        """A peer is no longer connected."""
        if self._chase is not None and self._chase.lead == peer:
            self.stop()

    def imported(self, now: int) -> None:
        """The import goes on."""
        if self._chase is not None:
            self._chase.progress_at = now

    # -- answers ------------------------------------------------------------------------------------------

    def answered(self, asked: Asked, purpose: Followed, blocks: tuple[BlockData, ...], now: int) -> None:
        """Checked blocks of a range, or a header. A drip breaks no rule, but the others go first then."""
        chase = purpose.chase
        peer = self._desk.peers.get(asked.peer)
        if chase is not self._chase or peer is None:
            return
        if purpose.range is None:
            chase.is_probing = False
            header = blocks[0].header
            self._probed(chase, peer, BlockPoint(header.hash(), header.number))
        elif chase.ranges is not None:
            if chase.ranges.arrived(purpose.range, asked.peer, blocks):
                peer.strike(now)
            else:
                peer.served()

    def failed(self, asked: Asked, purpose: Followed) -> None:
        """No answer of use."""
        if purpose.chase is not self._chase:
            return
        if purpose.range is None:
            self.stop()
        elif purpose.chase.ranges is not None:
            purpose.chase.ranges.failed(purpose.range, asked.peer)

    def refused(self, asked: Asked, purpose: Followed, now: int) -> list[SyncEffect]:
        """The peer has not what it said to have; old blocks it may never have had."""
        self.failed(asked, purpose)
        peer = self._desk.peers.get(asked.peer)
        first = asked.body.start
        if peer is None or not isinstance(first, int):
            return []
        if self._chase is not None and self._chase.lead == peer.id:
            self.stop()
        peer.strike(now)
        if 0 < first <= peer.finalised:
            peer.lacks_below = max(peer.lacks_below, first + asked.body.count - 1)
            return []
        if peer.best.number < first:
            return []
        peer.best = BlockPoint(peer.best.hash, first - 1)
        return [Report(peer.id, PeerFault.LIED_ABOUT_HEAD, f"has no block {first}")]

    def _probed(self, chase: Chase, peer: SyncPeer, block: BlockPoint) -> None:
        chase.search.heard(block, is_here=self._desk.is_known(block.hash))
        meeting = chase.search.meeting
        if chase.search.is_elsewhere:
            peer.is_elsewhere = True
            self.stop()
        elif meeting is not None:
            if meeting.number < self._desk.chain.finalised.number:
                chase.search = self._search(peer)
            else:
                chase.ranges, chase.tip = Ranges(meeting.number + 1), meeting.hash

    # -- what to do next ----------------------------------------------------------------------------------

    def step(self, now: int) -> list[SyncEffect]:
        """Hand on what has come, and ask for more."""
        if self._chase is None:
            self._begin(now)
        chase = self._chase
        lead = self._desk.peers.get(chase.lead) if chase is not None else None
        if chase is None or lead is None:
            return []
        if chase.ranges is None:
            return self._probe(chase, now)
        effects = self._join(chase, chase.ranges, now)
        if self._chase is not chase:
            return effects
        if chase.ranges.next_import > lead.best.number:
            self.stop()
        elif not self._desk.importing.blocks and now >= chase.progress_at + STALL_MS:
            lead.strike(now)
            self.stop()
        else:
            effects += self._claim(chase, chase.ranges, lead.best.number, now)
        return effects

    def _begin(self, now: int) -> None:
        if self._desk.is_draining:
            return
        wished = self._desk.peers.get(self._wish) if self._wish is not None else None
        self._wish = None
        height = self._desk.height
        lead = wished or self._desk.peers.lead(height, height + NEAR_BLOCKS, now)
        if lead is not None and lead.best.number > self._desk.chain.finalised.number:
            self._chase = Chase(lead.id, self._search(lead), now)

    def _search(self, lead: SyncPeer) -> Search:
        return Search(self._desk.chain.finalised, min(self._desk.height, lead.best.number))

    def _probe(self, chase: Chase, now: int) -> list[SyncEffect]:
        if chase.is_probing or not self._desk.requests.has_room(chase.lead):
            return []
        chase.is_probing = True
        return [self._desk.ask(chase.lead, chase.search.request, Followed(chase, None), now)]

    def _join(self, chase: Chase, ranges: Ranges, now: int) -> list[SyncEffect]:
        """Hand on the ranges that build on what was handed on."""
        effects = list[SyncEffect]()
        while (found := ranges.take()) is not None:
            sender = self._desk.peers.get(found.peer)
            if found.blocks[0].header.parent_hash == chase.tip:
                effects.append(self._desk.hand_over(found.peer, found.blocks))
                chase.tip, chase.tip_peer = found.blocks[-1].header.hash(), found.peer
                chase.progress_at = now
            elif found.peer != chase.lead:
                ranges.give_back(found, only=chase.lead)
                if sender is not None:
                    sender.is_apart = True
            else:
                self._differ(chase, now)
                break
        return effects

    def _differ(self, chase: Chase, now: int) -> None:
        """The leader's range does not build on the tip: the tip, sent by a helper, is of another branch, or
        the leader's chain has changed. Begin again, without whoever it was.
        """
        helper = self._desk.peers.get(chase.tip_peer) if chase.tip_peer is not None else None
        lead = self._desk.peers.get(chase.lead)
        if lead is None or helper is None or helper is lead:
            if lead is not None:
                lead.strike(now)
            self.stop()
        else:
            helper.is_apart = True
            self._chase = Chase(lead.id, self._search(lead), now)

    def _claim(self, chase: Chase, ranges: Ranges, goal: int, now: int) -> list[SyncEffect]:
        effects = list[SyncEffect]()
        desk = self._desk
        able = [one for one in desk.peers.awake(now) if not (one.is_elsewhere or one.is_apart)]
        if now >= chase.forgive_at:
            chase.forgive_at = now + FORGIVE_MS
            ranges.forgive(one.id for one in able)
        for peer in able:
            last = min(goal, peer.best.number)
            while desk.requests.has_room(peer.id):
                wanted = ranges.claim(peer.id, peer.lacks_below + 1, last, desk.importing, now)
                if wanted is None:
                    break
                effects.append(desk.ask(peer.id, wanted.request, Followed(chase, wanted), now))
        return effects
