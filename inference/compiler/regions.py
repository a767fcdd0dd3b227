"""Pointwise regions: parts of a graph that compute one value from one value, element by element.

However many operators such a part has (a GELU is seven), on a byte it is one table of 256 entries.
"""

from dataclasses import dataclass

from inference.compiler.graph import Graph, Node

_UNARY = frozenset(
    [
        "Abs",
        "Atan",
        "Ceil",
        "Cos",
        "Erf",
        "Exp",
        "Floor",
        "Gelu",
        "Log",
        "Neg",
        "Reciprocal",
        "Relu",
        "Round",
        "Sigmoid",
        "Sign",
        "Sin",
        "Softplus",
        "Sqrt",
        "Tanh",
    ]
)
_BINARY = frozenset(["Add", "Sub", "Mul", "Div", "Max", "Min"])


@dataclass(frozen=True, slots=True)
class Region:
    """Nodes in order that turn `root` into `result`, using scalar constants only."""

    root: str
    result: str
    nodes: tuple[Node, ...]


def pointwise_regions(graph: Graph) -> dict[str, Region]:
    """The largest regions whose inner values nothing else uses, by result."""
    roots = _roots(graph)
    consumers = graph.consumers()
    producers = graph.producers()
    inner: set[str] = set()
    found: dict[str, Region] = {}
    for node in reversed(graph.nodes):
        result = node.output
        if result not in roots or result in inner:
            continue
        chosen = _grow(graph, node, roots, consumers, producers)
        if chosen is not None:
            found[result] = chosen
            inner.update(each.output for each in chosen.nodes)
    return found


def _roots(graph: Graph) -> dict[str, str]:
    """For every pointwise value the value that it is a function of."""
    roots: dict[str, str] = {}
    for node in graph.nodes:
        if "_wide" in node.attributes or not graph.types[node.output].is_float:
            continue
        if node.op not in _UNARY and node.op not in _BINARY:
            continue
        sources: set[str] = set()
        for name in node.inputs:
            constant = graph.constant(name)
            if constant is None:
                sources.add(roots.get(name, name))
            elif constant.size != 1:
                sources.update(("", name))
        if len(sources) == 1 and "" not in sources:
            root = sources.pop()
            if graph.types[root].is_float and graph.shape(root) == graph.shape(node.output):
                roots[node.output] = root
    return roots


def _grow(
    graph: Graph,
    last: Node,
    roots: dict[str, str],
    consumers: dict[str, list[Node]],
    producers: dict[str, Node],
) -> Region | None:
    """Nodes from the root to `last`, if no inner value leaks out of the region."""
    root = roots[last.output]
    members: dict[str, Node] = {}
    waiting = [last]
    while waiting:
        node = waiting.pop()
        if node.output in members:
            continue
        members[node.output] = node
        waiting.extend(producers[name] for name in node.inputs if roots.get(name) == root)
    for name in members:
        leaks = name in graph.outputs or any(
            reader.output not in members for reader in consumers.get(name, ())
        )
        if name != last.output and leaks:
            # Something else reads an inner value: the last node alone is still pointwise in its own operand.
            sources = {name for name in last.inputs if graph.constant(name) is None}
            return Region(sources.pop(), last.output, (last,)) if len(sources) == 1 else None
    ordered = tuple(node for node in graph.nodes if node.output in members)
    return Region(root, last.output, ordered)
