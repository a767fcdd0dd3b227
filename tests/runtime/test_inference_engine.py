"""The engine behind the pallets: what it finds in artifacts, what it refuses, and that it resides."""

import numpy as np
import pytest

from inference import ModelCache, load
from inference.ir import DType, Requantize, ops
from inference.ir.artifact import encode_program
from inference.ir.builder import ProgramBuilder
from runtime.frame.engine import MAX_INSPECTION, ArtifactRefused, ElementType, InputRefused, TensorSpec
from runtime.inference_engine import LocalEngine, summary_of
from runtime.primitives.hashing import blake2_256
from tests.runtime.pallets.programs import WIDTH, scaler, table

SMALL = scaler()


def test_a_summary_says_what_the_chain_must_know() -> None:
    summary = LocalEngine().inspect(SMALL)
    assert summary.inputs == (TensorSpec("x", ElementType.U8, (1, WIDTH), 1, 255, 0),)
    assert summary.outputs == (TensorSpec("y", ElementType.I16, (1, WIDTH), 1, 255, 0),)
    assert summary.op_counts == (("Rescale", 1),)
    assert (summary.proof_size, summary.opset) == (0, 1)
    model = load(SMALL)
    assert (summary.ref_time, summary.peak_memory) == (model.cost, model.peak_memory)
    assert summary.verification_time == model.verification_time > 0
    assert summary_of(model) == summary
    assert summary.outputs[0].size == 2 * WIDTH


def test_bytes_that_break_a_rule_are_refused_by_its_name() -> None:
    for artifact, reason in ((b"\0", "MALFORMED"), (SMALL + b"\0", "MALFORMED"), (b"\x80", "MALFORMED")):
        with pytest.raises(ArtifactRefused) as caught:
            LocalEngine().inspect(artifact)
        assert caught.value.reason == reason


def test_an_artifact_that_is_dear_to_verify_is_refused_before_it_costs_more_than_its_price() -> None:
    """Few bytes, much work: each of these products looks at all channels of one shared constant."""
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, 1))
    weights = b.constant(np.ones((1, 60_000), np.int64), DType.I8)
    for number in range(3):
        shifts = (number,) * 60_000
        product = b.emit(ops.MatMul(0, 0, Requantize(DType.U8, shifts, 0, 0, 255)), x, weights)
        b.output(product, f"y{number}")
    artifact = encode_program(b.build())
    assert load(artifact).verification_time > MAX_INSPECTION
    with pytest.raises(ArtifactRefused) as caught:
        LocalEngine().inspect(artifact)
    assert caught.value.reason == "LIMIT"
    assert "verification" in caught.value.detail


def test_a_model_runs_and_stays_resident() -> None:
    cache = ModelCache()
    engine = LocalEngine(cache)
    fetched: list[bytes] = []

    def fetch() -> bytes:
        fetched.append(SMALL)
        return SMALL

    for _ in range(3):
        assert engine.run(blake2_256(SMALL), fetch, (bytes([0, 1, 2, 255]),)) == (
            bytes([0, 0, 2, 0, 4, 0, 254, 1]),
        )
    assert len(fetched) == len(cache) == 1


def test_inputs_that_do_not_fit_are_the_callers_fault() -> None:
    engine = LocalEngine()
    for inputs in ((), (b"",), (bytes(4), bytes(4))):
        with pytest.raises(InputRefused):
            engine.run(blake2_256(SMALL), lambda: SMALL, inputs)


def test_other_bytes_under_a_models_id_stop_the_node() -> None:
    with pytest.raises(AssertionError):
        LocalEngine().run(blake2_256(SMALL), lambda: table(8), (bytes(4),))
