"""Transactions, models and inferences against the real runtime behind a real server."""

from typing import Any

import pytest

from client import (
    CallRefused,
    Client,
    InvalidInputs,
    ModelUnknown,
    ProtocolViolation,
    TransactionDropped,
    TransactionFailed,
    WrongRuntime,
)
from runtime.configuration import UNIT
from runtime.pallets.models.types import CHUNK_SIZE
from runtime.primitives.hashing import blake2_256
from runtime.primitives.multiaddress import Id
from tests.runtime.helpers import BOB, KEYS

ARTIFACT = b"double" + bytes(100)


async def test_a_transfer_is_signed_sent_and_found_in_its_block(
    node: Any, client: Client, alice: Any
) -> None:
    steps: list[str] = []
    call = client.make_call("Balances", "transfer_keep_alive", dest=Id(BOB), value=5 * UNIT)
    included = await client.submit(call, alice, tip=7, progress=steps.append)
    assert (included.block_hash, included.finalized) == (node.blocks[1][0], False)
    assert node.blocks[1][2][included.index] is not None
    assert included.fee is not None
    assert included.fee > 7
    assert node.world.free(BOB) == 1_005 * UNIT
    assert steps == ["ready", "broadcast", f"in block 0x{included.block_hash.hex()}"]
    final = await client.submit(call, alice, wait="finalized")
    assert (final.finalized, await client.nonce(alice.address())) == (True, 2)
    assert (await client.finalized())[1] == 2


async def test_immortal_and_old_eras_are_signed_for_the_right_block(client: Client, alice: Any) -> None:
    call = client.make_call("System", "remark", remark=b"hello")
    for period in (None, 4, 4, 4, 64):
        assert await client.send(await client.sign(call, alice, period=period))
    assert (await client.finalized())[1] == 5


async def test_what_the_pool_refuses_has_its_code_and_sentence(client: Client, alice: Any) -> None:
    call = client.make_call("System", "remark", remark=b"")
    await client.submit(call, alice)
    for send in (client.submit(call, alice, nonce=0), client.send(await client.sign(call, alice, nonce=0))):
        with pytest.raises(CallRefused, match="Transaction is outdated") as caught:
            await send
        assert caught.value.code == 1010


async def test_a_call_that_fails_in_its_block_is_named_with_its_meaning(client: Client, alice: Any) -> None:
    transfer = client.make_call("Balances", "transfer_allow_death", dest=Id(BOB), value=10**30)
    with pytest.raises(TransactionFailed, match=r"the call failed in block 0x.*: Token\.FundsUnavailable"):
        await client.submit(transfer, alice)
    publish = client.make_call("Models", "publish", model=bytes(32), size=1)
    with pytest.raises(TransactionFailed) as caught:
        await client.submit(publish, alice)
    assert caught.value.name.startswith("Models.")


@pytest.mark.parametrize("status", [{"usurped": "0x00"}, "dropped", "invalid", {"finalityTimeout": "0x00"}])
async def test_a_transaction_that_the_node_gives_up_is_reported(
    node: Any, client: Client, alice: Any, status: Any
) -> None:
    node.statuses = ["ready", {"retracted": "0x00"}, status]
    with pytest.raises(TransactionDropped, match="look up the account's nonce"):
        await client.submit(client.make_call("System", "remark", remark=b""), alice)


@pytest.mark.parametrize("status", [1, {}, {"a": 1, "b": 2}])
async def test_an_unknown_status_is_a_protocol_violation(
    node: Any, client: Client, alice: Any, status: Any
) -> None:
    node.statuses = [status]
    with pytest.raises(ProtocolViolation, match="no transaction status"):
        await client.submit(client.make_call("System", "remark", remark=b""), alice)


async def test_a_block_without_the_transaction_it_should_hold_is_noticed(
    node: Any, client: Client, alice: Any
) -> None:
    node.statuses = [{"inBlock": node.blocks[0][0]}]
    with pytest.raises(ProtocolViolation, match="does not hold the transaction"):
        await client.submit(client.make_call("System", "remark", remark=b""), alice)


async def test_another_runtime_is_refused_before_anything_is_signed(
    node: Any, client: Client, alice: Any
) -> None:
    node.spec_name = "other"
    with pytest.raises(WrongRuntime, match="runs other, transaction version 1; this client knows fixpoint"):
        await client.submit(client.make_call("System", "remark", remark=b""), alice)


