"""Does what a model declares fit what it takes? Time against declared cost, memory against declared peak.

    python -m benchmarks.inference_cost [FOLDER] [--json FILE]     # with a folder: every ONNX file below it

A model is under-priced if its time exceeds twice its declared cost, both scaled so that the median model's
are equal. The time of a call is processor time on one thread, least of many: what others do on the machine
only adds to it.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import inference
from benchmarks.harness import console, show
from benchmarks.inference_models import NETWORKS
from benchmarks.inference_speed import input_name, read
from inference.compiler import InvalidModel, UnsupportedModel, compile_model
from inference.model import Model

SECONDS = 0.3
LEAST = 3
ALLOWED = 2.0
SHOWN = 15

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds measured and declared; bytes that a call added at its peak, and those declared."""

    model: str
    measured: float
    declared: float
    used: int
    peak: int
    operations: int

    @property
    def ratio(self) -> float:
        """Measured by declared time."""
        return self.measured / self.declared


def run(places: Sequence[str] = (), target: str | None = None) -> int:
    """Print the spread and the worst; 1 if a model is under-priced or over its memory, else 0."""
    rows = [measure(name, model) for name, model in models(places)]
    if target is not None:
        Path(target).write_text(json.dumps([asdict(row) for row in rows], indent=1))
    middle = statistics.median(row.ratio for row in rows)
    rows.sort(key=lambda row: -row.ratio)
    least, most = rows[-1].ratio / middle, rows[0].ratio / middle
    listed = rows if len(rows) <= 2 * SHOWN else rows[:SHOWN] + rows[-SHOWN:]
    show(
        f"{len(rows)} models; scaled {least:.3f} to {most:.2f}; declared is {1 / middle:.1f} x measured",
        ["model", "measured ms", "declared ms", "scaled ratio", "peak KiB", "of declared"],
        [_shown(row, middle) for row in listed],
    )
    dear = [row.model for row in rows if row.ratio > ALLOWED * middle]
    large = [row.model for row in rows if row.used > row.peak]
    console.print(f"under-priced by more than {ALLOWED}: {', '.join(dear) or 'none'}")
    console.print(f"beyond their declared memory: {', '.join(large) or 'none'}")
    return int(bool(dear or large))


def _shown(row: Row, middle: float) -> list[str]:
    times = [f"{row.measured * 1e3:.3f}", f"{row.declared * 1e3:.3f}", f"{row.ratio / middle:.2f}"]
    return [row.model, *times, f"{row.used >> 10:,}", f"{row.used / row.peak:.0%}"]


def models(places: Sequence[str]) -> Iterator[tuple[str, Model]]:
    """Models in every tier: those that this program builds, and those of a folder."""
    for name, make in NETWORKS.items():
        network = make()
        for precision in ("auto",) if name == "forest" else ("int8", "int16"):
            artifact = compile_model(network.model, calibration={"x": network.inputs(2)}, precision=precision)
            yield f"{name} {precision}", inference.load(artifact.to_bytes())
    for place in places:
        for path in sorted(Path(place).rglob("*.onnx")):
            found = read(path)
            drawn = None if found is None else {input_name(found): found.inputs(2)}
            try:
                artifact = compile_model(path.read_bytes(), calibration=drawn)
            except (InvalidModel, UnsupportedModel) as error:
                console.print(f"{path.parent.name}/{path.stem} is left out: {str(error)[:80]}")
                continue
            yield f"{path.parent.name}/{path.stem}", inference.load(artifact.to_bytes())


def measure(name: str, model: Model) -> Row:
    """Time and memory of one model's calls, bytes in and out as in a block."""
    draw = np.random.default_rng(0)
    call = tuple(draw.integers(0, 256, s.nbytes, np.uint8).tobytes() for s in model.inputs)
    used = first_call(model, call)
    times, until = list[float](), time.perf_counter() + SECONDS
    while len(times) < LEAST or time.perf_counter() < until:
        start = time.process_time()
        model.run_bytes(call)
        times.append(time.process_time() - start)
    operations = sum(model.op_counts.values())
    return Row(name, min(times), model.cost / 1e12, used, model.peak_memory, operations)


def first_call(model: Model, call: tuple[bytes, ...]) -> int:
    """Bytes that the first call adds at its peak to what the process holds with the model loaded (Linux)."""
    if not _CLEAR.exists():
        return 0
    assert model.fast.degraded is None
    _CLEAR.write_text("5")
    before = _kib("VmRSS")
    model.run_bytes(call)
    return max(_kib("VmHWM") - before, 0) << 10


def _kib(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


def main(arguments: Sequence[str]) -> int:
    """All models, perhaps with a folder's, perhaps written to a file."""
    target = arguments[arguments.index("--json") + 1] if "--json" in arguments else None
    return run([a for a in arguments if a not in ("--json", target)], target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
