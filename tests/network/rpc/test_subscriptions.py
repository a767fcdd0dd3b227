"""Subscriptions as data, the broadcast that feeds them, and the outbox they go through."""

import asyncio
import itertools

import pytest

from network.rpc import Broadcast, RpcError, SlowReader
from network.rpc.outbox import Outbox, OutboxClosed
from network.rpc.subscriptions import Mailbox, SubscriptionRegistry


def registry(limit: int = 2) -> SubscriptionRegistry:
    numbers = itertools.count()
    return SubscriptionRegistry(limit, lambda: f"id{next(numbers) // 2}")


def test_ids_are_fresh_and_of_one_kind() -> None:
    open_ones = registry()
    first, second = open_ones.open("a"), open_ones.open("b")
    assert first != second
    assert open_ones.is_open(first, "a")
    assert not open_ones.is_open(first, "b")
    assert not open_ones.is_open("other", "a")


def test_a_connection_may_have_only_so_many_and_gets_room_by_closing() -> None:
    open_ones = registry()
    first = open_ones.open("a")
    open_ones.open("a")
    with pytest.raises(RpcError, match="Too many subscriptions on the connection") as caught:
        open_ones.open("a")
    assert caught.value.code == -32006
    assert caught.value.data == "Exceeded max limit of 2"
    open_ones.close(first)
    open_ones.close("unknown")
    open_ones.open("a")
    assert len(open_ones) == 2


def test_a_mailbox_drops_its_listener_when_one_value_too_many_waits() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    mailbox.put(1)
    mailbox.put(2)
    assert (len(mailbox), mailbox.take(), mailbox.take(), mailbox.take()) == (2, 1, 2, None)
    for value in range(4):
        mailbox.put(value)
    with pytest.raises(SlowReader, match="more than 2 values"):
        mailbox.take()
    assert len(mailbox) == 0


async def test_a_listener_gets_what_it_starts_with_then_everything_published_since() -> None:
    feed: Broadcast[int | None] = Broadcast(capacity=3)
    feed.publish(0)
    listener = feed.listen(first=[10, 11, 12, 13])
    feed_values = asyncio.create_task(collect(listener))
    await asyncio.sleep(0)
    feed.publish(1)
    feed.publish(None)
    await asyncio.sleep(0)
    feed.publish(2)
    feed.close()
    assert await feed_values == [10, 11, 12, 13, 1, None, 2]
    assert await collect(feed.listen()) == []


async def collect(listener: object) -> list[object]:
    return [value async for value in listener]  # type: ignore[attr-defined]


async def test_one_slow_listener_is_dropped_and_the_others_are_served() -> None:
    feed: Broadcast[int] = Broadcast(capacity=2)
    slow, quick = feed.listen(), feed.listen()
    for value in range(3):
        feed.publish(value)
        assert await anext(quick) == value
    assert len(feed) == 1
    with pytest.raises(SlowReader):
        await anext(slow)
    quick.close()
    assert len(feed) == 0
    with pytest.raises(StopAsyncIteration):
        await anext(quick)


async def test_an_outbox_makes_writers_wait_by_count_and_by_bytes() -> None:
    outbox = Outbox(capacity=2, max_bytes=10)
    await outbox.put(b"x" * 50)
    late = asyncio.create_task(outbox.put(b"y"))
    await asyncio.sleep(0)
    assert not late.done()
    assert len(await outbox.take()) == 50
    await late
    await outbox.put(b"z")
    third = asyncio.create_task(outbox.put(b"!"))
    await asyncio.sleep(0)
    assert not third.done()
    assert [await outbox.take() for _ in range(3)] == [b"y", b"z", b"!"]


async def test_a_closed_outbox_wakes_writers_and_reader() -> None:
    outbox, empty = Outbox(1, 10), Outbox(1, 10)
    await outbox.put(b"1")
    waiting = [asyncio.create_task(outbox.put(b"2")), asyncio.create_task(empty.take())]
    await asyncio.sleep(0)
    outbox.close()
    empty.close()
    assert [type(fault) for fault in await asyncio.gather(*waiting, return_exceptions=True)] == [
        OutboxClosed
    ] * 2
