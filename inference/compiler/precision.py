"""Which layer gets which tier: all bytes if that is accurate enough, else the fewest layers, worst first,
get more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inference.compiler.accuracy import OutputAccuracy, integer_outputs, measure
from inference.compiler.calibrate import Observed, Sample
from inference.compiler.float_model import FloatModel
from inference.compiler.formats import Tier
from inference.compiler.graph import Array, Graph
from inference.compiler.lower import lower_graph
from inference.compiler.plan import layer_names, layer_work, make_plan
from inference.ir import Program
from inference.ir.artifact import encode_program
from inference.ir.limits import MAX_PORTS, Limits
from inference.model import Model, load

_SEARCH_STEPS = 4
"""Halvings of the number of raised layers: with 16 layers the least number, with more within a sixteenth."""

_PROBED_SAMPLES = 2

_SMALL_WORK = 50_000
"""Multiplications below which a model's time is the fixed time of its calls, whatever the tier."""

_SMALL_ERROR = 5e-5
"""Error above which a small model goes wide: it costs nothing there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program with its tiers and how accurate it is on the calibration samples."""

    program: Program
    layers: Mapping[str, Tier]
    base: Tier
    accuracy: tuple[OutputAccuracy, ...]

    @property
    def good(self) -> bool:
        """Whether every output meets the target."""
        return all(entry.good for entry in self.accuracy)

    @property
    def error(self) -> float:
        """A single number to compare candidates by: label disagreement weighs most."""
        return max((_weight(entry) for entry in self.accuracy), default=0.0)


def _weight(entry: OutputAccuracy) -> float:
    return entry.relative + (1 - entry.agreement if entry.agreement is not None else 0.0)


@dataclass(frozen=True, slots=True)
class Workbench:
    """A fused graph with what is needed to lower it and to judge the result."""

    graph: Graph
    plain: Graph
    seen: Mapping[str, Observed]
    levels: Mapping[str, tuple[float, int]]
    samples: Sequence[Sample]
    expected: Sequence[Mapping[str, Array]]
    metadata: Mapping[str, str]
    limits: Limits

    def build(self, layers: Mapping[str, Tier], base: Tier) -> Candidate:
        """Lowers with these tiers and measures on the samples."""
        program = lower_graph(
            self.graph, make_plan(self.graph, layers, base), self.seen, self.levels, self.metadata
        )
        model = self.load(program)
        accuracy = measure(self.graph.labels, integer_outputs(model, self.samples), self.expected)
        return Candidate(program, layers, base, accuracy)

    def load(self, program: Program) -> Model:
        """The program as a model, verified."""
        return load(encode_program(program), self.limits)

    def layer_errors(self, candidate: Candidate) -> dict[str, float]:
        """Relative error of each layer's output in the integer program, against the float model."""
        names = list(layer_names(self.graph))
        errors: dict[str, float] = {}
        room = MAX_PORTS - len(self.graph.outputs)
        for start in range(0, len(names), max(room, 1)):
            errors.update(self._probe(candidate, names[start : start + room]))
        return errors

    def _probe(self, candidate: Candidate, names: list[str]) -> Iterator[tuple[str, float]]:
        plan = make_plan(self.graph, candidate.layers, candidate.base)
        labels = {name: f"probe.{index}" for index, name in enumerate(names)}
        program = lower_graph(self.graph, plan, self.seen, self.levels, {}, labels)
        model = self.load(program)
        float_model = FloatModel(self.plain, names)
        noise, signal = dict.fromkeys(names, 0.0), dict.fromkeys(names, 1e-30)
        for sample in self.samples[:_PROBED_SAMPLES]:
            got, real = model.run(dict(sample)), float_model.run(sample)
            for name in names:
                exact = np.asarray(real[name], dtype=np.float64)
                noise[name] += float(
                    np.sum((np.asarray(got[labels[name]]).reshape(exact.shape) - exact) ** 2)
                )
                signal[name] += float(np.sum(exact**2))
        yield from ((name, float(np.sqrt(noise[name] / signal[name]))) for name in names)


def choose(bench: Workbench, precision: str, progress: Callable[[str], None]) -> Candidate:
    """The cheapest candidate that meets the target, or the most accurate one if none does."""
    names = layer_names(bench.graph)
    if precision != "auto":
        base = Tier.INT8 if precision == "int8" else Tier.INT16
        return bench.build(dict.fromkeys(names, base), base)
    if not names:
        return bench.build({}, Tier.WIDE)
    if layer_work(bench.graph) <= _SMALL_WORK:
        return _precise(bench, names)
    best = bench.build(dict.fromkeys(names, Tier.INT8), Tier.INT8)
    progress(f"int8: error {best.error:.4f}")
    for low, high in ((Tier.INT8, Tier.INT16), (Tier.INT16, Tier.WIDE)):
        if best.good:
            break
        raised = bench.build(dict.fromkeys(names, high), high)
        progress(f"{high.name.lower()}: error {raised.error:.4f}")
        if raised.good:
            order = noise_order(bench.graph, bench.layer_errors(best))
            return _fewest(bench, order, low, raised, progress)
        best = min(best, raised, key=lambda candidate: candidate.error)
    return best


def noise_order(graph: Graph, errors: Mapping[str, float]) -> list[str]:
    """Layers by the error that each adds to what it reads, the worst first."""
    reached: dict[str, float] = {}
    added: dict[str, float] = {}
    for node in graph.nodes:
        before = max((reached.get(name, 0.0) for name in node.inputs), default=0.0)
        if node.output in errors:
            added[node.output] = errors[node.output] ** 2 - before**2
            before = errors[node.output]
        reached.update(dict.fromkeys(node.outputs, before))
    return sorted(added, key=lambda name: (-added[name], name))


def _fewest(
    bench: Workbench, order: Sequence[str], low: Tier, raised: Candidate, progress: Callable[[str], None]
) -> Candidate:
    """The fewest layers, from the front of `order`, that need the tier of `raised`, where all have it."""
    best, enough, short = raised, len(order), 0
    for _ in range(_SEARCH_STEPS):
        count = (enough + short) // 2
        if count in (short, enough):
            break
        chosen = set(order[:count])
        layers = {name: raised.base if name in chosen else low for name in order}
        candidate = bench.build(layers, low)
        progress(f"{count} of {len(order)} layers {raised.base.name.lower()}: error {candidate.error:.4f}")
        if candidate.good:
            best, enough = candidate, count
        else:
            short = count
    return best


def _precise(bench: Workbench, names: Sequence[str]) -> Candidate:
    """Small models: bytes would save nothing, so 16 bits, or wide if that is not enough."""
    narrow = bench.build(dict.fromkeys(names, Tier.INT16), Tier.INT16)
    if narrow.error <= _SMALL_ERROR:
        return narrow
    wide = bench.build(dict.fromkeys(names, Tier.WIDE), Tier.WIDE)
    return min(narrow, wide, key=lambda candidate: candidate.error)
