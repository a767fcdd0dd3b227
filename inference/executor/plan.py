"""A program cut into steps: runs of operations in one session each, and single numpy operations."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from inference.executor.graph import Graph
from inference.executor.lowering import lower
from inference.ir.program import Node
from inference.verifier import VerifiedProgram


@dataclass(frozen=True, slots=True)
class SessionStep:
    """Model bytes for one session; the values it reads, each with its rounding, and those it gives, by name.

    `dead` are the values that no later step reads.
    """

    model: bytes
    reads: tuple[tuple[int, int], ...]
    gives: tuple[int, ...]
    names: tuple[str, ...]
    dead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NumpyStep:
    """One operation that no exact kernel computes."""

    value: int
    node: Node
    bound: int
    dead: tuple[int, ...] = ()


Step = SessionStep | NumpyStep

#: ONNX nodes in all sessions of one program: three times a large network; onnxruntime loads them in seconds.
MAX_KERNELS = 50_000


def make_plan(
    program: VerifiedProgram,
    batched: frozenset[int],
    disabled: Collection[str] = (),
    reals: frozenset[int] = frozenset(),
) -> tuple[Step, ...]:
    """The steps that compute all outputs, in order; `disabled` names kernels that must not be used.

    `reals` are inputs that enter the first session as reals, if that is all that reads them.
    """
    source = program.program
    last = {o: i for i, node in enumerate(source.nodes) for o in node.operands}
    last.update((o.value, len(source.nodes)) for o in source.outputs)
    steps: list[Step] = []
    graph, given, kernels = Graph(program, batched, reals), list[int](), 0
    for i, node in enumerate(source.nodes):
        value = source.first_node + i
        if kernels + graph.size < MAX_KERNELS and lower(graph, value, node, program.bounds[i], disabled):
            given.append(value)
            continue
        _close(steps, graph, [v for v in given if last[v] >= i])
        kernels += graph.size
        graph, given = Graph(program, batched, reals), []
        # Some kernels take only what comes from outside.
        if kernels < MAX_KERNELS and lower(graph, value, node, program.bounds[i], disabled):
            given.append(value)
            continue
        steps.append(NumpyStep(value, node, program.bounds[i]))
    _close(steps, graph, [v for v in given if last[v] == len(source.nodes)])
    return _with_dead(steps, frozenset(o.value for o in source.outputs))


def _with_dead(steps: list[Step], kept: frozenset[int]) -> tuple[Step, ...]:
    """Each step with the values that it is the last to read."""
    seen, found = set(kept), list[Step]()
    for step in reversed(steps):
        reads = [v for v, _ in step.reads] if isinstance(step, SessionStep) else step.node.operands
        dead = tuple(sorted(set(reads) - seen))
        seen.update(reads)
        found.append(replace(step, dead=dead))
    return tuple(reversed(found))


def _close(steps: list[Step], graph: Graph, gives: list[int]) -> None:
    if gives:
        model, reads, names = graph.build(gives)
        steps.append(SessionStep(model, reads, tuple(gives), names))
