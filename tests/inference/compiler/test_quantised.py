"""Models that are quantised already give the very integers that onnxruntime's integer kernels give."""

import numpy as np
import pytest
from onnx import TensorProto

import inference
from inference.compiler import compile_model
from tests.inference.compiler.building import float_outputs, model, node

SEED = 11


def bytes_of(*shape: int, low: int = 0, high: int = 255, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(SEED).integers(low, high + 1, shape).astype(dtype)


def integers_differ(content: bytes, feeds: list[dict[str, np.ndarray]]) -> int:
    """Greatest difference between the compiled model's integers and onnxruntime's."""
    loaded = inference.load(compile_model(content, feeds).to_bytes())
    worst = 0
    for feed in feeds:
        expected = float_outputs(content, feed)
        for name, value in loaded.run(dict(feed)).items():
            difference = np.abs(np.asarray(value, dtype=np.int64) - expected[name].astype(np.int64))
            worst = max(worst, int(difference.max()))
    return worst


def qlinear_conv(weight: np.ndarray, zeros: np.ndarray, scales: np.ndarray) -> bytes:
    weights: dict[str, np.ndarray] = {
        "xs": np.array(0.037, dtype=np.float32),
        "xz": np.array(121, dtype=np.uint8),
        "w": weight,
        "ws": scales,
        "wz": zeros,
        "ys": np.array(0.21, dtype=np.float32),
        "yz": np.array(133, dtype=np.uint8),
        "b": np.arange(-2000, 2000, 4000 // len(weight))[: len(weight)].astype(np.int32),
    }
    nodes = [node("QLinearConv", ["x", *weights], ("y",), pads=[1, 1, 1, 1])]
    return model(nodes, {"x": [1, 4, 9, 9]}, weights, dtype=TensorProto.UINT8)


def samples(*shape: int) -> list[dict[str, np.ndarray]]:
    generator = np.random.default_rng(SEED)
    return [{"x": generator.integers(0, 256, shape).astype(np.uint8)} for _ in range(6)]


@pytest.mark.parametrize("channels", [1, 8])
def test_a_quantised_convolution_with_full_8_bit_weights_is_exact(channels: int) -> None:
    weight = bytes_of(8, 4, 3, 3, low=-128, high=127, dtype=np.int8)
    scales = np.linspace(0.002, 0.05, channels).astype(np.float32)
    content = qlinear_conv(weight, np.zeros(channels, np.int8), scales)
    assert integers_differ(content, samples(1, 4, 9, 9)) == 0


def test_unsigned_weights_with_a_zero_point_at_their_end_are_exact() -> None:
    content = qlinear_conv(bytes_of(8, 4, 3, 3), np.full(1, 3, np.uint8), np.full(1, 0.004, np.float32))
    assert integers_differ(content, samples(1, 4, 9, 9)) == 0


@pytest.mark.parametrize("constant", [True, False])
def test_a_quantised_product_of_constant_or_computed_operands_is_exact(constant: bool) -> None:
    weights: dict[str, np.ndarray] = {
        "as": np.array(0.011, dtype=np.float32),
        "az": np.array(90, dtype=np.uint8),
        "bs": np.array(0.02, dtype=np.float32),
        "bz": np.array(140, dtype=np.uint8),
        "ys": np.array(0.05, dtype=np.float32),
        "yz": np.array(128, dtype=np.uint8),
    }
    right = "w" if constant else "other"
    inputs = {"x": [5, 16]} if constant else {"x": [5, 16], "other": [16, 7]}
    table = bytes_of(16, 7)
    content = model(
        [node("QLinearMatMul", ["x", "as", "az", right, "bs", "bz", "ys", "yz"])],
        inputs,
        {**weights, **({"w": table} if constant else {})},
        dtype=TensorProto.UINT8,
    )
    feeds = samples(5, 16)
    if not constant:
        feeds = [{**feed, "other": table} for feed in feeds]
    assert integers_differ(content, feeds) == 0


def test_levels_pass_through_layout_and_pools_between_two_quantised_layers() -> None:
    """QuantizeLinear, MaxPool, Transpose, Reshape, DequantizeLinear: rounded once, on the file's levels."""
    weights: dict[str, np.ndarray] = {
        "s": np.array(0.0301, dtype=np.float32),
        "z": np.array(-7, dtype=np.int8),
        "w": bytes_of(10, 4 * 16, low=-127, high=127, dtype=np.int8),
        "ws": np.array(0.0042, dtype=np.float32),
        "wz": np.array(0, dtype=np.int8),
        "t": np.array(0.19, dtype=np.float32),
        "u": np.array(5, dtype=np.int8),
        "shape": np.array([1, 64], dtype=np.int64),
    }
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ("q",)),
        node("MaxPool", ["q"], ("m",), kernel_shape=[2, 2], strides=[2, 2]),
        node("Transpose", ["m"], ("n",), perm=[0, 2, 3, 1]),
        node("Reshape", ["n", "shape"], ("r",)),
        node("DequantizeLinear", ["r", "s", "z"], ("d",)),
        node("DequantizeLinear", ["w", "ws", "wz"], ("v",)),
        node("Gemm", ["d", "v"], ("g",), transB=1),
        node("QuantizeLinear", ["g", "t", "u"], ("y",)),
    ]
    content = model(nodes, {"x": [1, 4, 8, 8]}, weights)
    generator = np.random.default_rng(SEED)
    feeds = [{"x": generator.uniform(-4, 4, (1, 4, 8, 8)).astype(np.float32)} for _ in range(6)]
    assert integers_differ(content, feeds) == 0


def test_a_residual_sum_of_two_quantised_branches_is_exact() -> None:
    weights: dict[str, np.ndarray] = {
        "s": np.array(0.02, dtype=np.float32),
        "z": np.array(120, dtype=np.uint8),
        "t": np.array(0.031, dtype=np.float32),
        "u": np.array(3, dtype=np.uint8),
        "o": np.array(0.043, dtype=np.float32),
        "p": np.array(77, dtype=np.uint8),
    }
    nodes = [
        node("DequantizeLinear", ["x", "s", "z"], ("a",)),
        node("DequantizeLinear", ["other", "t", "u"], ("b",)),
        node("Add", ["a", "b"], ("c",)),
        node("QuantizeLinear", ["c", "o", "p"], ("y",)),
    ]
    content = model(nodes, {"x": [1, 300], "other": [1, 300]}, weights, dtype=TensorProto.UINT8)
    feeds = [{"x": bytes_of(1, 300), "other": bytes_of(1, 300)[:, ::-1].copy()}]
    assert integers_differ(content, feeds) <= 1, "a tie may round either way in float32"
