"""ONNX to integer programs: read, make static, rewrite, fold, calibrate, choose tiers, lower, report.

This package stands apart: it may use floats, files, onnx and onnxruntime, and nothing that runs in a block
imports it.
"""

from inference.compiler.accuracy import OutputAccuracy
from inference.compiler.artifact import Artifact
from inference.compiler.compile import PRECISIONS, compile_model
from inference.compiler.errors import InvalidModel, ModelFault, UnsupportedModel
from inference.compiler.report import CompileReport, LayerReport
from inference.compiler.rewrite import supported_operators

__all__ = [
    "PRECISIONS",
    "Artifact",
    "CompileReport",
    "InvalidModel",
    "LayerReport",
    "ModelFault",
    "OutputAccuracy",
    "UnsupportedModel",
    "compile_model",
    "supported_operators",
]
