"""From a read file to a graph with static shapes and no constant arithmetic left.

The batch dimension becomes 1, every value's type comes from running the float model once, and whatever
depends on weights and shapes alone (shape arithmetic, weight reshapes) is replaced by its value.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
import onnx
from onnx import shape_inference

from inference.compiler.errors import InvalidModel, ModelFault, UnsupportedModel
from inference.compiler.float_model import FloatModel
from inference.compiler.graph import Array, Graph, Node, TensorType, prune, rename
from inference.compiler.limits import MAX_ELEMENTS, MAX_TOTAL_ELEMENTS
from inference.compiler.onnx_reader import InputSpec, SourceModel

_SHAPE_ONLY = frozenset({"Constant", "Shape", "Size", "EyeLike"})

_UNDETERMINED = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)

_AT_LEAST_ONE = ("strides", "dilations", "kernel_shape", "group", "blocksize")

_MAX_WINDOW = 1 << 16


def static_graph(
    model: SourceModel, sample: Mapping[str, Array], input_shapes: Mapping[str, tuple[int, ...]]
) -> Graph:
    """Fixes the shapes, finds every type with one run on `sample`, and folds constants.

    Raises `InvalidModel` when a dimension stays open, a tensor is too large or the float model does not run.
    """
    types = _all_types(model, sample, input_shapes)
    for node in model.nodes:
        _check_attributes(node)
    _check_sizes(model, {name: kind.shape for name, kind in types.items()})
    empty = {name: np.zeros(kind.shape, kind.dtype) for name, kind in types.items() if not prod(kind.shape)}
    graph = Graph(
        tuple(name for name in types if name not in empty),
        model.outputs,
        model.outputs,
        model.nodes,
        {**model.constants, **empty},
        types,
        model.opset,
        model.ml_opset,
    )
    graph = prune(_without_zip_map(graph))
    names = [name for node in graph.nodes for name in node.outputs if name]
    values = FloatModel(graph, names).run(_complete(sample, types))
    for name in graph.outputs:
        if name in values and not np.size(values[name]):
            raise InvalidModel(ModelFault.WRONG_TYPE, f"output {name!r} has no element; leave it out")
    known = {
        **types,
        **{name: TensorType(value.dtype, value.shape) for name, value in graph.constants.items()},
    }
    known.update(
        {name: TensorType(np.asarray(value).dtype, np.asarray(value).shape) for name, value in values.items()}
    )
    graph = Graph(
        graph.inputs,
        graph.outputs,
        graph.labels,
        graph.nodes,
        graph.constants,
        known,
        graph.opset,
        graph.ml_opset,
    )
    return fold_constants(graph, values)


def input_types(
    model: SourceModel, sample: Mapping[str, Array], input_shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, TensorType]:
    """Element types and shapes of the inputs, open dimensions taken from `input_shapes` or the sample.

    An input without elements carries nothing: it is a constant, and no input of the program.
    Raises `InvalidModel` when a dimension stays open or is too large.
    """
    types = _all_types(model, sample, input_shapes)
    return {name: kind for name, kind in types.items() if prod(kind.shape)}


def _all_types(
    model: SourceModel, sample: Mapping[str, Array], input_shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, TensorType]:
    return {
        spec.name: TensorType(spec.dtype, _input_shape(spec, sample, input_shapes)) for spec in model.inputs
    }


def _complete(sample: Mapping[str, Array], types: Mapping[str, TensorType]) -> dict[str, Array]:
    """The sample, with half ones where it is silent: zeros would divide by zero in normalisers."""
    feeds: dict[str, Array] = {}
    for name, kind in types.items():
        if name in sample:
            feeds[name] = np.asarray(sample[name]).reshape(kind.shape)
        else:
            feeds[name] = np.full(kind.shape, 0.5 if kind.is_float else 0, dtype=kind.dtype)
    return feeds


def _input_shape(
    spec: InputSpec, sample: Mapping[str, Array], input_shapes: Mapping[str, tuple[int, ...]]
) -> tuple[int, ...]:
    given = input_shapes.get(spec.name)
    if given is None and spec.name in sample and np.ndim(sample[spec.name]) == len(spec.shape):
        given = np.shape(sample[spec.name])
    if given is not None and len(given) != len(spec.shape):
        raise InvalidModel(
            ModelFault.NOT_STATIC, f"input {spec.name!r} has {len(spec.shape)} dimensions, not {given}"
        )
    shape: list[int] = []
    for axis, size in enumerate(spec.shape):
        if size is not None:
            shape.append(size)
        elif given is not None:
            shape.append(int(given[axis]))
        elif axis == 0:
            shape.append(1)
        else:
            raise InvalidModel(
                ModelFault.NOT_STATIC,
                f"input {spec.name!r} leaves dimension {axis} open; give it in input_shapes",
            )
    if any(size < 0 for size in shape) or prod(shape) > MAX_ELEMENTS:
        raise InvalidModel(ModelFault.TOO_LARGE, f"input {spec.name!r} has shape {tuple(shape)}")
    return tuple(shape)


def _check_attributes(node: Node) -> None:
    for key in _AT_LEAST_ONE:
        value = node.attributes.get(key)
        sizes = value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
        if any(not isinstance(size, int) or not 1 <= size <= _MAX_WINDOW for size in sizes):
            raise InvalidModel(ModelFault.MALFORMED, f"{key} {value} of node {node.name!r}")
    pads = node.attributes.get("pads", ())
    if any(not isinstance(pad, int) or abs(pad) > _MAX_WINDOW for pad in pads):
        raise InvalidModel(ModelFault.MALFORMED, f"pads {pads} of node {node.name!r}")
    if node.op in _UNDETERMINED:
        raise UnsupportedModel(node.op, node.name, "the result is random; pass random numbers in as an input")


def _check_sizes(model: SourceModel, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuses tensors that are too large before onnxruntime may allocate them."""
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    for value in proto.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            dim.dim_value = size
    # Classical operators enlarge nothing, and onnx's inference of some of them crashes the process.
    plain = [node for node in proto.graph.node if node.domain in ("", "ai.onnx")]
    del proto.graph.node[:]
    proto.graph.node.extend(plain)
    try:
        inferred = shape_inference.infer_shapes(proto, data_prop=True)
    except Exception as error:
        raise InvalidModel(ModelFault.WRONG_TYPE, f"shapes do not fit: {error}") from error
    total = 0
    for value in inferred.graph.value_info:
        size = prod(max(dim.dim_value, 1) for dim in value.type.tensor_type.shape.dim)
        total += size
        if size > MAX_ELEMENTS or total > MAX_TOTAL_ELEMENTS:
            raise InvalidModel(
                ModelFault.TOO_LARGE, f"value {value.name!r} has {size} elements, all together {total}"
            )


