"""`chainHead_v1_*`: following the head of the chain, and reading the blocks that a follower holds."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from chain.notifications import BlockImported, ChainEvent, HeadMoved, Notifications
from chain.rpc.json import runtime_json
from chain.rpc.specification.following import (
    INITIAL_FINALIZED,
    Began,
    BestBlockChanged,
    BestChosen,
    Block,
    Finalised,
    FinalizedBlocks,
    FollowCore,
    FollowEvent,
    FollowInput,
    Imported,
    Initialized,
    NewBlock,
    NotPinned,
    Stopped,
    blocks_of,
)
from chain.rpc.specification.operations import Event, Operations
from chain.rpc.specification.storage import MAX_ITEMS, hex_member, parse_queries
from chain.store import Store
from network.rpc import Context, Json, RpcError, method, subscription
from network.rpc.parameters import BlockHash, Hash, Hex
from network.rpc.subscriptions import SlowReader
from runtime.executive import Runtime, RuntimeApi

MAX_FOLLOWS = 4
"""Followers of one connection, as in polkadot-sdk; the specification asks for at least two."""

TOO_MANY_FOLLOWS = -32800
NOT_PINNED = -32801
NO_RUNTIME = -32802
NOT_WAITING = -32803
DUPLICATE_HASHES = -32804

_LIMIT_REACHED = {"result": "limitReached"}


class ChainHeadMethods:
    """The group `chainHead`. A follower that is gone answers as the specification has it: nothing found, and
    no room for operations."""

    def __init__(self, store: Store, runtime: Runtime, notifications: Notifications) -> None:
        self._store = store
        self._runtime = runtime
        self._api = RuntimeApi(runtime)
        self._notifications = notifications

    @subscription(
        "chainHead_v1_follow", unsubscribe="chainHead_v1_unfollow", notification="chainHead_v1_followEvent"
    )
    async def follow(self, context: Context, with_runtime: bool) -> AsyncIterator[Json]:
        """Every new block, what is best and what is final; each block told stays pinned until unpinned."""
        follows: dict[str, Follow] = context.connection.state.setdefault("chainHead", {})
        if len(follows) >= MAX_FOLLOWS:
            text = f"Maximum number of chainHead_follow has been reached ({MAX_FOLLOWS})"
            raise RpcError(TOO_MANY_FOLLOWS, text)
        assert context.subscription is not None, "a subscription has its id before it is opened"
        runtime = runtime_json(self._runtime.version) if with_runtime else None
        follow = Follow(context.subscription, self._store, self._api, self._notifications, runtime, follows)
        follows[context.subscription] = follow
        return follow

    @method("chainHead_v1_header")
    def header(self, context: Context, follow_subscription: str, hash: BlockHash) -> bytes | None:
        """The SCALE of a pinned block's header."""
        follow = _follow(context, follow_subscription)
        if follow is None:
            return None
        follow.require(hash)
        return follow.core.pinned[hash].encode()

    @method("chainHead_v1_body")
    def body(self, context: Context, follow_subscription: str, hash: BlockHash) -> Json:
        """Begin to read a pinned block's extrinsics; `operationBodyDone` brings them."""
        follow = _room(context, follow_subscription, hash)
        return _LIMIT_REACHED if follow is None else _started(context, *follow.operations.body(hash))

    @method("chainHead_v1_call")
    def call(
        self,
        context: Context,
        follow_subscription: str,
        hash: BlockHash,
        function: str,
        call_parameters: Hex,
    ) -> Json:
        """Begin to ask one of the runtime's interfaces at a pinned block; `operationCallDone` answers."""
        follow = _follow(context, follow_subscription)
        if follow is not None and not follow.with_runtime:
            raise RpcError(NO_RUNTIME, "Invalid call: the chain is followed without its runtime")
        follow = _room(context, follow_subscription, hash)
        if follow is None:
            return _LIMIT_REACHED
        return _started(context, *follow.operations.call(hash, function, call_parameters))

    @method("chainHead_v1_storage")
    def storage(
        self,
        context: Context,
        follow_subscription: str,
        hash: BlockHash,
        items: list[dict[str, Any]],
        child_trie: Hex | None = None,
    ) -> Json:
        """Begin to read storage at a pinned block; `operationStorageItems` bring it, page by page.

        Each item is {"key", "type"}, where the type is `value`, `hash`, `closestDescendantMerkleValue`,
        `descendantsValues` or `descendantsHashes`.
        """
        queries = parse_queries(items[:MAX_ITEMS])
        child = None if child_trie is None else hex_member("child_trie", child_trie.hex())
        follow = _room(context, follow_subscription, hash)
        if follow is None:
            return _LIMIT_REACHED
        started = _started(context, *follow.operations.storage(hash, queries, child))
        return {**started, "discardedItems": max(0, len(items) - MAX_ITEMS)}

    @method("chainHead_v1_continue")
    def go_on(self, context: Context, follow_subscription: str, operation_id: str) -> None:
        """Let an operation that said `operationWaitingForContinue` go on."""
        follow = _follow(context, follow_subscription)
        if follow is not None and not follow.operations.go_on(operation_id):
            raise RpcError(NOT_WAITING, "Invalid continue operation ID")

    @method("chainHead_v1_stopOperation")
    def stop_operation(self, context: Context, follow_subscription: str, operation_id: str) -> None:
        """End an operation: nothing more is told of it."""
        follow = _follow(context, follow_subscription)
        if follow is not None:
            follow.operations.stop(operation_id)

    @method("chainHead_v1_unpin")
    def unpin(self, context: Context, follow_subscription: str, hash_or_hashes: Hash | list[Hash]) -> None:
        """Let go of one pinned block or of several."""
        hashes = [hash_or_hashes] if isinstance(hash_or_hashes, bytes) else hash_or_hashes
        if len(set(hashes)) < len(hashes):
            raise RpcError(DUPLICATE_HASHES, "Received duplicate hashes for `chainHead_unpin`")
        follow = _follow(context, follow_subscription)
        if follow is None:
            return
        try:
            follow.core.unpin(hashes)
        except NotPinned as error:
            raise _not_pinned() from error


