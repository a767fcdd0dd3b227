"""Float rewrites that make the integer program smaller: constants, batch norm into weights, activations into
layers.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from inference.compiler.float_model import FloatModel
from inference.compiler.graph import Array, Builder, Graph, Node, prune
from inference.compiler.lookups import as_tables
from inference.compiler.static import fold_constants

_CLAMPED = frozenset(
    {"Conv", "ConvTranspose", "MatMul", "Add", "Sub", "Mul", "AveragePool", "ReduceMean", "ReduceSum"}
)
"""Operations whose result is requantised anyway, so that a clamp after them is free."""


def fold(graph: Graph, sample: Mapping[str, Array]) -> Graph:
    """Folds until nothing changes: constants, affine maps after convolutions and products, division by
    constants.
    """
    names = [name for node in graph.nodes for name in node.outputs if name]
    graph = fold_constants(graph, FloatModel(graph, names).run(sample))
    graph = _divisions(_sigmoids(graph))
    while True:
        smaller = _affine(graph)
        if smaller is graph:
            return as_tables(graph)
        graph = smaller


def _sigmoids(graph: Graph) -> Graph:
    """1 / (1 + exp(x)), written out by classical exporters, as sigmoid(-x): its parts overflow where the
    whole does not.
    """
    producers = graph.producers()
    builder = Builder(graph)
    for node in graph.nodes:
        power = _one_plus_exp(graph, producers, node)
        if power is None:
            builder.nodes.append(node)
            continue
        kind = graph.types[node.output]
        negated = builder.node("Neg", node.name, (power,), graph.types[power])
        if node.op == "Reciprocal":
            builder.node("Sigmoid", node.name, (negated,), kind, node.output)
        else:
            part = builder.node("Sigmoid", node.name, (negated,), graph.types[power])
            builder.node("Mul", node.name, (part, node.inputs[0]), kind, node.output)
    return builder.finish()


def _one_plus_exp(graph: Graph, producers: Mapping[str, Node], node: Node) -> str | None:
    """x, if the node divides by 1 + exp(x)."""
    if node.op not in ("Div", "Reciprocal") or not graph.types[node.output].is_float:
        return None
    divisor = producers.get(node.inputs[-1])
    if divisor is None or divisor.op != "Add":
        return None
    for side in (0, 1):
        one, power = graph.constant(divisor.inputs[side]), producers.get(divisor.inputs[1 - side])
        if one is not None and bool((one == 1).all()) and power is not None and power.op == "Exp":
            wanted = graph.shape(divisor.output)
            return power.inputs[0] if graph.shape(power.output) == wanted else None
    return None


def _divisions(graph: Graph) -> Graph:
    """x / c as x * (1 / c)."""
    builder = Builder(graph)
    for node in graph.nodes:
        divisor = (
            graph.constant(node.input(1)) if node.op == "Div" and graph.types[node.output].is_float else None
        )
        if divisor is None or bool((divisor == 0).any()):
            builder.nodes.append(node)
            continue
        name = builder.constant(
            f"{node.name}.reciprocal", (1 / divisor.astype(np.float64)).astype(np.float32)
        )
        builder.nodes.append(replace(node, op="Mul", inputs=(node.inputs[0], name)))
    return builder.finish()


def _affine(graph: Graph) -> Graph:
    """Multiplies and adds by per-channel constants folded into the convolution (or product) before them.

    Each pass folds one step of every chain, so passes are as many as the longest chain, not as the nodes.
    """
    producers, consumers = graph.producers(), graph.consumers()
    merges: dict[str, tuple[Node, Node, Array]] = {}
    for node in graph.nodes:
        found = _foldable(graph, producers, consumers, node)
        if found is not None:
            layer, factor = found
            merges[layer.output] = (layer, node, factor)
    if not merges:
        return graph
    builder = Builder(graph)
    gone = {node.output for _, node, _ in merges.values()}
    for old in graph.nodes:
        if old.output in merges:
            builder.nodes.append(_merged(builder, *merges[old.output]))
        elif old.output not in gone:
            builder.nodes.append(old)
    return builder.finish()


def _foldable(
    graph: Graph, producers: Mapping[str, Node], consumers: Mapping[str, list[Node]], node: Node
) -> tuple[Node, Array] | None:
    """The layer that takes the node in, and one number per channel."""
    if node.op not in ("Mul", "Add", "Sub"):
        return None
    for side in (0, 1):
        value = graph.constant(node.inputs[side])
        layer = producers.get(node.inputs[1 - side])
        if value is None or layer is None or (node.op == "Sub" and side == 0):
            continue
        alone = len(consumers[layer.output]) == 1 and layer.output not in graph.outputs
        biased = layer.input(2) and graph.constant(layer.input(2)) is None
        if not alone or biased or graph.constant(layer.input(1)) is None:
            continue
        factor = _per_channel(graph, layer, value)
        if factor is not None and (layer.op != "MatMul" or node.op == "Mul"):
            return layer, factor
    return None


def _per_channel(graph: Graph, layer: Node, value: Array) -> Array | None:
    """The constant as one number per output channel, if it is that."""
    shape = graph.shape(layer.output)
    if layer.op == "Conv":
        channels, spread = shape[1], (1, shape[1], *(1,) * (len(shape) - 2))
    elif layer.op == "MatMul" and len(graph.shape(layer.inputs[1])) == 2:
        channels, spread = shape[-1], (*(1,) * (len(shape) - 1), shape[-1])
    else:
        return None
    if value.size == 1:
        return np.full(channels, float(value.ravel()[0]))
    aligned = (
        value.reshape((1,) * (len(shape) - value.ndim) + value.shape) if value.ndim <= len(shape) else None
    )
    if aligned is None or aligned.shape != spread:
        return None
    return aligned.ravel().astype(np.float64)


def _merged(builder: Builder, layer: Node, node: Node, value: Array) -> Node:
    """The layer with the node's constant in its weights and bias, and with the node's result."""
    weight = builder.constants[layer.inputs[1]].astype(np.float64)
    channels = len(value)
    bias_name = layer.input(2)
    bias = builder.constants[bias_name].astype(np.float64) if bias_name else np.zeros(channels)
    if node.op == "Mul":
        spread = (-1, *(1,) * (weight.ndim - 1)) if layer.op == "Conv" else (1, -1)
        weight, bias = weight * value.reshape(spread), bias * value
    else:
        bias = bias + (value if node.op == "Add" else -value)
    inputs = [layer.inputs[0], builder.constant(f"{layer.name}.weight", weight.astype(np.float32))]
    if bool(bias.any()):
        inputs.append(builder.constant(f"{layer.name}.bias", bias.astype(np.float32)))
    return replace(layer, inputs=tuple(inputs), outputs=node.outputs)


def fuse(graph: Graph) -> Graph:
    """After calibration: constant bias adds into matrix products, and clamps into the operation before them.

    The result is no ONNX any more: a MatMul may have a third operand, and `_low` and `_high` hold clamps.
    """
    return _clamps(_biases(graph))


def _biases(graph: Graph) -> Graph:
    producers, consumers = graph.producers(), graph.consumers()
    dropped: set[str] = set()
    nodes: list[Node] = []
    for node in graph.nodes:
        merged = None
        for side in (0, 1) if node.op == "Add" else ():
            layer = producers.get(node.inputs[side])
            value = graph.constant(node.inputs[1 - side])
            if layer is None or layer.op != "MatMul" or value is None or len(layer.inputs) == 3:
                continue
            columns = graph.shape(layer.output)[-1]
            fits = (
                graph.constant(layer.inputs[1]) is not None
                and value.size == columns
                and value.shape[-1:] == (columns,)
            )
            if fits and len(consumers[layer.output]) == 1 and layer.output not in graph.outputs:
                merged = replace(layer, inputs=(*layer.inputs, node.inputs[1 - side]), outputs=node.outputs)
                dropped.add(layer.output)
                break
        nodes.append(merged or node)
    return prune(replace(graph, nodes=tuple(node for node in nodes if node.output not in dropped)))


def _clamps(graph: Graph) -> Graph:
    """Clamps into the operation before them; in order, so that a chain of clamps ends in one operation."""
    producers, consumers = graph.producers(), graph.consumers()
    merged: dict[str, Node] = {}
    taken: set[str] = set()
    for node in graph.nodes:
        bounds = _bounds(graph, node)
        layer = producers.get(node.inputs[0]) if bounds else None
        if bounds is None or layer is None or not graph.types[node.output].is_float:
            continue
        layer = merged.get(layer.output, layer)
        source = node.inputs[0]
        if layer.op not in _CLAMPED or len(consumers[source]) != 1 or source in graph.outputs:
            continue
        old = (layer.attributes.get("_low", -np.inf), layer.attributes.get("_high", np.inf))
        low, high = (float(np.clip(bound, *bounds)) for bound in old)
        clamped = {**layer.attributes, "_low": low, "_high": high}
        merged[node.output] = replace(layer, outputs=node.outputs, attributes=clamped)
        taken.add(source)
    nodes = [merged.get(node.output, node) for node in graph.nodes if node.output not in taken]
    return replace(graph, nodes=tuple(nodes))


def _bounds(graph: Graph, node: Node) -> tuple[float, float] | None:
    if node.op == "Relu":
        return 0.0, float("inf")
    if node.op in ("Max", "Min"):
        bound = graph.constant(node.inputs[1])
        if bound is not None and bound.size == 1:
            number = float(bound.ravel()[0])
            return (number, float("inf")) if node.op == "Max" else (float("-inf"), number)
    return None
