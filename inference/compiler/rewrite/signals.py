"""Signals and texts: Fourier transforms as products with constant matrices, n-gram counts as comparisons."""

import numpy as np

from inference.compiler.graph import Array, Node
from inference.compiler.rewrite.rewriter import Rewriter


def fourier(r: Rewriter, node: Node) -> str:
    """DFT of opsets 17 and 20: real or complex (last axis 1 or 2), inverse, one-sided, padded or cut."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", 1)
    if r.opset >= 20:
        axis = int(r.need(node, 2, "the axis").reshape(())) if node.input(2) else -2
    axis %= r.rank(x)
    inverse, onesided = (bool(node.attributes.get(key, 0)) for key in ("inverse", "onesided"))
    length = 2 * (r.shape(x)[axis] - 1) if inverse and onesided else r.shape(x)[axis]
    if node.input(1):
        length = int(r.need(node, 1, "the length").reshape(()))
    return r.reshape(_transformed(r, x, axis, length, inverse, onesided), r.shape(node.output))


def _transformed(r: Rewriter, x: str, axis: int, length: int, inverse: bool, onesided: bool) -> str:
    r.wide = True
    last = r.rank(x) - 1
    parts = [r.part(x, last, index, 1) for index in range(r.shape(x)[last])]
    rows = min(r.shape(x)[axis], length)
    columns = length // 2 + 1 if onesided and not inverse else length
    angles = 2 * np.pi * np.outer(np.arange(r.shape(x)[axis]), np.arange(columns)) / length
    cosines, sines = np.cos(angles), np.sin(angles)
    if rows < len(angles):
        cosines[rows:], sines[rows:] = 0, 0
    if inverse:
        cosines, sines = cosines / length, -sines / length
    if inverse and onesided:
        # Bins between the first and the middle stand for their mirror images as well.
        weight = np.full((len(angles), 1), 2.0)
        weight[0] = 1.0
        if length % 2 == 0 and length // 2 < len(weight):
            weight[length // 2] = 1.0
        return _sum(r, parts, axis, (cosines * weight, sines * weight))
    real = _sum(r, parts, axis, (cosines, sines))
    imaginary = _sum(r, parts, axis, (-sines, cosines))
    return r.concat((real, imaginary), last)


def _sum(r: Rewriter, parts: list[str], axis: int, matrices: tuple[Array, Array]) -> str:
    result = r.along(parts[0], axis, matrices[0])
    return r.binary("Add", result, r.along(parts[1], axis, matrices[1])) if len(parts) > 1 else result


def short_time_fourier(r: Rewriter, node: Node) -> str:
    """STFT: frames, each times the window, transformed."""
    x = node.inputs[0]
    step = int(r.need(node, 1, "the frame step").reshape(()))
    if node.input(3):
        length = int(r.need(node, 3, "the frame length").reshape(()))
    else:
        length = r.shape(node.inputs[2])[0] if node.input(2) else r.shape(x)[1]
    frames = (r.shape(x)[1] - length) // step + 1
    places = np.arange(frames)[:, None] * step + np.arange(length)[None, :]
    cut = r.gather(x, places, 1)
    if node.input(2):
        cut = r.binary("Mul", cut, r.reshape(node.inputs[2], (length, 1)))
    onesided = bool(node.attributes.get("onesided", 1)) and r.shape(x)[-1] == 1
    return r.reshape(_transformed(r, cut, 2, length, False, onesided), r.shape(node.output))


def tf_idf(r: Rewriter, node: Node) -> str:
    """TfIdfVectorizer of integers: for every n-gram of the pool, at how many places it stands."""
    attributes = node.attributes
    pool = attributes["pool_int64s"]
    starts = [*attributes["ngram_counts"], len(pool)]
    x = node.inputs[0]
    shape = r.shape(x)
    places = shape[-1]
    batch = shape[0] if len(shape) == 2 else 1
    rows = r.reshape(x, (batch, 1, places))
    counts: list[str] = []
    columns: list[int] = []
    ngram = 0
    for size in range(1, len(starts)):
        items = np.asarray(pool[starts[size - 1] : starts[size]], dtype=np.int64).reshape(-1, size)
        targets = list(attributes["ngram_indexes"][ngram : ngram + len(items)])
        ngram += len(items)
        if not len(items) or not attributes["min_gram_length"] <= size <= attributes["max_gram_length"]:
            continue
        found = _occurrences(r, rows, items, attributes["max_skip_count"] if size > 1 else 0)
        if found:
            counts.append(found)
            columns += targets
    width = r.shape(node.output)[-1]
    if not counts:
        return r.expand(r.value(0.0), r.shape(node.output))
    matrix = np.zeros((len(columns), width), dtype=np.float32)
    matrix[np.arange(len(columns)), columns] = 1
    result = r.matmul(r.concat(counts, 1), r.value(matrix))
    weights = r.value(np.asarray(attributes.get("weights", ()) or np.ones(width)))
    if attributes["mode"] == "IDF":
        result = r.where(r.compare("Greater", result, r.value(0.5)), weights, r.value(0.0))
    elif attributes["mode"] == "TFIDF":
        result = r.binary("Mul", result, weights)
    return r.reshape(result, r.shape(node.output))


def _occurrences(r: Rewriter, rows: str, items: Array, skips: int) -> str:
    """Counts [batch, items] of n-grams whose elements lie 1 to skips + 1 places apart; '' if none fits."""
    size, places = items.shape[1], r.shape(rows)[2]
    total = ""
    for distance in range(1, skips + 2):
        reach = distance * (size - 1)
        if reach >= places:
            break
        index = np.arange(places - reach)[:, None] + np.arange(size)[None, :] * distance
        windows = r.gather(rows, index, 2)
        same = r.compare("Equal", windows, r.value(items[:, None, :], r.types[rows].dtype))
        hits = r.reduce("ReduceMin", r.cast(same, np.dtype(np.float32)), (3,), keepdims=False)
        found = r.reduce("ReduceSum", hits, (2,), keepdims=False)
        total = r.binary("Add", total, found) if total else found
    return total


def center_crop_pad(r: Rewriter, node: Node) -> str:
    """CenterCropPad: cut or padded on both sides to a static shape."""
    x = node.inputs[0]
    full, made = r.shape(x), r.shape(node.output)
    starts = [max(have - want, 0) // 2 for have, want in zip(full, made, strict=True)]
    sizes = [min(have, want) for have, want in zip(full, made, strict=True)]
    x = r.slice(x, starts, sizes, [1] * len(full))
    missing = [want - size for want, size in zip(made, sizes, strict=True)]
    before = [count // 2 for count in missing]
    return r.pad(x, before, [count - low for count, low in zip(missing, before, strict=True)], 0.0)


def swiglu(r: Rewriter, node: Node) -> str:
    """SwiGLU: swish of the first operand times the second."""
    a, b = node.inputs[:2]
    gate = r.unary("Sigmoid", r.scaled(a, node.attributes.get("alpha", 1.0)))
    return r.binary("Mul", r.binary("Mul", a, gate), b)


def dropout(r: Rewriter, node: Node) -> tuple[str, ...]:
    """Dropout in inference: the operand itself, and a mask that keeps everything."""
    x = node.inputs[0]
    if len(node.outputs) < 2 or not node.outputs[1]:
        return (x,)
    kind = r.types[node.outputs[1]]
    return x, r.value(np.ones(kind.shape), kind.dtype)
