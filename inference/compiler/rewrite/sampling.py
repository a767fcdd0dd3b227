"""Sampling at computed places: grids, regions of interest and deformed kernels.

A place is a real coordinate per axis. Each axis gives a few neighbours, as an index and a weight; the result
is the sum over all combinations of the elements there times the product of their weights.
"""

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.dense import window
from inference.compiler.rewrite.rewriter import FLOAT, INT, Rewriter

_CUBIC = -0.75


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Index along one axis and its weight, both of the places' shape; no weight means one."""

    index: str
    weight: str


def _add(r: Rewriter, x: str, number: float) -> str:
    return r.binary("Add", x, r.value(number, r.types[x].dtype))


def _clamped(r: Rewriter, x: str, low: float, high: float) -> str:
    dtype = r.types[x].dtype
    return r.binary("Min", r.binary("Max", x, r.value(low, dtype)), r.value(high, dtype))


def _floor(r: Rewriter, x: str) -> tuple[str, str, str]:
    """Whole part as a real and as an integer, and the rest."""
    whole = r.unary("Floor", x)
    return whole, r.cast(whole, INT), r.binary("Sub", x, whole)


def _inside(r: Rewriter, index: str, size: int) -> str:
    """1 where an index lies in the axis, else 0."""
    above = r.compare("GreaterOrEqual", index, r.value(0, INT))
    below = r.compare("Less", index, r.value(size, INT))
    return r.cast(r.compare("And", above, below), FLOAT)


def blend(r: Rewriter, x: str, batches: str, axes: list[list[Neighbour]], largest: bool = False) -> list[str]:
    """Weighted elements of x [N, C, *D], as values [C, *places], for every combination of neighbours.

    `batches` is the place's index along N and broadcasts to the places; indices are inside already.
    """
    full = r.shape(x)
    order = (1, 0, *range(2, len(full)))
    flat = r.reshape(r.transpose(x, order), (full[1], full[0] * prod(full[2:])))
    terms: list[str] = []
    for chosen in product(*axes):
        index, weight = batches, ""
        for size, neighbour in zip(full[2:], chosen, strict=True):
            index = r.binary("Add", r.binary("Mul", index, r.value(size, INT)), neighbour.index)
            if neighbour.weight:
                weight = r.binary("Mul", weight, neighbour.weight) if weight else neighbour.weight
        found = r.emit("Gather", (flat, index), r.types[x].dtype, (full[1], *r.shape(index)), axis=1)
        terms.append(r.binary("Mul", found, weight) if weight else found)
    if largest:
        return terms
    total = terms[0]
    for term in terms[1:]:
        total = r.binary("Add", total, term)
    return [total]


def grid_sample(r: Rewriter, node: Node) -> str:
    """GridSample in any number of dimensions: nearest, linear, cubic; zeros, border, reflection."""
    x, grid = node.inputs[:2]
    r.wide = True
    attributes = node.attributes
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(attributes.get("mode", "linear"))
    mode = mode or attributes.get("mode", "linear")
    padding, aligned = attributes.get("padding_mode", "zeros"), bool(attributes.get("align_corners", 0))
    full, dims = r.shape(x), r.rank(x) - 2
    count = prod(r.shape(grid)[1:-1])
    places = r.reshape(grid, (full[0], count, dims))
    axes: list[list[Neighbour]] = []
    for axis, size in enumerate(full[2:]):
        # The last axis of a grid names the innermost axis first.
        unit = r.reshape(r.part(places, 2, dims - 1 - axis, 1), (full[0], count))
        if aligned:
            place = _add(r, r.scaled(unit, (size - 1) / 2), (size - 1) / 2)
        else:
            place = _add(r, r.scaled(unit, size / 2), (size - 1) / 2)
        axes.append(_neighbours(r, place, size, mode, padding, aligned))
    batches = r.value(np.arange(full[0])[:, None], INT)
    (found,) = blend(r, x, r.expand(batches, (full[0], count)), axes)
    return r.reshape(r.transpose(found, (1, 0, 2)), r.shape(node.output))


