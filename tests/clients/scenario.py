"""What every client is asked to do, as data that a script in any language can read."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from inference import load
from inference.boundary import quantize
from inference.compiler import compile_model
from runtime.configuration import UNIT
from runtime.primitives.keys import KeyPair

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"
AMOUNT = 3 * UNIT
UNKNOWN_MODEL = b"\x55" * 32
BOB = KeyPair.from_uri("//Bob").address()
ALICE = KeyPair.from_uri("//Alice").address()


@cache
def sample_model() -> tuple[bytes, bytes, tuple[bytes, ...], tuple[bytes, ...]]:
    """A trained model: its id, its artifact, raw inputs, and the raw outputs that the chain must give."""
    with np.load(MODELS / "credit_trees_samples.npz") as samples:
        calibration, sample = samples["calibration"], samples["X"][:1]
    artifact = compile_model(MODELS / "credit_trees.onnx", calibration={"applicant": calibration})
    model = load(artifact.to_bytes())
    inputs = (quantize(model.inputs[0], sample)[0].tobytes(),)
    return artifact.id, artifact.to_bytes(), inputs, model.run_bytes(inputs, executor="reference")


def write_scenario(path: Path) -> None:
    """The scenario as JSON; bytes are 0x hex, amounts decimal text."""
    model, artifact, inputs, outputs = sample_model()
    scenario = {
        "bob": BOB,
        "amount": str(AMOUNT),
        "unknown": hexadecimal(UNKNOWN_MODEL),
        "model": hexadecimal(model),
        "size": len(artifact),
        "artifact": hexadecimal(artifact),
        "inputs": [hexadecimal(each) for each in inputs],
        "outputs": [hexadecimal(each) for each in outputs],
    }
    path.write_text(json.dumps(scenario))


def hexadecimal(data: bytes) -> str:
    """Bytes as clients write them."""
    return "0x" + data.hex()
