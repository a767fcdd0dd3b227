"""Tree ensembles: are they forests of bounded depth, and what can their sums be. Linear, level by level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.limits import MAX_TREE_DEPTH
from inference.ir.types import Integers
from inference.verifier.intervals import ACCUMULATOR_LIMIT, Interval

Array = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Forest:
    """An ensemble's deepest path, the interval of its sums, and the greatest |partial sum|."""

    depth: int
    total: Interval
    partial: int


def check_forest(
    features: int, roots: Array, feature: Array, below: Array, above: Array, leaves: Integers
) -> Forest:
    """Walk all trees at once; raises InvalidArtifact(BAD_CONSTANT | LIMIT | OVERFLOW)."""
    count, rows, trees = len(feature), len(leaves), len(roots)
    _require(
        bool(np.all((feature >= 0) & (feature < features))), f"a tree feature is not in 0..{features - 1}"
    )
    index = np.arange(count)
    for name, child in (("root", roots), ("below", below), ("above", above)):
        _require(bool(np.all((child < count) & (child >= -rows))), f"a tree {name} leads nowhere")
        _require(
            name == "root" or bool(np.all((child < 0) | (child > index))), f"a tree {name} leads backwards"
        )
    nodes, owner = roots.astype(np.int64), np.arange(trees)
    seen, depth = np.zeros(count, np.int64), 0
    low = np.full((trees, leaves.shape[1]), np.iinfo(np.int64).max)
    high = np.full((trees, leaves.shape[1]), np.iinfo(np.int64).min)
    while len(nodes):
        at_leaf = nodes < 0
        reached, whose = leaves[-1 - nodes[at_leaf]], owner[at_leaf]
        np.minimum.at(low, whose, reached)
        np.maximum.at(high, whose, reached)
        nodes, owner = nodes[~at_leaf], owner[~at_leaf]
        np.add.at(seen, nodes, 1)
        _require(bool(np.all(seen[nodes] == 1)), "two paths lead to one tree node")
        depth += bool(len(nodes))
        _require(depth <= MAX_TREE_DEPTH, f"a tree is deeper than {MAX_TREE_DEPTH}", ArtifactFault.LIMIT)
        nodes, owner = (
            np.concatenate([below[nodes], above[nodes]]).astype(np.int64),
            np.concatenate([owner, owner]),
        )
    _require(bool(np.all(seen == 1)), "a tree node is in no tree")
    return Forest(depth, *_sums(low, high))


def _sums(low: Integers, high: Integers) -> tuple[Interval, int]:
    """Interval of the classes' sums, and the greatest |partial sum| of any."""
    greatest = max(-int(low.min()), int(high.max()), 0)
    _require(greatest * len(low) <= ACCUMULATOR_LIMIT, "leaf sums may overflow", ArtifactFault.OVERFLOW)
    total = Interval(int(low.sum(axis=0).min()), int(high.sum(axis=0).max()))
    partial = max(-int(np.minimum(low, 0).sum(axis=0).min()), int(np.maximum(high, 0).sum(axis=0).max()))
    return total, partial


def _require(condition: bool, detail: str, fault: ArtifactFault = ArtifactFault.BAD_CONSTANT) -> None:
    if not condition:
        raise InvalidArtifact(fault, detail)
