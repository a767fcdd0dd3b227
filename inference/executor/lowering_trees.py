"""Tree ensembles in onnxruntime's kernel: small integers in binary32, wide leaf weights in limbs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.executor import onnx_encoding as onnx
from inference.executor.graph import ROUNDED_LIMIT, Graph
from inference.ir import ops
from inference.ir.program import Node
from inference.ir.types import Integers
from inference.verifier.cost import EXACT_DOUBLE, EXACT_SINGLE

#: Splits and leaves beyond this stay in numpy: writing them out as attributes would slow down loading.
MAX_NODES = 1 << 18

#: Limbs that a leaf weight is cut into at most.
_MAX_LIMBS = 6


def tree_ensemble(graph: Graph, value: int, node: Node, bound: int) -> bool:
    """TreeEnsembleRegressor in binary32: sums of limbs below 2^24, whole sums below 2^52.

    Features below 2^24 are what they are. Larger ones are compared after they are rounded, which loses
    nothing where all thresholds are binary32 numbers: `x <= t` if and only if x rounded up is. Where that
    holds for t + 1, then `x < t + 1` if and only if x rounded down is.
    """
    op = node.op
    assert isinstance(op, ops.Trees)
    program = graph.program
    constants = [program.program.constant(o) for o in node.operands[1:]]
    roots, feature, threshold, below, above, leaves = (
        c.array().astype(np.int64) for c in constants if c is not None
    )
    limbs, x = split_limbs(leaves, len(roots)), node.operands[0]
    compared = _comparison(program.intervals[x].magnitude, threshold)
    if (
        limbs is None
        or compared is None
        or max(bound, abs(op.out.zero)) >= EXACT_DOUBLE >> 1
        or 2 * len(feature) + len(roots) > MAX_NODES
        or (compared.direction and not graph.enters(x))
    ):
        return False
    width, weights = limbs
    classes = leaves.shape[1]
    attributes = _attributes(roots, feature, compared, below, above, weights)
    direction = compared.direction
    features = graph.rounded(x, direction) if direction else graph.value(x, onnx.FLOAT)
    name = graph.emit("TreeEnsembleRegressor", [features], attributes, "ai.onnx.ml")
    if weights.shape[1] == classes and max(bound, abs(op.out.zero)) < EXACT_SINGLE >> 1:
        graph.epilogue(value, name, onnx.FLOAT, op.out)
        return True
    place = np.ldexp(np.ones(weights.shape[1] // classes), width * np.arange(weights.shape[1] // classes))
    whole = graph.constant(np.kron(place[:, None], np.eye(classes)))
    name = graph.emit("MatMul", [graph.cast(name, onnx.DOUBLE), whole])
    graph.epilogue(value, name, onnx.DOUBLE, op.out)
    return True


@dataclass(frozen=True, slots=True)
class _Comparison:
    """How features are rounded (up 1, down -1, or not at all), the mode of a split, and its values."""

    direction: int
    mode: str
    values: NDArray[np.float32]


def _comparison(reach: int, threshold: Integers) -> _Comparison | None:
    """The comparison in binary32 that decides as `x <= threshold` for all |x| <= reach, if there is one."""
    if reach < EXACT_SINGLE:
        clipped = np.clip(threshold, -EXACT_SINGLE, EXACT_SINGLE)
        return _Comparison(0, "BRANCH_LEQ", clipped.astype(np.float32))
    if max(-int(threshold.min()), int(threshold.max())) >= ROUNDED_LIMIT - 1:
        return None
    for direction, mode, values in ((1, "BRANCH_LEQ", threshold), (-1, "BRANCH_LT", threshold + 1)):
        singles = values.astype(np.float32)
        if np.array_equal(singles.astype(np.int64), values):
            return _Comparison(direction, mode, singles)
    return None


def split_limbs(leaves: Integers, trees: int) -> tuple[int, Integers] | None:
    """Bits of a limb, and leaves as [L, limbs * C], least limb first: sums over trees stay below 2^24."""
    width = 23 - trees.bit_length()
    parts: list[Integers] = []
    rest = leaves
    while width > 0 and len(parts) < _MAX_LIMBS:
        if max(-int(rest.min()), int(rest.max())) * trees < EXACT_SINGLE:
            return width, np.concatenate([*parts, rest], axis=1)
        parts.append(rest & ((1 << width) - 1))
        rest = rest >> width
    return None


def _attributes(
    roots: Integers,
    feature: Integers,
    compared: _Comparison,
    below: Integers,
    above: Integers,
    weights: Integers,
) -> dict[str, onnx.Attribute]:
    """The ensemble in ONNX's form: each place that leads to a leaf gets a leaf node of its own."""
    count, trees = len(feature), len(roots)
    owner = np.zeros(count, np.int64)
    owner[roots[roots >= 0]] = np.flatnonzero(roots >= 0)
    for child in _levels(roots, below, above):
        inside = child[child[:, 1] >= 0]
        owner[inside[:, 1]] = owner[inside[:, 0]]
    ends = np.concatenate([roots, below, above])
    ends_owner = np.concatenate([np.arange(trees), owner, owner])
    at_leaf = ends < 0
    leaf, leaf_owner = -1 - ends[at_leaf], ends_owner[at_leaf]
    number = np.where(at_leaf, count + np.cumsum(at_leaf) - 1, ends)
    total = count + len(leaf)
    tree = np.concatenate([owner, leaf_owner])
    # A tree's first entry is taken for its root: a split before its children, a lone leaf by itself.
    order = np.lexsort((np.arange(total), tree))
    zeros = np.zeros(len(leaf), np.int64)

    def column(split: Integers, at_leaves: Integers = zeros) -> list[int]:
        return [int(v) for v in np.concatenate([split, at_leaves])[order]]

    targets = np.tile(np.arange(weights.shape[1]), len(leaf))
    ids = column(np.arange(count), count + np.arange(len(leaf)))
    return {
        "n_targets": weights.shape[1],
        "nodes_treeids": [int(v) for v in tree[order]],
        "nodes_nodeids": ids,
        "nodes_featureids": column(feature),
        "nodes_modes": [compared.mode if i < count else "LEAF" for i in ids],
        "nodes_values": np.concatenate([compared.values, zeros])[order].astype(np.float32),
        "nodes_truenodeids": column(number[trees : trees + count]),
        "nodes_falsenodeids": column(number[trees + count :]),
        "target_treeids": [int(v) for v in np.repeat(leaf_owner, weights.shape[1])],
        "target_nodeids": [int(v) for v in np.repeat(count + np.arange(len(leaf)), weights.shape[1])],
        "target_ids": [int(v) for v in targets],
        "target_weights": weights[leaf].ravel().astype(np.float32),
    }


def _levels(roots: Integers, below: Integers, above: Integers) -> list[Integers]:
    """Pairs (parent, child), level by level from the roots."""
    found: list[Integers] = []
    parents = roots[roots >= 0]
    while len(parents):
        pairs = np.concatenate([np.stack([parents, c[parents]], axis=1) for c in (below, above)])
        found.append(pairs)
        parents = pairs[:, 1][pairs[:, 1] >= 0]
    return found
