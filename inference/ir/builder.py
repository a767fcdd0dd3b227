"""Builds a program step by step; in the end values are numbered, dead ones dropped."""

import numpy as np
from numpy.typing import NDArray

from inference.ir.ops import Op
from inference.ir.program import Constant, Node, Output, Program
from inference.ir.result_types import result_type
from inference.ir.types import DType, Quantization, TensorSpec, TensorType


class ProgramBuilder:
    """Collects inputs, constants and operations; a value is the int that those methods return."""

    def __init__(self) -> None:
        """Start empty."""
        self._types: list[TensorType] = []
        self._inputs: list[tuple[int, TensorSpec]] = []
        self._constants: dict[Constant, int] = {}
        self._nodes: dict[int, Node] = {}
        self._outputs: list[Output] = []

    def input(
        self, name: str, dtype: DType, shape: tuple[int, ...], quantization: Quantization | None = None
    ) -> int:
        """Declare the next input."""
        spec = TensorSpec(name, TensorType(dtype, shape), quantization or Quantization())
        value = self._new(spec.type)
        self._inputs.append((value, spec))
        return value

    def constant(self, array: NDArray[np.integer] | int, dtype: DType) -> int:
        """A typed constant; equal constants are one value. Raises OverflowError if a value does not fit."""
        constant = Constant.of(np.asarray(array), dtype)
        if constant not in self._constants:
            self._constants[constant] = self._new(constant.type)
        return self._constants[constant]

    def emit(self, op: Op, *operands: int) -> int:
        """Apply an operation; raises InvalidArtifact if the operands' types do not fit it."""
        value = self._new(result_type(op, [self._types[o] for o in operands]))
        self._nodes[value] = Node(op, operands)
        return value

    def output(self, value: int, name: str, quantization: Quantization | None = None) -> None:
        """Declare the next output."""
        self._outputs.append(Output(value, name, quantization or Quantization()))

    def type_of(self, value: int) -> TensorType:
        """Dtype and shape of a value."""
        return self._types[value]

    def build(self, metadata: dict[str, str] | None = None) -> Program:
        """The program with only what its outputs need (inputs always stay)."""
        live = {o.value for o in self._outputs}
        for value in reversed(self._nodes):
            if value in live:
                live.update(self._nodes[value].operands)
        constants = [c for c, v in self._constants.items() if v in live]
        nodes = [v for v in self._nodes if v in live]
        order = [v for v, _ in self._inputs] + [self._constants[c] for c in constants] + nodes
        number = {value: i for i, value in enumerate(order)}
        return Program(
            inputs=tuple(spec for _, spec in self._inputs),
            constants=tuple(constants),
            nodes=tuple(
                Node(self._nodes[v].op, tuple(number[o] for o in self._nodes[v].operands)) for v in nodes
            ),
            outputs=tuple(Output(number[o.value], o.name, o.quantization) for o in self._outputs),
            metadata=tuple(sorted((metadata or {}).items())),
        )

    def _new(self, type_: TensorType) -> int:
        self._types.append(type_)
        return len(self._types) - 1
