"""Answering requests of peers: pure functions over what is stored, bounded in blocks and bytes."""

from typing import Protocol

from network.messages import (
    ArtifactRequest,
    ArtifactResponse,
    BlockData,
    BlocksRequest,
    BlocksResponse,
    Direction,
    Refusal,
    RefusalReason,
    RequestBody,
    ResponseBody,
    StateRequest,
    StateResponse,
    WarpRequest,
    WarpResponse,
)
from runtime.primitives.header import Header

MAX_BLOCKS_BYTES = 4 << 20
"""Of one answer, unless the first block alone is larger: half a second on a fast line."""

MAX_ARTIFACT_PIECE = 1 << 20

MAX_HANDOVERS_SERVED = 256
"""In one answer, as many as a message may hold; each is a look-up of a header or two."""

MAX_WARP_BYTES = 4 << 20
"""Of one answer, unless the first handover alone is larger; 256 of 100 voters are 1.5 MiB."""


class ChainSource(Protocol):
    """What is stored here."""

    def header(self, block: bytes) -> Header | None:
        """A stored header."""
        ...

    def body(self, block: bytes) -> tuple[bytes, ...] | None:
        """A stored body."""
        ...

    def justification(self, block: bytes) -> bytes | None:
        """The proof of finality stored with a block."""
        ...

    def block_hash(self, number: int) -> bytes | None:
        """The block at a height of the best chain."""
        ...

    def state_proof(self, block: bytes, start_after: bytes | None) -> tuple[bytes, ...] | None:
        """Trie nodes that prove a range of a block's state; None where the state is not kept."""
        ...

    def artifact(self, content_hash: bytes) -> bytes | None:
        """A model's bytes."""
        ...

    def handover(self, set_id: int) -> bytes | None:
        """The SCALE `Handover` that ended a voter set; None where it rules still, or is not known here."""
        ...

    def finality_proof(self, set_id: int) -> bytes | None:
        """The newest SCALE `FinalityProof` of a voter set; None where the set made none that is kept."""
        ...


def answer(body: RequestBody, source: ChainSource) -> ResponseBody:
    """The answer to a request: what is there of what was asked for, or a refusal."""
    match body:
        case BlocksRequest():
            return _blocks(body, source)
        case StateRequest(block, start_after):
            proof = source.state_proof(block, start_after)
            return StateResponse(proof) if proof is not None else _UNKNOWN
        case ArtifactRequest(content_hash, offset):
            content = source.artifact(content_hash)
            if content is None or offset > len(content):
                return _UNKNOWN
            return ArtifactResponse(len(content), content[offset : offset + MAX_ARTIFACT_PIECE])
        case WarpRequest(set_id):
            return _warp(set_id, source)
        case _:
            return _UNKNOWN


_UNKNOWN = Refusal(RefusalReason.UNKNOWN)


def _blocks(request: BlocksRequest, source: ChainSource) -> ResponseBody:
    block = request.start if isinstance(request.start, bytes) else source.block_hash(request.start)
    found, size = list[BlockData](), 0
    while block is not None and len(found) < request.count:
        header = source.header(block)
        extrinsics = source.body(block) if header is not None and request.bodies else None
        if header is None or (request.bodies and extrinsics is None):
            break
        justification = source.justification(block) if request.justifications else None
        size += sum(map(len, extrinsics or ())) + len(justification or b"") + 500
        if found and size > MAX_BLOCKS_BYTES:
            break
        found.append(BlockData(header, extrinsics, justification))
        block = _next(request, source, block, header)
    return BlocksResponse(tuple(found)) if found else _UNKNOWN


def _warp(set_id: int, source: ChainSource) -> ResponseBody:
    """The handovers from a voter set on, and behind the last one what the set that rules made final."""
    found, size = list[bytes](), 0
    handover = source.handover(set_id)
    while handover is not None:
        size += len(handover)
        if len(found) == MAX_HANDOVERS_SERVED or (found and size > MAX_WARP_BYTES):
            return WarpResponse(tuple(found), None)
        found.append(handover)
        handover = source.handover(set_id + len(found))
    proof = source.finality_proof(set_id + len(found))
    return WarpResponse(tuple(found), proof) if found or proof is not None else _UNKNOWN


def _next(request: BlocksRequest, source: ChainSource, block: bytes, header: Header) -> bytes | None:
    """The neighbour of a block; ascending only along the best chain."""
    if request.direction is Direction.DESCENDING:
        return header.parent_hash if header.number > 0 else None
    above = source.block_hash(header.number + 1)
    found = source.header(above) if above is not None else None
    return above if found is not None and found.parent_hash == block else None
