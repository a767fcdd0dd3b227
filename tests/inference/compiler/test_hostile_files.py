"""Damaged, hostile, oversized and unsupported files: each a specific error, nothing else."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import inference
from inference.compiler import InvalidModel, ModelFault, UnsupportedModel, compile_model
from tests.inference.compiler.building import model, node, numbers

SMALL = model([node("MatMul", ["x", "w"], ["h"]), node("Relu", ["h"])], {"x": ["N", 4]}, {"w": numbers(4, 3)})


def changed(content: bytes, change: Any) -> bytes:
    proto = onnx.ModelProto.FromString(content)
    change(proto)
    result: bytes = proto.SerializeToString()
    return result


def _external(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].data_location = TensorProto.EXTERNAL


def _nan(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(np.full((4, 3), np.nan, np.float32), "w")
    )


def _short(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].raw_data = b"abc"


def _huge(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]


def _cycle(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].input[0] = "y"


def _twice(proto: onnx.ModelProto) -> None:
    proto.graph.node.append(helper.make_node("Relu", ["x"], ["h"]))


def _dangling(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].input[0] = "nowhere"


def _no_output(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].output[:] = []


def _lost_output(proto: onnx.ModelProto) -> None:
    proto.graph.output[0].name = "lost"


def _shapeless(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.ClearField("shape")


def _negative(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = -4


def _deep(proto: onnx.ModelProto) -> None:
    for _ in range(9):
        proto.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 1


def _strange_type(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = 999


def _misfit(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5


def _sparse(proto: onnx.ModelProto) -> None:
    proto.graph.sparse_initializer.add()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_external, ModelFault.UNREADABLE),
        (_nan, ModelFault.NOT_FINITE),
        (_short, ModelFault.MALFORMED),
        (_huge, ModelFault.TOO_LARGE),
        (_cycle, ModelFault.MALFORMED),
        (_twice, ModelFault.MALFORMED),
        (_dangling, ModelFault.MALFORMED),
        (_no_output, ModelFault.MALFORMED),
        (_lost_output, ModelFault.MALFORMED),
        (_shapeless, ModelFault.NOT_STATIC),
        (_negative, ModelFault.WRONG_TYPE),
        (_deep, ModelFault.TOO_LARGE),
        (_strange_type, ModelFault.WRONG_TYPE),
        (_misfit, ModelFault.WRONG_TYPE),
        (_sparse, ModelFault.MALFORMED),
    ],
)
def test_a_damaged_model_is_refused_with_its_reason(change: Any, reason: ModelFault) -> None:
    with pytest.raises(InvalidModel) as caught:
        compile_model(changed(SMALL, change))
    assert caught.value.reason is reason


def _custom(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].domain = "org.example"


def _unknown(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].op_type = "NonZero"


def _old(proto: onnx.ModelProto) -> None:
    proto.opset_import[0].version = 3
    proto.graph.node[0].op_type = "Upsample"


def _new_ml(proto: onnx.ModelProto) -> None:
    proto.opset_import[1].version = 99


def _random(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].op_type = "RandomNormalLike"


def _control_flow(proto: onnx.ModelProto) -> None:
    branch = helper.make_graph([], "branch", [], [])
    proto.graph.node[1].CopyFrom(helper.make_node("If", ["h"], ["y"], then_branch=branch, else_branch=branch))


def _sequence(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None))


def _text(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING


@pytest.mark.parametrize(
    "change", [_custom, _unknown, _old, _new_ml, _random, _control_flow, _sequence, _text]
)
def test_what_is_not_supported_is_named_with_advice(change: Any) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        compile_model(changed(SMALL, change))
    assert caught.value.operator
    assert caught.value.node
    assert len(caught.value.advice) > 10


@pytest.mark.parametrize("attributes", [{"strides": [0, 1]}, {"group": 0}, {"pads": [1 << 30] * 4}])
def test_hostile_window_attributes_are_refused(attributes: dict[str, Any]) -> None:
    content = model([node("Conv", ["x", "w"], **attributes)], {"x": [1, 1, 4, 4]}, {"w": numbers(1, 1, 2, 2)})
    with pytest.raises(InvalidModel) as caught:
        compile_model(content)
    assert caught.value.reason is ModelFault.MALFORMED


def test_tensors_beyond_the_limit_are_refused_before_they_exist() -> None:
    nodes = [node("Expand", ["x", "shape"])]
    content = model(nodes, {"x": [1, 4]}, {"shape": np.int64([1 << 20, 1 << 20, 4])})
    with pytest.raises(InvalidModel) as caught:
        compile_model(content)
    assert caught.value.reason is ModelFault.TOO_LARGE


def test_files_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(SMALL)
    assert compile_model(str(path)).to_bytes() == compile_model(SMALL).to_bytes()
    with pytest.raises(InvalidModel) as caught:
        compile_model(tmp_path / "absent.onnx")
    assert caught.value.reason is ModelFault.UNREADABLE


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_never_escape_as_other_errors(data: st.DataObject) -> None:
    content = bytearray(SMALL)
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(InvalidModel, UnsupportedModel):
        inference.load(compile_model(bytes(content)).to_bytes())
