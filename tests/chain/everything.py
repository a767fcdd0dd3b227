"""A chain that used everything, its records, and empty nodes to replay them on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from chain.exchange import BlockRecord
from chain.opening import Chain, assemble
from chain.replay import export_records
from chain.store import MemoryKeyValue, Pruning
from client.transaction import Transaction
from inference.compiler import compile_model
from runtime.frame.call import RuntimeCall
from runtime.pallets.inference.types import Completed
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.hashing import blake2_256
from runtime.primitives.multiaddress import Id
from tests.chain.chains import ALICE, BOB, GENESIS, RUNTIME, World

EVENTS = RUNTIME.composition.events
LATER = 10**15
INFERENCES = 3


def a_classifier() -> bytes:
    """A dense net of four inputs and three outputs, compiled from ONNX."""
    draw = np.random.default_rng(5)
    weights = {"w1": (4, 8), "b1": (8,), "w2": (8, 3), "b2": (3,)}
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w2", "b2"], ["y"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [
            numpy_helper.from_array(draw.standard_normal(shape).astype(np.float32), name)
            for name, shape in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    samples = draw.standard_normal((32, 4)).astype(np.float32)
    return compile_model(model.SerializeToString(), calibration=samples, precision="int8").to_bytes()


ARTIFACT = a_classifier()
MODEL = blake2_256(ARTIFACT)


def publication() -> RuntimeCall:
    size = len(ARTIFACT)
    calls = [
        RUNTIME.call("Models", "create", model=MODEL, size=size),
        RUNTIME.call("Models", "upload_chunk", model=MODEL, index=0, data=ARTIFACT),
        RUNTIME.call("Models", "publish", model=MODEL, size=size),
    ]
    return RUNTIME.call("Utility", "batch_all", calls=calls)


def inference(number: int) -> RuntimeCall:
    inputs = (np.arange(4, dtype=np.int8) * number).tobytes()
    return RUNTIME.call("Inference", "infer", model=MODEL, inputs=(inputs,), max_fee=10**18)


@dataclass(frozen=True)
class Authored:
    """A chain that used everything, and the fee that was announced for each of its transactions."""

    world: World
    announced: dict[int, list[int]]


def author() -> Authored:
    world = World(pruning=Pruning.ARCHIVE)
    announced: dict[int, list[int]] = {}
    nonce = 0

    def build(*calls: RuntimeCall) -> None:
        nonlocal nonce
        signed: list[Transaction] = []
        for call in calls:
            signed.append(world.sign(call, nonce=nonce))
            nonce += 1
        state = world.store.state_at(world.store.best().hash)
        fees = [RUNTIME.query_fee(one.encoded, state).partial_fee for one in signed]
        authored = world.build(*signed)
        assert len(authored.proposal.included) == len(signed)
        announced[authored.stored.number] = fees
        if authored.stored.number % 2:
            world.finalise(authored)

    def transfer(value: int) -> RuntimeCall:
        return RUNTIME.call("Balances", "transfer_allow_death", dest=Id(BOB.public), value=value)

    remark = RUNTIME.call("System", "remark_with_event", remark=b"as root")
    build(transfer(10**12), transfer(10**30))
    build(publication())
    build(*(inference(number) for number in range(INFERENCES)))
    build(RUNTIME.call("Utility", "batch", calls=[transfer(1), transfer(2)]))
    build(
        RUNTIME.call("Sudo", "sudo", call=remark),
        RUNTIME.call("Balances", "transfer_all", dest=Id(ALICE.public), keep_alive=True),
    )
    build(RUNTIME.call("Utility", "batch", calls=[transfer(1), transfer(10**30), transfer(2)]))
    return Authored(world, announced)


def records(world: World) -> list[BlockRecord]:
    return list(export_records(world.store, 1, world.store.best().number))


def empty_node() -> Chain:
    return assemble(MemoryKeyValue(), GENESIS, RUNTIME, Pruning.ARCHIVE)


def events_of(world: World, number: int) -> list[Any]:
    outcome = world.store.outcome(world.store.block_hash(number) or b"")
    assert outcome is not None
    return [record.event for record in EVENTS.decode(outcome)]


def receipt_ids(world: World) -> list[bytes]:
    ids = [event.receipt for event in events_of(world, 3) if isinstance(event, Completed)]
    assert len(ids) == INFERENCES
    return ids


def fees_paid(world: World, number: int) -> list[int]:
    return [event.actual_fee for event in events_of(world, number) if isinstance(event, TransactionFeePaid)]
