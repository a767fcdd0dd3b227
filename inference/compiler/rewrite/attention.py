"""Attention in matrix products and a soft-max that leaves masked places out instead of adding minus infinity.

Fixed point has no infinity, and a large negative number in its place would take the bits of the scores. So a
mask is a set of allowed places: the maximum, the exponentials and their sum run over those, and a row without
any gives zeros.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from inference.compiler.calibrate import MASKED
from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import BOOL, FLOAT, Rewriter

_NEVER = 10 * MASKED


@dataclass(frozen=True, slots=True)
class _Mask:
    """Places that count, as a truth value that broadcasts to the scores ('' for all), and what is added."""

    allowed: str
    bias: str
    empty_rows: bool


def attention(r: Rewriter, node: Node) -> tuple[str, ...]:
    """Attention: heads in rank 3 or 4, grouped queries, cache, masks, windows, soft cap."""
    attributes = node.attributes
    flat = r.rank(node.inputs[0]) == 3
    query, key, value = node.inputs[:3]
    if flat:
        query = _heads(r, query, attributes["q_num_heads"])
        key, value = (_heads(r, name, attributes["kv_num_heads"]) for name in (key, value))
    if node.input(4):
        key, value = r.concat((node.inputs[4], key), 2), r.concat((node.inputs[5], value), 2)
    present = (key, value)
    groups = r.shape(query)[1] // r.shape(key)[1]
    if groups > 1:
        spread = np.repeat(np.arange(r.shape(key)[1]), groups)
        key, value = r.gather(key, spread, 1), r.gather(value, spread, 1)
    scale = attributes.get("scale", 0.0) or 1 / sqrt(r.shape(query)[-1])
    scores = r.matmul(r.scaled(query, scale), r.transpose(key, (0, 1, 3, 2)))
    seen = [scores]
    cap = attributes.get("softcap", 0.0)
    if cap:
        scores = r.scaled(r.unary("Tanh", r.scaled(scores, 1 / cap)), cap)
    seen.append(scores)
    mask = _mask(r, node, r.shape(query)[2], r.shape(key)[2])
    if mask.bias:
        scores = r.binary("Add", scores, mask.bias)
    seen.append(r.where(mask.allowed, scores, r.value(_NEVER)) if mask.allowed else scores)
    shares = masked_softmax(r, scores, mask.allowed, mask.empty_rows)
    seen.append(shares)
    result = r.matmul(shares, value)
    if flat:
        batch, heads, length, width = r.shape(result)
        result = r.reshape(r.transpose(result, (0, 2, 1, 3)), (batch, length, heads * width))
    return (result, *present, seen[attributes.get("qk_matmul_output_mode", 0)])


def _heads(r: Rewriter, x: str, heads: int) -> str:
    batch, length, width = r.shape(x)
    return r.transpose(r.reshape(x, (batch, length, heads, width // heads)), (0, 2, 1, 3))


def masked_softmax(r: Rewriter, scores: str, allowed: str, empty_rows: bool) -> str:
    """Soft-max over the last axis of the allowed places ('' for all); zeros elsewhere."""
    if not allowed:
        return r.softmax(scores, (-1,))
    before, r.wide = r.wide, True
    zero = r.value(0.0)
    top = r.reduce("ReduceMax", r.where(allowed, scores, r.value(_NEVER)), (-1,))
    if empty_rows:
        some = r.compare("Greater", top, r.value(MASKED))
        top = r.where(some, top, zero)
    distance = r.where(allowed, r.binary("Sub", scores, top), zero)
    powers = r.where(allowed, r.unary("Exp", distance), zero)
    total = r.reduce("ReduceSum", powers, (-1,))
    # The greatest allowed place adds exactly one; only a row without any has less.
    result = r.binary("Div", powers, r.binary("Max", total, r.value(1.0)) if empty_rows else total)
    r.wide = before
    return result


def _mask(r: Rewriter, node: Node, queries: int, keys: int) -> _Mask:
    parts: list[str] = []
    fixed = np.ones((queries, keys), dtype=np.bool_)
    bias = ""
    given = node.input(3)
    empty_rows = False
    if given:
        if r.types[given].dtype == BOOL:
            parts.append(_padded(r, given, keys, 0.0))
            empty_rows = True
        else:
            width = r.shape(given)[-1]
            bias = _padded(r, given, keys, 0.0)
            fixed &= np.arange(keys) < width
            known = r.known(bias)
            if known is not None and bool((known <= MASKED).any()):
                parts.append(r.value(known > MASKED, BOOL))
                bias = r.value(np.where(known > MASKED, known, 0))
                empty_rows = True
    distance = np.arange(queries)[:, None] - np.arange(keys)[None, :]
    limits = _limits(node)
    lengths = node.input(6)
    if lengths:
        batch = r.shape(lengths)[0]
        filled = r.reshape(lengths, (batch, 1, 1, 1))
        # i + filled - queries - j bounded on both sides, and no key beyond the filled part of the cache.
        shifted = r.binary("Add", filled, r.value(distance - queries, r.types[filled].dtype))
        for op, bound in limits:
            parts.append(r.compare(op, shifted, r.value(bound, r.types[filled].dtype)))
        parts.append(r.compare("Less", r.value(np.arange(keys), r.types[filled].dtype), filled))
        empty_rows = True
    else:
        shifted_now = distance + (r.shape(node.inputs[4])[2] if node.input(4) else 0)
        for op, bound in limits:
            fixed &= shifted_now >= bound if op == "GreaterOrEqual" else shifted_now <= bound
    if not fixed.all():
        parts.append(r.value(fixed, BOOL))
        empty_rows = empty_rows or not bool(fixed.any(axis=1).all())
    allowed = parts[0] if parts else ""
    for part in parts[1:]:
        allowed = r.compare("And", allowed, part)
    return _Mask(allowed, bias, empty_rows or len(parts) > 1)


def _padded(r: Rewriter, mask: str, keys: int, value: float) -> str:
    """A mask over fewer keys than there are, continued."""
    missing = keys - r.shape(mask)[-1]
    if r.shape(mask)[-1] == 1 or not missing:
        return mask
    return r.pad(mask, [0] * r.rank(mask), [0] * (r.rank(mask) - 1) + [missing], value)


def _limits(node: Node) -> list[tuple[str, int]]:
    """Bounds on (place of the query - place of the key)."""
    limits: list[tuple[str, int]] = []
    right = 0 if node.attributes.get("is_causal", 0) else node.attributes.get("right_window_size", -1)
    left = node.attributes.get("left_window_size", -1)
    if right >= 0:
        limits.append(("GreaterOrEqual", -right))
    if left >= 0:
        limits.append(("LessOrEqual", left))
    return limits


def rotary_embedding(r: Rewriter, node: Node) -> str:
    """RotaryEmbedding: pairs of features turned by the angles of their place."""
    x, cosines, sines = node.inputs[:3]
    given = r.shape(x)
    if len(given) == 3:
        x = _heads(r, x, node.attributes["num_heads"])
    batch, _, length, size = r.shape(x)
    turned = node.attributes.get("rotary_embedding_dim", 0) or size
    half = turned // 2
    if node.input(3):
        cosines, sines = (
            r.emit("Gather", (cache, node.inputs[3]), FLOAT, (batch, length, half), axis=0)
            for cache in (cosines, sines)
        )
    spread = (batch, 1, length, half)
    cosines, sines = r.reshape(cosines, spread), r.reshape(sines, spread)
    if node.attributes.get("interleaved", 0):
        first, second = (r.gather(x, np.arange(start, turned, 2), -1) for start in (0, 1))
    else:
        first, second = r.part(x, -1, 0, half), r.part(x, -1, half, half)
    real = r.binary("Sub", r.binary("Mul", cosines, first), r.binary("Mul", sines, second))
    imaginary = r.binary("Add", r.binary("Mul", sines, first), r.binary("Mul", cosines, second))
    result = r.concat((real, imaginary), -1)
    if node.attributes.get("interleaved", 0):
        result = r.gather(result, np.arange(turned).reshape(2, half).T.ravel(), -1)
    if turned < size:
        result = r.concat((result, r.part(x, -1, turned, size - turned)), -1)
    if len(given) == 3:
        result = r.reshape(r.transpose(result, (0, 2, 1, 3)), given)
    return result


def linear_attention(r: Rewriter, node: Node) -> tuple[str, str]:
    """LinearAttention: a state per head, written and read once per place, unrolled."""
    attributes = node.attributes
    rule = attributes.get("update_rule", "gated_delta")
    queries, heads = attributes["q_num_heads"], attributes["kv_num_heads"]
    query, key, value = _heads(r, node.inputs[0], queries), *(_heads(r, x, heads) for x in node.inputs[1:3])
    batch, _, length, width = r.shape(key)
    depth = r.shape(value)[-1]
    scale = attributes.get("scale", 0.0) or 1 / sqrt(width)
    decay = _heads(r, node.inputs[4], heads) if node.input(4) else ""
    rate = _heads(r, node.inputs[5], r.shape(node.inputs[5])[-1]) if node.input(5) else ""
    if (rule in ("gated", "gated_delta")) != bool(decay) or ("delta" in rule) != bool(rate):
        raise UnsupportedModel(node.op, node.name, f"inputs that do not fit update_rule {rule}")
    state = node.input(3) or r.value(np.zeros((batch, heads, width, depth)))
    spread = np.repeat(np.arange(heads), queries // heads)
    factors = r.reshape(r.unary("Exp", decay), (*r.shape(decay), 1)) if decay else ""
    read: list[str] = []
    for place in range(length):
        column = r.transpose(r.part(key, 2, place, 1), (0, 1, 3, 2))
        row = r.part(value, 2, place, 1)
        if factors:
            now = r.part(factors, 2, place, 1)
            state = r.binary("Mul", state, r.reshape(now, (batch, heads, r.shape(decay)[-1], 1)))
        if rate:
            known = r.matmul(r.part(key, 2, place, 1), state)
            row = r.binary("Mul", r.part(rate, 2, place, 1), r.binary("Sub", row, known))
        state = r.binary("Add", state, r.binary("Mul", column, row))
        source = state if queries == heads else r.gather(state, spread, 1)
        read.append(r.matmul(r.scaled(r.part(query, 2, place, 1), scale), source))
    result = r.transpose(r.concat(read, 2), (0, 2, 1, 3))
    return r.reshape(result, (batch, length, queries * depth)), state


def causal_convolution(r: Rewriter, node: Node) -> tuple[str, str]:
    """CausalConvWithState: a depthwise convolution over the state and the new places."""
    x, weight = node.inputs[:2]
    _, channels, length = r.shape(x)
    reach = r.shape(weight)[2] - 1
    state = node.input(3)
    padded = r.concat((state, x), 2) if state else r.pad(x, (0, 0, reach), (0, 0, 0), 0.0)
    result = ""
    for place in range(reach + 1):
        # One product per tap: the weights may be computed, and a depthwise kernel is short.
        tap = r.reshape(r.gather(weight, place, 2), (channels, 1))
        term = r.binary("Mul", r.part(padded, 2, place, length), tap)
        result = r.binary("Add", result, term) if result else term
    if node.input(2):
        result = r.binary("Add", result, r.reshape(node.inputs[2], (channels, 1)))
    if node.attributes.get("activation", "none") in ("silu", "swish"):
        result = r.binary("Mul", result, r.unary("Sigmoid", result))
    if not reach:
        raise UnsupportedModel(node.op, node.name, "a kernel of one place, whose state is empty; use Mul")
    return result, r.part(padded, 2, length, reach)
