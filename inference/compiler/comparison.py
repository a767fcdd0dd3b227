"""How far a finished artifact is from a float model, on samples that anyone may bring."""

from pathlib import Path

from inference.compiler.accuracy import OutputAccuracy, integer_outputs, measure
from inference.compiler.calibrate import read_samples, synthetic_samples
from inference.compiler.errors import InvalidModel, ModelFault
from inference.compiler.float_model import FloatModel
from inference.compiler.onnx_reader import read_model
from inference.compiler.static import static_graph
from inference.ir import TensorSpec
from inference.model import Model


def compare_with_float(
    artifact: Model, original: bytes | str | Path, samples: object = None
) -> tuple[OutputAccuracy, ...]:
    """Accuracy of each output against the ONNX model `original`, which onnxruntime runs in float.

    `samples` as calibration data of `compile_model`; without any, they are made up over the ranges that the
    artifact's inputs can hold. Raises `InvalidModel`, also where the two differ in inputs or outputs.
    """
    source = read_model(original)
    shapes = {spec.name: spec.shape for spec in artifact.inputs}
    names = {spec.name for spec in source.inputs}
    if names != set(shapes):
        raise InvalidModel(
            ModelFault.BAD_OPTION, f"the artifact's inputs are {sorted(shapes)}, the model's {sorted(names)}"
        )
    graph = static_graph(source, {}, shapes)
    missing = sorted(set(graph.labels) - {spec.name for spec in artifact.outputs})
    if missing:
        raise InvalidModel(ModelFault.BAD_OPTION, f"the artifact lacks the model's outputs {missing}")
    inputs = {name: graph.types[name] for name in graph.inputs}
    given = read_samples(samples, inputs) or synthetic_samples(
        inputs, {spec.name: real_range(spec) for spec in artifact.inputs}
    )
    float_model = FloatModel(graph, graph.outputs)
    expected = []
    for sample in given:
        values = float_model.run(sample)
        expected.append(
            {label: values[name] for name, label in zip(graph.outputs, graph.labels, strict=True)}
        )
    return measure(graph.labels, integer_outputs(artifact, given), expected)


def real_range(spec: TensorSpec) -> tuple[float, float]:
    """The least and the greatest real number that a tensor can hold."""
    scale = spec.quantization.numerator / spec.quantization.denominator
    zero = spec.quantization.zero_point
    return (spec.dtype.low - zero) * scale, (spec.dtype.high - zero) * scale
