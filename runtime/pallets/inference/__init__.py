"""Inference: the transaction in which every validator executes a model."""

from runtime.pallets.inference.pallet import Inference
from runtime.pallets.inference.types import Estimate, Receipt, Result

__all__ = ["Estimate", "Inference", "Receipt", "Result"]
