"""What tells the states of two blocks apart, key by key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chain.rpc.specification.storage import hex_member
from network.rpc import Json, errors
from runtime.primitives.hashing import blake2_256
from runtime.primitives.state import StateReader

MAX_DIFF_ITEMS = 64
"""Prefixes of one call: each is a walk of its own through both states."""

RETURN_TYPES = ("value", "hash")


@dataclass(frozen=True, slots=True)
class DiffItem:
    """The keys that start with a prefix, and what to tell of those that differ."""

    prefix: bytes
    returns: str


EVERYTHING = (DiffItem(b"", "value"),)


def parse_diff_items(items: list[dict[str, Any]] | None) -> tuple[DiffItem, ...]:
    """The items of a request; none means everything. Raises `RpcError` -32602."""
    if items is None:
        return EVERYTHING
    return tuple(_parse(position, item) for position, item in enumerate(items))


def _parse(position: int, item: dict[str, Any]) -> DiffItem:
    where = f"item {position}"
    if item.get("childTrieKey") is not None:
        raise errors.invalid_params(f"{where}: this chain has no child tries")
    if not {"key", "returnType"} <= item.keys() <= {"key", "returnType", "childTrieKey"}:
        raise errors.invalid_params(f"{where}: expected the members key, returnType")
    if item["returnType"] not in RETURN_TYPES:
        raise errors.invalid_params(f"{where}: the returnType is one of {', '.join(RETURN_TYPES)}")
    return DiffItem(hex_member(where, item["key"]), item["returnType"])


def differences(
    before: StateReader, after: StateReader, items: tuple[DiffItem, ...]
) -> Iterator[dict[str, Json]]:
    """Keys that were added, modified or deleted, in order within each item."""
    for item in items:
        old, new = before.keys(item.prefix), after.keys(item.prefix)
        left, right = next(old, None), next(new, None)
        while left is not None or right is not None:
            key = min(each for each in (left, right) if each is not None)
            first = before.get(key) if left == key else None
            second = after.get(key) if right == key else None
            if first != second:
                yield _told(key, first, second, item.returns)
            left = next(old, None) if left == key else left
            right = next(new, None) if right == key else right


def _told(key: bytes, first: bytes | None, second: bytes | None, returns: str) -> dict[str, Json]:
    kind = "added" if first is None else "deleted" if second is None else "modified"
    shown: dict[str, Json] = {"key": key, "type": kind}
    if second is not None:
        shown[returns] = second if returns == "value" else blake2_256(second)
    return shown
