"""Tree ensembles: thresholds on the grid of the features, leaves as exact sums.

A feature is q = round(x * 2^bits) and so is a threshold: `x <= t` becomes q(x) <= q(t), `x < t` becomes q(x)
<= q(t) - 1. Rounding both alike keeps x = t exact (boosting libraries put thresholds on data), and order is
kept, so the branch can differ from the float model's only if x and t are less than one step apart.
"""

from dataclasses import dataclass
from math import floor, log2
from typing import Any

import numpy as np

from inference.compiler.errors import InvalidModel, ModelFault
from inference.compiler.formats import Format, Kind
from inference.compiler.graph import Array, Node
from inference.compiler.lower.context import Lowering
from inference.ir import DType, ops

MAX_DEPTH = 64

_LEAF_SUM_BITS = 28

_SWAPPED = {"BRANCH_GT": "BRANCH_LEQ", "BRANCH_GTE": "BRANCH_LT", "BRANCH_NEQ": "BRANCH_EQ"}


@dataclass(slots=True)
class _Forest:
    """Arrays under construction; a branch is a node index, or -1 - leaf."""

    feature: list[int]
    threshold: list[int]
    below: list[int]
    above: list[int]
    leaves: list[tuple[float, ...]]
    roots: list[int]


def trees(lowering: Lowering, node: Node) -> None:
    """Raw scores [N, C] of a canonical tree regressor."""
    x = lowering.as_kind(node.inputs[0], Kind.EXACT)
    forest = _forest(node, x.format)
    leaves = np.asarray(forest.leaves, dtype=np.float64)
    greatest = _greatest_sum(leaves, forest, len(forest.roots))
    bits = min(max(floor(_LEAF_SUM_BITS - log2(max(greatest, 1e-9))), 0), 30)
    held = np.rint(leaves * 2.0**bits).astype(np.int64)
    target = Format(DType.I32, 2.0**-bits, 0, -(1 << 30), 1 << 30)
    wide = DType.I64 if x.format.dtype is DType.I64 else DType.I32
    parts = [
        lowering.constant(np.asarray(part), wide if part is forest.threshold else DType.I32)
        for part in (forest.roots, forest.feature, forest.threshold, forest.below, forest.above)
    ]
    operands = [x.value, *parts, lowering.constant(held, DType.I32)]
    lowering.set(node.output, lowering.emit(ops.Trees(target.requantize()), *operands), target)


def _greatest_sum(leaves: Array, forest: _Forest, count: int) -> float:
    """A bound on the sum of one leaf per tree: mean square bounds would not be proofs, so the greatest leaf
    times trees.
    """
    return float(np.abs(leaves).max()) * count


def _forest(node: Node, form: Format) -> _Forest:
    rows = _rows(node.attributes)
    weights = _leaf_weights(node.attributes)
    forest = _Forest([], [], [], [], [], [])
    for tree in sorted({key[0] for key in rows}):
        forest.roots.append(_grow(node, forest, rows, weights, tree, form))
    if not forest.feature:
        # Every tree is one leaf: a split with the same leaf on both sides keeps the arrays non-empty.
        leaf = forest.roots[0]
        forest.feature, forest.threshold, forest.below, forest.above = [0], [0], [leaf], [leaf]
        forest.roots[0] = 0
    return forest


def _rows(attributes: Any) -> dict[tuple[int, int], tuple[str, int, float, int, int]]:
    return {
        (tree, own): (mode, feature, value, yes, no)
        for tree, own, feature, mode, value, yes, no in zip(
            attributes["nodes_treeids"],
            attributes["nodes_nodeids"],
            attributes["nodes_featureids"],
            attributes["nodes_modes"],
            attributes["nodes_values"],
            attributes["nodes_truenodeids"],
            attributes["nodes_falsenodeids"],
            strict=True,
        )
    }


def _leaf_weights(attributes: Any) -> dict[tuple[int, int], tuple[float, ...]]:
    targets = attributes["n_targets"]
    weights: dict[tuple[int, int], list[float]] = {}
    for tree, own, target, weight in zip(
        attributes["target_treeids"],
        attributes["target_nodeids"],
        attributes["target_ids"],
        attributes["target_weights"],
        strict=True,
    ):
        weights.setdefault((tree, own), [0.0] * targets)[target] += weight
    return {key: tuple(row) for key, row in weights.items()}


def _grow(
    node: Node,
    forest: _Forest,
    rows: dict[tuple[int, int], tuple[str, int, float, int, int]],
    weights: dict[tuple[int, int], tuple[float, ...]],
    tree: int,
    form: Format,
) -> int:
    """Adds one tree, parents before children, and returns its root."""
    root = [0]
    children = {own for (at, own) in rows if at == tree}
    inner = {row[side] for (at, _), row in rows.items() if at == tree and row[0] != "LEAF" for side in (3, 4)}
    starts = sorted(children - inner)
    if not starts:
        raise _no_tree(node, tree)
    waiting: list[tuple[int, list[int], int, int]] = [(starts[0], root, 0, 0)]
    seen: set[int] = set()
    none = (0.0,) * node.attributes["n_targets"]
    while waiting:
        own, owner, place, depth = waiting.pop()
        if own in seen or (tree, own) not in rows or depth > MAX_DEPTH:
            raise _no_tree(node, tree)
        seen.add(own)
        mode, feature, value, yes, no = rows[tree, own]
        if mode == "LEAF":
            owner[place] = -1 - len(forest.leaves)
            forest.leaves.append(weights.get((tree, own), none))
            continue
        if mode in _SWAPPED:
            mode, yes, no = _SWAPPED[mode], no, yes
        index = len(forest.feature)
        owner[place] = index
        if mode == "BRANCH_EQ":
            # x == t on the grid: not above t, and not at most the step below it. The false subtree hangs on
            # twice.
            raise InvalidModel(ModelFault.MALFORMED, f"node {node.name!r} splits on equality; use thresholds")
        forest.feature.append(feature)
        forest.threshold.append(_threshold(mode, value, form))
        forest.below.append(0)
        forest.above.append(0)
        waiting.append((no, forest.above, index, depth + 1))
        waiting.append((yes, forest.below, index, depth + 1))
    return root[0]


def _threshold(mode: str, value: float, form: Format) -> int:
    bound = int(np.clip(np.rint(np.float64(value) / form.scale), form.low, form.high - 1))
    return bound - 1 if mode == "BRANCH_LT" else bound


def _no_tree(node: Node, tree: int) -> InvalidModel:
    return InvalidModel(
        ModelFault.MALFORMED, f"node {node.name!r}: tree {tree} is cyclic, broken or too deep"
    )
