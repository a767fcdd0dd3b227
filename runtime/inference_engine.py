"""The inference engine as pallets reach it: `InferenceEngine` over the package `inference`."""

from collections.abc import Callable

from inference import InvalidArtifact, InvalidInput, Limits, Model, ModelCache, load
from inference import TensorSpec as ModelTensor
from runtime.frame.engine import (
    MAX_INSPECTION,
    ArtifactRefused,
    ElementType,
    InputRefused,
    ModelSummary,
    TensorSpec,
)

PROOF_SIZE = 0
"""Running a model reads no state beyond its record, whose proof the call itself accounts for."""

_PUBLISHING = Limits(verification_time=MAX_INSPECTION)


class LocalEngine:
    """Verifies and runs models in this process, and keeps the models used last ready in `cache`."""

    def __init__(self, cache: ModelCache | None = None) -> None:
        self._cache = cache if cache is not None else ModelCache()

    def inspect(self, artifact: bytes) -> ModelSummary:
        """Verify structure, ranges and cost; `ArtifactRefused` names the broken rule."""
        try:
            return summary_of(load(artifact, _PUBLISHING))
        except InvalidArtifact as error:
            raise ArtifactRefused(error.reason.name, str(error)) from error

    def run(
        self, artifact_id: bytes, artifact: Callable[[], bytes], inputs: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        """The raw outputs of raw inputs; `InputRefused` where a value is out of range."""
        try:
            return self._cache.get(artifact_id, artifact).run_bytes(inputs)
        except InvalidInput as error:
            raise InputRefused(str(error)) from error


def summary_of(model: Model) -> ModelSummary:
    """What the chain fixes for ever when it publishes the model."""
    return ModelSummary(
        inputs=tuple(_spec(one) for one in model.inputs),
        outputs=tuple(_spec(one) for one in model.outputs),
        op_counts=tuple(sorted(model.op_counts.items())),
        peak_memory=model.peak_memory,
        ref_time=model.cost,
        proof_size=PROOF_SIZE,
        opset=model.opset,
        verification_time=model.verification_time,
    )


def _spec(spec: ModelTensor) -> TensorSpec:
    return TensorSpec(
        spec.name,
        ElementType[spec.dtype.name],
        spec.shape,
        spec.quantization.numerator,
        spec.quantization.denominator,
        spec.quantization.zero_point,
    )
