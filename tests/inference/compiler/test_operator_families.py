"""Operators beyond what the ONNX backend suite tries, against onnx's reference, on both executors."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import inference
from inference.compiler import InvalidModel, UnsupportedModel, compile_model, supported_operators
from inference.compiler.evaluator import Evaluator
from tests.inference.compiler.building import model, node, numbers

Arrays = Mapping[str, np.ndarray]


def agrees(
    nodes: Sequence[Any],
    feeds: Arrays,
    weights: Arrays | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 20,
    tolerance: float = 2e-4,
) -> None:
    graph = helper.make_graph(
        list(nodes),
        "test",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for name, x in feeds.items()
        ],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    with np.errstate(all="ignore"):
        expected = ReferenceEvaluator(proto).run(None, dict(feeds))
    loaded = inference.load(compile_model(proto.SerializeToString(), [feeds] if feeds else None).to_bytes())
    fast, slow = loaded.run(feeds), loaded.run(feeds, executor="reference")
    for name, want in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(fast[name]), np.asarray(slow[name]))
        got = np.asarray(fast[name])
        assert got.shape == np.shape(want)
        size = max(float(np.abs(np.asarray(want, np.float64)).max()), 1.0)
        np.testing.assert_allclose(got, np.asarray(want, np.float64), atol=tolerance * size)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 5)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
        ("ij,ij", [(3, 4), (3, 4)]),
        ("ii->i", [(4, 4)]),
        ("bii", [(2, 3, 3)]),
        ("bhwc,hkc->bhwk", [(2, 3, 4, 5), (3, 6, 5)]),
        ("i,j->ji", [(3,), (4,)]),
        ("ij,ik->jk", [(1, 3), (4, 5)]),
    ],
)
def test_einsum_is_a_chain_of_products(equation: str, shapes: list[tuple[int, ...]]) -> None:
    feeds = {f"x{at}": numbers(*shape, seed=at) for at, shape in enumerate(shapes)}
    agrees([node("Einsum", list(feeds), equation=equation)], feeds)


def test_an_einsum_with_too_few_operands_is_refused() -> None:
    with pytest.raises((UnsupportedModel, InvalidModel)):
        compile_model(model([node("Einsum", ["x"], equation="ij,jk->ik")], {"x": [2, 2]}))


@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions_with_computed_weights(groups: int) -> None:
    feeds = {"x": numbers(2, 4, 6, 5), "w": numbers(6, 4 // groups, 3, 2, seed=1), "b": numbers(6, seed=2)}
    agrees([node("Conv", ["x", "w", "b"], group=groups, pads=[1, 0, 1, 1], strides=[2, 1])], feeds)


@pytest.mark.parametrize("largest", [-3.4e38, -1e9])
def test_a_mask_computed_from_an_input_hides_what_it_marks(largest: float) -> None:
    nodes = [
        node("Sub", ["one", "mask"], ["hidden"]),
        node("Mul", ["hidden", "never"], ["bias"]),
        node("MatMul", ["x", "w"], ["scores"]),
        node("Add", ["scores", "bias"], ["masked"]),
        node("Softmax", ["masked"], axis=-1),
    ]
    weights = {"one": np.float32(1), "never": np.float32(largest), "w": numbers(8, 6)}
    mask = np.float32([[1, 1, 1, 0, 1, 0]])
    agrees(nodes, {"x": 0.1 * numbers(4, 8), "mask": mask}, weights, tolerance=1e-3)


def test_a_constant_mask_of_minus_infinity_in_attention_leaves_its_places_out() -> None:
    feeds = {name: numbers(1, 2, 4, 8, seed=at) for at, name in enumerate("qkv")}
    mask = np.where(np.tri(4, dtype=bool), 0.25, -np.inf).astype(np.float32)
    agrees([node("Attention", ["q", "k", "v", "m"])], feeds, {"m": mask}, opset=24)


def test_linear_attention_without_its_rate_is_refused() -> None:
    shape = [1, 2, 8]
    made = node("LinearAttention", ["q", "k", "v"], ["y", "s"], q_num_heads=2, kv_num_heads=2)
    content = model([made], {"q": shape, "k": shape, "v": shape}, opset=27)
    with pytest.raises((UnsupportedModel, InvalidModel)):
        compile_model(content)


@pytest.mark.parametrize("op", ["CumSum", "CumProd"])
@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_running_totals_of_integers(op: str, exclusive: int, reverse: int) -> None:
    made = node(op, ["x", "axis"], exclusive=exclusive, reverse=reverse)
    opset = 20 if op == "CumSum" else 26
    agrees([made], {"x": np.int32([[1, 2, 3], [-4, 5, 6]])}, {"axis": np.int64(1)}, opset=opset)


def test_an_unrolled_running_product_has_a_longest_axis() -> None:
    made = node("CumProd", ["x", "axis"])
    content = model([made], {"x": [2000]}, {"axis": np.int64(0)}, opset=26, dtype=TensorProto.INT32)
    with pytest.raises(UnsupportedModel, match="shorter axis"):
        compile_model(content)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scattering_at_computed_places(reduction: str) -> None:
    feeds = {
        "x": numbers(3, 4),
        "i": np.int64([[0, 1, -1, 0], [0, 2, 1, 0]]),
        "u": numbers(2, 4, seed=5),
    }
    agrees([node("ScatterElements", ["x", "i", "u"], axis=0, reduction=reduction)], feeds)
    feeds = {"x": numbers(3, 4), "i": np.int64([[0], [0], [-1]]), "u": numbers(3, 4, seed=5)}
    agrees([node("ScatterND", ["x", "i", "u"], reduction=reduction)], feeds)


def test_too_many_dependent_updates_are_refused() -> None:
    made = node("ScatterElements", ["x", "i", "u"], reduction="mul")
    content = model([made], {"x": [2000], "u": [2000]}, {"i": np.arange(2000)}, opset=18)
    with pytest.raises(UnsupportedModel, match="2000 updates"):
        compile_model(content)


@pytest.mark.parametrize(
    "attributes",
    [
        {"mode": "nearest", "nearest_mode": "ceil"},
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
        {"mode": "cubic", "coordinate_transformation_mode": "pytorch_half_pixel"},
        {"mode": "linear", "antialias": 1},
    ],
)
def test_resizing_by_sizes(attributes: dict[str, Any]) -> None:
    weights = {"sizes": np.int64([1, 2, 3, 9])}
    made = node("Resize", ["x", "", "", "sizes"], **attributes)
    agrees([made], {"x": numbers(1, 2, 6, 5)}, weights, opset=19)


def test_a_crop_of_one_place_reads_its_middle() -> None:
    made = node(
        "Resize",
        ["x", "roi", "", "sizes"],
        coordinate_transformation_mode="tf_crop_and_resize",
        mode="linear",
    )
    weights = {"roi": np.float32([0, 0.2, 1, 0.8]), "sizes": np.int64([1, 1])}
    made.attribute.append(helper.make_attribute("axes", [0, 1]))
    agrees([made], {"x": numbers(1, 6)}, {**weights, "roi": np.float32([0, 0.2, 1, 0.8])}, opset=19)


@pytest.mark.parametrize(
    ("shape", "inputs", "weights", "attributes"),
    [
        ((1, 6, 2), ["x"], {}, {}),
        ((1, 6, 1), ["x", "n"], {"n": np.int64(4)}, {"onesided": 1}),
        ((1, 6, 2), ["x", "n"], {"n": np.int64(8)}, {}),
        ((1, 4, 2), ["x"], {}, {"inverse": 1}),
        ((2, 5, 3, 2), ["x", "", "axis"], {"axis": np.int64(-3)}, {}),
    ],
)
def test_fourier_transforms_are_products_with_constant_matrices(
    shape: tuple[int, ...], inputs: list[str], weights: Arrays, attributes: dict[str, int]
) -> None:
    agrees([node("DFT", inputs, **attributes)], {"x": numbers(*shape)}, weights)


def test_an_old_fourier_transform_names_its_axis_by_attribute() -> None:
    agrees([node("DFT", ["x"], axis=1)], {"x": numbers(1, 6, 1)}, opset=17)


def test_frames_of_a_signal_transformed() -> None:
    weights = {"step": np.int64(4), "length": np.int64(8), "window": np.hanning(8).astype(np.float32)}
    feeds = {"x": numbers(1, 20, 1)}
    agrees([node("STFT", ["x", "step", "", "length"])], feeds, weights, opset=17)
    agrees([node("STFT", ["x", "step", "window"])], feeds, weights, opset=17)


def test_pools_of_powers_and_dilated_averages() -> None:
    feeds = {"x": numbers(1, 2, 7, 7)}
    agrees([node("LpPool", ["x"], kernel_shape=[2, 2], p=3)], feeds, opset=18)
    agrees([node("LpPool", ["x"], kernel_shape=[3, 2], p=1, strides=[2, 2])], feeds, opset=18)
    agrees(
        [
            node(
                "AveragePool",
                ["x"],
                kernel_shape=[2, 2],
                dilations=[2, 1],
                pads=[1, 0, 1, 0],
                count_include_pad=1,
            )
        ],
        feeds,
    )


def test_places_of_maxima_count_by_columns_if_asked() -> None:
    made = node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2], strides=[2, 2], storage_order=1)
    agrees([made], {"x": numbers(1, 2, 4, 6)}, outputs=("y", "i"))


def test_a_window_too_large_to_gather_is_refused() -> None:
    made = node("LpPool", ["x"], kernel_shape=[40, 40])
    with pytest.raises(UnsupportedModel, match="too many windows"):
        compile_model(model([made], {"x": [1, 1, 100, 100]}, opset=18))


@pytest.mark.parametrize("fmod", [0, 1])
def test_remainders_take_the_sign_that_is_asked_for(fmod: int) -> None:
    feeds = {"a": np.float32([-4.3, 7.2, 5.0, -8.1]), "b": np.float32([2.1, -3.4, 8.0, -2.0])}
    agrees([node("Mod", ["a", "b"], fmod=fmod)], feeds, opset=28 if not fmod else 20)


def test_powers_of_negative_bases_and_of_integers() -> None:
    feeds = {"a": np.float32([-2.0, -1.5, 3.0, 0.5]), "b": np.float32([3, 2, 2.5, -2])}
    agrees([node("Pow", ["a", "b"])], feeds)
    agrees([node("Pow", ["a", "b"])], {"a": np.int64([2, -3, 7]), "b": np.int64([10, 3, 0])})
    agrees([node("Pow", ["a", "b"])], {"a": np.int64([2, 3, 7])}, {"b": np.int64([10, 3, 0])})
    agrees([node("Pow", ["a", "b"])], {"a": np.float32([2.0, 3.0])}, {"b": np.float32(-0.5)})
    agrees([node("Pow", ["a", "b"])], {"a": np.float32([2.0, 3.0])}, {"b": np.float32(1.7)})


def test_matrix_products_of_bytes_with_zero_points_per_row() -> None:
    feeds = {"a": np.uint8([[11, 7, 3], [10, 6, 2]])}
    weights = {
        "b": np.uint8([[1, 4], [2, 5], [3, 6]]),
        "p": np.uint8([[12], [5]]),
        "q": np.uint8([3, 0]),
    }
    agrees([node("MatMulInteger", ["a", "b", "p", "q"])], feeds, weights)
    both = {**feeds, "b": weights["b"]}
    agrees([node("MatMulInteger", ["a", "b"])], both)


def test_sequences_of_different_lengths_keep_their_last_state() -> None:
    weights = {"w": numbers(2, 18, 5), "r": numbers(2, 18, 6, seed=4), "n": np.int32([3, 1])}
    made = node("GRU", ["x", "w", "r", "", "n"], ["y", "h"], hidden_size=6, direction="bidirectional")
    x = numbers(3, 2, 5)
    content = model([made], {"x": list(x.shape)}, weights, outputs=["y", "h"])
    found = inference.load(compile_model(content, [{"x": x}]).to_bytes()).run({"x": x})
    session = Evaluator(onnx.load_from_string(content), x.size)
    for name, want in zip(("y", "h"), session.run({"x": x}), strict=True):
        np.testing.assert_allclose(np.asarray(found[name]), want, atol=1e-3)


def test_a_model_without_inputs_is_a_constant_on_both_executors() -> None:
    made = node("HannWindow", ["n"])
    agrees([made], {}, {"n": np.int64(10)}, opset=17)


def test_an_input_without_elements_is_no_input_of_the_program() -> None:
    made = [node("ReduceSum", ["x", "axes"], keepdims=0)]
    content = model(made, {"x": [2, "N"]}, {"axes": np.int64([1])}, opset=13)
    loaded = inference.load(compile_model(content, input_shapes={"x": (2, 0)}).to_bytes())
    assert loaded.inputs == ()
    assert np.asarray(loaded.run({})["y"]).tolist() == [0, 0]


def test_an_output_without_elements_is_refused() -> None:
    content = model([node("Slice", ["x", "a", "b"])], {"x": [4]}, {"a": np.int64([9]), "b": np.int64([9])})
    with pytest.raises(InvalidModel, match="has no element"):
        compile_model(content)


def test_what_onnxruntime_does_not_load_runs_in_the_reference_evaluator_if_small() -> None:
    content = model([node("SwiGLU", ["x", "x"])], {"x": [2, 3]}, opset=28)
    proto = onnx.load_from_string(content)
    x = numbers(2, 3)
    (made,) = Evaluator(proto, x.size).run({"x": x})
    np.testing.assert_allclose(made, x * x / (1 + np.exp(-x)), rtol=1e-5)
    with pytest.raises(InvalidModel, match="does not load"):
        Evaluator(proto, 1 << 30)
    proto.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(InvalidModel, match="does not load"):
        Evaluator(proto, x.size)
    misfit = onnx.load_from_string(model([node("MatMul", ["a", "b"])], {"a": ["N", "M"], "b": ["M", "N"]}))
    with pytest.raises(InvalidModel, match="does not run"):
        Evaluator(misfit, 8).run({"a": numbers(2, 3), "b": numbers(2, 3)})


def test_the_list_of_operators_in_the_docs_is_the_table_of_rules() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operators.md").read_text().split("## Limits")[0]
    listed = set(re.findall(r"`(\w+)`", text)) - {"ZipMap"}
    assert listed == {name.rpartition("::")[2] for name in supported_operators()}