def _without_zip_map(graph: Graph) -> Graph:
    """Maps from class to probability become the plain probability tensor."""
    aliases = {node.output: node.inputs[0] for node in graph.nodes if node.op == "ai.onnx.ml::ZipMap"}
    return rename(graph, aliases) if aliases else graph


def fold_constants(graph: Graph, values: Mapping[str, Array]) -> Graph:
    """Replaces nodes that depend on constants alone by their values from a run."""
    constants = dict(graph.constants)
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = [name for name in node.inputs if name]
        if node.op in _SHAPE_ONLY or (inputs and all(name in constants for name in inputs)):
            for name in filter(None, node.outputs):
                constants[name] = _finite(np.asarray(values[name]), node)
        else:
            nodes.append(node)
    return prune(
        Graph(
            graph.inputs,
            graph.outputs,
            graph.labels,
            tuple(nodes),
            constants,
            graph.types,
            graph.opset,
            graph.ml_opset,
        )
    )


def _finite(value: Array, node: Node) -> Array:
    """Constants of folded arithmetic must be finite too; masks of minus infinity saturate."""
    if not np.issubdtype(value.dtype, np.floating) or bool(np.isfinite(value).all()):
        return value
    if bool(np.isnan(value).any()) or bool(np.isposinf(value).any()):
        raise InvalidModel(
            ModelFault.NOT_FINITE, f"node {node.name!r} computes NaN or infinity from weights alone"
        )
    held: Array = np.maximum(value, np.finfo(value.dtype).min)
    return held
