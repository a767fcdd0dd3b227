"""Structure rules as a table: the range that each integer attribute may have, whatever the operation."""

from dataclasses import fields

from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.limits import MAX_ELEMENTS
from inference.ir.ops import MAX_SHIFT, Op, Requantize

#: Sizes of windows, steps and paddings: no real layer comes near, and products of two stay small.
_WINDOW = 1 << 16

#: Zero points and multipliers: 32 bits and a sign, so that one product with a 32-bit value fits 64 bits.
_SCALAR = 1 << 32

#: Bits after the point in non-linear functions: what their algorithms are exact to.
_FRACTION = 30

#: Attribute -> least and greatest value (of each element, where it is a list).
RANGES: dict[str, tuple[int, int]] = {
    "strides": (1, _WINDOW),
    "dilations": (1, _WINDOW),
    "kernel": (1, _WINDOW),
    "pads": (0, _WINDOW),
    "groups": (1, _WINDOW),
    "x_zero": (-_SCALAR, _SCALAR),
    "a_zero": (-_SCALAR, _SCALAR),
    "b_zero": (-_SCALAR, _SCALAR),
    "multiplier": (-_SCALAR, _SCALAR),
    "a_multiplier": (-_SCALAR, _SCALAR),
    "b_multiplier": (-_SCALAR, _SCALAR),
    "divisor": (0, _SCALAR),
    "a_shift": (0, MAX_SHIFT),
    "base": (-_SCALAR, _SCALAR),
    "in_bits": (0, _FRACTION),
    "out_bits": (0, _FRACTION),
    "axes": (0, 7),
    "axis": (0, 7),
    "k": (1, MAX_ELEMENTS),
    "shape": (1, MAX_ELEMENTS),
    "permutation": (0, 7),
    "starts": (0, MAX_ELEMENTS),
    "sizes": (1, MAX_ELEMENTS),
    "steps": (-MAX_ELEMENTS, MAX_ELEMENTS),
    "before": (0, MAX_ELEMENTS),
    "after": (0, MAX_ELEMENTS),
    "interior": (0, _WINDOW),
    "value": (-(1 << 63), (1 << 63) - 1),
}

#: Operations whose epilogue takes one shift per output channel.
_PER_CHANNEL = ("Conv", "MatMul")

#: Operations whose result is not shifted by the epilogue.
_UNSHIFTED = ("Div", "Function")


def check_fields(place: str, op: Op) -> None:
    """Raise InvalidArtifact(BAD_FIELD) naming the first attribute of `op` that leaves its range."""
    for field in fields(op):
        value = getattr(op, field.name)
        if isinstance(value, Requantize):
            _check_epilogue(place, type(op).__name__, value)
        elif field.name in RANGES:
            low, high = RANGES[field.name]
            for v in value if isinstance(value, tuple) else (value,):
                _require(low <= v <= high, f"{place}.{field.name} is {v}, not {low}..{high}")
    if getattr(op, "divisor", 1) == 0:
        _require(type(op).__name__ == "AveragePool", f"{place}.divisor is 0")


def _check_epilogue(place: str, name: str, out: Requantize) -> None:
    _require(bool(out.shift), f"{place}.out has no shift")
    _require(len(out.shift) == 1 or name in _PER_CHANNEL, f"{place}.out has {len(out.shift)} shifts")
    for s in out.shift:
        _require(0 <= s <= MAX_SHIFT, f"{place}.out.shift is {s}, not 0..{MAX_SHIFT}")
    _require(name not in _UNSHIFTED or out.shift == (0,), f"{place}.out.shift of {name} is not 0")
    _require(-_SCALAR <= out.zero <= _SCALAR, f"{place}.out.zero is {out.zero}")
    inside = out.dtype.low <= out.low <= out.high <= out.dtype.high
    _require(inside, f"{place}.out clips to {out.low}..{out.high} in {out.dtype.text}")


def _require(condition: bool, detail: str) -> None:
    if not condition:
        raise InvalidArtifact(ArtifactFault.BAD_FIELD, detail)
