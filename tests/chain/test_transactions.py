"""The pool at work over a real chain: verdicts, statuses, following the head."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chain.authoring import Authored
from chain.notifications import block_imported
from chain.pool import (
    Dropped,
    Future,
    Invalid,
    PoolError,
    PoolErrorReason,
    PoolLimits,
    Ready,
    Retracted,
    Usurped,
)
from chain.transactions import (
    MAX_EXTRINSIC_BYTES,
    MAX_WAITING_STATUSES,
    Finalized,
    InBlock,
    Transactions,
    TransactionStatus,
)
from runtime.frame.errors import InvalidTransaction, TransactionKind
from tests.chain.chains import ALICE, BOB, RUNTIME, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pool(world: World) -> Transactions:
    return Transactions(world.store, RUNTIME, lambda: 0)


def announce(world: World, pool: Transactions, authored: Authored) -> None:
    """What the node does with a new block: tell the pool."""
    pool.block_imported(block_imported(world.store, authored.stored))


async def taken(statuses: AsyncIterator[TransactionStatus], count: int) -> list[TransactionStatus]:
    return [await asyncio.wait_for(anext(statuses), 1) for _ in range(count)]


async def test_a_valid_transaction_is_ready_and_the_next_nonce_counts_it(
    world: World, pool: Transactions
) -> None:
    one = world.transfer()
    assert await pool.submit(one.encoded) == one.hash
    assert [pooled.hash for pooled in pool.pending()] == [one.hash]
    assert pool.next_nonce(ALICE.public) == 1
    assert pool.next_nonce(BOB.public) == 0
    pooled = pool.get(one.hash)
    assert pooled is not None
    assert pooled.encoded == one.encoded


async def test_a_transaction_is_followed_from_ready_to_final(world: World, pool: Transactions) -> None:
    one = world.transfer()
    _, statuses = await pool.watch(one.encoded)
    authored = world.build(one)
    announce(world, pool, authored)
    world.finalise(authored)
    pool.block_finalised(world.finalised[0])
    block = authored.stored.hash
    assert [status async for status in statuses] == [Ready(), InBlock(block, 1), Finalized(block, 1)]
    assert pool.pending() == []


async def test_a_gap_is_future_until_it_is_filled(world: World, pool: Transactions) -> None:
    _, statuses = await pool.watch(world.transfer(nonce=1).encoded)
    await pool.submit(world.transfer(nonce=0).encoded)
    assert await taken(statuses, 2) == [Future(), Ready()]
    assert pool.next_nonce(ALICE.public) == 2


async def test_a_higher_tip_usurps(world: World, pool: Transactions) -> None:
    cheap, dear = world.transfer(), world.transfer(tip=10**12)
    _, statuses = await pool.watch(cheap.encoded)
    await pool.submit(dear.encoded)
    assert [status async for status in statuses] == [Ready(), Usurped(dear.hash)]


async def test_an_invalid_transaction_is_refused_and_leaves_nothing(world: World, pool: Transactions) -> None:
    world.build(world.transfer())
    with pytest.raises(InvalidTransaction) as refused:
        await pool.watch(world.transfer().encoded)
    assert refused.value.kind is TransactionKind.STALE
    assert pool.pending() == []
    # A second refusal must not find a trace of the first watcher.
    with pytest.raises(InvalidTransaction):
        await pool.watch(world.transfer().encoded)


@pytest.mark.parametrize("garbage", [b"", b"\0", b"\x04\x00", b"\xff" * 40])
async def test_garbage_is_refused_as_no_transaction(pool: Transactions, garbage: bytes) -> None:
    with pytest.raises(InvalidTransaction):
        await pool.submit(garbage)


async def test_an_oversized_extrinsic_is_refused_before_it_is_decoded(pool: Transactions) -> None:
    with pytest.raises(PoolError) as refused:
        await pool.submit(bytes(MAX_EXTRINSIC_BYTES + 1))
    assert refused.value.reason is PoolErrorReason.IMMEDIATELY_DROPPED


async def test_a_second_submission_is_already_imported(world: World, pool: Transactions) -> None:
    one = world.transfer()
    await pool.submit(one.encoded)
    with pytest.raises(PoolError) as refused:
        await pool.submit(one.encoded)
    assert refused.value.reason is PoolErrorReason.ALREADY_IMPORTED


async def test_a_removed_transaction_is_banned(world: World, pool: Transactions) -> None:
    one = world.transfer()
    _, statuses = await pool.watch(one.encoded)
    assert pool.remove([one.hash]) == [one.hash]
    assert [status async for status in statuses] == [Ready(), Invalid()]
    with pytest.raises(PoolError) as refused:
        await pool.submit(one.encoded)
    assert refused.value.reason is PoolErrorReason.TEMPORARILY_BANNED


async def test_a_full_pool_drops_the_cheapest(world: World) -> None:
    pool = Transactions(world.store, RUNTIME, lambda: 0, PoolLimits(ready_count=1))
    _, statuses = await pool.watch(world.transfer().encoded)
    await pool.submit(world.transfer(signer=BOB, tip=10**12).encoded)
    assert [status async for status in statuses] == [Ready(), Dropped()]


async def test_a_foreign_block_prunes_what_used_the_same_nonce(world: World, pool: Transactions) -> None:
    mine = world.transfer()
    waiting = world.transfer(nonce=1)
    _, statuses = await pool.watch(mine.encoded)
    await pool.submit(waiting.encoded)
    announce(world, pool, world.build(world.remark(b"the same nonce")))
    assert [status async for status in statuses] == [Ready(), Invalid()]
    assert [pooled.hash for pooled in pool.pending()] == [waiting.hash]


async def test_what_an_account_can_no_longer_pay_leaves_after_the_block(
    world: World, pool: Transactions
) -> None:
    expensive = world.transfer(tip=600_000 * 10**12, nonce=1)
    await pool.submit(expensive.encoded)
    await pool.submit(world.transfer(signer=BOB).encoded)
    assert pool.get(expensive.hash) is not None
    announce(world, pool, world.build(world.transfer(amount=700_000 * 10**12)))
    assert pool.get(expensive.hash) is None


async def test_a_retracted_transaction_returns_to_the_pool(world: World, pool: Transactions) -> None:
    one = world.transfer()
    _, statuses = await pool.watch(one.encoded)
    lost = world.build(one)
    announce(world, pool, lost)
    winner = World()
    for _ in range(3):
        block = winner.received(winner.build().stored.hash)
        stored = world.importer.import_block(block, world.now() + 10**6)
        pool.block_imported(block_imported(world.store, stored))
    assert world.store.best().hash == winner.store.best().hash
    seen = await taken(statuses, 4)
    assert seen == [Ready(), InBlock(lost.stored.hash, 1), Retracted(lost.stored.hash), Ready()]
    assert pool.get(one.hash) is not None


async def test_a_slow_watcher_keeps_the_newest_statuses(world: World, pool: Transactions) -> None:
    one = world.transfer()
    _, statuses = await pool.watch(one.encoded)
    for _ in range(MAX_WAITING_STATUSES):
        pool._notify(one.hash, InBlock(b"b" * 32, 0))
    pool._notify(one.hash, Finalized(b"f" * 32, 0))
    seen = [status async for status in statuses]
    assert len(seen) == MAX_WAITING_STATUSES
    assert seen[-1] == Finalized(b"f" * 32, 0)


async def test_who_waits_for_ready_transactions_is_told(world: World, pool: Transactions) -> None:
    calls: list[int] = []
    pool.when_ready(lambda: calls.append(1))
    await pool.submit(world.transfer(nonce=1).encoded)
    assert calls == []
    await pool.submit(world.transfer(nonce=0).encoded)
    assert calls == [1]
