"""ONNX kernels for operations that choose, compare or move values."""

from inference.executor import onnx_encoding as onnx
from inference.executor.graph import Graph
from inference.ir import ops
from inference.ir.program import Node

#: Where a slice that runs backwards ends so that it takes in index 0.
_BEFORE_START = -(1 << 31)

#: Element types that comparing, choosing and padding kernels all have.
_COMMON = (onnx.UINT8, onnx.INT32, onnx.INT64, onnx.FLOAT, onnx.DOUBLE)


def lower_movement(graph: Graph, value: int, node: Node) -> bool:
    """Add a node that moves values; False, and nothing added, if there is no kernel for it."""
    op, x = node.op, node.operands[0]
    held = graph.held(x)
    match op:
        case ops.Reshape(shape=shape):
            target = [-1, *shape[1:]] if shape and value in graph.batched else list(shape)
            _keep(graph, value, graph.emit("Reshape", [graph.value(x, held), graph.integers(target)]), held)
        case ops.Transpose(permutation=permutation):
            _keep(graph, value, graph.emit("Transpose", [graph.value(x, held)], {"perm": permutation}), held)
        case ops.Concat(axis=axis):
            native = graph.native(x)
            parts = [graph.value(o, native) for o in node.operands]
            _keep(graph, value, graph.emit("Concat", parts, {"axis": axis}), native)
        case ops.Slice():
            _slice(graph, value, op, x, held)
        case ops.Pad():
            _pad(graph, value, op, x)
        case ops.Expand(shape=shape):
            kind = _common(graph, x)
            _keep(graph, value, graph.emit("Expand", [graph.value(x, kind), graph.integers(shape)]), kind)
        case ops.Gather(axis=axis) | ops.GatherElements(axis=axis):
            _gather(graph, value, node, axis)
        case ops.ReduceExtreme(kind=which, axes=axes, keepdims=keepdims):
            kind = graph.native(x) if graph.native(x) in (onnx.UINT8, onnx.INT8) else _ordered(graph, node)
            name = f"Reduce{'Min' if which is ops.Extreme.MIN else 'Max'}"
            reduced = graph.emit(name, [graph.value(x, kind)], {"axes": axes, "keepdims": int(keepdims)})
            _keep(graph, value, reduced, kind)
        case ops.ArgExtreme(kind=which, axis=axis, keepdims=keepdims, last=last):
            if graph.element_type(node, 0) != onnx.FLOAT:
                return False
            name = "ArgMin" if which is ops.Extreme.MIN else "ArgMax"
            flags = {"axis": axis, "keepdims": int(keepdims), "select_last_index": int(last)}
            _keep(graph, value, graph.emit(name, [graph.value(x, onnx.FLOAT)], flags), onnx.INT64)
        case ops.MinMax() | ops.Compare() | ops.Where() | ops.Bitwise():
            return _choose(graph, value, node)
        case _:
            return False
    return True


def _keep(graph: Graph, value: int, name: str, kind: int) -> None:
    graph.define(value, name, kind)


def _common(graph: Graph, x: int) -> int:
    """The element type in which x is at hand, or one that holds it and that every kernel has."""
    held = graph.held(x)
    return held if held in _COMMON else onnx.INT32


def _ordered(graph: Graph, node: Node) -> int:
    """An element type that holds all operands and can be compared."""
    return graph.element_type(node, 0) or onnx.INT64


def _slice(graph: Graph, value: int, op: ops.Slice, x: int, kind: int) -> None:
    shape = graph.shape(x)
    axes = [i for i, n in enumerate(shape) if (op.starts[i], op.sizes[i], op.steps[i]) != (0, n, 1)]
    ends = [op.starts[i] + op.sizes[i] * op.steps[i] for i in axes]
    lists = [[op.starts[i] for i in axes], [e if e >= 0 else _BEFORE_START for e in ends], axes]
    lists.append([op.steps[i] for i in axes])
    name = graph.value(x, kind)
    if axes:
        name = graph.emit("Slice", [name, *(graph.integers(v) for v in lists)])
    _keep(graph, value, name, kind)


def _pad(graph: Graph, value: int, op: ops.Pad, x: int) -> None:
    """Interior padding pads a new axis and folds it back; the surplus after the last element is cut."""
    kind = _common(graph, x)
    name, fill = graph.value(x, kind), graph.scalar(op.value, kind)
    sizes = list(graph.shape(x))

    def reshape(source: str, shape: list[int]) -> str:
        target = [-1, *shape[1:]] if value in graph.batched else shape
        return graph.emit("Reshape", [source, graph.integers(target)])

    for axis, gap in enumerate(op.interior):
        if gap:
            split = [*sizes[: axis + 1], 1, *sizes[axis + 1 :]]
            widths = [0] * len(split) * 2
            widths[len(split) + axis + 1] = gap
            name = graph.emit(
                "Pad", [reshape(name, split), graph.integers(widths), fill], {"mode": "constant"}
            )
            sizes[axis] *= gap + 1
            name = reshape(name, sizes)
    widths = [*op.before, *(a - gap for a, gap in zip(op.after, op.interior, strict=True))]
    if any(widths):
        name = graph.emit("Pad", [name, graph.integers(widths), fill], {"mode": "constant"})
    _keep(graph, value, name, kind)


def _gather(graph: Graph, value: int, node: Node, axis: int) -> None:
    x, indices = node.operands
    length = graph.shape(x)[axis]
    span = graph.program.intervals[indices]
    name = graph.value(indices, onnx.INT64)
    if span.low < 0 or span.high >= length:
        bounds = [graph.scalar(v, onnx.INT64) for v in (0, length - 1)]
        name = graph.emit("Min", [graph.emit("Max", [name, bounds[0]]), bounds[1]])
    kind = graph.held(x)
    _keep(
        graph, value, graph.emit(type(node.op).__name__, [graph.value(x, kind), name], {"axis": axis}), kind
    )


def _choose(graph: Graph, value: int, node: Node) -> bool:
    op = node.op
    kind = _ordered(graph, node)
    match op:
        case ops.MinMax(kind=which):
            name = "Min" if which is ops.Extreme.MIN else "Max"
            _keep(graph, value, graph.emit(name, [graph.value(o, kind) for o in node.operands]), kind)
        case ops.Compare(kind=which):
            name = {1: "Equal", 2: "Less", 3: "LessOrEqual"}[which]
            holds = graph.emit(name, [graph.value(o, kind) for o in node.operands])
            _keep(graph, value, holds, onnx.BOOL)
        case ops.Where():
            condition = graph.value(node.operands[0], onnx.BOOL)
            kind = _common(graph, node.operands[1])
            parts = [condition, *(graph.value(o, kind) for o in node.operands[1:])]
            _keep(graph, value, graph.emit("Where", parts), kind)
        case ops.Bitwise(kind=bits):
            spans = [graph.program.intervals[o] for o in node.operands]
            if any(s.low < 0 or s.high > 1 for s in spans):
                return False
            name = {1: "And", 2: "Or", 3: "Xor"}[bits]
            _keep(
                graph, value, graph.emit(name, [graph.value(o, onnx.BOOL) for o in node.operands]), onnx.BOOL
            )
        case _:
            return False
    return True
