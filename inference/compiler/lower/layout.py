"""Operators that only move elements keep the format of what they move."""

import numpy as np

from inference.compiler.formats import BOOLEAN, INTEGER, Format
from inference.compiler.graph import Node
from inference.compiler.lower.context import Lowering
from inference.ir import DType, ops


def reshape(lowering: Lowering, node: Node) -> None:
    """Another shape."""
    x = lowering.get(node.inputs[0])
    lowering.set(node.output, lowering.emit(ops.Reshape(lowering.shape(node.output)), x.value), x.format)


def transpose(lowering: Lowering, node: Node) -> None:
    """Another order of axes."""
    x = lowering.get(node.inputs[0])
    lowering.set(node.output, lowering.emit(ops.Transpose(tuple(node.attributes["perm"])), x.value), x.format)


def _common(lowering: Lowering, node: Node) -> Format:
    """The operands' format if they share one, else that of the result."""
    if not lowering.is_float(node.output):
        return BOOLEAN if lowering.graph.types[node.output].dtype == np.bool_ else INTEGER
    forms = {lowering.get(name).format for name in node.inputs if name not in lowering.graph.constants}
    return forms.pop() if len(forms) == 1 else lowering.target(node.output)


def concat(lowering: Lowering, node: Node) -> None:
    """Operands joined in one format."""
    form = _common(lowering, node)
    parts = [lowering.as_format(name, form).value for name in node.inputs]
    lowering.set(node.output, lowering.emit(ops.Concat(node.attributes["axis"]), *parts), form)


def slice_(lowering: Lowering, node: Node) -> None:
    """A regular part of a value."""
    x = lowering.get(node.inputs[0])
    starts, steps = (tuple(int(v) for v in lowering.need(node, index)) for index in (1, 4))
    op = ops.Slice(starts, lowering.shape(node.output), steps)
    lowering.set(node.output, lowering.emit(op, x.value), x.format)


def pad(lowering: Lowering, node: Node) -> None:
    """A constant around a value."""
    x = lowering.get(node.inputs[0])
    pads = [int(v) for v in lowering.need(node, 1)]
    rank = len(pads) // 2
    value = x.format.level(float(lowering.need(node, 2).reshape(())))
    op = ops.Pad(tuple(pads[:rank]), tuple(pads[rank:]), (0,) * rank, value)
    lowering.set(node.output, lowering.emit(op, x.value), x.format)


def expand(lowering: Lowering, node: Node) -> None:
    """A broadcast."""
    x = lowering.get(node.inputs[0])
    lowering.set(node.output, lowering.emit(ops.Expand(lowering.shape(node.output)), x.value), x.format)


def gather(lowering: Lowering, node: Node) -> None:
    """Elements at places along an axis; tables of constants keep the precision that is asked for."""
    name = node.inputs[0]
    if name in lowering.graph.constants and lowering.is_float(name):
        x = lowering.as_kind(name, lowering.demand(node.output))
    else:
        x = lowering.get(name)
    places = lowering.get(node.inputs[1])
    value = lowering.emit(ops.Gather(node.attributes["axis"]), x.value, places.value)
    lowering.set(node.output, value, x.format)


def scatter_elements(lowering: Lowering, node: Node) -> None:
    """Updates set or added at places along an axis, all in one format."""
    adds = node.attributes["reduction"] == "add"
    form = lowering.target(node.output) if lowering.is_float(node.output) else _common(lowering, node)
    x, updates = (lowering.as_format(node.inputs[index], form).value for index in (0, 2))
    places = lowering.get(node.inputs[1]).value
    kind = ops.ScatterKind.ADD if adds else ops.ScatterKind.SET
    if not adds:
        value = lowering.emit(ops.ScatterElements(node.attributes["axis"], kind), x, places, updates)
        lowering.set(node.output, value, form)
        return
    # Sums may leave the dtype of their terms, so they are made in 64 bits and saturate afterwards.
    wide = ops.Requantize.to(DType.I64, 0, 0, form.low - form.zero, form.high - form.zero)
    x, updates = (lowering.emit(ops.Rescale(form.zero, 1, wide), part) for part in (x, updates))
    total = lowering.emit(ops.ScatterElements(node.attributes["axis"], kind), x, places, updates)
    lowering.set(node.output, lowering.emit(ops.Rescale(0, 1, form.requantize()), total), form)


def gather_elements(lowering: Lowering, node: Node) -> None:
    """Elements at places of the same shape along an axis."""
    x, places = lowering.get(node.inputs[0]), lowering.get(node.inputs[1])
    op = ops.GatherElements(node.attributes["axis"])
    lowering.set(node.output, lowering.emit(op, x.value, places.value), x.format)
