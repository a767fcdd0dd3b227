"""Which tier each node works in, and which format each value is asked for in.

Tiers flow forward: layers have the tier that the caller chose, what follows a layer keeps it, and soft-max,
norms, divisions and classical models are wide. Demands flow backward: a value is made in the most precise
format that any of its readers wants, and is narrowed for the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from inference.compiler.formats import OPERAND_KIND, Kind, Tier
from inference.compiler.graph import Graph, Node
from inference.compiler.regions import Region, pointwise_regions

LAYERS = frozenset({"Conv", "ConvTranspose", "MatMul"})

TREES = "ai.onnx.ml::TreeEnsembleRegressor"

_PASSING = frozenset(
    [
        "Reshape",
        "Transpose",
        "Concat",
        "Slice",
        "Pad",
        "Expand",
        "Gather",
        "GatherElements",
        "ScatterElements",
        "MaxPool",
        "ReduceMax",
        "ReduceMin",
        "Where",
        "Max",
        "Min",
        "TopK",
    ]
)

_PRECISE = frozenset({"Mod", "Exp", "Log", "Div", "Reciprocal", "Sqrt", TREES})

_FULL_OUTPUT_ELEMENTS = 65_536
"""Outputs up to this size leave in 32 bits; larger ones (images) in the tier of the layer that makes them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Tier per node (by its first output), demanded format per value, and the regions that become tables."""

    tiers: Mapping[str, Tier]
    demands: Mapping[str, Kind]
    tables: Mapping[str, Region]


def layer_names(graph: Graph) -> tuple[str, ...]:
    """Outputs of the layers."""
    return tuple(node.output for node in graph.nodes if node.op in LAYERS)


def layer_work(graph: Graph) -> int:
    """Multiplications of all layers for one call."""
    work = 0
    for node in graph.nodes:
        if node.op in LAYERS:
            weight = graph.shape(node.inputs[1])
            depth = weight[-2] if node.op == "MatMul" else prod(weight[1:])
            work += prod(graph.shape(node.output)) * depth
    return work


def make_plan(graph: Graph, layers: Mapping[str, Tier], base: Tier) -> Plan:
    """Tiers and demands for the chosen tiers of layers; `base` is for nodes that follow no layer."""
    regions = pointwise_regions(graph)
    tiers: dict[str, Tier] = {}
    tables: dict[str, Region] = {}
    values: dict[str, Tier] = {}
    inside: set[str] = set()
    for node in graph.nodes:
        region = regions.get(node.output)
        tier = _tier(graph, node, layers, base, values)
        clamps = region is not None and all("_given" in each.attributes for each in region.nodes)
        if region is not None and not clamps and values.get(region.root, base) is Tier.INT8:
            tables[node.output] = region
            inside.update(each.output for each in region.nodes if each is not node)
            tier = Tier.INT8
        tiers[node.output] = tier
        values.update(dict.fromkeys(node.outputs, tier))
    return Plan(tiers, _demands(graph, tiers, tables, inside), tables)


def _tier(
    graph: Graph, node: Node, layers: Mapping[str, Tier], base: Tier, values: Mapping[str, Tier]
) -> Tier:
    if node.op in LAYERS:
        chosen = layers.get(node.output, base)
        if "_wide" in node.attributes:
            return Tier.WIDE
        computed = graph.constant(node.inputs[1]) is None
        return max(chosen, Tier.INT16) if computed else chosen
    if "_wide" in node.attributes or node.op in _PRECISE:
        return Tier.WIDE
    sources = [values[name] for name in node.inputs if name in values]
    if sources:
        return max(sources)
    # Preparing raw inputs (a scaler, a mean to subtract) in few bits would lose what the columns differ in.
    return base if node.op in _PASSING else Tier.WIDE


def _demands(
    graph: Graph, tiers: Mapping[str, Tier], tables: Mapping[str, Region], inside: set[str]
) -> dict[str, Kind]:
    demands: dict[str, Kind] = {}

    def ask(name: str, kind: Kind) -> None:
        demands[name] = max(demands.get(name, kind), kind)

    producers = graph.producers()
    for name in graph.outputs:
        small = prod(graph.shape(name)) <= _FULL_OUTPUT_ELEMENTS or name not in producers
        ask(name, Kind.I32 if small else OPERAND_KIND[tiers[producers[name].output]])
    for node in reversed(graph.nodes):
        if node.output in inside:
            continue
        if node.output in tables:
            ask(tables[node.output].root, Kind.U8)
            continue
        tier = tiers[node.output]
        for name in filter(None, node.inputs):
            if node.op == TREES:
                kind = Kind.EXACT
            elif "_given" in node.attributes:
                # Rounded once, to the levels that the file gives, not to levels of our own before.
                kind = Kind.I32
            elif node.op in LAYERS:
                kind = Kind.PRODUCT if tier is Tier.WIDE else OPERAND_KIND[tier]
            elif node.op in _PASSING:
                kind = max(demands.get(output, Kind.U8) for output in node.outputs)
            elif node.op in ("ArgMax", "ArgMin") or graph.types[node.output].dtype.kind in "biu":
                kind = Kind.I32
            else:
                kind = OPERAND_KIND[tier]
            ask(name, kind)
    return demands
