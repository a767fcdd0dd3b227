"""The conformance probe: does every kernel on this machine give the bits that its definition gives?

Each case is a small program that uses one kernel, run on patterned, all-maximum and all-minimum inputs. The
reference's outputs have golden hashes, so a broken numpy is found too. A kernel that fails is not used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from inference.boundary import quantize
from inference.executor.fast import FastExecutor, SessionLoader, load_session
from inference.executor.lowering import ENTRY, KERNELS
from inference.executor.probe_cases import CASES, GOLDEN
from inference.executor.reference import run_reference
from inference.ir.types import Integers, TensorSpec
from inference.verifier import VerifiedProgram, verify


@dataclass(frozen=True, slots=True)
class KernelFailure:
    """A kernel that may not be used here, in which case it failed, and how."""

    kernel: str
    case: str
    detail: str


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the probe found; `reference_failures` means that not even the reference can be trusted."""

    failures: tuple[KernelFailure, ...]
    reference_failures: tuple[str, ...]

    @property
    def disabled(self) -> frozenset[str]:
        """Names of the kernels to do without."""
        return frozenset(f.kernel for f in self.failures)


@cache
def conformance() -> ProbeReport:
    """This machine's report; the probe runs once in a process."""
    return run_probe()


def run_probe(loader: SessionLoader = load_session) -> ProbeReport:
    """Run all cases with sessions from `loader`."""
    failures: list[KernelFailure] = []
    wrong_reference: list[str] = []
    for name, (kernel, build) in CASES.items():
        program = verify(build())
        calls = [_call(kernel, program, pattern) for pattern in PATTERNS]
        expected = [run_reference(program, call) for call in calls]
        if _digest(expected) != GOLDEN[name]:
            wrong_reference.append(name)
        detail = _compare(kernel, program, calls, expected, loader)
        if detail is not None:
            failures.append(KernelFailure(kernel, name, detail))
    return ProbeReport(tuple(failures), tuple(wrong_reference))


def _call(kernel: str, program: VerifiedProgram, pattern: Callable[[TensorSpec], Integers]) -> list[Integers]:
    """One call's integers; for the kernel that takes reals those that the definition makes of them."""
    calls = [pattern(spec) for spec in program.inputs]
    if kernel != ENTRY:
        return calls
    pairs = zip(program.inputs, calls, strict=True)
    return [quantize(spec, _reals(spec, x))[0].astype(np.int64) for spec, x in pairs]


def _compare(
    kernel: str,
    program: VerifiedProgram,
    calls: list[list[Integers]],
    expected: list[tuple[Integers, ...]],
    loader: SessionLoader,
) -> str | None:
    """What is wrong with a kernel, if something is. Whatever a kernel raises is a failure of that kernel."""
    others = frozenset(KERNELS) - {kernel, "movement", "table"}
    try:
        executor = FastExecutor(program, 1, others, loader)
        if executor.degraded is not None:
            return executor.degraded
        if kernel == ENTRY:
            return _compare_entry(executor, expected)
        native = [[x.astype(s.dtype.numpy) for x, s in zip(c, program.inputs, strict=True)] for c in calls]
        for mode, results in (
            ("single", [executor.run(c) for c in native]),
            ("batched", executor.run_many(native)),
        ):
            for i, (found, wanted) in enumerate(zip(results, expected, strict=True)):
                bad = sum(int(np.sum(a != b)) for a, b in zip(found, wanted, strict=True))
                if bad:
                    return f"{bad} values differ from the reference in {mode} call {i}"
        return executor.degraded
    except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds, all of which disable the kernel
        return f"{type(error).__name__}: {error}"


def _compare_entry(executor: FastExecutor, expected: list[tuple[Integers, ...]]) -> str | None:
    """What is wrong with how reals enter a session, against the definition in binary64."""
    specs = executor.program.inputs
    for pattern, wanted in zip(PATTERNS, expected, strict=True):
        found = executor.run_reals([_reals(spec, pattern(spec)) for spec in specs])
        if found is None:
            return "no session takes reals"
        bad = sum(int(np.sum(a != b)) for a, b in zip(found, wanted, strict=True))
        if bad:
            return f"{bad} values differ from the definition"
    return None


def _reals(spec: TensorSpec, x: Integers) -> NDArray[np.float32]:
    """Reals that lie half a step below integers, where there is a tie to break, yet not below the range."""
    q = spec.quantization
    low, high = spec.dtype.low, spec.dtype.high
    if spec.dtype.size > 2:
        # Binary32 would round what is greater out of the range.
        low, high = low >> 1, high >> 1
    steps = np.maximum(np.clip(x, low, high) - q.zero_point - 0.5, float(low - q.zero_point))
    reals: NDArray[np.float32] = (steps * q.numerator / q.denominator).astype(np.float32)
    return reals


def digests() -> dict[str, str]:
    """The reference's hashes for all cases, as `GOLDEN` holds them."""
    found = {}
    for name, (kernel, build) in CASES.items():
        program = verify(build())
        calls = [_call(kernel, program, pattern) for pattern in PATTERNS]
        found[name] = _digest([run_reference(program, call) for call in calls])
    return found


def _digest(results: list[tuple[Integers, ...]]) -> str:
    hasher = blake2b(digest_size=16)
    for result in results:
        for y in result:
            hasher.update(np.ascontiguousarray(y, "<i8").tobytes())
    return hasher.hexdigest()


def patterned(spec: TensorSpec, step: int = 2654435761) -> Integers:
    """A fixed scatter of values over the whole dtype (Knuth's multiplicative hash)."""
    scattered = (np.arange(spec.type.elements, dtype=np.int64) * step) >> 7
    span = min(spec.dtype.high - spec.dtype.low, (1 << 32) - 1) + 1
    return (scattered % span + max(spec.dtype.low, -(1 << 31))).reshape(spec.shape)


def all_maximum(spec: TensorSpec) -> Integers:
    """Every value the greatest of the dtype."""
    return np.full(spec.shape, spec.dtype.high, np.int64)


def all_minimum(spec: TensorSpec) -> Integers:
    """Every value the least of the dtype."""
    return np.full(spec.shape, spec.dtype.low, np.int64)


#: Inputs that the probe tries.
PATTERNS: tuple[Callable[[TensorSpec], Integers], ...] = (patterned, all_maximum, all_minimum)
