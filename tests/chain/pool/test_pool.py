"""The pool's rules as data in, data out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.pool import (
    Dropped,
    Future,
    Invalid,
    PoolError,
    PoolErrorReason,
    PoolLimits,
    PoolTransaction,
    Ready,
    StatusChange,
    TransactionPool,
    Usurped,
)


def tag(account: int, nonce: int) -> bytes:
    return bytes([account]) + nonce.to_bytes(4, "little")


def transaction(
    account: int = 1, nonce: int = 0, priority: int = 1, *, size: int = 100, till: int = 64, salt: int = 0
) -> PoolTransaction:
    identity = bytes([account, nonce, salt]) + priority.to_bytes(8, "little")
    return PoolTransaction(
        hash=identity.ljust(32, b"\0"),
        encoded=bytes(size),
        priority=priority,
        requires=(tag(account, nonce - 1),) if nonce else (),
        provides=(tag(account, nonce),),
        valid_till=till,
    )


def order(pool: TransactionPool) -> list[bytes]:
    return [one.hash for one in pool.ready()]


def test_a_transaction_without_missing_tags_is_ready_at_once() -> None:
    pool, one = TransactionPool(), transaction()
    assert pool.submit(one) == [StatusChange(one.hash, Ready())]
    assert order(pool) == [one.hash]
    assert one.hash in pool
    assert pool.get(one.hash) == one
    assert pool.ready_bytes == one.size


def test_a_gap_in_nonces_waits_and_closes_in_order() -> None:
    pool = TransactionPool()
    first, second, third = (transaction(nonce=n) for n in range(3))
    assert pool.submit(third) == [StatusChange(third.hash, Future())]
    assert pool.submit(second) == [StatusChange(second.hash, Future())]
    assert pool.futures() == (third, second)
    changes = pool.submit(first)
    assert [change.transaction for change in changes] == [first.hash, second.hash, third.hash]
    assert order(pool) == [first.hash, second.hash, third.hash]
    assert pool.futures() == ()


def test_a_required_tag_that_the_chain_provides_is_no_gap() -> None:
    pool, one = TransactionPool(), transaction(nonce=5)
    pool.submit(one, satisfied=one.requires)
    assert order(pool) == [one.hash]


def test_priority_orders_accounts_but_never_the_nonces_of_one() -> None:
    pool = TransactionPool()
    cheap, rich = transaction(1, 0, priority=1), transaction(1, 1, priority=99)
    other = transaction(2, 0, priority=50)
    for one in (cheap, rich, other):
        pool.submit(one)
    assert order(pool) == [other.hash, cheap.hash, rich.hash]


def test_equal_priorities_keep_their_arrival_order() -> None:
    pool = TransactionPool()
    all_of_them = [transaction(account) for account in range(1, 8)]
    for one in all_of_them:
        pool.submit(one)
    assert order(pool) == [one.hash for one in all_of_them]


def test_a_higher_priority_replaces_and_keeps_the_dependants() -> None:
    pool = TransactionPool()
    old, follower, new = transaction(priority=1), transaction(nonce=1), transaction(priority=2)
    pool.submit(old)
    pool.submit(follower)
    assert pool.submit(new) == [StatusChange(new.hash, Ready()), StatusChange(old.hash, Usurped(new.hash))]
    assert order(pool) == [new.hash, follower.hash]


def test_replacing_a_provider_of_more_tags_drops_who_relied_on_the_others() -> None:
    pool = TransactionPool()
    broad = PoolTransaction(b"b" * 32, b"x", 1, (), (tag(1, 0), tag(9, 0)), 64)
    relies = PoolTransaction(b"r" * 32, b"x", 1, (tag(9, 0),), (tag(9, 1),), 64)
    pool.submit(broad)
    pool.submit(relies)
    narrow = transaction(priority=5)
    changes = pool.submit(narrow)
    assert StatusChange(relies.hash, Dropped()) in changes
    assert order(pool) == [narrow.hash]


@pytest.mark.parametrize("priority", [1, 2])
def test_an_equal_or_lower_priority_does_not_replace(priority: int) -> None:
    pool, old = TransactionPool(), transaction(priority=2)
    pool.submit(old)
    with pytest.raises(PoolError) as refused:
        pool.submit(transaction(priority=priority, salt=1))
    assert refused.value.reason is PoolErrorReason.TOO_LOW_PRIORITY
    assert order(pool) == [old.hash]


def test_the_same_transaction_twice_is_refused() -> None:
    pool, one = TransactionPool(), transaction()
    pool.submit(one)
    with pytest.raises(PoolError) as refused:
        pool.submit(one)
    assert refused.value.reason is PoolErrorReason.ALREADY_IMPORTED
    assert "Already Imported" in str(refused.value)


def test_a_transaction_that_provides_nothing_is_refused() -> None:
    pool = TransactionPool()
    with pytest.raises(PoolError) as refused:
        pool.submit(PoolTransaction(b"n" * 32, b"x", 1, (), (), 64))
    assert refused.value.reason is PoolErrorReason.NO_TAGS
    assert len(pool) == 0


def test_a_transaction_that_requires_what_it_would_replace_is_a_cycle() -> None:
    pool = TransactionPool()
    pool.submit(transaction(priority=1))
    cyclic = PoolTransaction(b"c" * 32, b"x", 9, (tag(1, 0),), (tag(1, 0),), 64)
    with pytest.raises(PoolError) as refused:
        pool.submit(cyclic)
    assert refused.value.reason is PoolErrorReason.CYCLE
    assert len(pool) == 1


def test_a_promotion_that_would_be_a_cycle_is_dropped_instead() -> None:
    pool = TransactionPool()
    waits = PoolTransaction(b"w" * 32, b"x", 9, (tag(1, 0),), (tag(1, 0),), 64)
    assert pool.submit(waits) == [StatusChange(waits.hash, Future())]
    first = transaction()
    assert StatusChange(waits.hash, Dropped()) in pool.submit(first)
    assert order(pool) == [first.hash]


def test_a_full_pool_evicts_the_cheapest_and_refuses_what_pays_no_more() -> None:
    pool = TransactionPool(PoolLimits(ready_count=2))
    low, high = transaction(1, priority=1), transaction(2, priority=5)
    pool.submit(low)
    pool.submit(high)
    with pytest.raises(PoolError) as refused:
        pool.submit(transaction(3, priority=1))
    assert refused.value.reason is PoolErrorReason.IMMEDIATELY_DROPPED
    assert order(pool) == [high.hash, low.hash]
    middle = transaction(4, priority=3)
    assert StatusChange(low.hash, Dropped()) in pool.submit(middle)
    assert order(pool) == [high.hash, middle.hash]
    assert pool.is_banned(low.hash, 0)


def test_eviction_by_bytes_frees_enough_room() -> None:
    pool = TransactionPool(PoolLimits(ready_bytes=1000))
    for account in range(1, 5):
        pool.submit(transaction(account, priority=account, size=250))
    big = transaction(9, priority=9, size=600)
    pool.submit(big)
    assert pool.ready_bytes <= 1000
    assert big.hash in pool


def test_evicting_a_transaction_takes_its_dependants_along() -> None:
    pool = TransactionPool(PoolLimits(ready_count=2))
    base, child = transaction(1, 0, priority=1), transaction(1, 1, priority=100)
    pool.submit(base)
    pool.submit(child)
    changes = pool.submit(transaction(2, priority=50))
    assert {change.transaction for change in changes if change.status == Dropped()} == {base.hash, child.hash}


def test_a_replacement_in_a_full_pool_needs_no_other_room() -> None:
    pool = TransactionPool(PoolLimits(ready_count=1))
    pool.submit(transaction(priority=1))
    better = transaction(priority=2)
    pool.submit(better)
    assert order(pool) == [better.hash]


def test_a_replacement_too_large_for_the_rest_is_refused_unchanged() -> None:
    pool = TransactionPool(PoolLimits(ready_bytes=300))
    old, rich = transaction(1, priority=1), transaction(2, priority=50)
    pool.submit(old)
    pool.submit(rich)
    with pytest.raises(PoolError) as refused:
        pool.submit(transaction(1, priority=2, size=250))
    assert refused.value.reason is PoolErrorReason.IMMEDIATELY_DROPPED
    assert order(pool) == [rich.hash, old.hash]


def test_an_oversized_transaction_is_refused_by_either_queue() -> None:
    pool = TransactionPool(PoolLimits(ready_bytes=200, future_bytes=50))
    with pytest.raises(PoolError) as refused:
        pool.submit(transaction(size=201))
    assert refused.value.reason is PoolErrorReason.IMMEDIATELY_DROPPED
    with pytest.raises(PoolError) as refused:
        pool.submit(transaction(nonce=3, size=60))
    assert refused.value.reason is PoolErrorReason.FUTURE_REJECTED
    assert len(pool) == 0


def test_a_full_future_queue_forgets_its_oldest() -> None:
    pool = TransactionPool(PoolLimits(future_count=1))
    old, new = transaction(1, 5), transaction(2, 5)
    pool.submit(old)
    assert pool.submit(new) == [StatusChange(new.hash, Future()), StatusChange(old.hash, Dropped())]
    assert pool.futures() == (new,)


def test_an_included_transaction_leaves_without_a_status_and_its_rival_is_invalid() -> None:
    pool = TransactionPool()
    mine, theirs, next_one = transaction(1), transaction(2), transaction(2, 1)
    for one in (mine, theirs, next_one):
        pool.submit(one)
    foreign = transaction(2, salt=7)
    changes = pool.prune([mine.hash, foreign.hash], [tag(1, 0), tag(2, 0)])
    assert changes == [StatusChange(theirs.hash, Invalid())]
    assert order(pool) == [next_one.hash]


def test_pruning_promotes_what_waited_for_the_block() -> None:
    pool = TransactionPool()
    waits = transaction(nonce=1)
    pool.submit(waits)
    assert pool.prune([], [tag(1, 0)]) == [StatusChange(waits.hash, Ready())]


def test_a_waiting_transaction_that_is_included_elsewhere_leaves_the_future_queue() -> None:
    pool = TransactionPool()
    waits = transaction(nonce=1)
    pool.submit(waits)
    assert pool.prune([waits.hash], waits.provides) == []
    assert len(pool) == 0


def test_an_invalid_transaction_is_banned_and_its_dependants_only_removed() -> None:
    pool = TransactionPool(PoolLimits(ban_ms=1000))
    base, child = transaction(), transaction(nonce=1)
    pool.submit(base)
    pool.submit(child)
    changes = pool.remove_invalid([base.hash, b"unknown"], now=10)
    assert changes == [StatusChange(base.hash, Invalid()), StatusChange(child.hash, Invalid())]
    with pytest.raises(PoolError) as refused:
        pool.submit(base, now=500)
    assert refused.value.reason is PoolErrorReason.TEMPORARILY_BANNED
    assert not pool.is_banned(child.hash, 10)
    pool.submit(base, now=1010)
    assert order(pool) == [base.hash]


def test_bans_are_bounded_and_the_oldest_is_forgotten() -> None:
    pool = TransactionPool(PoolLimits(banned_count=2))
    several = [transaction(account) for account in range(1, 4)]
    for one in several:
        pool.submit(one)
        pool.remove_invalid([one.hash], now=0)
    assert [pool.is_banned(one.hash, 1) for one in several] == [False, True, True]


def test_an_expired_transaction_leaves_either_queue() -> None:
    pool = TransactionPool()
    short, waits, long = transaction(1, till=10), transaction(2, 4, till=10), transaction(3, till=20)
    for one in (short, waits, long):
        pool.submit(one)
    assert pool.expire(10, now=0) == []
    assert pool.expire(11, now=0) == [
        StatusChange(short.hash, Invalid()),
        StatusChange(waits.hash, Invalid()),
    ]
    assert order(pool) == [long.hash]


operations = st.lists(
    st.tuples(
        st.sampled_from(["submit", "prune", "invalid", "expire"]),
        st.integers(1, 4),
        st.integers(0, 4),
        st.integers(1, 6),
    ),
    max_size=60,
)


@given(operations)
def test_whatever_happens_the_pool_stays_consistent(steps: list[tuple[str, int, int, int]]) -> None:
    pool = TransactionPool(PoolLimits(ready_count=6, future_count=3, ban_ms=0))
    for now, (what, account, nonce, priority) in enumerate(steps):
        one = transaction(account, nonce, priority, till=now + 20)
        before = order(pool)
        try:
            if what == "submit":
                pool.submit(one, now=now)
            elif what == "prune":
                pool.prune([one.hash], one.provides)
            elif what == "invalid":
                pool.remove_invalid([one.hash], now)
            else:
                pool.expire(now, now)
        except PoolError:
            assert order(pool) == before
        listed = order(pool)
        assert len(listed) == pool.ready_count <= 6
        assert len(pool.futures()) <= 3
        assert pool.ready_bytes == 100 * len(listed)
        provided: list[bytes] = []
        for entry in listed:
            found = pool.get(entry)
            assert found is not None
            provided += found.provides
        assert len(provided) == len(set(provided))
