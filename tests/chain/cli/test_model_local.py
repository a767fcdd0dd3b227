"""Models on this machine: compiled, inspected, checked against float and run; bad data is named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inference import load
from tests.chain.cli.support import ARTIFACT, MODEL, Cli, one_line

WEIGHTS = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 1.0]], np.float32)


def save_linear(path: Path, operator: str = "MatMul") -> Path:
    """A float model: scores = x @ WEIGHTS, for one row of three."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["scores"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 2])],
        [onnx.numpy_helper.from_array(WEIGHTS, "w")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("custom", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    model.graph.node[0].domain = "" if operator == "MatMul" else "custom"
    onnx.save(model, path)
    return path


@pytest.fixture
def linear(tmp_path: Path) -> Path:
    return save_linear(tmp_path / "linear.onnx")


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.npz"
    generator = np.random.default_rng(7)
    np.savez(path, x=generator.uniform(-1, 1, (64, 3)).astype(np.float32), label=np.zeros(64, np.int64))
    return path


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """The artifact of `doubling_artifact`: y = 4 * x for x in halves."""
    path = tmp_path / "doubling.fxp"
    path.write_bytes(ARTIFACT)
    return path


def test_a_compiled_model_is_written_with_a_report(cli: Cli, linear: Path, samples: Path) -> None:
    outcome = cli(
        *("model", "compile", linear, "--calibration", f"{samples}:x", "--held-out", f"{samples}:x", "--json")
    )
    found = json.loads(outcome.out)
    artifact = linear.with_suffix(".fxp")
    assert found["file"] == str(artifact)
    assert found["id"] == "0x" + load(artifact.read_bytes()).id.hex()
    assert found["report"]["held_out"][0]["samples"] == 64
    assert found["report"]["agreement"] >= 0.95


def test_the_report_is_shown_to_people_with_the_models_id(cli: Cli, linear: Path, tmp_path: Path) -> None:
    outcome = cli("model", "compile", linear, "--range", "x=-1:1", "-o", tmp_path / "out.fxp")
    assert outcome.code == 0, outcome.err
    assert "precision" in outcome.out
    assert f"model 0x{load((tmp_path / 'out.fxp').read_bytes()).id.hex()} written to" in outcome.out


def test_compiling_twice_gives_the_same_model(cli: Cli, linear: Path, samples: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cli("model", "compile", linear, "--calibration", f"{samples}:x", "-o", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--range", "x=1"], "write INPUT=LOW:HIGH"),
        (["--range", "x=2:1"], "give a lower and a higher number"),
        (["--range", "nope=0:1"], "no inputs ['nope']"),
        (["--shape", "x"], "write INPUT=1,3,224,224"),
        (["--shape", "x=a,b"], "write INPUT=1,3,224,224"),
        (["--calibration", "nowhere.npz"], "nowhere.npz cannot be read"),
        (["--calibration", "SAMPLES:nope"], "holds no array 'nope'; it holds label, x"),
        (["--calibration", "SAMPLES:label"], "has shape"),
        (["--held-out", "data.csv"], "data.csv"),
        (["-o", "no/such/folder"], "cannot be written"),
    ],
)
def test_what_does_not_fit_the_model_is_named(
    cli: Cli, linear: Path, samples: Path, flags: list[str], complaint: str
) -> None:
    outcome = cli("model", "compile", linear, *(one.replace("SAMPLES", str(samples)) for one in flags))
    assert outcome.code == 1
    assert complaint in one_line(outcome.err)


@pytest.mark.parametrize("content", [b"", b"\x08", b"not a model at all", b"\xff" * 100])
def test_a_file_that_is_no_onnx_model_is_refused(cli: Cli, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(content)
    outcome = cli("model", "compile", path)
    assert outcome.code == 1
    one_line(outcome.err)
    assert not path.with_suffix(".fxp").exists()


def test_a_file_that_is_not_there_is_named(cli: Cli, tmp_path: Path) -> None:
    for action in (["compile"], ["inspect"], ["check"], ["run", "--input", "x.npy"]):
        outcome = cli("model", *action, tmp_path / "nope")
        assert outcome.code == 1
        assert "nope cannot be read" in one_line(outcome.err)


def test_an_operator_without_integer_form_is_named(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("model", "compile", save_linear(tmp_path / "odd.onnx", "Levitate"))
    assert outcome.code == 1
    assert "Levitate" in one_line(outcome.err)


@pytest.mark.parametrize("flags", [["--precision", "float32"], [], ["a", "b"]])
def test_wrong_usage_of_compile_is_told(cli: Cli, flags: list[str]) -> None:
    assert cli("model", "compile", *flags).code == 2


def test_inspect_tells_what_a_model_takes_gives_and_costs(cli: Cli, doubling: Path) -> None:
    found = json.loads(cli("model", "inspect", doubling, "--json").out)
    assert found["id"] == "0x" + MODEL.hex()
    assert found["size"] == len(ARTIFACT)
    assert found["inputs"] == [{"name": "x", "dtype": "u8", "shape": [1, 4], "scale": [1, 2], "zeroPoint": 0}]
    assert found["operations"] == {"Rescale": 1}
    text = cli("model", "inspect", doubling, "--program").out
    assert "x     u8[1,4]  q / 2" in text
    assert "= Rescale(%0)" in text


def test_check_verifies_and_compares_the_executors(cli: Cli, doubling: Path) -> None:
    assert json.loads(cli("model", "check", doubling, "--json").out) == {
        "id": "0x" + MODEL.hex(),
        "verified": True,
        "executorsAgree": True,
    }


def test_check_compares_with_the_float_original(cli: Cli, linear: Path, samples: Path) -> None:
    cli("model", "compile", linear, "--calibration", f"{samples}:x")
    artifact = linear.with_suffix(".fxp")
    found = json.loads(
        cli("model", "check", artifact, "--against", linear, "--samples", f"{samples}:x", "--json").out
    )
    (scores,) = found["against"]
    assert scores["name"] == "scores"
    assert scores["agreement"] >= 0.95
    assert "samples agree" in cli("model", "check", artifact, "--against", linear).out


def test_a_float_model_of_other_inputs_is_no_original(cli: Cli, linear: Path, doubling: Path) -> None:
    data = onnx.load(linear)
    data.graph.input[0].name = data.graph.node[0].input[0] = "other"
    onnx.save(data, linear)
    outcome = cli("model", "check", doubling, "--against", linear)
    assert outcome.code == 1
    assert "the artifact's inputs are ['x'], the model's ['other']" in one_line(outcome.err)


def test_a_float_model_of_other_outputs_is_no_original(
    cli: Cli, linear: Path, samples: Path, tmp_path: Path
) -> None:
    cli("model", "compile", linear, "--calibration", f"{samples}:x")
    data = onnx.load(linear)
    data.graph.output[0].name = data.graph.node[0].output[0] = "other"
    onnx.save(data, tmp_path / "other.onnx")
    outcome = cli("model", "check", linear.with_suffix(".fxp"), "--against", tmp_path / "other.onnx")
    assert "the artifact lacks the model's outputs ['other']" in one_line(outcome.err)


def test_samples_without_a_float_model_are_refused(cli: Cli, doubling: Path, samples: Path) -> None:
    outcome = cli("model", "check", doubling, "--samples", samples)
    assert outcome.code == 1
    assert "name the float model with --against" in one_line(outcome.err)


def test_executors_that_disagree_fail_the_check(
    cli: Cli, doubling: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lying(self: object, inputs: dict[str, Any], executor: str = "fast") -> dict[str, Any]:
        return {"y": np.array([0 if executor == "fast" else 1])}

    monkeypatch.setattr("inference.model.Model.run_quantized", lying)
    outcome = cli("model", "check", doubling)
    assert outcome.code == 1
    assert "the executors disagree in y" in one_line(outcome.err)


@pytest.mark.parametrize("executor", ["fast", "reference"])
@pytest.mark.parametrize("form", ["npy", "npz", "list.json", "names.json"])
def test_a_model_runs_on_arrays_of_every_form(
    cli: Cli, doubling: Path, tmp_path: Path, executor: str, form: str
) -> None:
    path = tmp_path / f"input.{form}"
    values = [[0.5, 1.0, 1.5, 2.0]]
    match form:
        case "npy":
            np.save(path, np.array(values))
        case "npz":
            np.savez(path, x=np.array(values))
        case "list.json":
            path.write_text(json.dumps(values))
        case _:
            path.write_text(json.dumps({"x": values}))
    outcome = cli("model", "run", doubling, "--input", path, "--executor", executor, "--json")
    assert json.loads(outcome.out)["outputs"] == {"y": [[2, 4, 6, 8]]}


def test_integers_go_in_and_out_as_on_chain(cli: Cli, doubling: Path, tmp_path: Path) -> None:
    path, output = tmp_path / "input.json", tmp_path / "out.npz"
    path.write_text("[[1, 2, 3, 255]]")
    outcome = cli("model", "run", doubling, "--input", path, "--quantized", "-o", output)
    assert outcome.out == "y  int32[1, 4]\n  2 4 6 510\n"
    assert np.load(output)["y"].tolist() == [[2, 4, 6, 510]]


def test_values_beyond_the_range_are_clipped_with_a_warning(cli: Cli, doubling: Path, tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_text("[[1000, -1, 3, 4]]")
    outcome = cli("model", "run", doubling, "--input", path)
    assert outcome.code == 0
    assert "warning: 2 values of 'x' lie outside the model's range and were clipped" in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("i.json", b"{", "is no .json file of numbers"),
        ("i.json", b"[" * 100_000, "is no .json file of numbers"),
        ("i.json", b"[[1, 2], [3]]", "must have equal lengths"),
        ("i.json", b'"text"', "a model takes numbers"),
        ("i.json", b'{"z": [1]}', "the model takes ['x']"),
        ("i.json", b"[[1, 2, 3]]", "has shape (1, 3)"),
        ("i.json", b"[[1, 2, 3, NaN]]", "NaN or infinity"),
        ("i.npy", b"", "is no .npy file of numbers"),
        ("i.npy", b"\x93NUMPY", "is no .npy file of numbers"),
        ("i.npz", b"PK\x03\x04", "is no .npz file of numbers"),
        ("i.csv", b"1,2,3,4", "inputs come as .npz, .npy or .json"),
    ],
)
def test_an_input_that_is_none_is_named(
    cli: Cli, doubling: Path, tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    outcome = cli("model", "run", doubling, "--input", path)
    assert outcome.code == 1
    assert complaint in one_line(outcome.err)


def test_pickled_objects_are_never_loaded(cli: Cli, doubling: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    outcome = cli("model", "run", doubling, "--input", path)
    assert outcome.code == 1
    assert "is no .npy file of numbers" in one_line(outcome.err)


@pytest.mark.parametrize("action", [["inspect"], ["check"], ["run", "--input", "x.npy"]])
@pytest.mark.parametrize("content", [b"", b"\x80", ARTIFACT[:-1], ARTIFACT + b"\0", bytes(64)])
def test_bytes_that_are_no_artifact_are_refused(
    cli: Cli, tmp_path: Path, action: list[str], content: bytes
) -> None:
    path = tmp_path / "noise.fxp"
    path.write_bytes(content)
    outcome = cli("model", *action, path)
    assert outcome.code == 1
    one_line(outcome.err)


def test_outputs_can_have_any_name_in_a_file(tmp_path: Path) -> None:
    from chain.cli.tensors import write_arrays

    write_arrays(tmp_path / "o.npz", {"file": np.arange(3), "a/b": np.zeros((2, 2))})
    found = np.load(tmp_path / "o.npz")
    assert found["file"].tolist() == [0, 1, 2]
    assert found["a/b"].shape == (2, 2)
