"""`archive_v1_*`: any block, however old. Served by nodes that keep every state."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import Any

from chain.rpc.failures import Reported, reported, rpc_error
from chain.rpc.specification.difference import MAX_DIFF_ITEMS, differences, parse_diff_items
from chain.rpc.specification.operations import take_page
from chain.rpc.specification.storage import MAX_ITEMS, QueriedTrie, hex_member, parse_queries
from chain.store import Store, UnknownBlock
from network.rpc import Json, RpcError, errors, method, subscription
from network.rpc.parameters import U32, BlockHash, Hex
from runtime.executive import Runtime, RuntimeApi
from runtime.primitives.scale import InvalidScale


class ArchiveMethods:
    """The group `archive`."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self._store = store
        self._api = RuntimeApi(runtime)

    @method("archive_v1_genesisHash")
    def genesis_hash(self) -> bytes:
        """The hash of the first block."""
        return self._store.genesis_hash

    @method("archive_v1_finalizedHeight")
    def finalized_height(self) -> int:
        """The number of the last final block."""
        return self._store.finalized().number

    @method("archive_v1_hashByHeight")
    def hash_by_height(self, height: U32) -> list[bytes]:
        """The blocks of this height: one where it is final, all that are known above."""
        if height <= self._store.finalized().number:
            found = self._store.block_hash(height)
            return [] if found is None else [found]
        return self._store.blocks_at(height)

    @method("archive_v1_header")
    def header(self, hash: BlockHash) -> bytes | None:
        """The SCALE of a block's header; null where it is unknown."""
        header = self._store.header(hash)
        return None if header is None else header.encode()

    @method("archive_v1_body")
    def body(self, hash: BlockHash) -> list[bytes] | None:
        """A block's extrinsics; null where it is unknown."""
        body = self._store.body(hash)
        return None if body is None else list(body)

    @method("archive_v1_call", worker=True)
    def call(self, hash: BlockHash, function: str, call_parameters: Hex) -> Json:
        """Ask one of the runtime's interfaces at a block; null where the block is unknown."""
        try:
            value = self._api.call(function, call_parameters, self._store.state_at(hash))
        except UnknownBlock:
            return None
        except InvalidScale as fault:
            return {"success": False, "error": f"Bad input data provided to {function}: {fault}"}
        except Reported as fault:
            return {"success": False, "error": rpc_error(fault).message}
        return {"success": True, "value": value}

    @subscription(
        "archive_v1_storage", unsubscribe="archive_v1_stopStorage", notification="archive_v1_storageEvent"
    )
    async def storage(
        self, hash: BlockHash, items: list[dict[str, Any]], child_trie: Hex | None = None
    ) -> AsyncIterator[Json]:
        """Storage at a block, one event for each result, then `storageDone`.

        Items are those of `chainHead_v1_storage`; a listing may have a `paginationStartKey`, which is where
        it goes on.
        """
        if len(items) > MAX_ITEMS:
            raise errors.invalid_params(f"{len(items)} items, at most {MAX_ITEMS} in one call")
        queries = parse_queries(items, paged=True)
        child = None if child_trie is None else hex_member("child_trie", child_trie.hex())

        def results() -> Iterator[dict[str, Json]]:
            trie = QueriedTrie(self._store, hash, child)
            return chain.from_iterable(map(trie.answers, queries))

        return _events(results, "storage")

    @subscription(
        "archive_v1_storageDiff",
        unsubscribe="archive_v1_stopStorageDiff",
        notification="archive_v1_storageDiffEvent",
        unsubscribe_aliases=("archive_v1_storageDiff_stopStorageDiff",),
    )
    async def storage_diff(
        self,
        hash: BlockHash,
        items: list[dict[str, Any]] | None = None,
        previous_hash: BlockHash | None = None,
    ) -> AsyncIterator[Json]:
        """What differs between the state of a block and that of its parent, or of `previousHash`.

        Each item is {"key", "returnType"}, where the type is `value` or `hash`, and limits what is compared
        to keys that start so; without items all values are told. Then `storageDiffDone`.
        """
        if items is not None and len(items) > MAX_DIFF_ITEMS:
            raise errors.invalid_params(f"{len(items)} items, at most {MAX_DIFF_ITEMS} in one call")
        wanted = parse_diff_items(items)

        def results() -> Iterator[dict[str, Json]]:
            header = self._store.header(hash)
            if header is None:
                raise UnknownBlock(hash)
            before = previous_hash or header.parent_hash
            return differences(self._store.state_at(before), self._store.state_at(hash), wanted)

        return _events(results, "storageDiff")


async def _events(results: Callable[[], Iterator[dict[str, Json]]], name: str) -> AsyncIterator[Json]:
    """Each result as an event, then the word that it is done or why not."""
    try:
        with reported():
            found = await asyncio.to_thread(results)
            more = True
            while more:
                page, more = await asyncio.to_thread(take_page, found)
                for each in page:
                    yield {"event": name, **each}
    except RpcError as error:
        yield {"event": f"{name}Error", "error": error.message}
        return
    yield {"event": f"{name}Done"}
