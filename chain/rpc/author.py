"""`author_*`: transactions on their way into a block."""

from collections.abc import AsyncIterator

from chain.rpc.failures import reported
from chain.rpc.json import status_json
from chain.transactions import Statuses, Transactions
from network.rpc import Json, errors, method, subscription
from network.rpc.parameters import Hex
from runtime.primitives.hashing import blake2_256

HASH_SIZE = 32


class AuthorMethods:
    """The section `author`, as far as transactions go."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @method("author_submitExtrinsic")
    async def submit(self, extrinsic: Hex) -> bytes:
        """Put a signed transaction into the pool; the answer is its hash."""
        with reported():
            return await self._transactions.submit(extrinsic)

    @subscription(
        "author_submitAndWatchExtrinsic",
        unsubscribe="author_unwatchExtrinsic",
        notification="author_extrinsicUpdate",
    )
    async def submit_and_watch(self, extrinsic: Hex) -> AsyncIterator[Json]:
        """Put a signed transaction into the pool and follow it until it is final or gone."""
        with reported():
            _, statuses = await self._transactions.watch(extrinsic)
        return StatusFeed(statuses)

    @method("author_pendingExtrinsics")
    def pending(self) -> list[bytes]:
        """The transactions that a block could take now, in that order."""
        return [transaction.encoded for transaction in self._transactions.pending()]

    @method("author_removeExtrinsic", unsafe=True)
    def remove(self, transactions: list[dict[str, Hex]]) -> list[bytes]:
        """Take transactions out of the pool and ban them; the answer is what was removed.

        Each is named as {"hash": …} or {"extrinsic": …}. What builds on them goes as well.
        """
        return self._transactions.remove([_named(each) for each in transactions])


class StatusFeed(AsyncIterator[Json]):
    """Statuses as JSON. Closing it closes what it reads from, whether or not it was ever read."""

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses

    async def __anext__(self) -> Json:
        return status_json(await anext(self._statuses))

    async def aclose(self) -> None:
        """Stop watching."""
        await self._statuses.aclose()


def _named(transaction: dict[str, bytes]) -> bytes:
    match transaction:
        case {"hash": bytes(found), **rest} if not rest and len(found) == HASH_SIZE:
            return found
        case {"extrinsic": bytes(extrinsic), **rest} if not rest:
            return blake2_256(extrinsic)
    raise errors.invalid_params('each element is {"hash": 32 bytes of hex} or {"extrinsic": hex}')
