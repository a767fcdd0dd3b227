"""Storage queries of the new specification: what a query asks for, and its answers, lazily."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from chain.store import StateDiscarded, Store
from chain.store.views import StateView
from network.rpc import Json, errors
from network.rpc.parameters import HexBytes, InvalidParameter
from runtime.primitives.hashing import blake2_256
from runtime.primitives.trie import (
    CHILD_PREFIX,
    EMPTY_ROOT,
    MAX_KEY_BYTES,
    MissingNode,
    closest_merkle_value,
    iterate,
    lookup,
)

MAX_ITEMS = 1_024
"""Queries of one call; `chainHead_v1_storage` says how many it left out, the archive refuses more."""

_HEX = HexBytes()


class QueryType(Enum):
    """What of a key is asked for."""

    VALUE = "value"
    HASH = "hash"
    MERKLE_VALUE = "closestDescendantMerkleValue"
    DESCENDANTS_VALUES = "descendantsValues"
    DESCENDANTS_HASHES = "descendantsHashes"

    @property
    def is_listing(self) -> bool:
        """Whether it answers with any number of keys."""
        return self in (QueryType.DESCENDANTS_VALUES, QueryType.DESCENDANTS_HASHES)


@dataclass(frozen=True, slots=True)
class Query:
    """One item of a request; `start_after` is where a listing goes on."""

    key: bytes
    kind: QueryType
    start_after: bytes | None = None


def parse_queries(items: list[dict[str, Any]], *, paged: bool = False) -> list[Query]:
    """The items of a request; `paged` ones may say where to go on. Raises `RpcError` -32602."""
    return [_parse(position, item, paged) for position, item in enumerate(items)]


def _parse(position: int, item: dict[str, Any], paged: bool) -> Query:
    known = {"key", "type", "paginationStartKey"} if paged else {"key", "type"}
    unknown = sorted(item.keys() - known)
    if unknown or not {"key", "type"} <= item.keys():
        raise errors.invalid_params(f"item {position}: expected the members {', '.join(sorted(known))}")
    try:
        kind = QueryType(item["type"])
    except ValueError:
        expected = ", ".join(each.value for each in QueryType)
        raise errors.invalid_params(f"item {position}: the type is one of {expected}") from None
    start = item.get("paginationStartKey")
    if start is not None and not kind.is_listing:
        raise errors.invalid_params(f"item {position}: only listings take a paginationStartKey")
    key = hex_member(f"item {position}", item["key"])
    return Query(key, kind, None if start is None else hex_member(f"item {position}", start))


def hex_member(where: str, value: Json) -> bytes:
    """A key from a member of an object. Raises `RpcError` -32602."""
    try:
        key = _HEX.decode(value)
    except InvalidParameter as error:
        raise errors.invalid_params(f"{where}: {error}") from None
    if len(key) > MAX_KEY_BYTES:
        raise errors.invalid_params(f"{where}: a key has at most {MAX_KEY_BYTES} bytes")
    return key


class QueriedTrie:
    """The main trie of a block's state, or one of its child tries.

    Reads raise `UnknownBlock` and `StateDiscarded`.
    """

    def __init__(self, store: Store, block: bytes, child: bytes | None) -> None:
        self._store = store
        self._block = block
        self._state: StateView = store.state_at(block)
        self._source = store.node_source()
        self._child = child
        if child is None:
            self._root = self._state.root
        else:
            self._root = self._state.get(CHILD_PREFIX + child) or EMPTY_ROOT

    def answers(self, query: Query) -> Iterator[dict[str, Json]]:
        """The results of one query, as the specification writes them."""
        try:
            yield from self._answers(query)
        except MissingNode:
            if self._store.has_state(self._block):
                raise
            header = self._store.header(self._block)
            number = 0 if header is None else header.number
            raise StateDiscarded(self._block, number, self._store.oldest_state) from None

    def get(self, key: bytes) -> bytes | None:
        """The value under a key."""
        if self._child is None:
            return self._state.get(key)
        return lookup(self._root, key, self._source)

    def _answers(self, query: Query) -> Iterator[dict[str, Json]]:
        match query.kind:
            case QueryType.VALUE:
                if (value := self.get(query.key)) is not None:
                    yield self._shown(query.key, "value", value)
            case QueryType.HASH:
                if (value := self.get(query.key)) is not None:
                    yield self._shown(query.key, "hash", blake2_256(value))
            case QueryType.MERKLE_VALUE:
                if (found := closest_merkle_value(self._root, query.key, self._source)) is not None:
                    yield self._shown(query.key, "closestDescendantMerkleValue", found)
            case QueryType.DESCENDANTS_VALUES:
                for key, value in self._pairs(query):
                    yield self._shown(key, "value", value)
            case QueryType.DESCENDANTS_HASHES:
                for key, value in self._pairs(query):
                    yield self._shown(key, "hash", blake2_256(value))

    def _shown(self, key: bytes, name: str, value: bytes) -> dict[str, Json]:
        child = {} if self._child is None else {"childTrieKey": self._child}
        return {"key": key, name: value, **child}

    def _pairs(self, query: Query) -> Iterator[tuple[bytes, bytes]]:
        if self._child is not None:
            yield from iterate(self._root, self._source, query.key, query.start_after)
            return
        for key in self._state.keys(query.key, query.start_after):
            value = self._state.get(key)
            if value is not None:
                yield key, value
