"""Activations and rare functions spelled out in exp, log, tanh, atan and arithmetic.

On bytes this costs nothing, because a whole pointwise region becomes one table; in wider tiers it needs no
new function.
"""

from math import pi

from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import Rewriter


def _affine(r: Rewriter, x: str, factor: float, offset: float) -> str:
    return r.binary("Add", r.scaled(x, factor), r.value(offset))


def _clamped(r: Rewriter, x: str, low: float, high: float) -> str:
    return r.binary("Min", r.binary("Max", x, r.value(low)), r.value(high))


def _exponential_unit(r: Rewriter, x: str, alpha: float, width: float) -> str:
    """max(x, 0) + alpha (exp(min(x, 0) / width) - 1)."""
    zero = r.value(0.0)
    power = r.unary("Exp", r.scaled(r.binary("Min", x, zero), 1 / width))
    return r.binary("Add", r.binary("Max", x, zero), _affine(r, power, alpha, -alpha))


def elu(r: Rewriter, node: Node) -> str:
    """Elu."""
    return _exponential_unit(r, node.inputs[0], node.attributes.get("alpha", 1.0), 1.0)


def celu(r: Rewriter, node: Node) -> str:
    """Celu: as Elu, but smooth at zero for every alpha."""
    alpha = node.attributes.get("alpha", 1.0)
    return _exponential_unit(r, node.inputs[0], alpha, alpha)


def selu(r: Rewriter, node: Node) -> str:
    """Selu."""
    alpha = node.attributes.get("alpha", 1.6732632423543772)
    unit = _exponential_unit(r, node.inputs[0], alpha, 1.0)
    return r.scaled(unit, node.attributes.get("gamma", 1.0507009873554805))


def leaky_relu(r: Rewriter, node: Node) -> str:
    """max(x, 0) + alpha min(x, 0)."""
    x, zero = node.inputs[0], r.value(0.0)
    negative = r.scaled(r.binary("Min", x, zero), node.attributes.get("alpha", 0.01))
    return r.binary("Add", r.binary("Max", x, zero), negative)


def hard_sigmoid(r: Rewriter, node: Node) -> str:
    """alpha x + beta between 0 and 1."""
    slope, offset = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    return _clamped(r, _affine(r, node.inputs[0], slope, offset), 0.0, 1.0)


def hard_swish(r: Rewriter, node: Node) -> str:
    """x times its hard sigmoid of slope 1/6."""
    x = node.inputs[0]
    return r.binary("Mul", x, _clamped(r, _affine(r, x, 1 / 6, 0.5), 0.0, 1.0))


def swish(r: Rewriter, node: Node) -> str:
    """x sigmoid(alpha x)."""
    x = node.inputs[0]
    return r.binary("Mul", x, r.unary("Sigmoid", r.scaled(x, node.attributes.get("alpha", 1.0))))


def mish(r: Rewriter, node: Node) -> str:
    """x tanh(softplus(x))."""
    x = node.inputs[0]
    return r.binary("Mul", x, r.unary("Tanh", r.unary("Softplus", x)))


def softsign(r: Rewriter, node: Node) -> str:
    """x / (1 + |x|)."""
    x = node.inputs[0]
    return r.binary("Div", x, _affine(r, r.unary("Abs", x), 1.0, 1.0))


def thresholded_relu(r: Rewriter, node: Node) -> str:
    """x above alpha, else 0."""
    x = node.inputs[0]
    beyond = r.compare("Greater", x, r.value(node.attributes.get("alpha", 1.0)))
    return r.where(beyond, x, r.value(0.0))


def shrink(r: Rewriter, node: Node) -> str:
    """x moved towards zero by bias outside [-lambd, lambd], 0 inside."""
    x = node.inputs[0]
    bound, bias = node.attributes.get("lambd", 0.5), node.attributes.get("bias", 0.0)
    below = r.where(r.compare("Less", x, r.value(-bound)), _affine(r, x, 1.0, bias), r.value(0.0))
    return r.where(r.compare("Greater", x, r.value(bound)), _affine(r, x, 1.0, -bias), below)


def tangent(r: Rewriter, node: Node) -> str:
    """sin / cos."""
    x = node.inputs[0]
    r.wide = True
    return r.binary("Div", r.unary("Sin", x), r.unary("Cos", x))


def hyperbolic(r: Rewriter, node: Node) -> str:
    """Sinh and Cosh from two exponentials."""
    x = node.inputs[0]
    r.wide = True
    pair = (r.unary("Exp", x), r.unary("Exp", r.unary("Neg", x)))
    return r.scaled(r.binary("Sub" if node.op == "Sinh" else "Add", *pair), 0.5)


def inverse_sine(r: Rewriter, node: Node) -> str:
    """Asin as atan(x / sqrt(1 - x^2)), Acos as pi / 2 less that."""
    x = node.inputs[0]
    r.wide = True
    root = r.unary("Sqrt", _affine(r, r.binary("Mul", x, x), -1.0, 1.0))
    sine = r.unary("Atan", r.binary("Div", x, root))
    return sine if node.op == "Asin" else _affine(r, sine, -1.0, pi / 2)


def inverse_hyperbolic(r: Rewriter, node: Node) -> str:
    """Asinh, Acosh and Atanh by their logarithms."""
    x = node.inputs[0]
    r.wide = True
    if node.op == "Atanh":
        ratio = r.binary("Div", _affine(r, x, 1.0, 1.0), _affine(r, x, -1.0, 1.0))
        return r.scaled(r.unary("Log", ratio), 0.5)
    square = _affine(r, r.binary("Mul", x, x), 1.0, 1.0 if node.op == "Asinh" else -1.0)
    return r.unary("Log", r.binary("Add", x, r.unary("Sqrt", square)))
