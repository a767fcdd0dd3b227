"""The encrypted channel: two peers who prove themselves, and everybody else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.identity import Identity
from network.messages import Finality, Transactions
from network.transport.channel import (
    MAX_PACKET,
    MAX_UNFINISHED,
    Channel,
    ChannelFault,
    Handshake,
    InvalidChannel,
    Piece,
    pieces,
)
from network.transport.outbox import MAX_WAITING_BYTES, Outbox
from network.wire import decode

ALICE, BOB = Identity.from_seed(b"a" * 32), Identity.from_seed(b"b" * 32)


def connected() -> tuple[Channel, Channel]:
    """Alice dials Bob."""
    alice, bob = Handshake(ALICE, is_initiator=True), Handshake(BOB, is_initiator=False)
    to_bob, to_alice = alice.start(), bob.start()
    while to_bob or to_alice:
        to_alice += [answer for packet in to_bob for answer in bob.receive(packet)]
        to_bob = [answer for packet in to_alice for answer in alice.receive(packet)]
        to_alice = []
    assert alice.channel is not None
    assert bob.channel is not None
    return alice.channel, bob.channel


def test_both_sides_learn_who_the_other_is() -> None:
    alice, bob = connected()
    assert (alice.peer, bob.peer) == (BOB.peer, ALICE.peer)


@settings(max_examples=20)
@given(st.binary(max_size=200_000))
def test_messages_of_any_length_arrive_in_packets_that_noise_takes(frame: bytes) -> None:
    alice, bob = connected()
    packets = [alice.seal(piece) for piece in pieces(2, frame)]
    assert all(len(packet) <= MAX_PACKET for packet in packets)
    assert [bob.open(packet) for packet in packets] == [None] * (len(packets) - 1) + [frame]


def test_pieces_of_different_urgency_may_alternate() -> None:
    alice, bob = connected()
    slow, urgent = pieces(2, bytes(100_000)), pieces(0, b"vote")
    opened = [bob.open(alice.seal(piece)) for piece in (slow[0], *urgent, *slow[1:])]
    assert opened == [None, b"vote", bytes(100_000)]


@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_flipped_bit_ends_the_channel(position: int) -> None:
    alice, bob = connected()
    packet = bytearray(alice.seal(pieces(0, b"message")[0]))
    packet[position] ^= 1
    with pytest.raises(InvalidChannel) as ended:
        bob.open(bytes(packet))
    assert ended.value.reason is ChannelFault.DECRYPTION


def test_a_replayed_packet_ends_the_channel() -> None:
    alice, bob = connected()
    packet = alice.seal(pieces(0, b"once")[0])
    assert bob.open(packet) == b"once"
    with pytest.raises(InvalidChannel):
        bob.open(packet)


def test_an_identity_cannot_be_claimed_without_its_key() -> None:
    """Eve shakes hands as herself and then shows Alice's name."""

    class Liar(Identity):
        def sign(self, message: bytes) -> bytes:
            return Identity.from_seed(b"e" * 32).sign(message)

    eve, bob = Handshake(Liar(b"e" * 32, ALICE.peer), is_initiator=True), Handshake(BOB, is_initiator=False)
    (first,) = eve.start()
    (second,) = bob.receive(first)
    third, proof = eve.receive(second)
    bob.receive(third)
    with pytest.raises(InvalidChannel) as refused:
        bob.receive(proof)
    assert refused.value.reason is ChannelFault.IDENTITY


def test_a_proof_from_one_connection_is_worth_nothing_in_another() -> None:
    """Bob, dialled by Alice, uses what she signed to pass for her with Carol."""
    alice, bob = Handshake(ALICE, is_initiator=True), Handshake(BOB, is_initiator=False)
    bob.receive(alice.receive(bob.receive(alice.start()[0])[0])[0])
    signed = ALICE.sign(b"fixpoint/peer/1/identity\x01" + bytes(alice._noise.get_handshake_hash()))

    class Replay(Identity):
        def sign(self, message: bytes) -> bytes:
            return signed

    mallory = Handshake(Replay(b"m" * 32, ALICE.peer), is_initiator=True)
    carol = Handshake(Identity.from_seed(b"c" * 32), is_initiator=False)
    third, proof = mallory.receive(carol.receive(mallory.start()[0])[0])
    carol.receive(third)
    with pytest.raises(InvalidChannel):
        carol.receive(proof)


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_garbage_instead_of_a_handshake_is_refused(packets: list[bytes]) -> None:
    bob = Handshake(BOB, is_initiator=False)

    def handshake() -> None:
        for packet in [*packets, b"", b""]:
            bob.receive(packet)

    with pytest.raises(InvalidChannel):
        handshake()


def test_an_endless_message_is_cut_off_at_the_limit() -> None:
    alice, bob = connected()
    piece = Piece(1, False, bytes(60_000))
    for _ in range(MAX_UNFINISHED // 60_000):
        assert bob.open(alice.seal(piece)) is None
    with pytest.raises(InvalidChannel) as ended:
        bob.open(alice.seal(piece))
    assert ended.value.reason is ChannelFault.TOO_LARGE


def test_an_unknown_stream_is_malformed() -> None:
    alice, bob = connected()
    with pytest.raises(InvalidChannel) as ended:
        bob.open(alice.seal(Piece(9, True, b"")))
    assert ended.value.reason is ChannelFault.MALFORMED


def test_the_outbox_sends_votes_first_and_refuses_what_piles_up() -> None:
    from consensus.finality.gossip import CatchUpRequest

    outbox = Outbox()
    assert outbox.add(Transactions((b"slow",)))
    assert outbox.add(Finality(CatchUpRequest(1, 1)))
    first, second = outbox.pop(), outbox.pop()
    assert first is not None
    assert second is not None
    assert isinstance(decode(first.content), Finality)
    assert isinstance(decode(second.content), Transactions)
    assert outbox.pop() is None
    large = Transactions((bytes(4_000_000),))
    added = 0
    while outbox.add(large):
        added += 1
    assert added == MAX_WAITING_BYTES // 4_000_000
    assert len(outbox) == added
