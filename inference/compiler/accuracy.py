"""How far an integer program is from its float model, output by output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inference.compiler.calibrate import Sample
from inference.compiler.graph import Array
from inference.model import Model

_LABEL_AGREEMENT = 0.995
_SCORE_ERROR = 0.025
_VALUE_ERROR = 0.01
_NUMBER_ERROR = 0.002
_NUMBERS = 4
_VALUES = 64
_MAP_ERROR = 0.03
_VOCABULARY = 24
"""Fewest entries of the last of three axes that are taken for the words of a vocabulary."""


@dataclass(frozen=True, slots=True)
class OutputAccuracy:
    """Errors of one output, of so many elements, over a set of samples.

    `agreement` is the share of samples with the same label (integer outputs) or the same arg-max (scores; of
    sequences, place by place), None for other outputs. `relative` is the root mean square error over the
    spread of the float values, `worst` the greatest absolute error, `extent` the range of the float values.
    """

    name: str
    samples: int
    elements: int
    agreement: float | None
    relative: float
    worst: float
    extent: float

    @property
    def good(self) -> bool:
        """Whether it meets the target of `precision="auto"`."""
        if self.agreement is not None:
            return self.agreement >= _LABEL_AGREEMENT and self.relative <= _SCORE_ERROR
        if self.elements <= _NUMBERS:
            return self.relative <= _NUMBER_ERROR
        return self.relative <= (_VALUE_ERROR if self.elements <= _VALUES else _MAP_ERROR)


def integer_outputs(model: Model, samples: Sequence[Sample]) -> list[dict[str, Array]]:
    """Real-valued outputs of the program for every sample."""
    found: list[dict[str, Array]] = []
    for sample in samples:
        outputs = model.run(dict(sample))
        found.append({name: np.asarray(value) for name, value in outputs.items()})
    return found


def measure(
    names: Sequence[str], found: Sequence[Mapping[str, Array]], expected: Sequence[Mapping[str, Array]]
) -> tuple[OutputAccuracy, ...]:
    """Accuracy of each output; `expected` holds the float model's values under the same names."""
    return tuple(
        _one(name, [values[name] for values in found], [values[name] for values in expected])
        for name in names
        if expected and expected[0][name].dtype.kind in "biuf"
    )


def _one(name: str, found: Sequence[Array], expected: Sequence[Array]) -> OutputAccuracy:
    real = np.stack([np.nan_to_num(np.asarray(value, dtype=np.float64)) for value in expected])
    got = np.stack([np.asarray(value, dtype=np.float64) for value in found]).reshape(real.shape)
    error = np.abs(got - real)
    spread = float(real.std())
    scale = spread if spread > 0 else max(float(np.abs(real).max()), 1e-30)
    relative = float(np.sqrt(np.mean(error**2))) / scale
    agreement = None
    if expected[0].dtype.kind in "biu" and not is_scores(expected[0].shape):
        agreement = float((got == real).reshape(len(real), -1).all(axis=1).mean())
        relative = 0.0
    elif is_scores(expected[0].shape):
        agreement = float((got.argmax(axis=-1) == real.argmax(axis=-1)).mean())
    extent = float(real.max() - real.min())
    return OutputAccuracy(name, len(real), real[0].size, agreement, relative, float(error.max()), extent)


def is_scores(shape: tuple[int, ...]) -> bool:
    """Whether an output of this shape holds one score per class, or one per word at every place."""
    return len(shape) in (2, 3) and shape[0] == 1 and shape[-1] >= (2 if len(shape) == 2 else _VOCABULARY)
