"""Layout, normalisers, recurrent layers, integers, old opsets and quantised models, against onnxruntime."""

from typing import Any

import numpy as np
import pytest

import inference
from inference.compiler import InvalidModel, UnsupportedModel, compile_model
from tests.inference.compiler.building import check, model, node, numbers

X = (1, 3, 8, 8)


def images(
    count: int = 4, shape: tuple[int, ...] = X, low: float = -1.0, high: float = 1.0
) -> list[dict[str, np.ndarray]]:
    return [{"x": numbers(*shape, seed=seed, low=low, high=high)} for seed in range(count)]


LAYOUTS = [
    [node("Transpose", ["x"], perm=[0, 2, 3, 1])],
    [node("Transpose", ["x"])],
    [node("Flatten", ["x"], axis=2)],
    [node("Reshape", ["x", "shape"])],
    [node("Slice", ["x", "starts", "ends", "axes", "steps"])],
    [node("Split", ["x"], ["a", "b"], axis=2), node("Concat", ["b", "a"], axis=2)],
    [node("Pad", ["x", "pads"], mode="constant")],
    [node("Pad", ["x", "pads"], mode="reflect")],
    [node("Pad", ["x", "pads"], mode="edge")],
    [node("Pad", ["x", "crop"])],
    [node("Expand", ["x", "wide"])],
    [node("Tile", ["x", "repeats"])],
    [node("Gather", ["x", "places"], axis=2)],
    [node("GatherElements", ["x", "elements"], axis=3)],
    [node("GatherND", ["x", "nd"])],
    [node("DepthToSpace", ["x4"], blocksize=2)],
    [node("DepthToSpace", ["x4"], blocksize=2, mode="CRD")],
    [node("SpaceToDepth", ["x"], blocksize=2)],
    [node("Unsqueeze", ["x", "one"], ["u"]), node("Squeeze", ["u", "one"])],
    [node("Trilu", ["x"], upper=0)],
    [node("TopK", ["x", "k"], ["y", "indices"], axis=3)],
    [node("TopK", ["x", "k"], ["y", "indices"], axis=2, largest=0)],
]


@pytest.mark.parametrize("nodes", LAYOUTS, ids=lambda nodes: "-".join(n.op_type for n in nodes))
def test_moving_elements_changes_none(nodes: list[Any]) -> None:
    if any("x4" in each.input for each in nodes):
        nodes = [node("Concat", ["x", "x", "x", "x"], ["x4"], axis=1), *nodes]
    weights = {
        "shape": np.int64([1, -1, 6]),
        "starts": np.int64([-1, 1]),
        "ends": np.int64([-9, 7]),
        "axes": np.int64([2, 3]),
        "steps": np.int64([-2, 3]),
        "pads": np.int64([0, 0, 1, 2, 0, 0, 2, 1]),
        "crop": np.int64([0, 0, -1, 1, 0, 0, 0, -2]),
        "wide": np.int64([2, 1, 1, 1, 1]),
        "repeats": np.int64([1, 2, 1, 2]),
        "places": np.int64([[0, -1], [3, 3]]),
        "elements": np.random.default_rng(0).integers(0, 8, (1, 3, 8, 2)),
        "nd": np.int64([[0, 2, -1], [0, 1, 3]]),
        "one": np.int64([1]),
        "k": np.int64([3]),
    }
    used = {name for each in nodes for name in each.input}
    outputs = ["y", "indices"] if nodes[-1].op_type == "TopK" else ["y"]
    content = model(
        nodes, {"x": list(X)}, {name: value for name, value in weights.items() if name in used}, outputs
    )
    check(content, images(), 1e-6)


