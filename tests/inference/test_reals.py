"""Reals that become integers inside a session: the same integers, outputs and counts as by the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.boundary import find_ends, quantize
from inference.executor import FastExecutor
from inference.ir import ops
from inference.ir.artifact import encode_program
from inference.ir.builder import ProgramBuilder
from inference.ir.errors import InvalidInput
from inference.ir.types import DType, Quantization, TensorSpec, TensorType
from inference.model import Model, load

STEPS = (
    Quantization(1, 32, 128),
    Quantization(3, 100, 5),
    Quantization(749654085, 47805024032, 100),
    Quantization(1, 1 << 20),
    Quantization(7, 1000, 99),
    Quantization(),
)


def turning(dtype: DType, quantization: Quantization) -> Model:
    b = ProgramBuilder()
    x = b.input("x", dtype, (1, 40), quantization)
    b.output(b.emit(ops.Slice((0, 39), (1, 40), (1, -1)), x), "turned", quantization)
    b.output(b.emit(ops.MinMax(ops.Extreme.MIN), x, b.constant(np.array(100), dtype)), "least")
    return load(encode_program(b.build()))


MODELS = {(d, q): turning(d, q) for d in (DType.U8, DType.I16, DType.I32, DType.I64) for q in STEPS}


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(MODELS, key=str)),
    st.lists(st.floats(-1.25, 1.25, width=32), min_size=40, max_size=40),
    st.sampled_from([1.0, 100.0, 40_000.0, 3e9]),
    st.booleans(),
)
def test_reals_in_a_session_give_what_the_definition_gives(
    key: tuple[DType, Quantization], drawn: list[float], reach: float, ties: bool
) -> None:
    model, (spec,) = MODELS[key], MODELS[key].inputs
    q = spec.quantization
    reals = np.array([drawn]) * reach
    if ties:
        reals = (np.floor(reals) + 0.5) * q.numerator / q.denominator
    real = reals.astype(np.float32)
    before = real.copy()
    found = model.run({"x": real})
    integers, saturated = quantize(spec, before)
    by_reference = model.run({"x": before.astype(np.float64)}, "reference")
    for name, y in found.items():
        np.testing.assert_array_equal(y, by_reference[name])
        assert y.dtype == by_reference[name].dtype
    real[:] = 0
    assert found.saturated == by_reference.saturated == {"x": saturated}
    np.testing.assert_array_equal(model.run_quantized({"x": integers})["turned"], integers[:, ::-1])


def test_the_session_takes_reals_and_none_does_where_the_kernel_is_disabled() -> None:
    model = MODELS[DType.U8, STEPS[0]]
    real = np.ones((1, 40), np.float32)
    assert model.fast.run_reals([real]) is not None
    assert FastExecutor(model.program, disabled={"entry"}).run_reals([real]) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_single_real_that_is_no_number_is_refused(bad: float) -> None:
    real = np.zeros((1, 40), np.float32)
    real[0, 17] = bad
    with pytest.raises(InvalidInput, match="NaN or infinity"):
        MODELS[DType.U8, STEPS[0]].run({"x": real})


@pytest.mark.parametrize("quantization", STEPS)
def test_the_ends_are_inside_and_their_neighbours_are_not(quantization: Quantization) -> None:
    spec = TensorSpec("x", TensorType(DType.I16, (1, 1)), quantization)
    ends = find_ends(spec)
    assert ends is not None
    for end, outwards in zip(ends[:2], (-np.inf, np.inf), strict=True):
        assert quantize(spec, np.array([[end]]))[1] == 0
        beyond = np.float32(end)
        for _ in range(3):
            beyond = np.nextafter(beyond, np.float32(outwards))
        assert quantize(spec, np.array([[beyond]]))[1] == 1


def test_a_session_that_breaks_with_reals_leaves_the_call_to_the_one_for_integers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Failing:
        def run(self, *_: object) -> None:
            raise RuntimeError("out of arena")

    model = turning(DType.U8, STEPS[0])
    names, wanted, order, _ = model.fast._entered or ([], [], [], None)
    monkeypatch.setitem(model.fast.__dict__, "_entered", (names, wanted, order, Failing()))
    real = np.full((1, 40), 0.5, np.float32)
    np.testing.assert_array_equal(model.run({"x": real})["turned"], 0.5)
    assert model.fast.run_reals([real]) is None
