"""From a signed transaction to what it did: the pool's statuses, the block, the events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from client import reading
from client.errors import ProtocolViolation, TransactionDropped, TransactionFailed
from client.messages import Json
from client.reading import read
from client.results import Inclusion
from client.transaction import Transaction
from runtime.frame.weights import ApplyExtrinsic
from runtime.pallets.system import System
from runtime.pallets.system.types import ExtrinsicFailed
from runtime.pallets.transaction_payment.types import TransactionFeePaid

if TYPE_CHECKING:
    from client.client import Client

_ENDS = ("usurped", "dropped", "invalid", "finalityTimeout")
_STATUSES = ("future", "ready", "broadcast", "inBlock", "retracted", "finalized", *_ENDS)


async def watch(
    client: Client, transaction: Transaction, wait: str, progress: Callable[[str], None]
) -> Inclusion:
    """Send and follow a transaction until it is in a block (`inBlock`) or final (`finalized`)."""
    subscription = await client.subscribe(
        "author_submitAndWatchExtrinsic", transaction.encoded, unsubscribe="author_unwatchExtrinsic"
    )
    async with subscription:
        async for status in subscription:
            name, value = _status(status)
            progress(_told(name, value))
            if name in _ENDS:
                raise TransactionDropped(_told(name, value))
            if name == "finalized" or (name == "inBlock" and wait == "inBlock"):
                block = read("author_submitAndWatchExtrinsic", reading.block_hash, value)
                return await inclusion(client, transaction, block, name == "finalized")
    raise TransactionDropped("the node stopped reporting on it")


async def inclusion(
    client: Client, transaction: Transaction, block_hash: bytes, finalized: bool
) -> Inclusion:
    """What a transaction did in a block. Raises `TransactionFailed` when its call failed."""
    block = await client.call("chain_getBlock", block_hash)
    encoded = "0x" + transaction.encoded.hex()
    try:
        index = block["block"]["extrinsics"].index(encoded)
    except (ValueError, TypeError, LookupError, AttributeError):
        raise ProtocolViolation(
            f"block 0x{block_hash.hex()} does not hold the transaction it should"
        ) from None
    stored = await client.storage(System.event_records.key(), block_hash) or b"\0"
    records = read("state_getStorage", client.schema.events, stored)
    events = tuple(record for record in records if record.phase == ApplyExtrinsic(index))
    for record in events:
        if isinstance(record.event, ExtrinsicFailed):
            name, detail = client.schema.error_name(record.event.dispatch_error)
            raise TransactionFailed(name, detail, record.event.dispatch_error, block_hash)
    paid = next(
        (record.event.actual_fee for record in events if isinstance(record.event, TransactionFeePaid)), None
    )
    return Inclusion(transaction.hash, block_hash, index, finalized, paid, events)


def _status(status: Json) -> tuple[str, Json]:
    match status:
        case str() if status in _STATUSES:
            return status, None
        case dict() if len(status) == 1 and next(iter(status)) in _STATUSES:
            return next(iter(status.items()))
    raise ProtocolViolation(f"no transaction status: {ascii(status)[:100]}")


def _told(name: str, value: Json) -> str:
    words = {"inBlock": "in block", "finalityTimeout": "not final in time"}.get(name, name)
    return f"{words} {value}" if isinstance(value, str) else words
