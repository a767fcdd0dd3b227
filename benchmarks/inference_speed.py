"""How long a call takes, beside onnxruntime with the float32 original and with its own int8, in one run.

    python -m benchmarks.inference_speed [FOLDER]      # with a folder: every ONNX file below it, too

Everything is timed as a user calls it, arrays in and arrays out, at batch 1 and with the same threads. The
competitors take turns, so that whatever else the machine does falls on all of them.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import inference
from benchmarks.harness import show
from benchmarks.inference_models import NETWORKS, Floats, Network
from inference.compiler import InvalidModel, UnsupportedModel, compile_model
from inference.model import Model

THREADS = 2
CALIBRATION = 4
SECONDS = 1.5
"""Time to spend on each competitor of a row; at least `LEAST` calls."""
LEAST = 7
BATCH = 16

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Target:
    """A row: network, precision, and the ratio to float32 that is asked for."""

    network: str
    precision: str
    ratio: float


TARGETS = (
    Target("resnet18", "int8", 0.5),
    Target("mobilenet_v2", "int8", 0.8),
    Target("kws_dscnn", "int8", 0.8),
    Target("mnist", "int8", 1.0),
    Target("mlp", "int8", 1.0),
    Target("encoder", "int8", 1.0),
    Target("forest", "auto", 1.0),
    Target("kws_dscnn", "int16", 2.5),
    Target("mnist", "int16", 2.5),
    Target("mlp", "int16", 2.5),
    Target("encoder", "int16", 2.5),
)


def run() -> None:
    """The networks that this program builds."""
    rows = [measure(NETWORKS[t.network](), t.precision, t.ratio) for t in TARGETS]
    show(f"A call in milliseconds, median, {THREADS} threads", COLUMNS, rows)
    show(
        f"{BATCH} equal calls in one batch",
        ["network", "one call", "batch", "of single calls"],
        list(batches()),
    )
    show(
        "Beside 64-bit integers in numpy", ["network", "numpy", "fast", "times faster"], list(against_numpy())
    )


COLUMNS = (
    "network",
    "tier",
    "float32",
    "onnxruntime int8",
    "fixpoint",
    "/ float32",
    "goal",
    "without floats",
)


def measure(network: Network, precision: str, goal: float | None) -> list[str]:
    """One row of the first table."""
    inputs = network.inputs(CALIBRATION)
    model = load(network, precision)
    name = model.inputs[0].name
    original, quantised = session(network.model), int8_session(network)
    raw = tuple(np.zeros(s.shape, s.dtype.numpy).tobytes() for s in model.inputs)
    calls: dict[str, Call] = {
        "float32": lambda: original.run(None, {original.get_inputs()[0].name: inputs[0]}),
        "fixpoint": lambda: model.run({name: inputs[0]}),
        "bytes": lambda: model.run_bytes(raw),
    }
    if quantised is not None:
        calls["int8"] = lambda: quantised.run(None, {"x": inputs[0]})
    found = medians(calls)
    ratio = found["fixpoint"] / found["float32"]
    return [
        network.name,
        precision,
        ms(found["float32"]),
        ms(found["int8"]) if "int8" in found else "-",
        ms(found["fixpoint"]),
        f"{ratio:.2f}",
        "" if goal is None else f"{goal} {'met' if ratio <= goal else 'MISSED'}",
        ms(found["bytes"]),
    ]


def medians(calls: Mapping[str, Call]) -> dict[str, float]:
    """Median seconds of each call; they take turns in short stretches, after one call that warms up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    until = time.perf_counter() + SECONDS * len(calls)
    while time.perf_counter() < until or min(map(len, times.values())) < LEAST:
        for name, call in calls.items():
            # A thread pool that still spins after its last call must not disturb the next competitor.
            time.sleep(0.002)
            stretch = time.perf_counter() + SECONDS / 20
            for _ in range(1_000):
                start = time.perf_counter()
                call()
                end = time.perf_counter()
                times[name].append(end - start)
                if end > stretch:
                    break
    return {name: statistics.median(taken) for name, taken in times.items()}


