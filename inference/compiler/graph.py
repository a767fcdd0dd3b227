"""The compiler's own small float graph: frozen, static shapes, one canonical opset.

Passes take a graph and return a new one. Names are the ONNX value names, so every message can point at the
file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element type and static shape of a value."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def is_float(self) -> bool:
        """Whether the value is real-valued, and so has to be quantised."""
        return bool(np.issubdtype(self.dtype, np.floating))


@dataclass(frozen=True, slots=True)
class Node:
    """One operator; `op` carries the domain in front unless it is ai.onnx. An absent optional input is ''."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """The first output."""
        return self.outputs[0]

    def input(self, index: int) -> str:
        """Input `index`, or '' when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in topological order, constants by value name, and the type of every value.

    `outputs` are value names inside the graph; `labels` are the names the user knows them by, in the same
    order.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    labels: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    types: Mapping[str, TensorType]
    opset: int
    ml_opset: int

    def constant(self, name: str) -> Array | None:
        """The constant called `name`, or None when the value is computed."""
        return self.constants.get(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """Static shape of a value."""
        return self.types[name].shape

    def producers(self) -> dict[str, Node]:
        """Node that makes each computed value."""
        return {output: node for node in self.nodes for output in node.outputs if output}

    def consumers(self) -> dict[str, list[Node]]:
        """Nodes that read each value, in order."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers


class Names:
    """Fresh value names that collide with none of a graph."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def fresh(self, stem: str) -> str:
        """A name that starts with `stem` and was not given before."""
        number = 0
        name = stem
        while name in self._taken or not name:
            number += 1
            name = f"{stem}.{number}"
        self._taken.add(name)
        return name


class Builder:
    """Collects the nodes, constants and types of a graph under rewriting."""

    def __init__(self, graph: Graph) -> None:
        self.source = graph
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = dict(graph.constants)
        self.types: dict[str, TensorType] = dict(graph.types)
        self.names = Names(graph.types)

    def constant(self, stem: str, value: Array) -> str:
        """Adds a constant and returns its name."""
        name = self.names.fresh(stem)
        self.constants[name] = value
        self.types[name] = TensorType(value.dtype, value.shape)
        return name

    def node(
        self, op: str, stem: str, inputs: Iterable[str], kind: TensorType, output: str = "", **attributes: Any
    ) -> str:
        """Adds a node with one output of type `kind` and returns the output's name."""
        name = output or self.names.fresh(stem)
        self.types[name] = kind
        self.nodes.append(Node(op, stem, tuple(inputs), (name,), attributes))
        return name

    def finish(self, outputs: tuple[str, ...] | None = None) -> Graph:
        """The rewritten graph, without nodes and constants that no output needs."""
        graph = replace(
            self.source,
            nodes=tuple(self.nodes),
            constants=self.constants,
            types=self.types,
            outputs=self.source.outputs if outputs is None else outputs,
        )
        return prune(graph)


def prune(graph: Graph) -> Graph:
    """Drops nodes, constants and types that no output depends on."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if any(output in needed for output in node.outputs):
            kept.append(node)
            needed.update(name for name in node.inputs if name)
    kept.reverse()
    needed.update(graph.inputs)
    needed.update(output for node in kept for output in node.outputs)
    return replace(
        graph,
        nodes=tuple(kept),
        constants={name: value for name, value in graph.constants.items() if name in needed},
        types={name: kind for name, kind in graph.types.items() if name in needed},
    )


def rename(graph: Graph, aliases: Mapping[str, str]) -> Graph:
    """Replaces every use of an alias by the value it stands for; aliases may point at aliases."""

    def resolve(name: str) -> str:
        while name in aliases:
            name = aliases[name]
        return name

    nodes = tuple(replace(node, inputs=tuple(resolve(name) for name in node.inputs)) for node in graph.nodes)
    return prune(replace(graph, nodes=nodes, outputs=tuple(resolve(name) for name in graph.outputs)))
