"""ai.onnx.ml: linear models, scalers, support vectors and encoders in terms of plain tensor arithmetic."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Array, Node
from inference.compiler.rewrite.rewriter import FLOAT, INT, Rewriter

MAX_ENCODER_KEYS = 512
"""Keys of a label encoder: each becomes one comparison."""


def class_labels(node: Node) -> tuple[Array, tuple[str, ...]]:
    """Labels that leave the program as integers, and their texts when the file has texts."""
    texts = tuple(node.attributes.get("classlabels_strings", ()))
    if texts:
        return np.arange(len(texts), dtype=np.int64), texts
    numbers = node.attributes.get("classlabels_int64s", node.attributes.get("classlabels_ints", ()))
    return np.asarray(numbers, dtype=np.int64), ()


def post_transform(r: Rewriter, node: Node, scores: str) -> str:
    """Scores [N, C] to what the node's post_transform makes of them."""
    match node.attributes.get("post_transform", "NONE"):
        case "NONE":
            return scores
        case "SOFTMAX":
            return r.softmax(scores, (1,))
        case "LOGISTIC":
            return r.unary("Sigmoid", scores)
        case other:
            raise UnsupportedModel(
                node.op, node.name, f"post_transform {other}; use NONE, SOFTMAX or LOGISTIC"
            )


def label_of(r: Rewriter, node: Node, index: str) -> str:
    """Class index [N] to the label, which stays an index when labels are texts."""
    labels, texts = class_labels(node)
    if texts:
        r.classes[node.outputs[0]] = texts
    if np.array_equal(labels, np.arange(len(labels))):
        return index
    table = r.value(labels, INT)
    return r.emit("Gather", (table, index), INT, r.shape(index), axis=0)


def two_columns(r: Rewriter, node: Node, score: str, mirrored: bool) -> str:
    """The scores of both classes from the one score [N, 1] of a binary classifier."""
    kind = node.attributes.get("post_transform", "NONE")
    if kind == "LOGISTIC":
        positive = r.unary("Sigmoid", score)
        return r.concat([r.binary("Sub", r.value(1.0), positive), positive], 1)
    if kind == "NONE":
        other = r.unary("Neg", score) if mirrored else r.binary("Sub", r.value(1.0), score)
        return r.concat([other, score], 1)
    pair = r.concat([r.unary("Neg", score) if mirrored else r.binary("Sub", r.value(1.0), score), score], 1)
    return post_transform(r, node, pair)


def above(r: Rewriter, score: str, threshold: float) -> str:
    """Class index [N] of a binary classifier: 1 where score [N, 1] is greater than the threshold."""
    return r.reshape(r.cast(r.compare("Greater", score, r.value(threshold)), INT), (r.shape(score)[0],))


def rows(r: Rewriter, node: Node) -> str:
    """The features as floats [N, F]; a vector is one row."""
    x = node.inputs[0]
    if not r.is_float(x):
        x = r.cast(x, FLOAT)
    return r.reshape(x, (1, *r.shape(x))) if r.rank(x) == 1 else x


def linear_regressor(r: Rewriter, node: Node) -> str:
    """x W' + b."""
    x = rows(r, node)
    r.wide = True
    targets = node.attributes.get("targets", 1)
    result = _affine(r, node, x, targets)
    return post_transform(r, node, result)


def _affine(r: Rewriter, node: Node, x: str, targets: int) -> str:
    weights = np.asarray(node.attributes["coefficients"], dtype=np.float32).reshape(targets, -1)
    result = r.matmul(x, r.value(weights.T))
    bias = np.asarray(node.attributes.get("intercepts", ()), dtype=np.float32)
    return r.binary("Add", result, r.value(bias)) if bias.size else result


def linear_classifier(r: Rewriter, node: Node) -> tuple[str, ...]:
    """Label and scores of a linear model; one row of coefficients means two classes."""
    x = rows(r, node)
    r.wide = True
    labels, _ = class_labels(node)
    features = r.shape(x)[1]
    targets = len(node.attributes["coefficients"]) // features
    scores = _affine(r, node, x, targets)
    if targets == 1 and len(labels) == 2:
        return label_of(r, node, above(r, scores, 0.0)), two_columns(r, node, scores, mirrored=False)
    return label_of(r, node, r.argmax(scores, 1)), post_transform(r, node, scores)


def scaler(r: Rewriter, node: Node) -> str:
    """(x - offset) * scale."""
    x = rows(r, node)
    r.wide = True
    offset = np.asarray(node.attributes.get("offset", (0.0,)), dtype=np.float32)
    scale = np.asarray(node.attributes.get("scale", (1.0,)), dtype=np.float32)
    moved = r.binary("Sub", x, r.value(offset)) if offset.any() else x
    return moved if (scale == 1).all() else r.binary("Mul", moved, r.value(scale))


