"""Ready and future queues, replacement by priority, limits, eviction, bans and pruning."""

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from chain.pool.limits import PoolLimits
from chain.pool.status import (
    Dropped,
    Future,
    Invalid,
    PoolError,
    PoolErrorReason,
    Ready,
    StatusChange,
    Usurped,
)
from chain.pool.transaction import PoolTransaction

_EvictionKey = tuple[int, bool, int, bytes]
"""Priority, whether it was submitted here, minus its arrival number, hash: the least is evicted first."""


class TransactionPool:
    """Transactions that wait for a block.

    A transaction is *ready* when each tag it requires is provided by a ready transaction or by the chain, and
    *future* otherwise. `now` is milliseconds on any monotonic clock, given by the caller.
    """

    def __init__(self, limits: PoolLimits | None = None) -> None:
        self._limits = limits or PoolLimits()
        self._ready: dict[bytes, PoolTransaction] = {}
        self._future: OrderedDict[bytes, PoolTransaction] = OrderedDict()
        self._provider: dict[bytes, bytes] = {}
        self._waiting: dict[bytes, dict[bytes, None]] = {}
        self._dependants: dict[bytes, dict[bytes, None]] = {}
        self._banned: OrderedDict[bytes, int] = OrderedDict()
        self._order: dict[bytes, int] = {}
        self._arrivals = 0
        self._ready_bytes = 0
        self._future_bytes = 0
        self._cheapest: list[_EvictionKey] = []

    # -- looking ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._ready) + len(self._future)

    def __contains__(self, transaction: bytes) -> bool:
        return transaction in self._ready or transaction in self._future

    def get(self, transaction: bytes) -> PoolTransaction | None:
        """The pooled transaction of that hash, ready or future, or None."""
        return self._ready.get(transaction) or self._future.get(transaction)

    @property
    def ready_count(self) -> int:
        """How many transactions could be included now."""
        return len(self._ready)

    @property
    def ready_bytes(self) -> int:
        """Their encoded size."""
        return self._ready_bytes

    def futures(self) -> tuple[PoolTransaction, ...]:
        """The waiting transactions, oldest first."""
        return tuple(self._future.values())

    def provides(self, tag: bytes) -> bool:
        """Whether a ready transaction provides `tag`."""
        return tag in self._provider

    def is_banned(self, transaction: bytes, now: int) -> bool:
        """Whether the hash was found invalid or dropped less than `ban_ms` ago."""
        until = self._banned.get(transaction)
        return until is not None and until > now

    def ready(self) -> Iterator[PoolTransaction]:
        """Ready transactions, each after those it requires; otherwise highest priority, then first come."""
        missing: dict[bytes, int] = {}
        heap: list[tuple[int, int, bytes]] = []

        def offer(transaction: PoolTransaction) -> None:
            key = (-transaction.priority, self._order[transaction.hash], transaction.hash)
            heapq.heappush(heap, key)

        for transaction in self._ready.values():
            missing[transaction.hash] = sum(tag in self._provider for tag in transaction.requires)
            if missing[transaction.hash] == 0:
                offer(transaction)
        while heap:
            transaction = self._ready[heapq.heappop(heap)[2]]
            yield transaction
            for tag in transaction.provides:
                for dependant in self._dependants.get(tag, ()):
                    missing[dependant] -= 1
                    if missing[dependant] == 0:
                        offer(self._ready[dependant])

    # -- entering -----------------------------------------------------------------------------------------

    def submit(
        self, transaction: PoolTransaction, *, satisfied: Iterable[bytes] = (), now: int = 0
    ) -> list[StatusChange]:
        """Take a validated transaction in; returns every status that changed, its own first.

        `satisfied` are required tags that the chain's state already provides. Raises `PoolError`; the pool is
        then as it was.
        """
        self._check_admissible(transaction, now)
        given = frozenset(satisfied)
        missing = [tag for tag in transaction.requires if tag not in self._provider and tag not in given]
        if missing:
            return self._enter_future(transaction, missing)
        self._check_room(transaction)
        changes = self._enter_ready(transaction)
        changes += self._promote(transaction.provides)
        return changes + self._evict(now)

    def _check_admissible(self, transaction: PoolTransaction, now: int) -> None:
        if transaction.hash in self:
            raise PoolError(PoolErrorReason.ALREADY_IMPORTED, f"0x{transaction.hash.hex()}")
        if self.is_banned(transaction.hash, now):
            seconds = (self._banned[transaction.hash] - now + 999) // 1000
            raise PoolError(PoolErrorReason.TEMPORARILY_BANNED, f"try again in {seconds} s")
        if not transaction.provides:
            raise PoolError(PoolErrorReason.NO_TAGS)
        if transaction.size > self._limits.ready_bytes:
            detail = f"{transaction.size} bytes, the pool holds {self._limits.ready_bytes}"
            raise PoolError(PoolErrorReason.IMMEDIATELY_DROPPED, detail)

    def _enter_future(self, transaction: PoolTransaction, missing: list[bytes]) -> list[StatusChange]:
        if transaction.size > self._limits.future_bytes:
            detail = f"{transaction.size} bytes, the future queue holds {self._limits.future_bytes}"
            raise PoolError(PoolErrorReason.FUTURE_REJECTED, detail)
        self._future[transaction.hash] = transaction
        self._future_bytes += transaction.size
        for tag in missing:
            self._waiting.setdefault(tag, {})[transaction.hash] = None
        changes = [StatusChange(transaction.hash, Future())]
        while len(self._future) > self._limits.future_count or self._future_bytes > self._limits.future_bytes:
            oldest = next(iter(self._future))
            self._leave_future(oldest)
            changes.append(StatusChange(oldest, Dropped()))
        return changes

    def _enter_ready(self, transaction: PoolTransaction) -> list[StatusChange]:
        rivals = {self._provider[tag]: None for tag in transaction.provides if tag in self._provider}
        for rival in rivals:
            if self._ready[rival].priority >= transaction.priority:
                detail = f"{transaction.priority} does not exceed {self._ready[rival].priority}"
                raise PoolError(PoolErrorReason.TOO_LOW_PRIORITY, detail)
            if any(tag in self._ready[rival].provides for tag in transaction.requires):
                raise PoolError(PoolErrorReason.CYCLE, "it requires what it would replace")
        changes = [StatusChange(transaction.hash, Ready())]
        for rival in rivals:
            changes += self._replace(rival, transaction)
        self._arrivals += 1
        self._order[transaction.hash] = self._arrivals
        self._ready[transaction.hash] = transaction
        self._ready_bytes += transaction.size
        key = (transaction.priority, transaction.local, -self._arrivals, transaction.hash)
        heapq.heappush(self._cheapest, key)
        for tag in transaction.provides:
            self._provider[tag] = transaction.hash
        for tag in transaction.requires:
            self._dependants.setdefault(tag, {})[transaction.hash] = None
        return changes

    def _replace(self, rival: bytes, by: PoolTransaction) -> list[StatusChange]:
        """Remove `rival`; what depended on tags that `by` does not provide loses its ground and goes too."""
        lost = [tag for tag in self._ready[rival].provides if tag not in by.provides]
        self._leave_ready(rival)
        changes = [StatusChange(rival, Usurped(by.hash))]
        for tag in lost:
            for dependant in list(self._dependants.get(tag, ())):
                changes += self._remove_with_dependants(dependant, Dropped())
        return changes

    def _promote(self, provided: Iterable[bytes]) -> list[StatusChange]:
        """Move to ready what waited for `provided`, and what waited for that, and so on."""
        changes: list[StatusChange] = []
        pending = list(provided)
        while pending:
            for waiter in list(self._waiting.pop(pending.pop(), ())):
                if waiter not in self._future or self._is_waiting(waiter):
                    continue
                transaction = self._leave_future(waiter)
                try:
                    changes += self._enter_ready(transaction)
                except PoolError:
                    changes.append(StatusChange(waiter, Dropped()))
                else:
                    pending += transaction.provides
        return changes

    def _is_waiting(self, waiter: bytes) -> bool:
        return any(waiter in self._waiting.get(tag, ()) for tag in self._future[waiter].requires)

    def _check_room(self, transaction: PoolTransaction) -> None:
        """Refuse what would have to push out transactions that pay at least as much."""
        rivals = {self._provider[tag]: None for tag in transaction.provides if tag in self._provider}
        count = len(self._ready) + 1 - len(rivals)
        size = self._ready_bytes + transaction.size - sum(self._ready[rival].size for rival in rivals)
        if count <= self._limits.ready_count and size <= self._limits.ready_bytes:
            return
        others = [one.priority for one in self._ready.values() if one.hash not in rivals] if rivals else []
        cheapest = min(others, default=None) if rivals else self._cheapest[0][0]
        if cheapest is not None and cheapest < transaction.priority:
            return
        detail = f"the pool is full and priority {transaction.priority} is its lowest"
        raise PoolError(PoolErrorReason.IMMEDIATELY_DROPPED, detail)

    def _evict(self, now: int) -> list[StatusChange]:
        """Drop the cheapest (of equals remote ones, then the youngest) until the ready queue fits."""
        changes: list[StatusChange] = []
        while len(self._ready) > self._limits.ready_count or self._ready_bytes > self._limits.ready_bytes:
            worst = self._cheapest[0][3]
            self._ban(worst, now)
            changes += self._remove_with_dependants(worst, Dropped())
        return changes

    def _settle_cheapest(self) -> None:
        """Keep a live transaction on top of the eviction heap, and its dead entries few."""
        heap = self._cheapest
        while heap and self._order.get(heap[0][3]) != -heap[0][2]:
            heapq.heappop(heap)
        if len(heap) > 2 * len(self._ready) + 64:
            self._cheapest = [key for key in heap if self._order.get(key[3]) == -key[2]]
            heapq.heapify(self._cheapest)

    # -- leaving ------------------------------------------------------------------------------------------

    def remove_invalid(self, transactions: Iterable[bytes], now: int) -> list[StatusChange]:
        """Remove and ban these; what depended on them goes as well (unbanned: it may become valid again)."""
        changes: list[StatusChange] = []
        for transaction in transactions:
            if transaction not in self:
                continue
            self._ban(transaction, now)
            changes += self._remove_with_dependants(transaction, Invalid())
        return changes

    def prune(self, included: Iterable[bytes], provided: Iterable[bytes], now: int = 0) -> list[StatusChange]:
        """A block arrived: remove what it `included` and whatever provides the same tags; promote the rest.

        `provided` are the tags of the included transactions, also of those this pool never saw. Inclusion
        itself is no status of the pool: the caller knows the block.
        """
        for transaction in included:
            if transaction in self._ready:
                self._leave_ready(transaction)
            elif transaction in self._future:
                self._leave_future(transaction)
        changes: list[StatusChange] = []
        tags = list(provided)
        for tag in tags:
            rival = self._provider.get(tag)
            if rival is not None:
                self._leave_ready(rival)
                changes.append(StatusChange(rival, Invalid()))
        changes += self._promote(tags)
        return changes + self._evict(now)

    def expire(self, number: int, now: int) -> list[StatusChange]:
        """Remove what is no longer valid at block `number`."""
        everything = [*self._ready.values(), *self._future.values()]
        return self.remove_invalid([one.hash for one in everything if one.valid_till < number], now)

    def _remove_with_dependants(self, transaction: bytes, status: Invalid | Dropped) -> list[StatusChange]:
        changes: list[StatusChange] = []
        pending = [transaction]
        while pending:
            current = pending.pop()
            if current in self._future:
                self._leave_future(current)
            elif current in self._ready:
                for tag in self._ready[current].provides:
                    pending += self._dependants.get(tag, ())
                self._leave_ready(current)
            else:
                continue
            changes.append(StatusChange(current, status))
        return changes

    def _leave_ready(self, transaction: bytes) -> PoolTransaction:
        gone = self._ready.pop(transaction)
        self._ready_bytes -= gone.size
        del self._order[transaction]
        for tag in gone.provides:
            del self._provider[tag]
        _forget(self._dependants, gone)
        self._settle_cheapest()
        return gone

    def _leave_future(self, transaction: bytes) -> PoolTransaction:
        gone = self._future.pop(transaction)
        self._future_bytes -= gone.size
        _forget(self._waiting, gone)
        return gone

    def _ban(self, transaction: bytes, now: int) -> None:
        self._banned[transaction] = now + self._limits.ban_ms
        self._banned.move_to_end(transaction)
        while len(self._banned) > self._limits.banned_count:
            self._banned.popitem(last=False)


def _forget(index: dict[bytes, dict[bytes, None]], transaction: PoolTransaction) -> None:
    """Take the transaction out of an index by required tag."""
    for tag in transaction.requires:
        entries = index.get(tag)
        if entries is not None:
            entries.pop(transaction.hash, None)
            if not entries:
                del index[tag]
