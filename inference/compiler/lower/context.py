"""What lowering rules share: the program being built, formats of values, changes between formats."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import frexp, prod

import numpy as np

from inference.compiler.calibrate import Observed
from inference.compiler.errors import UnsupportedModel
from inference.compiler.formats import (
    BOOLEAN,
    INTEGER,
    Format,
    Kind,
    Tier,
    constant_format,
    format_for,
    power_format,
)
from inference.compiler.graph import Array, Graph, Node
from inference.compiler.plan import Plan
from inference.ir import DType, ops
from inference.ir.builder import ProgramBuilder

MULTIPLIER_BITS = {DType.U8: 14, DType.I16: 20, DType.I32: 30, DType.I64: 30}
"""Bits of a scale ratio by the dtype it multiplies, so that products stay exact in each tier's kernels."""

NARROW_BITS = 20
"""Bits of a ratio that brings 32-bit integers to 16 bits or fewer: the error stays below 2^-5 of a step, and
the product below 2^53, where binary64 kernels are exact.
"""


_BOUND = 1 << 61
"""Where 64-bit features saturate before they are rescaled."""

_COMPUTED_EXACT_BITS = 30
"""Fractional bits of features that the model computes: 32-bit integers still rescale to them within 62 bits.
"""


@dataclass(frozen=True, slots=True)
class Quantised:
    """A value of the program and what its integers mean."""

    value: int
    format: Format


def ratio_bits(source: DType, target: DType) -> int:
    """Bits of the ratio between the steps of two formats."""
    narrows = source is DType.I32 and target.size <= 2
    return NARROW_BITS if narrows else MULTIPLIER_BITS[source]


def multiplier(ratio: float, bits: int) -> tuple[int, int]:
    """`ratio` as (m, s) with m / 2^s next to it and m of at most `bits` bits; exact for powers of two."""
    mantissa, exponent = frexp(ratio)
    if mantissa == 0.5:
        exponent -= 1
        return (1 << exponent, 0) if exponent >= 0 else (1, -exponent)
    shift = bits - exponent
    if shift <= 0:
        return round(ratio), 0
    if shift > 62:
        shift = 62
    return round(ratio * 2.0**shift), shift


