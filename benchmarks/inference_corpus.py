"""Compiles every ONNX model below a folder and compares the integer program with the float model.

    python -m benchmarks inference-corpus FOLDER [--only TEXT] [--precision auto] [--json FILE]

`corpus_data` says where inputs come from, `corpus_criteria` what the closing table asks. The reference is
onnxruntime with its usual optimisations, on one thread. A third of the data (at most 100 samples) calibrates,
the rest is held out; MNIST nets are measured on all 10,000 test images, of which 100 calibrate, unlabelled.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper

import inference
from benchmarks.corpus_criteria import Row, verdicts
from benchmarks.corpus_data import Array, Data, data_for, inputs_of, official_pairs
from benchmarks.harness import show
from inference.compiler import Artifact, InvalidModel, UnsupportedModel, compile_model
from inference.compiler.comparison import real_range

BATCH = 50
LISTED = 5
Outputs = Mapping[str, Array]


def float_outputs(path: Path, samples: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    """What onnxruntime gives, sample by sample; maps from class to probability are left out."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = []
    for sample in samples:
        values = dict(zip(names, session.run(names, dict(sample)), strict=True))
        found.append({name: value for name, value in values.items() if isinstance(value, np.ndarray)})
    return found


def integer_outputs(artifact: Artifact, samples: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    """What the compiled program gives, many samples at a time."""
    model = inference.load(artifact.to_bytes())
    found: list[dict[str, Array]] = []
    for start in range(0, len(samples), BATCH):
        part = samples[start : start + BATCH]
        if any(not spec.shape for spec in model.inputs):
            found.extend(dict(model.run(dict(sample))) for sample in part)
            continue
        feeds = {name: np.concatenate([sample[name] for sample in part]) for name in part[0]}
        values = model.run(feeds)
        splits = {name: np.split(np.asarray(value), len(part)) for name, value in values.items()}
        found.extend({name: pieces[at] for name, pieces in splits.items()} for at in range(len(part)))
    return found


def is_ensemble(proto: onnx.ModelProto) -> bool:
    """Whether trees decide."""
    return any("TreeEnsemble" in node.op_type for node in proto.graph.node)


def labels_of(outputs: Sequence[Outputs], expected: Sequence[Outputs]) -> Array | None:
    """A label per sample (or per place of a sequence): integers as they are, scores by their arg-max."""
    for name, value in expected[0].items():
        if value.dtype.kind in "iu" and value.size == 1:
            return np.concatenate([np.asarray(each[name]).ravel() for each in outputs])
    for name, value in expected[0].items():
        if value.dtype.kind in "fiu" and value.ndim >= 2 and value.shape[-1] > 1 and value.ndim <= 3:
            return np.concatenate([np.asarray(each[name]).argmax(axis=-1).ravel() for each in outputs])
    return None


def kind_of(proto: onnx.ModelProto, path: Path, data: Data) -> str:
    """Trees, classifier (its labels are known, or its name says so), regressor, or other."""
    if is_ensemble(proto):
        return "trees"
    if data.labels is not None and data.labels.dtype.kind == "f":
        return "regressor"
    known = data.labels is not None or "gpt" in path.stem
    named = any(part in str(path) for part in ("classifier", "kws", "mobilenet"))
    return "classifier" if known or named else "other"


def errors(found: Sequence[Outputs], expected: Sequence[Outputs]) -> tuple[float, float, float]:
    """Worst output's relative error, greatest error over the output's range, and greatest error as it is."""
    relative = of_range = greatest = 0.0
    for name, value in expected[0].items():
        if value.dtype.kind not in "fiu" or (value.dtype.kind != "f" and value.size == 1):
            continue
        real = np.stack([np.asarray(each[name], dtype=np.float64) for each in expected])
        got = np.stack([np.asarray(each[name], dtype=np.float64) for each in found]).reshape(real.shape)
        error = np.abs(got - real)
        spread, extent = float(real.std()), float(np.ptp(real))
        relative = max(relative, float(np.sqrt(np.mean(error**2))) / (spread or 1.0))
        of_range = max(of_range, float(error.max()) / (extent or 1.0))
        greatest = max(greatest, float(error.max()))
    return relative, of_range, greatest


def near_thresholds(proto: onnx.ModelProto, artifact: Artifact, sample: Mapping[str, Array]) -> list[str]:
    """Features of a sample that lie within one quantum of a threshold on them."""
    model = inference.load(artifact.to_bytes())
    spec = model.inputs[0]
    low, high = real_range(spec)
    quantum = (high - low) / (spec.dtype.high - spec.dtype.low)
    features = np.asarray(sample[spec.name], dtype=np.float64).ravel()
    near = []
    for node in proto.graph.node:
        if "TreeEnsemble" in node.op_type:
            given = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
            places = zip(given.get("nodes_featureids", ()), given.get("nodes_values", ()), strict=False)
            near += [
                f"feature {at} is {features[at]:.9g} at a threshold of {threshold:.9g}"
                for at, threshold in places
                if at < len(features) and abs(features[at] - threshold) <= quantum
            ]
    return near


def measure(path: Path, name: str, precision: str) -> tuple[Row, Artifact | None]:
    """Compiles one model and compares it."""
    proto = onnx.load(path)
    inputs = inputs_of(proto, path)
    data = data_for(path, inputs)
    shapes = {one.name: one.shape for one in inputs}
    start = time.perf_counter()
    try:
        artifact = compile_model(path, list(data.calibration), precision, input_shapes=shapes)
    except (InvalidModel, UnsupportedModel) as error:
        return Row(name, "-", f"{type(error).__name__}: {error}", data.source), None
    seconds = time.perf_counter() - start
    expected = float_outputs(path, data.held_out)
    found = integer_outputs(artifact, data.held_out)
    relative, of_range, greatest = errors(found, expected)
    report = artifact.report
    row = Row(
        name,
        kind_of(proto, path, data),
        source=data.source,
        tiers="+".join(f"{count}{tier}" for tier, count in report.tiers.items()) or "-",
        samples=len(expected),
        relative=relative,
        of_range=of_range,
        size=report.size,
        ref_time_ms=report.ref_time / 1e9,
        compile_s=seconds,
    )
    if data.labels is not None and data.labels.dtype.kind == "f":
        row = replace(row, of_target=greatest / float(np.ptp(data.labels)))
    row = _with_labels(row, proto, artifact, data, found, expected)
    return _with_pairs(row, path, artifact), artifact


def _with_labels(
    row: Row,
    proto: onnx.ModelProto,
    artifact: Artifact,
    data: Data,
    found: Sequence[Outputs],
    expected: Sequence[Outputs],
) -> Row:
    real, got = labels_of(expected, expected), labels_of(found, expected)
    if real is None or got is None or row.kind not in ("classifier", "trees") or real.dtype.kind == "f":
        return row
    differing = np.flatnonzero(real != got)
    row = replace(row, agreement=1 - len(differing) / len(real), unequal=len(differing))
    if data.labels is not None and len(real) == len(data.labels):
        drop = float((real == data.labels).mean() - (got == data.labels).mean())
        row = replace(row, drop=drop)
    if row.kind == "trees":
        reasons = [(at, near_thresholds(proto, artifact, data.held_out[at])) for at in differing.tolist()]
        listed = [f"sample {at}: {near[0] if near else 'no threshold is near'}" for at, near in reasons]
        row = replace(row, near_threshold=sum(bool(near) for _, near in reasons), listed=tuple(listed))
    return row


def _with_pairs(row: Row, path: Path, artifact: Artifact) -> Row:
    pairs, kept = official_pairs(path), 0
    model = inference.load(artifact.to_bytes())
    for value, expected in pairs:
        got = next(iter(model.run({model.inputs[0].name: value}).values()))
        kept += int(np.asarray(got).argmax() == expected.argmax())
    return replace(row, pairs=len(pairs), pairs_kept=kept)


def models_below(folder: Path, only: str) -> Iterator[tuple[Path, str]]:
    """ONNX files with their names relative to the folder."""
    for path in sorted(folder.rglob("*.onnx")):
        name = str(path.relative_to(folder))
        if only in name:
            yield path, name


def _print_row(row: Row) -> None:
    if row.outcome != "ok":
        print(f"{row.model[-44:]:<44} {row.outcome}", flush=True)
        return
    agree = "-" if row.agreement is None else f"{row.agreement:.2%}"
    drop = "-" if row.drop is None else f"{100 * row.drop:+.2f}"
    print(
        f"{row.model[-44:]:<44} {row.kind:<10} {row.tiers:<16} {agree:>7} {drop:>6} {row.relative:>8.3%} "
        f"{row.of_range:>8.3%} {row.size:>10,} {row.ref_time_ms:>8.3f} {row.compile_s:>5.1f}  "
        f"{row.source} {row.samples}",
        flush=True,
    )
    for text in row.listed[:LISTED]:
        print(f"    {text}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table and what the criteria say; 1 if one fails."""
    parser = argparse.ArgumentParser(
        prog="inference-corpus", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="part of the file name")
    parser.add_argument("--precision", default="auto", choices=("auto", "int8", "int16"))
    parser.add_argument("--report", action="store_true", help="print each model's full report")
    parser.add_argument("--json", type=Path, help="write the rows to a file")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    print(
        f"{'model':<44} {'kind':<10} {'tiers':<16} {'agree':>7} {'drop':>6} {'relative':>8} {'worst':>8} "
        f"{'bytes':>10} {'ref ms':>8} {'s':>5}  data"
    )
    for path, name in models_below(options.folder, options.only):
        row, artifact = measure(path, name, options.precision)
        rows.append(row)
        _print_row(row)
        if options.report and artifact is not None:
            print(artifact.report)
    results = verdicts(rows)
    show(
        "Criteria",
        ("criterion", "found", "holds"),
        [(each.criterion, each.found, "yes" if each.holds else "NO") for each in results],
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    return int(not all(each.holds for each in results))


if __name__ == "__main__":
    sys.exit(main())
