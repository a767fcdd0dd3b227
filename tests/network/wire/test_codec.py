"""Frames: every message comes back as it went, and nothing else is a message."""

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.finality.gossip import CatchUpRequest, Held, Neighbour
from network.messages import (
    ArtifactRequest,
    ArtifactResponse,
    BlockAnnounce,
    BlockData,
    BlockPoint,
    BlocksRequest,
    BlocksResponse,
    Direction,
    Finality,
    Message,
    PeersRequest,
    PeersResponse,
    Refusal,
    RefusalReason,
    Request,
    Response,
    Role,
    StateRequest,
    StateResponse,
    Status,
    Transactions,
    WarpRequest,
    WarpResponse,
)
from network.wire import InvalidMessage, MessageReason, decode, encode, urgency
from network.wire.bodies import MAX_BLOCKS
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header

HASHES = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, 2**32 - 1)
HEADERS = st.builds(Header, HASHES, NUMBERS, HASHES, HASHES, st.just(Digest()))
BYTES = st.binary(max_size=100)
SEVERAL = st.lists(BYTES, max_size=4).map(tuple)
POINTS = st.builds(BlockPoint, HASHES, NUMBERS)
REQUESTS = st.one_of(
    st.builds(
        BlocksRequest,
        HASHES | NUMBERS,
        st.sampled_from(Direction),
        st.integers(0, MAX_BLOCKS),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(StateRequest, HASHES, st.none() | BYTES),
    st.builds(ArtifactRequest, HASHES, NUMBERS),
    st.builds(WarpRequest, st.integers(0, 2**64 - 1)),
    st.just(PeersRequest()),
)
BLOCKS = st.builds(BlockData, HEADERS, st.none() | SEVERAL, st.none() | BYTES)
RESPONSES = st.one_of(
    st.builds(BlocksResponse, st.lists(BLOCKS, max_size=3).map(tuple)),
    st.builds(StateResponse, SEVERAL),
    st.builds(ArtifactResponse, NUMBERS, BYTES),
    st.builds(WarpResponse, SEVERAL, st.none() | BYTES),
    st.builds(PeersResponse, st.lists(st.text(max_size=20), max_size=3).map(tuple)),
    st.builds(Refusal, st.sampled_from(RefusalReason)),
)
HELD = st.builds(Held, BYTES, st.binary(min_size=8, max_size=8))
VOTES = st.builds(Neighbour, NUMBERS, NUMBERS, NUMBERS, HELD, HELD) | st.builds(
    CatchUpRequest, NUMBERS, NUMBERS
)
MESSAGES = st.one_of(
    st.builds(Status, HASHES, st.sampled_from(Role), POINTS, POINTS, st.text(max_size=30)),
    st.builds(BlockAnnounce, HEADERS, st.booleans()),
    st.builds(Transactions, SEVERAL),
    st.builds(Finality, VOTES),
    st.builds(Request, st.integers(0, 2**64 - 1), REQUESTS),
    st.builds(Response, st.integers(0, 2**64 - 1), RESPONSES),
)


@given(MESSAGES)
def test_every_message_comes_back_as_it_went(message: Message) -> None:
    assert decode(encode(message)) == message


@settings(max_examples=300)
@given(MESSAGES, st.data())
def test_a_changed_frame_is_another_canonical_message_or_refused(
    message: Message, data: st.DataObject
) -> None:
    frame = bytearray(encode(message))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= data.draw(st.integers(1, 255))
    try:
        changed = decode(bytes(frame))
    except InvalidMessage:
        return
    assert encode(changed) == bytes(frame)


@given(st.binary(max_size=200))
def test_bytes_of_a_stranger_are_a_message_or_refused_with_a_reason(frame: bytes) -> None:
    try:
        message = decode(frame)
    except InvalidMessage:
        return
    assert encode(message) == frame


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", MessageReason.MALFORMED),
        (b"\x91" * 5_000, MessageReason.MALFORMED),
        (b"\xdd\xff\xff\xff\xff", MessageReason.MALFORMED),
        (msgpack.packb({1: 2}), MessageReason.MALFORMED),
        (msgpack.packb([99]), MessageReason.UNKNOWN_KIND),
        (msgpack.packb([True]), MessageReason.UNKNOWN_KIND),
        (msgpack.packb([1, b""]), MessageReason.FIELDS),
        (msgpack.packb([1, b"", True]), MessageReason.FIELD),
        (msgpack.packb([4, -1, [4]]), MessageReason.FIELD),
        (msgpack.packb([4, 1, [9]]), MessageReason.UNKNOWN_KIND),
        (msgpack.packb([4, 1, [0, bytes(31), 0, 1, True, True]]), MessageReason.FIELD),
        (msgpack.packb([4, 1, [0, 7, 0, MAX_BLOCKS + 1, True, True]]), MessageReason.FIELD),
        (msgpack.packb([5, 1, [5, 7]]), MessageReason.FIELD),
        (encode(Transactions((b"x",))) + b"\0", MessageReason.MALFORMED),
        (b"\x93\x04\xd0\x01\x91\x04", MessageReason.NOT_CANONICAL),
    ],
)
def test_what_is_no_message_is_refused_with_its_reason(frame: bytes, reason: MessageReason) -> None:
    with pytest.raises(InvalidMessage) as refused:
        decode(frame)
    assert refused.value.reason is reason


def test_a_kinds_limit_is_known_before_the_frame_is_unpacked() -> None:
    request = bytes((0x93, 4)) + bytes(5_000)
    with pytest.raises(InvalidMessage) as refused:
        decode(request)
    assert refused.value.reason is MessageReason.TOO_LARGE


def test_votes_go_before_blocks() -> None:
    vote = Finality(CatchUpRequest(1, 1))
    blocks = Response(1, BlocksResponse(()))
    assert urgency(vote) < urgency(blocks) < urgency(Transactions(()))
