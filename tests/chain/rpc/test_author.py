"""`author_*` for transactions, through the dispatcher: the answers of the pool and of the runtime."""

from typing import Any

import pytest

from chain.pool import Broadcast, Dropped, PoolLimits, Retracted
from chain.rpc import AuthorMethods
from chain.rpc.json import status_json
from chain.transactions import Transactions
from network.rpc import MethodTable, RpcLimits
from network.rpc.dispatch import Dispatcher, NoObserver
from runtime.primitives.extrinsic import BareExtrinsic
from tests.chain.chains import ALICE, BOB, RUNTIME
from tests.chain.rpc.support import Rpc, first, hexed


async def test_a_good_transaction_is_answered_with_its_hash_and_waits(rpc: Rpc) -> None:
    one = rpc.world.transfer()
    assert await rpc.call("author_submitExtrinsic", one.encoded.hex()) == hexed(one.hash)
    assert await rpc.call("author_pendingExtrinsics") == [hexed(one.encoded)]


async def test_a_transaction_is_followed_to_its_end(rpc: Rpc) -> None:
    one = rpc.world.transfer()
    statuses = await rpc.subscribe("author_submitAndWatchExtrinsic", one.encoded)
    assert await first(statuses) == "ready"
    built = rpc.build(one)
    assert await first(statuses) == {"inBlock": hexed(built.stored.hash)}
    rpc.finalise(built)
    assert await first(statuses) == {"finalized": hexed(built.stored.hash)}
    with pytest.raises(StopAsyncIteration):
        await first(statuses)


async def test_a_replaced_and_a_waiting_transaction_say_so(rpc: Rpc) -> None:
    cheap, better, later = (
        rpc.world.transfer(),
        rpc.world.transfer(tip=10**12),
        rpc.world.transfer(signer=BOB, nonce=1),
    )
    statuses = await rpc.subscribe("author_submitAndWatchExtrinsic", cheap.encoded)
    waiting = await rpc.subscribe("author_submitAndWatchExtrinsic", later.encoded)
    await rpc.call("author_submitExtrinsic", better.encoded)
    assert [await first(statuses) for _ in range(2)] == ["ready", {"usurped": hexed(better.hash)}]
    assert await first(waiting) == "future"


def test_every_status_has_its_json() -> None:
    assert status_json(Broadcast(("peer",))) == {"broadcast": ["peer"]}
    assert status_json(Retracted(b"\1")) == {"retracted": b"\1"}
    assert status_json(Dropped()) == "dropped"


@pytest.mark.parametrize("read", [True, False])
async def test_a_subscription_that_is_closed_stops_watching(rpc: Rpc, read: bool) -> None:
    one = rpc.world.transfer()
    statuses = await rpc.subscribe("author_submitAndWatchExtrinsic", one.encoded)
    if read:
        await first(statuses)
    await statuses.aclose()
    rpc.build(one)
    with pytest.raises(StopAsyncIteration):
        await first(statuses)


async def test_a_refused_transaction_opens_no_subscription(rpc: Rpc) -> None:
    error = await rpc.refusal(
        "author_submitAndWatchExtrinsic", rpc.world.transfer(amount=1, nonce=0).encoded[:-1]
    )
    assert error["code"] == 1001
    assert not rpc.streams.open


async def test_bytes_that_are_no_extrinsic_are_told_apart_by_frame_and_content(rpc: Rpc) -> None:
    framed = await rpc.refusal("author_submitExtrinsic", b"\x40\x84")
    assert framed["code"] == 1001
    assert framed["message"].startswith("Extrinsic has invalid format: ")
    content = await rpc.refusal("author_submitExtrinsic", b"\x08\x84\x00")
    assert content["code"] == 1002
    assert content["message"].startswith("Verification Error: ")
    assert (await rpc.refusal("author_submitExtrinsic", "0x0g"))["code"] == -32602
    assert await rpc.call("author_pendingExtrinsics") == []


