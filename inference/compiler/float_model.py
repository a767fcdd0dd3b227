"""The float side of the compiler: runs a graph on one thread, with any values as outputs.

Only the compiler does this; nothing here ever runs in a block.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import onnx
from onnx import helper, numpy_helper

from inference.compiler.evaluator import Evaluator
from inference.compiler.graph import Array, Graph, Node, TensorType

_IR_VERSION = 10


class FloatModel:
    """A graph that returns the named values."""

    def __init__(self, graph: Graph, outputs: Sequence[str]) -> None:
        self._types = {name: graph.types[name] for name in graph.inputs}
        self._constants = {name: graph.constants[name] for name in outputs if name in graph.constants}
        self._passed = [name for name in outputs if name in self._types]
        self._computed = [name for name in outputs if name not in self._constants and name not in self._types]
        elements = sum(prod(kind.shape) for kind in self._types.values())
        elements += sum(value.size for value in graph.constants.values())
        self._evaluator = Evaluator(to_proto(graph, self._computed), elements) if self._computed else None

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Values of the named outputs for one sample; feeds hold an array of the declared shape per input."""
        ready = {
            name: np.asarray(feeds[name], dtype=kind.dtype, order="C") for name, kind in self._types.items()
        }
        values: dict[str, Array] = dict(self._constants)
        values.update({name: ready[name] for name in self._passed})
        if self._evaluator is not None:
            values.update(zip(self._computed, self._evaluator.run(ready), strict=True))
        return values


def to_proto(graph: Graph, outputs: Sequence[str]) -> onnx.ModelProto:
    """The graph as an ONNX message whose outputs are the named values."""
    inputs = [_value_info(name, graph.types[name]) for name in graph.inputs]
    used = {name for node in graph.nodes for name in node.inputs}
    weights = [
        numpy_helper.from_array(np.asarray(value, order="C"), name)
        for name, value in graph.constants.items()
        if name in used
    ]
    proto = helper.make_graph(
        [_node_proto(index, node) for index, node in enumerate(graph.nodes)],
        "float",
        inputs,
        [onnx.ValueInfoProto(name=name) for name in outputs],
        weights,
    )
    opsets = [helper.make_opsetid("", graph.opset), helper.make_opsetid("ai.onnx.ml", graph.ml_opset)]
    return helper.make_model(proto, opset_imports=opsets, ir_version=_IR_VERSION)


def _value_info(name: str, kind: TensorType) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind.dtype), kind.shape)


def _node_proto(index: int, node: Node) -> onnx.NodeProto:
    domain, _, op = node.op.rpartition("::")
    proto = helper.make_node(op, node.inputs, node.outputs, name=f"{node.name}#{index}", domain=domain)
    for key, value in node.attributes.items():
        if key.startswith("_"):
            continue  # the compiler's own marks
        if isinstance(value, np.ndarray):
            proto.attribute.append(helper.make_attribute(key, numpy_helper.from_array(value)))
        elif value != ():
            proto.attribute.append(helper.make_attribute(key, value))
    return proto
