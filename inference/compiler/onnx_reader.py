"""Reads ONNX bytes into the compiler's graph, and answers anything odd with a specific error.

Nothing here trusts the file: sizes are bounded before they are allocated, names and order are checked,
weights must be finite. Source: the ONNX IR specification, versions 3 to 13, and operator sets 6 to 28 of
ai.onnx.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import inliner, numpy_helper, version_converter

from inference.compiler.errors import InvalidModel, ModelFault, UnsupportedModel
from inference.compiler.graph import Array, Node
from inference.compiler.limits import MAX_ELEMENTS, MAX_MODEL_BYTES, MAX_NODES, MAX_RANK

MIN_OPSET, MAX_OPSET = 1, 28

MAX_ML_OPSET = 5

_ASSUMED_OPSET = 21
"""Operator set of a file that names none."""

_FIRST_RUNNABLE_OPSET = 7

KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})

_SUBGRAPHS = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A declared input: dimensions that the file leaves open are None."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A file after reading: the graph as it stands there, its types still unknown, and the ONNX message."""

    proto: onnx.ModelProto
    opset: int
    ml_opset: int
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]


def read_model(source: bytes | str | Path) -> SourceModel:
    """Reads and checks a model file or its bytes.

    Raises `InvalidModel` for a file that is no sound ONNX model, `UnsupportedModel` for a sound one that uses
    control flow, custom domains or other things without an integer form.
    """
    proto = _parse(_content(source))
    try:
        return _read(proto)
    except UnicodeError as error:
        raise InvalidModel(ModelFault.MALFORMED, "a name in the file is not UTF-8") from error


def _read(proto: onnx.ModelProto) -> SourceModel:
    _check_text(proto.graph)
    opset = _opset(proto)
    if proto.functions:
        try:
            proto = inliner.inline_local_functions(proto)
        except Exception as error:
            raise InvalidModel(ModelFault.MALFORMED, f"local functions do not inline: {error}") from error
    if opset < _FIRST_RUNNABLE_OPSET:
        # The converter drops the axis without a word where it does not know the ranks.
        for entry in proto.graph.node:
            if {"axis", "broadcast"} <= {attribute.name for attribute in entry.attribute}:
                raise UnsupportedModel(
                    entry.op_type, entry.name, "broadcasting along an axis; export with opset 7"
                )
        try:
            proto, opset = (
                version_converter.convert_version(proto, _FIRST_RUNNABLE_OPSET),
                _FIRST_RUNNABLE_OPSET,
            )
        except Exception as error:
            raise UnsupportedModel(
                f"opset {opset}", "model", f"export with opset 7 or later: {error}"
            ) from error
    graph = proto.graph
    if len(graph.node) > MAX_NODES:
        raise InvalidModel(ModelFault.TOO_LARGE, f"{len(graph.node)} nodes, at most {MAX_NODES}")
    if graph.sparse_initializer:
        raise InvalidModel(ModelFault.MALFORMED, "sparse initialisers; store the weights densely")
    constants = {tensor.name: _tensor(tensor, tensor.name) for tensor in graph.initializer}
    inputs = tuple(_input(value) for value in graph.input if value.name not in constants)
    nodes = tuple(_node(index, node) for index, node in enumerate(graph.node))
    nodes = _sorted(nodes, {*constants, *(spec.name for spec in inputs)})
    outputs = tuple(value.name for value in graph.output)
    known = {*constants, *(spec.name for spec in inputs), *(name for node in nodes for name in node.outputs)}
    missing = [name for name in outputs if name not in known]
    if not outputs or missing:
        raise InvalidModel(
            ModelFault.MALFORMED, f"outputs without a producer: {missing or 'no output at all'}"
        )
    return SourceModel(proto, opset, _ml_opset(proto), inputs, outputs, nodes, constants)


def _check_text(graph: onnx.GraphProto) -> None:
    """Raises UnicodeError for names that protobuf let through although they are no text."""
    names = [graph.name, *(value.name for value in (*graph.input, *graph.output, *graph.initializer))]
    for node in graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
    for name in names:
        text = name if isinstance(name, str) else bytes(name).decode()
        text.encode()


