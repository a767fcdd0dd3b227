"""Sliding windows that no pool covers: every window's elements gathered by constant places, then reduced."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Array, Node
from inference.compiler.rewrite import dense
from inference.compiler.rewrite.dense import window
from inference.compiler.rewrite.rewriter import INT, Rewriter

MAX_GATHERED = 1 << 22
"""Elements of all windows of one operator together."""


def window_places(
    size: Sequence[int],
    made: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    begins: Sequence[int],
) -> tuple[Array, Array]:
    """Flat places [windows, kernel] in a tensor of this size, and which of them are inside; others hold 0."""
    flat = np.zeros((1, 1), dtype=np.int64)
    inside = np.ones((1, 1), dtype=np.bool_)
    for axis, length in enumerate(size):
        steps = np.arange(made[axis])[:, None] * strides[axis] - begins[axis]
        places = steps + np.arange(kernel[axis])[None, :] * dilations[axis]
        fits = (places >= 0) & (places < length)
        rows, columns = flat.shape
        shape = (rows * made[axis], columns * kernel[axis])
        flat = (flat[:, None, :, None] * length + np.where(fits, places, 0)[None, :, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & fits[None, :, None, :]).reshape(shape)
    return np.where(inside, flat, 0), inside


def _gathered(r: Rewriter, node: Node, x: str) -> tuple[str, Array, Array, list[int], list[int]]:
    """Windows [N, C, windows, kernel] with their places, whether each is inside, the strides and the pads."""
    full = r.shape(x)
    kernel = list(node.attributes["kernel_shape"])
    strides, dilations, pads = window(r, node, kernel)
    made = r.shape(node.output)[2:]
    if prod(full[:2]) * prod(made) * prod(kernel) > MAX_GATHERED:
        raise UnsupportedModel(node.op, node.name, "too many windows; use a plain MaxPool or AveragePool")
    places, inside = window_places(full[2:], made, kernel, strides, dilations, pads[: len(kernel)])
    flat = r.reshape(x, (*full[:2], prod(full[2:])))
    return r.gather(flat, places, 2), places, inside, strides, pads


def conv(r: Rewriter, node: Node) -> str:
    """Conv; with computed weights as a matrix product of gathered windows."""
    x, weight = node.inputs[:2]
    if r.known(weight) is not None:
        return dense.conv(r, node)
    full, made, kernel = r.shape(x), r.shape(node.output), r.shape(weight)[2:]
    groups = node.attributes.get("group", 1)
    ready = replace(node, attributes={**node.attributes, "kernel_shape": tuple(kernel)})
    parts, _, inside, *_ = _gathered(r, ready, x)
    if not inside.all():
        parts = r.binary("Mul", parts, r.value(inside))
    count, taps = inside.shape
    columns = r.transpose(
        r.reshape(parts, (full[0], groups, full[1] // groups, count, taps)), (0, 1, 2, 4, 3)
    )
    columns = r.reshape(columns, (full[0], groups, full[1] // groups * taps, count))
    matrix = r.reshape(weight, (groups, made[1] // groups, full[1] // groups * taps))
    result = r.reshape(r.matmul(matrix, columns), made)
    if not node.input(2):
        return result
    return r.binary("Add", result, r.reshape(node.inputs[2], (made[1], *(1,) * len(kernel))))


def average_pool(r: Rewriter, node: Node) -> str:
    """AveragePool: gathered if it has dilations, or ceil_mode and count_include_pad together."""
    x = node.inputs[0]
    kernel = node.attributes["kernel_shape"]
    ends = window(r, node, kernel)[2][len(kernel) :]
    declared = node.attributes.get("pads", (0,) * (2 * len(kernel)))[len(kernel) :]
    beyond = any(end > told for end, told in zip(ends, declared, strict=True))
    explicit = node.attributes.get("auto_pad", "NOTSET") == "NOTSET"
    split = beyond and explicit and node.attributes.get("count_include_pad", 0)
    if not split and all(step == 1 for step in node.attributes.get("dilations", ())):
        return dense.average_pool(r, node)
    parts, _, inside, strides, pads = _gathered(r, node, x)
    counted = inside
    if node.attributes.get("count_include_pad", 0):
        counted = _inside_pads(r, node, strides, pads)
    weights = inside / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    total = r.reduce("ReduceSum", r.binary("Mul", parts, r.value(weights)), (3,), keepdims=False)
    return r.reshape(total, r.shape(node.output))


def _inside_pads(r: Rewriter, node: Node, strides: list[int], pads: list[int]) -> Array:
    """Which places of each window lie in the tensor or its declared pads: ceil_mode's own do not count."""
    full, kernel = r.shape(node.inputs[0]), list(node.attributes["kernel_shape"])
    dims = len(kernel)
    declared = node.attributes.get("pads", (0,) * (2 * dims))
    size = [full[2 + axis] + declared[axis] + declared[axis + dims] for axis in range(dims)]
    dilations = node.attributes.get("dilations", (1,) * dims)
    begins = [pads[axis] - declared[axis] for axis in range(dims)]
    return window_places(size, r.shape(node.output)[2:], kernel, strides, dilations, begins)[1]


