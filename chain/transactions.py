"""The transaction pool at work: verdicts from the runtime in, statuses to whoever watches out.

Lives on the event loop's thread. The rules are the pool's (`chain.pool`); here stands what needs a state, a
clock and listeners.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from chain.finalising import BlockFinalised
from chain.logs import Log
from chain.notifications import BlockImported
from chain.pool import (
    Broadcast,
    Dropped,
    Future,
    Invalid,
    PoolError,
    PoolErrorReason,
    PoolLimits,
    PoolTransaction,
    Ready,
    Retracted,
    StatusChange,
    TransactionPool,
    Usurped,
)
from chain.store import Store
from runtime.executive import Runtime
from runtime.frame.errors import InvalidTransaction
from runtime.pallets.system import System
from runtime.pallets.system.extensions import CheckNonce, nonce_tag
from runtime.primitives.extrinsic import InvalidExtrinsic
from runtime.primitives.hashing import blake2_256
from runtime.primitives.scale import InvalidScale

MAX_EXTRINSIC_BYTES = 4 * 1024 * 1024
"""Above what the runtime's normal share of a block's length (3.75 MiB) can take."""
MAX_WATCHED = 16_384
"""Transactions watched at once, over all connections; each holds a few small statuses."""
MAX_WAITING_STATUSES = 64
"""Statuses a watcher may be behind; a transaction's whole life has about five."""
REVALIDATED_PER_BLOCK = 128
"""Ready transactions checked again after each block, in turn: about 30 ms, so that no block waits for it."""

log = Log("pool")


@dataclass(frozen=True, slots=True)
class InBlock:
    """Included in this block, at this index."""

    block: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Finalized:
    """Its block, at this index, is final."""

    block: bytes
    index: int


TransactionStatus = Future | Ready | Broadcast | Retracted | Usurped | Dropped | Invalid | InBlock | Finalized
_LAST = (Usurped, Dropped, Invalid, Finalized)


class Statuses(AsyncIterator[TransactionStatus]):
    """What one watcher hears, up to a last status. Closing it stops watching, whether or not it was read."""

    def __init__(self, queue: asyncio.Queue[TransactionStatus], stop: Callable[[], None]) -> None:
        self._queue = queue
        self._stop = stop
        self._ended = False

    async def __anext__(self) -> TransactionStatus:
        if self._ended:
            raise StopAsyncIteration
        status = await self._queue.get()
        if isinstance(status, _LAST):
            await self.aclose()
        return status

    async def aclose(self) -> None:
        """Stop watching."""
        self._ended = True
        self._stop()


