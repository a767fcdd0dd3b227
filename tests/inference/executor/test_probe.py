"""The conformance probe passes here, and refuses a kernel that gives wrong bits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from inference.executor import FastExecutor, conformance, run_probe, run_reference
from inference.executor import probe as probe_module
from inference.executor.fast import load_session
from inference.executor.lowering import ENTRY, KERNELS
from inference.executor.plan import SessionStep
from inference.executor.probe_cases import CASES, GOLDEN
from inference.ir import DType, Requantize, ops
from inference.ir.builder import ProgramBuilder
from inference.verifier import VerifiedProgram, verify


class Saturating:
    """A session that is wrong on all-maximum bytes only, as `vpmaddubsw` is on a CPU without VNNI.

    It stands for any kernel that is right on small numbers and wrong on large ones.
    """

    def __init__(self, session: onnxruntime.InferenceSession, broken: bool) -> None:
        self.session, self.broken = session, broken

    def run(self, names: Sequence[str], feed: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = self.session.run(names, feed)
        largest = all((x == np.iinfo(x.dtype).max).all() for x in feed.values() if x.dtype == np.uint8)
        return [np.bitwise_xor(y, 1) for y in found] if self.broken and largest else found


def breaking(kind: str) -> Any:
    """A loader whose sessions go wrong on all-maximum bytes if they contain the kernel."""

    def load(model: bytes, threads: int) -> Saturating:
        kinds = {node.op_type for node in onnx.load_from_string(model).graph.node}
        return Saturating(load_session(model, threads), kind in kinds)

    return load


def test_every_kernel_passes_on_this_machine_and_the_reference_matches_its_golden_hashes() -> None:
    report = conformance()
    assert report.failures == ()
    assert report.reference_failures == ()
    assert report.disabled == frozenset()
    assert conformance() is report


def numpy_steps(program: VerifiedProgram, disabled: frozenset[str]) -> int:
    return sum(not isinstance(step, SessionStep) for step in FastExecutor(program, disabled=disabled).steps)


def test_every_kernel_has_a_case_that_runs_in_numpy_without_it() -> None:
    assert {kernel for kernel, _ in CASES.values()} == set(KERNELS)
    assert set(GOLDEN) == set(CASES)
    for kernel, build in CASES.values():
        if kernel == ENTRY:
            # It is no operation's kernel: without it reals become integers before the session.
            continue
        others = frozenset(KERNELS) - {kernel, "movement", "table"}
        program = verify(build())
        assert numpy_steps(program, others) < numpy_steps(program, others | {kernel})


def test_a_deliberately_broken_kernel_is_refused_and_models_do_without_it() -> None:
    report = run_probe(breaking("QLinearConv"))
    assert report.disabled == {"byte_conv", "byte_average"}
    failure = next(f for f in report.failures if f.case == "conv_dense")
    assert "differ from the reference in single call 1" in failure.detail
    program = dense_image()
    call = [np.full((1, 2, 4, 4), 255, np.uint8)]
    wanted = run_reference(program, [call[0].astype(np.int64)])
    kept = FastExecutor(program, disabled=report.disabled, loader=breaking("QLinearConv"))
    lost = FastExecutor(program, loader=breaking("QLinearConv"))
    np.testing.assert_array_equal(kept.run(call)[0], wanted[0])
    assert (lost.run(call)[0] != wanted[0]).any()


def test_a_kernel_that_raises_is_refused_with_what_it_raised() -> None:
    def refuse(model: bytes, threads: int) -> onnxruntime.InferenceSession:
        raise RuntimeError("no such kernel")

    report = run_probe(refuse)
    assert report.disabled == set(KERNELS)
    assert report.failures[0].detail == "RuntimeError: no such kernel"


def test_a_reference_that_differs_from_its_golden_hash_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GOLDEN, "dense", "00")
    assert run_probe().reference_failures == ("dense",)


def test_an_executor_that_fails_in_numpy_too_fails_its_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, *_: object) -> None:
            raise MemoryError("none left")

    monkeypatch.setattr(probe_module, "FastExecutor", Broken)
    assert run_probe().failures[0].detail == "MemoryError: none left"


def test_the_golden_hashes_are_what_the_reference_gives() -> None:
    assert probe_module.digests() == GOLDEN


def dense_image() -> VerifiedProgram:
    b = ProgramBuilder()
    w = b.constant(np.arange(54).reshape(3, 2, 3, 3) - 27, DType.I8)
    op = ops.Conv((1, 1), (1, 1), (1, 1, 1, 1), 1, 0, Requantize.to(DType.U8, 5, 100))
    b.output(b.emit(op, b.input("x", DType.U8, (1, 2, 4, 4)), w), "y")
    return verify(b.build())


def test_a_session_that_breaks_while_running_is_replaced_by_numpy_and_says_so() -> None:
    class Failing:
        def run(self, *_: object) -> list[Any]:
            raise RuntimeError("out of arena")

    program = dense_image()
    executor = FastExecutor(program, loader=lambda model, threads: Failing())  # type: ignore[arg-type,return-value]
    assert executor.degraded is None
    call = [np.full((1, 2, 4, 4), 200, np.uint8)]
    wanted = run_reference(program, [call[0].astype(np.int64)])[0]
    np.testing.assert_array_equal(executor.run(call)[0], wanted)
    assert executor.degraded == "RuntimeError: out of arena"
    np.testing.assert_array_equal(executor.run_many([call] * 3)[2][0], wanted)
    with pytest.raises(ValueError, match="not enough values"):
        executor.run([np.zeros(3, np.uint8)])
