"""The rate of calls, alone and on a server's dispatcher."""

import ipaddress
import json
import time

from hypothesis import given
from hypothesis import strategies as st

from network.rpc import Connection, MethodTable, RpcLimits
from network.rpc.dispatch import Caller, Dispatcher, NoObserver
from network.rpc.rate import RatePolicy, TokenBucket


def test_a_minutes_worth_may_be_made_at_once_and_then_they_come_back() -> None:
    bucket = TokenBucket(60, 0.0)
    assert [bucket.take(0.0) for _ in range(61)] == [True] * 60 + [False]
    assert [bucket.take(2.0) for _ in range(3)] == [True, True, False]


@given(st.integers(1, 100), st.lists(st.floats(0, 30), max_size=300))
def test_no_pattern_of_calls_gets_more_than_the_burst_and_the_rate(
    per_minute: int, waits: list[float]
) -> None:
    bucket, now, taken = TokenBucket(per_minute, 0.0), 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now)
    assert taken <= per_minute + now * per_minute / 60 + 1e-6


def test_networks_on_the_list_are_not_limited() -> None:
    policy = RatePolicy(5, (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1")))
    assert policy.bucket("10.1.2.3", {}, 0.0) is None
    assert policy.bucket("::1", {}, 0.0) is None
    assert policy.bucket("11.1.2.3", {}, 0.0) == TokenBucket(5, 0.0)
    assert policy.bucket("unknown", {}, 0.0) == TokenBucket(5, 0.0)


def test_a_proxy_is_believed_only_where_it_is_trusted() -> None:
    exempt = (ipaddress.ip_network("10.0.0.0/8"),)
    for headers in ({"X-Real-IP": "10.0.0.1"}, {"X-Forwarded-For": "10.0.0.1, 1.2.3.4"}):
        assert RatePolicy(5, exempt).bucket("1.2.3.4", headers, 0.0) is not None
        assert RatePolicy(5, exempt, trust_proxy=True).bucket("1.2.3.4", headers, 0.0) is None


async def test_one_call_too_many_is_refused_and_runs_nothing() -> None:
    dispatcher = Dispatcher(MethodTable(), RpcLimits(), NoObserver())
    caller = Caller(Connection(1, "http", "1.2.3.4", unsafe=False, bucket=TokenBucket(1, time.monotonic())))
    data = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "rpc_methods"}).encode()
    answers = [json.loads((await dispatcher.answer(data, caller)).payload or b"") for _ in range(2)]
    assert "result" in answers[0]
    assert answers[1]["error"]["code"] == -32999
    dispatcher.close()
