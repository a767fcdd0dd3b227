"""Integer operators: bits, shifts, remainders, running sums and products, determinants."""

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import Rewriter

MAX_RUNNING = 1_024
"""Places of an unrolled running product; each is one multiplication."""


def bitwise(r: Rewriter, node: Node) -> str:
    """BitwiseAnd, BitwiseOr, BitwiseXor; BitwiseNot as an exclusive or with all bits."""
    a = node.inputs[0]
    if node.op == "BitwiseNot":
        dtype = r.types[a].dtype
        ones = np.iinfo(dtype).max if dtype.kind == "u" else -1
        return _bitwise(r, "BitwiseXor", a, r.value(ones, dtype))
    return _bitwise(r, node.op, a, node.inputs[1])


def _bitwise(r: Rewriter, op: str, a: str, b: str) -> str:
    return r.emit(op, (a, b), r.types[a].dtype, np.broadcast_shapes(r.shape(a), r.shape(b)))


def shift(r: Rewriter, node: Node) -> str:
    """BitShift, kept: its integer form is a table of powers of two."""
    kind = r.types[node.output]
    return r.emit("BitShift", node.inputs, kind.dtype, kind.shape, direction=node.attributes["direction"])


def modulo(r: Rewriter, node: Node) -> str:
    """Mod: a remainder with the dividend's sign stays, one with the divisor's sign is made from it."""
    a, b = node.inputs[:2]
    kind = r.types[node.output]
    if node.attributes.get("fmod", 0) or not kind.is_float:
        return r.emit("Mod", (a, b), kind.dtype, kind.shape, fmod=node.attributes.get("fmod", 0))
    rest = r.emit("Mod", (a, b), kind.dtype, kind.shape, fmod=1)
    opposite = r.compare("Less", r.binary("Mul", r.unary("Sign", rest), r.unary("Sign", b)), r.value(0.0))
    return r.where(opposite, r.binary("Add", rest, b), rest)


def running(r: Rewriter, node: Node) -> str:
    """CumSum and CumProd: real sums as a product with a triangle, the rest unrolled."""
    x = node.inputs[0]
    axis = int(r.need(node, 1, "the axis").reshape(())) % r.rank(x)
    size = r.shape(x)[axis]
    exclusive, backward = (bool(node.attributes.get(key, 0)) for key in ("exclusive", "reverse"))
    if node.op == "CumSum" and r.is_float(x):
        triangle = np.triu(np.ones((size, size)), 1 if exclusive else 0)
        return r.along(x, axis, triangle.T if backward else triangle)
    if size > MAX_RUNNING:
        raise UnsupportedModel(node.op, node.name, f"more than {MAX_RUNNING} places; use a shorter axis")
    op, neutral = ("Add", 0) if node.op == "CumSum" else ("Mul", 1)
    parts = [r.part(x, axis, place, 1) for place in range(size)]
    held = r.expand(r.value(neutral, r.types[x].dtype), r.shape(parts[0])) if exclusive else ""
    made: dict[int, str] = {}
    for place in reversed(range(size)) if backward else range(size):
        if exclusive:
            made[place] = held
        held = r.binary(op, held, parts[place]) if held else parts[place]
        made.setdefault(place, held)
    return r.concat([made[place] for place in range(size)], axis)


def determinant(r: Rewriter, node: Node) -> str:
    """Det of small matrices by expansion along the first row."""
    x = node.inputs[0]
    size = r.shape(x)[-1]
    if size > 4:
        raise UnsupportedModel(node.op, node.name, "determinants above 4 x 4; compute them before the model")
    r.wide = True
    return r.reshape(_minor(r, x, list(range(size)), list(range(size))), r.shape(node.output))


def _minor(r: Rewriter, x: str, rows: list[int], columns: list[int]) -> str:
    row, rest = rows[0], rows[1:]
    result = ""
    for index, column in enumerate(columns):
        term = r.part(r.part(x, -2, row, 1), -1, column, 1)
        if rest:
            term = r.binary("Mul", term, _minor(r, x, rest, [other for other in columns if other != column]))
        result = r.binary("Sub" if index % 2 else "Add", result, term) if result else term
    return result
