"""Loading a model and running it through each of its doors."""

import numpy as np
import pytest

import inference
from inference import ArtifactFault, InputFault, InvalidArtifact, InvalidInput, ModelCache
from inference.ir import DType, Quantization, Requantize, ops
from inference.ir.artifact import artifact_id, encode_program
from inference.ir.builder import ProgramBuilder


def doubler(second: bool = False, scalar: bool = False) -> bytes:
    """y = 2 x with a tenth as quantum, and a label; optionally a second input and a scalar output."""
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, 3), Quantization(1, 10, 100))
    y = b.emit(ops.Rescale(100, 2, Requantize.to(DType.I16)), x)
    if second:
        y = b.emit(ops.Add(0, 0, 1, 1, Requantize.to(DType.I16)), y, b.input("bias", DType.I8, (1, 3)))
    b.output(y, "doubled", Quantization(1, 10, 0))
    b.output(b.emit(ops.ArgExtreme(ops.Extreme.MAX, 1, False, False), y), "label")
    if scalar:
        b.output(b.emit(ops.ReduceExtreme(ops.Extreme.MAX, (0, 1), False), y), "greatest")
    return encode_program(b.build({"labels": "a,b,c"}))


def refusal(model: inference.Model, **inputs: object) -> InputFault:
    with pytest.raises(InvalidInput) as caught:
        model.run(inputs)  # type: ignore[arg-type]
    return caught.value.reason


def test_a_model_knows_its_id_its_ports_and_its_cost() -> None:
    data = doubler()
    model = inference.load(data)
    assert model.id == artifact_id(data)
    assert [(s.name, str(s.type)) for s in model.inputs + model.outputs] == [
        ("x", "u8[1,3]"),
        ("doubled", "i16[1,3]"),
        ("label", "i32[1]"),
    ]
    assert model.cost > 0
    assert model.peak_memory > 0
    assert model.op_counts == {"ArgExtreme": 1, "Rescale": 1}
    assert model.metadata == {"labels": "a,b,c"}
    assert model.opset == 1


@pytest.mark.parametrize("executor", ["fast", "reference"])
def test_all_doors_lead_to_the_same_numbers(executor: inference.model.Executor) -> None:
    model = inference.load(doubler())
    real = model.run({"x": [[1.04, -2.0, 3.5]]}, executor=executor)
    np.testing.assert_allclose(real["doubled"], [[2.0, -4.0, 7.0]])
    assert real["label"].tolist() == [2]
    assert real["label"].dtype == np.int64
    assert real.saturated == {"x": 0}
    whole = model.run_quantized({"x": [[110, 80, 135]]}, executor=executor)
    assert whole["doubled"].tolist() == [[20, -40, 70]]
    assert whole["doubled"].dtype == np.int16
    raw = model.run_bytes((bytes([110, 80, 135]),), executor=executor)
    assert raw == (np.array([20, -40, 70], "<i2").tobytes(), np.array([2], "<i4").tobytes())
    assert model.run_bytes_many([(bytes([110, 80, 135]),)] * 3, executor=executor) == [raw] * 3


def test_values_outside_the_range_are_clipped_and_counted() -> None:
    found = inference.load(doubler()).run({"x": [[1e300, -1e300, 15.54]]})
    np.testing.assert_allclose(found["doubled"], [[31.0, -20.0, 31.0]])
    assert found.saturated == {"x": 2}


@pytest.mark.parametrize("executor", ["fast", "reference"])
def test_several_calls_may_lie_along_the_first_axis(executor: inference.model.Executor) -> None:
    model = inference.load(doubler(second=True))
    x, bias = np.arange(12).reshape(4, 3), np.ones((4, 3), int)
    found = model.run({"x": x, "bias": bias}, executor=executor)
    np.testing.assert_allclose(found["doubled"], 2.0 * x + 0.1)
    assert found["label"].shape == (4,)


