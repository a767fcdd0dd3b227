"""One onnxruntime graph under construction, and in which element types each value is at hand."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from inference.executor import onnx_encoding as onnx
from inference.ir import ops
from inference.ir.program import Node
from inference.ir.types import DType, TensorSpec
from inference.verifier import VerifiedProgram
from inference.verifier.cost import EXACT_DOUBLE, EXACT_SINGLE

#: The element type that a dtype has at a session's edge.
NATIVE = {
    DType.U8: onnx.UINT8,
    DType.I8: onnx.INT8,
    DType.U16: onnx.UINT16,
    DType.I16: onnx.INT16,
    DType.I32: onnx.INT32,
    DType.I64: onnx.INT64,
}

#: The symbolic first dimension of values that hold many calls.
BATCH = "batch"

#: Values are clipped to +- this before they are rounded to binary32.
ROUNDED_LIMIT = 1 << 62

#: How a value is read that enters as reals.
AS_REAL = 2

#: Greatest power of two that reals are multiplied by in binary32: far from what overflows it.
MAX_FACTOR = 1 << 62

_NUMPY: dict[int, np.dtype[np.generic]] = {
    number: np.dtype(name) for name, number in onnx.ELEMENT_TYPES.items()
}


class Graph:
    """Collects ONNX nodes that compute a run of a program's nodes."""

    def __init__(
        self, program: VerifiedProgram, batched: frozenset[int], reals: frozenset[int] = frozenset()
    ) -> None:
        """Start empty; `batched` are the values whose first axis may grow with the number of calls.

        `reals` are inputs that enter as binary32 reals inside their range, and become integers here.
        """
        self.program = program
        self.batched = batched
        self._reals = reals
        self._nodes: list[bytes] = []
        self._initializers: list[bytes] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._carriers: dict[int, dict[int, str]] = {}
        self._inputs: list[int] = []
        self._rounded: dict[tuple[int, int], str] = {}
        self._pending: dict[int, tuple[str, ops.Requantize]] = {}

    @property
    def size(self) -> int:
        """ONNX nodes so far."""
        return len(self._nodes)

    def emit(
        self,
        kind: str,
        inputs: Sequence[str],
        attributes: Mapping[str, onnx.Attribute] | None = None,
        domain: str = "",
    ) -> str:
        """Add one node, and return the name of its output."""
        name = f"t{len(self._nodes)}"
        self._nodes.append(onnx.node(kind, inputs, name, attributes or {}, domain))
        return name

    def constant(self, array: NDArray[np.generic]) -> str:
        """The name of an initializer; equal ones are shared."""
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._constants:
            name = self._constants[key] = f"c{len(self._constants)}"
            self._initializers.append(onnx.tensor(name, array))
        return self._constants[key]

    def scalar(self, value: int, element_type: int) -> str:
        """A rank-0 initializer."""
        return self.constant(np.array(value, _NUMPY[element_type]))

    def integers(self, values: Sequence[int]) -> str:
        """A list of int64, as shapes and axes are."""
        return self.constant(np.array(values, np.int64))

    def value(self, value: int, element_type: int) -> str:
        """The name under which a program value is at hand in an element type, cast if it must be."""
        if value in self._pending:
            self._settle(value, element_type)
        carriers = self._carriers.setdefault(value, {})
        if element_type not in carriers:
            constant = self.program.program.constant(value)
            if constant is not None:
                carriers[element_type] = self.constant(constant.array().astype(_NUMPY[element_type]))
            elif carriers:
                carriers[element_type] = self.cast(next(iter(carriers.values())), element_type)
            elif value in self._reals:
                kind, name = entry(self, value, self.rounded(value, AS_REAL), element_type)
                carriers[kind] = name
                return self.value(value, element_type)
            else:
                native = self.native(value)
                carriers[native] = port_name(value, 0)
                self._inputs.append(value)
                return self.value(value, element_type)
        return carriers[element_type]

    def enters(self, value: int) -> bool:
        """Does the value come from outside, as far as this graph is concerned?"""
        return value in self._reals or (not self._carriers.get(value) and value not in self._pending)

    def rounded(self, value: int, direction: int) -> str:
        """The value as a binary32 input of its own, rounded up (1) or down (-1) before it enters.

        Binary32 reals times a power of two are binary32 numbers, so that nothing is left to round.
        """
        if direction != AS_REAL and value in self._reals and is_power_of_two(self.program.inputs[value]):
            return entry(self, value, self.rounded(value, AS_REAL), onnx.FLOAT)[1]
        return self._rounded.setdefault((value, direction), port_name(value, direction))

    def pending(self, value: int) -> tuple[str, ops.Requantize] | None:
        """The binary32 tensor and the E1 that is still to be applied to it, if nobody has read the value."""
        return self._pending.get(value)

    def _settle(self, value: int, element_type: int) -> None:
        """End E1 in the form that its first reader wants: one QuantizeLinear, or arithmetic in binary32."""
        name, out = self._pending.pop(value)
        if element_type == onnx.FLOAT:
            self.finish(value, self.emit("Round", [name]), element_type, out)
            return
        zero = self.constant(np.array(out.zero, out.dtype.numpy))
        name = self.emit("QuantizeLinear", [name, self.constant(np.ones((), np.float32)), zero])
        if (out.low, out.high) != (out.dtype.low, out.dtype.high):
            bounds = (self.constant(np.array(v, out.dtype.numpy)) for v in (out.low, out.high))
            name = self.emit("Clip", [name, *bounds])
        self.define(value, name, self.native(value))

    def define(self, value: int, name: str, element_type: int) -> None:
        """Say that a tensor holds a program value."""
        self._carriers[value] = {element_type: name}

    def cast(self, name: str, element_type: int) -> str:
        """A tensor in another element type."""
        return self.emit("Cast", [name], {"to": element_type})

    def native(self, value: int) -> int:
        """The element type of a value's own dtype."""
        return NATIVE[self.program.types[value].dtype]

    def held(self, value: int) -> int:
        """The element type in which the value was computed, else its own."""
        if self.program.program.constant(value) is not None or value in self._pending:
            return self.native(value)
        return next(iter(self._carriers.get(value, {})), self.native(value))

    def shape(self, value: int) -> tuple[int, ...]:
        """The declared shape of a value."""
        return self.program.types[value].shape

    def element_type(self, node: Node, bound: int, zeros: Sequence[int] = (), spare: int = 0) -> int | None:
        """float32 or float64, whichever is exact for the node's operands and `bound`, else None.

        `spare` bits are kept free, as a rounded quotient needs.
        """
        reach = max(
            bound, *(abs(z) for z in zeros), *(self.program.intervals[o].magnitude for o in node.operands)
        )
        if reach << spare < EXACT_SINGLE:
            return onnx.FLOAT
        return onnx.DOUBLE if reach << spare < EXACT_DOUBLE else None

    def epilogue(
        self, value: int, name: str, element_type: int, out: ops.Requantize, channel_axis: int = 0
    ) -> None:
        """E1 in floating point: the scale is a power of two, every number below the significand."""
        if any(out.shift):
            scale = power_of_two(out.shift, element_type)
            if len(out.shift) == 1:
                scale = scale.reshape(())
            elif channel_axis == 1:
                scale = scale.reshape(-1, *[1] * (len(self.shape(value)) - 2))
            name = self.emit("Mul", [name, self.constant(scale)])
        self.scaled(value, name, element_type, out)

    def scaled(self, value: int, name: str, element_type: int, out: ops.Requantize) -> None:
        """clip(round(v) + zero, low, high): E1 for numbers that are scaled already."""
        byte = out.dtype in (DType.U8, DType.I8) and out.dtype.low <= out.zero <= out.dtype.high
        if element_type == onnx.FLOAT and byte:
            self._carriers[value] = {}
            self._pending[value] = (name, out)
        else:
            rounded = self.emit("Round", [name]) if any(out.shift) else name
            self.finish(value, rounded, element_type, out)

    def finish(self, value: int, name: str, element_type: int, out: ops.Requantize) -> None:
        """clip(v + zero, low, high): the end of E1, for numbers that are rounded already."""
        if out.zero:
            name = self.emit("Add", [name, self.scalar(out.zero, element_type)])
        if self._may_leave(value, out):
            exact = EXACT_SINGLE if element_type == onnx.FLOAT else EXACT_DOUBLE
            low, high = max(out.low, -exact), min(out.high, exact)
            name = self.emit("Clip", [name, self.scalar(low, element_type), self.scalar(high, element_type)])
        self.define(value, name, element_type)

    def _may_leave(self, value: int, out: ops.Requantize) -> bool:
        """Has the epilogue anything to clip, by the node's proved bound?"""
        source = self.program.program
        op = source.nodes[value - source.first_node].op
        if not isinstance(op, ops.Conv | ops.MatMul | ops.Add | ops.Mul | ops.Rescale | ops.Trees):
            return True
        reach = (self.program.bounds[value - source.first_node] >> min(out.shift)) + 1
        return out.zero - reach < out.low or out.zero + reach > out.high

    def build(self, outputs: Sequence[int]) -> tuple[bytes, tuple[tuple[int, int], ...], tuple[str, ...]]:
        """Model bytes, what it reads, the names of the values it gives in their own dtypes.

        What it reads is pairs of a value and how it is rounded: not at all (0), so in its own dtype, to
        binary32, up (1) or down (-1), or as binary32 reals that become integers inside (`AS_REAL`).
        """
        names = [self.emit("Identity", [self.value(v, self.native(v))]) for v in outputs]
        reads = (*((v, 0) for v in self._inputs), *self._rounded)
        data = onnx.model(
            self._nodes,
            self._initializers,
            [
                onnx.port(port_name(v, d), onnx.FLOAT if d else self.native(v), self._dims(v))
                for v, d in reads
            ],
            [onnx.port(name, self.native(v), self._dims(v)) for name, v in zip(names, outputs, strict=True)],
        )
        return data, reads, tuple(names)

    def _dims(self, value: int) -> list[int | str]:
        shape: list[int | str] = list(self.shape(value))
        if value in self.batched:
            shape[0] = BATCH if shape[0] == 1 else f"{BATCH}_{shape[0]}"
        return shape


