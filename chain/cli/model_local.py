"""`fixpoint model compile|inspect|check|run`: an ONNX file into a program with the same bits anywhere."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from chain.cli.failure import CommandFailed
from chain.cli.flags import whole
from chain.cli.output import activity, add_json_flag, facts, remark, show, table
from chain.cli.tensors import described, listed, read_arrays, samples, write_arrays
from inference import InvalidArtifact, InvalidInput, Model, TensorSpec
from inference import load as load_model
from inference.compiler import PRECISIONS, InvalidModel, OutputAccuracy, UnsupportedModel, compile_model
from inference.compiler.comparison import compare_with_float
from inference.ir.limits import Limits
from inference.ir.text import print_program

EXPECTED = (InvalidArtifact, InvalidInput, InvalidModel, UnsupportedModel)
PICOSECONDS_PER_MS = 10**9


def configure(actions: Any) -> None:
    """Declare the local commands of `model`; `actions` are argparse's subparsers."""
    compiling = actions.add_parser("compile", help="an ONNX file into an integer program")
    compiling.add_argument("file", type=Path, metavar="FILE", help="ONNX model")
    compiling.add_argument(
        "--calibration", metavar="NPZ[:ARRAY]", help="typical inputs: arrays [N, ...] by input name"
    )
    compiling.add_argument("--held-out", metavar="NPZ[:ARRAY]", help="further inputs, for the report only")
    compiling.add_argument("--precision", choices=PRECISIONS, default="auto", help="(default: %(default)s)")
    compiling.add_argument(
        "--range",
        dest="ranges",
        action="append",
        default=[],
        metavar="INPUT=LOW:HIGH",
        help="bounds of an input",
    )
    compiling.add_argument(
        "--shape",
        dest="shapes",
        action="append",
        default=[],
        metavar="INPUT=1,3,224,224",
        help="dimensions that the file leaves open",
    )
    compiling.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="artifact (default: FILE with the ending .fxp)"
    )
    compiling.set_defaults(handler=_compile)
    inspecting = actions.add_parser("inspect", help="what an artifact takes, gives and costs")
    inspecting.add_argument("--program", action="store_true", help="print the whole program")
    inspecting.set_defaults(handler=_inspect)
    checking = actions.add_parser("check", help="verify an artifact, and compare it with its float original")
    checking.add_argument("--against", type=Path, metavar="ONNX", help="the float model")
    checking.add_argument(
        "--samples", metavar="NPZ[:ARRAY]", help="inputs to compare on: arrays [N, ...] by input name"
    )
    checking.set_defaults(handler=_check)
    running = actions.add_parser("run", help="run an artifact on this machine")
    running.add_argument("--input", type=Path, required=True, metavar="FILE", help=".npz, .npy or .json")
    running.add_argument(
        "--executor", choices=("fast", "reference"), default="fast", help="(default: %(default)s)"
    )
    running.add_argument("--quantized", action="store_true", help="integers in and out, as on chain")
    running.add_argument(
        "--threads", type=whole(1, 1024), default=1, help="(default: %(default)s); changes no result"
    )
    running.add_argument("-o", "--output", type=Path, metavar="NPZ", help="write the outputs there")
    running.set_defaults(handler=_run)
    for one in (inspecting, checking, running):
        one.add_argument("file", type=Path, metavar="ARTIFACT")
    for one in (compiling, inspecting, checking, running):
        add_json_flag(one)
        one.set_defaults(expected=EXPECTED)


def read_artifact(path: Path) -> bytes:
    """The bytes of an artifact file. Raises `CommandFailed`."""
    try:
        with path.open("rb") as file:
            # One byte beyond the limit is enough for the verifier to say that it is too large.
            return file.read(Limits().artifact_bytes + 1)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from error


