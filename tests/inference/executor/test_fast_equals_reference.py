"""Whatever the program and the input, the fast executor gives the reference's bits, and ranges hold."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.executor import FastExecutor, run_reference
from inference.executor.plan import SessionStep
from inference.executor.reference import evaluate
from inference.ir.artifact import decode_program, encode_program
from inference.verifier import verify
from tests.inference.programs import random_input, random_program

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=250, deadline=None)
@given(SEEDS)
def test_every_random_program_gives_equal_bits_on_both_executors_single_and_batched(seed: int) -> None:
    program = verify(random_program(seed))
    rng = np.random.default_rng(seed)
    calls = [[random_input(s, kind, rng).astype(s.dtype.numpy) for s in program.inputs] for kind in range(5)]
    expected = [run_reference(program, [x.astype(np.int64) for x in call]) for call in calls]
    fast = FastExecutor(program)
    for found in ([fast.run(call) for call in calls], fast.run_many(calls)):
        for ys, wanted in zip(found, expected, strict=True):
            for y, w, spec in zip(ys, wanted, program.outputs, strict=True):
                assert y.dtype == spec.dtype.numpy
                assert y.shape == spec.shape
                np.testing.assert_array_equal(y, w)
    assert fast.degraded is None


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_no_value_leaves_the_interval_that_was_proved_for_it(seed: int) -> None:
    program = verify(random_program(seed))
    rng = np.random.default_rng(seed)
    source = program.program
    for kind in range(4):
        values = [random_input(s, kind, rng) for s in program.inputs]
        values.extend(c.array().astype(np.int64) for c in source.constants)
        for node in source.nodes:
            values.append(evaluate(node.op, [values[o] for o in node.operands]))
            interval, type_ = program.intervals[len(values) - 1], program.types[len(values) - 1]
            assert values[-1].shape == type_.shape
            assert type_.dtype.low <= interval.low <= int(values[-1].min())
            assert int(values[-1].max()) <= interval.high <= type_.dtype.high


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_every_program_survives_its_own_bytes(seed: int) -> None:
    program = random_program(seed)
    data = encode_program(program)
    assert decode_program(data) == program
    assert encode_program(decode_program(data)) == data


def test_disabling_every_kernel_still_gives_the_same_bits() -> None:
    from inference.executor.lowering import KERNELS

    for seed in range(25):
        program = verify(random_program(seed))
        rng = np.random.default_rng(seed)
        call = [random_input(s, 3, rng).astype(s.dtype.numpy) for s in program.inputs]
        plain = FastExecutor(program, disabled=KERNELS)
        assert not any(isinstance(step, SessionStep) for step in plain.steps)
        for y, w in zip(plain.run(call), FastExecutor(program).run(call), strict=True):
            np.testing.assert_array_equal(y, w)
