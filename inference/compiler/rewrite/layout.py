"""Operators that move elements: everything in terms of reshape, transpose, slice, gather, concat, pad and
expand.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import INT, Rewriter


def reshaped(r: Rewriter, node: Node) -> str:
    """Reshape, Flatten, Squeeze, Unsqueeze: the result's shape is static, so they are one thing."""
    return r.reshape(node.inputs[0], r.shape(node.output))


def transpose(r: Rewriter, node: Node) -> str:
    """Axes in the given order, by default reversed."""
    rank = r.rank(node.inputs[0])
    return r.transpose(node.inputs[0], node.attributes.get("perm", tuple(range(rank - 1, -1, -1))))


def concat(r: Rewriter, node: Node) -> str:
    """Join along an axis."""
    return r.concat([name for name in node.inputs if prod(r.shape(name))], node.attributes.get("axis", 1))


def slice_(r: Rewriter, node: Node) -> str:
    """Slice by attributes (before opset 10) or constant inputs."""
    x = node.inputs[0]
    full = r.shape(x)
    if r.opset < 10:
        starts: Sequence[int] = node.attributes["starts"]
        ends: Sequence[int] = node.attributes["ends"]
        axes: Sequence[int] = node.attributes.get("axes", range(len(starts)))
        steps: Sequence[int] = [1] * len(starts)
    else:
        starts, ends = (_ints(r, node, index, "slice bounds") for index in (1, 2))
        axes = _ints(r, node, 3, "slice axes") if node.input(3) else range(len(starts))
        steps = _ints(r, node, 4, "slice steps") if node.input(4) else [1] * len(starts)
    begin, size, pace = [0] * len(full), list(full), [1] * len(full)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        places = range(full[axis])[slice(start, end, step)]
        begin[axis], size[axis], pace[axis] = (places[0] if places else 0), len(places), step
    if 0 in size:
        raise UnsupportedModel(node.op, node.name, "the slice is empty; remove it")
    return r.slice(x, begin, size, pace)


def split(r: Rewriter, node: Node) -> tuple[str, ...]:
    """One slice per part."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", 0) % r.rank(x)
    start = 0
    parts: list[str] = []
    for output in node.outputs:
        size = r.shape(output)[axis]
        parts.append(r.part(x, axis, start, size))
        start += size
    return tuple(parts)


def pad(r: Rewriter, node: Node) -> str:
    """Constant padding; reflect, edge and wrap as gathers; negative pads as slices."""
    x = node.inputs[0]
    rank = r.rank(x)
    pads = list(node.attributes.get("pads", node.attributes.get("paddings", ())))
    value = float(node.attributes.get("value", 0.0))
    axes: Sequence[int] = range(rank)
    if node.input(1):
        pads = list(_ints(r, node, 1, "the pads"))
        value = float(r.need(node, 2, "the pad value").reshape(())) if node.input(2) else 0.0
        axes = _ints(r, node, 3, "the pad axes") if node.input(3) else axes
    before, after = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        before[axis], after[axis] = pads[index], pads[index + len(axes)]
    mode = node.attributes.get("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise UnsupportedModel(node.op, node.name, f"pad mode {mode}; use constant, reflect, edge or wrap")
    if mode != "constant":
        for axis in range(rank):
            if before[axis] or after[axis]:
                places = np.pad(np.arange(r.shape(x)[axis]), (before[axis], after[axis]), mode=mode)
                x = r.gather(x, places, axis)
        return x
    starts = [max(-low, 0) for low in before]
    sizes = [
        size - start - max(-high, 0) for size, start, high in zip(r.shape(x), starts, after, strict=True)
    ]
    x = r.slice(x, starts, sizes, [1] * rank)
    return r.pad(x, [max(low, 0) for low in before], [max(high, 0) for high in after], value)


def expand(r: Rewriter, node: Node) -> str:
    """Broadcast to the static result shape."""
    return r.expand(node.inputs[0], r.shape(node.output))


def tile(r: Rewriter, node: Node) -> str:
    """Repeats as gathers."""
    x = node.inputs[0]
    for axis, size in enumerate(r.shape(node.output)):
        have = r.shape(x)[axis]
        if have != size:
            x = r.gather(x, np.arange(size) % have, axis)
    return x


def gather(r: Rewriter, node: Node) -> str:
    """Elements at places along an axis; negative places count from the end."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", 0) % r.rank(x)
    places = r.from_end(node.inputs[1], r.shape(x)[axis])
    return r.emit("Gather", (x, places), r.types[x].dtype, r.shape(node.output), axis=axis)


