"""One hash per model and input, whatever runs it: processors, threads, batches, executors, environments.

    python -m benchmarks.inference_determinism [FOLDER]     # with a folder: every ONNX file below it, too

Other processors are emulated by qemu's user mode (`apt-get install qemu-user`); without it they are left out
with a message. Every process computes all hashes in its own way and the answers are compared with those of
the reference executor here. Among the inputs are all-greatest and all-least ones.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

import inference
from benchmarks.harness import console, show
from benchmarks.inference_models import NETWORKS
from benchmarks.inference_speed import input_name, read
from inference.compiler import InvalidModel, UnsupportedModel, compile_model
from inference.executor import conformance
from inference.executor.probe import all_maximum, all_minimum
from inference.model import Executor, Model

ROOT = Path(__file__).resolve().parents[1]
PROCESSORS = ("Nehalem", "Haswell", "Skylake-Server", "EPYC")
CORE_TYPES = ("", "Nehalem", "Haswell", "SkylakeX", "Zen")
INPUTS = 16
REFERENCE_INPUTS = 4
EMULATED_SIZE = 5_000_000
"""Artifacts above this many bytes run on the processor at hand only: emulation is 20 to 50 times slower."""

BUILT = (
    ("kws_dscnn", "int8"),
    ("kws_dscnn", "int16"),
    ("mnist", "int8"),
    ("mlp", "int8"),
    ("encoder", "int8"),
    ("encoder", "int16"),
    ("forest", "auto"),
    ("mobilenet_v2", "int8"),
    ("resnet18", "int8"),
)

Hashes = dict[str, str]
Call = tuple[bytes, ...]


@dataclass(slots=True)
class Way:
    """How a process was run, and what it answered: hashes by model, input, and inner way."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    small: bool = False


def run(places: Sequence[str] = ()) -> int:
    """Print how many answers were compared and how many differ; 1 if any does, else 0."""
    with tempfile.TemporaryDirectory() as folder:
        names = list(_artifacts(Path(folder), places))
        golden = _reference(Path(folder))
        rows, differing = [], 0
        for way in _ways(Path(folder)):
            answers, problem = _ask(way)
            wrong = sorted(key for key, value in answers.items() if golden[_input_of(key)] != value)
            differing += len(wrong) + bool(problem)
            rows.append(
                [way.name, str(len(answers)), str(len(wrong)), problem or (wrong[0] if wrong else "same")]
            )
    show(
        f"{len(names)} models, {len(golden)} inputs with one golden hash each",
        ["way", "answers", "differ", ""],
        rows,
    )
    return int(bool(differing))


def _input_of(key: str) -> str:
    """`model|input|how` without how."""
    return key.rsplit("|", 1)[0]


def _artifacts(folder: Path, places: Sequence[str]) -> Iterator[str]:
    for name, precision in BUILT:
        network = NETWORKS[name]()
        samples = network.inputs(2)
        data = compile_model(network.model, calibration={"x": samples}, precision=precision).to_bytes()
        (folder / f"{name}-{precision}.artifact").write_bytes(data)
        yield name
    for place in places:
        for path in sorted(Path(place).rglob("*.onnx")):
            found = read(path)
            if found is None:
                continue
            try:
                drawn = {input_name(found): found.inputs(2)}
                data = compile_model(path.read_bytes(), calibration=drawn).to_bytes()
            except (InvalidModel, UnsupportedModel) as error:
                console.print(f"{path.stem} is left out: {error}")
                continue
            (folder / f"{path.parent.name}-{path.stem}.artifact").write_bytes(data)
            yield path.stem


def _ways(folder: Path) -> Iterator[Way]:
    """Every process to ask: environments here, then emulated processors."""
    ask = [sys.executable, "-m", "benchmarks.inference_determinism", "--answer", str(folder)]
    for core in CORE_TYPES:
        for seed in ("0", "1"):
            environment = {"PYTHONHASHSEED": seed} | ({"OPENBLAS_CORETYPE": core} if core else {})
            yield Way(f"here, OpenBLAS {core or 'as it likes'}, hash seed {seed}", ask, environment)
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        console.print("qemu-x86_64 is not installed (package qemu-user): no emulated processors")
        return
    for processor in PROCESSORS:
        yield Way(f"emulated {processor}", [emulator, "-cpu", processor, *ask, "--small"])


def _ask(way: Way) -> tuple[Hashes, str]:
    """A process's hashes, and what went wrong if anything did."""
    done = subprocess.run(
        way.command, env=os.environ | way.environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {}, f"exit status {done.returncode}: {lines[-1] if lines else 'no message'}"
    answer = json.loads(done.stdout)
    disabled = ", ".join(answer["disabled"])
    return answer["hashes"], f"kernels refused by the probe: {disabled}" if disabled else ""


def _reference(folder: Path) -> Hashes:
    """The golden hashes: each call by itself, the first ones by the definition, the rest by fast calls."""
    golden: Hashes = {}
    for path in sorted(folder.glob("*.artifact")):
        model = inference.load(path.read_bytes())
        for i, call in enumerate(calls(model)):
            executor: Executor = "reference" if i < REFERENCE_INPUTS else "fast"
            golden[f"{path.stem}|{i}"] = digest(model.run_bytes(call, executor))
    return golden


def answer(folder: Path, small: bool) -> dict[str, object]:
    """What one process finds: all inputs, in all ways that a process has."""
    hashes: Hashes = {}
    for path in sorted(folder.glob("*.artifact")):
        data = path.read_bytes()
        if small and len(data) > EMULATED_SIZE:
            continue
        for threads in (1, 2):
            model = inference.load(data, threads=threads)
            for how, i, result in _inner_ways(model, calls(model)):
                hashes[f"{path.stem}|{i}|{how}, {threads} threads"] = digest(result)
        if small:
            for i, call in enumerate(calls(model)[:REFERENCE_INPUTS]):
                hashes[f"{path.stem}|{i}|reference"] = digest(model.run_bytes(call, "reference"))
    return {"hashes": hashes, "disabled": sorted(conformance().disabled)}


def _inner_ways(model: Model, given: list[Call]) -> Iterator[tuple[str, int, Call]]:
    for i, call in enumerate(given):
        yield "single", i, model.run_bytes(call)
    shuffled = np.random.default_rng(9).permutation(len(given)).tolist()
    for how, order, size in (
        ("batches of 3", list(range(len(given))), 3),
        ("batch of 16", list(range(len(given))), 16),
        ("shuffled", shuffled, 16),
    ):
        for start in range(0, len(order), size):
            part = order[start : start + size]
            for i, result in zip(part, model.run_bytes_many([given[i] for i in part]), strict=True):
                yield how, i, result


def calls(model: Model) -> list[Call]:
    """Inputs as bytes: all greatest, all least, then drawn over the whole dtype."""
    found = [tuple(make(s).astype(s.dtype.numpy).tobytes() for s in model.inputs) for make in _ENDS]
    for i in range(INPUTS - len(found)):
        draw = np.random.default_rng(i)
        found.append(tuple(draw.integers(0, 256, s.nbytes, np.uint8).tobytes() for s in model.inputs))
    return found


def digest(result: Iterable[bytes]) -> str:
    """A short hash of a call's outputs."""
    return blake2b(b"".join(result), digest_size=12).hexdigest()


_ENDS = (all_maximum, all_minimum)


def main(arguments: Sequence[str]) -> int:
    """A whole comparison, or one process's answer to it."""
    if list(arguments[:1]) == ["--answer"]:
        sys.stdout.write(json.dumps(answer(Path(arguments[1]), "--small" in arguments)))
        return 0
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
