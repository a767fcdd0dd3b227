"""The server over HTTP: calls, batches, limits, and who may come in."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from network.rpc import ALL_ORIGINS, RpcConfig, RpcLimits, RpcServer, RpcServerError, UnsafeMethods
from network.rpc.methods import MethodTable


def request(name: str, *params: Any, identifier: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identifier, "method": name, "params": list(params)}


async def test_a_call_is_answered_under_its_id_and_by_alias(start: Any) -> None:
    node = await start()
    assert await node.post(request("echo", {"a": [1]}, identifier="x")) == (
        200,
        {"jsonrpc": "2.0", "id": "x", "result": {"a": [1]}},
    )
    assert (await node.post(request("repeat")))[1]["result"] is None
    assert (await node.post(request("reverse", "0x0102")))[1]["result"] == "0x0201"
    assert (await node.post(request("whoami")))[1]["result"] == ["http", True, None]
    assert "unsub_heads" in (await node.post(request("rpc_methods")))[1]["result"]["methods"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (request("nothing"), {"code": -32601, "message": "Method not found"}),
        (request("reverse", 1), {"code": -32602, "message": "Invalid params", "data": "…"}),
        (
            request("fail"),
            {"code": 1010, "message": "Invalid Transaction", "data": "Transaction is outdated"},
        ),
        (request("bug"), {"code": -32603, "message": "Internal error"}),
        (request("stop_iteration"), {"code": -32603, "message": "Internal error"}),
        (request("unserialisable"), {"code": -32603, "message": "Internal error"}),
        (request("bad_error"), {"code": -32603, "message": "Internal error"}),
        (
            request("sub_heads"),
            {"code": -32013, "message": "Subscriptions need a WebSocket connection", "data": "…"},
        ),
        (
            request("unsub_heads", "x"),
            {"code": -32013, "message": "Subscriptions need a WebSocket connection", "data": "…"},
        ),
    ],
)
async def test_failures_have_the_codes_and_texts_that_clients_know(start: Any, call: Any, error: Any) -> None:
    node = await start()
    status, answer = await node.post(call)
    if error.get("data") == "…":
        error = {**error, "data": answer["error"]["data"]}
    assert (status, answer) == (200, {"jsonrpc": "2.0", "id": 1, "error": error})


async def test_a_batch_is_answered_in_order_without_its_notifications(start: Any) -> None:
    node = await start()
    notification = {"jsonrpc": "2.0", "method": "echo"}
    status, answers = await node.post(
        [request("slow", 20, identifier=1), notification, request("echo", identifier=2), 5]
    )
    assert status == 200
    assert [answer["id"] for answer in answers] == [1, 2, None]
    assert await node.post([notification, notification]) == (204, None)


async def test_a_batch_with_too_large_an_answer_is_cut_off_with_an_error(start: Any) -> None:
    node = await start(RpcLimits(response_bytes=300))
    calls = [request("echo", "x" * 100, identifier=number) for number in range(50)]
    _, answer = await node.post(calls)
    assert (answer["id"], answer["error"]["code"]) == (None, -32011)
    assert len(node.recorder.started) < 5
    assert (await node.post(request("echo", "x" * 400)))[1]["error"]["code"] == -32008


async def test_too_large_a_request_is_refused_with_413(start: Any) -> None:
    node = await start(RpcLimits(request_bytes=1000))
    status, answer = await node.post(request("echo", "x" * 2000))
    assert (status, answer["error"]) == (
        413,
        {"code": -32007, "message": "Request is too big", "data": "Exceeded max limit of 1000"},
    )
    assert (await node.post(request("echo", 1)))[0] == 200


async def test_only_json_is_taken_and_only_by_post(start: Any) -> None:
    node = await start()
    async with node.http.post(node.url, data=b"{}", headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 415
    async with node.http.get(node.url) as response:
        assert response.status == 405
    async with node.http.post(node.url, data=b"{", headers={"Content-Type": "application/json"}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (200, -32700)


async def test_a_strange_host_or_origin_is_refused_everywhere(start: Any) -> None:
    node = await start(pages={"/page": page})
    for path in ("", "health", "health/readiness", "page"):
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            async with node.http.get(node.url + path, headers=headers) as response:
                assert response.status == 403
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert (await post_status(node, headers)) == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await node.open(headers=headers)
    assert node.recorder.started == []


async def page(_: web.Request) -> web.StreamResponse:
    return web.Response(text="page")


async def post_status(node: Any, headers: dict[str, str]) -> int:
    async with node.http.post(node.url, json=request("danger"), headers=headers) as response:
        return int(response.status)


async def test_a_permitted_origin_gets_cors_headers_and_a_preflight_answer(start: Any) -> None:
    node = await start()
    headers = {"Origin": "http://localhost:3000"}
    async with node.http.options(node.url, headers=headers) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
    async with node.http.post(node.url, json=request("echo"), headers=headers) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    async with node.http.options(node.url, headers={"Origin": "https://evil.example"}) as response:
        assert response.status == 403
    open_node = await start(cors=ALL_ORIGINS)
    assert (await post_status(open_node, {"Host": "evil.example", "Origin": "https://evil.example"})) == 200


async def test_pages_are_served_beside_rpc(start: Any) -> None:
    node = await start(pages={"/": page, "/page": page})
    for path in ("", "page"):
        async with node.http.get(node.url + path) as response:
            assert await response.text() == "page"
    socket = await node.open()
    assert await socket.call("echo", 1) == 1


async def test_unsafe_methods_need_permission(start: Any) -> None:
    assert (await (await start()).post(request("danger")))[1]["result"] == "done"
    _, answer = await (await start(methods=UnsafeMethods.SAFE)).post(request("danger"))
    assert answer["error"] == {"code": -32601, "message": "RPC call is unsafe to be called externally"}


@pytest.mark.parametrize(
    ("health", "status", "ready"),
    [
        ({"peers": 0, "isSyncing": False, "shouldHavePeers": False}, 200, 200),
        ({"peers": 0, "isSyncing": False, "shouldHavePeers": True}, 200, 500),
        ({"peers": 3, "isSyncing": False, "shouldHavePeers": True}, 200, 200),
        ({"peers": 3, "isSyncing": True, "shouldHavePeers": True}, 200, 500),
        (None, 500, 500),
    ],
)
async def test_health_and_readiness_follow_system_health(
    start: Any, health: Any, status: int, ready: int
) -> None:
    node = await start()
    node.handlers.health = health
    async with node.http.get(node.url + "health") as response:
        assert (response.status, await response.json()) == (status, health)
    async with node.http.get(node.url + "health/readiness") as response:
        assert response.status == ready


async def test_a_table_without_health_is_not_healthy() -> None:
    server = RpcServer(MethodTable(), RpcConfig(port=0))
    await server.start()
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{server.port}/health") as response,
    ):
        assert response.status == 500
    await server.stop()
    await server.stop()


async def test_long_calls_in_workers_do_not_hold_the_loop_and_too_many_are_refused(
    start: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("network.rpc.dispatch.WORKER_QUEUE", 2)
    node = await start()
    waiting = [asyncio.create_task(node.post(request("wait"))) for _ in range(6)]
    await until(lambda: len(node.recorder.started) == 6)
    assert (await node.post(request("echo", 1)))[1]["result"] == 1
    assert (await node.post(request("wait")))[1]["error"]["code"] == -32009
    node.handlers.release.set()
    assert [answer["result"] for _, answer in await asyncio.gather(*waiting)] == [True] * 6
    assert (await node.post(request("wait")))[1]["result"] is True


async def test_calls_are_measured(start: Any) -> None:
    node = await start()
    await node.post([request("echo"), request("bug"), request("nothing")])
    assert node.recorder.started == ["http:echo", "http:bug"]
    assert node.recorder.failed == ["bug"]


async def test_a_port_in_use_is_named_with_a_way_out(start: Any) -> None:
    node = await start()
    with pytest.raises(RpcServerError, match=r"the port is in use.*--rpc-port"):
        await RpcServer(MethodTable(), RpcConfig(port=node.server.port)).start()
    with pytest.raises(RpcServerError, match=r"cannot listen for RPC on 203\.0\.113\.7:0"):
        await RpcServer(MethodTable(), RpcConfig(host="203.0.113.7", port=0)).start()


async def test_any_bytes_over_a_raw_socket_leave_the_server_alive(start: Any) -> None:
    node = await start()
    for junk in (
        b"\x00" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\xff" * 9000,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", node.server.port)
        writer.write(junk)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
    status, answer = await node.post(json.loads(json.dumps(request("echo", 1))))
    assert (status, answer["result"]) == (200, 1)
