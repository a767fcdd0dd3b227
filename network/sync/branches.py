"""Near the head: single blocks and their ancestors, wherever they branch off, from whoever has them."""

from dataclasses import dataclass, field

from network.messages import BlockData, BlocksRequest, Direction, PeerId
from network.sync.answers import size_of

MAX_BRANCHES = 32
"""Fetched at once; a healthy chain has one or two heads."""

MAX_BRANCH_BLOCKS = 512
"""Held of one branch before it meets a known block; a longer one comes by ranges, or is not worth having."""

MAX_BRANCH_BYTES = 64 << 20
"""Held of all branches together."""

STEP = 64
"""Ancestors asked for at once, once the first answer did not suffice."""


@dataclass(slots=True)
class Branch:
    """The way from a head (`target`) down to a known block; `blocks` are newest first.

    `holders` said that they have it, `lacking` that they have not.
    """

    target: bytes
    number: int
    holders: dict[PeerId, None]
    lacking: dict[PeerId, None]
    next_hash: bytes
    next_number: int
    blocks: list[BlockData] = field(default_factory=list)
    is_asked: bool = False

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(map(size_of, self.blocks))

    def request(self, floor: int) -> BlocksRequest:
        """The next piece, down to the block after `floor` at most; the first is the head alone."""
        count = 1 if not self.blocks and self.next_number <= floor + 1 else STEP if self.blocks else 2
        count = max(min(count, self.next_number - floor), 1)
        return BlocksRequest(self.next_hash, Direction.DESCENDING, count)


class Branches:
    """All branches that are being fetched, by the hash of their head."""

    def __init__(self) -> None:
        self._branches = dict[bytes, Branch]()

    def want(self, block: bytes, number: int, holder: PeerId | None) -> Branch | None:
        """Fetch a block and what leads to it; None where too much is fetched already."""
        branch = self._branches.get(block)
        if branch is None:
            if len(self._branches) >= MAX_BRANCHES:
                return None
            branch = self._branches[block] = Branch(block, number, {}, {}, block, number)
        if holder is not None:
            branch.holders[holder] = None
            branch.lacking.pop(holder, None)
        return branch

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

    def is_over_limit(self, branch: Branch) -> bool:
        """Whether a branch has become too long, or all of them too large."""
        total = sum(one.size for one in self._branches.values())
        return len(branch.blocks) > MAX_BRANCH_BLOCKS or total > MAX_BRANCH_BYTES
