"""Models: publishing integer programs with their weights, so that every validator holds what it executes."""

from runtime.pallets.models.pallet import Models
from runtime.pallets.models.types import CHUNK_SIZE, ModelLimits, ModelRecord, ModelStatus, Upload

__all__ = ["CHUNK_SIZE", "ModelLimits", "ModelRecord", "ModelStatus", "Models", "Upload"]
