"""Channels of unequal size between two convolutions are made alike, without changing the float model."""

import numpy as np
import pytest

from inference.compiler import compile_model
from inference.compiler.calibrate import observe
from inference.compiler.equalise import equalised
from inference.compiler.float_model import FloatModel
from inference.compiler.onnx_reader import read_model
from inference.compiler.rewrite import canonical_graph
from inference.compiler.static import static_graph
from tests.inference.compiler.building import model, node, numbers

CHANNELS = 12


def unequal(groups: int) -> bytes:
    """Two convolutions; the channels between them span three orders of magnitude, and all matter."""
    sizes = np.geomspace(0.003, 3.0, CHANNELS).astype(np.float32).reshape(-1, 1, 1, 1)
    sizes[:3] = 0.002
    second = numbers(CHANNELS, CHANNELS // groups, 3, 3, seed=5)
    second = second / (sizes if groups > 1 else sizes.reshape(1, -1, 1, 1))
    weights: dict[str, np.ndarray] = {
        "a": numbers(CHANNELS, 3, 3, 3) * sizes,
        "b": numbers(CHANNELS, seed=2) * 0.1 * sizes.ravel(),
        "c": second,
    }
    nodes = [
        node("Conv", ["x", "a", "b"], ("h",), pads=[1, 1, 1, 1]),
        node("Relu", ["h"], ("r",)),
        node("MaxPool", ["r"], ("m",), kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["m", "c"], ("y",), group=groups, pads=[1, 1, 1, 1]),
    ]
    return model(nodes, {"x": [1, 3, 12, 12]}, weights)


SAMPLES = [{"x": numbers(1, 3, 12, 12, seed=seed)} for seed in range(8)]


@pytest.mark.parametrize("groups", [1, CHANNELS])
def test_equalised_weights_leave_the_float_model_as_it_is(groups: int) -> None:
    graph = canonical_graph(static_graph(read_model(unequal(groups)), {}, {})).graph
    changed = equalised(graph, observe(graph, SAMPLES), {})
    assert changed is not graph
    for sample in SAMPLES:
        before = FloatModel(graph, graph.outputs).run(sample)[graph.outputs[0]]
        after = FloatModel(changed, changed.outputs).run(sample)[changed.outputs[0]]
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("groups", [1, CHANNELS])
def test_unequal_channels_are_accurate_in_bytes(groups: int) -> None:
    report = compile_model(unequal(groups), SAMPLES, "int8").report
    assert report.calibration[0].relative < 0.05, "it is 0.7 where the channels are left as they are"


def test_channels_alike_and_values_on_levels_of_the_file_are_left_alone() -> None:
    weights = {"a": numbers(CHANNELS, 3, 3, 3), "c": numbers(CHANNELS, CHANNELS, 3, 3, seed=5)}
    nodes = [node("Conv", ["x", "a"], ("h",)), node("Relu", ["h"], ("r",)), node("Conv", ["r", "c"])]
    content = model(nodes, {"x": [1, 3, 12, 12]}, weights)
    graph = canonical_graph(static_graph(read_model(content), {}, {})).graph
    assert equalised(graph, observe(graph, SAMPLES), {}) is graph
    graph = canonical_graph(static_graph(read_model(unequal(1)), {}, {})).graph
    inner = {name: (1.0, 0) for each in graph.nodes for name in each.outputs}
    assert equalised(graph, observe(graph, SAMPLES), inner) is graph
