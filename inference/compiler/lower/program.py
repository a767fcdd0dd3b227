"""The table of lowering rules and the pass that builds the program."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, log2

import numpy as np

from inference.compiler.calibrate import Observed
from inference.compiler.errors import UnsupportedModel
from inference.compiler.formats import BOOLEAN, Format, Kind, power_format
from inference.compiler.graph import Graph, Node
from inference.compiler.lower import elementwise, functions, integers, layers, layout, reductions, trees
from inference.compiler.lower.context import Lowering
from inference.compiler.plan import TREES, Plan
from inference.ir import DType, InvalidArtifact, Program, Quantization

Rule = Callable[[Lowering, Node], None]

_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(functions.FUNCTIONS, functions.function),
    **dict.fromkeys(("Relu", "Neg"), functions.linear),
    **dict.fromkeys(("Round", "Floor", "Ceil"), functions.rounding),
    **dict.fromkeys(("Add", "Sub"), elementwise.add),
    **dict.fromkeys(("Max", "Min"), elementwise.extreme),
    **dict.fromkeys(("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"), elementwise.compare),
    **dict.fromkeys(("And", "Or", "Xor", "Not"), elementwise.logic),
    **dict.fromkeys(("ReduceSum", "ReduceMean"), reductions.total),
    **dict.fromkeys(("ReduceMax", "ReduceMin"), reductions.extremes),
    **dict.fromkeys(("ArgMax", "ArgMin"), reductions.arg_extreme),
    "Abs": functions.absolute,
    "Sign": functions.sign,
    "Mul": elementwise.mul,
    "Div": elementwise.div,
    "Where": elementwise.where,
    "Cast": elementwise.cast,
    "TopK": reductions.top_k,
    "MaxPool": reductions.max_pool,
    "AveragePool": reductions.average_pool,
    "MatMul": layers.matmul,
    "Conv": layers.conv,
    "ConvTranspose": layers.conv_transpose,
    "Reshape": layout.reshape,
    "Transpose": layout.transpose,
    "Concat": layout.concat,
    "Slice": layout.slice_,
    "Pad": layout.pad,
    "Expand": layout.expand,
    "Gather": layout.gather,
    "GatherElements": layout.gather_elements,
    "ScatterElements": layout.scatter_elements,
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor"), integers.bitwise),
    "BitShift": integers.shift,
    "Mod": integers.modulo,
    TREES: trees.trees,
}

_INPUT_BITS = 29
"""log2 of what the greatest input becomes when something reads inputs in 32 bits: two bits above it stay
free.
"""


def lower_graph(
    graph: Graph,
    plan: Plan,
    seen: Mapping[str, Observed],
    levels: Mapping[str, tuple[float, int]],
    metadata: Mapping[str, str],
    probes: Mapping[str, str] | None = None,
) -> Program:
    """The integer program of a fused graph; `levels` gives (scale, zero) of bytes that the model itself asks
    for, `probes` names inner values that become outputs too.

    Raises `UnsupportedModel` for an operator without a rule or a type that the integer operations do not
    take.
    """
    lowering = Lowering(graph, plan, seen, levels)
    for name in graph.inputs:
        _input(lowering, name)
    inside = {each.output for region in plan.tables.values() for each in region.nodes}
    for node in graph.nodes:
        if node.output in plan.tables:
            functions.table(lowering, plan.tables[node.output])
        elif node.output not in inside:
            rule = _RULES.get(node.op, functions.refuse)
            try:
                rule(lowering, node)
            except InvalidArtifact as error:
                raise UnsupportedModel(
                    node.op, node.name, f"the integer operation refuses it: {error}"
                ) from error
    for name, label in zip(graph.outputs, graph.labels, strict=True):
        made = lowering.get(name)
        lowering.builder.output(made.value, label, quantization(made.format))
    for name, label in (probes or {}).items():
        made = lowering.get(name)
        lowering.builder.output(made.value, label, quantization(made.format))
    return lowering.builder.build(dict(metadata))


def _input(lowering: Lowering, name: str) -> None:
    kind = lowering.graph.types[name]
    if not kind.is_float:
        small = kind.dtype == np.bool_ or kind.dtype == np.uint8
        form = Format(DType.U8, 1.0, 0, 0, 255) if small else _integer_format()
        form = BOOLEAN if kind.dtype == np.bool_ else form
    elif lowering.demand(name) is Kind.EXACT:
        form = power_format(
            Kind.EXACT, max(lowering.seen[name].greatest, _greatest_threshold(lowering), 1e-6)
        )
    elif lowering.demand(name) >= Kind.PRODUCT or name not in lowering.plan.demands:
        greatest = max(lowering.seen[name].greatest, 1e-6)
        bits = min(max(_INPUT_BITS - ceil(log2(greatest)), 0), 30)
        form = Format(DType.I32, 2.0**-bits, 0, DType.I32.low, DType.I32.high)
    else:
        form = lowering.target(name)
    value = lowering.builder.input(name, form.dtype, kind.shape, quantization(form))
    lowering.set(name, value, form)


def _integer_format() -> Format:
    return Format(DType.I32, 1.0, 0, DType.I32.low, DType.I32.high)


def _greatest_threshold(lowering: Lowering) -> float:
    """Trees see further than the calibration did: their thresholds must lie inside the range as well."""
    sizes = [
        float(np.abs(node.attributes["nodes_values"]).max())
        for node in lowering.graph.nodes
        if node.op == TREES
    ]
    return min(max(sizes, default=0.0), 2.0**28)


def quantization(form: Format) -> Quantization:
    """The boundary's meaning of a format as a fraction."""
    exact = (
        Fraction(form.scale).limit_denominator(1 << 40) if form.scale >= 2.0**-38 else Fraction(form.scale)
    )
    if exact.numerator >= 1 << 62 or exact.denominator >= 1 << 62 or exact <= 0:
        exact = Fraction(max(round(form.scale * 2.0**61), 1), 1 << 61)
    return Quantization(exact.numerator, exact.denominator, form.zero)
