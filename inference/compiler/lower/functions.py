"""Functions of one value: tables for bytes, integer algorithms for wide values."""

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.float_model import FloatModel
from inference.compiler.formats import INTEGER, Format, Kind
from inference.compiler.graph import Array, Graph, Node, TensorType
from inference.compiler.lower.context import Lowering
from inference.compiler.regions import Region
from inference.ir import DType, ops

_ALGORITHMS = {
    "Exp": ops.FunctionKind.EXP,
    "Log": ops.FunctionKind.LOG,
    "Tanh": ops.FunctionKind.TANH,
    "Sigmoid": ops.FunctionKind.SIGMOID,
    "Erf": ops.FunctionKind.ERF,
    "Sqrt": ops.FunctionKind.SQRT,
    "Reciprocal": ops.FunctionKind.RECIPROCAL,
    "Sin": ops.FunctionKind.SIN,
    "Cos": ops.FunctionKind.COS,
    "Gelu": ops.FunctionKind.GELU,
    "Softplus": ops.FunctionKind.SOFTPLUS,
    "Atan": ops.FunctionKind.ATAN,
}


def table(lowering: Lowering, region: Region) -> None:
    """A whole pointwise region on a byte as one table, computed from the float model of the region."""
    x = lowering.as_kind(region.root, Kind.U8)
    target = lowering.target(region.result)
    levels = x.format.real(np.arange(256)).astype(np.float32)
    entries = target.quantise(
        np.nan_to_num(_values(lowering.graph, region, levels), posinf=3e38, neginf=-3e38)
    )
    held = lowering.constant(entries, target.dtype)
    lowering.set(region.result, lowering.emit(ops.Lookup(0), x.value, held), target)


def _values(graph: Graph, region: Region, levels: Array) -> Array:
    line = TensorType(levels.dtype, levels.shape)
    types = {region.root: line, **{node.output: line for node in region.nodes}}
    constants = {}
    for node in region.nodes:
        for name in node.inputs:
            value = graph.constant(name)
            if value is not None:
                constants[name] = value.reshape(())
                types[name] = TensorType(value.dtype, ())
    part = Graph(
        (region.root,),
        (region.result,),
        (region.result,),
        region.nodes,
        constants,
        types,
        graph.opset,
        graph.ml_opset,
    )
    return FloatModel(part, part.outputs).run({region.root: levels})[region.result]


def function(lowering: Lowering, node: Node) -> None:
    """A non-linear function by its integer algorithm."""
    x = lowering.as_kind(node.inputs[0], Kind.I32)
    if x.format.high == DType.I32.high:
        # The algorithms take magnitudes below 2^31, and raw inputs fill their dtype.
        x = lowering.as_format(node.inputs[0], lowering.target(node.inputs[0], Kind.I32))
    target = lowering.target(node.output, max(lowering.demand(node.output), Kind.I16))
    op = ops.Function(_ALGORITHMS[node.op], 0, x.format.bits, target.bits, target.requantize())
    lowering.set(node.output, lowering.emit(op, x.value), target)


def linear(lowering: Lowering, node: Node) -> None:
    """Relu and Neg: a rescale with other bounds or sign."""
    if not lowering.is_float(node.output):
        x, target = lowering.get(node.inputs[0]), INTEGER
    else:
        x = lowering.as_kind(node.inputs[0], max(lowering.demand(node.output), Kind.U8))
        target = x.format
    negative = node.op == "Neg"
    if negative and target.dtype is DType.U8:
        target = Format(DType.U8, target.scale, 255 - target.zero, 0, 255)
    low = target.zero if node.op == "Relu" else target.low
    op = ops.Rescale(x.format.zero, -1 if negative else 1, target.requantize(0, max(low, target.low)))
    lowering.set(node.output, lowering.emit(op, x.value), target)


def absolute(lowering: Lowering, node: Node) -> None:
    """The greater of x and -x."""
    x = (
        lowering.as_kind(node.inputs[0], Kind.I32)
        if lowering.is_float(node.output)
        else lowering.get(node.inputs[0])
    )
    form = Format(x.format.dtype, x.format.scale, 0, -x.format.high, x.format.high)
    negative = lowering.emit(ops.Rescale(0, -1, form.requantize()), x.value)
    lowering.set(node.output, lowering.emit(ops.MinMax(ops.Extreme.MAX), x.value, negative), form)


def sign(lowering: Lowering, node: Node) -> None:
    """-1, 0 or 1."""
    x = (
        lowering.as_kind(node.inputs[0], Kind.I32)
        if lowering.is_float(node.output)
        else lowering.get(node.inputs[0])
    )
    form = Format(DType.I32, 1.0, 0, -1, 1)
    lowering.set(node.output, lowering.emit(ops.Rescale(0, 1, form.requantize()), x.value), form)


def rounding(lowering: Lowering, node: Node) -> None:
    """Round (half to even), Floor and Ceil: whole numbers with a step of one."""
    x = lowering.as_kind(node.inputs[0], Kind.I32)
    form = Format(DType.I32, 1.0, 0, -(1 << 28), 1 << 28)
    if node.op == "Round":
        value = lowering.emit(ops.Rescale(0, 1, form.requantize(x.format.bits)), x.value)
    else:
        one = lowering.constant(np.asarray(1 << x.format.bits), DType.I64)
        source = x.value
        if node.op == "Ceil":
            source = lowering.emit(ops.Rescale(0, -1, x.format.requantize()), source)
        value = lowering.emit(ops.Div(0, 0, 0, ops.Rounding.FLOOR, form.requantize()), source, one)
        if node.op == "Ceil":
            value = lowering.emit(ops.Rescale(0, -1, form.requantize()), value)
    lowering.set(node.output, value, form)


def refuse(lowering: Lowering, node: Node) -> None:
    """A canonical operator that no rule takes."""
    raise UnsupportedModel(
        node.op, node.name, "it has no integer form here; rewrite it with supported operators"
    )


FUNCTIONS = frozenset(_ALGORITHMS)
