"""Near the head: single blocks and their ancestors, wherever they branch off, from whoever has them."""

from dataclasses import dataclass, field

from network.messages import BlockData, BlocksRequest, Direction, PeerId
from network.sync.answers import size_of

MAX_BRANCHES_OF_PEER = 4
"""That only this peer has named, so that no peer takes the others' places. A chain has one or two heads."""

MAX_WANTED = 32
"""That finality asked for and no peer named."""

MAX_BRANCH_BLOCKS = 512
"""Held of one branch before it meets a known block; a longer one comes by ranges."""

MAX_BRANCH_BYTES = 16 << 20
"""Held of one branch: three full blocks."""

MAX_TOTAL_BYTES = 64 << 20
"""Held of all branches together; the largest goes first."""

STEP = 64
"""Ancestors asked for at once, once the first answer did not suffice."""

LATE_MS = 1_000
"""After so long without an answer another peer is asked as well: a block is worth most while it is new."""

MAX_ASKERS = 3
"""Of one piece at once."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of a branch that is asked for: blocks down from `start`."""

    target: bytes
    start: bytes


@dataclass(slots=True)
class Branch:
    """The way from a head (`target`) down to a known block; `blocks` are newest first.

    `holders` said that they have it, `lacking` that they have not, `asked` are asked now, since when (ms).
    """

    target: bytes
    number: int
    next_hash: bytes
    next_number: int
    holders: dict[PeerId, None] = field(default_factory=dict)
    lacking: dict[PeerId, None] = field(default_factory=dict)
    asked: dict[PeerId, int] = field(default_factory=dict)
    blocks: list[BlockData] = field(default_factory=list)
    size: int = 0

    @property
    def piece(self) -> Piece:
        """What is asked for."""
        return Piece(self.target, self.next_hash)

    def request(self, floor: int) -> BlocksRequest:
        """The next piece, down to the block after `floor` at most; the first is the head and its parent."""
        count = STEP if self.blocks else 2
        count = max(min(count, self.next_number - floor), 1)
        return BlocksRequest(self.next_hash, Direction.DESCENDING, count)

    def may_ask(self, now: int) -> bool:
        """Whether nobody is asked, or nobody answered for long."""
        if not self.asked:
            return True
        return len(self.asked) < MAX_ASKERS and now >= max(self.asked.values()) + LATE_MS

    def add(self, blocks: tuple[BlockData, ...]) -> None:
        """The piece has come."""
        self.asked.clear()
        self.blocks += blocks
        self.size += sum(map(size_of, blocks))
        oldest = blocks[-1].header
        self.next_hash, self.next_number = oldest.parent_hash, oldest.number - 1

    def failed(self, peer: PeerId, *, is_lacking: bool) -> None:
        """A peer gave no answer of use; `is_lacking`: it will not have one later."""
        self.asked.pop(peer, None)
        if is_lacking:
            self.holders.pop(peer, None)
            self.lacking[peer] = None

    @property
    def is_too_large(self) -> bool:
        """Whether it is no longer worth holding."""
        return len(self.blocks) > MAX_BRANCH_BLOCKS or self.size > MAX_BRANCH_BYTES


class Branches:
    """All branches that are being fetched, by the hash of their head."""

    def __init__(self) -> None:
        self._branches = dict[bytes, Branch]()

    def want(self, block: bytes, number: int, holder: PeerId | None) -> None:
        """Fetch a block and what leads to it, unless too much is fetched for this peer already."""
        branch = self._branches.get(block)
        if branch is None:
            if not self._make_room(holder):
                return
            branch = self._branches[block] = Branch(block, number, block, number)
        if holder is not None:
            branch.holders[holder] = None
            branch.lacking.pop(holder, None)

    def get(self, block: bytes) -> Branch | None:
        """The branch with this head."""
        return self._branches.get(block)

    def drop(self, block: bytes) -> None:
        """It is known now, or nobody has it."""
        self._branches.pop(block, None)

    def all(self) -> list[Branch]:
        """In the order in which they were wanted."""
        return list(self._branches.values())

    def forget_peer(self, peer: PeerId) -> None:
        """A peer is gone."""
        for branch in self.all():
            branch.holders.pop(peer, None)
            branch.lacking.pop(peer, None)
            branch.asked.pop(peer, None)

    def shrink(self) -> None:
        """Give up the largest branches until all together are small enough."""
        while sum(one.size for one in self._branches.values()) > MAX_TOTAL_BYTES:
            self.drop(max(self.all(), key=lambda one: one.size).target)

    def _make_room(self, holder: PeerId | None) -> bool:
        """The newest head of a peer is worth more than those before it that nobody was asked for yet."""
        owner = {holder: None} if holder is not None else {}
        same = [one for one in self._branches.values() if one.holders == owner]
        if len(same) < (MAX_BRANCHES_OF_PEER if holder is not None else MAX_WANTED):
            return True
        idle = [one for one in same if not one.asked and not one.blocks]
        if idle:
            self.drop(idle[-1].target)
        return bool(idle)