def test_calls_are_made_by_name(client: Client) -> None:
    with pytest.raises(LookupError, match=r"no call System\.nothing"):
        client.make_call("System", "nothing")
    with pytest.raises(TypeError, match=r"System\.remark takes \['remark'\]"):
        client.make_call("System", "remark", wrong=1)


async def test_a_small_model_is_published_in_one_transaction_and_once(
    node: Any, client: Client, alice: Any
) -> None:
    published = await client.publish(ARTIFACT, alice)
    assert published.model == blake2_256(ARTIFACT)
    assert len(node.blocks) == 2
    model = await client.model(published.model)
    assert (model.id, model.owner, model.takes_calls, model.size) == (
        published.model,
        alice.address(),
        True,
        len(ARTIFACT),
    )
    assert [each.id for each in await client.models()] == [published.model]
    assert await client.artifact(published.model) == ARTIFACT
    assert (await client.publish(ARTIFACT, alice)).inclusion is None
    assert len(node.blocks) == 2


async def test_a_large_model_goes_up_in_chunks_and_on_where_it_stopped(
    node: Any, client: Client, alice: Any
) -> None:
    artifact = ARTIFACT + bytes(CHUNK_SIZE)
    model = blake2_256(artifact)
    await client.submit(client.make_call("Models", "create", model=model, size=len(artifact)), alice)
    first = client.make_call("Models", "upload_chunk", model=model, index=0, data=artifact[:CHUNK_SIZE])
    await client.submit(first, alice)
    steps: list[str] = []
    assert (await client.publish(artifact, alice, progress=steps.append)).model == model
    assert [step for step in steps if "chunk" in step] == ["uploading chunk 2 of 2"]
    assert await client.artifact(model) == artifact


async def test_an_artifact_that_validators_refuse_costs_its_fee_and_leaves_nothing(
    node: Any, client: Client, alice: Any
) -> None:
    with pytest.raises(TransactionFailed, match=r"Models\."):
        await client.publish(b"not a model", alice)
    assert await client.models() == []


async def test_an_inference_answers_integers_numbers_and_a_receipt(client: Client, alice: Any) -> None:
    model = (await client.publish(ARTIFACT, alice)).model
    steps: list[str] = []
    answer = await client.infer(
        model, {"image": [[0.0, 0.25], [1.0, 99.0]]}, alice, wait="finalized", progress=steps.append
    )
    assert answer.integers["score"].tolist() == [[0, 2, 8, 510]]
    assert answer.outputs["score"].tolist() == [[0.0, 0.5, 2.0, 127.5]]
    assert answer.saturated == {"image": 1}
    assert steps[0] == "1 values of 'image' lie outside the model's range and were clipped"
    receipt = await client.receipt(answer.receipt)
    assert receipt is not None
    assert (receipt.model, receipt.caller, receipt.output) == (model, alice.address(), answer.raw)
    assert (receipt.block_hash, receipt.extrinsic) == (answer.inclusion.block_hash, answer.inclusion.index)
    assert await client.receipt(bytes(32)) is None
    dry = await client.dry_run(model, {"image": [[0.0, 0.25], [1.0, 99.0]]})
    assert dry["score"].tolist() == answer.outputs["score"].tolist()
    raw = await client.infer(model, [bytes([1, 2, 3, 4])], KEYS["Bob"])
    assert raw.integers["score"].tolist() == [[2, 4, 6, 8]]


async def test_the_estimate_bounds_the_fee_and_too_low_a_bound_fails(client: Client, alice: Any) -> None:
    model = (await client.publish(ARTIFACT, alice)).model
    estimate = await client.estimate(model, alice)
    image = {"image": [[0, 0], [0, 0]]}
    exact = await client.infer(model, image, alice, max_fee=estimate.inference_fee)
    assert exact.inclusion.fee is not None
    assert exact.inclusion.fee > estimate.inference_fee
    with pytest.raises(TransactionFailed, match=r"Inference\.FeeTooLow \(The inference fee exceeds"):
        await client.infer(model, image, alice, max_fee=estimate.inference_fee // 2)


async def test_wrong_inputs_and_unknown_models_are_refused_before_anything_is_sent(
    node: Any, client: Client, alice: Any
) -> None:
    model = (await client.publish(ARTIFACT, alice)).model
    with pytest.raises(InvalidInputs, match="missing"):
        await client.infer(model, {}, alice)
    for work in (
        client.infer(bytes(32), {}, alice),
        client.artifact(bytes(32)),
        client.dry_run(bytes(32), {}),
    ):
        with pytest.raises(ModelUnknown, match="fixpoint model list"):
            await work
    assert len(node.blocks) == 2
