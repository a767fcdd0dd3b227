"""What requests and responses carry, and how much of it."""

from typing import Any

from network.messages import (
    ArtifactRequest,
    ArtifactResponse,
    BlockData,
    BlocksRequest,
    BlocksResponse,
    Direction,
    PeersRequest,
    PeersResponse,
    Refusal,
    RefusalReason,
    RequestBody,
    ResponseBody,
    StateRequest,
    StateResponse,
    WarpRequest,
    WarpResponse,
)
from network.wire.fields import (
    InvalidMessage,
    MessageReason,
    boolean,
    data,
    digest,
    fields,
    integer,
    optional,
    refuse,
    sequence,
    text,
)
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale
from runtime.primitives.trie import MAX_KEY_BYTES

KIBIBYTE, MEBIBYTE = 1 << 10, 1 << 20

MAX_ANSWER_BYTES = 8 * MEBIBYTE
"""One full block (5 MiB) and its justification, or many small ones: a second on a line of 64 Mbit/s."""

MAX_BLOCKS = 128
"""In one answer; Substrate's limit."""

MAX_EXTRINSICS = 65_536
"""Of one block: 5 MiB of the shortest signed ones are some 40,000."""

MAX_PROOF_NODES = 16_384
"""Of one range: 4,096 entries with their branches."""

MAX_HANDOVERS = 256
"""In one answer."""

MAX_HANDOVER_BYTES = MEBIBYTE
"""A header that announces 1,000 voters, twice, and a justification."""

MAX_ADDRESSES = 64
"""Told at once; an address book grows by little from each peer."""

MAX_ADDRESS_LENGTH = 400


def read_header(value: Any) -> Header:
    """A header in SCALE."""
    try:
        return Header.decode(data(value, MAX_HANDOVER_BYTES))
    except InvalidScale as error:
        raise InvalidMessage(MessageReason.FIELD, f"header: {error}") from error


def pack_request(body: RequestBody) -> list[Any]:
    """A request's frame."""
    match body:
        case BlocksRequest():
            return [0, body.start, int(body.direction), body.count, body.bodies, body.justifications]
        case StateRequest(block, start_after):
            return [1, block, start_after]
        case ArtifactRequest(content_hash, offset):
            return [2, content_hash, offset]
        case WarpRequest(set_id):
            return [3, set_id]
        case PeersRequest():
            return [4]


def read_request(value: Any) -> RequestBody:
    """The request of a frame."""
    kind, frame = _kind(value)
    match kind:
        case 0:
            start, direction, count, bodies, justifications = fields(frame, 5)
            return BlocksRequest(
                digest(start) if isinstance(start, bytes) else integer(start),
                Direction(integer(direction, max(Direction))),
                integer(count, MAX_BLOCKS),
                boolean(bodies),
                boolean(justifications),
            )
        case 1:
            block, start_after = fields(frame, 2)
            return StateRequest(digest(block), optional(start_after, lambda key: data(key, MAX_KEY_BYTES)))
        case 2:
            content_hash, offset = fields(frame, 2)
            return ArtifactRequest(digest(content_hash), integer(offset))
        case 3:
            (set_id,) = fields(frame, 1)
            return WarpRequest(integer(set_id, (1 << 64) - 1))
        case 4:
            fields(frame, 0)
            return PeersRequest()
        case _:
            raise InvalidMessage(MessageReason.UNKNOWN_KIND, f"request {kind}")


def pack_response(body: ResponseBody) -> list[Any]:
    """A response's frame."""
    match body:
        case BlocksResponse(blocks):
            return [0, [_pack_block(block) for block in blocks]]
        case StateResponse(proof):
            return [1, list(proof)]
        case ArtifactResponse(size, content):
            return [2, size, content]
        case WarpResponse(handovers, proof):
            return [3, list(handovers), proof]
        case PeersResponse(addresses):
            return [4, list(addresses)]
        case Refusal(reason):
            return [5, reason.value]


def read_response(value: Any) -> ResponseBody:
    """The response of a frame."""
    kind, frame = _kind(value)
    match kind:
        case 0:
            (blocks,) = fields(frame, 1)
            return BlocksResponse(sequence(blocks, MAX_BLOCKS, _block))
        case 1:
            (proof,) = fields(frame, 1)
            return StateResponse(sequence(proof, MAX_PROOF_NODES, lambda node: data(node, MAX_ANSWER_BYTES)))
        case 2:
            size, content = fields(frame, 2)
            return ArtifactResponse(integer(size), data(content, MAX_ANSWER_BYTES))
        case 3:
            handovers, proof = fields(frame, 2)
            return WarpResponse(
                sequence(handovers, MAX_HANDOVERS, lambda one: data(one, MAX_HANDOVER_BYTES)),
                optional(proof, lambda one: data(one, MAX_HANDOVER_BYTES)),
            )
        case 4:
            (addresses,) = fields(frame, 1)
            return PeersResponse(
                sequence(addresses, MAX_ADDRESSES, lambda one: text(one, MAX_ADDRESS_LENGTH))
            )
        case 5:
            (reason,) = fields(frame, 1)
            return Refusal(RefusalReason(integer(reason, len(RefusalReason) - 1)))
        case _:
            raise InvalidMessage(MessageReason.UNKNOWN_KIND, f"response {kind}")


def _pack_block(block: BlockData) -> list[Any]:
    body = None if block.extrinsics is None else list(block.extrinsics)
    return [block.header.encode(), body, block.justification]


def _block(value: Any) -> BlockData:
    header, body, justification = fields(value, 3)
    return BlockData(
        read_header(header),
        optional(body, lambda one: sequence(one, MAX_EXTRINSICS, lambda item: data(item, MAX_ANSWER_BYTES))),
        optional(justification, lambda one: data(one, MAX_HANDOVER_BYTES)),
    )


def _kind(value: Any) -> tuple[int, list[Any]]:
    if not isinstance(value, list) or not value:
        refuse("a body is expected")
    return integer(value[0]), value[1:]
