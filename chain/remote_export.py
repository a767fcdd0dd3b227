"""Blocks out of a running node, over RPC, in the form that `import-blocks` takes: no database is touched.

Nothing of the node's answers is trusted: whoever imports the blocks executes them again.
"""

from collections.abc import AsyncIterator

from chain.exchange import BlockRecord
from chain.importing.importer import EVENTS_KEY
from client import Client
from consensus.digest import FRNK
from runtime.primitives.digest import Digest, DigestItem
from runtime.primitives.header import Header
from runtime.primitives.scale import codec

_DIGEST_ITEM = codec(DigestItem)


async def fetch_records(client: Client, first: int, last: int) -> AsyncIterator[BlockRecord]:
    """Blocks `first` to `last` of the node's best chain, with justifications and events."""
    for number in range(first, last + 1):
        block_hash = await client.call("chain_getBlockHash", number)
        answer = await client.call("chain_getBlock", block_hash)
        events = await client.call("state_getStorage", EVENTS_KEY, block_hash)
        justifications = {bytes(engine): bytes(proof) for engine, proof in answer["justifications"] or ()}
        yield BlockRecord(
            header_from_json(answer["block"]["header"]).encode(),
            tuple(_bytes(one) for one in answer["block"]["extrinsics"]),
            justifications.get(FRNK),
            _bytes(events) if events else b"",
        )


def header_from_json(value: dict[str, object]) -> Header:
    """A header from the JSON that `chain_getHeader` gives."""
    digest = value["digest"]
    assert isinstance(digest, dict)
    return Header(
        _bytes(value["parentHash"]),
        int(str(value["number"]), 16),
        _bytes(value["stateRoot"]),
        _bytes(value["extrinsicsRoot"]),
        Digest(tuple(_DIGEST_ITEM.decode(_bytes(item)) for item in digest["logs"])),
    )


def _bytes(text: object) -> bytes:
    return bytes.fromhex(str(text).removeprefix("0x"))
