"""What this machine can do, beside what a validator needs: "will it keep up?", answered before it matters.

Each measurement repeats a piece of real work of a block for a fraction of a second and takes the best run, so
that a neighbour's burst does not condemn a machine. The references are about half of what a 2-core AMD EPYC
cloud server reaches with CPython 3.11 (918 MiB/s, 18,800, 265,000, 400 GOP/s, 3,800), since the weights of
calls leave a margin of about two; for disk and convolutions, where machines differ most, what a block needs.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

import inference
from inference.ir import DType, ops
from inference.ir.artifact import encode_program
from inference.ir.builder import ProgramBuilder
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys import KeyPair, Scheme, verify
from runtime.primitives.trie import build

BUDGET_SECONDS = 0.3
"""For one measurement: all of them together delay the start of a validator by two seconds."""

TOLERANCE_PERCENT = 20
"""How far below the reference a machine may stay: single runs scatter by about so much."""

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Requirement:
    """A measured quantity; `reference` is what the reference machine reaches, higher is better."""

    name: str
    unit: str
    reference: float
    why: str


@dataclass(frozen=True, slots=True)
class Score:
    """What this machine reached."""

    requirement: Requirement
    measured: float

    @property
    def passes(self) -> bool:
        """Whether it is near enough to the reference."""
        return self.measured * 100 >= self.requirement.reference * (100 - TOLERANCE_PERCENT)


HASHING = Requirement("Blake2b-256", "MiB/s", 450, "hashes blocks, extrinsics and trie nodes")
SIGNATURES = Requirement("ed25519 verification", "per s", 9_000, "checks every transaction of a block")
TRIE = Requirement("Trie building", "keys/s", 120_000, "computes state roots, as fast as the interpreter is")
INFERENCE = Requirement("int8 convolution", "GOP/s", 60, "runs the models that a block calls")
DISK = Requirement("Synced writes", "per s", 100, "each block and each vote is on disk before it is sent")


def measure(folder: Path) -> tuple[Score, ...]:
    """All scores; the disk is that of `folder`, which must exist. Takes about two seconds."""
    return (
        Score(HASHING, _hashing()),
        Score(SIGNATURES, _signatures()),
        Score(TRIE, _trie()),
        Score(INFERENCE, _inference()),
        Score(DISK, _disk(folder)),
    )


def _best_rate(work: Callable[[], object], amount: float) -> float:
    """`amount` per second of the fastest run within the budget."""
    work()
    best, spent = float("inf"), 0.0
    while spent < BUDGET_SECONDS:
        started = perf_counter()
        work()
        taken = perf_counter() - started
        best, spent = min(best, taken), spent + taken
    return amount / best


def _hashing() -> float:
    data = bytes(MEBIBYTE)
    return _best_rate(lambda: blake2_256(data), 1)


def _signatures() -> float:
    pair = KeyPair.from_uri("//Alice", Scheme.ED25519)
    message = bytes(100)
    signature = pair.sign(message)
    count = 100

    def work() -> None:
        for _ in range(count):
            assert verify(signature, message, pair.public), "the machine computes wrong signatures"

    return _best_rate(work, count)


def _trie() -> float:
    count = 500
    entries = sorted((blake2_256(number.to_bytes(4, "little")), bytes(80)) for number in range(count))
    return _best_rate(lambda: build(entries, 1), count)


def _inference() -> float:
    channels, size = 64, 56
    builder = ProgramBuilder()
    rising = np.arange(channels * channels * 9).reshape(channels, channels, 3, 3)
    weight = builder.constant(rising % 127 - 63, DType.I8)
    bias = builder.constant(np.zeros(channels, dtype=np.int64), DType.I32)
    shape = (1, channels, size, size)
    op = ops.Conv((1, 1), (1, 1), (1, 1, 1, 1), 1, 128, ops.Requantize.to(DType.U8, (10,) * channels, 128))
    builder.output(builder.emit(op, builder.input("x", DType.U8, shape), weight, bias), "y")
    model = inference.load(encode_program(builder.build()))
    image = {"x": np.full(shape, 77, dtype=np.uint8)}
    operations = 2 * channels * channels * 9 * size * size
    return _best_rate(lambda: model.run_quantized(image), operations / 1e9)


def _disk(folder: Path) -> float:
    """Writes of a small block's batch, each made durable."""
    count, batch = 5, os.urandom(16 * 1024)
    with tempfile.TemporaryFile(dir=folder) as file:

        def work() -> None:
            file.seek(0)
            for _ in range(count):
                file.write(batch)
                file.flush()
                os.fsync(file.fileno())

        return _best_rate(work, count)
