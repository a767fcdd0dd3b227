"""The normative executor: every operation as its equation in the README says, in 64-bit integers."""

from collections.abc import Sequence

import numpy as np

from inference.executor.arithmetic import clip_sum, divide, requantize
from inference.executor.functions import apply_function
from inference.executor.movement import move
from inference.executor.trees import leaf_sums
from inference.executor.windows import convolve, greatest, window_sums
from inference.ir import ops
from inference.ir.types import Integers
from inference.verifier import VerifiedProgram


def run_reference(program: VerifiedProgram, inputs: Sequence[Integers]) -> tuple[Integers, ...]:
    """The outputs of a verified program for inputs within their dtypes, in declared order."""
    source = program.program
    values: list[Integers | None] = [x.astype(np.int64) for x in inputs]
    values.extend(c.array().astype(np.int64) for c in source.constants)
    last = {operand: i for i, node in enumerate(source.nodes) for operand in node.operands}
    last.update(dict.fromkeys((o.value for o in source.outputs), len(source.nodes)))
    for i, node in enumerate(source.nodes):
        operands = [v for v in (values[o] for o in node.operands) if v is not None]
        values.append(evaluate(node.op, operands))
        for o in node.operands:
            if last[o] == i:
                values[o] = None
    return tuple(v for v in (values[o.value] for o in source.outputs) if v is not None)


def evaluate(op: ops.Op, operands: Sequence[Integers]) -> Integers:
    """One operation on 64-bit arrays."""
    x = operands[0]
    match op:
        case ops.Conv(out=out):
            acc = convolve(op, x, operands[1])
            if len(operands) == 3:
                acc = acc + operands[2].reshape(-1, *[1] * (acc.ndim - 2))
            return requantize(acc, out, 1)
        case ops.MatMul(out=out):
            acc = np.matmul(x - op.a_zero, operands[1] - op.b_zero)
            return requantize(acc + operands[2] if len(operands) == 3 else acc, out, -1)
        case ops.Add(out=out):
            a, b = (x - op.a_zero) * op.a_multiplier, (operands[1] - op.b_zero) * op.b_multiplier
            return requantize(a + b, out)
        case ops.Mul(out=out):
            return requantize((x - op.a_zero) * (operands[1] - op.b_zero), out)
        case ops.Rescale(out=out):
            return requantize((x - op.x_zero) * op.multiplier, out)
        case ops.Div(out=out):
            return quotient(op, x, operands[1])
        case ops.Function(out=out):
            return clip_sum(apply_function(op.kind, x - op.x_zero, op.in_bits, op.out_bits), out)
        case ops.Trees(out=out):
            return requantize(leaf_sums(x, operands[1:]), out)
        case ops.ReduceSum(out=out):
            total = (x - op.x_zero).sum(axis=op.axes, keepdims=op.keepdims, dtype=np.int64) * op.multiplier
            return clip_sum(divide(np.asarray(total), op.divisor << out.shift[0]), out)
        case ops.AveragePool(out=out):
            sums, counts = window_sums(op, x)
            divisor = np.full_like(counts, op.divisor) if op.divisor else counts
            return clip_sum(divide(sums * op.multiplier, divisor << out.shift[0]), out)
        case ops.MaxPool():
            return greatest(op, x)
        case ops.Lookup(base=base):
            return operands[1][np.clip(x - base, 0, len(operands[1]) - 1)]
        case _:
            return move(op, operands)


def quotient(op: ops.Div, a: Integers, b: Integers) -> Integers:
    """E7."""
    dividend, divisor = np.broadcast_arrays((a - op.a_zero) << np.int64(op.a_shift), b - op.b_zero)
    negative = divisor < 0
    over, under = np.where(negative, -dividend, dividend), np.where(divisor == 0, 1, np.abs(divisor))
    match op.rounding:
        case ops.Rounding.HALF_EVEN:
            value = divide(over, under)
        case ops.Rounding.FLOOR:
            value = over // under
        case ops.Rounding.TRUNCATE:
            value = np.sign(over) * (np.abs(over) // under)
    by_zero = np.where(dividend > 0, op.out.high, op.out.low)
    saturated = np.where((divisor == 0) & (dividend != 0), by_zero, clip_sum(value, op.out))
    return np.asarray(saturated, np.int64)
