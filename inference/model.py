"""A loaded model: verified bytes, what is known of them, and how to run them."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inference.boundary import (
    Ends,
    RealOutputs,
    Reals,
    check_integers,
    dequantize,
    entering,
    find_ends,
    power_step,
    quantize,
)
from inference.executor import FastExecutor, conformance, run_reference
from inference.ir.errors import InputFault, InvalidInput
from inference.ir.limits import Limits
from inference.ir.ops import OPSET_VERSION
from inference.ir.types import TensorSpec
from inference.verifier import VerifiedProgram, verify_bytes

Array = NDArray[np.integer]
Executor = Literal["fast", "reference"]


class Model:
    """One verified program. Inputs and outputs are in declared order wherever they are not named."""

    def __init__(
        self, artifact_id: bytes, program: VerifiedProgram, threads: int, disabled: Collection[str] | None
    ) -> None:
        """Keep the program; sessions are loaded at the first fast call."""
        self.id = artifact_id
        self.program = program
        self._names = frozenset(spec.name for spec in program.inputs)
        self._threads = threads
        self._disabled = disabled

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What a call must bring."""
        return self.program.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What a call gives."""
        return self.program.outputs

    @property
    def cost(self) -> int:
        """Picoseconds of one call, fixed by the program alone."""
        return self.program.cost.ref_time

    @property
    def peak_memory(self) -> int:
        """Bytes that one call may take at most."""
        return self.program.cost.peak_memory

    @property
    def verification_time(self) -> int:
        """Picoseconds that verifying the artifact was counted for."""
        return self.program.effort

    @property
    def op_counts(self) -> dict[str, int]:
        """Operations by name."""
        return dict(self.program.cost.op_counts)

    @property
    def opset(self) -> int:
        """Version of the op set that the model's meaning rests on."""
        return OPSET_VERSION

    @property
    def metadata(self) -> dict[str, str]:
        """Text for people, such as class labels."""
        return dict(self.program.program.metadata)

    @cached_property
    def fast(self) -> FastExecutor:
        """The resident fast executor, without the kernels that failed this machine's probe."""
        disabled = conformance().disabled if self._disabled is None else self._disabled
        return FastExecutor(self.program, self._threads, disabled)

    def run(self, inputs: Mapping[str, ArrayLike], executor: Executor = "fast") -> RealOutputs:
        """Real numbers in and out; inputs are quantised and clipped as `inference.boundary` says.

        The first axis may hold several calls' values, one after the other; then so do the outputs.
        Raises InvalidInput.
        """
        self._check_names(inputs)
        if executor == "fast":
            found = self._run_reals(inputs)
            if found is not None:
                return found
        arrays, saturated = [], {}
        for spec in self.inputs:
            array, saturated[spec.name] = quantize(spec, inputs[spec.name])
            arrays.append(array)
        results = self._run_calls(arrays, executor)
        outputs = {spec.name: dequantize(spec, y) for spec, y in zip(self.outputs, results, strict=True)}
        return RealOutputs(outputs, saturated)

    def _run_reals(self, inputs: Mapping[str, ArrayLike]) -> RealOutputs | None:
        """One call whose reals become integers inside its session; None where that is not possible."""
        if self._ends is None:
            return None
        reals, clipped = [], {}
        for spec, ends in self._ends:
            entered = entering(spec, ends, inputs[spec.name])
            if entered is None:
                return None
            reals.append(entered[0])
            if entered[1]:
                clipped[spec.name] = spec, np.array(inputs[spec.name], np.float32)
        found = self.fast.run_reals(reals)
        if found is None:
            return None
        outputs: dict[str, Reals] = {}
        for y, (spec, step) in zip(found, self._steps, strict=True):
            outputs[spec.name] = dequantize(spec, y) if step is None else y * step
        return RealOutputs(outputs, dict.fromkeys(self._names, 0), clipped)

    @cached_property
    def _ends(self) -> list[tuple[TensorSpec, Ends]] | None:
        """Each input with the ends of its range in binary32; None if one has none."""
        ends = [(spec, find_ends(spec)) for spec in self.inputs]
        found = [(spec, end) for spec, end in ends if end is not None]
        return found if len(found) == len(ends) else None

    @cached_property
    def _steps(self) -> list[tuple[TensorSpec, np.float64 | None]]:
        """Each output with its step, where a product with it is all there is to do."""
        return [(spec, power_step(spec)) for spec in self.outputs]

    def run_quantized(self, inputs: Mapping[str, ArrayLike], executor: Executor = "fast") -> dict[str, Array]:
        """Integers in and out, in declared dtypes; several calls as in `run`. Raises InvalidInput."""
        self._check_names(inputs)
        arrays = [check_integers(spec, inputs[spec.name]) for spec in self.inputs]
        found = self._run_calls(arrays, executor)
        return {spec.name: y for spec, y in zip(self.outputs, found, strict=True)}

    def run_bytes(self, inputs: Sequence[bytes], executor: Executor = "fast") -> tuple[bytes, ...]:
        """Raw little-endian row-major tensors in and out; raises InvalidInput(WRONG_COUNT | WRONG_LENGTH)."""
        arrays = self._read(inputs)
        if executor == "fast":
            return tuple(y.tobytes() for y in self.fast.run(arrays))
        return self._written(self._reference(arrays))

    def run_bytes_many(
        self, calls: Sequence[Sequence[bytes]], executor: Executor = "fast"
    ) -> list[tuple[bytes, ...]]:
        """Many calls in one go: the same bytes as one by one, sooner."""
        arrays = [self._read(call) for call in calls]
        if executor == "fast":
            return [tuple(y.tobytes() for y in found) for found in self.fast.run_many(arrays)]
        return [self._written(self._reference(call)) for call in arrays]

    def _run_calls(self, arrays: list[Array], executor: Executor) -> list[Array]:
        count = self._count_calls(arrays)
        fast = executor == "fast"
        if count == 1 and fast:
            return list(self.fast.run(arrays))
        parts = [np.split(a, count) if count > 1 else [a] for a in arrays]
        calls = [list(call) for call in zip(*parts, strict=True)] if parts else [[]]
        found = self.fast.run_many(calls) if fast else [self._reference(call) for call in calls]
        return [np.concatenate(ys) if count > 1 else ys[0] for ys in zip(*found, strict=True)]

    def _reference(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        found = run_reference(self.program, [a.astype(np.int64) for a in arrays])
        return tuple(y.astype(spec.dtype.numpy) for y, spec in zip(found, self.outputs, strict=True))

    def _written(self, found: Sequence[Array]) -> tuple[bytes, ...]:
        return tuple(y.tobytes() for y in found)

    def _read(self, inputs: Sequence[bytes]) -> list[Array]:
        if len(inputs) != len(self.inputs):
            raise InvalidInput(
                InputFault.WRONG_COUNT, f"{len(inputs)} inputs, the model takes {len(self.inputs)}"
            )
        arrays: list[Array] = []
        for spec, data in zip(self.inputs, inputs, strict=True):
            if len(data) != spec.nbytes:
                raise InvalidInput(
                    InputFault.WRONG_LENGTH,
                    f"{spec.name!r} has {len(data)} bytes, {spec.type} has {spec.nbytes}",
                )
            arrays.append(np.frombuffer(data, spec.dtype.numpy).reshape(spec.shape))
        return arrays

    def _check_names(self, inputs: Mapping[str, ArrayLike]) -> None:
        if inputs.keys() != self._names:
            expected = [spec.name for spec in self.inputs]
            raise InvalidInput(InputFault.UNKNOWN_NAME, f"got {sorted(inputs)}, the model takes {expected}")

    def _count_calls(self, arrays: Sequence[Array]) -> int:
        """How many calls lie side by side; raises InvalidInput(WRONG_SHAPE)."""
        if all(array.shape == spec.type.shape for spec, array in zip(self.inputs, arrays, strict=True)):
            return 1
        counts = [] if arrays else [1]
        for spec, array in zip(self.inputs, arrays, strict=True):
            count = array.shape[0] // spec.shape[0] if array.ndim and spec.shape else 1
            if array.shape != (spec.shape and (spec.shape[0] * count, *spec.shape[1:])) or count < 1:
                raise InvalidInput(
                    InputFault.WRONG_SHAPE, f"{spec.name!r} has shape {array.shape}, not {spec.shape}"
                )
            counts.append(count)
        if len(set(counts)) != 1:
            raise InvalidInput(InputFault.WRONG_SHAPE, f"inputs hold {counts} calls")
        if counts[0] > 1 and not all(spec.shape for spec in self.outputs):
            raise InvalidInput(InputFault.WRONG_SHAPE, "scalar outputs can not hold several calls")
        return counts[0]


def load(
    data: bytes, limits: Limits | None = None, threads: int = 1, disabled: Collection[str] | None = None
) -> Model:
    """The model in artifact bytes, verified; raises InvalidArtifact.

    `threads` is what its kernels may use. `disabled` names kernels to do without; by default those that fail
    this machine's conformance probe, which runs once when the first model is run.
    """
    artifact_id, program = verify_bytes(data, limits)
    return Model(artifact_id, program, threads, disabled)
