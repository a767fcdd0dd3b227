"""The vote graph: which voters stand behind a block, where a vote for a block is one for all its ancestors.

Only blocks that matter are nodes: the base, every target, and every block where the paths of two targets
part (the merge points). The blocks between two nodes have the votes of the upper one, so a search never walks
them. Voters are the bits of an integer, prevotes and precommits side by side; whoever asks decides what
weighs enough.

After the vote graph of finality-grandpa, which finds merge points while it searches; here they become nodes
when a path is inserted, so the ghost is always a node.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from consensus.finality.chain import ChainView, Target
from consensus.finality.messages import Stage

Holds = Callable[["VoteNode"], bool]
"""Whether a block with these votes fulfils a condition, one that a block passes on to all its ancestors."""


@dataclass(slots=True)
class VoteNode:
    """A block with the voters (one bit each) behind it or behind a descendant."""

    target: Target
    parent: "VoteNode | None"
    edge: list[bytes]
    """Hashes between this block and its parent node, highest first; neither end included."""
    prevotes: int = 0
    precommits: int = 0
    children: list["VoteNode"] = field(default_factory=list)


class VoteGraph:
    """The votes of one round above `base`."""

    def __init__(self, base: Target) -> None:
        self._base = VoteNode(base, None, [])
        self._nodes = {base.hash: self._base}
        # Which node's edge a block lies on.
        self._edges = dict[bytes, VoteNode]()

    @property
    def base(self) -> Target:
        """The lowest block."""
        return self._base.target

    def __contains__(self, block_hash: bytes) -> bool:
        return block_hash in self._nodes or block_hash in self._edges

    def insert(self, target: Target, chain: ChainView) -> bool:
        """Make a block a node; False where it does not descend from the base as far as `chain` knows."""
        return self._node_of(target, chain) is not None

    def vote(self, target: Target, stage: Stage, voters: int, chain: ChainView) -> bool:
        """Add voters behind a block and all its ancestors; False, and nothing changes, where it can not be
        placed.
        """
        node = self._node_of(target, chain)
        if node is None:
            return False
        above: VoteNode | None = node
        while above is not None:
            if stage is Stage.PREVOTE:
                above.prevotes |= voters
            else:
                above.precommits |= voters
            above = above.parent
        return True

    def ghost(self, holds: Holds, start: Target | None = None) -> Target | None:
        """The deepest node at or above `start` (a node; default the base) for which the condition holds.

        Where it holds for several children, which a supermajority rules out, the least hash is taken, so that
        the answer does not depend on the order of votes.
        """
        node = self._base if start is None else self._nodes[start.hash]
        if not holds(node):
            return None
        while True:
            held = [child for child in node.children if holds(child)]
            if not held:
                return node.target
            node = min(held, key=lambda child: child.target.hash)

    def ancestor(self, target: Target, holds: Holds) -> Target | None:
        """The highest of `target` and its ancestors down to the base for which the condition holds; None also
        where the graph does not know `target`.
        """
        node: VoteNode | None = self._nodes.get(target.hash)
        if node is None:
            node = self._edges.get(target.hash)
            if node is None:
                return None
            if holds(node):
                return target
            node = node.parent
        while node is not None and not holds(node):
            node = node.parent
        return node.target if node is not None else None

    def precommits(self, target: Target) -> int:
        """The voters behind a node."""
        return self._nodes[target.hash].precommits

    def children(self, target: Target) -> tuple[VoteNode, ...]:
        """The nodes next above a node."""
        return tuple(self._nodes[target.hash].children)

    def _node_of(self, target: Target, chain: ChainView) -> VoteNode | None:
        known = self._nodes.get(target.hash)
        if known is not None:
            return known
        path, current = list[bytes](), target.hash
        while current not in self._nodes and current not in self._edges:
            block = chain.find(current)
            if block is None or block.number <= self._base.target.number:
                return None
            path.append(current)
            current = block.parent_hash
        parent = self._nodes.get(current) or self._split(current)
        return self._attach(target, parent, path[1:]) if path else parent

    def _attach(self, target: Target, parent: VoteNode, edge: list[bytes]) -> VoteNode:
        node = VoteNode(target, parent, edge)
        parent.children.append(node)
        self._nodes[target.hash] = node
        self._edges.update(dict.fromkeys(edge, node))
        return node

    def _split(self, block_hash: bytes) -> VoteNode:
        """Make a block on an edge a node, with the votes of the node above it."""
        upper = self._edges.pop(block_hash)
        place = upper.edge.index(block_hash)
        target = Target(block_hash, upper.target.number - 1 - place)
        parent = upper.parent
        assert parent is not None, "only the base has no parent, and no edge"
        node = VoteNode(target, parent, upper.edge[place + 1 :], upper.prevotes, upper.precommits, [upper])
        upper.edge = upper.edge[:place]
        upper.parent = node
        parent.children[parent.children.index(upper)] = node
        self._nodes[block_hash] = node
        self._edges.update(dict.fromkeys(node.edge, node))
        return node