def _content(source: bytes | str | Path) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        path = Path(source)
        try:
            size = path.stat().st_size
            if size > MAX_MODEL_BYTES:
                raise InvalidModel(ModelFault.TOO_LARGE, f"{path}: {size} bytes, at most {MAX_MODEL_BYTES}")
            content = path.read_bytes()
        except OSError as error:
            raise InvalidModel(ModelFault.UNREADABLE, f"{path}: {error.strerror}") from error
    if len(content) > MAX_MODEL_BYTES:
        raise InvalidModel(ModelFault.TOO_LARGE, f"{len(content)} bytes, at most {MAX_MODEL_BYTES}")
    return content


def _parse(content: bytes) -> onnx.ModelProto:
    try:
        proto: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except Exception as error:
        raise InvalidModel(
            ModelFault.UNREADABLE, f"{len(content)} bytes are no ONNX protobuf: {error}"
        ) from error
    if not proto.HasField("graph") or not proto.graph.output:
        raise InvalidModel(ModelFault.UNREADABLE, "the file holds no graph with outputs")
    return proto


def _opset(proto: onnx.ModelProto) -> int:
    version = 0
    for entry in proto.opset_import:
        if entry.domain in ("", "ai.onnx"):
            version = max(version, entry.version)
    if version == 0:
        version = _ASSUMED_OPSET
    if not MIN_OPSET <= version <= MAX_OPSET:
        raise UnsupportedModel(
            f"opset {version}", "model", f"export with an ai.onnx opset from {MIN_OPSET} to {MAX_OPSET}"
        )
    return version


def _ml_opset(proto: onnx.ModelProto) -> int:
    versions = [entry.version for entry in proto.opset_import if entry.domain == "ai.onnx.ml"]
    version = max(versions, default=MAX_ML_OPSET)
    if not 1 <= version <= MAX_ML_OPSET:
        raise UnsupportedModel(
            f"ai.onnx.ml {version}", "model", f"export with ai.onnx.ml 1 to {MAX_ML_OPSET}"
        )
    return version


def _dtype(element_type: int, place: str) -> np.dtype[Any]:
    try:
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(element_type))
    except (KeyError, TypeError) as error:
        raise InvalidModel(ModelFault.WRONG_TYPE, f"{place}: unknown element type {element_type}") from error


def _tensor(tensor: onnx.TensorProto, place: str) -> Array:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise InvalidModel(ModelFault.UNREADABLE, f"{place}: external data; save the model as one file")
    shape = tuple(tensor.dims)
    if len(shape) > MAX_RANK or any(size < 0 for size in shape) or prod(shape) > MAX_ELEMENTS:
        raise InvalidModel(ModelFault.TOO_LARGE, f"{place}: shape {shape}")
    try:
        value: Array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidModel(
            ModelFault.MALFORMED, f"{place}: the data does not fit its shape or type: {error}"
        ) from error
    if np.issubdtype(value.dtype, np.floating) and not bool(np.isfinite(value).all()):
        # Masks of transformers hold -inf on purpose: they mean "very small", which saturation gives.
        if bool(np.isnan(value).any()) or bool(np.isposinf(value).any()):
            raise InvalidModel(ModelFault.NOT_FINITE, f"{place}: NaN or infinity among {value.size} values")
        value = np.maximum(value, np.finfo(value.dtype).min)
    return value


def _input(value: onnx.ValueInfoProto) -> InputSpec:
    if not value.type.HasField("tensor_type"):
        raise UnsupportedModel(
            "input", value.name, "only tensors can be inputs; export without sequences or maps"
        )
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise InvalidModel(ModelFault.NOT_STATIC, f"input {value.name!r} declares no shape")
    if len(tensor.shape.dim) > MAX_RANK:
        raise InvalidModel(
            ModelFault.TOO_LARGE, f"input {value.name!r} has {len(tensor.shape.dim)} dimensions"
        )
    shape = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim)
    if any(dim.dim_value < 0 for dim in tensor.shape.dim):
        raise InvalidModel(ModelFault.WRONG_TYPE, f"input {value.name!r} has a negative dimension")
    dtype = _dtype(tensor.elem_type, f"input {value.name!r}")
    if dtype == np.dtype(object) or tensor.elem_type == onnx.TensorProto.STRING:
        raise UnsupportedModel("string input", value.name, "encode strings as integers before the model")
    return InputSpec(value.name, dtype, shape)


