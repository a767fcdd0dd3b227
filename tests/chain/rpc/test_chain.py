"""`chain_*` through the dispatcher."""

from pathlib import Path
from typing import Any

import pytest

from runtime.primitives.header import Header
from tests.chain.chains import GENESIS
from tests.chain.rpc.support import Rpc, first, hexed, silent


def expected(header: Header) -> dict[str, Any]:
    return {
        "parentHash": hexed(header.parent_hash),
        "number": hex(header.number),
        "stateRoot": hexed(header.state_root),
        "extrinsicsRoot": hexed(header.extrinsics_root),
        "digest": {"logs": [hexed(item) for item in logs(header)]},
    }


def logs(header: Header) -> list[bytes]:
    """The encoded items, cut out of the encoded header: each is engine, length and bytes."""
    whole = header.encode()
    items = []
    for item in header.digest.logs:
        data = item.data
        encoded = {"PreRuntime": b"\6", "Seal": b"\5", "Consensus": b"\4"}[type(item).__name__]
        body = encoded + item.engine
        start = whole.index(body)
        items.append(whole[start : whole.index(data, start) + len(data)])
    return items


async def test_the_genesis_header_has_a_parent_of_zeros_and_no_digest(rpc: Rpc) -> None:
    header = await rpc.call("chain_getHeader", GENESIS.header.hash())
    assert header["parentHash"] == "0x" + "00" * 32
    assert header["number"] == "0x0"
    assert header["digest"] == {"logs": []}


async def test_a_header_shows_all_fields_and_its_digest_as_scale(rpc: Rpc) -> None:
    built = rpc.build()
    header = rpc.store.header(built.stored.hash)
    assert [type(item).__name__ for item in header.digest.logs] == ["PreRuntime", "Consensus", "Seal"]
    assert await rpc.call("chain_getHeader") == expected(header)
    assert await rpc.call("chain_getHeader", built.stored.hash.hex()) == expected(header)


async def test_an_unknown_header_and_block_are_null(rpc: Rpc) -> None:
    assert await rpc.call("chain_getHeader", bytes(32)) is None
    assert await rpc.call("chain_getBlock", bytes(32)) is None


async def test_a_hash_of_the_wrong_length_is_refused_by_name(rpc: Rpc) -> None:
    error = await rpc.refusal("chain_getHeader", "0x1234")
    assert error["code"] == -32602
    assert "parameter 1 (hash)" in error["data"]


async def test_a_block_holds_its_extrinsics_and_its_justification_once_final(rpc: Rpc) -> None:
    built = rpc.build(rpc.world.transfer())
    block = await rpc.call("chain_getBlock", built.stored.hash)
    body = rpc.store.body(built.stored.hash)
    assert block["block"]["extrinsics"] == [hexed(each) for each in body]
    assert block["block"]["header"] == expected(rpc.store.header(built.stored.hash))
    assert block["justifications"] is None
    rpc.finalise(built)
    block = await rpc.call("chain_getBlock")
    [[engine, proof]] = block["justifications"]
    assert bytes(engine) == b"FRNK"
    assert bytes(proof) == rpc.store.justification(built.stored.hash)


async def test_block_hashes_are_found_by_null_number_hex_and_list(rpc: Rpc) -> None:
    genesis = hexed(GENESIS.header.hash())
    one = hexed(rpc.build().stored.hash)
    assert await rpc.call("chain_getBlockHash") == one
    assert await rpc.call("chain_getBlockHash", None) == one
    assert await rpc.call("chain_getBlockHash", 0) == genesis
    assert await rpc.call("chain_getHead", "0x1") == one
    assert await rpc.call("chain_getBlockHash", [0, "0x1", 2]) == [genesis, one, None]
    assert await rpc.call("chain_getBlockHash", 77) is None


@pytest.mark.parametrize("number", [-1, 2**32, "12", "0x1_0", 1.5, True])
async def test_what_is_no_block_number_is_refused(rpc: Rpc, number: Any) -> None:
    assert (await rpc.refusal("chain_getBlockHash", number))["code"] == -32602


async def test_the_finalised_head_moves_with_finality_only(rpc: Rpc) -> None:
    built = rpc.build()
    assert await rpc.call("chain_getFinalizedHead") == hexed(GENESIS.header.hash())
    rpc.finalise(built)
    assert await rpc.call("chain_getFinalisedHead") == hexed(built.stored.hash)


@pytest.mark.parametrize(
    "name",
    ["chain_subscribeNewHeads", "chain_subscribeNewHead", "subscribe_newHead", "chain_subscribeAllHeads"],
)
async def test_heads_begin_with_the_present_one(rpc: Rpc, name: str) -> None:
    heads = await rpc.subscribe(name)
    assert (await first(heads))["number"] == "0x0"
    rpc.build()
    rpc.build()
    assert [(await first(heads))["number"] for _ in range(2)] == ["0x1", "0x2"]
    await heads.aclose()
    assert len(rpc.notifications.best) == len(rpc.notifications.imported) == 0


@pytest.mark.parametrize("name", ["chain_subscribeNewHeads", "chain_subscribeAllHeads"])
async def test_a_head_that_is_announced_late_is_shown_once(rpc: Rpc, name: str) -> None:
    early, late = rpc.world.build(), rpc.world.build()
    heads = await rpc.subscribe(name)
    assert (await first(heads))["number"] == "0x2"
    rpc.announce(early) if name == "chain_subscribeNewHeads" else None
    rpc.announce(late)
    rpc.build()
    assert (await first(heads))["number"] == "0x3"


async def test_a_fork_is_a_new_head_only_where_it_wins(rpc: Rpc, tmp_path: Path) -> None:
    other = Rpc(tmp_path / "other")
    mine = rpc.build()
    forks = [other.build(other.world.remark(b"fork")), other.build(), other.build()]
    best, every = (
        await rpc.subscribe("chain_subscribeNewHeads"),
        await rpc.subscribe("chain_subscribeAllHeads"),
    )
    await first(best), await first(every)
    blocks = []
    for fork in forks:
        stored = rpc.world.importer.import_block(other.world.received(fork.stored.hash), 10**15)
        rpc.import_stored(stored)
        blocks.append(stored)
    assert [(await first(every))["number"] for _ in forks] == ["0x1", "0x2", "0x3"]
    winners = [stored for stored in blocks if stored.is_best]
    assert winners
    assert [(await first(best))["number"] for _ in winners] == [hex(stored.number) for stored in winners]
    assert rpc.store.best().hash == forks[-1].stored.hash != mine.stored.hash
    other.dispatcher.close()


async def test_every_final_block_is_shown_though_votes_skip_some(rpc: Rpc) -> None:
    heads = await rpc.subscribe("chain_subscribeFinalizedHeads")
    assert (await first(heads))["number"] == "0x0"
    built = [rpc.build() for _ in range(3)]
    rpc.finalise(built[-1])
    shown = [await first(heads) for _ in built]
    assert shown == [expected(rpc.store.header(each.stored.hash)) for each in built]
    assert await silent(heads)


async def test_unsubscribing_answers_whether_there_was_a_subscription(rpc: Rpc) -> None:
    identifier = await rpc.call("chain_subscribeNewHeads")
    assert await rpc.call("chain_unsubscribeFinalizedHeads", identifier) is False
    assert await rpc.call("chain_unsubscribeNewHead", identifier) is True
    assert await rpc.call("chain_unsubscribeNewHeads", identifier) is False
