"""The interface through which pallets reach the inference engine.

The node may answer it from results computed earlier, batched or cached; nothing of that can change a result,
because a model is an integer program whose semantics are fixed. A fault of the validator's own machine
(a missing kernel, no memory) is raised as any other exception and stops the node: it never becomes a result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Protocol

from runtime.frame.weights import SECOND
from runtime.primitives.integers import I64, U32, U64
from runtime.primitives.scale import MaxLen, Vector, scale_path

MAX_RANK = 8
"""Dimensions of a tensor; the closed op set needs at most five, a record must stay small."""
MAX_INSPECTION = SECOND
"""Picoseconds that verifying one artifact may take: half of a block, and enough for 16 MiB of weights."""
MAX_NAME = 256
"""Bytes of a tensor's name; ONNX exporters write paths of about a hundred."""


@scale_path("fixpoint_runtime::engine::ElementType")
class ElementType(IntEnum):
    """Element types of model inputs and outputs; raw bytes are little-endian."""

    U8 = 0
    I8 = 1
    U16 = 2
    I16 = 3
    I32 = 4
    I64 = 5
    BOOL = 6

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return (1, 1, 2, 2, 4, 8, 1)[self]


@scale_path("fixpoint_runtime::engine::TensorSpec")
@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: real value = (integer - zero_point) * scale_numerator / scale_denominator."""

    name: Annotated[str, MaxLen(MAX_NAME)]
    dtype: ElementType
    shape: Annotated[Vector[U32], MaxLen(MAX_RANK)]
    scale_numerator: U64
    scale_denominator: U64
    zero_point: I64

    @property
    def size(self) -> int:
        """Bytes of the raw tensor: row-major, without padding."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count * self.dtype.size


@scale_path("fixpoint_runtime::engine::ModelSummary")
@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What verification finds in an artifact, and what is fixed for ever when the model is published.

    `op_counts` are (operation, times executed), sorted; `peak_memory` bytes; `ref_time` picoseconds and
    `proof_size` bytes of one inference; `opset` the version of the operations' semantics; `verification_time`
    picoseconds that this inspection was counted for.
    """

    inputs: Annotated[Vector[TensorSpec], MaxLen(64)]
    outputs: Annotated[Vector[TensorSpec], MaxLen(64)]
    op_counts: Annotated[Vector[tuple[Annotated[str, MaxLen(64)], U64]], MaxLen(256)]
    peak_memory: U64
    ref_time: U64
    proof_size: U64
    opset: U32
    verification_time: U64


class ArtifactRefused(ValueError):
    """The bytes are no valid model artifact; `reason` is a short stable name, the message is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class InputRefused(ValueError):
    """An input tensor holds a value that the model does not take; the caller's fault."""


class InferenceEngine(Protocol):
    """Verifies artifacts and runs them."""

    def inspect(self, artifact: bytes) -> ModelSummary:
        """Verify structure, ranges and cost; `ArtifactRefused` where the artifact breaks a rule.

        An artifact whose verification takes more than `MAX_INSPECTION` breaks one.
        """
        ...

    def run(
        self, artifact_id: bytes, artifact: Callable[[], bytes], inputs: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        """The raw output tensors of raw input tensors, both in declared order.

        `artifact` gives the bytes where the engine does not hold the model. The caller has checked
        number and sizes of the inputs against the summary; `InputRefused` where a value is out of range.
        """
        ...


class NoEngine:
    """For chains and tests without models: every artifact is refused."""

    def inspect(self, artifact: bytes) -> ModelSummary:
        """Refuse."""
        raise ArtifactRefused("NO_ENGINE", "this runtime was composed without an inference engine")

    def run(
        self, artifact_id: bytes, artifact: Callable[[], bytes], inputs: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        """Refuse."""
        raise ArtifactRefused("NO_ENGINE", "this runtime was composed without an inference engine")
