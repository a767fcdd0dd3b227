"""Between what people have (arrays of numbers) and what the chain takes (raw integers in declared order).

The arithmetic is `inference.boundary`'s, so an array means the same here as in `Model.run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from client.errors import InvalidInputs
from inference.boundary import check_integers, dequantize, quantize
from inference.ir.errors import InvalidInput
from inference.ir.types import DType, Quantization, TensorSpec, TensorType

Arrays = Mapping[str, npt.ArrayLike]
"""Real numbers by input name, as `Model.run` takes them; leading axes of one may be left out."""

_DTYPES: Mapping[str, DType] = {**{dtype.text: dtype for dtype in DType}, "bool": DType.U8}

_LIMIT = (1 << 64) - 1
"""Dimensions, scales and zero points are 64-bit numbers on chain."""


def spec_from_json(value: Mapping[str, Any]) -> TensorSpec:
    """A tensor as the node describes it: name, dtype, shape, scale [numerator, denominator], zeroPoint."""
    numerator, denominator = value["scale"]
    return TensorSpec(
        _text(value["name"]),
        TensorType(
            _DTYPES[str(value["dtype"]).lower()], tuple(_within(each, 0, _LIMIT) for each in value["shape"])
        ),
        Quantization(
            _within(numerator, 1, _LIMIT),
            _within(denominator, 1, _LIMIT),
            _within(value["zeroPoint"], -_LIMIT, _LIMIT),
        ),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{ascii(value)[:40]} is no name")
    return value


def _within(value: Any, low: int, high: int) -> int:
    """An integer of a node's answer, large ones as text. Raises ValueError for anything else."""
    if isinstance(value, str):
        value = int(value)
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{ascii(value)[:40]} is no integer in {low}..{high}")
    return value


def pack(
    specs: Sequence[TensorSpec], inputs: Arrays | Sequence[bytes], quantized: bool = False
) -> tuple[list[bytes], dict[str, int]]:
    """Raw inputs in declared order, and per input how many values were clipped to its range.

    `inputs` are arrays by name (real numbers, or the program's integers when `quantized`), or raw bytes in
    declared order. Raises `InvalidInputs`.
    """
    if isinstance(inputs, Mapping):
        names = [spec.name for spec in specs]
        missing = [name for name in names if name not in inputs]
        unknown = sorted(set(inputs) - set(names))
        if unknown or missing:
            raise InvalidInputs(f"the model's inputs are {names}; missing {missing}, unknown {unknown}")
        packed = [_pack_array(spec, inputs[spec.name], quantized) for spec in specs]
        saturated = {spec.name: clipped for spec, (_, clipped) in zip(specs, packed, strict=True) if clipped}
        return [raw for raw, _ in packed], saturated
    if len(inputs) != len(specs):
        raise InvalidInputs(f"the model takes {len(specs)} inputs, got {len(inputs)}")
    for spec, raw in zip(specs, inputs, strict=True):
        if len(raw) != spec.nbytes:
            raise InvalidInputs(f"input {spec.name!r} takes {spec.nbytes} raw bytes, got {len(raw)}")
    return list(inputs), {}


def unpack(specs: Sequence[TensorSpec], raw: Sequence[bytes]) -> dict[str, npt.NDArray[np.integer]]:
    """The program's integers by output name. Raises `InvalidInputs` where they do not fit the declaration."""
    if len(raw) != len(specs) or any(
        len(each) != spec.nbytes for spec, each in zip(specs, raw, strict=False)
    ):
        raise InvalidInputs("the outputs do not have the sizes that the model declares")
    return {
        spec.name: np.frombuffer(each, spec.dtype.numpy).reshape(spec.shape)
        for spec, each in zip(specs, raw, strict=True)
    }


def to_real(
    specs: Sequence[TensorSpec], integers: Mapping[str, npt.NDArray[np.integer]]
) -> dict[str, npt.NDArray[Any]]:
    """What the integers stand for, by output name."""
    return {spec.name: dequantize(spec, integers[spec.name]) for spec in specs}


def _pack_array(spec: TensorSpec, value: npt.ArrayLike, quantized: bool) -> tuple[bytes, int]:
    array = np.asarray(value)
    if _core(array.shape) != _core(spec.shape):
        raise InvalidInputs(f"input {spec.name!r} has shape {list(spec.shape)}, got {list(array.shape)}")
    try:
        integers, clipped = (check_integers(spec, array), 0) if quantized else quantize(spec, array)
    except InvalidInput as error:
        raise InvalidInputs(f"input {error}") from error
    return integers.tobytes(), clipped


def _core(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape without leading ones: a single sample may come without its batch axis."""
    extents = list(shape)
    while extents and extents[0] == 1:
        extents.pop(0)
    return tuple(extents)
