"""One-hot vectors times a matrix as rows of a table, with everything pointwise after it done to the table.

An index that becomes a one-hot vector and then meets constant weights only selects a row of them. Biases,
activations and scales that follow act on each element alone, so they act on the rows of the table as well,
once, when the model is compiled. What remains is one gather.
"""

from collections.abc import Mapping

import numpy as np

from inference.compiler.float_model import FloatModel
from inference.compiler.graph import Array, Builder, Graph, Node, TensorType

_POINTWISE = frozenset(
    {"Add", "Sub", "Mul", "Div", "Max", "Min", "Relu", "Neg", "Abs", "Exp", "Log", "Sqrt", "Reciprocal"}
    | {"Tanh", "Sigmoid", "Erf", "Gelu", "Softplus", "Sin", "Cos", "Sign", "Round", "Floor", "Ceil"}
)

_MOST_ROWS = 1 << 16
"""Classes of a one-hot vector; a table of more rows would outgrow what it replaces."""


def as_tables(graph: Graph) -> Graph:
    """The graph with gathers in place of one-hot products; the same object if it has none."""
    producers = graph.producers()
    tables: dict[str, tuple[str, Array]] = {}
    builder = Builder(graph)
    for node in graph.nodes:
        rows = _rows(graph, producers, node)
        if rows is not None:
            index, first, weight = rows
            kind = graph.types[node.output]
            places = _places(builder, node, index, first, len(weight), kind.shape[:-1])
            silent = np.zeros((1, weight.shape[1]), dtype=weight.dtype)
            tables[node.output] = (places, np.concatenate([weight, silent]))
        else:
            made = _on_table(graph, tables, node)
            if made is None:
                builder.nodes.append(node)
                continue
            tables[node.output] = made
        places, table = tables[node.output]
        name = builder.constant(f"{node.name}.table", table)
        builder.node("Gather", node.name, (name, places), graph.types[node.output], node.output, axis=0)
    return builder.finish() if tables else graph


def _rows(graph: Graph, producers: Mapping[str, Node], node: Node) -> tuple[str, int, Array] | None:
    """Index [..., 1], the class of the first row, and the rows, if the node is such a product."""
    weight = graph.constant(node.input(1)) if node.op == "MatMul" else None
    cast = producers.get(node.inputs[0]) if weight is not None and weight.ndim == 2 else None
    hit = producers.get(cast.inputs[0]) if cast is not None and cast.op == "Cast" else None
    if weight is None or hit is None or hit.op != "Equal" or len(node.inputs) != 2:
        return None
    for side in (0, 1):
        index, classes = hit.inputs[1 - side], graph.constant(hit.inputs[side])
        if classes is None or classes.dtype.kind not in "iu" or index in graph.constants:
            continue
        count, shape = len(weight), graph.shape(hit.output)
        ascending = classes.size == count and classes.shape[-1:] == (count,)
        if not ascending or count > _MOST_ROWS or graph.shape(index) != (*shape[:-1], 1):
            continue
        first = int(classes.ravel()[0])
        if bool((classes.ravel() == np.arange(first, first + count)).all()):
            return index, first, weight
    return None


def _places(builder: Builder, node: Node, index: str, first: int, count: int, shape: tuple[int, ...]) -> str:
    """Rows of the table; an index of no class finds the row of zeros after the last one."""
    dtype = builder.types[index].dtype
    kind = TensorType(dtype, shape)
    truth = TensorType(np.dtype(np.bool_), shape)

    def number(value: int) -> str:
        return builder.constant(f"{node.name}.constant", np.asarray(value, dtype=dtype))

    target = builder.constant(f"{node.name}.constant", np.asarray(shape, dtype=np.int64))
    place = builder.node("Reshape", node.name, (index, target), kind)
    if first:
        place = builder.node("Sub", node.name, (place, number(first)), kind)
    none = number(count)
    for op, bound in (("Less", 0), ("Greater", count)):
        outside = builder.node(op, node.name, (place, number(bound)), truth)
        place = builder.node("Where", node.name, (outside, none, place), kind)
    return place


def _on_table(graph: Graph, tables: Mapping[str, tuple[str, Array]], node: Node) -> tuple[str, Array] | None:
    """The node done to the rows of its operand's table, if that is all it depends on."""
    if node.op not in _POINTWISE or not graph.types[node.output].is_float:
        return None
    read = [name for name in node.inputs if name not in graph.constants]
    if not read or any(name not in tables for name in read):
        return None
    places, table = tables[read[0]]
    if any(tables[name][0] != places for name in read):
        return None
    width = table.shape[-1]
    constants: dict[str, Array] = {}
    for name in node.inputs:
        value = graph.constant(name)
        if value is not None:
            if value.size not in (1, width) or value.shape[-1:] not in ((), (1,), (width,)):
                return None
            constants[name] = value.reshape(-1)
    types = {name: TensorType(tables[name][1].dtype, tables[name][1].shape) for name in read}
    types.update({name: TensorType(value.dtype, value.shape) for name, value in constants.items()})
    types[node.output] = types[read[0]]
    sources = tuple(dict.fromkeys(read))
    outputs = (node.output,)
    part = Graph(sources, outputs, outputs, (node,), constants, types, graph.opset, graph.ml_opset)
    done = FloatModel(part, outputs).run({name: tables[name][1] for name in sources})[node.output]
    rows = np.asarray(done).reshape(table.shape)
    return (places, rows) if bool(np.isfinite(rows).all()) else None
