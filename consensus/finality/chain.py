"""What finality needs to know of the chain: the blocks above the last final one, and their headers."""

from collections.abc import Callable
from typing import NamedTuple

from consensus.fork_tree import BlockRef, ForkTree
from runtime.primitives.header import Header


class Target(NamedTuple):
    """A block that votes can name."""

    hash: bytes
    number: int


class ChainView:
    """A read-only look at the fork tree, whose root is the last final block.

    `header` finds the header of a stored block; None for one that the store has let go.
    """

    def __init__(self, tree: ForkTree, header: Callable[[bytes], Header | None]) -> None:
        self._tree = tree
        self.header = header

    @property
    def root(self) -> Target:
        """The last final block."""
        return Target(self._tree.root.hash, self._tree.root.number)

    def find(self, block_hash: bytes) -> BlockRef | None:
        """The block with this hash, where finality could still choose it; else None."""
        return self._tree.get(block_hash) if block_hash in self._tree else None

    def descends(self, descendant: bytes, ancestor: bytes) -> bool:
        """Whether `descendant` is `ancestor` or builds on it; False where either is unknown."""
        if ancestor not in self._tree or descendant not in self._tree:
            return False
        return self._tree.is_ancestor(ancestor, descendant)

    def best_above(self, block_hash: bytes) -> Target:
        """The head that fork choice prefers among a known block and its descendants."""
        best = self._tree.best_above(block_hash)
        return Target(best.hash, best.number)

    def ancestor_at(self, block_hash: bytes, number: int) -> Target:
        """The ancestor of a known block at a height not above it, nor below the last final block."""
        block = self._tree.get(block_hash)
        assert self._tree.root.number <= number <= block.number, "the height lies on the block's branch"
        while block.number > number:
            block = self._tree.get(block.parent_hash)
        return Target(block.hash, block.number)