def _node(index: int, node: onnx.NodeProto) -> Node:
    name = node.name or f"{node.op_type}_{index}"
    if node.domain not in KNOWN_DOMAINS:
        raise UnsupportedModel(
            f"{node.domain}::{node.op_type}",
            name,
            "custom operators have no integer form; export with standard ones",
        )
    domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}::"
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.type in _SUBGRAPHS:
            raise UnsupportedModel(
                node.op_type,
                name,
                "control flow needs values that are known before the model runs; export an unrolled model",
            )
        attributes[attribute.name] = _attribute(attribute, name)
    return Node(domain + node.op_type, name, tuple(node.input), tuple(node.output), attributes)


def _attribute(attribute: onnx.AttributeProto, node: str) -> Any:
    place = f"attribute {attribute.name!r} of node {node!r}"
    match attribute.type:
        case onnx.AttributeProto.TENSOR:
            return _tensor(attribute.t, place)
        case onnx.AttributeProto.INT:
            return int(attribute.i)
        case onnx.AttributeProto.FLOAT:
            return _finite(float(attribute.f), place)
        case onnx.AttributeProto.STRING:
            return _text(attribute.s, place)
        case onnx.AttributeProto.INTS:
            return tuple(int(value) for value in attribute.ints)
        case onnx.AttributeProto.FLOATS:
            return tuple(_finite(float(value), place) for value in attribute.floats)
        case onnx.AttributeProto.STRINGS:
            return tuple(_text(value, place) for value in attribute.strings)
        case _:
            raise InvalidModel(ModelFault.MALFORMED, f"{place}: type {attribute.type} can not be read")


def _finite(value: float, place: str) -> float:
    # An imputer names NaN as the value to replace; every other NaN would poison what it touches.
    if not np.isfinite(value) and "replaced_value_float" not in place:
        raise InvalidModel(ModelFault.NOT_FINITE, place)
    return value


def _text(value: bytes, place: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidModel(ModelFault.MALFORMED, f"{place}: text is not UTF-8") from error


def _sorted(nodes: Sequence[Node], known: set[str]) -> tuple[Node, ...]:
    """Nodes in topological order; refuses values made twice, never, or in a circle."""
    made: set[str] = set(known)
    for node in nodes:
        if not any(node.outputs):
            raise InvalidModel(ModelFault.MALFORMED, f"node {node.name!r} has no output")
        for output in filter(None, node.outputs):
            if output in made:
                raise InvalidModel(
                    ModelFault.MALFORMED, f"value {output!r} is made twice, again by node {node.name!r}"
                )
            made.add(output)
    for node in nodes:
        for name in filter(None, node.inputs):
            if name not in made:
                raise InvalidModel(
                    ModelFault.MALFORMED, f"node {node.name!r} reads {name!r}, which nothing makes"
                )
    return tuple(_ready_order(nodes, known))


def _ready_order(nodes: Sequence[Node], known: set[str]) -> Iterator[Node]:
    ready = set(known)
    waiting: dict[str, list[int]] = {}
    missing = [0] * len(nodes)
    stack: list[int] = []
    for index, node in enumerate(nodes):
        absent = {name for name in node.inputs if name and name not in ready}
        missing[index] = len(absent)
        for name in absent:
            waiting.setdefault(name, []).append(index)
    stack = [index for index in range(len(nodes) - 1, -1, -1) if missing[index] == 0]
    done = 0
    while stack:
        node = nodes[stack.pop()]
        done += 1
        yield node
        freed: list[int] = []
        for output in node.outputs:
            for index in waiting.pop(output, ()):
                missing[index] -= 1
                if missing[index] == 0:
                    freed.append(index)
        stack.extend(sorted(freed, reverse=True))
    if done != len(nodes):
        stuck = next(node for index, node in enumerate(nodes) if missing[index])
        raise InvalidModel(ModelFault.MALFORMED, f"node {stuck.name!r} depends on its own output")
