"""The handlers behind a real socket, asked by the project's own client."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chain.rpc import Sealer as SealerProtocol
from client.client import Client, connect
from client.errors import CallRefused
from network.rpc import RpcConfig, RpcServer
from runtime.primitives.multiaddress import Id
from tests.chain.chains import ALICE, BOB
from tests.chain.rpc.support import Rpc, Sealer
from tests.chain.rpc.test_models import ARTIFACT, INPUT, MODEL, OUTPUT


@pytest.fixture
async def client(rpc: Rpc) -> AsyncIterator[Client]:
    """A client of a node that makes a final block as soon as a transaction is ready."""
    sealer: SealerProtocol = Sealer(rpc)
    loop, sealing = asyncio.get_running_loop(), set()

    def seal() -> None:
        task = loop.create_task(sealer.create_block(create_empty=False, finalise=True))
        sealing.add(task)

    rpc.transactions.when_ready(seal)
    server = RpcServer(rpc.table, RpcConfig(port=0))
    await server.start()
    async with await connect(f"ws://127.0.0.1:{server.port}") as connected:
        yield connected
    rpc.notifications.close()
    await server.stop()
    await asyncio.gather(*sealing)


async def test_a_model_is_published_called_and_its_receipt_read(rpc: Rpc, client: Client) -> None:
    publication = await client.publish(ARTIFACT, ALICE, wait="finalized")
    assert publication.model == MODEL
    assert [model.id for model in await client.models()] == [MODEL]
    assert await client.artifact(MODEL) == ARTIFACT
    estimate = await client.estimate(MODEL, BOB)
    made = await client.infer(MODEL, [INPUT], BOB, wait="finalized")
    assert made.raw == (OUTPUT,)
    assert made.inclusion.fee == estimate.partial_fee
    receipt = await client.receipt(made.receipt)
    assert receipt is not None
    assert receipt.output == (OUTPUT,)
    assert receipt.finalized
    assert receipt.block_hash == made.inclusion.block_hash == rpc.store.finalized().hash


async def test_heads_and_refusals_reach_the_client(client: Client) -> None:
    async with await client.heads() as heads:
        assert (await anext(heads))["number"] == "0x0"
        call = client.make_call("Balances", "transfer_keep_alive", dest=Id(BOB.public), value=10**12)
        await client.submit(call, ALICE)
        assert (await anext(heads))["number"] == "0x1"
    with pytest.raises(CallRefused) as refused:
        await client.submit(call, ALICE, nonce=0)
    assert (refused.value.code, refused.value.data) == (1010, "Transaction is outdated")
