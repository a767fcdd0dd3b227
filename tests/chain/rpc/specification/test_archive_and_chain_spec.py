"""`archive_v1_*` and `chainSpec_v1_*` through the dispatcher."""

from pathlib import Path
from typing import Any

import pytest

from chain.store import MemoryKeyValue, Pruning
from genesis.presets import dev
from runtime.pallets.system import System
from runtime.primitives.hashing import blake2_256
from tests.chain.chains import GENESIS, World
from tests.chain.rpc.support import Rpc, first, hexed

ROOT = hexed(GENESIS.header.hash())
KEY = System.number.key()


async def every(rpc: Rpc, name: str, *params: Any) -> list[Any]:
    """All events of a subscription."""
    stream = await rpc.subscribe(name, *params)
    found = []
    while True:
        try:
            found.append(await first(stream))
        except StopAsyncIteration:
            return found


async def test_the_chain_names_itself(rpc: Rpc) -> None:
    assert await rpc.call("chainSpec_v1_chainName") == dev().name
    assert await rpc.call("chainSpec_v1_genesisHash") == ROOT == await rpc.call("archive_v1_genesisHash")
    assert await rpc.call("chainSpec_v1_properties") == await rpc.call("system_properties")


async def test_heights_give_one_final_block_or_all_above(rpc: Rpc, tmp_path: Path) -> None:
    other = Rpc(tmp_path / "other")
    fork = other.build(other.world.remark(b"fork"))
    one = rpc.build()
    rpc.import_stored(rpc.world.importer.import_block(other.world.received(fork.stored.hash), 10**15))
    both = {hexed(each.stored.hash) for each in (one, fork)}
    assert set(await rpc.call("archive_v1_hashByHeight", 1)) == both
    rpc.finalise(one)
    assert await rpc.call("archive_v1_finalizedHeight") == 1
    assert await rpc.call("archive_v1_hashByHeight", 1) == [hexed(one.stored.hash)]
    assert await rpc.call("archive_v1_hashByHeight", 0) == [ROOT]
    assert await rpc.call("archive_v1_hashByHeight", 77) == []
    other.dispatcher.close()


async def test_header_and_body_are_scale_and_null_where_unknown(rpc: Rpc) -> None:
    built = rpc.build(rpc.world.transfer())
    header, body = rpc.store.header(built.stored.hash), rpc.store.body(built.stored.hash)
    assert header is not None
    assert body is not None
    assert await rpc.call("archive_v1_header", built.stored.hash) == hexed(header.encode())
    assert await rpc.call("archive_v1_body", built.stored.hash) == [hexed(each) for each in body]
    for name in ("header", "body"):
        assert await rpc.call(f"archive_v1_{name}", bytes(32)) is None


async def test_a_call_says_whether_it_succeeded(rpc: Rpc) -> None:
    answer = await rpc.call("archive_v1_call", ROOT, "Core_version", "0x")
    assert answer == {"success": True, "value": await rpc.call("state_call", "Core_version", "0x")}
    for function, data, said in (("Core_no", "0x", "is not found"), ("Core_version", "0x00", "Bad input")):
        answer = await rpc.call("archive_v1_call", ROOT, function, data)
        assert not answer["success"]
        assert said in answer["error"]
    assert await rpc.call("archive_v1_call", bytes(32), "Core_version", "0x") is None


async def test_storage_is_told_item_by_item_and_a_listing_goes_on_where_it_is_asked_to(rpc: Rpc) -> None:
    state = rpc.store.state_at(GENESIS.header.hash())
    keys = list(state.keys(b""))
    items = [
        {"key": hexed(KEY), "type": "hash"},
        {"key": "0x", "type": "descendantsValues", "paginationStartKey": hexed(keys[-3])},
    ]
    items = [
        {name: hexed(each) if isinstance(each, bytes) else each for name, each in one.items()}
        for one in items
    ]
    *found, done = await every(rpc, "archive_v1_storage", ROOT, items)
    assert done == {"event": "storageDone"}
    number = state.get(KEY)
    expected = (
        [] if number is None else [{"event": "storage", "key": hexed(KEY), "hash": hexed(blake2_256(number))}]
    )
    for key in keys[-2:]:
        value = state.get(key)
        assert value is not None
        expected.append({"event": "storage", "key": hexed(key), "value": hexed(value)})
    assert found == expected


async def test_storage_of_an_unknown_block_ends_with_the_error(rpc: Rpc) -> None:
    [error] = await every(rpc, "archive_v1_storage", bytes(32), [])
    assert error["event"] == "storageError"
    assert "UnknownBlock" in error["error"]


@pytest.mark.parametrize(
    "items",
    [
        [{"key": "0x", "type": "value", "paginationStartKey": "0x"}],
        [{"key": "0x", "type": "value"}] * 2_000,
        [{"key": "0x", "type": "nothing"}],
    ],
)
async def test_wrong_items_are_refused_before_anything_is_read(rpc: Rpc, items: Any) -> None:
    assert (await rpc.refusal("archive_v1_storage", ROOT, items))["code"] == -32602


async def test_the_difference_to_the_parent_is_what_the_block_changed(rpc: Rpc) -> None:
    before = rpc.store.state_at(GENESIS.header.hash())
    built = rpc.build(rpc.world.transfer())
    after = rpc.store.state_at(built.stored.hash)
    *found, done = await every(rpc, "archive_v1_storageDiff", built.stored.hash)
    assert done == {"event": "storageDiffDone"}
    keys = sorted({*before.keys(b""), *after.keys(b"")})
    changed = [key for key in keys if before.get(key) != after.get(key)]
    assert [each["key"] for each in found] == [hexed(key) for key in changed]
    assert {each["type"] for each in found} == {"added", "modified"}
    back = await every(rpc, "archive_v1_storageDiff", ROOT, None, built.stored.hash)
    assert {each.get("type") for each in back} == {"deleted", "modified", None}
    [one, _] = await every(
        rpc, "archive_v1_storageDiff", built.stored.hash, [{"key": hexed(KEY), "returnType": "hash"}]
    )
    number = after.get(KEY)
    assert number is not None
    assert one["hash"] == hexed(blake2_256(number))


@pytest.mark.parametrize(
    "item",
    [
        {"key": "0x"},
        {"key": "0x", "returnType": "size"},
        {"key": "0x", "returnType": "value", "childTrieKey": "0x12"},
    ],
)
async def test_a_wrong_item_of_a_difference_is_refused(rpc: Rpc, item: Any) -> None:
    assert (await rpc.refusal("archive_v1_storageDiff", ROOT, [item]))["code"] == -32602


async def test_a_difference_needs_both_states(rpc: Rpc) -> None:
    for params in ([bytes(32)], [ROOT], [ROOT, None, bytes(32)]):
        [error] = await every(rpc, "archive_v1_storageDiff", *params)
        assert error["event"] == "storageDiffError"


async def test_a_state_that_is_gone_is_inaccessible(tmp_path: Path) -> None:
    rpc = Rpc(tmp_path, World(MemoryKeyValue(), Pruning.keep(1)))
    follower = await rpc.subscribe("chainHead_v1_follow", True)
    [identifier] = rpc.streams.open
    for _ in range(3):
        rpc.finalise(rpc.build())
    started = await rpc.call("chainHead_v1_call", identifier, ROOT, "Core_version", "0x")
    event: Any = {}
    while event.get("event") != "operationInaccessible":
        event = await first(follower)
    assert event["operationId"] == started["operationId"]
    answer = await rpc.call("archive_v1_call", ROOT, "Core_version", "0x")
    assert "State already discarded for" in answer["error"]
    rpc.dispatcher.close()