def gather_elements(r: Rewriter, node: Node) -> str:
    """Elements at places of equal shape off the axis."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", 0) % r.rank(x)
    places = r.from_end(node.inputs[1], r.shape(x)[axis])
    return r.emit("GatherElements", (x, places), r.types[x].dtype, r.shape(node.output), axis=axis)


def one_hot(r: Rewriter, node: Node) -> str:
    """Comparison of the indices with every class."""
    indices = node.inputs[0]
    values = r.need(node, 2, "the on and off values")
    depth = int(r.need(node, 1, "the depth").ravel()[0])
    rank = r.rank(indices) + 1
    axis = node.attributes.get("axis", -1) % rank
    if r.is_float(indices):
        indices = r.cast(indices, INT)
    full = r.shape(indices)
    column = r.reshape(indices, (*full[:axis], 1, *full[axis:]))
    spread = [depth if at == axis else 1 for at in range(rank)]
    dtype = r.types[indices].dtype
    hit = r.compare("Equal", column, r.value(np.arange(depth).reshape(spread), dtype))
    wrapped = r.compare("Equal", column, r.value((np.arange(depth) - depth).reshape(spread), dtype))
    kind = r.types[node.output].dtype
    return r.where(r.compare("Or", hit, wrapped), r.value(values[1], kind), r.value(values[0], kind))


def depth_to_space(r: Rewriter, node: Node) -> str:
    """Channels into blocks of places."""
    x = node.inputs[0]
    n, c, h, w = r.shape(x)
    block = node.attributes["blocksize"]
    if node.attributes.get("mode", "DCR") == "DCR":
        cut = r.transpose(r.reshape(x, (n, block, block, c // block**2, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        cut = r.transpose(r.reshape(x, (n, c // block**2, block, block, h, w)), (0, 1, 4, 2, 5, 3))
    return r.reshape(cut, (n, c // block**2, h * block, w * block))


def space_to_depth(r: Rewriter, node: Node) -> str:
    """Blocks of places into channels."""
    x = node.inputs[0]
    n, c, h, w = r.shape(x)
    block = node.attributes["blocksize"]
    cut = r.reshape(x, (n, c, h // block, block, w // block, block))
    order = (0, 3, 5, 1, 2, 4) if node.attributes.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    return r.reshape(r.transpose(cut, order), (n, c * block**2, h // block, w // block))


def top_k(r: Rewriter, node: Node) -> tuple[str, str]:
    """TopK as indices, and the values gathered from them."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", -1) % r.rank(x)
    count = r.value([r.shape(node.outputs[0])[axis]], INT)
    shape = r.shape(node.outputs[0])
    r.types[indices := r.names.fresh(f"{r.stem}.indices")] = r.types[node.outputs[0]].__class__(INT, shape)
    r.types[values := r.names.fresh(f"{r.stem}.values")] = r.types[node.outputs[0]]
    largest = node.attributes.get("largest", 1)
    r.nodes.append(
        Node("TopK", r.stem, (x, count), (values, indices), {"axis": axis, "largest": largest, "sorted": 1})
    )
    return values, indices


def _ints(r: Rewriter, node: Node, index: int, what: str) -> list[int]:
    return [int(value) for value in r.need(node, index, what).ravel()]
