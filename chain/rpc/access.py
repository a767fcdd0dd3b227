"""Blocks and states as parameters name them, and what one answer may hold."""

from collections.abc import Iterable, Iterator, Sized

from chain.store import Store
from chain.store.views import StateView
from network.rpc import errors
from runtime.primitives.header import Header

MAX_KEYS = 10_000
"""Keys that one call may name or list: polkadot.js names 250, and ten thousand reads take half a second."""

MAX_VALUE_BYTES = 8 << 20
"""Bytes that one answer may gather; as hex, the server's largest answer holds 7.5 MiB by default.

Checked while they are gathered, because a short request can name a large value many times.
"""


def block_or_best(store: Store, at: bytes | None) -> bytes:
    """The hash that a parameter means: the best block's where it is left out."""
    return store.best().hash if at is None else at


def header_at(store: Store, at: bytes | None) -> Header | None:
    """The header of a block (the best one by default), or None where it is not stored."""
    return store.header(block_or_best(store, at))


def state_at(store: Store, at: bytes | None) -> StateView:
    """The state of a block (the best one by default). Raises `UnknownBlock`, `StateDiscarded`."""
    return store.state_at(block_or_best(store, at))


def require_few(keys: Sized, limit: int = MAX_KEYS) -> None:
    """Raises `RpcError` where a call names more than `limit` keys."""
    if len(keys) > limit:
        raise errors.invalid_params(f"{len(keys)} keys, at most {limit} in one call")


class AnswerBudget:
    """The bytes that one answer may still gather."""

    def __init__(self) -> None:
        self._left = MAX_VALUE_BYTES

    def spend(self, pairs: Iterable[tuple[bytes, bytes | None]]) -> Iterator[tuple[bytes, bytes | None]]:
        """The same pairs; raises `RpcError` as soon as the answer could not be sent any more."""
        for key, value in pairs:
            self._left -= len(key) + len(value or b"")
            if self._left < 0:
                raise errors.oversized_response(2 * MAX_VALUE_BYTES)
            yield key, value
