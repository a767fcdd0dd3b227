"""Arrays to raw tensors and back, with the model's own arithmetic."""

from typing import Any

import numpy as np
import pytest

from client.errors import InvalidInputs
from client.tensors import pack, spec_from_json, to_real, unpack


def spec(
    name: str = "x", dtype: str = "u8", shape: Any = (1, 2, 2), scale: Any = (1, 4), zero: int = 8
) -> Any:
    return spec_from_json(
        {
            "name": name,
            "dtype": dtype,
            "shape": list(shape),
            "scale": [str(each) for each in scale],
            "zeroPoint": zero,
        }
    )


def test_real_numbers_are_scaled_rounded_half_to_even_and_clipped_with_a_count() -> None:
    raw, saturated = pack([spec()], {"x": [[0.0, 0.125], [0.375, 1000.0]]})
    assert raw == [bytes([8, 8, 10, 255])]
    assert saturated == {"x": 1}


def test_integers_are_taken_as_they_are_when_quantized() -> None:
    assert pack([spec(dtype="i16")], {"x": [[[-1, 2], [3, 4]]]}, quantized=True)[0] == [
        np.array([-1, 2, 3, 4], "<i2").tobytes()
    ]
    assert pack([spec()], [b"abcd"]) == ([b"abcd"], {})


@pytest.mark.parametrize(
    ("inputs", "quantized", "complaint"),
    [
        ({}, False, r"missing \['x'\]"),
        ({"x": [[0, 0], [0, 0]], "y": 1}, False, r"unknown \['y'\]"),
        ({"x": [0.0, 0.0]}, False, r"has shape \[1, 2, 2\], got \[2\]"),
        ({"x": [[float("nan"), 0], [0, 0]]}, False, "NaN"),
        ({"x": [["a", "b"], ["c", "d"]]}, False, "not numbers"),
        ({"x": [[1.5, 0], [0, 0]]}, True, "not integers"),
        ({"x": [[256, 0], [0, 0]]}, True, r"256"),
        ([], False, "takes 1 inputs, got 0"),
        ([b"abc"], False, "takes 4 raw bytes, got 3"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_by_name(inputs: Any, quantized: bool, complaint: str) -> None:
    with pytest.raises(InvalidInputs, match=complaint):
        pack([spec()], inputs, quantized)


def test_outputs_come_back_as_integers_and_as_the_numbers_they_stand_for() -> None:
    specs = [spec("a"), spec("b", "i64", (2,), (1, 1), 0)]
    integers = unpack(specs, [bytes([8, 9, 10, 0]), np.array([5, -6], "<i8").tobytes()])
    assert integers["a"].tolist() == [[[8, 9], [10, 0]]]
    real = to_real(specs, integers)
    assert real["a"].tolist() == [[[0.0, 0.25], [0.5, -2.0]]]
    assert (real["b"].tolist(), real["b"].dtype.kind) == ([5, -6], "i")
    for wrong in ([bytes(4)], [bytes(3), bytes(16)]):
        with pytest.raises(InvalidInputs, match="sizes"):
            unpack(specs, wrong)
