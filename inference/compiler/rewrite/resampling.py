"""Resize and Upsample: nearest as a gather per axis, everything else as one constant matrix per axis."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Array, Node
from inference.compiler.rewrite.rewriter import Rewriter


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis that changes: its length, the wanted length, the scale between, the region of interest."""

    size: int
    want: int
    scale: float
    start: float
    end: float


def resize(r: Rewriter, node: Node) -> str:
    """Resize of opsets 10 to 19 and Upsample, axis by axis."""
    x = node.inputs[0]
    mode = node.attributes.get("mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear", "trilinear", "cubic"):
        raise UnsupportedModel(node.op, node.name, f"resize mode {mode}; use nearest, linear or cubic")
    cropped = node.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    for axis, part in _axes(r, node).items():
        if part.size == part.want and part.scale == 1 and not cropped:
            continue
        centres = _centres(r, node, part)
        outside = (centres < 0) | (centres > part.size - 1)
        if mode == "nearest":
            x = r.gather(x, _nearest(r, node, centres, part.size), axis)
        else:
            x = r.along(x, axis, _matrix(node, mode, centres, part))
        if cropped and bool(outside.any()):
            spread = [-1 if at == axis else 1 for at in range(r.rank(x))]
            filler = r.value(node.attributes.get("extrapolation_value", 0.0))
            x = r.where(r.value(outside.reshape(spread), np.dtype(np.bool_)), filler, x)
    return x


def _axes(r: Rewriter, node: Node) -> dict[int, _Axis]:
    full, made = r.shape(node.inputs[0]), r.shape(node.output)
    named = [axis % len(full) for axis in node.attributes.get("axes", range(len(full)))]
    scales = _scales(r, node, len(named))
    if not scales:
        ratios = [made[axis] / full[axis] for axis in named]
        policy = node.attributes.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            wanted = [size / full[axis] for size, axis in zip(_sizes(r, node), named, strict=True)]
            ratios = [min(wanted) if policy == "not_larger" else max(wanted)] * len(named)
        scales = ratios
    region = r.known(node.input(1)) if node.op == "Resize" and r.opset >= 11 and node.input(1) else None
    count = len(named)
    if region is None or region.size != 2 * count:
        region = np.concatenate([np.zeros(count), np.ones(count)])
    return {
        axis: _Axis(full[axis], made[axis], scales[at], float(region[at]), float(region[at + count]))
        for at, axis in enumerate(named)
    }


def _scales(r: Rewriter, node: Node, count: int) -> list[float]:
    if "scales" in node.attributes:
        return list(node.attributes["scales"])
    index = 2 if node.op == "Resize" and r.opset >= 11 else 1
    known = r.known(node.input(index)) if node.input(index) else None
    return [float(scale) for scale in known] if known is not None and known.size == count else []


def _sizes(r: Rewriter, node: Node) -> list[int]:
    return [int(size) for size in r.need(node, 3, "the sizes")]


def _centres(r: Rewriter, node: Node, part: _Axis) -> Array:
    """Coordinate in the operand of every place of the result."""
    places = np.arange(part.want, dtype=np.float64)
    size, want, scale = part.size, part.want, part.scale
    default = "half_pixel" if node.op == "Resize" and r.opset >= 11 else "asymmetric"
    match node.attributes.get("coordinate_transformation_mode", default):
        case "asymmetric":
            return places / scale
        case "align_corners":
            return places * ((size - 1) / (want - 1)) if want > 1 else places * 0
        case "pytorch_half_pixel":
            return (places + 0.5) / scale - 0.5 if want > 1 else places * 0
        case "half_pixel":
            return (places + 0.5) / scale - 0.5
        case "half_pixel_symmetric":
            return size / 2 * (1 - want / (scale * size)) + (places + 0.5) / scale - 0.5
        case "tf_crop_and_resize":
            middle = (part.start + part.end) / 2 * (size - 1)
            step = (part.end - part.start) * (size - 1) / max(want - 1, 1)
            return part.start * (size - 1) + places * step if want > 1 else places + middle
        case other:
            raise UnsupportedModel(
                node.op, node.name, f"coordinate mode {other}; use half_pixel or asymmetric"
            )


def _nearest(r: Rewriter, node: Node, centres: Array, size: int) -> Array:
    default = "round_prefer_floor" if node.op == "Resize" and r.opset >= 11 else "floor"
    rule = node.attributes.get("nearest_mode", default)
    roundings: dict[str, Callable[[float], int]] = {
        "round_prefer_floor": lambda v: ceil(v - 0.5),
        "round_prefer_ceil": lambda v: floor(v + 0.5),
        "floor": floor,
        "ceil": ceil,
    }
    if rule not in roundings:
        raise UnsupportedModel(node.op, node.name, f"nearest_mode {rule}")
    # A centre that is a whole number up to rounding noise must not fall to the neighbour.
    places: Array = np.clip([roundings[rule](round(float(v), 9)) for v in centres], 0, size - 1)
    return places


def _matrix(node: Node, mode: str, centres: Array, part: _Axis) -> Array:
    """Weights [size, want] of linear or cubic interpolation, wider when it shrinks with antialias."""
    reach, kernel = (
        (2.0, _cubic(node.attributes.get("cubic_coeff_a", -0.75))) if mode == "cubic" else (1.0, _hat)
    )
    narrowed = min(part.scale, 1.0) if node.attributes.get("antialias", 0) else 1.0
    excluded = bool(node.attributes.get("exclude_outside", 0))
    weights = np.zeros((part.size, part.want), dtype=np.float64)
    for column, centre in enumerate(centres):
        first, last = ceil(centre - reach / narrowed), floor(centre + reach / narrowed)
        places = np.arange(first, last + 1)
        share = np.array([kernel(narrowed * (place - centre)) for place in places])
        if excluded:
            share = np.where((places >= 0) & (places < part.size), share, 0)
        share = share / share.sum()
        np.add.at(weights[:, column], np.clip(places, 0, part.size - 1), share)
    return weights.astype(np.float32)


def _hat(distance: float) -> float:
    return max(1 - abs(distance), 0.0)


def _cubic(a: float) -> Callable[[float], float]:
    """Keys' convolution kernel."""

    def kernel(distance: float) -> float:
        x = abs(distance)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    return kernel
