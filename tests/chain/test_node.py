"""A whole node in this process, reached as users reach it: over JSON-RPC."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from chain import exchange
from chain.config import ChainFolder, NodeConfig, Seal
from chain.importing import Received, RejectedBlock
from chain.node import Node, SealingRefused
from chain.opening import open_chain
from chain.remote_export import fetch_records
from chain.replay import export_records
from chain.signals import first_error, until_signalled
from client import Client, connect
from client.errors import CallRefused
from consensus.finality.justification import Justification
from genesis.presets import dev
from network.rpc import RpcConfig, RpcServer
from runtime.primitives.multiaddress import Id
from tests.chain.chains import ALICE, BOB

FAST_RPC = RpcConfig(port=0)


def config(folder: Path, **changes: object) -> NodeConfig:
    base = NodeConfig(
        ChainFolder(dev(), folder), validator=True, key_uris=("//Alice",), seal=Seal.MANUAL, rpc=FAST_RPC
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def running(settings: NodeConfig) -> AsyncIterator[tuple[Node, Client]]:
    """A node at work, and a client of it."""
    with open_chain(settings) as chain:
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        node = Node(settings, chain)

        def started(_: Node, server: RpcServer) -> None:
            listening.set_result(server.port)

        task = asyncio.create_task(node.run(started))
        await asyncio.wait([task, listening], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        try:
            async with await connect(f"ws://127.0.0.1:{listening.result()}") as client:
                yield node, client
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_manual_sealing_makes_a_block_when_asked_and_finalises_it(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as (node, client):
        made = await client.call("engine_createBlock", True, True)
        block_hash, number = await client.finalized()
        assert number == 1
        assert "0x" + block_hash.hex() == made["hash"]
        assert node.store.justification(block_hash) is not None


async def test_a_block_may_wait_for_its_finality(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as (node, client):
        made = await client.call("engine_createBlock", True, False)
        assert (await client.finalized())[1] == 0
        assert await client.call("engine_finalizeBlock", made["hash"]) is True
        await asyncio.sleep(0)
        assert node.store.finalized().number == 1


async def test_an_empty_block_is_made_only_when_asked_for(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as (node, _):
        with pytest.raises(SealingRefused, match="no transaction is ready"):
            await node.create_block(create_empty=False)
        assert node.store.best().number == 0


async def test_instant_sealing_answers_a_transaction_with_a_final_block(tmp_path: Path) -> None:
    async with running(config(tmp_path, seal=Seal.INSTANT)) as (_, client):
        call = client.make_call("Balances", "transfer_keep_alive", dest=Id(BOB.public), value=10**12)
        included = await asyncio.wait_for(client.submit(call, ALICE, wait="finalized"), 10)
        assert included.finalized
        assert included.fee


async def test_slots_are_authored_in_time_and_heads_are_announced(tmp_path: Path) -> None:
    async with running(config(tmp_path, seal=Seal.SLOTS)) as (_, client), await client.heads() as heads:
        numbers = [int((await asyncio.wait_for(anext(heads), 5))["number"], 16) for _ in range(3)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


async def test_a_node_without_a_key_follows_and_refuses_to_author(tmp_path: Path) -> None:
    async with running(config(tmp_path, key_uris=("//Bob",))) as (node, client):
        assert not node.is_authority
        with pytest.raises(CallRefused, match="holds no authority's key"):
            await client.call("engine_createBlock")


async def test_a_slot_authority_does_not_seal_on_request(tmp_path: Path) -> None:
    async with running(config(tmp_path, seal=Seal.SLOTS)) as (node, _):
        with pytest.raises(SealingRefused, match="--seal manual"):
            await node.create_block()


async def test_an_unknown_block_can_not_be_finalised(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as (node, _):
        with pytest.raises(SealingRefused, match="unknown"):
            await node.finalise_block(b"\1" * 32)


async def test_blocks_fetched_over_rpc_are_those_of_the_database_and_import_elsewhere(tmp_path: Path) -> None:
    async with running(config(tmp_path / "a")) as (node, client):
        call = client.make_call("Balances", "transfer_keep_alive", dest=Id(BOB.public), value=10**12)
        await client.send(await client.sign(call, ALICE))
        for _ in range(3):
            await node.create_block()
        fetched = [record async for record in fetch_records(client, 1, 3)]
        assert fetched == list(export_records(node.store, 1, 3))
        best = node.store.best()
    # Blocks sealed on request take slots that run ahead of the clock; others accept them when it has come.
    await asyncio.sleep(2)
    async with running(config(tmp_path / "b", validator=False)) as (other, client):
        async with await client.heads("finalized") as heads:
            for record in fetched:
                await other.import_block(received(record))
            while int((await asyncio.wait_for(anext(heads), 5))["number"], 16) < 3:
                pass
        assert other.store.best() == best == other.store.finalized()
        with pytest.raises(RejectedBlock):
            await other.import_block(received(fetched[0]))


def received(record: exchange.BlockRecord) -> Received:
    from runtime.primitives.header import Header

    return Received(
        Header.decode(record.header), record.extrinsics, record.justification, record.outcome or None
    )


async def test_a_restarted_node_goes_on_and_finalises_what_was_left(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as (node, _):
        await node.create_block(finalise=False)
    async with running(config(tmp_path)) as (node, _):
        for _ in range(100):
            if node.store.finalized().number == 1:
                break
            await asyncio.sleep(0.02)
        assert node.store.finalized().number == 1
        encoded = node.store.justification(node.store.finalized().hash)
        assert encoded is not None
        assert Justification.decode(encoded).target_number == 1


async def test_a_node_stops_when_it_is_signalled_and_reports_the_first_error() -> None:
    import os
    import signal

    async def forever() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    await asyncio.wait_for(until_signalled(forever()), 5)

    async def failing() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_raise(OSError("the cause")))

    with pytest.raises(OSError, match="the cause"):
        await until_signalled(failing())


async def _raise(error: Exception) -> None:
    raise error


def test_the_first_error_is_found_inside_nested_groups() -> None:
    inner: Callable[[], BaseExceptionGroup[BaseException]] = lambda: BaseExceptionGroup(  # noqa: E731
        "inner", [KeyError("deep")]
    )
    assert isinstance(first_error(BaseExceptionGroup("outer", [inner()])), KeyError)
