"""The ONNX backend suite (onnx 1.23.2), core and on-disk tests, at the declared tolerance.

Both executors must agree bit for bit in every test. What fails is listed with its reason: a test that
starts to fail, or to pass, shows.
"""

import json

import onnx
import pytest

from benchmarks import onnx_backend
from benchmarks.onnx_backend_cases import Outcome, attempt, facts, selection

PARTS = 8

EMPTY = "a result without elements, which no program has"
AXIS = "opset 6 broadcasting along an axis is refused with advice (three of the four also hold garbage)"
ORT = "onnxruntime reads align_corners otherwise where the scale is no whole ratio, and models expect that"

KNOWN = {
    "test_causal_conv_with_state_kernel_size_one": EMPTY,
    "test_constantofshape_int_shape_zero": EMPTY,
    "test_reduce_sum_empty_set_non_reduced_axis_zero": EMPTY,
    "test_reshape_allowzero_reordered": EMPTY,
    "test_shape_start_greater_than_end": EMPTY,
    "test_slice_start_out_of_bounds": EMPTY,
    "test_split_zero_size_splits_opset13": EMPTY,
    "test_split_zero_size_splits_opset18": EMPTY,
    "test_tril_zero": EMPTY,
    "test_triu_zero": EMPTY,
    "test_operator_addconstant": "its stored doubles are uninitialised memory of up to 1e223",
    "test_operator_add_broadcast": AXIS,
    "test_operator_add_size1_broadcast": AXIS,
    "test_operator_add_size1_right_broadcast": AXIS,
    "test_operator_add_size1_singleton_broadcast": AXIS,
    "test_resize_downsample_scales_linear_align_corners": ORT,
    "test_resize_downsample_scales_cubic_align_corners": ORT,
    "test_dynamicquantizelinear": "a tie that float32 does not see",
    "test_operator_conv": "68 million products: bytes are accurate enough for its target",
    "test_stft": "the frame length is fed at run time",
}


@pytest.mark.skipif(onnx.__version__ != "1.23.2", reason="the list is of the suite of onnx 1.23.2")
@pytest.mark.parametrize("part", range(PARTS))
def test_the_suite_passes_at_the_declared_tolerance_on_both_executors(part: int) -> None:
    names = selection("headline", ())[part::PARTS]
    failed = {outcome.name: outcome.reason for outcome in map(attempt, names) if not outcome.declared}
    assert failed.keys() == KNOWN.keys() & set(names), failed


def test_the_denominators_are_those_that_were_fixed_beforehand() -> None:
    known = facts().values()
    assert len(known) == 2033
    assert sum(fact.headline for fact in known) == 1127
    assert sum(fact.relevant for fact in known) == 672
    assert len({fact.operator for fact in known if fact.core}) == 164


def test_the_program_prints_numbers_and_continues_from_its_results(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    file = f"{tmp_path}/results.jsonl"
    arguments = ["--only", "Det", "--only", "Unique", "--results", file, "--failures"]
    assert onnx_backend.main(arguments) == 0
    with open(file) as stored:
        outcomes = [Outcome(**json.loads(line)) for line in stored]
    assert {outcome.name: outcome.declared for outcome in outcomes if "det" in outcome.name} == {
        "test_det_2d": True,
        "test_det_nd": True,
    }
    assert onnx_backend.main([*arguments, "--jobs", "2"]) == 0
    with open(file) as stored:
        assert len(stored.readlines()) == len(outcomes)
    assert "headline" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        onnx_backend.main(["--only", "NoSuchOperator"])