@pytest.mark.parametrize(
    ("what", "code", "data"),
    [
        ("stale", 1010, "Transaction is outdated"),
        ("poor", 1010, "Inability to pay some fees (e.g. account balance too low)"),
        ("forged", 1010, "Transaction has a bad signature"),
        ("inherent", 1010, "Transaction dispatch is mandatory; transactions must not be validated."),
        ("bare", 1011, "Could not find an unsigned validator for the unsigned transaction"),
    ],
)
async def test_an_invalid_transaction_is_refused_in_substrates_words(
    rpc: Rpc, what: str, code: int, data: str
) -> None:
    remark = RUNTIME.encode_call(RUNTIME.call("System", "remark", remark=b""))
    moment = RUNTIME.encode_call(RUNTIME.call("Timestamp", "set", now=1))
    if what == "stale":
        rpc.build(rpc.world.transfer())
    good = rpc.world.transfer().encoded
    extrinsic = {
        "stale": good,
        "poor": rpc.world.transfer(tip=10**30).encoded,
        "forged": good.replace(ALICE.public, BOB.public, 1),
        "inherent": BareExtrinsic(moment).encode(),
        "bare": BareExtrinsic(remark).encode(),
    }[what]
    error = await rpc.refusal("author_submitExtrinsic", extrinsic)
    assert error["code"] == code
    assert error["data"] == data
    message = {1010: "Invalid Transaction", 1011: "Unknown Transaction Validity"}
    assert error["message"] == message[code]


async def test_the_pools_own_refusals_have_substrates_codes(rpc: Rpc) -> None:
    one = rpc.world.transfer(tip=10**12)
    await rpc.call("author_submitExtrinsic", one.encoded)
    again = await rpc.refusal("author_submitExtrinsic", one.encoded)
    assert again == {"code": 1013, "message": "Transaction Already Imported", "data": hexed(one.hash)}
    worse = await rpc.refusal("author_submitExtrinsic", rpc.world.transfer().encoded)
    assert worse["code"] == 1014
    assert worse["message"].startswith("Priority is too low: (")
    await rpc.call("author_removeExtrinsic", [{"hash": hexed(one.hash)}])
    banned = await rpc.refusal("author_submitExtrinsic", one.encoded)
    assert banned == {"code": 1012, "message": "Transaction is temporarily banned"}


async def test_limits_of_the_pool_are_told_as_dropped_and_as_future(rpc: Rpc) -> None:
    limits = PoolLimits(ready_count=1, future_bytes=10)
    rpc.transactions = Transactions(rpc.store, RUNTIME, lambda: 0, limits)
    rpc.dispatcher = Dispatcher(MethodTable(AuthorMethods(rpc.transactions)), RpcLimits(), NoObserver())
    await rpc.call("author_submitExtrinsic", rpc.world.transfer(tip=10**12).encoded)
    full = await rpc.refusal("author_submitExtrinsic", rpc.world.transfer(signer=BOB).encoded)
    assert (full["code"], full["message"]) == (1016, "Immediately Dropped")
    ahead = await rpc.refusal("author_submitExtrinsic", rpc.world.transfer(signer=BOB, nonce=7).encoded)
    assert ahead["code"] == 1021
    huge = await rpc.refusal("author_submitExtrinsic", bytes(5 << 20))
    assert huge["code"] == 1016


async def test_transactions_are_removed_by_hash_or_by_their_bytes_with_what_builds_on_them(rpc: Rpc) -> None:
    first_one, second = rpc.world.transfer(), rpc.world.transfer(nonce=1)
    other = rpc.world.transfer(signer=BOB)
    for one in (first_one, second, other):
        await rpc.call("author_submitExtrinsic", one.encoded)
    named = [{"hash": hexed(first_one.hash)}, {"extrinsic": hexed(other.encoded)}, {"hash": "0x" + "00" * 32}]
    removed = await rpc.call("author_removeExtrinsic", named)
    assert sorted(removed) == sorted(hexed(one.hash) for one in (first_one, second, other))
    assert await rpc.call("author_pendingExtrinsics") == []


@pytest.mark.parametrize(
    "named", [{}, {"hash": "0x00"}, {"name": "0x00"}, {"hash": "0x" + "00" * 32, "extrinsic": "0x"}]
)
async def test_a_removal_must_name_one_transaction(rpc: Rpc, named: Any) -> None:
    assert (await rpc.refusal("author_removeExtrinsic", [named]))["code"] == -32602
