"""The compiler as a user meets it: options, calibration, reports, demonstration models, hostile files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

import inference
from inference.compiler import InvalidModel, ModelFault, UnsupportedModel, compile_model, supported_operators
from inference.compiler.accuracy import measure
from inference.compiler.calibrate import Observed, synthetic_samples
from inference.compiler.comparison import compare_with_float
from inference.compiler.formats import Kind, byte_format, format_for, power_format
from inference.compiler.graph import Names, TensorType
from inference.compiler.lower.context import multiplier
from tests.inference.compiler.building import check, model, node, numbers

MODELS = Path(__file__).resolve().parents[3] / "examples" / "models"

SMALL = model([node("MatMul", ["x", "w"], ["h"]), node("Relu", ["h"])], {"x": ["N", 4]}, {"w": numbers(4, 3)})


@pytest.mark.parametrize(("name", "points"), [("digits_cnn", 0.3), ("credit_trees", 0.0)])
def test_the_demonstration_models_keep_their_accuracy(name: str, points: float) -> None:
    data = np.load(MODELS / f"{name}_samples.npz")
    path = MODELS / f"{name}.onnx"
    artifact = compile_model(path, data["calibration"], held_out=data["X"])
    loaded = inference.load(artifact.to_bytes())
    feature = loaded.inputs[0].name
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {feature: data["X"]})[0]
    got = np.asarray(next(iter(loaded.run({feature: data["X"]}).values())))
    if expected.ndim > 1:
        expected, got = expected.argmax(1), got.argmax(1)
    drop = (expected == data["y"]).mean() - (got == data["y"]).mean()
    assert drop * 100 <= points
    assert artifact.report.agreement is not None
    assert artifact.report.agreement >= 0.99
    assert len(artifact.to_bytes()) < path.stat().st_size


def test_compiling_twice_gives_the_same_bytes() -> None:
    assert compile_model(SMALL).to_bytes() == compile_model(SMALL).to_bytes()
    assert compile_model(SMALL).id == compile_model(SMALL).id


def test_a_report_prints_and_serialises() -> None:
    report = compile_model(SMALL, numbers(20, 4), held_out=numbers(30, 4, seed=9)).report
    text = str(report)
    assert "held-out" in text
    assert "layers by error" in text
    plain = json.loads(report.to_json())
    assert plain["operators"] == {"MatMul": 1, "Relu": 1}
    assert plain["held_out"][0]["samples"] == 30
    assert report.agreement == plain["agreement"]


def test_made_up_samples_are_named_in_the_report_and_ranges_are_used() -> None:
    ranged = compile_model(SMALL, input_ranges={"x": (0.0, 100.0)}, precision="int8")
    assert "declared ranges" in ranged.report.sample_source
    assert ranged.report.warnings
    spec = ranged.program.inputs[0]
    assert 99 < 255 * spec.quantization.numerator / spec.quantization.denominator < 101
    assert "calibration data" in compile_model(SMALL).report.sample_source
    assert "progress" not in str(ranged.report)


def test_an_input_outside_the_calibrated_range_saturates() -> None:
    loaded = inference.load(compile_model(SMALL, numbers(50, 4), "int8").to_bytes())
    inside = np.asarray(loaded.run({"x": np.full((1, 4), 1.0)})["y"])
    outside = np.asarray(loaded.run({"x": np.full((1, 4), 50.0)})["y"])
    np.testing.assert_allclose(inside, outside, atol=0.05)


def test_samples_may_be_arrays_mappings_or_lists() -> None:
    wanted = compile_model(SMALL, numbers(8, 4)).to_bytes()
    assert compile_model(SMALL, {"x": numbers(8, 4)}).to_bytes() == wanted
    assert compile_model(SMALL, [{"x": row} for row in numbers(8, 4)]).to_bytes() == wanted


TWO_INPUTS = model([node("Add", ["a", "b"])], {"a": [1, 2], "b": [1, 2]})


@pytest.mark.parametrize(
    ("content", "calibration"),
    [
        (SMALL, {"z": numbers(3, 4)}),
        (SMALL, {"x": numbers(3, 5)}),
        (SMALL, {"x": np.float32(1)}),
        (SMALL, np.full((3, 4), np.nan)),
        (SMALL, [3]),
        (SMALL, 7),
        (SMALL, np.array([["a"] * 4])),
        (TWO_INPUTS, numbers(3, 2)),
        (TWO_INPUTS, {"a": numbers(3, 2), "b": numbers(4, 2)}),
        (SMALL, [{"z": numbers(4)}]),
    ],
)
def test_calibration_data_that_does_not_fit_is_refused(content: bytes, calibration: Any) -> None:
    with pytest.raises(InvalidModel) as caught:
        compile_model(content, calibration)
    assert caught.value.reason is ModelFault.BAD_CALIBRATION


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "int4"},
        {"input_ranges": {"x": (1.0, 0.0)}},
        {"input_ranges": {"q": (0.0, 1.0)}},
        {"input_shapes": {"q": (1, 4)}},
        {"input_ranges": {"x": (0.0, float("inf"))}},
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidModel) as caught:
        compile_model(SMALL, **options)
    assert caught.value.reason is ModelFault.BAD_OPTION


def test_open_dimensions_must_be_given() -> None:
    content = model([node("Relu", ["x"])], {"x": ["N", "T"]})
    with pytest.raises(InvalidModel) as caught:
        compile_model(content)
    assert caught.value.reason is ModelFault.NOT_STATIC
    assert "input_shapes" in caught.value.detail
    assert compile_model(content, input_shapes={"x": (1, 7)}).program.inputs[0].shape == (1, 7)
    for shape in ((1, 7, 2), (1, 0)):
        with pytest.raises(InvalidModel):
            compile_model(content, input_shapes={"x": shape})


@given(st.floats(1e-6, 1e6), st.integers(4, 30))
def test_a_multiplier_is_as_close_as_its_bits(ratio: float, bits: int) -> None:
    factor, shift = multiplier(ratio, bits)
    assert abs(factor / 2**shift - ratio) <= ratio * 2.0 ** (1 - bits) or shift == 0


@given(st.floats(-1e5, 0), st.floats(1e-5, 3e4))
def test_formats_cover_their_range_and_hold_zero(low: float, high: float) -> None:
    form = byte_format(low, high)
    assert form.real(form.quantise(np.zeros(1)))[0] == 0
    assert abs(float(form.real(form.quantise(np.array([high])))[0]) - high) <= form.scale
    for kind in (Kind.I16, Kind.PRODUCT, Kind.I32, Kind.EXACT):
        wide = power_format(kind, high)
        assert abs(float(wide.real(wide.quantise(np.array([high])))[0]) - high) <= wide.scale


def test_the_range_search_clips_outliers() -> None:
    elements = np.concatenate([np.linspace(0, 1, 100_000), [3.0]]).astype(np.float32)
    form = format_for(Kind.U8, Observed(0.0, 3.0, elements, np.zeros(1), np.full(1, 3.0)))
    assert form.scale * 255 < 2.9


def test_small_helpers_do_what_they_say() -> None:
    names = Names(["a", "a.1"])
    assert [names.fresh("a"), names.fresh("b"), names.fresh("")] == ["a.2", "b", ".1"]
    samples = synthetic_samples({"t": TensorType(np.dtype(np.int64), (2,))}, {"t": (0, 9)})
    assert {int(value) for sample in samples for value in sample["t"]} <= set(range(10))
    (entry,) = measure(["y"], [{"y": np.array([1.0])}], [{"y": np.array([1.0])}])
    assert entry.agreement is None
    assert entry.good
    assert "TopK" in supported_operators()


REFUSED = [
    [node("Resize", ["x", "", "scales"], mode="bilinear")],
    [node("RoiAlign", ["x", "rois", "batch"], output_height=2, output_width=2)],
    [node("Det", ["x"])],
    [node("Gather", ["x", "none"], axis=1)],
    [node("Clip", ["x", "bound"])],
    [node("ReduceMean", ["x", "v"])],
]


@pytest.mark.parametrize("nodes", REFUSED, ids=lambda nodes: nodes[0].op_type)
def test_what_a_rule_does_not_cover_is_refused_at_its_node(nodes: list[Any]) -> None:
    used = {name for each in nodes for name in each.input}
    inputs: dict[str, list[int]] = {"x": [1, 2, 8, 8]}
    if "v" in used:
        inputs["v"] = [2, 2, 3, 3]
    if "bound" in used:
        inputs["bound"] = []
    constants = {
        "scales": np.float32([1, 1, 2, 2]),
        "rois": np.float32([[0, 0, 4, 4]]),
        "batch": np.int64([0]),
        "none": np.int64([]),
    }
    weights = {name: value for name, value in constants.items() if name in used}
    content = model(nodes, inputs, weights, opset=19)
    with pytest.raises((UnsupportedModel, InvalidModel)):
        compile_model(content)


def test_constant_layers_and_layout_only_models_compile() -> None:
    nodes = [
        node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(numbers(1, 4))),
        node("Add", ["x", "c"]),
    ]
    artifact = compile_model(model(nodes, {"x": [1, 4]}))
    x = numbers(1, 4, seed=8)
    got = np.asarray(inference.load(artifact.to_bytes()).run({"x": x})["y"])
    np.testing.assert_allclose(got, x + numbers(1, 4), atol=1e-3)
    folded = [
        node("Add", ["w", "w"], ["d"]),
        node("MatMul", ["x", "d"], ["m"]),
        node("Mul", ["m", "s"], ["n"]),
        node("Sub", ["n", "b"]),
    ]
    weights = {"w": numbers(4, 3), "s": numbers(3), "b": numbers(3, seed=2)}
    artifact = compile_model(model(folded, {"x": [1, 4]}, weights))
    assert artifact.report.op_counts["MatMul"] == 1
    expected = (x @ (2 * numbers(4, 3))) * numbers(3) - numbers(3, seed=2)
    np.testing.assert_allclose(
        np.asarray(inference.load(artifact.to_bytes()).run({"x": x})["y"]), expected, atol=5e-3
    )


def test_a_sigmoid_written_as_one_over_one_plus_exp_does_not_overflow() -> None:
    one = {"one": np.float32([1.0])}
    exp = [node("Exp", ["x"], ["e"]), node("Add", ["e", "one"], ["s"])]
    samples = numbers(12, 5, low=-60, high=60)
    for last in (node("Div", ["one", "s"]), node("Reciprocal", ["s"])):
        artifact = compile_model(model([*exp, last], {"x": [1, 5]}, one), samples)
        x = samples[:1]
        got = np.asarray(inference.load(artifact.to_bytes()).run({"x": x})["y"])
        np.testing.assert_allclose(got, 1 / (1 + np.exp(x.astype(np.float64))), atol=1e-4)


def test_bytes_multiplied_and_added_across_tiers_stay_close() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Sigmoid", ["a"], ["g"]),
        node("Mul", ["a", "g"], ["m"]),
        node("Mul", ["m", "g"], ["n"]),
        node("Conv", ["n", "v"], ["p"]),
        node("Mul", ["p", "p"], ["q"]),
        node("Relu", ["q"], ["r"]),
        node("GlobalAveragePool", ["r"]),
    ]
    weights = {"w": numbers(8, 3, 3, 3), "v": numbers(4, 8, 1, 1)}
    content = model(nodes, {"x": [1, 3, 8, 8]}, weights)
    check(content, [{"x": numbers(1, 3, 8, 8, seed=s)} for s in range(4)], 0.12, "int8")
    check(content, [{"x": numbers(1, 3, 8, 8, seed=s)} for s in range(4)], 5e-3, "int16")


RECURRENT = {"w": numbers(1, 24, 5), "r": numbers(1, 24, 6, seed=4)}


@pytest.mark.parametrize(
    ("attributes", "inputs", "shape"),
    [
        ({"clip": 1.0}, ["x", "w", "r"], [3, 1, 5]),
        ({"activations": ["Sigmoid", "Softsign", "Tanh"]}, ["x", "w", "r"], [3, 1, 5]),
        ({}, ["x", "w", "r"], [300, 1, 5]),
    ],
)
def test_recurrent_layers_outside_the_rules_are_refused(
    attributes: Any, inputs: list[str], shape: list[int]
) -> None:
    weights: dict[str, np.ndarray] = dict(RECURRENT)
    content = model([node("LSTM", inputs, hidden_size=6, **attributes)], {"x": shape}, weights)
    with pytest.raises(UnsupportedModel):
        compile_model(content)


def test_a_finished_artifact_can_be_compared_again() -> None:
    loaded = inference.load(compile_model(SMALL, numbers(20, 4)).to_bytes())
    (again,) = compare_with_float(loaded, SMALL, numbers(20, 4))
    assert again.good
    assert compare_with_float(loaded, SMALL)[0].samples > 0
    with pytest.raises(InvalidModel):
        compare_with_float(loaded, TWO_INPUTS)


def test_a_large_matrix_product_with_cancelling_weights_still_lowers() -> None:
    big = np.concatenate([np.full((64, 40), 50.0), np.full((64, 40), -50.0)]).astype(np.float32)
    rows = np.repeat(numbers(30, 64), 2, axis=1).reshape(30, 64, 2).transpose(0, 2, 1).reshape(30, 1, 128)
    content = model(
        [node("MatMul", ["x", "w"], ["h"]), node("Relu", ["h"], ["a"]), node("MatMul", ["a", "v"])],
        {"x": [1, 128]},
        {"w": big + numbers(128, 40) / 100, "v": numbers(40, 600)},
    )
    artifact = compile_model(content, [{"x": row} for row in rows], "int8")
    assert artifact.report.op_counts["MatMul"] == 2


def test_bytes_divided_negated_and_reduced_keep_their_meaning() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Neg", ["a"], ["n"]),
        node("Concat", ["a", "n"], ["c"], axis=1),
        node("ReduceMax", ["c"], ["m"], axes=[2, 3], keepdims=1),
        node("Mul", ["c", "m"], ["p"]),
        node("Conv", ["p", "v"]),
    ]
    weights = {"w": numbers(8, 3, 3, 3), "v": numbers(4, 16, 1, 1)}
    content = model(nodes, {"x": [1, 3, 8, 8]}, weights)
    check(content, [{"x": numbers(1, 3, 8, 8, seed=s)} for s in range(4)], 0.08, "int8")
    direct = [node("Conv", ["x", "w"], ["a"]), node("Conv", ["x", "v"], ["b"]), node("Mul", ["a", "b"])]
    weights = {"w": numbers(8, 3, 3, 3), "v": numbers(8, 3, 3, 3, seed=5)}
    content = model(direct, {"x": [1, 3, 8, 8]}, weights)
    check(content, [{"x": numbers(1, 3, 8, 8, seed=s)} for s in range(4)], 0.08, "int8")
