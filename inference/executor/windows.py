"""Sliding windows and products (E2, E3, E18, E19) in 64-bit integers, tap by tap."""

from collections.abc import Iterator
from itertools import product
from types import EllipsisType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from inference.ir import ops
from inference.ir.types import Integers


def convolve(op: ops.Conv, x: Integers, weight: Integers) -> Integers:
    """The accumulators of a convolution, before bias and epilogue."""
    n, channels, *spatial = x.shape
    count, per_group, *kernel = weight.shape
    groups = op.groups
    centred = pad(x - op.x_zero, op.pads, 0).reshape(
        n, groups, channels // groups, *padded_sizes(op.pads, spatial)
    )
    taps = weight.reshape(groups, count // groups, per_group, *kernel)
    total: Integers | None = None
    for tap, view in windows(centred, tuple(kernel), op.strides, op.dilations):
        part = np.einsum("ngc...,goc->ngo...", view, taps[at(tap)], dtype=np.int64, casting="safe")
        total = part if total is None else total + part
    assert total is not None
    return total.reshape(n, count, *total.shape[3:])


def greatest(op: ops.MaxPool, x: Integers) -> Integers:
    """The greatest element per window."""
    padded = pad(x, op.pads, np.iinfo(np.int64).min)
    views = (view for _, view in windows(padded, op.kernel, op.strides, op.dilations))
    total = next(views)
    for view in views:
        total = np.maximum(total, view)
    return total


def window_sums(op: ops.AveragePool, x: Integers) -> tuple[Integers, Integers]:
    """Per window the sum of x - x_zero, and the number of real elements, shaped to broadcast."""
    real = np.ones((1, 1, *x.shape[2:]), np.int64)
    sums, counts = (
        sum(view for _, view in windows(pad(part, op.pads, 0), op.kernel, op.strides, op.dilations))
        for part in (x - op.x_zero, real)
    )
    return np.asarray(sums), np.asarray(counts)


def pad(x: Integers, pads: tuple[int, ...], value: int) -> Integers:
    """The last len(pads) / 2 axes padded, begins first."""
    n = len(pads) // 2
    if not any(pads):
        return x
    widths = [(0, 0)] * (x.ndim - n) + [(pads[i], pads[n + i]) for i in range(n)]
    return np.pad(x, widths, constant_values=value)


def padded_sizes(pads: tuple[int, ...], spatial: list[int]) -> list[int]:
    """Spatial sizes after padding."""
    return [size + pads[i] + pads[len(spatial) + i] for i, size in enumerate(spatial)]


def at(tap: tuple[int, ...]) -> tuple[EllipsisType | int, ...]:
    """The index of a kernel's place on the last axes."""
    return (Ellipsis, *tap)


Number = TypeVar("Number", np.int64, np.float64)


def windows(
    x: NDArray[Number], kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], NDArray[Number]]]:
    """For each place in the kernel, the elements that it meets as the window slides over the last axes."""
    spatial = x.shape[x.ndim - len(kernel) :]
    counts = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(spatial, kernel, strides, dilations, strict=True)
    ]
    for tap in product(*(range(k) for k in kernel)):
        places = zip(tap, counts, strides, dilations, strict=True)
        cut: list[EllipsisType | slice] = [Ellipsis]
        cut.extend(slice(t * d, t * d + (count - 1) * s + 1, s) for t, count, s, d in places)
        yield tap, x[tuple(cut)]
