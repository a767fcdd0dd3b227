"""Fixed-width integers: annotations that carry the width, and arithmetic that never leaves it.

Values are plain Python integers. `U32` and its siblings are `Annotated[int, IntegerType(...)]`: the static
type is `int`, the SCALE codec reads the width from the annotation and refuses a value outside it, and the
functions below take the annotation as their last argument, as in `checked_add(a, b, U128)`.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, cast


@dataclass(frozen=True, slots=True)
class IntegerType:
    """Width and signedness of a two's complement integer."""

    bits: int
    signed: bool
    minimum: int = field(init=False, compare=False)
    maximum: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "minimum", -(1 << (self.bits - 1)) if self.signed else 0)
        object.__setattr__(self, "maximum", (1 << (self.bits - self.signed)) - 1)

    @property
    def name(self) -> str:
        """The name that Rust and the metadata give this type, such as `u128`."""
        return f"{'i' if self.signed else 'u'}{self.bits}"


U8 = Annotated[int, IntegerType(8, False)]
U16 = Annotated[int, IntegerType(16, False)]
U32 = Annotated[int, IntegerType(32, False)]
U64 = Annotated[int, IntegerType(64, False)]
U128 = Annotated[int, IntegerType(128, False)]
U256 = Annotated[int, IntegerType(256, False)]
I8 = Annotated[int, IntegerType(8, True)]
I16 = Annotated[int, IntegerType(16, True)]
I32 = Annotated[int, IntegerType(32, True)]
I64 = Annotated[int, IntegerType(64, True)]
I128 = Annotated[int, IntegerType(128, True)]
I256 = Annotated[int, IntegerType(256, True)]


class ArithmeticReason(Enum):
    """Why an operation has no result in its type; the values are `sp_runtime::ArithmeticError`'s indices."""

    UNDERFLOW = 0
    OVERFLOW = 1
    DIVISION_BY_ZERO = 2


class ArithmeticFault(ArithmeticError):
    """A checked operation has no result in its type."""

    def __init__(self, reason: ArithmeticReason, expression: str) -> None:
        super().__init__(f"{reason.name.lower().replace('_', ' ')}: {expression}")
        self.reason = reason


def integer_type(kind: object) -> IntegerType:
    """The `IntegerType` inside an annotation such as `U128`; `TypeError` where there is none."""
    for part in getattr(kind, "__metadata__", ()):
        if isinstance(part, IntegerType):
            return part
    raise TypeError(f"{kind!r} is not a fixed-width integer annotation such as U128")


def _checked(result: int, kind: object, operator: str, a: int, b: int) -> int:
    width = cast(IntegerType, kind.__metadata__[0])  # type: ignore[attr-defined]
    if result > width.maximum:
        raise ArithmeticFault(ArithmeticReason.OVERFLOW, f"{a} {operator} {b} does not fit {width.name}")
    if result < width.minimum:
        raise ArithmeticFault(ArithmeticReason.UNDERFLOW, f"{a} {operator} {b} does not fit {width.name}")
    return result


def checked_add(a: int, b: int, kind: object) -> int:
    """`a + b`, or `ArithmeticFault` where the sum does not fit `kind`."""
    return _checked(a + b, kind, "+", a, b)


def checked_sub(a: int, b: int, kind: object) -> int:
    """`a - b`, or `ArithmeticFault` where the difference does not fit `kind`."""
    return _checked(a - b, kind, "-", a, b)


def checked_mul(a: int, b: int, kind: object) -> int:
    """`a * b`, or `ArithmeticFault` where the product does not fit `kind`."""
    return _checked(a * b, kind, "*", a, b)


def checked_div(a: int, b: int, kind: object) -> int:
    """The quotient rounded toward zero, as in Rust; `ArithmeticFault` for divisor zero and MIN over -1."""
    if b == 0:
        raise ArithmeticFault(ArithmeticReason.DIVISION_BY_ZERO, f"{a} divided by zero")
    quotient = abs(a) // abs(b)
    return _checked(quotient if (a < 0) == (b < 0) else -quotient, kind, "divided by", a, b)


def checked_pow(a: int, exponent: int, kind: object) -> int:
    """`a` to the power `exponent >= 0`, or `ArithmeticFault`.

    Squaring stops as soon as the result can not fit, so a huge exponent costs no huge multiplication.
    """
    width = integer_type(kind)
    if exponent < 0:
        raise ValueError(f"an exponent is not negative: {exponent}")
    if abs(a) > 1 and exponent > width.bits:
        reason = ArithmeticReason.UNDERFLOW if a < 0 and exponent & 1 else ArithmeticReason.OVERFLOW
        raise ArithmeticFault(reason, f"{a} ** {exponent} does not fit {width.name}")
    if abs(a) <= 1:
        exponent = min(exponent, 2 - (exponent & 1))
    return _checked(a**exponent, kind, "**", a, exponent)


def _saturated(result: int, kind: object) -> int:
    width = integer_type(kind)
    return min(max(result, width.minimum), width.maximum)


def saturating_add(a: int, b: int, kind: object) -> int:
    """`a + b`, clamped to the range of `kind`."""
    return _saturated(a + b, kind)


def saturating_sub(a: int, b: int, kind: object) -> int:
    """`a - b`, clamped to the range of `kind`."""
    return _saturated(a - b, kind)


def saturating_mul(a: int, b: int, kind: object) -> int:
    """`a * b`, clamped to the range of `kind`."""
    return _saturated(a * b, kind)