def normalizer(r: Rewriter, node: Node) -> str:
    """Each row over its greatest, absolute or Euclidean size."""
    x = rows(r, node)
    r.wide = True
    match node.attributes.get("norm", "MAX"):
        case "L1":
            size = r.reduce("ReduceSum", r.unary("Abs", x), (1,))
        case "L2":
            size = r.unary("Sqrt", r.reduce("ReduceSum", r.binary("Mul", x, x), (1,)))
        case _:
            size = r.reduce("ReduceMax", x, (1,))
    return r.binary("Div", x, size)


def _kernel(r: Rewriter, node: Node, x: str, vectors: Array) -> str:
    gamma, coef, degree = (*node.attributes.get("kernel_params", (0.0, 0.0, 3.0)), 0.0, 0.0, 3.0)[:3]
    dot = r.matmul(x, r.value(vectors.T))
    match node.attributes.get("kernel_type", "LINEAR"):
        case "LINEAR":
            return dot
        case "POLY":
            base = r.binary("Add", r.scaled(dot, gamma), r.value(coef))
            result = base
            for _ in range(int(degree) - 1):
                result = r.binary("Mul", result, base)
            return result
        case "SIGMOID":
            return r.unary("Tanh", r.binary("Add", r.scaled(dot, gamma), r.value(coef)))
        case _:
            squares = r.reduce("ReduceSum", r.binary("Mul", x, x), (1,))
            norms = r.value((vectors.astype(np.float64) ** 2).sum(1).reshape(1, -1))
            distance = r.binary("Add", r.binary("Add", squares, norms), r.scaled(dot, -2.0))
            return r.unary("Exp", r.scaled(distance, -gamma))


def svm_regressor(r: Rewriter, node: Node) -> str:
    """Weighted kernel sums; with one_class, the sign."""
    x = rows(r, node)
    r.wide = True
    count = node.attributes.get("n_supports", 0)
    weights = np.asarray(node.attributes["coefficients"], dtype=np.float32)
    rho = r.value(np.asarray(node.attributes["rho"], dtype=np.float32)[:1])
    if count:
        vectors = np.asarray(node.attributes["support_vectors"], dtype=np.float32).reshape(count, -1)
        result = r.binary("Add", r.matmul(_kernel(r, node, x, vectors), r.value(weights.reshape(-1, 1))), rho)
    else:
        result = r.binary("Add", r.matmul(x, r.value(weights.reshape(-1, 1))), rho)
    if node.attributes.get("one_class", 0):
        return r.where(r.compare("Greater", result, r.value(0.0)), r.value(1.0), r.value(-1.0))
    return post_transform(r, node, result)


def svm_classifier(r: Rewriter, node: Node) -> tuple[str, ...]:
    """One decision per pair of classes, votes for the label, Platt's sigmoid for two classes."""
    x = rows(r, node)
    r.wide = True
    per_class = np.asarray(node.attributes.get("vectors_per_class", ()), dtype=np.int64)
    weights = np.asarray(node.attributes["coefficients"], dtype=np.float32)
    rho = np.asarray(node.attributes["rho"], dtype=np.float32)
    if not per_class.size:
        scores = r.binary("Add", r.matmul(x, r.value(weights.reshape(-1, r.shape(x)[1]).T)), r.value(rho[:1]))
        return label_of(r, node, r.argmax(scores, 1)), post_transform(r, node, scores)
    classes, total = len(per_class), int(per_class.sum())
    start = np.concatenate([[0], np.cumsum(per_class)])
    table = weights.reshape(classes - 1, total)
    pairs = [(i, j) for i in range(classes) for j in range(i + 1, classes)]
    matrix = np.zeros((total, len(pairs)), dtype=np.float32)
    for column, (i, j) in enumerate(pairs):
        matrix[start[i] : start[i + 1], column] = table[j - 1, start[i] : start[i + 1]]
        matrix[start[j] : start[j + 1], column] = table[i, start[j] : start[j + 1]]
    vectors = np.asarray(node.attributes["support_vectors"], dtype=np.float32).reshape(total, -1)
    scores = r.binary("Add", r.matmul(_kernel(r, node, x, vectors), r.value(matrix)), r.value(rho))
    return label_of(r, node, _votes(r, scores, pairs, classes)), _svm_scores(r, node, scores, classes)


def _votes(r: Rewriter, scores: str, pairs: list[tuple[int, int]], classes: int) -> str:
    won = r.cast(r.compare("Greater", scores, r.value(0.0)), FLOAT)
    change = np.zeros((len(pairs), classes), dtype=np.float32)
    base = np.zeros(classes, dtype=np.float32)
    for row, (i, j) in enumerate(pairs):
        change[row, i], change[row, j] = 1, -1
        base[j] += 1
    return r.argmax(r.binary("Add", r.matmul(won, r.value(change)), r.value(base)), 1)