class Lowering:
    """The state of one lowering pass."""

    def __init__(
        self, graph: Graph, plan: Plan, seen: Mapping[str, Observed], levels: Mapping[str, tuple[float, int]]
    ) -> None:
        self.graph = graph
        self.plan = plan
        self.seen = seen
        self.builder = ProgramBuilder()
        self.values: dict[str, Quantised] = {}
        self._changed: dict[tuple[str, Format], Quantised] = {}
        self.levels = {name: Format(DType.U8, scale, zero, 0, 255) for name, (scale, zero) in levels.items()}
        self.searched: dict[str, Format] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        """Static shape of a value."""
        return self.graph.shape(name)

    def is_float(self, name: str) -> bool:
        """Whether a value is real in the float model."""
        return self.graph.types[name].is_float

    def tier(self, node: Node) -> Tier:
        """Tier of a node."""
        return self.plan.tiers[node.output]

    def demand(self, name: str) -> Kind:
        """Format kind that the readers of a value ask for."""
        return self.plan.demands.get(name, Kind.U8)

    def target(self, name: str, kind: Kind | None = None) -> Format:
        """The format in which a value should be made."""
        wanted = self.demand(name) if kind is None else kind
        if name in self.levels and (kind is None or kind <= Kind.PRODUCT):
            return self.levels[name]
        if wanted is Kind.U8:
            if name not in self.searched:
                self.searched[name] = format_for(wanted, self.seen[name])
            return self.searched[name]
        form = format_for(wanted, self.seen[name])
        if wanted is Kind.EXACT and form.bits > _COMPUTED_EXACT_BITS:
            form = replace(form, scale=2.0**-_COMPUTED_EXACT_BITS)
        return form

    def wide(self, name: str) -> Format:
        """The 32-bit format of a value, whatever its readers ask for."""
        return format_for(Kind.I32, self.seen[name])

    def set(self, name: str, value: int, form: Format) -> None:
        """Records the program value of a graph value."""
        self.values[name] = Quantised(value, form)

    def emit(self, op: ops.Op, *operands: int) -> int:
        """Adds an operation to the program."""
        return self.builder.emit(op, *operands)

    def constant(self, array: Array, dtype: DType) -> int:
        """Adds a constant to the program."""
        return self.builder.constant(np.asarray(array, dtype=np.int64), dtype)

    def get(self, name: str) -> Quantised:
        """A value in the format it was made in; integer constants as they are."""
        if name not in self.values:
            known = self.graph.constants[name]
            if known.dtype.kind == "f":
                return self.as_kind(name, Kind.I32)
            form = BOOLEAN if known.dtype == np.bool_ else INTEGER
            held = np.clip(known.astype(np.int64), form.low, form.high)
            self.set(name, self.constant(held, form.dtype), form)
        return self.values[name]

    def as_kind(self, name: str, kind: Kind) -> Quantised:
        """A value in a format of a kind."""
        known = self.graph.constants.get(name)
        if known is not None:
            return self.as_format(name, constant_format(kind, known.astype(np.float64)))
        have = self.get(name)
        if kind is Kind.U8:
            return self.as_format(
                name, have.format if have.format.dtype is DType.U8 else self.target(name, kind)
            )
        if kind is Kind.I32 and have.format.dtype is DType.I32 and self.is_float(name):
            return have
        if kind is Kind.EXACT and self.is_float(name):
            return have if have.format.dtype is DType.I64 else self.as_kind(name, Kind.I32)
        if not self.is_float(name):
            return self.as_format(name, INTEGER)
        wanted = format_for(kind, self.seen[name])
        return self.as_format(name, wanted)

    def operand(self, name: str, kind: Kind) -> Quantised:
        """What a layer reads: bytes that the model itself quantised stay on their own levels."""
        levels = self.levels.get(name)
        return self.as_kind(name, kind) if levels is None else self.as_format(name, levels)

    def as_format(self, name: str, form: Format) -> Quantised:
        """A value in exactly this format, changed once and then shared."""
        key = (name, form)
        if key not in self._changed:
            known = self.graph.constants.get(name)
            if known is not None:
                self._changed[key] = Quantised(self.constant(form.quantise(known), form.dtype), form)
            else:
                have = self.get(name)
                self._changed[key] = have if have.format == form else self.change(have, form)
        return self._changed[key]

    def change(self, have: Quantised, form: Format) -> Quantised:
        """A rescale from one format to another."""
        factor, shift = multiplier(have.format.scale / form.scale, ratio_bits(have.format.dtype, form.dtype))
        value = have.value
        if have.format.dtype is DType.I64:
            # Features fill 64 bits, and a rescale wants a proof: comparisons need none, so they bound it
            # first.
            for kind, bound in ((ops.Extreme.MIN, _BOUND), (ops.Extreme.MAX, -_BOUND)):
                value = self.emit(ops.MinMax(kind), value, self.constant(np.asarray(bound), DType.I64))
        op = ops.Rescale(have.format.zero, factor, form.requantize(shift))
        return Quantised(self.emit(op, value), form)

    def clamp(self, node: Node, form: Format) -> tuple[int, int]:
        """Saturation bounds of a result: those of its format and of an activation fused into the node."""
        low = node.attributes.get("_low", -np.inf)
        high = node.attributes.get("_high", np.inf)
        bottom = form.low if low == -np.inf else max(form.low, form.level(low))
        top = form.high if high == np.inf else min(form.high, form.level(high))
        return bottom, max(top, bottom)

    def need(self, node: Node, index: int) -> Array:
        """A constant operand."""
        value = self.graph.constant(node.input(index))
        if value is None:
            raise UnsupportedModel(node.op, node.name, f"operand {index} must be a constant of the model")
        return value

    def product_format(self, name: str) -> Format:
        """Operands of wide products: as many bits as keep sums of their products exact in float64."""
        return power_format(Kind.PRODUCT, self.seen[name].greatest)

    def elements(self, name: str) -> int:
        """Number of elements of a value."""
        return prod(self.shape(name))
