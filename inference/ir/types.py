"""Tensor types and the quantisation of a model's boundary."""

from dataclasses import dataclass
from enum import IntEnum
from math import prod

import numpy as np
from numpy.typing import NDArray

#: Every value, whatever its dtype, is worked on as signed 64-bit integers by the reference executor.
Integers = NDArray[np.int64]


class DType(IntEnum):
    """Integer dtypes of tensors. Booleans are `U8` with 0 and 1. The number is the artifact's code."""

    U8 = 1
    I8 = 2
    U16 = 3
    I16 = 4
    I32 = 5
    I64 = 6

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return (1, 1, 2, 2, 4, 8)[self - 1]

    @property
    def low(self) -> int:
        """The least value."""
        return (0, -(1 << 7), 0, -(1 << 15), -(1 << 31), -(1 << 63))[self - 1]

    @property
    def high(self) -> int:
        """The greatest value."""
        return ((1 << 8) - 1, (1 << 7) - 1, (1 << 16) - 1, (1 << 15) - 1, (1 << 31) - 1, (1 << 63) - 1)[
            self - 1
        ]

    @property
    def text(self) -> str:
        """The name in printed programs: `u8`, `i16`, ..."""
        return self.name.lower()

    @property
    def numpy(self) -> np.dtype[np.integer]:
        """The little-endian numpy dtype, which is also the layout of raw tensor bytes."""
        return _NUMPY[self - 1]


_NUMPY: tuple[np.dtype[np.integer], ...] = tuple(
    np.dtype(c) for c in ("<u1", "<i1", "<u2", "<i2", "<i4", "<i8")
)


@dataclass(frozen=True, slots=True)
class TensorType:
    """Static dtype and shape of a value; a scalar has the shape ()."""

    dtype: DType
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the raw little-endian row-major tensor."""
        return self.elements * self.dtype.size

    def __str__(self) -> str:
        """The printed form, for example `u8[1,28,28]`."""
        return f"{self.dtype.text}[{','.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True)
class Quantization:
    """What an integer at the boundary means: real = (q - zero_point) * numerator / denominator."""

    numerator: int = 1
    denominator: int = 1
    zero_point: int = 0


#: Integers that mean themselves.
UNIT = Quantization()


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output as the outside world sees it."""

    name: str
    type: TensorType
    quantization: Quantization = UNIT

    @property
    def dtype(self) -> DType:
        """Dtype of the integers."""
        return self.type.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Static shape."""
        return self.type.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the raw tensor."""
        return self.type.nbytes
