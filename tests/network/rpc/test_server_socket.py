"""The server over WebSocket: multiplexed calls, subscriptions, slow readers, shutdown."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from network.rpc import RpcLimits


async def test_calls_on_one_socket_are_answered_as_they_finish(start: Any) -> None:
    socket = await (await start()).open()
    slow, quick = await socket.send("slow", 100), await socket.send("echo", "quick")
    assert [(await socket.receive())["id"] for _ in range(2)] == [quick, slow]
    assert await socket.call("whoami") == ["ws", True, None]


async def test_binary_messages_are_read_as_text_ones(start: Any) -> None:
    socket = await (await start()).open()
    await socket.socket.send_bytes(b'{"jsonrpc":"2.0","id":7,"method":"echo","params":["x"]}')
    assert (await socket.receive())["result"] == "x"
    await socket.socket.send_bytes(b"\xff\x00")
    assert (await socket.receive())["error"]["code"] == -32700


async def test_a_subscription_starts_after_its_id_and_ends_on_unsubscribing(start: Any, until: Any) -> None:
    node = await start()
    socket = await node.open()
    identifier = await socket.call("sub_head")
    assert await socket.receive() == {
        "jsonrpc": "2.0",
        "method": "head",
        "params": {"subscription": identifier, "result": "first"},
    }
    node.handlers.heads.publish({"number": "0x1"})
    assert (await socket.receive())["params"]["result"] == {"number": "0x1"}
    assert await socket.call("unsub_raw", identifier) is False
    assert await socket.call("unsub_heads", identifier) is True
    assert await socket.call("unsub_heads", identifier) is False
    await until(lambda: node.handlers.closed == 1)
    assert len(node.handlers.heads) == 0
    assert (await socket.call("unsub_heads"))["code"] == -32602


async def test_a_listener_returned_as_it_is_is_closed_even_when_never_started(start: Any, until: Any) -> None:
    node = await start()
    socket = await node.open()
    identifier = await socket.call("sub_raw")
    assert await socket.call("unsub_raw", identifier) is True
    await until(lambda: len(node.handlers.heads) == 0)


async def test_subscriptions_in_a_batch_start_after_the_batch_is_answered(start: Any) -> None:
    node = await start()
    socket = await node.open()
    call = {"jsonrpc": "2.0", "id": 1, "method": "sub_count", "params": [2]}
    await socket.socket.send_json([call, {**call, "id": 2}])
    first, second = await socket.receive()
    notifications = [(await socket.receive())["params"] for _ in range(4)]
    for identifier in (first["result"], second["result"]):
        assert [n["result"] for n in notifications if n["subscription"] == identifier] == ["0", "1"]


async def test_subscriptions_of_a_batch_whose_answer_is_too_large_are_ended(start: Any, until: Any) -> None:
    node = await start(RpcLimits(response_bytes=300))
    socket = await node.open()
    subscribe = {"jsonrpc": "2.0", "id": 1, "method": "sub_raw"}
    await socket.socket.send_json(
        [subscribe, *({"jsonrpc": "2.0", "id": 2, "method": "echo", "params": ["x" * 150]} for _ in range(3))]
    )
    assert (await socket.receive())["error"]["code"] == -32011
    await until(lambda: len(node.handlers.heads) == 0)


async def test_a_refused_subscription_is_an_error_and_takes_no_room(start: Any) -> None:
    node = await start(RpcLimits(subscriptions_per_connection=1))
    socket = await node.open()
    for _ in range(3):
        assert (await socket.call("sub_refused"))["code"] == 1021
    assert isinstance(await socket.call("sub_raw"), str)
    assert (await socket.call("sub_raw"))["code"] == -32006
    assert (await socket.call("sub_count", "x"))["code"] == -32602


@pytest.mark.parametrize(
    ("bug", "error"),
    [
        (False, {"code": 4003, "message": "Client error: gone"}),
        (True, {"code": -32603, "message": "Internal error"}),
    ],
)
async def test_a_subscription_that_fails_says_so_and_is_over(start: Any, bug: bool, error: Any) -> None:
    socket = await (await start()).open()
    identifier = await socket.call("sub_fail", bug)
    assert (await socket.receive())["params"] == {"subscription": identifier, "result": 1}
    assert (await socket.receive())["params"] == {"subscription": identifier, "error": error}
    assert await socket.call("unsub_fail", identifier) is False


async def test_a_value_over_the_response_limit_ends_the_subscription(start: Any) -> None:
    socket = await (await start(RpcLimits(response_bytes=500))).open()
    await socket.call("sub_count", 2, 1000)
    assert (await socket.receive())["params"]["error"]["code"] == -32008


async def test_a_slow_reader_is_dropped_with_a_reason_and_nobody_else_suffers(start: Any, until: Any) -> None:
    node = await start(RpcLimits(message_buffer_capacity=2))
    slow, quick = await node.open(), await node.open()
    await slow.call("sub_heads")
    await quick.call("sub_heads")
    await quick.receive()
    big = "x" * 2_000_000
    for number in range(40):
        node.handlers.heads.publish([number, big])
        assert (await quick.receive())["params"]["result"][0] == number
    await until(lambda: len(node.handlers.heads) == 1)
    received = []
    while "error" not in (params := (await slow.receive())["params"]):
        received.append(params["result"])
    assert params["error"]["message"] == "Subscription dropped: the client reads too slowly"
    assert [value[0] for value in received[1:]] == list(range(len(received) - 1))
    assert await slow.call("echo", "still here") == "still here"


async def test_a_socket_that_takes_nothing_is_closed(start: Any, until: Any) -> None:
    node = await start(RpcLimits(message_buffer_capacity=1, stalled_write_seconds=0.2))
    socket = await node.open()
    await socket.call("sub_count", 1000, 1_000_000)
    await until(lambda: node.recorder.sessions == 0)


async def test_a_client_that_leaves_ends_its_subscriptions_and_calls(start: Any, until: Any) -> None:
    node = await start()
    socket = await node.open()
    await socket.call("sub_heads")
    await socket.call("sub_raw")
    await socket.send("slow", 60_000)
    await socket.socket.close()
    await until(lambda: node.handlers.closed == 1 and len(node.handlers.heads) == 0)
    await until(lambda: node.recorder.sessions == 0)


async def test_too_large_a_message_is_refused_and_a_huge_one_closes_the_socket(start: Any) -> None:
    socket = await (await start(RpcLimits(request_bytes=1000))).open()
    assert (await socket_error(socket, "x" * 1500))["code"] == -32007
    assert await socket.call("echo", 1) == 1
    await socket.send("echo", "x" * 5000)
    message = await socket.socket.receive(timeout=5)
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)


async def socket_error(socket: Any, text: str) -> Any:
    await socket.send("echo", text)
    return (await socket.receive())["error"]


async def test_more_connections_than_the_limit_are_turned_away_until_one_leaves(
    start: Any, until: Any
) -> None:
    node = await start(RpcLimits(connections=1))
    socket = await node.open()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        await node.open()
    assert (await node.post({"jsonrpc": "2.0", "id": 1, "method": "echo"}))[0] == 429
    await socket.socket.close()
    await until(lambda: node.recorder.sessions == 0)
    assert await (await node.open()).call("echo", 1) == 1


async def test_stopping_ends_subscriptions_and_tells_clients_that_the_node_goes_away(start: Any) -> None:
    node = await start()
    socket = await node.open()
    await socket.call("sub_heads")
    await socket.receive()
    await socket.send("slow", 60_000)
    async with asyncio.timeout(4):
        closing = asyncio.create_task(node.server.stop())
        message = await socket.socket.receive()
        await closing
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
    assert node.handlers.closed == 1
    assert node.recorder.sessions == 0


async def test_stopping_does_not_wait_for_a_socket_that_takes_nothing(start: Any) -> None:
    node = await start(RpcLimits(message_buffer_capacity=1))
    await (await node.open()).call("sub_count", 1000, 1_000_000)
    await asyncio.sleep(0.05)
    async with asyncio.timeout(4):
        await node.server.stop()
    assert node.recorder.sessions == 0


async def test_a_flood_of_calls_is_answered_completely_with_a_small_buffer(start: Any) -> None:
    socket = await (await start(RpcLimits(message_buffer_capacity=1))).open()
    sent = {await socket.send("echo", number) for number in range(500)}
    assert {(await socket.receive())["id"] for _ in range(500)} == sent