def _neighbours(
    r: Rewriter, place: str, size: int, mode: str, padding: str, aligned: bool
) -> list[Neighbour]:
    if mode == "nearest":
        place = r.unary("Round", place)
    low, high = (0.0, size - 1.0) if aligned else (-0.5, size - 0.5)
    if padding != "zeros":
        outside = r.compare(
            "Or", r.compare("Less", place, r.value(low)), r.compare("Greater", place, r.value(high))
        )
        moved = _clamped(r, place, 0, size - 1) if padding == "border" else _mirrored(r, place, low, high)
        place = r.where(outside, moved, place)
    if mode == "nearest":
        return [_fitted(r, r.cast(r.unary("Round", place), INT), "", size, padding, aligned)]
    _, first, rest = _floor(r, place)
    if mode == "linear":
        weights = [_add(r, r.scaled(rest, -1.0), 1.0), rest]
        offsets = [0, 1]
    else:
        offsets, weights = [-1, 0, 1, 2], _cubic_weights(r, rest)
    return [
        _fitted(r, _add(r, first, offset), weight, size, padding, aligned)
        for offset, weight in zip(offsets, weights, strict=True)
    ]


def _mirrored(r: Rewriter, place: str, low: float, high: float) -> str:
    """A coordinate reflected at both ends until it is between: |((p - low) mod 2w) - w| from the far end."""
    width = high - low
    if not width:
        return r.binary("Mul", place, r.value(0.0))
    turns = r.unary("Floor", r.scaled(_add(r, place, -low), 1 / (2 * width)))
    rest = r.binary("Sub", _add(r, place, -low), r.scaled(turns, 2 * width))
    return _add(r, r.scaled(r.unary("Abs", _add(r, rest, -width)), -1.0), width + low)


def _fitted(r: Rewriter, index: str, weight: str, size: int, padding: str, aligned: bool) -> Neighbour:
    """A neighbour whose index is inside: outside it counts as nothing, the border, or its mirror image."""
    if padding == "zeros":
        counted = _inside(r, index, size)
        weight = r.binary("Mul", weight, counted) if weight else counted
    elif padding == "reflection":
        period = max(2 * (size - 1), 1) if aligned else 2 * size
        rest = r.emit("Mod", (index, r.value(period, INT)), INT, r.shape(index), fmod=0)
        mirror = r.binary("Sub", r.value(period - (0 if aligned else 1), INT), rest)
        index = r.binary("Min", rest, mirror)
    return Neighbour(_clamped(r, index, 0, size - 1), weight)


def _cubic_weights(r: Rewriter, t: str) -> list[str]:
    """Keys' four weights for the rest t of a coordinate, as polynomials."""
    a = _CUBIC
    polynomials = [
        (0.0, a, -2 * a, a),
        (1.0, 0.0, -(a + 3), a + 2),
        (0.0, -a, 2 * a + 3, -(a + 2)),
        (0.0, 0.0, a, -a),
    ]
    square = r.binary("Mul", t, t)
    cube = r.binary("Mul", square, t)
    weights: list[str] = []
    for constant, linear, quadratic, cubic in polynomials:
        total = r.binary("Add", r.scaled(cube, cubic), r.scaled(square, quadratic))
        if linear:
            total = r.binary("Add", total, r.scaled(t, linear))
        weights.append(_add(r, total, constant) if constant else total)
    return weights


def affine_grid(r: Rewriter, node: Node) -> str:
    """AffineGrid: the homogeneous unit grid, a constant, times each transformation."""
    theta = node.inputs[0]
    sizes = [int(size) for size in r.need(node, 1, "the size")][2:]
    lines = []
    for size in sizes:
        if node.attributes.get("align_corners", 0):
            lines.append(np.linspace(-1, 1, size) if size > 1 else np.full(1, -1.0))
        else:
            lines.append((2 * np.arange(size) + 1) / size - 1)
    axes = [axis.ravel() for axis in np.meshgrid(*lines, indexing="ij")]
    grid = np.stack([*reversed(axes), np.ones(prod(sizes))], axis=1)
    result = r.matmul(r.value(grid), r.transpose(theta, (0, 2, 1)))
    return r.reshape(result, r.shape(node.output))


