"""Element-wise operators and reductions: old attribute forms, n-ary forms and rare functions in canonical
ones.
"""

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import BOOL, INT, Rewriter


def same(r: Rewriter, node: Node) -> str:
    """Identity, Dropout in inference and the like: the operand itself."""
    return node.inputs[0]


def plain(r: Rewriter, node: Node) -> str:
    """Operators whose form never changed: emitted as they are."""
    kind = r.types[node.output]
    attributes = {key: value for key, value in node.attributes.items() if key != "consumed_inputs"}
    return r.emit(node.op, node.inputs, kind.dtype, kind.shape, **attributes)


def binary(r: Rewriter, node: Node) -> str:
    """Add, Sub, Mul, Div with numpy broadcasting."""
    a, b = node.inputs[0], node.inputs[1]
    if node.op in ("Add", "Sub", "Mul", "Div", "Mod"):
        return r.binary(node.op, a, b)
    return r.compare(node.op, a, b)


def nary(r: Rewriter, node: Node) -> str:
    """Sum, Max, Min, Mean of any number of operands, two at a time."""
    op = {"Sum": "Add", "Mean": "Add"}.get(node.op, node.op)
    result = node.inputs[0]
    for name in node.inputs[1:]:
        result = r.binary(op, result, name)
    return r.scaled(result, 1 / len(node.inputs)) if node.op == "Mean" else result


def clip(r: Rewriter, node: Node) -> str:
    """Bounds as attributes or inputs become Max and Min with constants."""
    x = node.inputs[0]
    dtype = r.types[x].dtype
    for index, key, op in ((1, "min", "Max"), (2, "max", "Min")):
        if node.input(index):
            bound = float(r.need(node, index, "the bound of Clip").reshape(()))
        elif key in node.attributes:
            bound = node.attributes[key]
        else:
            continue
        if abs(bound) < 1e30:
            x = r.binary(op, x, r.value(bound, dtype))
    return x


def prelu(r: Rewriter, node: Node) -> str:
    """max(x, 0) + slope * min(x, 0); before opset 7 a slope per channel stood without its other axes."""
    x, slope = node.inputs[0], node.inputs[1]
    channels = r.shape(x)[1] if r.rank(x) > 2 else 0
    if r.shape(slope) == (channels,) and r.shape(x)[-1] != channels:
        slope = r.reshape(slope, (channels, *(1,) * (r.rank(x) - 2)))
    zero = r.value(0.0)
    return r.binary("Add", r.binary("Max", x, zero), r.binary("Mul", r.binary("Min", x, zero), slope))


def softmax(r: Rewriter, node: Node) -> str:
    """Soft-max over one axis; before opset 13 over all axes from `axis` on."""
    x = node.inputs[0]
    return r.softmax(x, _softmax_axes(r, node))


def log_softmax(r: Rewriter, node: Node) -> str:
    """x - max - log(sum(exp(x - max)))."""
    x = node.inputs[0]
    axes = _softmax_axes(r, node)
    r.wide = True
    shifted = r.binary("Sub", x, r.reduce("ReduceMax", x, axes))
    return r.binary("Sub", shifted, r.unary("Log", r.reduce("ReduceSum", r.unary("Exp", shifted), axes)))


def _softmax_axes(r: Rewriter, node: Node) -> list[int]:
    rank = r.rank(node.inputs[0])
    if r.opset < 13:
        return list(range(node.attributes.get("axis", 1) % rank, rank))
    return [node.attributes.get("axis", -1) % rank]


def reduction(r: Rewriter, node: Node) -> str:
    """All reductions in terms of ReduceSum, ReduceMean, ReduceMax and ReduceMin."""
    x = node.inputs[0]
    rank = r.rank(x)
    axes = node.attributes.get("axes")
    if node.input(1):
        axes = tuple(int(axis) for axis in r.need(node, 1, "the axes").ravel())
    if not axes:
        if node.attributes.get("noop_with_empty_axes", 0):
            return x
        axes = tuple(range(rank))
    keep = bool(node.attributes.get("keepdims", 1))
    match node.op:
        case "ReduceL1":
            return r.reduce("ReduceSum", r.unary("Abs", x), axes, keep)
        case "ReduceL2":
            return r.unary("Sqrt", r.reduce("ReduceSum", r.binary("Mul", x, x), axes, keep))
        case "ReduceSumSquare":
            return r.reduce("ReduceSum", r.binary("Mul", x, x), axes, keep)
        case "ReduceLogSum":
            return r.unary("Log", r.reduce("ReduceSum", x, axes, keep))
        case "ReduceLogSumExp":
            r.wide = True
            top = r.reduce("ReduceMax", x, axes)
            total = r.reduce("ReduceSum", r.unary("Exp", r.binary("Sub", x, top)), axes)
            return r.reshape(r.binary("Add", top, r.unary("Log", total)), r.shape(node.output))
        case "ReduceProd":
            return _product(r, x, axes, r.shape(node.output))
        case _:
            return r.reduce(node.op, x, axes, keep)


def _product(r: Rewriter, x: str, axes: tuple[int, ...], shape: tuple[int, ...]) -> str:
    for axis in axes:
        parts = [r.part(x, axis, index, 1) for index in range(r.shape(x)[axis])]
        x = parts[0]
        for part in parts[1:]:
            x = r.binary("Mul", x, part)
    return r.reshape(x, shape)


def cast(r: Rewriter, node: Node) -> str:
    """Float to float is nothing; other casts stay, booleans of numbers become comparisons."""
    x = node.inputs[0]
    have, want = r.types[x], r.types[node.output]
    if (have.is_float and want.is_float) or have.dtype == want.dtype:
        return x
    if want.dtype == BOOL:
        zero = r.value(0, have.dtype)
        return r.emit("Not", (r.compare("Equal", x, zero),), BOOL, have.shape)
    if want.dtype.kind not in "fiu":
        raise UnsupportedModel(node.op, node.name, f"casts to {want.dtype}; keep numbers as numbers")
    return r.emit("Cast", (x,), want.dtype, want.shape, to=7 if want.dtype == INT else _code(want.dtype.name))


def _code(name: str) -> int:
    return {
        "float32": 1,
        "uint8": 2,
        "int8": 3,
        "uint16": 4,
        "int16": 5,
        "int32": 6,
        "uint32": 12,
        "uint64": 13,
    }[name]


def arg_extreme(r: Rewriter, node: Node) -> str:
    """ArgMax or ArgMin along its axis."""
    keep = bool(node.attributes.get("keepdims", 1))
    last = bool(node.attributes.get("select_last_index", 0))
    return r.argmax(node.inputs[0], node.attributes.get("axis", 0), keep, node.op, last)


def trilu(r: Rewriter, node: Node) -> str:
    """Upper or lower triangle by a constant mask."""
    x = node.inputs[0]
    offset = int(r.need(node, 1, "the diagonal").reshape(())) if node.input(1) else 0
    ones = np.ones(r.shape(x)[-2:], dtype=np.float32)
    mask = np.triu(ones, offset) if node.attributes.get("upper", 1) else np.tril(ones, offset)
    return r.binary("Mul", x, r.value(mask, r.types[x].dtype))


def hardmax(r: Rewriter, node: Node) -> str:
    """One at the first greatest element, zero elsewhere."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", -1 if r.opset >= 13 else 1) % r.rank(x)
    best = r.argmax(x, axis, keepdims=True)
    spread = [r.shape(x)[axis] if at == axis else 1 for at in range(r.rank(x))]
    places = r.value(np.arange(spread[axis]).reshape(spread), INT)
    return r.cast(r.compare("Equal", best, places), r.types[x].dtype)
