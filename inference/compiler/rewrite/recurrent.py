"""LSTM, GRU and RNN unrolled: one matrix product for all inputs, then one small step per place of the
sequence.
"""

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Array, Node
from inference.compiler.rewrite.rewriter import Rewriter
from inference.compiler.rewrite.scatter import trailing_lengths

MAX_STEPS = 256
"""Places of a sequence: each adds some ten nodes to the program."""

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_DEFAULT = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}


def recurrent(r: Rewriter, node: Node) -> tuple[str, ...]:
    """Y [S, directions, N, H], Y_h and, for LSTM, Y_c; with layout 1 the batch stands first."""
    x = node.inputs[0]
    batch_first = bool(node.attributes.get("layout", 0))
    if batch_first:
        x = r.transpose(x, (1, 0, 2))
    steps, batch, _ = r.shape(x)
    if steps > MAX_STEPS:
        raise UnsupportedModel(node.op, node.name, f"sequences longer than {MAX_STEPS}; shorten the input")
    if "clip" in node.attributes:
        raise UnsupportedModel(node.op, node.name, "clipped cells; export without clip")
    direction = node.attributes.get("direction", "forward")
    ways = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[direction]
    made = [_run(r, node, x, way, back) for way, back in enumerate(ways)]
    sequence = r.concat([r.reshape(y, (steps, 1, batch, r.shape(y)[-1])) for y, _, _ in made], 1)
    hidden = r.concat([r.reshape(h, (1, *r.shape(h))) for _, h, _ in made], 0)
    results = [sequence, hidden]
    if node.op == "LSTM":
        results.append(r.concat([r.reshape(c, (1, *r.shape(c))) for _, _, c in made], 0))
    if batch_first:
        results = [
            r.transpose(results[0], (2, 0, 1, 3)),
            *(r.transpose(part, (1, 0, 2)) for part in results[1:]),
        ]
    return tuple(results[: len(node.outputs)])


def _run(r: Rewriter, node: Node, x: str, way: int, back: bool) -> tuple[str, str, str]:
    steps, batch, _ = r.shape(x)
    gates = _GATES[node.op]
    weight = r.need(node, 1, "the weights")[way]
    recurrence = r.need(node, 2, "the recurrence weights")[way]
    size = recurrence.shape[-1]
    bias = r.need(node, 3, "the bias")[way] if node.input(3) else np.zeros(2 * gates * size, np.float32)
    own, fed = bias[: gates * size], bias[gates * size :]
    separate = node.op == "GRU" and node.attributes.get("linear_before_reset", 0)
    if separate:
        own = np.concatenate([own[: 2 * size] + fed[: 2 * size], own[2 * size :]])
    elif node.op == "GRU":
        own, fed = own + fed, fed * 0
    else:
        own, fed = own + fed, fed * 0
    flat = r.reshape(x, (steps * batch, r.shape(x)[2]))
    inputs = r.binary("Add", r.matmul(flat, r.value(weight.T)), r.value(own))
    inputs = r.reshape(inputs, (steps, batch, gates * size))
    names = tuple(node.attributes.get("activations", ())) or _DEFAULT[node.op] * 2
    per_way = len(_DEFAULT[node.op])
    activations = names[way * per_way : (way + 1) * per_way]
    for name in activations:
        if name not in ("Sigmoid", "Tanh", "Relu"):
            raise UnsupportedModel(node.op, node.name, f"activation {name}; use Sigmoid, Tanh or Relu")
    hidden = _initial(r, node, 5, way, batch, size)
    cell = _initial(r, node, 6, way, batch, size) if node.op == "LSTM" else hidden
    matrix = recurrence.T
    zero = r.value(0.0)
    alive = _alive(r, node.input(4), steps)
    outputs: list[str] = [""] * steps
    for step in reversed(range(steps)) if back else range(steps):
        fresh = r.reshape(r.part(inputs, 0, step, 1), (batch, gates * size))
        before = (hidden, cell)
        if node.op == "LSTM":
            hidden, cell = _lstm(r, node, fresh, hidden, cell, matrix, way, activations)
        elif node.op == "GRU":
            hidden = _gru(r, fresh, hidden, matrix, fed if separate else None, activations)
        else:
            hidden = r.unary(activations[0], r.binary("Add", fresh, r.matmul(hidden, r.value(matrix))))
        shown = hidden
        if alive:
            shown = r.where(alive[step], hidden, zero)
            hidden = r.where(alive[step], hidden, before[0])
            cell = r.where(alive[step], cell, before[1])
        outputs[step] = r.reshape(shown, (1, batch, size))
    return r.concat(outputs, 0), hidden, cell


