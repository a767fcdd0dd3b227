"""Calls and subscriptions from the client's side: answers, refusals, silence, and nodes that go away."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from client import (
    CallRefused,
    CallTimedOut,
    Client,
    ConnectionLost,
    NodeUnreachable,
    ProtocolViolation,
    SubscriptionEnded,
    SubscriptionsNeedWebSocket,
    blocking,
    connect,
)
from client.messages import Notice, Reply, decode_messages
from client.transport import MAX_WAITING_NOTICES

Fake = Callable[..., Any]


async def test_calls_are_answered_over_websocket_http_and_without_a_scheme(node: Any) -> None:
    address = f"127.0.0.1:{node.server.port}"
    for url in (f"ws://{address}", f"http://{address}", address):
        async with await connect(url) as client:
            assert await client.genesis_hash() == node.blocks[0][0]
            assert (await client.runtime_version()).spec_name == "fixpoint"
            assert await client.storage(b"missing") is None


async def test_many_calls_share_one_socket(client: Client) -> None:
    answers = await asyncio.gather(*(client.call("chain_getBlockHash", 0) for _ in range(200)))
    assert len(set(answers)) == 1


async def test_a_refusal_carries_code_text_and_data(client: Client) -> None:
    with pytest.raises(CallRefused, match=r"fail failed: Invalid params: \[1\] \(code -32602\)") as caught:
        await client.call("fail", [1])
    assert (caught.value.code, caught.value.message, caught.value.data) == (-32602, "Invalid params", [1])
    with pytest.raises(CallRefused, match="Method not found"):
        await client.call("nothing")


async def test_nobody_at_the_address_is_said_with_what_to_start() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NodeUnreachable, match=rf"ws://127\.0\.0\.1:{port} .*fixpoint dev"):
        await connect(f"ws://127.0.0.1:{port}")
    async with await connect(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(NodeUnreachable, match="fixpoint dev"):
            await client.call("x")
    with pytest.raises(NodeUnreachable, match="fixpoint dev"):
        blocking.connect(f"ws://127.0.0.1:{port}")
    with pytest.raises(ValueError, match="starts with ws://"):
        await connect("ftp://127.0.0.1")


async def test_a_node_that_is_silent_is_not_waited_for_for_ever(node: Any) -> None:
    for scheme in ("ws", "http"):
        async with await connect(f"{scheme}://127.0.0.1:{node.server.port}", seconds=0.1) as client:
            with pytest.raises(CallTimedOut, match=r"sleep: no answer from .* within 0\.1 s"):
                await client.call("sleep")


async def test_a_node_that_stops_fails_what_waits_and_all_that_comes_after(node: Any, client: Client) -> None:
    heads = await client.heads()
    assert await anext(heads) == {"number": "0x0"}
    waiting = asyncio.create_task(client.call("sleep"))
    await asyncio.sleep(0.05)
    await node.server.stop()
    for work in (waiting, anext(heads), client.call("x")):
        with pytest.raises(ConnectionLost, match="closed the connection"):
            await work
    await heads.close()


async def test_subscriptions_need_a_websocket(node: Any) -> None:
    async with await connect(f"http://127.0.0.1:{node.server.port}") as client:
        with pytest.raises(SubscriptionsNeedWebSocket, match="ws://"):
            await client.heads()


async def test_a_closed_subscription_ends_its_reader(client: Client) -> None:
    async with await client.heads() as heads:
        await anext(heads)
        reader = asyncio.create_task(collect(heads))
        await asyncio.sleep(0)
    assert await reader == []
    await heads.close()


async def collect(values: AsyncIterator[Any]) -> list[Any]:
    return [value async for value in values]


async def test_the_blocking_client_works_without_a_loop(node: Any) -> None:
    def use() -> Any:
        with blocking.connect(f"ws://127.0.0.1:{node.server.port}") as client:
            with pytest.raises(CallRefused):
                client.call("nothing")
            assert client.call("chain_getHeader") == {"number": "0x0"}
            return client.run(lambda each: each.genesis_hash())

    assert await asyncio.to_thread(use) == node.blocks[0][0]


# Nodes that misbehave.


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    """A server that answers every message with given texts."""
    runners: list[web.AppRunner] = []

    async def start(*answers: str) -> str:
        async def handle(request: web.Request) -> web.StreamResponse:
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    for answer in answers:
                        await connection.send_str(answer)
            return connection

        async def post(_: web.Request) -> web.Response:
            return web.Response(text=answers[0], content_type="application/json")

        async def hello(_: web.Request) -> web.Response:
            return web.Response(text="hello")

        app = web.Application()
        app.router.add_get("/", handle)
        app.router.add_post("/", post)
        app.router.add_post("/plain", hello)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        return f"127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    ["no json", "[" * 100_000, "7", "{}", '{"id":1}', '{"id":1,"error":{}}', '{"id":"x","result":1}'],
)
async def test_what_does_not_speak_json_rpc_is_named(fake: Fake, answer: str) -> None:
    address = await fake(answer)
    for scheme in ("ws", "http"):
        async with await connect(f"{scheme}://{address}") as client:
            with pytest.raises(ProtocolViolation, match=r"the (answer|error)"):
                await client.call("x")


async def test_other_servers_are_not_taken_for_nodes(fake: Fake) -> None:
    address = await fake("")
    async with await connect(f"http://{address}/plain") as client:
        with pytest.raises(ProtocolViolation, match="answered HTTP 200: b'hello'"):
            await client.call("x")
    with pytest.raises(ProtocolViolation, match="refused a WebSocket: HTTP 404"):
        await connect(f"ws://{address}/other")


async def test_an_error_without_id_reaches_every_call_that_waits(fake: Fake) -> None:
    address = await fake('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}')
    async with await connect(address) as client:
        for outcome in await asyncio.gather(client.call("a"), client.call("b"), return_exceptions=True):
            assert isinstance(outcome, CallRefused)


async def test_a_subscription_that_the_node_ends_says_why_after_its_values(fake: Fake) -> None:
    def notice(part: str) -> str:
        return f'{{"jsonrpc":"2.0","method":"m","params":{{"subscription":"s",{part}}}}}'

    address = await fake(
        '{"jsonrpc":"2.0","id":1,"result":"s"}',
        notice('"result":1'),
        notice('"error":{"code":1,"message":"too slow","data":"read faster"}'),
        notice('"result":2'),
    )
    async with await connect(address) as client:
        values = await client.subscribe("sub", unsubscribe="unsub")
        assert await anext(values) == 1
        with pytest.raises(SubscriptionEnded, match="too slow: read faster"):
            await anext(values)


async def test_a_subscription_that_nobody_reads_is_bounded(fake: Fake) -> None:
    value = '{"jsonrpc":"2.0","method":"m","params":{"subscription":7,"result":1}}'
    address = await fake('{"jsonrpc":"2.0","id":1,"result":7}', *[value] * (MAX_WAITING_NOTICES + 1))
    async with await connect(address) as client:
        values = await client.subscribe("sub", unsubscribe="unsub")
        await asyncio.sleep(0.3)
        async with asyncio.timeout(5):
            with pytest.raises(SubscriptionEnded, match="waiting to be read"):
                await collect(values)


def test_batches_of_answers_are_taken_apart() -> None:
    text = '[{"id":1,"result":null},{"params":{"subscription":3,"result":[1]}}]'
    assert decode_messages(text) == [Reply(1, None, None), Notice("3", [1], None)]
