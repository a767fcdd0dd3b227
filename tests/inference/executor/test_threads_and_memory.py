"""Many threads in one executor, and what a call may take."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from inference.executor import FastExecutor, run_reference
from inference.executor.fast import load_session
from inference.ir import DType, Requantize, ops
from inference.ir.builder import ProgramBuilder
from inference.ir.program import Program
from inference.verifier import verify

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")

#: What onnxruntime and the allocator keep beside tensors: a call's first, whatever its size.
_SLACK = 4 << 20


class _Failing:
    """A session whose runs all meet at a barrier, then fail."""

    def __init__(self, model: bytes, barrier: Barrier) -> None:
        self.session, self.barrier = load_session(model, 1), barrier

    def run(self, names: object, feed: object) -> Any:
        self.barrier.wait(timeout=30)
        raise RuntimeError("out of arena")


def double_layers(split: bool) -> Program:
    """Two dense layers in one session, or with a numpy step between them."""
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, 64))
    w = b.constant(np.arange(64 * 64).reshape(64, 64) % 127 - 63, DType.I8)
    op = ops.MatMul(0, 0, Requantize.to(DType.U8, 7))
    y = b.emit(op, x, w)
    if split:
        y = b.emit(ops.Bitwise(ops.BitOperation.XOR), y, b.constant(np.array(77), DType.U8))
    b.output(b.emit(op, y, w), "y")
    return b.build()


@pytest.mark.parametrize("split", [False, True])
def test_calls_whose_session_breaks_at_the_same_time_all_answer_from_numpy(split: bool) -> None:
    program = verify(double_layers(split))
    threads = 4
    barrier = Barrier(threads)
    fast = FastExecutor(program, loader=lambda model, _: _Failing(model, barrier))
    calls = [[np.full((1, 64), 50 * i, np.uint8)] for i in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(fast.run, calls))
    wanted = [run_reference(program, [x.astype(np.int64) for x in call]) for call in calls]
    assert [y[0].tolist() for y in found] == [y[0].tolist() for y in wanted]
    assert fast.degraded == "RuntimeError: out of arena"


def test_a_call_under_way_finishes_with_its_sessions_while_another_gives_them_up() -> None:
    """The first call stands between two sessions when the second one breaks."""
    program = verify(double_layers(split=True))
    entered, broken = Barrier(2), Barrier(2)
    runs: list[str] = []

    class Session:
        def __init__(self, model: bytes) -> None:
            self.session = load_session(model, 1)

        def run(self, names: Any, feed: Any) -> Any:
            value = int(next(iter(feed.values())).flat[0])
            if value == 200:
                entered.wait(timeout=30)
                raise RuntimeError("out of arena")
            result = self.session.run(names, feed)
            if not runs:
                runs.append("first")
                entered.wait(timeout=30)
                broken.wait(timeout=30)
            return result

    fast = FastExecutor(program, loader=lambda model, _: Session(model))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fast.run, [np.full((1, 64), 3, np.uint8)])
        second = pool.submit(fast.run, [np.full((1, 64), 200, np.uint8)])
        answers = [second.result(timeout=30)]
        broken.wait(timeout=30)
        answers.insert(0, first.result(timeout=30))
    for value, found in zip((3, 200), answers, strict=True):
        wanted = run_reference(program, [np.full((1, 64), value)])
        assert np.array_equal(found[0], wanted[0])
    assert fast.degraded is not None


@pytest.mark.parametrize("dtype", [DType.U8, DType.I16])
@pytest.mark.skipif(not _CLEAR.exists(), reason="the peak of resident memory can be reset on Linux only")
def test_a_call_stays_below_its_declared_peak(dtype: DType) -> None:
    b = ProgramBuilder()
    y = b.input("x", dtype, (1, 16, 192, 192))
    bound = 63 if dtype is DType.U8 else 2_000
    for seed in range(3):
        weights = np.random.default_rng(seed).integers(-bound - 1, bound, (16, 16, 3, 3))
        w = b.constant(weights, DType.I8 if dtype is DType.U8 else DType.I16)
        y = b.emit(ops.Conv((1, 1), (1, 1), (1,) * 4, 1, 0, Requantize.to(dtype, 9)), y, w)
    b.output(y, "y")
    program = verify(b.build())
    fast = FastExecutor(program)
    call = [np.ones((1, 16, 192, 192), dtype.numpy)]
    assert fast.degraded is None
    _CLEAR.write_text("5")
    before = _kib("VmRSS")
    for _ in range(3):
        fast.run(call)
    assert (_kib("VmHWM") - before) << 10 < program.cost.peak_memory + _SLACK
    del call


def _kib(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])
