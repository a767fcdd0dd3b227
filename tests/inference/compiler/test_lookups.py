"""One-hot products become gathers, whatever the index, and pointwise work moves into the table."""

import numpy as np
import pytest
from onnx import TensorProto, helper

import inference
from inference.compiler import compile_model
from tests.inference.compiler.building import float_outputs, node, numbers

CLASSES, WIDTH, LENGTH = 9, 6, 20


def embedding(first: int, activation: str) -> bytes:
    """Index, one-hot by comparison, matrix product, bias, activation, mean: as jax exports an embedding."""
    weights = {
        "classes": np.arange(first, first + CLASSES, dtype=np.int32).reshape(1, 1, CLASSES),
        "w": numbers(CLASSES, WIDTH),
        "b": numbers(1, 1, WIDTH, seed=4),
        "shape": np.array([1, LENGTH, 1], dtype=np.int64),
    }
    nodes = [
        node("Reshape", ["x", "shape"], ("column",)),
        node("Equal", ["column", "classes"], ("hit",)),
        node("Cast", ["hit"], ("hot",), to=TensorProto.FLOAT),
        node("MatMul", ["hot", "w"], ("rows",)),
        node("Add", ["rows", "b"], ("biased",)),
        node(activation, ["biased"], ("bent",)),
        node("Mul", ["bent", "biased"], ("y",)),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.INT32, [1, LENGTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor(name, *_typed(value)) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return content


def _typed(value: np.ndarray) -> tuple[int, tuple[int, ...], list[float]]:
    return helper.np_dtype_to_tensor_dtype(value.dtype), value.shape, value.ravel().tolist()


@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize("activation", ["Tanh", "Relu"])
def test_a_one_hot_product_becomes_one_gather_also_for_indices_of_no_class(
    first: int, activation: str
) -> None:
    content = embedding(first, activation)
    inside = np.arange(LENGTH, dtype=np.int32).reshape(1, -1) % CLASSES + first
    outside = np.arange(-4, LENGTH - 4, dtype=np.int32).reshape(1, -1) + first
    artifact = compile_model(content, [{"x": inside}])
    assert artifact.report.op_counts.get("MatMul", 0) == 0
    assert artifact.report.op_counts["Gather"] == 1
    loaded = inference.load(artifact.to_bytes())
    for feed in (inside, outside):
        expected = float_outputs(content, {"x": feed})["y"]
        np.testing.assert_allclose(np.asarray(loaded.run({"x": feed})["y"]), expected, atol=2e-3)


def test_a_logarithm_of_the_silent_row_stays_outside_the_table() -> None:
    """log(0) of an index of no class is no number that a table can hold."""
    content = embedding(0, "Relu").replace(b"Relu", b"Sqrt")
    feed = np.arange(LENGTH, dtype=np.int32).reshape(1, -1) % CLASSES
    with np.errstate(invalid="ignore"):
        artifact = compile_model(content, [{"x": feed}])
    assert artifact.report.op_counts["Gather"] == 1
