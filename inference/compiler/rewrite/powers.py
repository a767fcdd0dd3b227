"""Pow: products and roots for constant exponents, logarithm and exponential for computed ones."""

import numpy as np

from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import FLOAT, INT, Rewriter

_EXPONENT_BITS = 5
"""Bits of a computed whole exponent of an integer: 2^31 already fills what integers are held in."""

_LEAST = 1e-30
"""Stands for zero under a logarithm."""


def power(r: Rewriter, node: Node) -> str:
    """Pow of reals and integers; the result has the base's type."""
    x = node.inputs[0]
    exponent = r.known(node.inputs[1])
    if exponent is not None and np.unique(exponent).size == 1:
        number = float(np.ravel(exponent)[0])
        if r.is_float(x) or (number == int(number) and 0 <= number <= 8):
            made = np.broadcast_shapes(r.shape(x), exponent.shape)
            return r.expand(_constant_power(r, x, number), made)
    r.wide = True
    if r.is_float(x):
        return _real_power(r, x, r.cast(node.inputs[1], FLOAT))
    return _whole_power(r, node)


def _constant_power(r: Rewriter, x: str, number: float) -> str:
    if number == int(number) and 1 <= abs(number) <= 8:
        result = x
        for _ in range(int(abs(number)) - 1):
            result = r.binary("Mul", result, x)
        return result if number > 0 else r.unary("Reciprocal", result)
    if number == 0:
        return r.expand(r.value(1, r.types[x].dtype), r.shape(x))
    if abs(number) == 0.5:
        root = r.unary("Sqrt", x)
        return root if number > 0 else r.unary("Reciprocal", root)
    r.wide = True
    return r.unary("Exp", r.scaled(r.unary("Log", x), number))


def _real_power(r: Rewriter, x: str, exponent: str) -> str:
    """exp(e log |x|), negative for a negative x and an odd e."""
    size = r.binary("Max", r.unary("Abs", x), r.value(_LEAST))
    result = r.unary("Exp", r.binary("Mul", r.unary("Log", size), exponent))
    half = r.scaled(exponent, 0.5)
    rest = r.binary("Sub", half, r.unary("Floor", half))
    odd = r.compare("And", r.compare("Greater", rest, r.value(0.25)), r.compare("Less", rest, r.value(0.75)))
    negative = r.compare("And", r.compare("Less", x, r.value(0.0)), odd)
    return r.where(negative, r.unary("Neg", result), result)


def _whole_power(r: Rewriter, node: Node) -> str:
    """An integer to a computed power: squares for the whole part of the exponent, so it is exact."""
    x, exponent = r.cast(node.inputs[0], INT), node.inputs[1]
    whole = exponent if not r.is_float(exponent) else r.unary("Floor", exponent)
    index = r.binary("Min", r.cast(whole, INT), r.value(2**_EXPONENT_BITS - 1, INT))
    one = r.value(1, INT)
    result, square = one, x
    for bit in range(_EXPONENT_BITS):
        weight = r.value(1 << bit, INT)
        marked = r.emit("BitwiseAnd", (index, weight), INT, r.shape(index))
        result = r.binary("Mul", result, r.where(r.compare("Equal", marked, weight), square, one))
        square = r.binary("Mul", square, square)
    if r.is_float(exponent):
        logarithm = r.unary("Log", r.binary("Max", r.cast(x, FLOAT), r.value(_LEAST)))
        rest = r.unary("Exp", r.binary("Mul", logarithm, r.binary("Sub", exponent, whole)))
        result = r.cast(r.binary("Mul", r.cast(result, FLOAT), rest), INT)
    return r.cast(result, r.types[node.output].dtype)
