"""Verification is counted while it goes on: few bytes that cause much work are refused before the work."""

from collections.abc import Callable
from dataclasses import replace

import msgpack
import numpy as np
import pytest

from inference.ir import ArtifactFault, DType, InvalidArtifact, Requantize, ops
from inference.ir.artifact import decode_program, encode_program
from inference.ir.builder import ProgramBuilder
from inference.ir.limits import STRUCTURE_TIME, Limits
from inference.ir.program import Program
from inference.verifier import verify, verify_bytes
from inference.verifier.effort import (
    CHANNEL_TIME,
    CONSTANT_TIME,
    ELEMENT_TIME,
    NODE_TIME,
    OPERAND_TIME,
    Effort,
)

SECOND = 10**12
LIMITS = Limits(verification_time=SECOND)


def chain_of_products(count: int, zeros: Callable[[int], int]) -> Program:
    """`count` products with one shared square of weights, whose zero points `zeros` gives."""
    b = ProgramBuilder()
    y = b.input("x", DType.U8, (1, 64))
    weights = b.constant(np.ones((64, 64), np.int64), DType.I8)
    for number in range(count):
        y = b.emit(ops.MatMul(0, zeros(number), Requantize.to(DType.U8, 20)), y, weights)
    b.output(y, "y")
    return b.build()


def forest(trees: int, width: int) -> Program:
    """Trees that are one leaf each, all the same leaf; a last one has a split."""
    b = ProgramBuilder()
    x = b.input("x", DType.I32, (1, 1))

    def constant(values: object) -> int:
        return b.constant(np.asarray(values, np.int64), DType.I32)

    tables = [constant(values) for values in ([-1] * trees + [0], [0], [0], [-1], [-1], np.ones((1, width)))]
    b.output(b.emit(ops.Trees(Requantize.to(DType.I64)), x, *tables), "y")
    return b.build()


def refused(program: Program) -> InvalidArtifact:
    with pytest.raises(InvalidArtifact) as caught:
        verify(program, LIMITS)
    return caught.value


def test_the_count_is_the_sum_of_the_steps_and_the_bound_itself_is_allowed() -> None:
    effort = Effort(10)
    effort.charge(2, 5)
    assert effort.spent == 10
    with pytest.raises(InvalidArtifact) as caught:
        effort.charge(1, 1)
    assert caught.value.reason is ArtifactFault.LIMIT


def test_a_program_is_counted_by_its_parts() -> None:
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, 3))
    weights = b.constant(np.ones((3, 2), np.int64), DType.I8)
    b.output(b.emit(ops.MatMul(0, 0, Requantize.to(DType.I32)), x, weights), "y")
    program = b.build()
    expected = NODE_TIME + 2 * OPERAND_TIME + CONSTANT_TIME + 2 * CHANNEL_TIME + 2 * 6 * ELEMENT_TIME
    assert verify(program).effort == expected
    data = encode_program(program)
    assert verify_bytes(data)[1].effort == expected + (len(data) - 6) * STRUCTURE_TIME
    with pytest.raises(InvalidArtifact):
        verify(program, replace(LIMITS, verification_time=expected - 1))
    verify(program, replace(LIMITS, verification_time=expected))


def test_weights_that_an_unrolled_network_uses_often_are_looked_at_once() -> None:
    once, often = (verify(chain_of_products(n, lambda _: 0)).effort for n in (1, 101))
    assert often - once == 100 * (NODE_TIME + 2 * OPERAND_TIME + 64 * CHANNEL_TIME)


def test_weights_that_every_operation_reads_another_way_are_paid_each_time() -> None:
    once, often = (verify(chain_of_products(n, lambda i: i % 100)).effort for n in (1, 101))
    assert often - once == 100 * (NODE_TIME + 2 * OPERAND_TIME + 64 * CHANNEL_TIME) + 99 * 4096 * ELEMENT_TIME


def test_a_forest_of_a_few_kilobytes_that_would_fill_the_memory_is_refused() -> None:
    """Ten thousand trees times ten thousand classes: 0.8 GB for each bound, from 80 kB."""
    assert refused(forest(10_000, 10_000)).reason is ArtifactFault.LIMIT
    verify(forest(1_000, 100), LIMITS)


def test_many_operations_are_refused_before_any_is_checked() -> None:
    b = ProgramBuilder()
    y = b.input("x", DType.U8, (1,))
    for _ in range(LIMITS.operations):
        y = b.emit(ops.Reshape((1,)), y)
    b.output(y, "y")
    assert refused(b.build()).reason is ArtifactFault.LIMIT


def test_bytes_that_are_all_structure_are_refused_before_they_are_read() -> None:
    nodes = [[ops.Concat.code, [0] * 60_000, 0]] * 50
    junk = msgpack.packb({0: 1, 1: 1, 2: [], 3: [], 4: nodes, 5: [], 6: []})
    with pytest.raises(InvalidArtifact) as caught:
        decode_program(junk, LIMITS)
    assert caught.value.reason is ArtifactFault.LIMIT
    for odd in ([], {3: 1}, {3: [1, [], [1, 2, 3]]}):
        with pytest.raises(InvalidArtifact) as caught:
            decode_program(msgpack.packb(odd), LIMITS)
        assert caught.value.reason is ArtifactFault.MALFORMED
