"""The codec of messages: `[kind, field, ...]` in msgpack, with SCALE inside for headers and votes.

Only the canonical encoding of a message is one: what does not encode to the same bytes again is refused, so
equal messages have equal hashes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack

from consensus.finality.gossip import FINALITY_MESSAGE
from network.messages import (
    BlockAnnounce,
    BlockPoint,
    Finality,
    Message,
    Request,
    Response,
    Role,
    Status,
    Transactions,
)
from network.wire.bodies import (
    MAX_ANSWER_BYTES,
    MAX_EXTRINSICS,
    pack_request,
    pack_response,
    read_header,
    read_request,
    read_response,
)
from network.wire.fields import (
    MAX_ID,
    MAX_NUMBER,
    InvalidMessage,
    MessageReason,
    boolean,
    data,
    digest,
    fields,
    integer,
    sequence,
    text,
)
from runtime.primitives.scale import InvalidScale

KIBIBYTE, MEBIBYTE = 1 << 10, 1 << 20

MAX_AGENT_LENGTH = 128
MAX_HEADER_BYTES = 128 * KIBIBYTE
"""A header that announces 1,000 authorities, twice, has some 100 kB."""

MAX_FINALITY_BYTES = MEBIBYTE
"""A catch-up of 1,000 voters has 600 kB."""

MAX_TRANSACTION_BYTES = 4 * MEBIBYTE
"""Above what the normal share of a block's length can take."""

MAX_TRANSACTIONS = 1_024
"""In one message; a sender makes several."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of message: how long it may be, how urgent it is (0 most), and its two directions."""

    type: type
    limit: int
    urgency: int
    pack: Callable[[Any], list[Any]]
    read: Callable[[list[Any]], Message]


def _pack_point(point: BlockPoint) -> list[Any]:
    return [point.hash, point.number]


def _point(value: Any) -> BlockPoint:
    block_hash, number = fields(value, 2)
    return BlockPoint(digest(block_hash), integer(number))


def _pack_status(status: Status) -> list[Any]:
    points = _pack_point(status.best), _pack_point(status.finalised)
    return [status.genesis, int(status.role), *points, status.agent]


def _status(frame: list[Any]) -> Status:
    genesis, role, best, finalised, agent = fields(frame, 5)
    return Status(
        digest(genesis),
        Role(integer(role, max(Role))),
        _point(best),
        _point(finalised),
        text(agent, MAX_AGENT_LENGTH),
    )


def _announce(frame: list[Any]) -> BlockAnnounce:
    header, is_best = fields(frame, 2)
    return BlockAnnounce(read_header(header), boolean(is_best))


def _transactions(frame: list[Any]) -> Transactions:
    (extrinsics,) = fields(frame, 1)
    return Transactions(sequence(extrinsics, MAX_TRANSACTIONS, lambda one: data(one, MAX_TRANSACTION_BYTES)))


def _finality(frame: list[Any]) -> Finality:
    (encoded,) = fields(frame, 1)
    try:
        return Finality(FINALITY_MESSAGE.decode(data(encoded, MAX_FINALITY_BYTES)))
    except InvalidScale as error:
        raise InvalidMessage(MessageReason.FIELD, f"finality: {error}") from error


def _request(frame: list[Any]) -> Request:
    number, body = fields(frame, 2)
    return Request(integer(number, MAX_ID), read_request(body))


def _response(frame: list[Any]) -> Response:
    number, body = fields(frame, 2)
    return Response(integer(number, MAX_ID), read_response(body))


_KINDS = (
    _Kind(Status, 4 * KIBIBYTE, 0, _pack_status, _status),
    _Kind(BlockAnnounce, MAX_HEADER_BYTES, 1, lambda one: [one.header.encode(), one.is_best], _announce),
    _Kind(
        Transactions,
        MAX_TRANSACTION_BYTES + KIBIBYTE,
        3,
        lambda one: [list(one.extrinsics)],
        _transactions,
    ),
    _Kind(
        Finality,
        MAX_FINALITY_BYTES + KIBIBYTE,
        0,
        lambda one: [FINALITY_MESSAGE.encode(one.message)],
        _finality,
    ),
    _Kind(Request, KIBIBYTE, 1, lambda one: [one.id, pack_request(one.body)], _request),
    _Kind(Response, MAX_ANSWER_BYTES + KIBIBYTE, 2, lambda one: [one.id, pack_response(one.body)], _response),
)
_BY_TYPE = {kind.type: (number, kind) for number, kind in enumerate(_KINDS)}

MAX_MESSAGE_BYTES = max(kind.limit for kind in _KINDS)
"""No message is longer; what a peer's connection buffers before it knows the kind."""


def encode(message: Message) -> bytes:
    """The frame of a message."""
    number, kind = _BY_TYPE[type(message)]
    frame: bytes = msgpack.packb([number, *kind.pack(message)])
    return frame


def urgency(message: Message) -> int:
    """Which queue a message waits in: 0 goes first. Votes must not wait behind megabytes of blocks."""
    return _BY_TYPE[type(message)][1].urgency


def decode(frame: bytes) -> Message:
    """The message of a frame. Raises `InvalidMessage`; takes time and memory in proportion to the frame."""
    if len(frame) > MAX_MESSAGE_BYTES:
        raise InvalidMessage(MessageReason.TOO_LARGE, f"{len(frame)} bytes, at most {MAX_MESSAGE_BYTES}")
    # The kind stands in the second byte, so that its limit is known before anything is unpacked.
    number = frame[1] if len(frame) > 1 else MAX_NUMBER
    if number < len(_KINDS) and len(frame) > _KINDS[number].limit:
        raise InvalidMessage(MessageReason.TOO_LARGE, f"{len(frame)} bytes, at most {_KINDS[number].limit}")
    try:
        value = msgpack.unpackb(
            frame, max_map_len=0, max_ext_len=0, max_array_len=MAX_EXTRINSICS, use_list=True
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise InvalidMessage(MessageReason.MALFORMED, f"{len(frame)} bytes") from error
    if not isinstance(value, list) or not value:
        raise InvalidMessage(MessageReason.MALFORMED, "a list is expected")
    kind = value[0]
    if not isinstance(kind, int) or isinstance(kind, bool) or not 0 <= kind < len(_KINDS):
        raise InvalidMessage(MessageReason.UNKNOWN_KIND, f"{kind!r:.40}")
    message = _KINDS[kind].read(value[1:])
    if encode(message) != frame:
        raise InvalidMessage(MessageReason.NOT_CANONICAL, _KINDS[kind].type.__name__)
    return message
