"""Near the head: announced and wanted blocks are fetched by hash, with ancestors down to a block of ours."""

from network.messages import BlockData, BlockPoint, PeerFault, PeerId
from network.sync.branches import Branch, Branches, Piece
from network.sync.desk import Desk
from network.sync.events import Report, SyncEffect
from network.sync.following import NEAR_BLOCKS, Following
from network.sync.requests import Asked


class Heads:
    """The branches being fetched. One that is too long is left to `following`."""

    def __init__(self, desk: Desk, following: Following) -> None:
        self._desk = desk
        self._following = following
        self._branches = Branches()

    @property
    def is_active(self) -> bool:
        """Whether anything is being fetched."""
        return bool(self._branches.all())

    @property
    def held(self) -> int:
        """Bytes of branches that do not reach a known block yet."""
        return sum(branch.size for branch in self._branches.all())

    def announced(self, peer: PeerId, block: BlockPoint) -> None:
        """Fetch a head, unless it is known, lost, or far ahead."""
        if block.number <= self._desk.height + NEAR_BLOCKS:
            self.want(block, peer)

    def remind(self, now: int) -> None:
        """Fetch the heads of peers that are ahead, as if they were announced again."""
        height = self._desk.height
        for peer in self._desk.peers.awake(now):
            if peer.best.number > height and not peer.is_elsewhere:
                self.announced(peer.id, peer.best)

    def want(self, block: BlockPoint, holder: PeerId | None) -> None:
        """Fetch a block, unless it is known or finality has left it behind."""
        if not self._desk.is_known(block.hash) and block.number > self._desk.chain.finalised.number:
            self._branches.want(block.hash, block.number, holder)

    def gone(self, peer: PeerId) -> None:
        """A peer is no longer connected."""
        self._branches.forget_peer(peer)

    def finalised(self, number: int) -> None:
        """Nothing up to this height is worth fetching any more."""
        for branch in self._branches.all():
            if branch.number <= number:
                self._branches.drop(branch.target)

    # -- answers ------------------------------------------------------------------------------------------

    def answered(self, asked: Asked, piece: Piece, blocks: tuple[BlockData, ...]) -> list[SyncEffect]:
        """The next part of a branch; nothing happens where another peer was faster."""
        branch = self._branches.get(piece.target)
        if branch is None or branch.next_hash != piece.start:
            return []
        branch.add(blocks)
        peer = self._desk.peers.get(asked.peer)
        if peer is not None:
            peer.served()
        return self._meet(branch, asked.peer)

    def failed(self, asked: Asked, piece: Piece) -> None:
        """No answer of use: the others are asked."""
        branch = self._branches.get(piece.target)
        if branch is not None and branch.next_hash == piece.start:
            branch.failed(asked.peer, is_lacking=True)

    def refused(self, asked: Asked, piece: Piece, now: int) -> list[SyncEffect]:
        """The peer has not the block; a lie, where it said so and finality did not overtake it."""
        branch = self._branches.get(piece.target)
        peer = self._desk.peers.get(asked.peer)
        if branch is None or branch.next_hash != piece.start:
            return []
        is_holder = asked.peer in branch.holders
        branch.failed(asked.peer, is_lacking=True)
        if not is_holder or peer is None:
            return []
        peer.strike(now)
        return [Report(asked.peer, PeerFault.LIED_ABOUT_HEAD, f"has not the block {branch.number}")]

    def _meet(self, branch: Branch, peer: PeerId) -> list[SyncEffect]:
        """Import a branch that has come down to a known block; give up one that never will."""
        if self._desk.is_known(branch.next_hash):
            self._branches.drop(branch.target)
            new = (block for block in branch.blocks if not self._desk.is_known(block.header.hash()))
            ascending = tuple(reversed(tuple(new)))
            return [self._desk.hand_over(peer, ascending)] if ascending else []
        if branch.next_number <= self._desk.chain.finalised.number:
            # Its ancestor at the height of our final block is another block.
            for holder in branch.holders:
                known = self._desk.peers.get(holder)
                if known is not None and known.best.number >= branch.number:
                    known.is_elsewhere = True
            self._branches.drop(branch.target)
        elif branch.is_too_large:
            self._branches.drop(branch.target)
            self._following.wish(peer)
        self._branches.shrink()
        return []

    # -- what to do next ----------------------------------------------------------------------------------

    def step(self, now: int) -> list[SyncEffect]:
        """Ask for the next part of each branch, first of those who said to have it and failed least."""
        effects = list[SyncEffect]()
        floor = self._desk.chain.finalised.number
        for branch in self._branches.all():
            if self._desk.is_known(branch.target) or self._is_hopeless(branch):
                self._branches.drop(branch.target)
                continue
            if not branch.may_ask(now):
                continue
            able = [
                peer
                for peer in self._desk.peers.awake(now)
                if peer.id not in branch.lacking
                and peer.id not in branch.asked
                and self._desk.requests.has_room(peer.id)
            ]
            chosen = min(able, key=lambda peer: (peer.strikes, peer.id not in branch.holders), default=None)
            if chosen is None:
                continue
            branch.asked[chosen.id] = now
            effects.append(self._desk.ask(chosen.id, branch.request(floor), branch.piece, now))
        return effects

    def _is_hopeless(self, branch: Branch) -> bool:
        return all(peer.id in branch.lacking for peer in self._desk.peers.all())