class Transactions:
    """What RPC and authoring see of the pool. `now_ms` is any monotonic clock in milliseconds."""

    def __init__(
        self, store: Store, runtime: Runtime, now_ms: Callable[[], int], limits: PoolLimits | None = None
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._now = now_ms
        self.pool = TransactionPool(limits)
        self._watchers: dict[bytes, list[asyncio.Queue[TransactionStatus]]] = {}
        self._on_ready: list[Callable[[], None]] = []
        self._on_added: list[Callable[[PoolTransaction], None]] = []
        self._revalidation: deque[bytes] = deque()

    def when_added(self, notify: Callable[[PoolTransaction], None]) -> None:
        """Call `notify` with each transaction that enters the pool, from wherever: for gossip."""
        self._on_added.append(notify)

    def when_ready(self, notify: Callable[[], None]) -> None:
        """Call `notify` whenever a transaction becomes ready: for instant sealing."""
        self._on_ready.append(notify)

    async def submit(self, extrinsic: bytes, *, local: bool = True) -> bytes:
        """Validate on the best state and take into the pool; the answer is the hash.

        Raises `InvalidTransaction` or `PoolError`; nothing changed then.
        """
        # One turn of the loop for everybody else: a batch of submissions must not silence the node.
        await asyncio.sleep(0)
        return self.submit_now(extrinsic, local=local)

    async def watch(self, extrinsic: bytes) -> tuple[bytes, Statuses]:
        """Submit, then follow: statuses until the transaction is final or gone. Raises as `submit`."""
        if len(self._watchers) >= MAX_WATCHED:
            raise PoolError(PoolErrorReason.IMMEDIATELY_DROPPED, f"{MAX_WATCHED} transactions are watched")
        transaction = blake2_256(extrinsic)
        queue: asyncio.Queue[TransactionStatus] = asyncio.Queue(MAX_WAITING_STATUSES)
        self._watchers.setdefault(transaction, []).append(queue)
        try:
            await self.submit(extrinsic)
        except BaseException:
            self._unwatch(transaction, queue)
            raise
        return transaction, Statuses(queue, lambda: self._unwatch(transaction, queue))

    def pending(self) -> list[PoolTransaction]:
        """The ready transactions, in the order in which a block would take them."""
        return list(self.pool.ready())

    def get(self, transaction: bytes) -> PoolTransaction | None:
        """The pooled transaction of that hash."""
        return self.pool.get(transaction)

    def remove(self, hashes: Iterable[bytes]) -> list[bytes]:
        """Remove and ban; the answer is what was there, dependants included."""
        changes = self.pool.remove_invalid(hashes, self._now())
        self._tell(changes)
        return [change.transaction for change in changes]

    def next_nonce(self, account: bytes) -> int:
        """The nonce for the account's next transaction: the state's, plus those in the ready queue."""
        state = self._store.state_at(self._store.best().hash)
        nonce: int = self._runtime.view(state).pallet(System).account.get(account).nonce
        while self.pool.provides(nonce_tag(account, nonce)):
            nonce += 1
        return nonce

    def block_imported(self, block: BlockImported) -> None:
        """Follow the chain's head: return what was retracted, drop what was included, check the rest anew."""
        if block.route is None:
            return
        for retracted in block.route.retracted:
            self._return(retracted, block.returned.get(retracted, ()))
        for enacted in block.route.enacted:
            self._include(enacted)
        now = self._now()
        self._tell(self.pool.expire(block.header.number + 1, now))
        self._revalidate()

    def block_finalised(self, event: BlockFinalised) -> None:
        """Tell the watchers of everything in newly final blocks."""
        if not self._watchers:
            return
        for block in event.result.enacted:
            for index, extrinsic in enumerate(self._store.body(block) or ()):
                self._notify(blake2_256(extrinsic), Finalized(block, index))

    def submit_now(self, extrinsic: bytes, *, local: bool = True) -> bytes:
        """As `submit`, at once."""
        if len(extrinsic) > MAX_EXTRINSIC_BYTES:
            detail = f"{len(extrinsic)} bytes, at most {MAX_EXTRINSIC_BYTES}"
            raise PoolError(PoolErrorReason.IMMEDIATELY_DROPPED, detail)
        transaction = blake2_256(extrinsic)
        now = self._now()
        if self.pool.is_banned(transaction, now):
            raise PoolError(PoolErrorReason.TEMPORARILY_BANNED)
        if transaction in self.pool:
            raise PoolError(PoolErrorReason.ALREADY_IMPORTED, f"0x{transaction.hex()}")
        validated = self._validated(extrinsic, transaction, local)
        changes = self.pool.submit(validated, now=now)
        self._tell(changes)
        for hear in self._on_added:
            hear(validated)
        if any(isinstance(change.status, Ready) for change in changes):
            for notify in self._on_ready:
                notify()
        return transaction

    def _validated(self, extrinsic: bytes, transaction: bytes, local: bool) -> PoolTransaction:
        best = self._store.best()
        verdict = self._runtime.validate_transaction(extrinsic, self._store.state_at(best.hash), best.hash)
        return PoolTransaction(
            transaction,
            extrinsic,
            verdict.priority,
            tuple(verdict.requires),
            tuple(verdict.provides),
            best.number + verdict.longevity,
            verdict.propagate,
            local,
        )

    def _return(self, block: bytes, body: tuple[bytes, ...]) -> None:
        """The transactions of a block that left the best chain go back into the pool, where still valid."""
        for extrinsic in body:
            transaction = blake2_256(extrinsic)
            self._notify(transaction, Retracted(block))
            try:
                self.submit_now(extrinsic, local=False)
            except (InvalidTransaction, PoolError) as refused:
                log.debug("Retracted transaction not returned", hash=transaction, why=refused)

    def _include(self, block: bytes) -> None:
        hashes: list[bytes] = []
        tags: list[bytes] = []
        for index, extrinsic in enumerate(self._store.body(block) or ()):
            transaction = blake2_256(extrinsic)
            pooled = self.pool.get(transaction)
            tags += self._tags(extrinsic) if pooled is None else pooled.provides
            hashes.append(transaction)
            self._notify(transaction, InBlock(block, index))
        self._tell(self.pool.prune(hashes, tags, self._now()))

    def _tags(self, extrinsic: bytes) -> tuple[bytes, ...]:
        """What a transaction that this pool never saw provides: its account's nonce."""
        decoded = self._runtime.decoder.decode(extrinsic)
        if decoded.envelope is None:
            return ()
        nonce = self._runtime.pipeline.part(CheckNonce.identifier, decoded.envelope.extra)
        return (nonce_tag(decoded.sender(), nonce),)

    def _revalidate(self) -> None:
        """Check some ready transactions again on the new state; over the blocks all get their turn."""
        if not self._revalidation:
            self._revalidation.extend(one.hash for one in self.pool.ready())
        invalid: list[bytes] = []
        for _ in range(min(REVALIDATED_PER_BLOCK, len(self._revalidation))):
            pooled = self.pool.get(self._revalidation.popleft())
            if pooled is None:
                continue
            try:
                self._validated(pooled.encoded, pooled.hash, pooled.local)
            except (InvalidTransaction, InvalidExtrinsic, InvalidScale):
                invalid.append(pooled.hash)
        self._tell(self.pool.remove_invalid(invalid, self._now()))

    def _unwatch(self, transaction: bytes, queue: asyncio.Queue[TransactionStatus]) -> None:
        queues = self._watchers.get(transaction, [])
        if queue in queues:
            queues.remove(queue)
        if not queues:
            self._watchers.pop(transaction, None)

    def _tell(self, changes: Iterable[StatusChange]) -> None:
        for change in changes:
            self._notify(change.transaction, change.status)

    def _notify(self, transaction: bytes, status: TransactionStatus) -> None:
        for queue in self._watchers.get(transaction, ()):
            if queue.full():
                # The oldest status makes room: the newest is what a slow watcher needs.
                queue.get_nowait()
            queue.put_nowait(status)
