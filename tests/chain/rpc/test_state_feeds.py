"""`state_subscribe*` through the dispatcher: first everything, then what changed, forks included."""

from pathlib import Path

import pytest

from chain.rpc import state_feeds
from chain.rpc.follow import Head
from chain.rpc.state_feeds import FollowedKeys
from runtime.pallets.system import System
from tests.chain.chains import ALICE, BOB
from tests.chain.rpc.support import Rpc, first, hexed, silent

NUMBER = System.number.key()
ALICE_KEY = System.account.key(ALICE.public)
BOB_KEY = System.account.key(BOB.public)
NOBODY = System.account.key(bytes(32))


def value_at(rpc: Rpc, key: bytes, block: bytes) -> str | None:
    value = rpc.store.state_at(block).get(key)
    return None if value is None else hexed(value)


async def test_the_first_values_are_all_and_later_ones_only_what_changed(rpc: Rpc) -> None:
    feed = await rpc.subscribe("state_subscribeStorage", [hexed(ALICE_KEY), hexed(NOBODY)])
    genesis = rpc.store.genesis_hash
    expected = [[hexed(ALICE_KEY), value_at(rpc, ALICE_KEY, genesis)], [hexed(NOBODY), None]]
    assert await first(feed) == {"block": hexed(genesis), "changes": expected}
    rpc.build()
    built = rpc.build(rpc.world.transfer())
    changed = [[hexed(ALICE_KEY), value_at(rpc, ALICE_KEY, built.stored.hash)]]
    assert await first(feed) == {"block": hexed(built.stored.hash), "changes": changed}
    rpc.build()
    assert await silent(feed)
    assert len(rpc.notifications.best) == 0


async def test_a_block_written_before_and_announced_after_is_not_told_again(rpc: Rpc) -> None:
    early, late = rpc.world.build(), rpc.world.build()
    feed = await rpc.subscribe("state_subscribeStorage", [hexed(NUMBER)])
    assert (await first(feed))["changes"] == [[hexed(NUMBER), "0x02000000"]]
    rpc.announce(early)
    rpc.announce(late)
    rpc.build()
    assert (await first(feed))["changes"] == [[hexed(NUMBER), "0x03000000"]]


async def test_another_branch_is_compared_in_full(rpc: Rpc, tmp_path: Path) -> None:
    other = Rpc(tmp_path / "other")
    feed = await rpc.subscribe("state_subscribeStorage", [hexed(ALICE_KEY), hexed(BOB_KEY)])
    assert len((await first(feed))["changes"]) == 2
    rpc.build(rpc.world.transfer())
    assert len((await first(feed))["changes"]) == 2
    # The other branch never touches Alice: what her account was before must be told again.
    forks = [other.build(other.world.remark(b"fork", signer=BOB)), *(other.build() for _ in range(3))]
    for fork in forks:
        rpc.import_stored(rpc.world.importer.import_block(other.world.received(fork.stored.hash), 10**15))
    best = rpc.store.best().hash
    assert best == forks[-1].stored.hash
    told = {}
    while set(told) != {hexed(ALICE_KEY), hexed(BOB_KEY)}:
        told |= dict((await first(feed))["changes"])
    assert told == {hexed(key): value_at(rpc, key, best) for key in (ALICE_KEY, BOB_KEY)}
    assert told[hexed(ALICE_KEY)] == value_at(rpc, ALICE_KEY, rpc.store.genesis_hash)
    other.dispatcher.close()


async def test_after_a_head_that_is_gone_the_next_is_compared_in_full(rpc: Rpc) -> None:
    followed = FollowedKeys(rpc.store, [NUMBER, ALICE_KEY])
    header = rpc.store.header(rpc.store.genesis_hash)
    assert set(await followed.at(Head(rpc.store.genesis_hash, header, None))) == {NUMBER, ALICE_KEY}
    built = rpc.build(rpc.world.transfer())
    assert await followed.at(Head(b"\7" * 32, header, None)) == {}
    # Only the number is in the changes, but Alice's account differs from what was told as well.
    head = Head(built.stored.hash, rpc.store.header(built.stored.hash), {NUMBER: b"\1\0\0\0"})
    assert set(await followed.at(head)) == {NUMBER, ALICE_KEY}


async def test_no_keys_give_one_empty_notification(rpc: Rpc) -> None:
    feed = await rpc.subscribe("state_subscribeStorage", [])
    assert (await first(feed))["changes"] == []
    rpc.build()
    assert await silent(feed)


async def test_keys_must_be_named_and_few(rpc: Rpc) -> None:
    assert (await rpc.refusal("state_subscribeStorage"))["code"] == -32602
    many = ["0x00"] * (state_feeds.MAX_FOLLOWED_KEYS + 1)
    assert (await rpc.refusal("state_subscribeStorage", many))["code"] == -32602
    assert not rpc.streams.open


@pytest.mark.parametrize("name", ["state_subscribeRuntimeVersion", "chain_subscribeRuntimeVersion"])
async def test_the_runtime_version_is_told_once_while_it_stays(rpc: Rpc, name: str) -> None:
    feed = await rpc.subscribe(name)
    assert (await first(feed))["specName"] == "fixpoint"
    rpc.build()
    assert await silent(feed)


async def test_feeds_end_when_the_node_stops(rpc: Rpc) -> None:
    feed = await rpc.subscribe("state_subscribeStorage", [hexed(NUMBER)])
    await first(feed)
    rpc.notifications.close()
    with pytest.raises(StopAsyncIteration):
        await first(feed)
