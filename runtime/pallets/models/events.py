"""What Models reports, and how its calls fail."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, TypeAlias

from runtime.frame.errors import ErrorEnum
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import ScalePath, scale_path, variant
from runtime.primitives.types import H256, AccountId


@variant(0)
@dataclass(frozen=True, slots=True)
class Created:
    """An upload was announced and its deposit held."""

    model: H256
    owner: AccountId
    size: U32


@variant(1)
@dataclass(frozen=True, slots=True)
class ChunkUploaded:
    """A chunk arrived."""

    model: H256
    owner: AccountId
    index: U32


@variant(2)
@dataclass(frozen=True, slots=True)
class Published:
    """A model was verified by every validator and takes calls; one costs `ref_time` picoseconds."""

    model: H256
    owner: AccountId
    ref_time: U64


@variant(3)
@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A model takes no more calls."""

    model: H256


@variant(4)
@dataclass(frozen=True, slots=True)
class Cancelled:
    """An upload was given up or expired; its deposit is free again."""

    model: H256
    owner: AccountId


ModelsEvent: TypeAlias = Annotated[
    Created | ChunkUploaded | Published | Withdrawn | Cancelled, ScalePath("pallet_models::pallet::Event")
]


class ModelsError(ErrorEnum):
    """Errors of Models."""

    EMPTY = 0, "An artifact has at least one byte."
    TOO_LARGE = 1, "The artifact is larger than the chain's limit."
    ALREADY_ANNOUNCED = 2, "This account is already uploading this model."
    ALREADY_PUBLISHED = 3, "A model with this id is published."
    UNKNOWN_UPLOAD = 4, "This account is not uploading this model: create it first."
    WRONG_CHUNK = 5, "Chunks come in order, each once: this is not the next one."
    WRONG_CHUNK_SIZE = 6, "Every chunk but the last has exactly 1 MiB, the last what remains."
    INCOMPLETE = 7, "Chunks are missing."
    WRONG_HASH = 8, "The uploaded bytes do not have the announced hash."
    ARTIFACT_REFUSED = (
        9,
        "The artifact breaks a rule of structure, range or cost: check it before publishing.",
    )
    TOO_MUCH_MEMORY = 10, "The model needs more memory than the chain's limit."
    TOO_EXPENSIVE = 11, "One inference costs more than the chain's limit."
    INPUT_TOO_LARGE = 12, "The model's inputs are larger than the chain's limit."
    OUTPUT_TOO_LARGE = 13, "The model's outputs are larger than the chain's limit."
    UNKNOWN_MODEL = 14, "No model has this id."
    WITHDRAWN = 15, "The model is withdrawn."
    NOT_OWNER = 16, "Only the owner or root may do this."
    WRONG_SIZE = 17, "The size given to publish is not the announced one."
    NOT_EXPIRED = 18, "Only the uploader may cancel before the upload expires."


@scale_path("pallet_models::pallet::HoldReason")
class ModelsHold(IntEnum):
    """Why Models holds funds."""

    Storage = 0
