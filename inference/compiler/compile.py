"""From an ONNX file to an artifact: the stages in order."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inference.compiler.accuracy import integer_outputs, measure
from inference.compiler.artifact import Artifact
from inference.compiler.calibrate import Sample, observe, read_samples, synthetic_samples
from inference.compiler.equalise import equalised
from inference.compiler.errors import InvalidModel, ModelFault, UnsupportedModel
from inference.compiler.float_model import FloatModel
from inference.compiler.fold import fold, fuse
from inference.compiler.formats import Tier
from inference.compiler.graph import Array, Graph, TensorType
from inference.compiler.limits import MAX_HELD_OUT_SAMPLES
from inference.compiler.onnx_reader import SourceModel, read_model
from inference.compiler.plan import layer_names, make_plan
from inference.compiler.precision import Candidate, Workbench, choose
from inference.compiler.report import CompileReport, LayerReport
from inference.compiler.rewrite import Rewriting, canonical_graph
from inference.compiler.static import input_types, static_graph
from inference.ir import InvalidArtifact
from inference.ir.artifact import encode_program
from inference.ir.limits import Limits

PRECISIONS = ("auto", "int8", "int16")

_UNSEEN_PART = 4
"""One in so many samples is kept from the ranges while tiers are chosen, as new inputs will be."""

_FEWEST_JUDGED = 8

_CHECKED_SAMPLES = 4
_REWRITE_TOLERANCE = 2e-3
_QUANTISED_TOLERANCE = 0.2


def compile_model(
    model: bytes | str | Path,
    calibration: object = None,
    precision: str = "auto",
    input_ranges: Mapping[str, tuple[float, float]] | None = None,
    *,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    held_out: object = None,
    limits: Limits | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Artifact:
    """Compiles an ONNX model to an integer program.

    `calibration` are typical inputs: an array [N, ...], a mapping from input names to arrays, or a sequence
    of mappings; `held_out` likewise, used for the report only. Without calibration, samples are made up
    within `input_ranges` (real bounds per input; -4 to 4 where absent). `precision` is `int8`, `int16`, or
    `auto`: the cheapest mix of tiers that keeps labels and values close to the float model's. `input_shapes`
    gives dimensions that the file leaves open (the first one is 1 unless given). Deterministic for given
    arguments and library versions.

    Raises `InvalidModel` for a bad file, data or option and `UnsupportedModel` for what has no integer form.
    """
    _check_options(precision, input_ranges)
    source = read_model(model)
    _check_names(source, input_ranges, input_shapes)
    inputs = input_types(source, {}, input_shapes or {})
    samples, sample_source = _samples(calibration, inputs, input_ranges or {})
    # Made-up integers may be no index that the model can gather: types come from real samples only.
    original = static_graph(source, samples[0] if calibration is not None else {}, input_shapes or {})
    progress(f"{len(original.nodes)} nodes, {len(samples)} samples")
    rewriting = canonical_graph(original)
    plain = fold(rewriting.graph, samples[0])
    expected = _float_outputs(original, samples)
    _check_rewriting(original, plain, samples, expected)
    seen = observe(plain, samples)
    even = equalised(plain, seen, rewriting.levels)
    if even is not plain:
        plain, seen = even, observe(even, samples)
    bench = Workbench(
        fuse(plain),
        plain,
        seen,
        rewriting.levels,
        samples,
        expected,
        _metadata(rewriting),
        limits or Limits(),
    )
    try:
        chosen = _chosen(bench, precision, progress)
    except InvalidArtifact as error:
        raise UnsupportedModel("model", "program", f"the integer program is refused: {error}") from error
    except OverflowError as error:
        detail = "its numbers are too far apart for factors of 64 bits; rescale the weights"
        raise UnsupportedModel("model", "program", detail) from error
    report = _report(
        source,
        bench,
        chosen,
        original,
        sample_source,
        precision,
        read_samples(held_out, inputs, MAX_HELD_OUT_SAMPLES),
    )
    return Artifact(chosen.program, report)


def _chosen(bench: Workbench, precision: str, progress: Callable[[str], None]) -> Candidate:
    """The tiers, judged with ranges that a part of the samples never shaped, then built with all ranges."""
    kept = len(bench.samples) - len(bench.samples) // _UNSEEN_PART
    if precision != "auto" or kept == len(bench.samples) or len(bench.samples) < _FEWEST_JUDGED:
        return choose(bench, precision, progress)
    judged = replace(bench, seen=observe(bench.plain, bench.samples[:kept]))
    chosen = choose(judged, precision, progress)
    return bench.build(chosen.layers, chosen.base)


def _check_options(precision: str, ranges: Mapping[str, tuple[float, float]] | None) -> None:
    if precision not in PRECISIONS:
        raise InvalidModel(
            ModelFault.BAD_OPTION, f"precision {precision!r}; choose from {', '.join(PRECISIONS)}"
        )
    for name, bounds in (ranges or {}).items():
        if len(bounds) != 2 or not np.isfinite(bounds).all() or not bounds[0] < bounds[1]:
            raise InvalidModel(
                ModelFault.BAD_OPTION, f"range {bounds} of input {name!r}; give a lower and a higher number"
            )


def _check_names(source: SourceModel, *options: Mapping[str, object] | None) -> None:
    names = {spec.name for spec in source.inputs}
    for option in options:
        unknown = sorted(set(option or {}) - names)
        if unknown:
            raise InvalidModel(
                ModelFault.BAD_OPTION, f"the model has no inputs {unknown}; it has {sorted(names)}"
            )


def _samples(
    calibration: object, inputs: Mapping[str, TensorType], ranges: Mapping[str, tuple[float, float]]
) -> tuple[list[dict[str, Array]], str]:
    samples = read_samples(calibration, inputs)
    if samples:
        return samples, "calibration data"
    made_up = synthetic_samples(inputs, ranges)
    return (
        made_up,
        "made up within the declared ranges" if ranges else "made up; give calibration data for accuracy",
    )


def _float_outputs(graph: Graph, samples: Sequence[Sample]) -> list[dict[str, Array]]:
    """Outputs of the float model under the names the user knows."""
    model = FloatModel(graph, graph.outputs)
    found: list[dict[str, Array]] = []
    for sample in samples:
        values = model.run(sample)
        found.append({label: values[name] for name, label in zip(graph.outputs, graph.labels, strict=True)})
    return found


def _check_rewriting(
    original: Graph, plain: Graph, samples: Sequence[Sample], expected: Sequence[Mapping[str, Array]]
) -> None:
    """The rewritten graph must give what the file gives: a rule that misreads an operator never ships."""
    quantised = any(node.op in ("QuantizeLinear", "QLinearConv", "QLinearMatMul") for node in original.nodes)
    tolerance = _QUANTISED_TOLERANCE if quantised else _REWRITE_TOLERANCE
    found = _float_outputs(plain, samples[:_CHECKED_SAMPLES])
    for got, want in zip(found, expected, strict=False):
        for name, value in want.items():
            if value.dtype.kind != "f":
                continue
            defined = np.isfinite(value)
            size = max(float(np.abs(value).max(initial=0, where=defined)), 1e-6)
            error = np.inf
            if got[name].shape == value.shape:
                # Infinities of the file itself say nothing; one that only the rewritten graph has does.
                near = np.where(defined, got[name], 0).astype(np.float64)
                distance = np.abs(near - np.where(defined, value, 0).astype(np.float64))
                error = float(distance.max(initial=0))
            if not error <= tolerance * size:
                raise UnsupportedModel(
                    "model",
                    name,
                    f"the rewritten float graph is off by {error:.3g} at this output; report this model",
                )


def _metadata(rewriting: Rewriting) -> dict[str, str]:
    graph = rewriting.graph
    return {
        f"classes:{label}": json.dumps(list(rewriting.classes[name]))
        for name, label in zip(graph.outputs, graph.labels, strict=True)
        if name in rewriting.classes
    }


def _report(
    source: SourceModel,
    bench: Workbench,
    chosen: Candidate,
    original: Graph,
    sample_source: str,
    precision: str,
    held_out: Sequence[Sample],
) -> CompileReport:
    model = bench.load(chosen.program)
    errors = bench.layer_errors(chosen)
    plan = make_plan(bench.graph, chosen.layers, chosen.base)
    producers = bench.graph.producers()
    layers = tuple(
        LayerReport(producers[name].name, producers[name].op, plan.tiers[name].name.lower(), errors.get(name))
        for name in layer_names(bench.graph)
    )
    tested = (
        measure(bench.graph.labels, integer_outputs(model, held_out), _float_outputs(original, held_out))
        if held_out
        else ()
    )
    return CompileReport(
        precision=precision,
        opset=source.opset,
        outputs={
            label: original.types[name].dtype.name
            for name, label in zip(original.outputs, original.labels, strict=True)
        },
        operators=dict(sorted(Counter(node.op for node in source.nodes).items())),
        samples=len(bench.samples),
        sample_source=sample_source,
        calibration=chosen.accuracy,
        held_out=tested,
        layers=layers,
        size=len(encode_program(chosen.program)),
        float_size=source.proto.ByteSize(),
        ref_time=model.cost,
        peak_memory=model.peak_memory,
        op_counts=model.op_counts,
        warnings=_warnings(chosen, precision, sample_source),
    )


def _warnings(chosen: Candidate, precision: str, sample_source: str) -> tuple[str, ...]:
    texts: list[str] = []
    if not chosen.good:
        hint = "try precision='auto'" if precision != "auto" else "give more typical calibration data"
        texts.append(f"the accuracy target is not met; {hint}")
    if sample_source != "calibration data":
        texts.append("ranges come from made-up samples: inputs unlike them saturate")
    if chosen.base is Tier.WIDE and chosen.layers:
        texts.append("all layers are wide: exact but slow; a model with smaller ranges runs faster")
    return tuple(texts)