def centred(graph: Graph, value: int, zero: int, kind: int) -> str:
    """value - zero in floating point."""
    name = graph.value(value, kind)
    return graph.emit("Sub", [name, graph.scalar(zero, kind)]) if zero else name


def entry(graph: Graph, value: int, name: str, wanted: int) -> tuple[int, str]:
    """Element type and name of round(real * denominator / numerator) + zero for reals inside the range.

    A scale of 2^-k leaves binary32 numbers what they are, and so does rounding: then binary32 holds each step
    of the definition. Any other scale takes the steps themselves, in binary64.
    """
    spec = graph.program.inputs[value]
    q = spec.quantization
    if is_power_of_two(spec):
        if spec.dtype.size == 1 and wanted != onnx.FLOAT:
            scale = graph.constant(np.array(1 / q.denominator, np.float32))
            zero = graph.constant(np.array(q.zero_point, spec.dtype.numpy))
            return graph.native(value), graph.emit("QuantizeLinear", [name, scale, zero])
        kind, factor = onnx.FLOAT, np.array(q.denominator, np.float32)
    else:
        kind, factor = onnx.DOUBLE, np.array(q.denominator, np.float64)
        name = graph.cast(name, kind)
    if q.denominator != 1:
        name = graph.emit("Mul", [name, graph.constant(factor)])
    if q.numerator != 1:
        name = graph.emit("Div", [name, graph.constant(np.array(q.numerator, np.float64))])
    name = graph.emit("Round", [name])
    if q.zero_point:
        name = graph.emit("Add", [name, graph.scalar(q.zero_point, kind)])
    if kind == onnx.FLOAT != wanted and spec.dtype.size > 2:
        # Binary32 may hold this value, and yet not those that it will meet.
        return wanted, graph.cast(name, wanted)
    return kind, name


def is_power_of_two(spec: TensorSpec) -> bool:
    """Is real * denominator + zero exact in binary32 for all binary32 reals inside the range?"""
    q = spec.quantization
    scales = q.numerator == 1 and q.denominator.bit_count() == 1 and q.denominator <= MAX_FACTOR
    return scales and (q.zero_point == 0 or spec.dtype.size <= 2)


def may_enter_as_real(spec: TensorSpec) -> bool:
    """Can a session turn this input's reals into integers as the definition does?"""
    return is_power_of_two(spec) or (spec.dtype is not DType.I64 and spec.quantization.zero_point < 1 << 31)


def port_name(value: int, direction: int) -> str:
    """The name of a session's input: the value's number, and how it is rounded."""
    return f"v{value}{('', 'u', 'r', 'd')[direction]}"


def dtype_of(element_type: int) -> np.dtype[np.generic]:
    """The numpy dtype of an ONNX element type."""
    return _NUMPY[element_type]


def power_of_two(shifts: Sequence[int], element_type: int) -> NDArray[np.floating]:
    """2^-shift per channel, exactly."""
    one = np.ones(len(shifts), _NUMPY[element_type])
    scale: NDArray[np.floating] = np.ldexp(one, -np.array(shifts, np.int32))
    return scale
