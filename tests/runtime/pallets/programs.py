"""Tiny real models for the tests of Models and Inference, and what an account does to publish them."""

from collections.abc import Iterator

import numpy as np

from inference.ir import DType, Quantization, Requantize, ops
from inference.ir.artifact import encode_program
from inference.ir.builder import ProgramBuilder
from runtime.frame.call import RuntimeCall
from runtime.frame.weights import ApplyExtrinsic
from runtime.inference_engine import LocalEngine
from runtime.pallets.models import CHUNK_SIZE
from runtime.pallets.system import System
from runtime.primitives.hashing import blake2_256
from tests.runtime.helpers import World, signed

WIDTH = 4


def scaler(factor: int = 2, label: str = "") -> bytes:
    """y = factor * x for four bytes x; y is i16. `label` only makes other bytes of it."""
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, WIDTH), Quantization(1, 255))
    b.output(b.emit(ops.Rescale(0, factor, Requantize.to(DType.I16)), x), "y", Quantization(1, 255))
    return encode_program(b.build({"label": label} if label else None))


def table(size: int) -> bytes:
    """y = table[x] with a table of `size` bytes, for models of any size."""
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, WIDTH))
    entries = b.constant(np.arange(size) % 100, DType.I8)
    b.output(b.emit(ops.Gather(0), entries, x), "y")
    return encode_program(b.build())


def wide(inputs: int, outputs: int) -> bytes:
    """So many bytes in and so many out."""
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (inputs,))
    y = b.emit(ops.Slice((0,), (1,), (1,)), x)
    b.output(b.emit(ops.Expand((outputs,)), y), "y")
    return encode_program(b.build())


def dense(width: int) -> bytes:
    """A product of `width` by `width`, whose cost grows with both."""
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, width))
    weights = b.constant(np.ones((width, width), np.int64), DType.I8)
    b.output(b.emit(ops.MatMul(0, 0, Requantize.to(DType.I32)), x, weights), "y")
    return encode_program(b.build())


def world() -> World:
    """A world with the real engine, whose `env` stands in the first transaction of block 1."""
    made = World(engine=LocalEngine())
    made.env.phase = ApplyExtrinsic(1)
    made.env.pallet(System).number.put(1)
    return made


def next_block(made: World, blocks: int = 1) -> None:
    """Count `env`'s block number up."""
    number = made.env.pallet(System).number
    number.put(number.get() + blocks)


def upload_calls(made: World, artifact: bytes, model: bytes | None = None) -> Iterator[RuntimeCall]:
    """Create and all chunks."""
    model = blake2_256(artifact) if model is None else model
    yield made.make("Models.create", model=model, size=len(artifact))
    for index, start in enumerate(range(0, len(artifact), CHUNK_SIZE)):
        data = artifact[start : start + CHUNK_SIZE]
        yield made.make("Models.upload_chunk", model=model, index=index, data=data)


def publish_call(made: World, artifact: bytes) -> RuntimeCall:
    """The last step."""
    return made.make("Models.publish", model=blake2_256(artifact), size=len(artifact))


def upload(made: World, who: bytes, artifact: bytes, model: bytes | None = None) -> bytes:
    """Announce and upload on `env`; the answer is the model's id."""
    for call in upload_calls(made, artifact, model):
        made.dispatch(signed(who), call)
    return blake2_256(artifact) if model is None else model


def publish(made: World, who: bytes, artifact: bytes) -> bytes:
    """Upload and publish on `env`; the answer is the model's id."""
    model = upload(made, who, artifact)
    made.dispatch(signed(who), publish_call(made, artifact))
    return model


def publication(made: World, artifact: bytes) -> RuntimeCall:
    """All steps as one call."""
    return made.make("Utility.batch_all", calls=[*upload_calls(made, artifact), publish_call(made, artifact)])
