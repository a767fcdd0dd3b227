"""Places that are computed: scatter, gather by tuples, reversal of sequences, writing into a cache."""

from collections.abc import Sequence
from math import prod

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import INT, Rewriter

MAX_UNROLLED = 1_024
"""Updates that a scatter with a product, maximum or minimum may make: each depends on those before."""

_COMBINED = {"add": "Add", "mul": "Mul", "max": "Max", "min": "Min"}


def scatter_elements(r: Rewriter, node: Node) -> str:
    """ScatterElements and its old name Scatter."""
    x, places, updates = node.inputs[:3]
    axis = node.attributes.get("axis", 0) % r.rank(x)
    reduction = node.attributes.get("reduction", "none")
    places = r.from_end(places, r.shape(x)[axis])
    if reduction in ("none", "add"):
        return r.scatter(x, places, updates, axis, reduction)
    count = prod(r.shape(places))
    flat = (prod(r.shape(x)),)
    weights = _row_major(r.shape(x))
    grid = np.indices(r.shape(places))
    fixed = sum(grid[other] * weights[other] for other in range(len(weights)) if other != axis)
    index = r.binary("Mul", places, r.value(weights[axis], INT))
    index = r.reshape(r.binary("Add", index, r.value(fixed, INT)), (count,))
    values = r.reshape(updates, (count,))
    return r.reshape(_one_by_one(r, node, r.reshape(x, flat), index, values, reduction), r.shape(x))


def _one_by_one(r: Rewriter, node: Node, x: str, index: str, updates: str, reduction: str) -> str:
    """Updates of the rows of x that depend on what earlier ones left there."""
    count = r.shape(index)[0]
    if reduction not in _COMBINED or count > MAX_UNROLLED:
        raise UnsupportedModel(
            node.op,
            node.name,
            f"{count} updates with reduction {reduction}; at most {MAX_UNROLLED} of add, mul, max, min",
        )
    row = (1, *r.shape(x)[1:])
    for update in range(count):
        place = r.part(index, 0, update, 1)
        spread = r.expand(r.reshape(place, (1,) * len(row)), row)
        kept = r.emit("GatherElements", (x, spread), r.types[x].dtype, row, axis=0)
        combined = r.binary(_COMBINED[reduction], kept, r.part(updates, 0, update, 1))
        x = r.scatter(x, spread, combined, 0, "none")
    return x


def _row_major(shape: Sequence[int]) -> list[int]:
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _flat_index(r: Rewriter, places: str, shape: Sequence[int]) -> str:
    """Row-major index into axes of these sizes, from tuples of places along the last axis."""
    tuples = r.shape(places)
    sizes = np.asarray(shape, dtype=np.int64)
    places = r.cast(places, INT)
    below = r.compare("Less", places, r.value(0, INT))
    places = r.binary("Add", places, r.where(below, r.value(sizes, INT), r.value(0, INT)))
    weighted = r.binary("Mul", places, r.value(_row_major(shape), INT))
    return r.reduce("ReduceSum", weighted, (len(tuples) - 1,), keepdims=False)


def scatter_nd(r: Rewriter, node: Node) -> str:
    """ScatterND: whole slices written at flat places of the leading axes."""
    x, places, updates = node.inputs[:3]
    full = r.shape(x)
    depth = r.shape(places)[-1]
    count = prod(r.shape(places)[:-1])
    rows = (prod(full[:depth]), prod(full[depth:]))
    index = r.reshape(_flat_index(r, places, full[:depth]), (count,))
    flat = r.reshape(x, rows)
    values = r.reshape(updates, (count, rows[1]))
    reduction = node.attributes.get("reduction", "none")
    if reduction in ("none", "add"):
        spread = r.expand(r.reshape(index, (count, 1)), (count, rows[1]))
        return r.reshape(r.scatter(flat, spread, values, 0, reduction), full)
    return r.reshape(_one_by_one(r, node, flat, index, values, reduction), full)


def gather_nd(r: Rewriter, node: Node) -> str:
    """GatherND as a gather of flattened leading axes; shared batch axes add their own offset."""
    x, places = node.inputs[:2]
    full = r.shape(x)
    shared = node.attributes.get("batch_dims", 0)
    depth = r.shape(places)[-1]
    index = _flat_index(r, places, full[shared : shared + depth])
    if shared:
        size = prod(full[shared : shared + depth])
        batches = np.arange(prod(full[:shared])) * size
        spread = (*full[:shared], *(1,) * (r.rank(index) - shared))
        index = r.binary("Add", index, r.value(batches.reshape(spread), INT))
    rows = r.reshape(x, (prod(full[: shared + depth]), *full[shared + depth :]))
    shape = (*r.shape(index), *full[shared + depth :])
    return r.reshape(r.emit("Gather", (rows, index), r.types[x].dtype, shape, axis=0), r.shape(node.output))


def reverse_sequence(r: Rewriter, node: Node) -> str:
    """ReverseSequence: the first elements of each sequence backwards."""
    x, lengths = node.inputs[0], r.cast(node.inputs[1], INT)
    rank, full = r.rank(x), r.shape(x)
    batch, time = node.attributes.get("batch_axis", 1), node.attributes.get("time_axis", 0)
    lengths = r.reshape(lengths, [full[batch] if axis == batch else 1 for axis in range(rank)])
    places = np.arange(full[time]).reshape([-1 if axis == time else 1 for axis in range(rank)])
    here = r.value(places, INT)
    mirrored = r.binary("Sub", lengths, r.value(places + 1, INT))
    index = r.where(r.compare("Less", here, lengths), mirrored, here)
    return r.emit("GatherElements", (x, r.expand(index, full)), r.types[x].dtype, full, axis=time)


def tensor_scatter(r: Rewriter, node: Node) -> str:
    """TensorScatter: new places of a cache written from each batch's index on."""
    cache, update = node.inputs[:2]
    rank, full = r.rank(cache), r.shape(cache)
    axis = node.attributes.get("axis", -2) % rank
    shape = r.shape(update)
    steps = np.arange(shape[axis]).reshape([-1 if at == axis else 1 for at in range(rank)])
    index = r.value(steps, INT)
    if node.input(2):
        starts = r.reshape(r.cast(node.inputs[2], INT), (full[0], *(1,) * (rank - 1)))
        index = r.binary("Add", starts, index)
        if node.attributes.get("mode", "linear") == "circular":
            index = r.emit("Mod", (index, r.value(full[axis], INT)), INT, r.shape(index), fmod=0)
    return r.scatter(cache, r.expand(index, shape), update, axis, "none")


def trailing_lengths(r: Rewriter, lengths: str, steps: int) -> list[str]:
    """Per place of a sequence, which of the batch [N, 1] still reach it."""
    column = r.reshape(r.cast(lengths, INT), (r.shape(lengths)[0], 1))
    return [r.compare("Less", r.value(step, INT), column) for step in range(steps)]
