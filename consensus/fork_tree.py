"""The tree of blocks above the last final one: insertion, best block, routes between heads, pruning at
finality.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from consensus.fork_choice import NO_WEIGHT, ChainWeight
from runtime.primitives.errors import InvalidData

MAX_UNFINALISED_BLOCKS = 65_536
"""At 6 s a block that is 4.5 days without finality, and some 30 MB; a node that far behind must stop and be
looked at.
"""


class ForkFault(Enum):
    """Why the tree refused a block or a question."""

    UNKNOWN_PARENT = "parent is not in the tree"
    DUPLICATE = "block is already in the tree"
    NUMBER = "number does not follow the parent's"
    UNKNOWN_BLOCK = "block is not in the tree"
    FULL = "too many blocks wait for finality"


class InvalidFork(InvalidData):
    """A block that cannot be placed, or a hash the tree does not hold (pruned branches included)."""

    reason: ForkFault


@dataclass(frozen=True, slots=True)
class BlockRef:
    """What fork choice needs of a block; `primary` tells whether its author won the lottery."""

    hash: bytes
    number: int
    parent_hash: bytes
    primary: bool


@dataclass(frozen=True, slots=True)
class Route:
    """The way from one head to another: leave `retracted` (newest first), then enter `enacted` (oldest
    first).
    """

    common: BlockRef
    retracted: tuple[BlockRef, ...]
    enacted: tuple[BlockRef, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an inserted block went: `route` leads from the old best block to it when it is the new best, else
    None.
    """

    block: BlockRef
    route: Route | None

    @property
    def is_new_best(self) -> bool:
        """Whether the chain's head moved to this block."""
        return self.route is not None


@dataclass(frozen=True, slots=True)
class FinalityStep:
    """What finality changed: newly final blocks (ascending), abandoned blocks (parents before children), and
    the head's move.

    `reorganisation` is None unless the best block lay on an abandoned branch.
    """

    finalised: tuple[BlockRef, ...]
    pruned: tuple[BlockRef, ...]
    reorganisation: Route | None


@dataclass(slots=True)
class _Node:
    block: BlockRef
    weight: ChainWeight
    arrival: int
    children: list[bytes] = field(default_factory=list)


class ForkTree:
    """All known blocks that finality could still choose. The root is the last final block; every other block
    descends from it.
    """

    def __init__(self, root: BlockRef, capacity: int = MAX_UNFINALISED_BLOCKS) -> None:
        self._nodes = {root.hash: _Node(root, NO_WEIGHT, 0)}
        self._root = self._best = root
        self._capacity = capacity
        self._arrivals = 0

    @property
    def root(self) -> BlockRef:
        """The last final block."""
        return self._root

    @property
    def best(self) -> BlockRef:
        """The head of the best chain; the root when there is no other block."""
        return self._best

    @property
    def leaves(self) -> tuple[BlockRef, ...]:
        """The heads of all branches, in the order in which they were seen."""
        return tuple(node.block for node in self._nodes.values() if not node.children)

    def __len__(self) -> int:
        return len(self._nodes) - 1

    def __contains__(self, block_hash: bytes) -> bool:
        return block_hash in self._nodes

    def get(self, block_hash: bytes) -> BlockRef:
        """The block with this hash; raises `InvalidFork` where the tree has none."""
        return self._node(block_hash).block

    def insert(self, block: BlockRef) -> Placement:
        """Add a block whose parent is known; raises `InvalidFork` and changes nothing otherwise."""
        if block.hash in self._nodes:
            raise InvalidFork(ForkFault.DUPLICATE, f"#{block.number} {block.hash.hex()}")
        parent = self._nodes.get(block.parent_hash)
        if parent is None:
            raise InvalidFork(ForkFault.UNKNOWN_PARENT, f"#{block.number} wants {block.parent_hash.hex()}")
        if block.number != parent.block.number + 1:
            raise InvalidFork(ForkFault.NUMBER, f"#{block.number} after #{parent.block.number}")
        if len(self) >= self._capacity:
            raise InvalidFork(ForkFault.FULL, f"{len(self)} blocks above final #{self._root.number}")
        self._arrivals += 1
        node = _Node(block, parent.weight.extended(primary=block.primary), self._arrivals)
        parent.children.append(block.hash)
        self._nodes[block.hash] = node
        if node.weight <= self._nodes[self._best.hash].weight:
            return Placement(block, None)
        route = self.route(self._best.hash, block.hash)
        self._best = block
        return Placement(block, route)

    def finalise(self, block_hash: bytes) -> FinalityStep:
        """Make a block and its ancestors final: it becomes the root, and all that does not descend from it is
        dropped.

        Raises `InvalidFork` for a block outside the tree, so finality never moves to another branch or
        backwards.
        """
        target = self._node(block_hash).block
        finalised = self.route(self._root.hash, block_hash).enacted
        kept = {node.block.hash for node in self._descend(block_hash)}
        gone = (self._root.hash, *(block.hash for block in finalised))
        pruned = [
            node.block for hash_, node in self._nodes.items() if hash_ not in kept and hash_ not in gone
        ]
        survivors = {hash_: node for hash_, node in self._nodes.items() if hash_ in kept}
        reorganisation = None
        if self._best.hash not in survivors:
            heir = self._heaviest(survivors.values())
            old_best = self._best
            reorganisation = self.route(old_best.hash, heir.hash)
            self._best = heir
        self._nodes, self._root = survivors, target
        return FinalityStep(finalised, tuple(pruned), reorganisation)

    def is_ancestor(self, ancestor: bytes, descendant: bytes) -> bool:
        """Whether `descendant` is `ancestor` or builds on it; raises `InvalidFork` for unknown blocks."""
        above, below = self._node(descendant), self._node(ancestor).block
        while above.block.number > below.number:
            above = self._nodes[above.block.parent_hash]
        return above.block == below

    def best_above(self, block_hash: bytes) -> BlockRef:
        """The head that fork choice prefers among a block and its descendants; raises `InvalidFork` for an
        unknown block.
        """
        if self.is_ancestor(block_hash, self._best.hash):
            return self._best
        return self._heaviest(self._descend(block_hash))

    def route(self, start: bytes, end: bytes) -> Route:
        """The way from block `start` to block `end`; raises `InvalidFork` for unknown blocks."""
        left, right = self._node(start).block, self._node(end).block
        retracted, enacted = list[BlockRef](), list[BlockRef]()
        while left != right:
            if left.number >= right.number:
                retracted.append(left)
                left = self._nodes[left.parent_hash].block
            else:
                enacted.append(right)
                right = self._nodes[right.parent_hash].block
        return Route(left, tuple(retracted), tuple(reversed(enacted)))

    def _node(self, block_hash: bytes) -> _Node:
        node = self._nodes.get(block_hash)
        if node is None:
            raise InvalidFork(ForkFault.UNKNOWN_BLOCK, block_hash.hex())
        return node

    @staticmethod
    def _heaviest(nodes: Iterable[_Node]) -> BlockRef:
        return max(nodes, key=lambda node: (node.weight, -node.arrival)).block

    def _descend(self, block_hash: bytes) -> list[_Node]:
        """The node and all its descendants, parents before children."""
        found = [self._nodes[block_hash]]
        for node in found:
            found.extend(self._nodes[child] for child in node.children)
        return found
