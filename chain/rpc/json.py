"""The chain's data as Substrate's JSON: what clients parse, field by field.

Hashes and bytes stay `bytes`; the server writes them as 0x hex.
"""

from collections.abc import Mapping
from typing import Final

from chain.pool import Broadcast, Dropped, Future, Invalid, Ready, Retracted, Usurped
from chain.transactions import Finalized, InBlock, TransactionStatus
from network.rpc import Json
from runtime.frame.version import RuntimeVersion
from runtime.frame.weights import Weight
from runtime.primitives.digest import DigestItem
from runtime.primitives.header import Header
from runtime.primitives.scale import codec

FINALITY_ENGINE: Final = b"FRNK"
"""The engine under which justifications stand beside a block."""

STATE_VERSION: Final = 1

_DIGEST_ITEM = codec(DigestItem)


def number_json(number: int) -> str:
    """A number as clients read it from headers and fees: 0x and no leading zeros."""
    return hex(number)


def header_json(header: Header) -> dict[str, Json]:
    """A header; the digest's items are SCALE."""
    return {
        "parentHash": header.parent_hash,
        "number": number_json(header.number),
        "stateRoot": header.state_root,
        "extrinsicsRoot": header.extrinsics_root,
        "digest": {"logs": [_DIGEST_ITEM.encode(item) for item in header.digest.logs]},
    }


def block_json(header: Header, body: tuple[bytes, ...], justification: bytes | None) -> dict[str, Json]:
    """A block with its proof of finality, whose engine id and bytes are arrays of numbers as in Substrate."""
    return {
        "block": {"header": header_json(header), "extrinsics": list(body)},
        "justifications": None if justification is None else [[list(FINALITY_ENGINE), list(justification)]],
    }


def version_json(version: RuntimeVersion) -> dict[str, Json]:
    """A runtime's version, with the state's version under its old and its new name."""
    return {
        "specName": version.spec_name,
        "implName": version.impl_name,
        "authoringVersion": version.authoring_version,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "apis": [[name, number] for name, number in version.apis],
        "transactionVersion": version.transaction_version,
        "systemVersion": version.system_version,
        "stateVersion": STATE_VERSION,
    }


def runtime_json(version: RuntimeVersion) -> dict[str, Json]:
    """A runtime as the new specification tells of it."""
    spec = {
        "specName": version.spec_name,
        "implName": version.impl_name,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "transactionVersion": version.transaction_version,
        "apis": {f"0x{name.hex()}": number for name, number in version.apis},
    }
    return {"type": "valid", "spec": spec}


def weight_json(weight: Weight) -> dict[str, int]:
    """Picoseconds of reference time and bytes of proof."""
    return {"refTime": weight.ref_time, "proofSize": weight.proof_size}


def changes_json(block: bytes, changes: Mapping[bytes, bytes | None]) -> dict[str, Json]:
    """Storage values at a block; null is an absent one."""
    return {"block": block, "changes": [[key, value] for key, value in changes.items()]}


def status_json(status: TransactionStatus) -> Json:
    """What became of a watched transaction: `ExtrinsicStatus` of polkadot.js."""
    match status:
        case Future():
            return "future"
        case Ready():
            return "ready"
        case Broadcast(peers):
            return {"broadcast": list(peers)}
        case InBlock(block):
            return {"inBlock": block}
        case Retracted(block):
            return {"retracted": block}
        case Finalized(block):
            return {"finalized": block}
        case Usurped(by):
            return {"usurped": by}
        case Dropped():
            return "dropped"
        case Invalid():
            return "invalid"
