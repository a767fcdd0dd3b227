"""What the tests of commands share: outcomes, a small model, a chain on disk."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chain.store import LevelDB
from inference.ir import DType, Quantization, ops
from inference.ir.artifact import artifact_id, encode_program
from inference.ir.builder import ProgramBuilder
from tests.chain.chains import RUNTIME, World


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]
ALICE = ("--suri", "//Alice", "--scheme", "ed25519")
EXAMPLES = Path(__file__).parents[3] / "examples" / "models"


def one_line(text: str) -> str:
    """The only line of an error output."""
    lines = text.splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("error: ")
    return lines[0]


def refused(outcome: Outcome) -> str:
    """The line that says what is wrong."""
    assert outcome.code in (1, 2), outcome
    assert "Traceback" not in outcome.err
    lines = outcome.err.splitlines()
    assert sum("error: " in line for line in lines) == 1, outcome.err
    assert "error: " in lines[-1]
    assert len(lines[-1]) > len("error: ") + 10
    if outcome.code == 1:
        assert lines[-1].startswith("error: ")
    return lines[-1]


def doubling_artifact() -> bytes:
    """A model that doubles four bytes: the smallest that shows a whole inference."""
    builder = ProgramBuilder()
    x = builder.input("x", DType.U8, (1, 4), Quantization(1, 2, 0))
    out = ops.Requantize.to(DType.I32)
    y = builder.emit(ops.Rescale(x_zero=0, multiplier=2, out=out), x)
    builder.output(y, "y", Quantization(1, 1, 0))
    return encode_program(builder.build({}))


ARTIFACT = doubling_artifact()
MODEL = artifact_id(ARTIFACT)


def grow(folder: Path) -> None:
    """A development chain of five blocks: transfers, a model published and run; the last one is not final."""
    database = folder / "chains" / "dev" / "db"
    database.mkdir(parents=True)
    world = World(LevelDB.open(database))
    size = len(ARTIFACT)
    calls = [
        RUNTIME.call("Models", "create", model=MODEL, size=size),
        RUNTIME.call("Models", "upload_chunk", model=MODEL, index=0, data=ARTIFACT),
        RUNTIME.call("Models", "publish", model=MODEL, size=size),
    ]
    infer = RUNTIME.call("Inference", "infer", model=MODEL, inputs=(bytes([1, 2, 3, 4]),), max_fee=10**18)
    blocks = [
        [world.transfer(nonce=0), world.transfer(nonce=1)],
        [world.sign(RUNTIME.call("Utility", "batch_all", calls=calls), nonce=2)],
        [world.sign(infer, nonce=3)],
        [],
        [world.transfer(nonce=4)],
    ]
    for transactions in blocks[:-1]:
        world.finalise(world.build(*transactions))
    world.build(*blocks[-1])
    world.store.close()