class Follow(AsyncIterator[Json]):
    """One follower: the chain's news through its core, and its operations' events, in one order."""

    def __init__(
        self,
        identifier: str,
        store: Store,
        api: RuntimeApi,
        notifications: Notifications,
        runtime: Json,
        follows: dict[str, "Follow"],
    ) -> None:
        self.core = FollowCore()
        self.with_runtime = runtime is not None
        self._identifier = identifier
        self._store = store
        self._runtime = runtime
        self._follows = follows
        # Listening begins before the chain is looked at: what happens in between is heard twice, never not.
        self._listener = notifications.everything.listen()
        self._events: deque[Event] = deque()
        self._to_tell: deque[FollowEvent] = deque(self.core.handle(_beginning(store)))
        self.operations = Operations(store, api, self._operation_event)
        self._ended = False

    def require(self, block: bytes) -> None:
        """Raises `RpcError` where the block is not pinned."""
        if block not in self.core.pinned:
            raise _not_pinned()

    async def __anext__(self) -> Json:
        while not self._to_tell and not self._events:
            if self._ended:
                raise StopAsyncIteration
            try:
                news = await anext(self._listener)
            except (SlowReader, StopAsyncIteration):
                self._to_tell.append(Stopped())
                break
            if news is not None:
                self._to_tell.extend(self.core.handle(self._input(news)))
        if not self._to_tell:
            return self._events.popleft()
        event = self._to_tell.popleft()
        if isinstance(event, Stopped):
            await self.aclose()
        return self._json(event)

    async def aclose(self) -> None:
        """Stop following: nothing is pinned any more, and every operation ends."""
        self._ended = True
        self._listener.close()
        self._events.clear()
        self._to_tell.clear()
        self.operations.stop_all()
        self._follows.pop(self._identifier, None)

    def _operation_event(self, event: Event) -> None:
        """Called by an operation; each has one event or page waiting at a time, so few wait in all."""
        if not self._ended:
            self._events.append(event)
            self._listener.put(None)

    def _input(self, news: ChainEvent) -> FollowInput:
        match news:
            case BlockImported():
                return Imported(Block(news.hash, news.header))
            case HeadMoved():
                return BestChosen(news.hash)
        return Finalised(blocks_of((each, self._store.header(each)) for each in news.result.enacted))

    def _json(self, event: FollowEvent) -> Json:
        match event:
            case Initialized(finalized):
                found: Event = {"event": "initialized", "finalizedBlockHashes": list(finalized)}
                return {**found, "finalizedBlockRuntime": self._runtime} if self.with_runtime else found
            case NewBlock(block, parent):
                found = {"event": "newBlock", "blockHash": block, "parentBlockHash": parent}
                return {**found, "newRuntime": None} if self.with_runtime else found
            case BestBlockChanged(block):
                return {"event": "bestBlockChanged", "bestBlockHash": block}
            case FinalizedBlocks(finalized, pruned):
                return {
                    "event": "finalized",
                    "finalizedBlockHashes": list(finalized),
                    "prunedBlockHashes": list(pruned),
                }
            case Stopped():
                return {"event": "stop"}


def _beginning(store: Store) -> Began:
    final, best = store.finalized(), store.best()
    hashes = [final.hash]
    for _ in range(INITIAL_FINALIZED - 1):
        header = store.header(hashes[-1])
        if header is None or not header.number or not store.contains(header.parent_hash):
            break
        hashes.append(header.parent_hash)
    built = store.descendants(final.hash)[1:]
    return Began(
        blocks_of((each, store.header(each)) for each in reversed(hashes)),
        blocks_of((each, store.header(each)) for each in built),
        best.hash,
    )


def _follow(context: Context, identifier: str) -> Follow | None:
    found: Follow | None = context.connection.state.get("chainHead", {}).get(identifier)
    return found


def _room(context: Context, identifier: str, block: bytes) -> Follow | None:
    """The follower, where it may begin an operation on the block; None where there is no room."""
    follow = _follow(context, identifier)
    if follow is None:
        return None
    follow.require(block)
    return None if follow.operations.is_full else follow


def _started(context: Context, identifier: str, start: Any) -> dict[str, Json]:
    context.afterwards.append(start)
    return {"result": "started", "operationId": identifier}


def _not_pinned() -> RpcError:
    return RpcError(NOT_PINNED, "Invalid block hash", "the block is not pinned by this follower")