def test_inputs_that_do_not_fit_are_refused_with_a_reason() -> None:
    model = inference.load(doubler())
    assert refusal(model, y=[[1, 2, 3]]) is InputFault.UNKNOWN_NAME
    assert refusal(model, x=[[1.0, 2, np.nan]]) is InputFault.NOT_FINITE
    assert refusal(model, x=[["a", "b", "c"]]) is InputFault.WRONG_DTYPE
    assert refusal(model, x=[[1.0, 2]]) is InputFault.WRONG_SHAPE
    assert refusal(model, x=1.0) is InputFault.WRONG_SHAPE
    assert refusal(model, x=np.zeros((0, 3))) is InputFault.WRONG_SHAPE
    pair = inference.load(doubler(second=True))
    assert refusal(pair, x=np.zeros((2, 3)), bias=np.zeros((3, 3))) is InputFault.WRONG_SHAPE
    assert refusal(inference.load(doubler(scalar=True)), x=np.zeros((2, 3))) is InputFault.WRONG_SHAPE
    for bad, reason in (([[1, 2, 256]], InputFault.OUT_OF_RANGE), ([[1.0, 2, 3]], InputFault.WRONG_DTYPE)):
        with pytest.raises(InvalidInput) as caught:
            model.run_quantized({"x": bad})
        assert caught.value.reason is reason
    for raw, reason in (((), InputFault.WRONG_COUNT), ((b"ab",), InputFault.WRONG_LENGTH)):
        with pytest.raises(InvalidInput) as caught:
            model.run_bytes(raw)
        assert caught.value.reason is reason


def test_integers_that_mean_themselves_pass_unchanged_and_wide_ones_saturate() -> None:
    b = ProgramBuilder()
    x = b.input("x", DType.I64, (2,))
    y = b.input("y", DType.I64, (2,), Quantization(1, 2, 0))
    b.output(b.emit(ops.Reshape((2,)), x), "x_out")
    b.output(b.emit(ops.Reshape((2,)), y), "y_out", Quantization(1, 2, 0))
    model = inference.load(encode_program(b.build()))
    big = (1 << 63) - 1
    found = model.run({"x": [big, -5], "y": [1e30, -1e30]})
    assert found["x_out"].tolist() == [big, -5]
    np.testing.assert_allclose(found["y_out"], [2.0**62, -(2.0**62)])
    assert found.saturated == {"x": 0, "y": 2}


def test_scalars_go_in_and_out() -> None:
    b = ProgramBuilder()
    b.output(b.emit(ops.Rescale(0, 2, Requantize.to(DType.I16)), b.input("x", DType.U8, ())), "y")
    model = inference.load(encode_program(b.build()))
    assert model.run({"x": 7})["y"].tolist() == 14
    assert model.run_quantized({"x": 7}, executor="reference")["y"].shape == ()


def test_bad_artifacts_are_refused_at_load() -> None:
    with pytest.raises(InvalidArtifact) as caught:
        inference.load(b"nonsense")
    assert caught.value.reason is ArtifactFault.MALFORMED
    with pytest.raises(InvalidArtifact) as caught:
        inference.load(doubler(), inference.Limits(artifact_bytes=3))
    assert caught.value.reason is ArtifactFault.TOO_LARGE


def test_a_cache_keeps_the_models_used_last_within_its_bytes() -> None:
    data = [doubler(), doubler(second=True), doubler(scalar=True)]
    ids = [artifact_id(d) for d in data]
    fetched: list[int] = []

    def fetch(i: int) -> inference.Model:
        def read() -> bytes:
            fetched.append(i)
            return data[i]

        return cache.get(ids[i], read)

    cache = ModelCache(capacity=(1 << 21) + (1 << 19), disabled=())
    assert fetch(0) is fetch(0)
    fetch(1)
    fetch(0)
    fetch(2)
    assert len(cache) == 2
    fetch(0)
    fetch(1)
    assert fetched == [0, 1, 2, 1]
    assert cache.size < (1 << 21) + (1 << 19)
    alone = ModelCache(capacity=0)
    alone.get(ids[0], lambda: data[0])
    assert len(alone) == 1
    assert alone.get(ids[0], lambda: b"").run_bytes((bytes(3),)) == inference.load(data[0]).run_bytes(
        (bytes(3),)
    )


def test_a_store_that_answers_with_other_bytes_is_the_nodes_own_fault() -> None:
    with pytest.raises(AssertionError, match="is stored as"):
        ModelCache().get(bytes(32), doubler)
