"""Channels of very unequal size made alike between two convolutions, so that one byte format suits them all.

Between two layers with nothing but positively homogeneous operations (Relu, pools), channel i may be
multiplied by f[i] > 0 in the first layer's weights and divided by it in the second's: the float model stays
the same, but small channels no longer drown in the steps of large ones (Nagel et al., Data-Free Quantization
Through Weight Equalization, 2019). Weights have a step per output channel here, so only activations gain, and
a depthwise second layer loses nothing. Where channels are alike already it gains nothing, so they are left.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from inference.compiler.calibrate import Observed
from inference.compiler.graph import Array, Graph, Names, Node, TensorType, prune

_HOMOGENEOUS = frozenset({"Relu", "MaxPool", "AveragePool"})

_MOST = 256.0
"""Greatest factor: a channel that calibration saw nearly silent keeps room for what it did not see."""

_UNEQUAL = 8.0
"""Largest channel over the median one from which on a pair is worth new weights."""


def equalised(graph: Graph, seen: Mapping[str, Observed], levels: Mapping[str, object]) -> Graph:
    """The graph with equalised pairs of convolutions; the same object if there is none.

    `levels` names the values that the file itself quantises; they stay as they are.
    """
    producers, consumers = graph.producers(), graph.consumers()
    constants = dict(graph.constants)
    types = dict(graph.types)
    names = Names(graph.types)
    nodes = {node.output: node for node in graph.nodes}
    changed = False

    def put(node: Node, index: int, value: Array) -> None:
        name = names.fresh(f"{node.name}.equalised")
        constants[name] = value.astype(np.float32)
        types[name] = TensorType(constants[name].dtype, value.shape)
        inputs = list(node.inputs)
        inputs[index] = name
        nodes[node.output] = replace(node, inputs=tuple(inputs))

    for last in graph.nodes:
        first = _source(graph, last, producers, consumers, levels)
        if first is None or last.inputs[0] not in seen:
            continue
        weight = constants[nodes[last.output].inputs[1]]
        sizes = _sizes(seen[last.inputs[0]].peaks)
        if float(sizes.max()) < _UNEQUAL * float(np.median(sizes)):
            continue
        factors = _factors(sizes, weight, last.attributes.get("group", 1))
        changed = True
        source = constants[nodes[first.output].inputs[1]]
        put(nodes[first.output], 1, source * factors.reshape(-1, *(1,) * (source.ndim - 1)))
        if first.input(2):
            bias = constants[nodes[first.output].inputs[2]]
            put(nodes[first.output], 2, bias * factors.reshape(bias.shape))
        put(nodes[last.output], 1, weight / _per_weight(factors, weight, last.attributes.get("group", 1)))
    if not changed:
        return graph
    kept = tuple(nodes[node.output] for node in graph.nodes)
    return prune(replace(graph, nodes=kept, constants=constants, types=types))


def _source(
    graph: Graph,
    last: Node,
    producers: Mapping[str, Node],
    consumers: Mapping[str, list[Node]],
    levels: Mapping[str, object],
) -> Node | None:
    """The convolution whose channels `last` reads, if nothing else does and all between is homogeneous."""
    if last.op != "Conv" or graph.constant(last.inputs[1]) is None:
        return None
    name = last.inputs[0]
    while True:
        node = producers.get(name)
        alone = len(consumers.get(name, ())) == 1 and name not in graph.outputs and name not in levels
        if node is None or not alone:
            return None
        if node.op == "Conv":
            known = [graph.constant(each) is not None for each in node.inputs[1:] if each]
            return node if all(known) else None
        if node.op not in _HOMOGENEOUS:
            return None
        name = node.inputs[0]


def _sizes(peaks: Array) -> Array:
    """Greatest magnitude of every channel."""
    found: Array = np.moveaxis(peaks, 1, 0).reshape(peaks.shape[1], -1).max(axis=1).astype(np.float64)
    return found


def _factors(sizes: Array, weight: Array, groups: int) -> Array:
    """What each channel is multiplied by; at most the largest channel's size is reached."""
    channels, largest = len(sizes), float(sizes.max())
    if largest <= 0:
        return np.ones(channels)
    alive = np.maximum(sizes, largest * 1e-6)
    if weight.shape[1] == 1:
        factors = largest / alive
    else:
        reach = np.abs(weight).reshape(groups, -1, *weight.shape[1:])
        column = np.moveaxis(reach, 2, 1).reshape(channels, -1).max(axis=1)
        factors = np.sqrt(np.maximum(column, float(column.max()) * 1e-6) / alive)
        factors *= largest / float((alive * factors).max())
    factors = np.clip(factors, 1 / _MOST, _MOST)
    factors *= largest / float((alive * factors).max())
    held: Array = np.where(sizes > 0, factors, 1.0)
    return held


def _per_weight(factors: Array, weight: Array, groups: int) -> Array:
    """The factor of the input channel that each weight [O, I / groups, ...] meets."""
    per_group = weight.shape[1]
    rows = np.repeat(np.arange(groups), len(weight) // groups)
    places = rows[:, None] * per_group + np.arange(per_group)[None, :]
    spread: Array = factors[places].reshape(len(weight), per_group, *(1,) * (weight.ndim - 2))
    return spread
