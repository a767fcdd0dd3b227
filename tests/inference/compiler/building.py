"""Small ONNX models for the compiler's tests, and the comparison of a compiled model with onnxruntime."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import inference
from inference.compiler import Artifact, compile_model

Arrays = Mapping[str, np.ndarray]

RNG_SEED = 3


def numbers(*shape: int, seed: int = RNG_SEED, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """Uniform float32 numbers of a fixed seed."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def node(
    op: str, inputs: Sequence[str], outputs: Sequence[str] = ("y",), domain: str = "", **attributes: Any
) -> Any:
    """One ONNX node."""
    return helper.make_node(
        op, list(inputs), list(outputs), name=f"the_{op}_{outputs[0]}", domain=domain, **attributes
    )


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any]],
    weights: Arrays | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    ml: int = 3,
    dtype: int = TensorProto.FLOAT,
) -> bytes:
    """The bytes of a model whose outputs have no declared type."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ml)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def float_outputs(content: bytes, feeds: Arrays) -> dict[str, np.ndarray]:
    """What onnxruntime gives."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def worst_error(artifact: Artifact, content: bytes, samples: Sequence[Arrays]) -> float:
    """Greatest error over the largest float magnitude; both executors must agree bit for bit."""
    loaded = inference.load(artifact.to_bytes())
    worst = 0.0
    for feeds in samples:
        expected = float_outputs(content, feeds)
        fast = loaded.run(dict(feeds))
        slow = loaded.run(dict(feeds), executor="reference")
        for name, value in expected.items():
            np.testing.assert_array_equal(np.asarray(fast[name]), np.asarray(slow[name]))
            got = np.asarray(fast[name], dtype=np.float64)
            assert got.shape == value.shape
            size = max(float(np.abs(value.astype(np.float64)).max()), 1e-6)
            worst = max(worst, float(np.abs(got - value.astype(np.float64)).max()) / size)
    return worst


def check(
    content: bytes, samples: Sequence[Arrays], tolerance: float = 2e-3, precision: str = "auto"
) -> Artifact:
    """Compiles on the samples and asserts that the program is within `tolerance` of the float model."""
    artifact = compile_model(content, list(samples), precision)
    error = worst_error(artifact, content, samples)
    assert error <= tolerance, f"error {error} of the largest value"
    return artifact
