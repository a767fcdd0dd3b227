"""A program: inputs, typed constants, operations in SSA order, outputs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inference.ir.ops import OPSET_VERSION, Op
from inference.ir.types import UNIT, DType, Integers, Quantization, TensorSpec, TensorType


@dataclass(frozen=True, slots=True)
class Constant:
    """A typed tensor in raw little-endian row-major bytes."""

    type: TensorType
    data: bytes

    @staticmethod
    def of(array: NDArray[np.integer] | Integers, dtype: DType) -> "Constant":
        """The constant that holds `array` as `dtype`; raises OverflowError if a value does not fit."""
        values = np.asarray(array)
        if values.size and not dtype.low <= int(values.min()) <= int(values.max()) <= dtype.high:
            raise OverflowError(f"constant values {values.min()}..{values.max()} do not fit {dtype.text}")
        return Constant(TensorType(dtype, values.shape), np.ascontiguousarray(values, dtype.numpy).tobytes())

    def array(self) -> NDArray[np.integer]:
        """The values as a read-only array of their own dtype."""
        return np.frombuffer(self.data, self.type.dtype.numpy).reshape(self.type.shape)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation applied to earlier values; its result is the next value."""

    op: Op
    operands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """A value that leaves the program; its dtype and shape are those of the value."""

    value: int
    name: str
    quantization: Quantization = UNIT


@dataclass(frozen=True)
class Program:
    """A whole model. Values are numbered: inputs, then constants, then one per node.

    `metadata` is sorted (key, value) text for people, such as labels; it never changes a result.
    """

    inputs: tuple[TensorSpec, ...]
    constants: tuple[Constant, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    metadata: tuple[tuple[str, str], ...] = ()
    opset: int = OPSET_VERSION

    @cached_property
    def first_constant(self) -> int:
        """Number of the first constant."""
        return len(self.inputs)

    @cached_property
    def first_node(self) -> int:
        """Number of the first node's result."""
        return len(self.inputs) + len(self.constants)

    def constant(self, value: int) -> Constant | None:
        """The constant that a value is, if it is one."""
        if self.first_constant <= value < self.first_node:
            return self.constants[value - self.first_constant]
        return None
