"""`state_subscribe*`: following values of the state, and the version of the rules."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from chain.notifications import Notifications
from chain.rpc.access import AnswerBudget, require_few
from chain.rpc.follow import Head, best_heads
from chain.rpc.json import changes_json, version_json
from chain.store import StateDiscarded, Store, UnknownBlock
from network.rpc import Json, subscription
from network.rpc.parameters import StorageKey
from runtime.executive import Runtime
from runtime.primitives.hashing import blake2_128

MAX_FOLLOWED_KEYS = 4_096
"""Keys of one subscription: a mark of 16 bytes is kept for each. polkadot.js follows a few hundred."""


class StateFeeds:
    """The subscriptions of the section `state`."""

    def __init__(self, store: Store, runtime: Runtime, notifications: Notifications) -> None:
        self._store = store
        self._runtime = runtime
        self._notifications = notifications

    @subscription(
        "state_subscribeStorage", unsubscribe="state_unsubscribeStorage", notification="state_storage"
    )
    async def storage(self, keys: list[StorageKey]) -> AsyncIterator[Json]:
        """The values under several keys at the best block, then those that differ at each later one."""
        require_few(keys, MAX_FOLLOWED_KEYS)
        return self._changed(FollowedKeys(self._store, keys))

    @subscription(
        "state_subscribeRuntimeVersion",
        unsubscribe="state_unsubscribeRuntimeVersion",
        notification="state_runtimeVersion",
        aliases=("chain_subscribeRuntimeVersion",),
        unsubscribe_aliases=("chain_unsubscribeRuntimeVersion",),
    )
    async def runtime_version(self) -> AsyncIterator[Json]:
        """The version of the rules, and each one that takes over."""
        told = None
        async with aclosing(best_heads(self._store, self._notifications.best)) as heads:
            async for _ in heads:
                version = self._runtime.version
                if version != told:
                    told = version
                    yield version_json(version)

    async def _changed(self, followed: "FollowedKeys") -> AsyncIterator[Json]:
        first = True
        async with aclosing(best_heads(self._store, self._notifications.best)) as heads:
            async for head in heads:
                changes = await followed.at(head)
                if changes or first:
                    first = False
                    yield changes_json(head.hash, changes)


class FollowedKeys:
    """What one client knows of some keys, and what it must be told at a head."""

    def __init__(self, store: Store, keys: list[bytes]) -> None:
        self._store = store
        self._keys = dict.fromkeys(keys)
        self._marks: dict[bytes, bytes | None] = {}
        self._missed = False

    async def at(self, head: Head) -> Mapping[bytes, bytes | None]:
        """The values that differ from those told before; all of them at first."""
        if head.changes is None or self._missed:
            try:
                values = await asyncio.to_thread(self._read, head.hash)
            except (UnknownBlock, StateDiscarded):
                # The head was overtaken and is gone already: the next one is compared in full.
                self._missed = True
                return {}
            self._missed = False
        else:
            values = {key: value for key, value in head.changes.items() if key in self._keys}
        changed = {
            key: value
            for key, value in values.items()
            if key not in self._marks or self._marks[key] != _mark(value)
        }
        self._marks.update((key, _mark(value)) for key, value in changed.items())
        return changed

    def _read(self, block: bytes) -> dict[bytes, bytes | None]:
        state = self._store.state_at(block)
        return dict(AnswerBudget().spend((key, state.get(key)) for key in self._keys))


def _mark(value: bytes | None) -> bytes | None:
    """Enough of a value to tell it from another, where the value itself may have a megabyte."""
    return None if value is None else blake2_128(value)
