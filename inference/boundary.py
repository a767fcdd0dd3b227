"""Real numbers in and out: the only place where a model's integers meet floating point.

Each step is one IEEE operation in binary64, so the same numbers give the same integers on every machine.
"""

from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inference.ir.errors import InputFault, InvalidInput
from inference.ir.types import UNIT, DType, Quantization, TensorSpec

#: Beyond this integers of 64 bits do not enter a session as reals: binary32 would round them past its clip.
REAL_REACH = 1 << 62

#: Steps of binary32 in which an end is looked for: the first guess is off by rounding alone.
_END_TRIES = 8

Array = NDArray[np.integer]
Reals = NDArray[np.float64] | NDArray[np.int64]
Reals32 = NDArray[np.float32]
Ends = tuple[float, float, bool]


class RealOutputs(dict[str, Reals]):
    """Outputs by name; `saturated` counts, per input, the values that were clipped to its range."""

    def __init__(
        self,
        outputs: Mapping[str, Reals],
        saturated: Mapping[str, int],
        uncounted: Mapping[str, tuple[TensorSpec, Reals32]] = MappingProxyType({}),
    ) -> None:
        """Keep all three; `uncounted` inputs had values clipped, and are counted when somebody asks."""
        super().__init__(outputs)
        self._counted = dict(saturated)
        self._uncounted = dict(uncounted)

    @property
    def saturated(self) -> dict[str, int]:
        """Clipped values of each input."""
        for name, (spec, real) in self._uncounted.items():
            self._counted[name] = quantize(spec, real)[1]
        self._uncounted.clear()
        return self._counted


def quantize(spec: TensorSpec, real: ArrayLike) -> tuple[Array, int]:
    """q = clip(round_half_even(real * denominator / numerator) + zero_point) and the count of clipped values.

    Raises InvalidInput(WRONG_DTYPE | NOT_FINITE).
    """
    values = np.asarray(real)
    if values.dtype.kind not in "fiub":
        raise InvalidInput(InputFault.WRONG_DTYPE, f"{spec.name!r} is {values.dtype}, not numbers")
    if values.dtype.kind in "iub" and spec.quantization == UNIT:
        inside = np.clip(values, spec.dtype.low, spec.dtype.high)
        return inside.astype(spec.dtype.numpy), int((inside != values).sum())
    q = spec.quantization
    low, high = _inside(spec.dtype.low - q.zero_point), _inside(spec.dtype.high - q.zero_point)
    steps = values.astype(np.float64)
    least, most = (float(steps.min()), float(steps.max())) if steps.size else (0.0, 0.0)
    if not (isfinite(least) and isfinite(most)):
        raise InvalidInput(InputFault.NOT_FINITE, f"{spec.name!r} holds NaN or infinity")
    saturated = 0
    # Each step is monotone, so the two ends tell whether anything has to be clipped.
    if low <= _scaled(least, q) and _scaled(most, q) <= high:
        _to_steps(steps, q)
    else:
        with np.errstate(over="ignore"):
            _to_steps(steps, q)
        saturated = int(((steps < low) | (steps > high)).sum())
        np.minimum(np.maximum(steps, low, out=steps), high, out=steps)
    if spec.dtype is DType.I64:
        return steps.astype(np.int64) + q.zero_point, saturated
    if q.zero_point:
        steps += q.zero_point
    return steps.astype(spec.dtype.numpy, order="C"), saturated


def entering(spec: TensorSpec, ends: Ends, real: ArrayLike) -> tuple[Reals32, bool] | None:
    """One call's binary32 reals with the range's ends for what lies outside, and whether anything did.

    None unless `real` is a finite binary32 array of the input's shape, and outside the range only if binary32
    has its ends.
    """
    if (
        not isinstance(real, np.ndarray)
        or real.dtype != np.float32
        or real.shape != spec.type.shape
        or not real.size
    ):
        return None
    least, most = float(np.minimum.reduce(real, axis=None)), float(np.maximum.reduce(real, axis=None))
    if ends[0] <= least and most <= ends[1]:
        return real, False
    if not (isfinite(least) and isfinite(most)) or not ends[2]:
        return None
    inside: Reals32 = np.minimum(np.maximum(real, np.float32(ends[0])), np.float32(ends[1]))
    return inside, True


def find_ends(spec: TensorSpec) -> Ends | None:
    """Least and greatest binary32 real inside the range, and whether they stand for its ends."""
    q, found, whole = spec.quantization, [], True
    for bound, inwards in ((spec.dtype.low, np.inf), (spec.dtype.high, -np.inf)):
        steps = float(np.clip(bound, -REAL_REACH, REAL_REACH) - q.zero_point)
        real = np.float32((steps - np.sign(inwards) * 0.5) * q.numerator / q.denominator)
        for _ in range(_END_TRIES):
            scaled = round(_scaled(float(real), q))
            if (scaled >= steps) if inwards > 0 else (scaled <= steps):
                break
            real = np.nextafter(real, np.float32(inwards))
        else:
            return None
        found.append(float(real))
        whole = whole and scaled == bound - q.zero_point
    return found[0], found[1], whole


def _scaled(real: float, q: Quantization) -> float:
    return real * float(q.denominator) / float(q.numerator)


def _to_steps(real: NDArray[np.float64], q: Quantization) -> None:
    """round_half_even(real * denominator / numerator), in place."""
    real *= q.denominator
    if q.numerator != 1:
        real /= q.numerator
    np.rint(real, out=real)


def power_step(spec: TensorSpec) -> np.float64 | None:
    """The step of integers whose real is one product: a quotient by a power of two is exact either way."""
    q = spec.quantization
    if q.numerator != 1 or q.zero_point or q.denominator.bit_count() != 1 or q == UNIT:
        return None
    return np.float64(1 / q.denominator)


def dequantize(spec: TensorSpec, q: Array) -> Reals:
    """(q - zero_point) * numerator / denominator in binary64; integers that mean themselves stay integers."""
    scale = spec.quantization
    if scale == UNIT:
        return q.astype(np.int64)
    reals = q.astype(np.float64)
    if scale.zero_point:
        reals -= scale.zero_point
    if scale.numerator != 1:
        reals *= scale.numerator
    reals /= scale.denominator
    return reals


def check_integers(spec: TensorSpec, value: ArrayLike) -> Array:
    """Integers in the declared dtype; raises InvalidInput(WRONG_DTYPE | OUT_OF_RANGE)."""
    values = np.asarray(value)
    if values.dtype.kind not in "iub":
        raise InvalidInput(InputFault.WRONG_DTYPE, f"{spec.name!r} is {values.dtype}, not integers")
    if values.size and not spec.dtype.low <= int(values.min()) <= int(values.max()) <= spec.dtype.high:
        raise InvalidInput(
            InputFault.OUT_OF_RANGE,
            f"{spec.name!r} holds {values.min()}..{values.max()}, not {spec.dtype.text}",
        )
    return np.asarray(values, spec.dtype.numpy, order="C")


def _inside(bound: int) -> np.float64:
    """The binary64 number nearest to a bound that does not pass it."""
    near = np.float64(bound)
    if abs(int(near)) > abs(bound):
        near = np.nextafter(near, np.float64(0))
    return near
