"""Commands that talk to a node, and nodes that answer garbage, or are none: one clear line, never a trace."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.pallets.inference import Inference
from tests.chain.cli.lying import Babbler, Liar, in_background, serving
from tests.chain.cli.support import ALICE, ARTIFACT, MODEL, Cli, refused
from tests.runtime.pallets.programs import scaler

MODEL_ID = "0x" + MODEL.hex()
ONLINE = {
    "list": ["model", "list"],
    "pull": ["model", "pull", MODEL_ID, "-o", "OUT"],
    "publish": ["model", "publish", "OTHER", *ALICE],
    "infer": ["infer", MODEL_ID, "--input", "INPUT", *ALICE],
    "infer in block": ["infer", MODEL_ID, "--input", "INPUT", "--wait", "in-block", *ALICE],
    "estimate": ["infer", MODEL_ID, "--estimate", *ALICE],
    "dry run": ["infer", MODEL_ID, "--input", "INPUT", "--dry-run"],
    "receipt": ["receipt", "RECEIPT"],
}

LIES: tuple[Any, ...] = (
    *(
        None,
        True,
        5,
        -1,
        10**30,
        1.5,
        "",
        "0x",
        "0xzz",
        "hello\x1b[31m",
        "0x" + "00" * 32,
        "0x" + "ff" * 5_000,
    ),
    *(
        [],
        [[]],
        [None],
        ["0x"],
        [5] * 100,
        {},
        {"number": "zz"},
        {"number": None},
        {"output": ["0x"]},
        {"block": 5},
    ),
    *({"block": {"extrinsics": 5}}, {"inBlock": 5}, {"finalized": None}, {"inBlock": "0x00"}, {"hello": 1}),
    {"specName": "fixpoint", "specVersion": -1, "transactionVersion": "x"},
    {"weight": {"refTime": "9" * 5_000, "proofSize": 0}, "inferenceFee": "nan", "partialFee": []},
)
LIES_PER_METHOD = 8
MODEL_LIES: tuple[Any, ...] = (
    *(
        {"shape": [-1]},
        {"shape": 4},
        {"shape": [2**62, 2**62]},
        {"scale": [0, 0]},
        {"scale": []},
    ),
    *(
        {"dtype": 7},
        {"dtype": "f32"},
        {"zeroPoint": 10**40},
        {"zeroPoint": None},
        {"name": None},
    ),
)


@pytest.fixture(scope="module")
def liar() -> Iterator[tuple[Liar, str]]:
    node = Liar(ARTIFACT, bytes([1, 2, 3, 4]))
    with serving(node) as address:
        yield node, address


@pytest.fixture
def words(good: dict[str, str], tmp_path: Path, liar: tuple[Liar, str]) -> dict[str, str]:
    (tmp_path / "other.fxp").write_bytes(scaler())
    node = liar[0]
    node.tell()
    [(receipt, _)] = node._pallet(Inference).receipts.items()
    return {**good, "OTHER": str(tmp_path / "other.fxp"), "RECEIPT": "0x" + receipt.hex()}


@pytest.mark.parametrize("name", ONLINE)
def test_a_node_that_answers_garbage_is_named_in_one_line(
    cli: Cli, liar: tuple[Liar, str], words: dict[str, str], name: str
) -> None:
    node, address = liar
    command = [words.get(one, one) for one in ONLINE[name]]
    node.tell()
    honest = cli(*command, "--url", f"ws://{address}")
    assert honest.code == 0, honest.err
    refusals, told = 0, random.Random(name)
    for method in dict.fromkeys(node.asked):
        for lie in told.sample(LIES, LIES_PER_METHOD):
            node.tell(method, lie)
            outcome = cli(*command, "--url", f"ws://{address}")
            # Some lies are plausible: a nonce, a height, an empty list of models.
            if outcome.code:
                refused(outcome)
                refusals += 1
    assert refusals


@pytest.mark.parametrize("lie", MODEL_LIES, ids=str)
def test_a_tensor_that_cannot_be_is_named_in_one_line(
    cli: Cli, liar: tuple[Liar, str], words: dict[str, str], lie: dict[str, Any]
) -> None:
    node, address = liar
    honest = json.loads(json.dumps(node.model(MODEL), default=lambda data: "0x" + data.hex()))
    node.tell("models_get", {**honest, "inputs": [{**honest["inputs"][0], **lie}]})
    for name in ("infer", "dry run"):
        refused(cli(*(words.get(one, one) for one in ONLINE[name]), "--url", f"ws://{address}"))


def test_a_node_that_lists_models_in_circles_is_left(cli: Cli, liar: tuple[Liar, str]) -> None:
    node, address = liar
    honest = json.loads(json.dumps(node.model(MODEL), default=lambda data: "0x" + data.hex()))
    node.tell("models_list", [honest] * 100)
    assert "out of order" in refused(cli("model", "list", "--url", f"ws://{address}"))


HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
BABBLE = {
    "nothing": b"",
    "noise": b"\xff\x00" * 500,
    "a greeting": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a header": b"HTTP/1.1 200",
    "a web page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>hello</h1>",
    "not found": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "a redirect to itself": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "a false handshake": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "no JSON": HTTP + b"hello",
    "not UTF-8": HTTP + b'{"id": 1, "result": "\xff"}',
    "deep JSON": HTTP + b"[" * 100_000,
    "an array": HTTP + b"[]",
    "a number": HTTP + b"5",
    "a reply to nobody": HTTP + b'{"jsonrpc": "2.0", "id": null, "error": {"code": -1, "message": "no"}}',
    "an error that is none": HTTP + b'{"id": 1, "error": {"code": "x"}}',
    "long": HTTP + b'"' + b"x" * (33 << 20) + b'"',
    "a false length": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{}",
}


@pytest.mark.parametrize("kind", BABBLE)
@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_server_that_is_no_node_is_named_in_one_line(cli: Cli, kind: str, scheme: str) -> None:
    with in_background(Babbler(BABBLE[kind]).start) as babbler:
        refused(cli("model", "list", "--url", f"{scheme}://127.0.0.1:{babbler.port}"))


@pytest.mark.parametrize(
    "url",
    [
        *("", "://", "ws://", "ws:///", "http://", "ws://[", "ws://[::1", "ws://:0", "ws://localhost:99999"),
        *("ws://localhost:-1", "ws://localhost:x", "http://localhost:x", "gopher://x", "file:///etc/passwd"),
        *(
            "ws://\0",
            "ws://\ud800",
            "ws://exa mple",
            "ws://" + "x" * 300,
            "ws://a..b",
            "http://.",
            "ws://127.0.0.1:1",
        ),
        *("http://127.0.0.1:1", "http://user:pass@127.0.0.1:1", "127.0.0.1:1", "ws://127.0.0.1:1/#x"),
    ],
)
def test_an_address_at_which_there_can_be_no_node_is_refused_in_one_line(cli: Cli, url: str) -> None:
    refused(cli("model", "list", "--url", url))