def _alive(r: Rewriter, lengths: str, steps: int) -> list[str]:
    """Per place of the sequence, which of the batch [N, 1] still reach it; nothing if all always do."""
    known = r.known(lengths) if lengths else None
    if not lengths or (known is not None and bool((known >= steps).all())):
        return []
    return trailing_lengths(r, lengths, steps)


def _initial(r: Rewriter, node: Node, index: int, way: int, batch: int, size: int) -> str:
    if not node.input(index):
        return r.value(np.zeros((batch, size)))
    state = node.input(index)
    if node.attributes.get("layout", 0):
        state = r.transpose(state, (1, 0, 2))
    known = r.known(state)
    if known is not None:
        return r.value(known[way])
    return r.reshape(r.part(state, 0, way, 1), (batch, size))


def _lstm(
    r: Rewriter,
    node: Node,
    fresh: str,
    hidden: str,
    cell: str,
    matrix: Array,
    way: int,
    activations: tuple[str, ...],
) -> tuple[str, str]:
    size = r.shape(cell)[-1]
    gates = r.binary("Add", fresh, r.matmul(hidden, r.value(matrix)))
    i, o, f, c = (r.part(gates, 1, index * size, size) for index in range(4))
    peephole = r.need(node, 7, "peepholes")[way].reshape(3, 1, size) if node.input(7) else None
    if peephole is not None:
        i = r.binary("Add", i, r.binary("Mul", cell, r.value(peephole[0])))
        f = r.binary("Add", f, r.binary("Mul", cell, r.value(peephole[2])))
    gate_in = r.unary(activations[0], i)
    if node.attributes.get("input_forget", 0):
        gate_forget = r.binary("Sub", r.value(1.0), gate_in)
    else:
        gate_forget = r.unary(activations[0], f)
    kept = r.binary("Mul", gate_forget, cell)
    cell = r.binary("Add", kept, r.binary("Mul", gate_in, r.unary(activations[1], c)))
    if peephole is not None:
        o = r.binary("Add", o, r.binary("Mul", cell, r.value(peephole[1])))
    return r.binary("Mul", r.unary(activations[0], o), r.unary(activations[2], cell)), cell


def _gru(
    r: Rewriter, fresh: str, hidden: str, matrix: Array, fed: Array | None, activations: tuple[str, ...]
) -> str:
    size = r.shape(hidden)[-1]
    both = r.binary("Add", r.part(fresh, 1, 0, 2 * size), r.matmul(hidden, r.value(matrix[:, : 2 * size])))
    z = r.unary(activations[0], r.part(both, 1, 0, size))
    reset = r.unary(activations[0], r.part(both, 1, size, size))
    last = r.part(fresh, 1, 2 * size, size)
    candidate = r.value(matrix[:, 2 * size :])
    if fed is None:
        inner = r.matmul(r.binary("Mul", reset, hidden), candidate)
    else:
        inner = r.binary("Mul", reset, r.binary("Add", r.matmul(hidden, candidate), r.value(fed[2 * size :])))
    new = r.unary(activations[1], r.binary("Add", last, inner))
    # h' = n + z (h - n): one product fewer than (1 - z) n + z h, and exact where h equals n.
    return r.binary("Add", new, r.binary("Mul", z, r.binary("Sub", hidden, new)))