def lp_pool(r: Rewriter, node: Node) -> str:
    """LpPool: the p-th root of the sum of p-th powers of magnitudes."""
    x = node.inputs[0]
    order = node.attributes.get("p", 2)
    r.wide = True
    powers = r.binary("Mul", x, x) if order == 2 else r.unary("Abs", x)
    if order not in (1, 2):
        magnitude = powers
        for _ in range(int(order) - 1):
            powers = r.binary("Mul", powers, magnitude)
    if node.op == "GlobalLpPool":
        total = r.reduce("ReduceSum", powers, range(2, r.rank(x)))
    else:
        parts, _, inside, *_ = _gathered(r, node, powers)
        held = parts if inside.all() else r.binary("Mul", parts, r.value(inside))
        total = r.reshape(r.reduce("ReduceSum", held, (3,), keepdims=False), r.shape(node.output))
    if order == 1:
        return total
    if order == 2:
        return r.unary("Sqrt", total)
    return r.unary("Exp", r.scaled(r.unary("Log", r.binary("Max", total, r.value(1e-30))), 1 / order))


def max_pool(r: Rewriter, node: Node) -> str | tuple[str, str]:
    """MaxPool; with its second output gathered: flat places of the greatest elements, the first of equals."""
    if len(node.outputs) < 2 or not node.outputs[1]:
        return dense.max_pool(r, node)
    x = node.inputs[0]
    full, made = r.shape(x), r.shape(node.output)
    parts, places, inside, *_ = _gathered(r, node, x)
    # A place in the padding stands for the window's first real element: it wins no window from that one.
    first = places[np.arange(len(places)), inside.argmax(axis=1)]
    held = np.where(inside, places, first[:, None])
    if not inside.all():
        flat = r.reshape(x, (*full[:2], prod(full[2:])))
        parts = r.gather(flat, held, 2)
    best = r.argmax(parts, 3, keepdims=True)
    if node.attributes.get("storage_order", 0):
        held = np.ravel_multi_index(np.unravel_index(held, full[2:])[::-1], full[2:][::-1])
    planes = np.arange(full[0] * full[1]).reshape(*full[:2], 1, 1) * prod(full[2:])
    table = r.value(np.broadcast_to(held + planes, r.shape(parts)), INT)
    index = r.emit("GatherElements", (table, best), INT, r.shape(best), axis=3)
    value = r.emit("GatherElements", (parts, best), r.types[x].dtype, r.shape(best), axis=3)
    return r.reshape(value, made), r.reshape(index, made)


def max_unpool(r: Rewriter, node: Node) -> str:
    """MaxUnpool: elements put back at flat places, zeros elsewhere."""
    x, places = node.inputs[:2]
    full, made = r.shape(x), r.shape(node.output)
    kernel = node.attributes["kernel_shape"]
    dims = len(kernel)
    strides = node.attributes.get("strides", (1,) * dims)
    pads = node.attributes.get("pads", (0,) * (2 * dims))
    inferred = [
        (full[2 + axis] - 1) * strides[axis] - pads[axis] - pads[axis + dims] + kernel[axis]
        for axis in range(dims)
    ]
    shape = (*full[:2], *inferred)
    empty = r.value(np.zeros(prod(shape)), r.types[x].dtype)
    count = (prod(full),)
    filled = r.scatter(empty, r.reshape(places, count), r.reshape(x, count), 0, "none")
    after = [have - want for have, want in zip(made, shape, strict=True)]
    return r.pad(r.reshape(filled, shape), [0] * len(shape), after, 0.0)


def col2im(r: Rewriter, node: Node) -> str:
    """Col2Im: blocks added into an image, as a product with a matrix of zeros and ones."""
    x = node.inputs[0]
    image = [int(size) for size in r.need(node, 1, "the image's shape")]
    block = [int(size) for size in r.need(node, 2, "the block's shape")]
    dims = len(image)
    strides = node.attributes.get("strides", (1,) * dims)
    dilations = node.attributes.get("dilations", (1,) * dims)
    pads = node.attributes.get("pads", (0,) * (2 * dims))
    counts = [
        (image[axis] + pads[axis] + pads[axis + dims] - dilations[axis] * (block[axis] - 1) - 1)
        // strides[axis]
        + 1
        for axis in range(dims)
    ]
    places, inside = window_places(image, counts, block, strides, dilations, pads[:dims])
    batch, planes, blocks = r.shape(x)
    size = prod(block)
    if places.size * prod(image) > MAX_GATHERED:
        raise UnsupportedModel(node.op, node.name, "an image this large; assemble it outside the model")
    matrix = np.zeros((size, blocks, prod(image)), dtype=np.float32)
    for place, (row, valid) in enumerate(zip(places, inside, strict=True)):
        matrix[np.arange(size)[valid], place, row[valid]] = 1
    flat = r.reshape(x, (batch, planes // size, size * blocks))
    return r.reshape(r.matmul(flat, r.value(matrix.reshape(size * blocks, -1))), r.shape(node.output))


def local_response(r: Rewriter, node: Node) -> str:
    """LRN: x / (bias + alpha / size * squares of neighbouring channels) ^ beta."""
    x = node.inputs[0]
    channels = r.shape(x)[1]
    size = node.attributes["size"]
    before, after = (size - 1) // 2, size // 2
    at = np.arange(channels)
    # Row: the channel that is summed; column: the channel that it is summed for.
    offset = at[:, None] - at[None, :]
    band = ((offset >= -before) & (offset <= after)) * (node.attributes.get("alpha", 1e-4) / size)
    r.wide = True
    squares = r.along(r.binary("Mul", x, x), 1, band)
    base = r.binary("Add", squares, r.value(node.attributes.get("bias", 1.0)))
    power = r.unary("Exp", r.scaled(r.unary("Log", base), -node.attributes.get("beta", 0.75)))
    return r.binary("Mul", x, power)
