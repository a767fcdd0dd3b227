"""Square roots in a session: the definition's bits for arguments of every length, on and beside squares."""

import numpy as np
import pytest

from inference.executor import FastExecutor, run_reference
from inference.executor.plan import NumpyStep
from inference.ir import ops
from inference.ir.builder import ProgramBuilder
from inference.ir.types import DType
from inference.verifier import VerifiedProgram, verify


def rooting(in_bits: int, out_bits: int, elements: int = 1_500, low: int = -5) -> VerifiedProgram:
    b = ProgramBuilder()
    clipped = ops.Rescale(0, 1, ops.Requantize.to(DType.I32, 0, 0, low, 2**31 - 1))
    x = b.emit(clipped, b.input("x", DType.I32, (1, elements)))
    root = ops.Function(ops.FunctionKind.SQRT, 0, in_bits, out_bits, ops.Requantize.to(DType.I32, 0, 3))
    b.output(b.emit(root, x), "y")
    return verify(b.build())


@pytest.mark.parametrize("in_bits", [0, 1, 14, 21, 30])
@pytest.mark.parametrize("out_bits", [0, 5, 15, 22])
@pytest.mark.parametrize("low", [-5, 1])
def test_a_root_in_a_session_is_the_definitions(in_bits: int, out_bits: int, low: int) -> None:
    program = rooting(in_bits, out_bits, low=low)
    executor = FastExecutor(program)
    assert not any(isinstance(step, NumpyStep) for step in executor.steps)
    draw = np.random.default_rng([in_bits, out_bits])
    roots = draw.integers(0, 46_341, 350)
    lengths = np.exp2(draw.uniform(0, 31, 450)).astype(np.int64)
    x = np.concatenate([roots**2 - 1, roots**2, roots**2 + 1, lengths])[None]
    (found,) = executor.run([x.astype(np.int32)])
    (wanted,) = run_reference(program, [x])
    np.testing.assert_array_equal(found, wanted)


def test_many_roots_and_roots_beyond_32_bits_stay_in_numpy() -> None:
    for program in (rooting(21, 22, 5_000), rooting(0, 30)):
        assert any(isinstance(step, NumpyStep) for step in FastExecutor(program).steps)
