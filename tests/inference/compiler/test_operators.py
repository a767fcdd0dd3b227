"""Every operator family: compiled, run by both executors, compared with onnxruntime."""

from typing import Any

import numpy as np
import pytest

from tests.inference.compiler.building import check, model, node, numbers

X = (1, 3, 8, 8)


def images(
    count: int = 4, shape: tuple[int, ...] = X, low: float = -1.0, high: float = 1.0
) -> list[dict[str, np.ndarray]]:
    return [{"x": numbers(*shape, seed=seed, low=low, high=high)} for seed in range(count)]


UNARY = [
    "Abs",
    "Ceil",
    "Cos",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Neg",
    "Relu",
    "Round",
    "Selu",
    "Celu",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softplus",
    "Softsign",
    "Tanh",
    "Atan",
    "Mish",
]


@pytest.mark.parametrize("precision", ["int8", "int16"])
@pytest.mark.parametrize("op", UNARY)
def test_a_function_after_a_layer_is_as_accurate_as_its_tier(op: str, precision: str) -> None:
    nodes = [node("MatMul", ["x", "w"], ["h"]), node(op, ["h"], ["a"]), node("MatMul", ["a", "v"])]
    content = model(nodes, {"x": [1, 8]}, {"w": numbers(8, 16), "v": numbers(16, 5, seed=9)}, opset=18)
    steps = op in ("Ceil", "Floor", "Round", "Sign")
    check(content, images(6, (1, 8)), (0.5 if precision == "int8" else 0.2) if steps else 0.06, precision)


@pytest.mark.parametrize(
    "op", ["Log", "Sqrt", "Reciprocal", "Exp", "Tanh", "Sigmoid", "Relu", "Neg", "Abs", "Identity"]
)
def test_a_function_of_the_input_is_accurate(op: str) -> None:
    check(model([node(op, ["x"])], {"x": [1, 12]}), images(4, (1, 12), 0.2, 3.0))


SMOOTH_PAIRS = ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"]


@pytest.mark.parametrize("op", SMOOTH_PAIRS)
def test_arithmetic_of_two_inputs_broadcasts(op: str) -> None:
    content = model([node(op, ["a", "b"])], {"a": [1, 4, 3], "b": [1, 1, 3]})
    samples = [
        {"a": numbers(1, 4, 3, seed=s), "b": numbers(1, 1, 3, seed=s + 50, low=0.5, high=2)} for s in range(4)
    ]
    check(content, samples)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Max", "Min"])
@pytest.mark.parametrize("precision", ["int8", "int16"])
def test_arithmetic_between_layers_keeps_the_tier(op: str, precision: str) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Conv", ["x", "v"], ["b"]),
        node(op, ["a", "b"], ["c"]),
        node("Relu", ["c"], ["d"]),
        node("Conv", ["d", "u"]),
    ]
    weights = {"w": numbers(6, 3, 3, 3), "v": numbers(6, 3, 3, 3, seed=5), "u": numbers(4, 6, 1, 1, seed=6)}
    check(model(nodes, {"x": list(X)}, weights), images(), 0.05 if precision == "int8" else 2e-3, precision)


COMPARISONS = ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("other", ["constant", "computed", "left"])
def test_comparisons_are_exact(op: str, other: str) -> None:
    inputs: dict[str, Any] = {"x": [1, 6]}
    names = ["x", "b"]
    weights = {}
    samples = [{"x": np.round(numbers(1, 6, seed=s) * 4) / 4} for s in range(5)]
    if other == "computed":
        inputs["b"] = [1, 6]
        samples = [
            {**sample, "b": np.round(numbers(1, 6, seed=i + 20) * 4) / 4} for i, sample in enumerate(samples)
        ]
    else:
        weights["b"] = np.float32([0.25])
        names = names[::-1] if other == "left" else names
    nodes = [node(op, names, ["c"]), node("Cast", ["c"], to=1)]
    check(model(nodes, inputs, weights), samples, 0)


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_logic_and_choice_are_exact(op: str) -> None:
    nodes = [
        node("Greater", ["x", "zero"], ["p"]),
        node("Less", ["x", "half"], ["q"]),
        node(op, ["p", "q"], ["r"]),
        node("Not", ["r"], ["s"]),
        node("Where", ["s", "x", "zero"]),
    ]
    weights = {"zero": np.float32([0]), "half": np.float32([0.5])}
    check(model(nodes, {"x": [1, 9]}, weights), images(5, (1, 9)), 1e-5)


REDUCTIONS = [
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceProd",
]


