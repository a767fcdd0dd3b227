"""The little protobuf writer against the onnx package."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from inference.executor import onnx_encoding as encoding
from inference.executor.batching import batched_values
from inference.executor.plan import SessionStep, make_plan
from inference.verifier import verify
from tests.inference.programs import random_program


def test_every_planned_session_passes_onnxs_own_checker() -> None:
    seen = set()
    for seed in range(150):
        program = verify(random_program(seed))
        for step in make_plan(program, batched_values(program)):
            if isinstance(step, SessionStep):
                model = onnx.load_from_string(step.model)
                onnx.checker.check_model(_standard_part(model))
                seen.update(node.op_type for node in model.graph.node)
                assert [o.name for o in model.graph.output] == list(step.names)
    assert {"QLinearConv", "QGemm", "MaxPool", "Gather", "Cast", "TreeEnsembleRegressor"} <= seen


def _standard_part(model: onnx.ModelProto) -> onnx.ModelProto:
    """The checker knows contrib operators by their domain's import only; everything else is checked."""
    assert {i.domain: i.version for i in model.opset_import} == {"": 17, "com.microsoft": 1, "ai.onnx.ml": 3}
    return model


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 1 << 40, (1 << 63) - 1, -1, -(1 << 63)])
def test_integers_of_any_size_survive(value: int) -> None:
    attribute = onnx.AttributeProto.FromString(encoding.attribute("a", value))
    assert (attribute.name, attribute.i, attribute.type) == ("a", value, onnx.AttributeProto.INT)
    listed = onnx.AttributeProto.FromString(encoding.attribute("a", [value, 5]))
    assert list(listed.ints) == [value, 5]


def test_texts_and_reals_survive() -> None:
    assert onnx.AttributeProto.FromString(encoding.attribute("a", "é")).s.decode() == "é"
    assert list(onnx.AttributeProto.FromString(encoding.attribute("a", ["x", "yz"])).strings) == [b"x", b"yz"]
    reals = encoding.attribute("a", np.array([1, -2.5], np.float32))
    assert list(onnx.AttributeProto.FromString(reals).floats) == [1, -2.5]


@pytest.mark.parametrize("name", list(encoding.ELEMENT_TYPES))
def test_tensors_of_every_element_type_survive(name: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(name)
    tensor = onnx.TensorProto.FromString(encoding.tensor("t", array))
    assert tensor.name == "t"
    np.testing.assert_array_equal(numpy_helper.to_array(tensor), array)


def test_ports_carry_fixed_and_symbolic_dimensions() -> None:
    port = onnx.ValueInfoProto.FromString(encoding.port("x", encoding.INT8, ["batch", 3]))
    dims = port.type.tensor_type.shape.dim
    assert (port.name, dims[0].dim_param, dims[1].dim_value) == ("x", "batch", 3)
    assert port.type.tensor_type.elem_type == onnx.TensorProto.INT8
