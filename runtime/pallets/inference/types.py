"""What Inference keeps in the state, reports and answers."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.errors import ErrorEnum
from runtime.frame.weights import Weight
from runtime.primitives.integers import U32, U128
from runtime.primitives.scale import MaxLen, ScalePath, Vector, scale_path, variant
from runtime.primitives.types import H256, AccountId

MAX_TENSORS = 64
"""Inputs or outputs of one model; the artifact's own limit."""
MAX_TENSOR_BYTES = 4 * 1024 * 1024
"""One raw tensor in a call: above what a block's length lets through, so that the length limit decides."""

Tensors: TypeAlias = Annotated[Vector[Annotated[bytes, MaxLen(MAX_TENSOR_BYTES)]], MaxLen(MAX_TENSORS)]
"""Raw tensors in declared order: little-endian, row-major, in the declared element type."""


@scale_path("pallet_inference::types::Receipt")
@dataclass(frozen=True, slots=True)
class Receipt:
    """What an inference leaves in the state, so that a storage proof shows it to anyone.

    `input_hash` is the Blake2b-256 of the SCALE-encoded inputs; `opset` the version of the semantics used.
    """

    model: H256
    caller: AccountId
    input_hash: H256
    output: Tensors
    block: U32
    extrinsic: U32
    opset: U32


@scale_path("pallet_inference::types::Estimate")
@dataclass(frozen=True, slots=True)
class Estimate:
    """What one call of a model costs in the next block: its weight, and the fee for that weight in planck.

    The fee for the extrinsic's length and base weight comes on top; `payment_queryInfo` gives the sum.
    """

    weight: Weight
    inference_fee: U128


@scale_path("pallet_inference::types::Result")
@dataclass(frozen=True, slots=True)
class Result:
    """The outputs of a dry run."""

    output: Tensors


@variant(0)
@dataclass(frozen=True, slots=True)
class Completed:
    """A model was executed; `output` holds its raw tensors in declared order."""

    receipt: H256
    model: H256
    caller: AccountId
    output: Tensors


InferenceEvent: TypeAlias = Annotated[Completed, ScalePath("pallet_inference::pallet::Event")]


class InferenceError(ErrorEnum):
    """Errors of Inference."""

    UNKNOWN_MODEL = 0, "No model has this id."
    WITHDRAWN = 1, "The model is withdrawn."
    FEE_TOO_LOW = (
        2,
        "The inference fee exceeds what the caller allows: ask for an estimate and raise max_fee.",
    )
    WRONG_INPUT_COUNT = 3, "The call gives another number of inputs than the model declares."
    WRONG_INPUT_SIZE = 4, "An input has another number of bytes than its declared shape and element type."
    INVALID_INPUT = 5, "An input holds a value outside its declared range."
    TOO_EARLY = 6, "A model takes calls from the block after the one that published it."
