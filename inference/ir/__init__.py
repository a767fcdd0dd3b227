"""The integer-only intermediate representation: types, closed op set, program, artifact bytes and text."""

from inference.ir import ops
from inference.ir.errors import ArtifactFault, InputFault, InvalidArtifact, InvalidInput
from inference.ir.ops import OPSET_VERSION, Op, Requantize
from inference.ir.program import Constant, Node, Output, Program
from inference.ir.types import DType, Integers, Quantization, TensorSpec, TensorType

__all__ = [
    "OPSET_VERSION",
    "ArtifactFault",
    "Constant",
    "DType",
    "InputFault",
    "Integers",
    "InvalidArtifact",
    "InvalidInput",
    "Node",
    "Op",
    "Output",
    "Program",
    "Quantization",
    "Requantize",
    "TensorSpec",
    "TensorType",
    "ops",
]
