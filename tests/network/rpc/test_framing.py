"""JSON-RPC 2.0 framing: any bytes give an answer, and the codes are those clients know."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from network.rpc import errors, framing
from network.rpc.framing import Batch, Notification, Refused, Request, Single
from network.rpc.limits import RpcLimits

LIMITS = RpcLimits()


def parse(value: Any, limits: RpcLimits = LIMITS) -> framing.Frame:
    return framing.parse(value if isinstance(value, bytes) else json.dumps(value).encode(), limits)


def refusal(value: Any, limits: RpcLimits = LIMITS) -> tuple[int, str, Any]:
    """Code, message and id of a message that is refused as a whole."""
    match parse(value, limits):
        case Single(Refused(identifier, error)):
            return error.code, error.message, identifier
        case other:
            raise AssertionError(f"accepted: {other}")


def request(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "m", **members}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (None, ()),
        ([], ()),
        ([1, None], (1,)),
        ([None, None], ()),
        ([None, 1, None], (None, 1)),
        ([[None]], ([None],)),
    ],
)
def test_absent_null_and_trailing_null_parameters_are_the_same(params: Any, expected: Any) -> None:
    assert parse(request(params=params)) == Single(Request(1, "m", expected))


def test_params_may_be_left_out() -> None:
    assert parse({"jsonrpc": "2.0", "id": 1, "method": "m"}) == Single(Request(1, "m", ()))


@pytest.mark.parametrize("identifier", ["", "a", "x" * 256, 0, -1, 2**64 - 1, -(2**63), None])
def test_ids_are_strings_integers_or_null(identifier: Any) -> None:
    assert parse(request(id=identifier)) == Single(Request(identifier, "m", ()))


@pytest.mark.parametrize("identifier", [1.5, True, [], {}, 2**64, -(2**63) - 1, "x" * 257])
def test_other_ids_are_an_invalid_request_with_a_null_id(identifier: Any) -> None:
    assert refusal(request(id=identifier)) == (-32600, "Invalid request", None)


@pytest.mark.parametrize(
    "value",
    [
        1,
        "text",
        None,
        True,
        [],
        {},
        request(jsonrpc="1.0"),
        request(jsonrpc=2),
        request(method=1),
        request(method="m" * 257),
        request(params="text"),
        request(params=7),
    ],
)
def test_what_is_no_request_is_refused_with_32600(value: Any) -> None:
    assert refusal(value)[:2] == (-32600, "Invalid request")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"jsonrpc": NaN}',
        b"[Infinity]",
        b"[1e999]",
        b"1" * 5000,
        b"\x00",
        b"[1,]",
        b'\xef\xbb\xbf{"jsonrpc":"2.0"}',
        b"[" * 100_000,
        b"[" * 129 + b"]" * 129,
        b'{"a":' * 200 + b"1" + b"}" * 200,
    ],
)
def test_what_is_no_json_is_refused_with_32700(data: bytes) -> None:
    assert refusal(data) == (-32700, "Parse error", None)


def test_nesting_is_allowed_to_exactly_the_limit() -> None:
    limits = RpcLimits(depth=3)
    assert isinstance(parse(b'{"jsonrpc":"2.0","id":1,"method":"m","params":[[1,"[["]]}', limits), Single)
    assert parse(request(params=[[1]]), limits) == Single(Request(1, "m", ([1],)))
    assert refusal(request(params=[[[1]]]), limits)[0] == -32700


def test_named_parameters_are_invalid_params_under_the_id() -> None:
    assert refusal(request(params={"hash": "0x"})) == (-32602, "Invalid params", 1)


def test_a_request_without_id_is_a_notification() -> None:
    assert parse({"jsonrpc": "2.0", "method": "m"}) == Single(Notification("m"))


def test_a_batch_keeps_its_order_and_answers_each_bad_entry_by_itself() -> None:
    frame = parse([request(id="a"), 7, request(id="b", params={})])
    assert isinstance(frame, Batch)
    first, second, third = frame.entries
    assert first == Request("a", "m", ())
    assert isinstance(second, Refused)
    assert (second.id, second.error.code) == (None, -32600)
    assert isinstance(third, Refused)
    assert (third.id, third.error.code) == ("b", -32602)


def test_batches_can_be_limited_and_disabled() -> None:
    assert refusal([request()] * 3, RpcLimits(batch_length=2))[0] == errors.OVERSIZED_BATCH_REQUEST
    assert refusal([request()], RpcLimits(batches_enabled=False))[0] == errors.BATCHES_NOT_SUPPORTED


def test_a_message_over_the_size_limit_is_refused_unread() -> None:
    assert refusal(b"[" * 11, RpcLimits(request_bytes=10))[0] == errors.OVERSIZED_REQUEST


def test_a_result_over_the_size_limit_becomes_an_error_under_the_same_id() -> None:
    limits = RpcLimits(response_bytes=100)
    response = json.loads(framing.encode_result("x", "y" * 200, limits))
    assert response["error"]["code"] == errors.OVERSIZED_RESPONSE
    assert response["id"] == "x"
    assert framing.join_batch([], limits) is None
    joined = framing.join_batch([b"x" * 60, b"y" * 60], limits)
    assert joined is not None
    assert json.loads(joined)["error"]["code"] == errors.OVERSIZED_BATCH_RESPONSE


def test_bytes_in_results_are_written_as_hex_and_other_objects_are_a_bug() -> None:
    assert framing.encode({"a": b"\x01\xff", "b": (bytearray(b""), memoryview(b"z"))}) == (
        b'{"a":"0x01ff","b":["0x","0x7a"]}'
    )
    with pytest.raises(TypeError, match="set"):
        framing.encode({1, 2})
    with pytest.raises(ValueError, match="not JSON compliant"):
        framing.encode(float("nan"))


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="request_bytes must be at least 1"):
        RpcLimits(request_bytes=0)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NEARLY_REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON_VALUES,
        "id": JSON_VALUES,
        "method": st.text() | JSON_VALUES,
        "params": st.lists(JSON_VALUES) | JSON_VALUES,
    },
)


@given(
    st.binary()
    | st.text().map(str.encode)
    | (NEARLY_REQUESTS | st.lists(NEARLY_REQUESTS, max_size=5) | JSON_VALUES).map(json.dumps).map(str.encode)
)
@example(b'"\\ud800"')
@example(b'{"jsonrpc":"2.0","id":"\\ud800","method":"\\udfff","params":{}}')
def test_any_bytes_give_entries_whose_refusals_are_well_formed_responses(data: bytes) -> None:
    frame = framing.parse(data, LIMITS)
    for entry in frame.entries if isinstance(frame, Batch) else (frame.entry,):
        if isinstance(entry, Refused):
            response = json.loads(framing.encode_error(entry.id, entry.error))
            assert response["jsonrpc"] == "2.0"
            assert response["error"]["code"] in (-32700, -32600, -32602)
            assert response["id"] == entry.id