def write_artifact(path: Path, data: bytes) -> None:
    """Write an artifact file. Raises `CommandFailed`."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}") from error


def tensors_table(specs: Sequence[TensorSpec]) -> str:
    """Inputs or outputs for people."""
    rows = [(one.name, str(one.type), meaning(one)) for one in specs]
    return table(("Name", "Type", "Real value"), rows)


def meaning(spec: TensorSpec) -> str:
    """What an integer of this tensor stands for."""
    scale = spec.quantization
    shifted = f"(q - {scale.zero_point})" if scale.zero_point else "q"
    factor = "" if scale.numerator == 1 else f" * {scale.numerator}"
    return shifted + factor + ("" if scale.denominator == 1 else f" / {scale.denominator}")


def spec_value(spec: TensorSpec) -> dict[str, Any]:
    """A tensor for programs, as `models_get` gives it."""
    scale = spec.quantization
    return {
        "name": spec.name,
        "dtype": spec.dtype.text,
        "shape": list(spec.shape),
        "scale": [scale.numerator, scale.denominator],
        "zeroPoint": scale.zero_point,
    }


def _compile(args: argparse.Namespace) -> None:
    output = args.output or args.file.with_suffix(".fxp")
    if not args.file.is_file():
        raise CommandFailed(f"{args.file} cannot be read: there is no such file")
    ranges = dict(_range(text) for text in args.ranges)
    shapes = dict(_shape(text) for text in args.shapes)
    with activity(f"Compiling {args.file.name}") as tell:
        artifact = compile_model(
            args.file,
            samples(args.calibration),
            args.precision,
            ranges or None,
            input_shapes=shapes or None,
            held_out=samples(args.held_out),
            progress=tell,
        )
    data = artifact.to_bytes()
    write_artifact(output, data)
    value = {"id": artifact.id, "file": str(output), "report": artifact.report.to_dict()}
    show(args, value, f"{artifact.report}\n\nmodel 0x{artifact.id.hex()} written to {output}")


def _range(text: str) -> tuple[str, tuple[float, float]]:
    name, _, bounds = text.rpartition("=")
    low, separator, high = bounds.partition(":")
    try:
        if not name or not separator:
            raise ValueError
        return name, (float(low), float(high))
    except ValueError:
        raise CommandFailed(f"--range {text!r}: write INPUT=LOW:HIGH, as in image=0:1") from None


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, extents = text.rpartition("=")
    try:
        if not name:
            raise ValueError
        return name, tuple(int(one) for one in extents.split(","))
    except ValueError:
        raise CommandFailed(f"--shape {text!r}: write INPUT=1,3,224,224") from None


def _inspect(args: argparse.Namespace) -> None:
    data = read_artifact(args.file)
    model = load_model(data)
    value = {
        "id": model.id,
        "size": len(data),
        "opset": model.opset,
        "refTime": model.cost,
        "peakMemory": model.peak_memory,
        "inputs": [spec_value(one) for one in model.inputs],
        "outputs": [spec_value(one) for one in model.outputs],
        "operations": model.op_counts,
        "metadata": model.metadata,
    }
    parts = [facts(_summary(model, len(data))), "", "Inputs", tensors_table(model.inputs)]
    parts += ["", "Outputs", tensors_table(model.outputs)]
    if args.program:
        value["program"] = text = print_program(model.program.program)
        parts += ["", text]
    show(args, value, "\n".join(parts))


def _summary(model: Model, size: int) -> dict[str, object]:
    return {
        "Model": model.id,
        "Size": f"{size:,} bytes",
        "Op set": model.opset,
        "Cost": f"{model.cost / PICOSECONDS_PER_MS:.3f} ms of reference time",
        "Peak memory": f"{model.peak_memory:,} bytes",
        "Operations": ", ".join(f"{count} {name}" for name, count in sorted(model.op_counts.items())),
    }


def _check(args: argparse.Namespace) -> None:
    data = read_artifact(args.file)
    model = load_model(data)
    with activity("Comparing executors"):
        differing = _executors_differ(model)
    if differing:
        raise CommandFailed(
            f"the executors disagree in {', '.join(differing)}: this machine must not run the model; "
            "report it with the artifact"
        )
    value: dict[str, Any] = {"id": model.id, "verified": True, "executorsAgree": True}
    lines = [facts(_summary(model, len(data))), "", "verified; the fast executor gives the reference's bits"]
    if args.against is not None:
        given = samples(args.samples)
        with activity("Comparing with the float model"):
            found = compare_with_float(model, args.against, given)
        value["against"] = [asdict(one) for one in found]
        lines += ["", *(_accuracy(one) for one in found)]
    elif args.samples is not None:
        raise CommandFailed("--samples are for comparing: name the float model with --against")
    show(args, value, "\n".join(lines))


def _accuracy(one: OutputAccuracy) -> str:
    same = f"{one.agreement:.2%} of {one.samples} samples agree, " if one.agreement is not None else ""
    worst = f"worst {one.worst:.4g} of a range of {one.extent:.4g}"
    return f"{one.name}: {same}relative error {one.relative:.4%}, {worst}"


def _executors_differ(model: Model) -> list[str]:
    """Names of outputs that differ between the executors, on inputs at both ends and across the range."""
    differing = set()
    for pattern in ("low", "high", "spread"):
        inputs = {spec.name: _pattern(spec, pattern) for spec in model.inputs}
        fast = model.run_quantized(inputs)
        reference = model.run_quantized(inputs, executor="reference")
        differing |= {name for name in fast if not np.array_equal(fast[name], reference[name])}
    return sorted(differing)


def _pattern(spec: TensorSpec, pattern: str) -> np.ndarray[Any, Any]:
    low, high = spec.dtype.low, spec.dtype.high
    match pattern:
        case "low" | "high":
            return np.full(spec.shape, low if pattern == "low" else high, spec.dtype.numpy)
    # Steps of a prime: every value of a byte comes up, in no order that a kernel could favour.
    steps = np.arange(spec.type.elements, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (steps >> np.uint64(64 - 8 * spec.dtype.size)).astype(spec.dtype.numpy).reshape(spec.shape)


def _run(args: argparse.Namespace) -> None:
    model = load_model(read_artifact(args.file), threads=args.threads)
    inputs = read_arrays(args.input, [spec.name for spec in model.inputs])
    outputs: Mapping[str, Any]
    if args.quantized:
        outputs = model.run_quantized(inputs, executor=args.executor)
    else:
        found = model.run(inputs, executor=args.executor)
        for name, count in found.saturated.items():
            if count:
                remark(
                    f"warning: {count:,} values of {name!r} lie outside the model's range and were clipped"
                )
        outputs = found
    if args.output is not None:
        write_arrays(args.output, outputs)
    show(args, {"id": model.id, "executor": args.executor, "outputs": listed(outputs)}, described(outputs))
