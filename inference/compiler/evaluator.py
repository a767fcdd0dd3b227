"""What runs a float graph: onnxruntime, or onnx's own reference evaluator where onnxruntime has no kernel.

New operator sets reach onnxruntime late, and some operators never for every type. The reference evaluator is
the definition, but it is slow Python, so it takes small graphs only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from inference.compiler.errors import InvalidModel, ModelFault
from inference.compiler.graph import Array

_SMALL_ELEMENTS = 1 << 20
"""Elements of inputs and weights together up to which the reference evaluator is tried."""

_SMALL_NODES = 1_000

_DISTRUSTED = frozenset({"MaxUnpool", "STFT"})
"""Operators whose onnxruntime kernel can end the process, or reads a shape otherwise than ONNX says."""

onnxruntime.set_default_logger_severity(4)


class Evaluator:
    """A float graph that returns its declared outputs.

    Raises `InvalidModel(WRONG_TYPE)` for what neither can load or run, with onnxruntime's reason.
    """

    def __init__(self, proto: onnx.ModelProto, elements: int) -> None:
        self._proto = proto
        self._names = [value.name for value in proto.graph.output]
        self._small = elements <= _SMALL_ELEMENTS and len(proto.graph.node) <= _SMALL_NODES
        self._reference: ReferenceEvaluator | None = None
        self._session: onnxruntime.InferenceSession | None = None
        if self._small and any(node.op_type in _DISTRUSTED for node in proto.graph.node):
            self._use_reference("load", "onnxruntime is not asked")
            return
        try:
            self._session = _session(proto)
        except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds; the evaluator tries next
            self._use_reference("load", str(error))

    def run(self, feeds: Mapping[str, Array]) -> Sequence[Any]:
        """Values of the outputs, in order."""
        reason = ""
        if self._session is not None:
            used = sorted(entry.name for entry in self._session.get_inputs())
            try:
                return list(self._session.run(self._names, {name: feeds[name] for name in used}))
            except Exception as error:  # noqa: BLE001 - as above
                reason = str(error)
                self._use_reference("run", reason)
        assert self._reference is not None
        try:
            with np.errstate(all="ignore"):
                return list(self._reference.run(self._names, dict(feeds)))
        except Exception as error:
            raise _refusal("run", reason or str(error)) from error

    def _use_reference(self, verb: str, reason: str) -> None:
        if not self._small:
            raise _refusal(verb, reason)
        try:
            self._reference = ReferenceEvaluator(self._proto)
        except Exception as error:
            raise _refusal(verb, reason) from error
        self._session = None


def _refusal(verb: str, reason: str) -> InvalidModel:
    return InvalidModel(ModelFault.WRONG_TYPE, f"the float model does not {verb}: {reason}")


def _session(proto: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # The graph as written: a fused kernel would round differently, and outputs of folded nodes would be gone.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = proto.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
