"""Tree ensembles of every version as one raw-score regressor, and what classifiers add to it."""

from typing import Any

import numpy as np

from inference.compiler.errors import InvalidModel, ModelFault, UnsupportedModel
from inference.compiler.graph import Array, Node
from inference.compiler.rewrite.classical import (
    above,
    class_labels,
    label_of,
    post_transform,
    rows,
    two_columns,
)
from inference.compiler.rewrite.rewriter import FLOAT, Rewriter

_NODE_KEYS = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
)


def tree_regressor(r: Rewriter, node: Node) -> str:
    """Sum (or mean) of leaves plus base values, then the post transform."""
    attributes = node.attributes
    targets = attributes.get("n_targets", 1)
    weights = _numbers(attributes, "target_weights")
    scores = _raw(r, node, "target", weights, _integers(attributes, "target_ids"), targets)
    base = _numbers(attributes, "base_values")
    if base.size and base.any():
        scores = r.binary("Add", scores, r.value(base))
    return post_transform(r, node, scores)


def tree_classifier(r: Rewriter, node: Node) -> tuple[str, ...]:
    """Label and scores; two classes with votes for one of them follow onnxruntime's binary rule."""
    attributes = node.attributes
    labels, _ = class_labels(node)
    ids = _integers(attributes, "class_ids")
    weights = _numbers(attributes, "class_weights")
    base = _numbers(attributes, "base_values")
    voted = sorted(set(ids.tolist()))
    if len(labels) == 2 and len(voted) == 1:
        score = _raw(r, node, "class", weights, np.zeros_like(ids), 1)
        if base.size:
            score = r.binary("Add", score, r.value(base[-1:]))
        positive = bool((weights >= 0).all())
        label = label_of(r, node, above(r, score, 0.5 if positive else 0.0))
        return label, two_columns(r, node, score, mirrored=not positive)
    scores = _raw(r, node, "class", weights, ids, len(labels))
    if base.size and base.any():
        scores = r.binary("Add", scores, r.value(base))
    return label_of(r, node, r.argmax(scores, 1)), post_transform(r, node, scores)


def _numbers(attributes: Any, key: str) -> Array:
    value = attributes.get(f"{key}_as_tensor", attributes.get(key, ()))
    return np.asarray(value, dtype=np.float64 if f"{key}_as_tensor" in attributes else np.float32).ravel()


def _integers(attributes: Any, key: str) -> Array:
    return np.asarray(attributes.get(key, ()), dtype=np.int64)


def _raw(r: Rewriter, node: Node, kind: str, weights: Array, ids: Array, targets: int) -> str:
    """The plain sum of leaves [N, targets] as a canonical regressor."""
    attributes = node.attributes
    values = _numbers(attributes, "nodes_values")
    aggregate = attributes.get("aggregate_function", "SUM")
    if aggregate not in ("SUM", "AVERAGE"):
        raise UnsupportedModel(node.op, node.name, f"aggregate_function {aggregate}; use SUM or AVERAGE")
    if not weights.size or len(values) != len(attributes.get("nodes_modes", ())):
        raise InvalidModel(ModelFault.MALFORMED, f"the tree arrays of node {node.name!r} differ in length")
    x = rows(r, node)
    r.wide = True
    scores = r.emit(
        "ai.onnx.ml::TreeEnsembleRegressor",
        (x,),
        FLOAT,
        (r.shape(x)[0], targets),
        **{key: tuple(attributes[key]) for key in _NODE_KEYS if key != "nodes_values"},
        nodes_values=tuple(values.tolist()),
        target_treeids=tuple(attributes[f"{kind}_treeids"]),
        target_nodeids=tuple(attributes[f"{kind}_nodeids"]),
        target_ids=tuple(ids.tolist()),
        target_weights=tuple(weights.tolist()),
        n_targets=targets,
        post_transform="NONE",
    )
    if aggregate == "AVERAGE":
        return r.scaled(scores, 1 / len(set(attributes["nodes_treeids"])))
    return scores


def tree_ensemble(r: Rewriter, node: Node) -> str:
    """ai.onnx.ml 5: one node array, leaves apart; turned into the older arrays."""
    attributes = node.attributes
    modes = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER")
    kinds = np.asarray(attributes["nodes_modes"]).ravel().tolist()
    if 6 in kinds:
        raise UnsupportedModel(node.op, node.name, "set membership; use threshold splits")
    if attributes.get("aggregate_function", 1) not in (0, 1):
        raise UnsupportedModel(node.op, node.name, "aggregate_function; use SUM or AVERAGE")
    count = len(kinds)
    leaf_values = np.ravel(attributes["leaf_weights"]).astype(np.float64)
    parts: dict[str, list[Any]] = {key: [] for key in _NODE_KEYS}
    targets: dict[str, list[Any]] = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    splits = np.ravel(attributes["nodes_splits"])
    for tree, root in enumerate(attributes["tree_roots"]):
        numbers: dict[tuple[int, bool], int] = {(int(root), False): 0}
        queue = [(int(root), False)]
        while queue:
            index, leaf = queue.pop(0)
            own = numbers[index, leaf]
            if len(numbers) > 2 * count + 2 or not 0 <= index < (leaf_values.size if leaf else count):
                raise InvalidModel(ModelFault.MALFORMED, f"node {node.name!r}: tree {tree} is no tree")
            children: list[int] = [0, 0]
            if leaf:
                for key, value in (
                    ("treeids", tree),
                    ("nodeids", own),
                    ("weights", float(leaf_values[index])),
                ):
                    targets[key].append(value)
                targets["ids"].append(int(attributes["leaf_targetids"][index]))
            else:
                for side, way in enumerate(("true", "false")):
                    child = (
                        int(attributes[f"nodes_{way}nodeids"][index]),
                        bool(attributes[f"nodes_{way}leafs"][index]),
                    )
                    if child in numbers:
                        raise InvalidModel(
                            ModelFault.MALFORMED, f"node {node.name!r}: tree {tree} is no tree"
                        )
                    numbers[child] = children[side] = len(numbers)
                    queue.append(child)
            row: tuple[Any, ...] = (
                tree,
                own,
                0 if leaf else int(attributes["nodes_featureids"][index]),
                "LEAF" if leaf else modes[kinds[index]],
                0.0 if leaf else float(splits[index]),
                *children,
            )
            for key, value in zip(_NODE_KEYS, row, strict=True):
                parts[key].append(value)
    old = {key: tuple(value) for key, value in parts.items()}
    old.update({f"target_{key}": tuple(value) for key, value in targets.items()})
    more = {
        "n_targets": attributes.get("n_targets", 1),
        "aggregate_function": ("AVERAGE", "SUM")[attributes.get("aggregate_function", 1)],
        "post_transform": ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")[
            attributes.get("post_transform", 0)
        ],
    }
    return tree_regressor(r, Node(node.op, node.name, node.inputs, node.outputs, {**old, **more}))
