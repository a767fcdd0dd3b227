"""What Models keeps in the state."""

from dataclasses import dataclass
from enum import IntEnum

from runtime.frame.engine import ModelSummary
from runtime.primitives.integers import U32, U64, U128
from runtime.primitives.scale import scale_path
from runtime.primitives.types import AccountId

CHUNK_SIZE = 1024 * 1024
"""Bytes of every chunk but the last: three fit into a block's normal share."""


def chunk_count(size: int) -> int:
    """How many chunks `size` bytes make."""
    return -(-size // CHUNK_SIZE)


@scale_path("pallet_models::types::ModelLimits")
@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What one model may demand; part of the chain spec, since validators must all be able to meet it.

    Sizes and memory in bytes, `ref_time` (of one inference) in picoseconds.
    """

    artifact_size: U32 = 16 * 1024 * 1024
    peak_memory: U64 = 512 * 1024 * 1024
    ref_time: U64 = 1_000_000_000_000
    input_size: U32 = 2 * 1024 * 1024
    output_size: U32 = 64 * 1024


@scale_path("pallet_models::types::Upload")
@dataclass(frozen=True, slots=True)
class Upload:
    """A model on its way: what was announced, and how many of its chunks have come."""

    size: U32
    received: U32
    deposit: U128
    expires: U32

    @property
    def chunk_count(self) -> int:
        """How many chunks the announced size makes."""
        return chunk_count(self.size)

    def chunk_size(self, index: int) -> int:
        """The exact length of chunk `index`, in bytes."""
        return min(CHUNK_SIZE, self.size - index * CHUNK_SIZE)


@scale_path("pallet_models::types::ModelStatus")
class ModelStatus(IntEnum):
    """Whether a model takes calls."""

    Published = 0
    Withdrawn = 1


@scale_path("pallet_models::types::ModelRecord")
@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model. Size and summary follow from its id and stay for ever: a receipt can always be understood.

    Status and deposit change when the model is withdrawn, owner and block when it is published again.
    """

    owner: AccountId
    status: ModelStatus
    published: U32
    size: U32
    deposit: U128
    summary: ModelSummary