def _svm_scores(r: Rewriter, node: Node, scores: str, classes: int) -> str:
    slope, shift = node.attributes.get("prob_a", ()), node.attributes.get("prob_b", ())
    if slope:
        if classes != 2:
            raise UnsupportedModel(
                node.op, node.name, "probabilities of more than two classes; export with probability=False"
            )
        second = r.unary("Sigmoid", r.binary("Add", r.scaled(scores, slope[0]), r.value(shift[0])))
        return r.concat([r.binary("Sub", r.value(1.0), second), second], 1)
    if classes == 2:
        return two_columns(r, node, scores, mirrored=True)
    return post_transform(r, node, scores)


def imputer(r: Rewriter, node: Node) -> str:
    """Replaces one number; NaN can not enter a fixed-point program, so replacing NaN is nothing."""
    x = node.inputs[0]
    integers = "imputed_value_int64s" in node.attributes
    kind = INT if integers else FLOAT
    filling = node.attributes["imputed_value_int64s" if integers else "imputed_value_floats"]
    replaced = node.attributes.get("replaced_value_int64" if integers else "replaced_value_float", 0)
    if np.isnan(replaced):
        return x
    return r.where(r.compare("Equal", x, r.value(replaced, kind)), r.value(filling, kind), x)


def binarizer(r: Rewriter, node: Node) -> str:
    """1 where x is above the threshold."""
    x = node.inputs[0]
    above_it = r.compare("Greater", x, r.value(node.attributes.get("threshold", 0.0), r.types[x].dtype))
    return r.cast(above_it, r.types[node.output].dtype)


def one_hot_encoder(r: Rewriter, node: Node) -> str:
    """One column per category."""
    x = node.inputs[0]
    if node.attributes.get("cats_strings"):
        raise UnsupportedModel(
            node.op, node.name, "categories of text; encode them as integers before the model"
        )
    categories = np.asarray(node.attributes["cats_int64s"], dtype=np.int64)
    if r.is_float(x):
        x = r.cast(x, INT)
    column = r.reshape(x, (*r.shape(x), 1))
    return r.cast(r.compare("Equal", column, r.value(categories, r.types[x].dtype)), FLOAT)


def label_encoder(r: Rewriter, node: Node) -> str:
    """A table from keys to values, one comparison per key."""
    x = node.inputs[0]
    keys, values, default = _mapping(node.attributes)
    if keys is None or values is None or len(keys) > MAX_ENCODER_KEYS:
        raise UnsupportedModel(
            node.op,
            node.name,
            f"needs numeric keys and values, at most {MAX_ENCODER_KEYS}; encode texts before",
        )
    made = r.types[node.output].dtype
    kind = INT if made.kind == "i" else FLOAT
    result = r.value(np.nan_to_num(default), kind)
    for key, value in zip(reversed(keys), reversed(values), strict=True):
        if not np.isnan(key):
            result = r.where(
                r.compare("Equal", x, r.value(key, r.types[x].dtype)), r.value(value, kind), result
            )
    return r.expand(result, r.shape(x))


def _mapping(attributes: Mapping[str, Any]) -> tuple[list[float] | None, list[float] | None, float]:
    keys = values = None
    default = 0.0
    for stem in ("int64s", "floats", "tensor"):
        if f"keys_{stem}" in attributes:
            keys = np.ravel(attributes[f"keys_{stem}"]).tolist()
        if f"values_{stem}" in attributes:
            values = np.ravel(attributes[f"values_{stem}"]).tolist()
            name = {"int64s": "default_int64", "floats": "default_float", "tensor": "default_tensor"}[stem]
            default = float(np.ravel(attributes.get(name, -1 if stem == "int64s" else 0.0))[0])
    return keys, values, default


def array_feature_extractor(r: Rewriter, node: Node) -> str:
    """Columns of the last axis."""
    x, index = node.inputs[0], node.inputs[1]
    shape = r.shape(node.output)
    places = r.known(index)
    if places is not None:
        return r.reshape(r.gather(x, places.ravel(), -1), shape)
    flat = r.reshape(index, (int(np.prod(r.shape(index))),))
    full = r.shape(x)
    made = r.emit("Gather", (x, flat), r.types[x].dtype, (*full[:-1], *r.shape(flat)), axis=len(full) - 1)
    return r.reshape(made, shape)


def feature_vectorizer(r: Rewriter, node: Node) -> str:
    """Inputs side by side as floats."""
    return r.concat([r.cast(name, FLOAT) for name in node.inputs], 1)
