"""Inputs for the models of a corpus: test data beside a model, MNIST, official pairs, or made up.

Looked for in this order: `<model>_test.npz` beside the model; any other `*.npz` there with an array `X` or
`tokens` that fits (not in a folder where every model has its own); an MNIST test set (`mnist-test-set/`) near
models that take [1, 1, 28, 28]. Models without data get random inputs of a fixed seed.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Array = npt.NDArray[np.generic]
Sample = Mapping[str, Array]

MAX_CALIBRATION = 100
RANDOM_SAMPLES = 32
LARGE_INPUT = 20_000
LARGE_SAMPLES = 8
SEED = 7

RANGES = {
    "yolox": (0.0, 255.0),
    "yunet": (0.0, 255.0),
    "RFB-320": (-1.0, 1.0),
    "slim-320": (-1.0, 1.0),
    "super_resolution": (0.0, 1.0),
    "nmp": (-1.0, 1.0),
    "byte_sb": (0.0, 255.0),
    "mobilenet": (0.0, 1.0),
}
"""Real-valued ranges of the random inputs of well-known models, by a part of the file's name."""

LENGTHS = {"byte_sb": 16}
"""Length of open dimensions after the first, by a part of the file's name."""


@dataclass(frozen=True)
class Input:
    """An input that is no weight, its open dimensions fixed."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Data:
    """Samples to calibrate with and to measure on; labels of the latter, if known; where they are from."""

    calibration: Sequence[Sample]
    held_out: Sequence[Sample]
    labels: Array | None
    source: str

    @property
    def is_real(self) -> bool:
        """Whether the samples are data and not made up."""
        return self.source != "random"


def inputs_of(proto: onnx.ModelProto, path: Path) -> tuple[Input, ...]:
    """A model's inputs."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    length = next((size for part, size in LENGTHS.items() if part in str(path)), 1)
    found = []
    for value in proto.graph.input:
        if value.name not in weights:
            tensor = value.type.tensor_type
            dims = [dim.dim_value for dim in tensor.shape.dim]
            shape = tuple(size or (length if axis else 1) for axis, size in enumerate(dims))
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            found.append(Input(value.name, np.dtype(dtype), shape))
    return tuple(found)


def data_for(path: Path, inputs: Sequence[Input]) -> Data:
    """What a model is calibrated with and measured on."""
    if len(inputs) == 1:
        one = inputs[0]
        if one.shape == (1, 1, 28, 28):
            found = _mnist(path, one)
            if found is not None:
                return found
        for file in _beside(path):
            taken = _from_file(file, one)
            if taken is not None:
                return _split(one, *taken, file.name)
    samples = _random(path, inputs)
    return Data(samples[: len(samples) // 2], samples[len(samples) // 2 :], None, "random")


def official_pairs(path: Path) -> list[tuple[Array, Array]]:
    """Input and output pairs published with a model: `pair/` or `pairs/*/` beside it."""
    folders = [path.parent / "pair", *sorted(path.parent.glob("pairs/*"))]
    return [
        (_tensor(folder / "input_0.pb"), _tensor(folder / "output_0.pb"))
        for folder in folders
        if (folder / "input_0.pb").exists()
    ]


def _tensor(file: Path) -> Array:
    proto = onnx.TensorProto()
    proto.ParseFromString(file.read_bytes())
    return np.asarray(numpy_helper.to_array(proto))


def _mnist(path: Path, one: Input) -> Data | None:
    """All 10,000 test images; the first 100, without their labels, calibrate as well."""
    for folder in path.parents[:3]:
        images = folder / "mnist-test-set" / "t10k-images-idx3-ubyte.gz"
        if images.exists():
            pixels = np.frombuffer(gzip.decompress(images.read_bytes())[16:], np.uint8)
            packed = (images.parent / "t10k-labels-idx1-ubyte.gz").read_bytes()
            labels = np.frombuffer(gzip.decompress(packed)[8:], np.uint8).astype(np.int64)
            real = pixels.reshape(-1, 1, 1, 28, 28).astype(np.float32)
            # The model zoo's net takes raw pixels, as its official pairs do; rten's training script
            # (tools/train-mnist.py) normalises by the usual mean and deviation.
            taken = real if "zoo" in str(path) else ((real / 255 - 0.1307) / 0.3081).astype(np.float32)
            samples = [{one.name: image} for image in taken]
            return Data(samples[:MAX_CALIBRATION], samples, labels, "MNIST test set")
    return None


def _beside(path: Path) -> list[Path]:
    stem = path.stem.removesuffix("_zipmap")
    own = path.with_name(f"{stem}_test.npz")
    if own.exists():
        return [own]
    files = sorted(path.parent.glob("*.npz"))
    models = sum(1 for _ in path.parent.glob("*.onnx"))
    return [] if len(files) > 2 and len(files) > models // 2 else files


def _from_file(file: Path, one: Input) -> tuple[Array, Array | None] | None:
    arrays = np.load(file)
    if "X" in arrays and prod(arrays["X"].shape[1:]) == prod(one.shape[1:]):
        features = arrays["X"].reshape(-1, *one.shape)
        labels = arrays.get("y")
        if features.dtype.kind == "f":
            finite = np.isfinite(features.reshape(len(features), -1)).all(axis=1)
            features, labels = features[finite], None if labels is None else labels[finite]
        return features, labels
    if "tokens" in arrays and len(one.shape) == 2:
        tokens, length = arrays["tokens"], one.shape[1]
        return tokens[: len(tokens) // length * length].reshape(-1, *one.shape), None
    return None


def _split(one: Input, features: Array, labels: Array | None, source: str) -> Data:
    count = min(MAX_CALIBRATION, max(len(features) // 3, 1))
    samples = [{one.name: row.astype(one.dtype)} for row in features]
    return Data(samples[:count], samples[count:], None if labels is None else labels[count:], source)


def _random(path: Path, inputs: Sequence[Input]) -> list[dict[str, Array]]:
    generator = np.random.default_rng(SEED)
    bounds = next((pair for part, pair in RANGES.items() if part in str(path)), None)
    large = max(prod(one.shape) for one in inputs) > LARGE_INPUT
    samples: list[dict[str, Array]] = []
    for _ in range(LARGE_SAMPLES if large else RANDOM_SAMPLES):
        sample: dict[str, Array] = {}
        for one in inputs:
            if bounds:
                value = generator.uniform(*bounds, one.shape)
            elif np.issubdtype(one.dtype, np.floating):
                value = generator.normal(size=one.shape)
            else:
                value = generator.integers(0, 60, one.shape).astype(np.float64)
            sample[one.name] = value.astype(one.dtype)
        samples.append(sample)
    return samples
