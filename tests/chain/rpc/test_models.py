"""`models_*` and `inference_*` through the dispatcher, over a model that is really published and run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chain.rpc import models
from chain.rpc.failures import call_error
from chain.store import Pruning
from inference.ir import DType, Quantization, Requantize, ops
from inference.ir.artifact import artifact_id, encode_program
from inference.ir.builder import ProgramBuilder
from runtime.frame.call import RuntimeCall
from runtime.frame.errors import BadOrigin, CallFailed
from runtime.pallets.inference.types import Completed
from runtime.pallets.transaction_payment import TransactionPayment
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from tests.chain.chains import ALICE, GENESIS, RUNTIME, World
from tests.chain.rpc.support import Rpc, hexed

SCALE = Quantization(1, 4, 2)


def doubling(size: int = 4) -> bytes:
    """A model that doubles bytes and saturates at 255; `size` tells several of them apart."""
    builder = ProgramBuilder()
    x = builder.input("x", DType.U8, (size,), SCALE)
    builder.output(builder.emit(ops.Rescale(0, 2, Requantize.to(DType.U8)), x), "y")
    return encode_program(builder.build())


ARTIFACT = doubling()
MODEL = artifact_id(ARTIFACT)
INPUT = np.array([1, 2, 3, 200], np.uint8).tobytes()
OUTPUT = bytes([2, 4, 6, 255])


@dataclass
class Publisher:
    """Alice, who publishes and calls models, each transaction in a block of its own."""

    rpc: Rpc
    nonce: int = field(default=0)

    def send(self, call: RuntimeCall) -> Any:
        authored = self.rpc.build(self.rpc.world.sign(call, ALICE, self.nonce))
        self.nonce += 1
        return authored

    def publish(self, artifact: bytes) -> Any:
        model = artifact_id(artifact)
        calls = [
            RUNTIME.call("Models", "create", model=model, size=len(artifact)),
            RUNTIME.call("Models", "upload_chunk", model=model, index=0, data=artifact),
            RUNTIME.call("Models", "publish", model=model, size=len(artifact)),
        ]
        return self.send(RUNTIME.call("Utility", "batch_all", calls=calls))

    def infer(self, max_fee: int = 10**12) -> Any:
        return self.send(RUNTIME.call("Inference", "infer", model=MODEL, inputs=(INPUT,), max_fee=max_fee))


@pytest.fixture
def alice(rpc: Rpc) -> Publisher:
    publisher = Publisher(rpc)
    publisher.publish(ARTIFACT)
    return publisher


def event_of(authored: Any, kind: type) -> Any:
    [found] = [each.event for each in authored.proposal.execution.events if isinstance(each.event, kind)]
    return found


async def test_a_model_is_described_with_its_tensors(rpc: Rpc, alice: Publisher) -> None:
    model = await rpc.call("models_get", MODEL)
    tensor = {"dtype": "u8", "shape": [4]}
    assert model["id"] == hexed(MODEL)
    assert model["owner"] == ALICE.address()
    assert (model["status"], model["published"], model["size"]) == ("Published", 1, len(ARTIFACT))
    assert model["inputs"] == [{"name": "x", "scale": [1, 4], "zeroPoint": 2, **tensor}]
    assert model["outputs"] == [{"name": "y", "scale": [1, 1], "zeroPoint": 0, **tensor}]
    assert model["refTime"] > 0
    assert int(model["deposit"]) > 0
    assert sum(model["operations"].values()) == 1
    assert await rpc.call("models_list") == [model]
    assert await rpc.call("models_get", MODEL, GENESIS.header.hash()) is None
    assert await rpc.call("models_get", bytes(32)) is None


async def test_models_are_listed_by_id_in_pages(rpc: Rpc, alice: Publisher) -> None:
    for size in (5, 6, 7):
        alice.publish(doubling(size))
    everything = [each["id"] for each in await rpc.call("models_list")]
    assert everything == sorted(everything)
    assert len(everything) == 4
    paged: list[str] = []
    while page := await rpc.call("models_list", paged[-1] if paged else None, 3):
        paged += [each["id"] for each in page]
    assert paged == everything
    assert await rpc.call("models_list", None, None, GENESIS.header.hash()) == []


async def test_a_page_of_models_is_bounded(rpc: Rpc) -> None:
    error = await rpc.refusal("models_list", None, models.MAX_COUNT + 1)
    assert error["code"] == 4002


async def test_an_artifact_is_served_whole_and_in_parts(rpc: Rpc, alice: Publisher) -> None:
    assert await rpc.call("models_artifact", MODEL) == hexed(ARTIFACT)
    assert await rpc.call("models_artifact", MODEL, None, 3) == hexed(ARTIFACT[3:])
    assert await rpc.call("models_artifact", MODEL, None, 3, 4) == hexed(ARTIFACT[3:7])
    assert await rpc.call("models_artifact", MODEL, None, len(ARTIFACT), 9) == "0x"
    assert await rpc.call("models_artifact", bytes(32)) is None


async def test_a_withdrawn_model_keeps_its_description_only(rpc: Rpc, alice: Publisher) -> None:
    alice.send(RUNTIME.call("Models", "withdraw", model=MODEL))
    assert (await rpc.call("models_get", MODEL))["status"] == "Withdrawn"
    assert await rpc.call("models_artifact", MODEL) is None
    for name, params in (("inference_estimate", [MODEL]), ("inference_dryRun", [MODEL, [hexed(INPUT)]])):
        error = await rpc.refusal(name, *params)
        assert (error["code"], error["message"]) == (4003, "Client error: Inference.Withdrawn")


async def test_the_estimate_is_the_fee_to_the_unit(rpc: Rpc, alice: Publisher) -> None:
    estimate = await rpc.call("inference_estimate", MODEL, ALICE.address())
    inference_fee = int(estimate["inferenceFee"])
    assert set(estimate["weight"]) == {"refTime", "proofSize"}
    authored = alice.infer(2 * inference_fee)
    paid = event_of(authored, TransactionFeePaid).actual_fee
    # The test's transactions are immortal, which is one byte shorter.
    per_byte = RUNTIME.composition.constants[TransactionPayment]["byte_fee"]
    assert int(estimate["partialFee"]) == paid + per_byte
    assert event_of(authored, Completed).output == (OUTPUT,)


async def test_the_inference_fee_is_the_least_that_max_fee_may_be(rpc: Rpc, alice: Publisher) -> None:
    fee = int((await rpc.call("inference_estimate", MODEL))["inferenceFee"])
    assert event_of(alice.infer(fee), Completed).model == MODEL
    fee = int((await rpc.call("inference_estimate", MODEL))["inferenceFee"])
    events = [type(each.event).__name__ for each in alice.infer(fee - 1).proposal.execution.events]
    assert "ExtrinsicFailed" in events


async def test_a_nonce_of_more_bytes_costs_what_its_bytes_cost(rpc: Rpc, alice: Publisher) -> None:
    for _ in range(64):
        alice.send(RUNTIME.call("System", "remark", remark=b""))
    stranger = await rpc.call("inference_estimate", MODEL)
    known = await rpc.call("inference_estimate", MODEL, ALICE.public)
    assert int(known["partialFee"]) - int(stranger["partialFee"]) == 1_000_000


async def test_a_dry_run_gives_the_bits_that_the_chain_gives(rpc: Rpc, alice: Publisher) -> None:
    assert await rpc.call("inference_dryRun", MODEL, [hexed(INPUT)]) == {"output": [hexed(OUTPUT)]}
    assert rpc.store.best().number == 1


@pytest.mark.parametrize(
    ("model", "inputs", "name"),
    [
        (bytes(32), [INPUT], "Inference.UnknownModel"),
        (MODEL, [], "Inference.WrongInputCount"),
        (MODEL, [INPUT, INPUT], "Inference.WrongInputCount"),
        (MODEL, [INPUT[:3]], "Inference.WrongInputSize"),
    ],
)
async def test_a_dry_run_that_fails_names_the_error_of_the_call(
    rpc: Rpc, alice: Publisher, model: bytes, inputs: list[bytes], name: str
) -> None:
    error = await rpc.refusal("inference_dryRun", model, [hexed(each) for each in inputs])
    assert (error["code"], error["message"]) == (4003, f"Client error: {name}")
    assert error["data"].endswith(".")


async def test_an_estimate_for_an_unknown_model_is_an_error(rpc: Rpc) -> None:
    error = await rpc.refusal("inference_estimate", MODEL)
    assert error["message"] == "Client error: Inference.UnknownModel"


def test_a_failure_that_no_pallet_declares_is_named_as_well() -> None:
    error = call_error(CallFailed(BadOrigin()), RUNTIME.composition)
    assert error.message == "Client error: BadOrigin"


async def test_a_receipt_tells_what_was_computed_for_whom_and_where(rpc: Rpc, alice: Publisher) -> None:
    authored = alice.infer()
    completed = event_of(authored, Completed)
    receipt = await rpc.call("inference_receipt", completed.receipt)
    assert receipt["id"] == hexed(completed.receipt)
    assert receipt["model"] == hexed(MODEL)
    assert receipt["caller"] == ALICE.address()
    assert receipt["output"] == [hexed(OUTPUT)]
    assert (receipt["block"], receipt["extrinsic"]) == (2, 1)
    assert receipt["blockHash"] == hexed(authored.stored.hash)
    assert receipt["finalized"] is False
    assert len(receipt["inputHash"]) == 66
    assert receipt["opset"] > 0
    rpc.finalise(authored)
    assert (await rpc.call("inference_receipt", completed.receipt))["finalized"] is True
    assert await rpc.call("inference_receipt", completed.receipt, GENESIS.header.hash()) is None
    assert await rpc.call("inference_receipt", bytes(32)) is None


async def test_a_receipt_outlives_the_states_that_held_it(tmp_path: Path) -> None:
    rpc = Rpc(tmp_path, World(pruning=Pruning.keep(1)))
    alice = Publisher(rpc)
    alice.publish(ARTIFACT)
    authored = alice.infer()
    receipt_id = event_of(authored, Completed).receipt
    before = await rpc.call("inference_receipt", receipt_id)
    built = [rpc.build() for _ in range(3)]
    for each in (authored, *built):
        rpc.finalise(each)
    assert not rpc.store.has_state(authored.stored.hash)
    after = await rpc.call("inference_receipt", receipt_id, authored.stored.hash)
    assert after == before | {"finalized": True}
    assert await rpc.call("inference_receipt", receipt_id, GENESIS.header.hash()) is None
    rpc.dispatcher.close()


async def test_a_receipt_of_another_branch_belongs_to_that_branch_only(rpc: Rpc, tmp_path: Path) -> None:
    other = Rpc(tmp_path / "other")
    theirs = Publisher(other)
    theirs.publish(ARTIFACT)
    forked = theirs.infer()
    alice = Publisher(rpc)
    rpc.build()
    alice.publish(ARTIFACT)
    mine = alice.infer()
    winner = rpc.build()
    for number in (1, 2):
        block = other.world.received(other.store.block_hash(number))
        rpc.import_stored(rpc.world.importer.import_block(block, 10**15))
    assert rpc.store.best().hash == winner.stored.hash
    their_id, my_id = (event_of(each, Completed).receipt for each in (forked, mine))
    found = await rpc.call("inference_receipt", their_id, forked.stored.hash)
    assert found["blockHash"] == hexed(forked.stored.hash)
    assert found["finalized"] is False
    assert await rpc.call("inference_receipt", their_id) is None
    assert await rpc.call("inference_receipt", my_id, forked.stored.hash) is None
    rpc.finalise(winner)
    assert (await rpc.call("inference_receipt", my_id))["finalized"] is True
    other.dispatcher.close()