@pytest.mark.parametrize(
    "attributes",
    [
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"mode": "nearest"},
        {"mode": "nearest", "nearest_mode": "ceil"},
        {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
        {"mode": "linear"},
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
        {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"},
    ],
)
def test_resizing_is_gathers_or_small_products(attributes: dict[str, Any]) -> None:
    content = model(
        [node("Resize", ["x", "", "scales"], **attributes)],
        {"x": list(X)},
        {"scales": np.float32([1, 1, 2, 1.5])},
    )
    check(content, images(), 1e-3)


NORMS: list[tuple[str, dict[str, Any], dict[str, np.ndarray], int]] = [
    ("LayerNormalization", {"axis": -1}, {"s": numbers(8), "b": numbers(8)}, 17),
    ("InstanceNormalization", {}, {"s": numbers(3), "b": numbers(3)}, 17),
    ("GroupNormalization", {"num_groups": 3}, {"s": numbers(3), "b": numbers(3)}, 21),
    ("LpNormalization", {"axis": 1, "p": 1}, {}, 17),
    ("LpNormalization", {"axis": 1, "p": 2}, {}, 17),
    ("MeanVarianceNormalization", {}, {}, 17),
    ("Softmax", {}, {}, 17),
    ("Softmax", {"axis": 1}, {}, 17),
    ("Softmax", {"axis": 2}, {}, 11),
    ("LogSoftmax", {"axis": -1}, {}, 17),
    ("Hardmax", {"axis": -1}, {}, 17),
]


@pytest.mark.parametrize(("op", "attributes", "weights", "opset"), NORMS)
def test_normalisers_are_wide_and_accurate(
    op: str, attributes: dict[str, Any], weights: dict[str, np.ndarray], opset: int
) -> None:
    content = model([node(op, ["x", *weights], **attributes)], {"x": list(X)}, weights, opset=opset)
    check(content, images(), 1e-3, "int8")


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent_layers_unroll(op: str, direction: str) -> None:
    ways, gates = (2 if direction == "bidirectional" else 1), {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    weights = {
        "w": numbers(ways, gates * 6, 5),
        "r": numbers(ways, gates * 6, 6, seed=4),
        "b": numbers(ways, 12 * gates, seed=5),
    }
    outputs = ["y", "h", "c"] if op == "LSTM" else ["y", "h"]
    content = model(
        [node(op, ["x", "w", "r", "b"], outputs, hidden_size=6, direction=direction)],
        {"x": [4, 1, 5]},
        weights,
        outputs,
    )
    check(content, images(4, (4, 1, 5)), 2e-3, "int16")


def test_recurrent_variants_with_states_peepholes_and_reset_after() -> None:
    weights = {
        "w": numbers(1, 24, 5),
        "r": numbers(1, 24, 6, seed=4),
        "p": numbers(1, 18, seed=6),
        "h0": numbers(1, 1, 6),
        "b": numbers(1, 48),
    }
    nodes = [node("LSTM", ["x", "w", "r", "b", "", "h0", "c0", "p"], hidden_size=6, input_forget=1)]
    samples = [{"x": numbers(3, 1, 5, seed=s), "c0": numbers(1, 1, 6, seed=s + 9)} for s in range(4)]
    check(model(nodes, {"x": [3, 1, 5], "c0": [1, 1, 6]}, weights), samples, 2e-3, "int16")
    gru = {"w": numbers(1, 18, 5), "r": numbers(1, 18, 6, seed=4), "b": numbers(1, 36, seed=5)}
    content = model(
        [node("GRU", ["x", "w", "r", "b"], hidden_size=6, linear_before_reset=1)], {"x": [3, 1, 5]}, gru
    )
    check(content, images(4, (3, 1, 5)), 2e-3, "int16")


def test_attention_masks_saturate_instead_of_widening_ranges() -> None:
    mask = np.where(np.tril(np.ones((6, 6))), 0, -np.inf).astype(np.float32)
    nodes = [
        node("MatMul", ["x", "wq"], ["q"]),
        node("MatMul", ["x", "wk"], ["k"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["s"]),
        node("Add", ["s", "mask"], ["t"]),
        node("Softmax", ["t"], ["p"]),
        node("MatMul", ["p", "x"]),
    ]
    weights = {"wq": numbers(8, 8), "wk": numbers(8, 8, seed=5), "mask": mask}
    check(model(nodes, {"x": [1, 6, 8]}, weights), images(6, (1, 6, 8)), 3e-3, "int16")


def test_integers_stay_integers() -> None:
    nodes = [
        node("Gather", ["table", "x"], ["e"]),
        node("ReduceSum", ["e", "axis"], ["s"], keepdims=0),
        node("ArgMax", ["s"], axis=1),
    ]
    weights = {"table": numbers(20, 7), "axis": np.int64([1])}
    content = model(nodes, {"x": [1, 5]}, weights, dtype=7)
    samples = [{"x": np.random.default_rng(s).integers(0, 20, (1, 5))} for s in range(6)]
    check(content, samples, 0)


def test_integer_arithmetic_casts_and_one_hot_are_exact() -> None:
    nodes = [
        node("Add", ["x", "two"], ["a"]),
        node("Mul", ["a", "two"], ["b"]),
        node("Div", ["b", "three"], ["c"]),
        node("OneHot", ["c", "depth", "values"], ["o"]),
        node("Cast", ["c"], ["f"], to=1),
        node("Mul", ["f", "half"], ["g"]),
        node("Cast", ["g"], ["back"], to=7),
        node("Cast", ["x"], ["truth"], to=9),
        node("Cast", ["truth"], ["t"], to=1),
        node("Neg", ["x"], ["n"]),
        node("Abs", ["n"], ["m"]),
        node("ReduceMax", ["x"], ["top"], keepdims=0),
        node("Sub", ["x", "two"], ["u"]),
        node("Sign", ["u"], ["sgn"]),
        node("ReduceSum", ["x"], ["total"], keepdims=0),
        node("Where", ["truth", "x", "two"], ["w"]),
        node("Max", ["x", "two"], ["mx"]),
    ]
    weights = {
        "two": np.int64([2]),
        "three": np.int64([3]),
        "depth": np.int64([9]),
        "values": np.float32([0, 1]),
        "half": np.float32([0.5]),
    }
    outputs = ["o", "back", "t", "m", "top", "sgn", "total", "w", "mx"]
    samples = [{"x": np.random.default_rng(s).integers(0, 9, (1, 4))} for s in range(6)]
    check(model(nodes, {"x": [1, 4]}, weights, outputs, dtype=7), samples, 1e-6)


@pytest.mark.parametrize("exponent", [2.0, 3.0, -1.0, 0.5, -0.5, 0.0, 1.7])
def test_powers_become_products_and_roots(exponent: float) -> None:
    content = model([node("Pow", ["x", "e"])], {"x": [1, 9]}, {"e": np.float32(exponent)})
    check(content, images(4, (1, 9), 0.3, 2.0), 3e-3)


def test_a_power_with_a_computed_exponent_and_slopes_per_channel() -> None:
    content = model([node("Pow", ["a", "b"])], {"a": [1, 5], "b": [1, 5]})
    check(
        content,
        [{"a": numbers(1, 5, seed=s, low=0.5, high=2), "b": numbers(1, 5, seed=s + 30)} for s in range(4)],
    )
    check(model([node("PRelu", ["x", "s"])], {"x": list(X)}, {"s": numbers(3, 1, 1)}), images())


def test_gelu_in_both_spellings_is_one_table() -> None:
    weights = {
        "w": numbers(8, 64),
        "v": numbers(64, 64, seed=4),
        "r": np.float32(2**0.5),
        "one": np.float32(1),
        "h": np.float32(0.5),
    }
    spelled = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Div", ["a", "r"], ["b"]),
        node("Erf", ["b"], ["c"]),
        node("Add", ["c", "one"], ["d"]),
        node("Mul", ["a", "d"], ["e"]),
        node("Mul", ["e", "h"], ["f"]),
        node("MatMul", ["f", "v"]),
    ]
    artifact = check(model(spelled, {"x": [1, 8]}, weights), images(6, (1, 8)), 0.05, "int8")
    assert artifact.report.op_counts == {"Lookup": 1, "MatMul": 2}
    named = [node("MatMul", ["x", "w"], ["a"]), node("Gelu", ["a"], ["f"]), node("MatMul", ["f", "v"])]
    used = {key: weights[key] for key in ("w", "v")}
    artifact = check(model(named, {"x": [1, 8]}, used, opset=20), images(6, (1, 8)), 0.05, "int8")
    assert artifact.report.op_counts == {"Lookup": 1, "MatMul": 2}


def test_old_opsets_with_attributes_instead_of_inputs() -> None:
    nodes = [
        node("Unsqueeze", ["x"], ["a"], axes=[0]),
        node("Squeeze", ["a"], ["b"], axes=[0]),
        node("Clip", ["b"], ["c"], min=-0.5, max=0.75),
        node("Pad", ["c"], ["d"], pads=[0, 0, 1, 0, 0, 0, 0, 1], value=0.25),
        node("Slice", ["d"], ["e"], axes=[2], starts=[1], ends=[7]),
        node("Upsample", ["e", "scales"], ["f"], mode="nearest"),
        node("Dropout", ["f"], ["g"]),
        node("ReduceMean", ["g"], ["h"], axes=[2, 3], keepdims=0),
        node("Softmax", ["h"]),
    ]
    check(model(nodes, {"x": list(X)}, {"scales": np.float32([1, 1, 2, 2])}, opset=9), images(), 1e-3)


def test_opset_six_is_brought_up_and_its_axis_broadcasting_refused() -> None:
    nodes = [node("Mul", ["x", "s"], ["a"], broadcast=1), node("Add", ["a", "x"])]
    scale = numbers(8)
    artifact = compile_model(model(nodes, {"x": list(X)}, {"s": scale}, opset=6), images())
    x = images()[0]["x"]
    got = np.asarray(inference.load(artifact.to_bytes()).run({"x": x})["y"])
    np.testing.assert_allclose(got, x * scale + x, atol=1e-3)
    nodes[0] = node("Mul", ["x", "s"], ["a"], broadcast=1, axis=1)
    with pytest.raises(UnsupportedModel, match="opset 7"):
        compile_model(model(nodes, {"x": list(X)}, {"s": numbers(3)}, opset=6))


def test_gemm_with_all_attributes() -> None:
    content = model(
        [node("Gemm", ["x", "w", "c"], alpha=0.5, beta=2.0, transA=1, transB=1)],
        {"x": [8, 1]},
        {"w": numbers(4, 8), "c": numbers(4)},
    )
    check(content, images(4, (8, 1)))


def test_models_that_are_quantised_already_keep_their_levels() -> None:
    scale, weight_scale = np.float32(0.02), np.float32(0.01)
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("DequantizeLinear", ["w8", "ws", "wz"], ["w"]),
        node("MatMul", ["d", "w"], ["m"]),
        node("QuantizeLinear", ["m", "s", "z"], ["mq"]),
        node("DequantizeLinear", ["mq", "s", "z"]),
    ]
    weights = {
        "s": scale,
        "z": np.int8(3),
        "ws": weight_scale,
        "wz": np.int8(0),
        "w8": np.random.default_rng(1).integers(-60, 60, (8, 5)).astype(np.int8),
    }
    artifact = check(model(nodes, {"x": [1, 8]}, weights), images(6, (1, 8)), 0.05, "int8")
    assert artifact.report.tiers == {"int8": 1}


def test_quantised_inputs_and_outputs_are_integers() -> None:
    nodes = [
        node("DequantizeLinear", ["x", "s", "z"], ["d"]),
        node("MatMul", ["d", "w"], ["m"]),
        node("QuantizeLinear", ["m", "s2", "z"]),
    ]
    weights = {"s": np.float32(0.02), "s2": np.float32(0.05), "z": np.int8(3), "w": numbers(8, 5)}
    samples = [{"x": np.random.default_rng(s).integers(-128, 127, (1, 8)).astype(np.int8)} for s in range(6)]
    check(model(nodes, {"x": [1, 8]}, weights, dtype=3), samples, 0.02)


@pytest.mark.parametrize(
    ("op", "low", "high"),
    [
        ("Tan", -1, 1),
        ("Sinh", -2, 2),
        ("Cosh", -2, 2),
        ("Asin", -0.9, 0.9),
        ("Acos", -0.9, 0.9),
        ("Asinh", -3, 3),
        ("Acosh", 1.2, 4),
        ("Atanh", -0.9, 0.9),
        ("Shrink", -2, 2),
        ("ThresholdedRelu", -3, 3),
    ],
)
def test_rare_functions_are_spelled_out(op: str, low: float, high: float) -> None:
    check(model([node(op, ["x"])], {"x": [1, 12]}), images(4, (1, 12), low, high), 2e-3)


def test_swish_and_rms_norm_of_new_opsets_follow_their_definition() -> None:
    nodes = [node("Swish", ["x"], ["a"], alpha=1.5), node("RMSNormalization", ["a", "s"])]
    content = model(nodes, {"x": [1, 12]}, {"s": numbers(12)}, opset=24)
    samples = images(4, (1, 12))
    try:
        artifact = compile_model(content, samples)
    except InvalidModel as error:
        pytest.skip(f"this onnxruntime has no such kernels: {error}")
    x = samples[0]["x"].astype(np.float64)
    a = x / (1 + np.exp(-1.5 * x))
    expected = a / np.sqrt((a**2).mean() + 1e-5) * numbers(12)
    got = np.asarray(inference.load(artifact.to_bytes()).run(samples[0])["y"])
    np.testing.assert_allclose(got, expected, atol=2e-3)


def test_large_layers_in_auto_raise_only_what_needs_it() -> None:
    rng = np.random.default_rng(5)
    weights = {f"w{i}": (rng.normal(size=(112, 112)) / 10).astype(np.float32) for i in range(5)}
    names = ["x", "h0", "h1", "h2", "h3", "y"]
    nodes = []
    for i in range(5):
        nodes.append(node("MatMul", [names[i], f"w{i}"], [f"m{i}"]))
        nodes.append(node("Tanh" if i < 4 else "Identity", [f"m{i}"], [names[i + 1]]))
    content = model(nodes, {"x": [1, 112]}, weights)
    samples = images(20, (1, 112), -3, 3)
    artifact = check(content, samples, 0.05)
    assert sum(artifact.report.tiers.values()) == 5
    assert artifact.report.agreement is not None