def batches() -> Iterator[list[str]]:
    """Rows of the second table: a batch against as many single calls, integers in and out as in a block."""
    for name in ("resnet18", "kws_dscnn", "mnist", "mlp", "encoder", "forest"):
        model = load(NETWORKS[name](), "auto" if name == "forest" else "int8")
        draw = np.random.default_rng(3)
        raws = [
            tuple(draw.integers(0, 256, s.nbytes, np.uint8).tobytes() for s in model.inputs)
            for _ in range(BATCH)
        ]
        found = medians(
            {
                "single": partial(_one_by_one, model, raws),
                "batch": partial(model.run_bytes_many, raws),
            }
        )
        share = found["batch"] / found["single"]
        yield [name, ms(found["single"] / BATCH), ms(found["batch"]), f"{share:.0%}"]


def _one_by_one(model: Model, raws: list[tuple[bytes, ...]]) -> None:
    for raw in raws:
        model.run_bytes(raw)


def against_numpy() -> Iterator[list[str]]:
    """Rows of the third table: the fast executor against the same program in numpy's integers alone."""
    for name in ("resnet18", "mobilenet_v2", "kws_dscnn", "mnist"):
        model = load(NETWORKS[name](), "int8")
        inputs = {s.name: np.full(s.shape, 77, s.dtype.numpy) for s in model.inputs}
        model.run_quantized(inputs)
        calls: dict[str, Call] = {
            how: partial(model.run_quantized, inputs, how) for how in ("reference", "fast")
        }
        found = medians(calls)
        slow, fast = found["reference"], found["fast"]
        yield [name, ms(slow), ms(fast), f"{slow / fast:.0f}"]


def folder(root: Path) -> Iterator[list[str]]:
    """A row for each file below a folder that has one input and compiles."""
    for path in sorted(root.rglob("*.onnx")):
        network = read(path)
        if network is None:
            continue
        try:
            yield measure(network, "auto", None)
        except (InvalidModel, UnsupportedModel) as error:
            yield [path.stem, str(error)[:40], *[""] * (len(COLUMNS) - 2)]


def read(path: Path) -> Network | None:
    """A file as a network with open dimensions of 1, if its one input takes float32."""
    model = onnx.load(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        return None
    shape = tuple(d.dim_value or 1 for d in inputs[0].type.tensor_type.shape.dim)
    return Network(path.stem, path.read_bytes(), shape)


def load(network: Network, precision: str) -> Model:
    """The network as an integer program, resident."""
    artifact = compile_model(
        network.model,
        calibration={input_name(network): network.inputs(CALIBRATION)},
        precision=precision,
    )
    return inference.load(artifact.to_bytes(), threads=THREADS)


def input_name(network: Network) -> str:
    """What the file calls its input."""
    return str(session(network.model).get_inputs()[0].name)


def session(model: bytes) -> onnxruntime.InferenceSession:
    """A session as a user opens it, with the threads given."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class _Samples(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, samples: Floats) -> None:
        self._feeds: Iterator[dict[str, Any]] = iter([{name: sample} for sample in samples])

    def get_next(self) -> dict[str, Any] | None:
        """The next sample, as onnxruntime asks for it."""
        return next(self._feeds, None)


def int8_session(network: Network) -> onnxruntime.InferenceSession | None:
    """onnxruntime's own int8 by its static quantiser, if it takes the model."""
    if network.name == "forest":
        return None
    with tempfile.TemporaryDirectory() as place:
        source, target = Path(place) / "float.onnx", Path(place) / "int8.onnx"
        source.write_bytes(network.model)
        samples = _Samples(input_name(network), network.inputs(CALIBRATION))
        quantize_static(
            source,
            target,
            samples,
            quant_format=QuantFormat.QOperator,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return session(target.read_bytes())


def ms(seconds: float) -> str:
    """Milliseconds for a table."""
    return f"{seconds * 1e3:.3f}"


def main(arguments: Sequence[str]) -> int:
    """Everything, and with a folder its files."""
    run()
    for place in arguments:
        show(place, COLUMNS, list(folder(Path(place))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