def roi_align(r: Rewriter, node: Node) -> str:
    """RoiAlign with a declared number of samples per bin: averages or maxima of linear samples."""
    x, regions, batches = node.inputs[:3]
    attributes = node.attributes
    samples = attributes.get("sampling_ratio", 0)
    if samples <= 0:
        raise UnsupportedModel(
            node.op, node.name, "a number of samples that depends on the data; set sampling_ratio"
        )
    r.wide = True
    default = "half_pixel" if r.opset >= 16 else "output_half_pixel"
    half = attributes.get("coordinate_transformation_mode", default) == "half_pixel"
    count = r.shape(regions)[0]
    corners = r.scaled(regions, attributes.get("spatial_scale", 1.0))
    corners = _add(r, corners, -0.5) if half else corners
    full, bins = r.shape(x), r.shape(node.output)[2:]
    axes: list[list[Neighbour]] = []
    for axis, (size, parts) in enumerate(zip(full[2:], bins, strict=True)):
        start, end = (r.part(corners, 1, at, 1) for at in (1 - axis, 3 - axis))
        extent = r.binary("Sub", end, start)
        extent = extent if half else r.binary("Max", extent, r.value(1.0))
        steps = (np.arange(parts * samples) + 0.5) / (parts * samples)
        place = r.binary("Add", start, r.binary("Mul", extent, r.value(steps[None, :])))
        shape = (count, parts, 1, samples, 1) if axis == 0 else (count, 1, parts, 1, samples)
        axes.append(_region_neighbours(r, r.reshape(place, shape), size))
    spread = r.reshape(r.cast(batches, INT), (count, 1, 1, 1, 1))
    found = blend(r, x, spread, axes, largest=attributes.get("mode", "avg") == "max")
    if len(found) > 1:
        best = found[0]
        for term in found[1:]:
            best = r.binary("Max", best, term)
        result = r.reduce("ReduceMax", best, (4, 5), keepdims=False)
    else:
        result = r.reduce("ReduceMean", found[0], (4, 5), keepdims=False)
    return r.transpose(result, (1, 0, 2, 3))


def _region_neighbours(r: Rewriter, place: str, size: int) -> list[Neighbour]:
    """Two neighbours; a place more than one off the map counts as nothing, one nearer as the border."""
    near = r.compare(
        "And",
        r.compare("GreaterOrEqual", place, r.value(-1.0)),
        r.compare("LessOrEqual", place, r.value(float(size))),
    )
    counted = r.cast(near, FLOAT)
    _, low, rest = _floor(r, _clamped(r, place, 0, size - 1))
    weights = [_add(r, r.scaled(rest, -1.0), 1.0), rest]
    return [
        Neighbour(_clamped(r, _add(r, low, offset), 0, size - 1), r.binary("Mul", weight, counted))
        for offset, weight in enumerate(weights)
    ]


def deformed_convolution(r: Rewriter, node: Node) -> str:
    """DeformConv in two dimensions: columns sampled at moved places, then a matrix product per group."""
    x, offsets = node.inputs[0], node.inputs[2]
    weight = r.need(node, 1, "the weight")
    if weight.ndim != 4:
        raise UnsupportedModel(node.op, node.name, "kernels that are not two-dimensional")
    r.wide = True
    full, made = r.shape(x), r.shape(node.output)
    kernel = weight.shape[2:]
    strides, dilations, pads = window(r, node, kernel)
    groups, shared = node.attributes.get("group", 1), node.attributes.get("offset_group", 1)
    taps, places = prod(kernel), prod(made[2:])
    moved = r.reshape(offsets, (full[0], shared, taps, 2, places))
    axes: list[list[Neighbour]] = []
    for axis in range(2):
        steps = np.indices(made[2:])[axis].ravel()[None, :] * strides[axis] - pads[axis]
        inner = np.indices(kernel)[axis].ravel()[:, None] * dilations[axis]
        part = r.reshape(r.part(moved, 3, axis, 1), (full[0], shared, taps, places))
        axes.append(
            _neighbours(
                r, r.binary("Add", part, r.value(steps + inner)), full[2 + axis], "linear", "zeros", True
            )
        )
    # Channels of one offset group lie beside each other: the group counts as part of the batch.
    each = full[1] // shared
    grouped = r.reshape(x, (full[0] * shared, each, *full[2:]))
    batches = np.arange(full[0] * shared).reshape(full[0], shared, 1, 1)
    (columns,) = blend(r, grouped, r.value(batches, INT), axes)
    if node.input(4):
        columns = r.binary("Mul", columns, r.reshape(node.inputs[4], (full[0], shared, taps, places)))
    columns = r.reshape(r.transpose(columns, (1, 4, 2, 0, 3)), (full[0], places, full[1], taps))
    columns = r.reshape(columns, (full[0], places, groups, full[1] // groups * taps))
    matrix = weight.reshape(groups, made[1] // groups, -1).transpose(0, 2, 1)
    result = r.matmul(r.transpose(columns, (0, 2, 1, 3)), r.value(matrix))
    result = r.reshape(r.transpose(result, (0, 1, 3, 2)), made)
    return r.binary("Add", result, r.reshape(node.inputs[3], (made[1], 1, 1))) if node.input(3) else result
