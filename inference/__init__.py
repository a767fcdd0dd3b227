"""Bit-exact integer inference: program, verifier, executors; the compiler stands apart."""

import os

# onnxruntime reports usage unless told otherwise before it is loaded, which the next imports do.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from inference.cache import ModelCache
from inference.ir.errors import ArtifactFault, InputFault, InvalidArtifact, InvalidInput
from inference.ir.limits import Limits
from inference.ir.types import DType, Quantization, TensorSpec, TensorType
from inference.model import Model, load

__all__ = [
    "ArtifactFault",
    "DType",
    "InputFault",
    "InvalidArtifact",
    "InvalidInput",
    "Limits",
    "Model",
    "ModelCache",
    "Quantization",
    "TensorSpec",
    "TensorType",
    "load",
]
