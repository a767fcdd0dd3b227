"""The driver of the core: what goes first, who hears of faults, and that timers wake it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from chain.core import BlockOffered, Continue, Continued, NodeEffect, NodeInput, Send, WakeAt, Woke
from chain.driving import MAX_WAITING_PEER_EVENTS, CoreDriver
from chain.importing import Received, RejectedBlock, RejectionReason
from network.messages import PeerDisconnected, PeerId, Transactions
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header

PEER = PeerId(b"p" * 32)
HEARD = PeerDisconnected(PEER)
OFFERED = BlockOffered(Received(Header(bytes(32), 1, bytes(32), bytes(32), Digest()), ()))
ANSWER = Send(PEER, Transactions(()))


class Script:
    """A core that notes what it is told, and answers by the event's type."""

    def __init__(self, answers: dict[type, list[NodeEffect] | Exception] | None = None) -> None:
        self.seen = list[NodeInput]()
        self.answers = answers or {}

    def start(self, now: int) -> list[NodeEffect]:
        return []

    def handle(self, event: NodeInput, now: int) -> list[NodeEffect]:
        self.seen.append(event)
        answer = self.answers.get(type(event), [])
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def driving(core: Script) -> AsyncIterator[tuple[CoreDriver, list[NodeEffect], asyncio.Task[None]]]:
    done = list[NodeEffect]()
    driver = CoreDriver(core, done.append, lambda: 1_000)  # type: ignore[arg-type]
    task = asyncio.create_task(driver.run())
    try:
        yield driver, done, task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await task


async def until(condition: object) -> None:
    assert callable(condition)
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen")


async def test_own_requests_go_before_peers_and_waiting_blocks_come_last() -> None:
    core = Script({PeerDisconnected: [Continue()]})
    async with driving(core) as (driver, _, _):
        for _ in range(3):
            driver.hear(HEARD)
        await driver.ask(OFFERED)
        await until(lambda: len(core.seen) == 5)
    assert [type(one) for one in core.seen] == [BlockOffered, *[PeerDisconnected] * 3, Continued]


async def test_effects_are_carried_out_before_the_asker_goes_on() -> None:
    async with driving(Script({BlockOffered: [ANSWER]})) as (driver, done, _):
        assert await driver.ask(OFFERED) == [ANSWER] == done


async def test_a_refused_block_is_the_askers_fault_and_the_driver_goes_on() -> None:
    refused = RejectedBlock(RejectionReason.HEADER, 1, bytes(32), "because")
    core = Script({BlockOffered: refused})
    async with driving(core) as (driver, _, _):
        with pytest.raises(RejectedBlock, match="because"):
            await driver.ask(OFFERED)
        driver.hear(HEARD)
        await until(lambda: HEARD in core.seen)


async def test_a_fault_of_the_environment_reaches_asker_and_owner_and_ends_the_driver() -> None:
    async with driving(Script({BlockOffered: OSError("disk")})) as (driver, _, task):
        with pytest.raises(OSError, match="disk"):
            await driver.ask(OFFERED)
        with pytest.raises(OSError, match="disk"):
            await task


async def test_the_core_is_woken_at_the_newest_time_it_asked_for() -> None:
    core = Script({BlockOffered: [WakeAt(10_000_000)], PeerDisconnected: [WakeAt(900)]})
    async with driving(core) as (driver, _, _):
        await driver.ask(OFFERED)
        driver.hear(HEARD)
        await until(lambda: Woke() in core.seen)
    assert core.seen.count(Woke()) == 1


async def test_a_flood_of_peer_events_is_bounded_and_each_is_acknowledged() -> None:
    core, acknowledged = Script(), list[int]()
    async with driving(core) as (driver, _, _):
        for number in range(MAX_WAITING_PEER_EVENTS + 10):
            driver.hear(HEARD, lambda number=number: acknowledged.append(number))
        assert driver.lost == 10
        await until(lambda: len(acknowledged) == MAX_WAITING_PEER_EVENTS + 10)
    assert len(core.seen) == MAX_WAITING_PEER_EVENTS