@pytest.mark.parametrize("op", REDUCTIONS)
@pytest.mark.parametrize("keep", [0, 1])
def test_every_reduction_is_accurate(op: str, keep: int) -> None:
    content = model(
        [node(op, ["x", "axes"], keepdims=keep)], {"x": [1, 3, 4]}, {"axes": np.int64([2])}, opset=18
    )
    check(content, images(4, (1, 3, 4), 0.2, 2.0))


def test_a_reduction_without_axes_takes_all_and_with_noop_takes_none() -> None:
    check(model([node("ReduceMean", ["x"])], {"x": [1, 3, 4]}), images(4, (1, 3, 4)))
    check(model([node("ReduceSum", ["x"], noop_with_empty_axes=1)], {"x": [1, 3, 4]}), images(4, (1, 3, 4)))


CONVS = [
    {"w": (6, 3, 3, 3)},
    {"w": (6, 3, 3, 3), "pads": [1, 1, 1, 1], "strides": [2, 2]},
    {"w": (6, 3, 3, 3), "auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"w": (6, 3, 3, 3), "auto_pad": "SAME_LOWER"},
    {"w": (6, 3, 3, 3), "auto_pad": "VALID"},
    {"w": (6, 1, 3, 3), "group": 3, "pads": [0, 1, 2, 1]},
    {"w": (6, 3, 2, 2), "dilations": [2, 3]},
]


@pytest.mark.parametrize("precision", ["int8", "int16"])
@pytest.mark.parametrize("case", CONVS)
def test_convolutions_of_every_geometry_are_accurate(case: dict[str, Any], precision: str) -> None:
    attributes = {key: value for key, value in case.items() if key != "w"}
    weights = {"w": numbers(*case["w"]), "b": numbers(case["w"][0], seed=8)}
    content = model([node("Conv", ["x", "w", "b"], **attributes)], {"x": list(X)}, weights)
    check(content, images(), 0.03 if precision == "int8" else 1e-3, precision)


@pytest.mark.parametrize(
    "case",
    [
        {"w": (3, 4, 3, 3)},
        {"w": (3, 4, 3, 3), "strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
        {"w": (3, 2, 2, 2), "group": 3, "strides": [2, 2]},
        {"w": (3, 4, 3, 3), "auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"w": (3, 4, 3, 3), "dilations": [2, 2]},
    ],
)
def test_transposed_convolutions_become_convolutions(case: dict[str, Any]) -> None:
    attributes = {key: value for key, value in case.items() if key != "w"}
    content = model(
        [node("ConvTranspose", ["x", "w"], **attributes)], {"x": list(X)}, {"w": numbers(*case["w"])}
    )
    check(content, images(), 1e-3, "int16")


@pytest.mark.parametrize(
    "case",
    [
        {"op": "MaxPool", "kernel_shape": [2, 2], "strides": [2, 2]},
        {"op": "MaxPool", "kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]},
        {"op": "MaxPool", "kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
        {"op": "MaxPool", "kernel_shape": [2, 2], "dilations": [2, 2]},
        {"op": "AveragePool", "kernel_shape": [2, 2], "strides": [2, 2]},
        {"op": "AveragePool", "kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        {"op": "AveragePool", "kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
        {"op": "GlobalAveragePool"},
        {"op": "GlobalMaxPool"},
    ],
)
@pytest.mark.parametrize("precision", ["int8", "int16"])
def test_pools_keep_the_tier_of_their_layer(case: dict[str, Any], precision: str) -> None:
    attributes = {key: value for key, value in case.items() if key != "op"}
    nodes = [node("Conv", ["x", "w"], ["h"]), node(case["op"], ["h"], **attributes)]
    content = model(nodes, {"x": list(X)}, {"w": numbers(4, 3, 1, 1)})
    check(content, images(), 0.04 if precision == "int8" else 1e-3, precision)


def test_batch_norm_and_scales_fold_into_the_convolution() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["h"]),
        node("BatchNormalization", ["h", "s", "b", "m", "v"], ["n"]),
        node("Clip", ["n", "zero", "six"]),
    ]
    weights = {
        "w": numbers(4, 3, 3, 3),
        "s": numbers(4, low=0.5, high=2),
        "b": numbers(4),
        "m": numbers(4),
        "v": numbers(4, low=0.5, high=2),
        "zero": np.float32(0),
        "six": np.float32(6),
    }
    artifact = check(model(nodes, {"x": list(X)}, weights), images(), 0.03, "int8")
    assert artifact.report.op_counts == {"Conv": 1}
