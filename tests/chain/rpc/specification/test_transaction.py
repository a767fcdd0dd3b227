"""`transaction_v1_*` and `transactionWatch_v1_*` through the dispatcher."""

import asyncio

from chain.pool import Broadcast, Dropped, Future, Invalid, Retracted, Usurped
from chain.rpc.specification.transaction import MAX_BROADCASTS_PER_CONNECTION, watch_event
from runtime.primitives.keys import KeyPair, Scheme
from runtime.primitives.multiaddress import Id
from tests.chain.chains import RUNTIME
from tests.chain.rpc.support import Rpc, first, hexed


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def pooled(rpc: Rpc) -> int:
    return len(rpc.transactions.pending())


async def test_a_broadcast_enters_the_pool_and_ends_with_finality(rpc: Rpc) -> None:
    transfer = rpc.world.transfer()
    identifier = await rpc.call("transaction_v1_broadcast", transfer.encoded)
    assert isinstance(identifier, str)
    await settle()
    assert pooled(rpc) == 1
    built = rpc.build(transfer)
    rpc.finalise(built)
    await settle()
    task = rpc.connection.state["broadcasts"][identifier]
    assert task.done()
    assert await rpc.call("transaction_v1_stop", identifier) is None


async def test_a_broadcast_that_is_not_valid_yet_is_tried_again_at_the_next_block(rpc: Rpc) -> None:
    poor = KeyPair.from_uri("//Nobody", Scheme.SR25519)
    spending = rpc.world.transfer(signer=poor)
    await rpc.call("transaction_v1_broadcast", spending.encoded)
    await settle()
    assert pooled(rpc) == 0
    call = RUNTIME.call("Balances", "transfer_keep_alive", dest=Id(poor.public), value=10**15)
    rpc.build(rpc.world.sign(call))
    await settle()
    assert spending.hash in rpc.transactions.pool
    rpc.connection.close()
    await settle()


async def test_garbage_is_broadcast_without_a_word(rpc: Rpc) -> None:
    identifier = await rpc.call("transaction_v1_broadcast", "0x1234")
    await settle()
    rpc.build()
    await settle()
    assert await rpc.call("transaction_v1_stop", identifier) is None
    assert (await rpc.refusal("transaction_v1_stop", identifier))["code"] == -32801


async def test_a_connection_broadcasts_only_so_many_and_none_once_it_is_gone(rpc: Rpc) -> None:
    identifiers = [
        await rpc.call("transaction_v1_broadcast", bytes([index]))
        for index in range(MAX_BROADCASTS_PER_CONNECTION)
    ]
    assert None not in identifiers
    assert await rpc.call("transaction_v1_broadcast", "0x77") is None
    tasks = list(rpc.connection.state["broadcasts"].values())
    rpc.connection.close()
    await settle()
    assert all(task.cancelled() for task in tasks)
    assert len(rpc.notifications.best) == 0


async def test_a_watched_transaction_is_validated_included_and_final(rpc: Rpc) -> None:
    transfer = rpc.world.transfer()
    events = await rpc.subscribe("transactionWatch_v1_submitAndWatch", transfer.encoded)
    assert await first(events) == {"event": "validated"}
    built = rpc.build(transfer)
    rpc.finalise(built)
    included, final = await first(events), await first(events)
    assert included["event"] == "bestChainBlockIncluded"
    assert final["event"] == "finalized"
    assert included["block"] == final["block"]
    assert final["block"]["hash"] == hexed(built.stored.hash)
    body = rpc.store.body(built.stored.hash)
    assert body is not None
    assert body[final["block"]["index"]] == transfer.encoded


async def test_what_is_invalid_is_said_to_be(rpc: Rpc) -> None:
    events = await rpc.subscribe("transactionWatch_v1_submitAndWatch", "0x1234")
    told = await first(events)
    assert told["event"] == "invalid"
    assert "invalid format" in told["error"] or "Verification" in told["error"]


def test_every_status_has_its_event_or_none() -> None:
    assert watch_event(Retracted(bytes(32))) == {"event": "bestChainBlockIncluded", "block": None}
    assert [watch_event(each)["event"] for each in (Usurped(bytes(32)), Dropped(), Invalid())] == [
        "invalid",
        "dropped",
        "invalid",
    ]
    assert watch_event(Future()) is watch_event(Broadcast(())) is None
