"""Observed ranges: the float model runs on samples, and every real value's distribution is kept.

Deterministic: samples are taken in order, large tensors are thinned by a fixed stride, and made-up samples
come from a fixed integer generator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from inference.compiler.errors import InvalidModel, ModelFault
from inference.compiler.float_model import FloatModel
from inference.compiler.graph import Array, Graph, TensorType
from inference.compiler.limits import MAX_CALIBRATION_SAMPLES

Sample = Mapping[str, Array]

_KEPT_PER_SAMPLE = 4_096
_KEPT_IN_ALL = 65_536
_SYNTHETIC_SAMPLES = 64

MASKED = -1e8
"""Values at or below this come from attention masks: they mean "never" and saturate, so they do not widen a
range.
"""

_ASSUMED_RANGE = (-4.0, 4.0)


@dataclass(frozen=True, slots=True)
class Observed:
    """What one value did over all samples: extremes, a thinned collection of elements, and the mean and the
    greatest magnitude at every place. `masked` values were seen at or below `MASKED` too.
    """

    low: float
    high: float
    elements: Array
    mean: Array
    peaks: Array
    masked: bool = False

    @property
    def greatest(self) -> float:
        """Largest magnitude seen."""
        return max(abs(self.low), abs(self.high))


def read_samples(
    calibration: object, inputs: Mapping[str, TensorType], most: int = MAX_CALIBRATION_SAMPLES
) -> list[dict[str, Array]]:
    """Calibration data as samples with the declared shapes.

    Takes an array [N, ...] (one input), a mapping from input names to such arrays, or a sequence of
    mappings, each one sample; the first `most` count. Raises `InvalidModel(BAD_CALIBRATION)` for unknown
    names, shapes that do not fit, NaN and infinity.
    """
    if calibration is None:
        return []
    if isinstance(calibration, np.ndarray):
        if len(inputs) != 1:
            raise _bad(f"one array for {len(inputs)} inputs; give a mapping with {', '.join(inputs)}")
        calibration = {next(iter(inputs)): calibration}
    if isinstance(calibration, Mapping):
        return _from_columns(calibration, inputs, most)
    if isinstance(calibration, Sequence):
        return [_one(sample, inputs, index) for index, sample in enumerate(calibration[:most])]
    raise _bad(f"calibration data of type {type(calibration).__name__}; give arrays or mappings of arrays")


def _from_columns(
    columns: Mapping[str, Array], inputs: Mapping[str, TensorType], most: int
) -> list[dict[str, Array]]:
    _check_names(columns, inputs)
    counts = {len(np.asarray(column)) if np.ndim(column) else 0 for column in columns.values()}
    if len(counts) != 1 or counts == {0}:
        raise _bad(f"arrays of {sorted(counts)} samples; every input needs the same number, at least one")
    count = min(counts.pop(), most)
    return [
        _one({name: np.asarray(column)[index] for name, column in columns.items()}, inputs, index)
        for index in range(count)
    ]


def _check_names(sample: Mapping[str, Array], inputs: Mapping[str, TensorType]) -> None:
    unknown = sorted(set(sample) ^ set(inputs))
    if unknown:
        raise _bad(f"inputs {unknown}; the model's are {sorted(inputs)}")


def _one(sample: object, inputs: Mapping[str, TensorType], index: int) -> dict[str, Array]:
    if not isinstance(sample, Mapping):
        raise _bad(f"sample {index} is no mapping from input names to arrays")
    _check_names(sample, inputs)
    ready: dict[str, Array] = {}
    for name, kind in inputs.items():
        value = np.asarray(sample[name])
        if value.dtype.kind not in "biuf":
            raise _bad(f"input {name!r} of sample {index} has dtype {value.dtype}")
        if value.size != prod(kind.shape):
            raise _bad(
                f"input {name!r} of sample {index} has shape {value.shape}, the model takes {kind.shape}"
            )
        if not bool(np.isfinite(value).all()):
            raise _bad(f"input {name!r} of sample {index} holds NaN or infinity")
        ready[name] = value.reshape(kind.shape).astype(kind.dtype)
    return ready


def _bad(detail: str) -> InvalidModel:
    return InvalidModel(ModelFault.BAD_CALIBRATION, detail)


def synthetic_samples(
    inputs: Mapping[str, TensorType], ranges: Mapping[str, tuple[float, float]]
) -> list[dict[str, Array]]:
    """Samples spread over the declared ranges (without any: -4 to 4), both ends and the middle among them."""
    generator = np.random.Generator(np.random.PCG64(0))
    samples: list[dict[str, Array]] = []
    for index in range(_SYNTHETIC_SAMPLES):
        sample: dict[str, Array] = {}
        for name, kind in inputs.items():
            low, high = ranges.get(name, _ASSUMED_RANGE if kind.is_float else (0, 1))
            if index < 3:
                value = np.full(kind.shape, (low, high, (low + high) / 2)[index])
            else:
                value = generator.uniform(low, high, kind.shape)
            sample[name] = value.astype(kind.dtype) if kind.is_float else np.rint(value).astype(kind.dtype)
        samples.append(sample)
    return samples


def observe(graph: Graph, samples: Sequence[Sample]) -> dict[str, Observed]:
    """Runs the float graph on every sample and collects each computed value and input."""
    names = [*graph.inputs, *(name for node in graph.nodes for name in node.outputs if name)]
    names = [name for name in names if graph.types[name].dtype.kind in "fiub"]
    model = FloatModel(graph, names)
    low = dict.fromkeys(names, np.inf)
    high = dict.fromkeys(names, -np.inf)
    kept: dict[str, list[Array]] = {name: [] for name in names}
    total: dict[str, Array] = {}
    peaks: dict[str, Array] = {}
    masked: set[str] = set()
    share = max(_KEPT_IN_ALL // max(len(samples), 1), 64)
    for sample in samples:
        for name, value in model.run(sample).items():
            # Values that overflow float32 (masked attention) count as the largest finite number.
            flat = np.nan_to_num(np.asarray(value, dtype=np.float64), nan=0.0, posinf=3e38, neginf=-3e38)
            counted = flat[flat > MASKED]
            if len(counted) < flat.size:
                masked.add(name)
            low[name] = min(low[name], float(counted.min(initial=np.inf)))
            high[name] = max(high[name], float(counted.max(initial=-np.inf)))
            step = max(-(-flat.size // min(share, _KEPT_PER_SAMPLE)), 1)
            kept[name].append(counted[::step].astype(np.float32))
            total[name] = total[name] + flat if name in total else flat
            size = np.abs(flat)
            peaks[name] = np.maximum(peaks[name], size) if name in peaks else size
    for name in names:
        if low[name] > high[name]:
            low[name] = high[name] = 0.0
    return {
        name: Observed(
            low[name],
            high[name],
            np.concatenate(kept[name]),
            total[name] / len(samples),
            peaks[name],
            name in masked,
        )
        for name in names
    }
