"""`chainHead_v1_*` through the dispatcher, on a real chain."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain.rpc.specification import operations
from chain.rpc.specification.chain_head import MAX_FOLLOWS
from chain.rpc.specification.operations import MAX_OPERATIONS
from runtime.primitives.hashing import blake2_256
from tests.chain.chains import GENESIS, RUNTIME
from tests.chain.rpc.support import Rpc, first, hexed

CODE = b":code"
ROOT = hexed(GENESIS.header.hash())


class Follower:
    """A follower, read by the test."""

    def __init__(self, rpc: Rpc, identifier: str) -> None:
        self.rpc = rpc
        self.id = identifier
        self.stream: AsyncIterator[Any] = rpc.streams.open[identifier]

    async def call(self, name: str, *params: Any) -> Any:
        return await self.rpc.call(f"chainHead_v1_{name}", self.id, *params)

    async def refusal(self, name: str, *params: Any) -> int:
        error = await self.rpc.refusal(f"chainHead_v1_{name}", self.id, *params)
        code: int = error["code"]
        return code

    async def events(self, count: int) -> list[Any]:
        return [await first(self.stream) for _ in range(count)]

    async def operation(self, name: str, *params: Any) -> list[Any]:
        """All events of an operation, continued as often as it waits."""
        started = await self.call(name, *params)
        assert started["result"] == "started"
        seen: list[Any] = []
        while not seen or not seen[-1]["event"].endswith(("Done", "Inaccessible", "Error")):
            [event] = await self.events(1)
            assert event.pop("operationId") == started["operationId"]
            if event["event"] == "operationWaitingForContinue":
                assert await self.call("continue", started["operationId"]) is None
            seen.append(event)
        return seen


async def follow(rpc: Rpc, with_runtime: bool = True) -> Follower:
    return Follower(rpc, await rpc.call("chainHead_v1_follow", with_runtime))


async def begun(rpc: Rpc, with_runtime: bool = True) -> Follower:
    follower = await follow(rpc, with_runtime)
    await follower.events(2)
    return follower


async def test_it_begins_with_the_final_blocks_their_runtime_and_the_best(rpc: Rpc) -> None:
    one, two = rpc.build(), rpc.build()
    rpc.finalise(one)
    follower = await follow(rpc)
    initialized, new, best = await follower.events(3)
    assert initialized["event"] == "initialized"
    assert initialized["finalizedBlockHashes"] == [ROOT, hexed(one.stored.hash)]
    runtime = initialized["finalizedBlockRuntime"]
    assert runtime["type"] == "valid"
    assert runtime["spec"]["specVersion"] == RUNTIME.version.spec_version
    assert runtime["spec"]["apis"]["0xdf6acb689907609b"] == 5
    assert new == {
        "event": "newBlock",
        "blockHash": hexed(two.stored.hash),
        "parentBlockHash": hexed(one.stored.hash),
        "newRuntime": None,
    }
    assert best == {"event": "bestBlockChanged", "bestBlockHash": hexed(two.stored.hash)}


async def test_without_the_runtime_none_is_told_and_none_is_called(rpc: Rpc) -> None:
    follower = await follow(rpc, with_runtime=False)
    initialized, _ = await follower.events(2)
    assert "finalizedBlockRuntime" not in initialized
    rpc.build()
    [new] = await follower.events(1)
    assert "newRuntime" not in new
    assert await follower.refusal("call", ROOT, "Core_version", "0x") == -32802


async def test_a_block_is_new_then_best_then_final(rpc: Rpc) -> None:
    follower = await begun(rpc)
    built = rpc.build()
    rpc.finalise(built)
    new, best, final = await follower.events(3)
    assert [each["event"] for each in (new, best, final)] == ["newBlock", "bestBlockChanged", "finalized"]
    assert final["finalizedBlockHashes"] == [new["blockHash"]] == [hexed(built.stored.hash)]
    assert final["prunedBlockHashes"] == []


async def test_a_fork_is_told_and_pruned_when_finality_decides(rpc: Rpc, tmp_path: Path) -> None:
    other = Rpc(tmp_path / "other")
    fork = other.build(other.world.remark(b"fork"))
    follower = await begun(rpc)
    mine, high = rpc.build(), rpc.build()
    rpc.import_stored(rpc.world.importer.import_block(other.world.received(fork.stored.hash), 10**15))
    *_, told = await follower.events(5)
    assert (told["event"], told["blockHash"]) == ("newBlock", hexed(fork.stored.hash))
    rpc.finalise(high)
    [final] = await follower.events(1)
    assert final["finalizedBlockHashes"] == [hexed(mine.stored.hash), hexed(high.stored.hash)]
    assert final["prunedBlockHashes"] == [hexed(fork.stored.hash)]
    # It is held until it is unpinned, though the node has nothing but its header any more.
    header = other.store.header(fork.stored.hash)
    assert header is not None
    assert await follower.call("header", fork.stored.hash) == hexed(header.encode())
    assert await follower.operation("body", fork.stored.hash) == [{"event": "operationInaccessible"}]
    other.dispatcher.close()


async def test_header_and_body_are_those_of_the_block(rpc: Rpc) -> None:
    built = rpc.build(rpc.world.transfer())
    follower = await begun(rpc)
    header, body = rpc.store.header(built.stored.hash), rpc.store.body(built.stored.hash)
    assert header is not None
    assert body is not None
    await follower.events(1)
    assert await follower.call("header", built.stored.hash) == hexed(header.encode())
    done = {"event": "operationBodyDone", "value": [hexed(each) for each in body]}
    assert await follower.operation("body", built.stored.hash) == [done]


async def test_the_runtime_is_called_at_the_block(rpc: Rpc) -> None:
    follower = await begun(rpc)
    [done] = await follower.operation("call", ROOT, "Core_version", "0x")
    assert done == {
        "event": "operationCallDone",
        "output": await rpc.call("state_call", "Core_version", "0x"),
    }
    [failed] = await follower.operation("call", ROOT, "Core_nothing", "0x")
    assert failed["event"] == "operationError"
    assert "Core_nothing is not found" in failed["error"]
    [failed] = await follower.operation("call", ROOT, "Core_version", "0x00")
    assert "Bad input data" in failed["error"]


async def test_storage_answers_every_type_of_query(rpc: Rpc) -> None:
    follower = await begun(rpc)
    state = rpc.store.state_at(GENESIS.header.hash())
    code = state.get(CODE)
    assert code is not None
    kinds = ("value", "hash", "closestDescendantMerkleValue", "descendantsValues", "descendantsHashes")
    items, done = await follower.operation("storage", ROOT, [{"key": CODE, "type": kind} for kind in kinds])
    assert done == {"event": "operationStorageDone"}
    value, hashed, merkle, *listed = items["items"]
    assert value == {"key": hexed(CODE), "value": hexed(code)}
    assert hashed == {"key": hexed(CODE), "hash": hexed(blake2_256(code))}
    assert len(merkle["closestDescendantMerkleValue"]) == 66
    assert listed == [value, hashed]


async def test_the_merkle_value_of_everything_is_the_state_root_and_nothing_has_none(rpc: Rpc) -> None:
    follower = await begun(rpc)
    kind = "closestDescendantMerkleValue"
    queries = [{"key": "0x", "type": kind}, {"key": b"nothing", "type": kind}]
    items, _ = await follower.operation("storage", ROOT, queries)
    assert items["items"] == [{"key": "0x", kind: hexed(GENESIS.header.state_root)}]


async def test_absent_keys_and_child_tries_give_no_items(rpc: Rpc) -> None:
    follower = await begun(rpc)
    queries = [{"key": "0x1234", "type": kind} for kind in ("value", "hash", "descendantsValues")]
    assert await follower.operation("storage", ROOT, queries) == [{"event": "operationStorageDone"}]
    every = [{"key": "0x", "type": "descendantsValues"}, {"key": "0x12", "type": "value"}]
    assert await follower.operation("storage", ROOT, every, "0x1234") == [{"event": "operationStorageDone"}]


async def test_a_long_listing_waits_for_the_word_to_go_on(rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "PAGE_RESULTS", 20)
    follower = await begun(rpc)
    events = await follower.operation("storage", ROOT, [{"key": "0x", "type": "descendantsHashes"}])
    pages = [each["items"] for each in events if each["event"] == "operationStorageItems"]
    keys = list(rpc.store.state_at(GENESIS.header.hash()).keys(b""))
    assert [each["key"] for page in pages for each in page] == [hexed(key) for key in keys]
    assert [len(page) for page in pages[:-1]] == [20] * (len(pages) - 1)
    assert sum(each["event"] == "operationWaitingForContinue" for each in events) == len(pages) - 1 > 1


async def test_only_what_waits_can_be_continued(rpc: Rpc) -> None:
    follower = await begun(rpc)
    assert await follower.refusal("continue", "7") == -32803


async def test_a_stopped_operation_says_nothing_more(rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "PAGE_RESULTS", 1)
    follower = await begun(rpc)
    started = await follower.call("storage", ROOT, [{"key": "0x", "type": "descendantsHashes"}])
    assert started["discardedItems"] == 0
    [items, waiting] = await follower.events(2)
    assert (items["event"], waiting["event"]) == ("operationStorageItems", "operationWaitingForContinue")
    assert await follower.call("stopOperation", started["operationId"]) is None
    assert await follower.call("stopOperation", started["operationId"]) is None
    assert await follower.refusal("continue", started["operationId"]) == -32803
    rpc.build()
    assert [each["event"] for each in await follower.events(1)] == ["newBlock"]


async def test_one_operation_too_many_is_told_that_there_is_no_room(
    rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "PAGE_RESULTS", 1)
    follower = await begun(rpc)
    query = [{"key": "0x", "type": "descendantsHashes"}]
    running = [await follower.call("storage", ROOT, query) for _ in range(MAX_OPERATIONS)]
    assert await follower.call("body", ROOT) == {"result": "limitReached"}
    assert await follower.call("call", ROOT, "Core_version", "0x") == {"result": "limitReached"}
    assert await follower.call("storage", ROOT, query) == {"result": "limitReached"}
    await follower.call("stopOperation", running[0]["operationId"])
    assert (await follower.call("body", ROOT))["result"] == "started"


async def test_items_beyond_the_limit_are_said_to_be_left_out(
    rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.rpc.specification.chain_head.MAX_ITEMS", 2)
    follower = await begun(rpc)
    started = await follower.call("storage", ROOT, [{"key": CODE, "type": "hash"}] * 5)
    assert started["discardedItems"] == 3
    [items] = await follower.events(1)
    assert len(items["items"]) == 2


async def test_what_is_not_pinned_cannot_be_read(rpc: Rpc) -> None:
    follower = await begun(rpc)
    await follower.call("unpin", ROOT)
    for name, *more in (("header",), ("body",), ("call", "Core_version", "0x"), ("storage", [])):
        assert await follower.refusal(name, ROOT, *more) == -32801
    assert await follower.refusal("unpin", ROOT) == -32801
    assert await follower.refusal("unpin", [bytes(32)]) == -32801


async def test_a_hash_named_twice_is_not_unpinned(rpc: Rpc) -> None:
    follower = await begun(rpc)
    assert await follower.refusal("unpin", [ROOT, ROOT]) == -32804
    assert await follower.call("unpin", [ROOT]) is None


async def test_a_follower_that_is_gone_has_nothing_and_no_room(rpc: Rpc) -> None:
    follower = await begun(rpc)
    assert await rpc.call("chainHead_v1_unfollow", follower.id)
    await follower.stream.aclose()  # type: ignore[attr-defined]
    assert await follower.call("header", ROOT) is None
    for name, *more in (("body",), ("call", "Core_version", "0x"), ("storage", [])):
        assert await follower.call(name, ROOT, *more) == {"result": "limitReached"}
    for name, *more in (("unpin", ROOT), ("continue", "1"), ("stopOperation", "1")):
        assert await follower.call(name, *more) is None
    assert len(rpc.notifications.everything) == 0


async def test_a_connection_may_follow_only_so_often(rpc: Rpc) -> None:
    followers = [await follow(rpc) for _ in range(MAX_FOLLOWS)]
    assert (await rpc.refusal("chainHead_v1_follow", True))["code"] == -32800
    await followers[0].stream.aclose()  # type: ignore[attr-defined]
    await follow(rpc)


async def test_a_client_that_falls_behind_is_told_to_begin_anew(rpc: Rpc) -> None:
    follower = await begun(rpc)
    built = rpc.build()
    for _ in range(300):
        rpc.import_stored(built.stored)
    [stop] = await follower.events(1)
    assert stop == {"event": "stop"}
    with pytest.raises(StopAsyncIteration):
        await anext(follower.stream)
    assert await follower.call("header", ROOT) is None


async def test_a_node_that_stops_says_so(rpc: Rpc) -> None:
    follower = await begun(rpc)
    rpc.notifications.close()
    assert await follower.events(1) == [{"event": "stop"}]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([{"key": "0x"}], "expected the members key, type"),
        ([{"key": "0x", "type": "all"}], "the type is one of value, hash"),
        ([{"key": "0xf", "type": "value"}], "item 0: expected an even number"),
        ([{"key": 7, "type": "value"}], "expected a hex string"),
        ([{"key": "0x", "type": "value", "more": 1}], "expected the members"),
        ([{"key": "0x" + "00" * 40_000, "type": "value"}], "at most 32767 bytes"),
    ],
)
async def test_a_wrong_query_is_refused_by_name(rpc: Rpc, items: Any, said: str) -> None:
    follower = await begun(rpc)
    error = await rpc.refusal("chainHead_v1_storage", follower.id, ROOT, items)
    assert error["code"] == -32602
    assert said in error["data"]


async def test_events_of_an_operation_come_after_the_answer_that_names_it(rpc: Rpc) -> None:
    follower = await begun(rpc)
    started = await follower.call("body", ROOT)
    await asyncio.sleep(0)
    [event] = await follower.events(1)
    assert event["operationId"] == started["operationId"]
