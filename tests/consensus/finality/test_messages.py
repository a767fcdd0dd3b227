from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from consensus.finality.messages import (
    VOTE,
    SignedVote,
    Stage,
    Vote,
    pack_signers,
    unpack_signers,
    verify_vote,
)
from tests.consensus.builders import GENESIS, precommit, voter_set

SIZES = st.integers(1, 200)


def test_the_signed_payload_is_grandpas() -> None:
    vote = Vote(Stage.PRECOMMIT, bytes([7]) * 32, 5, 3, 2)
    assert vote.payload().hex() == "01" + "07" * 32 + "05000000" + "0300000000000000" + "0200000000000000"
    assert replace(vote, stage=Stage.PREVOTE).payload()[0] == 0
    assert VOTE.decode(vote.payload()) == vote


def test_a_vote_holds_for_its_voter_set_and_content_only() -> None:
    voters, keys = voter_set([1, 1])
    signed = precommit(keys, 1, GENESIS)
    assert verify_vote(signed, voters)
    bad_votes = [
        replace(signed, voter=0),
        replace(signed, voter=2),
        replace(signed, signature=bytes(96)),
        replace(signed, signature=keys[1].sign(b"else")),
        replace(signed, vote=replace(signed.vote, round=2)),
        replace(signed, vote=replace(signed.vote, stage=Stage.PREVOTE)),
        precommit(keys, 1, GENESIS, set_id=1),
    ]
    assert not any(verify_vote(bad, voters) for bad in bad_votes)
    assert isinstance(signed, SignedVote)


@given(st.data(), SIZES)
def test_a_bitfield_gives_back_its_voters(data: st.DataObject, size: int) -> None:
    members = data.draw(st.sets(st.integers(0, size - 1)))
    field = pack_signers(sorted(members), size)
    assert len(field) == (size + 7) // 8
    assert unpack_signers(field, size) == tuple(sorted(members))


def test_bits_run_from_the_least_significant() -> None:
    assert pack_signers([0, 3, 9], 10) == bytes([0b1001, 0b10])


@given(st.binary(max_size=30), SIZES)
def test_every_accepted_bitfield_is_canonical(field: bytes, size: int) -> None:
    members = unpack_signers(field, size)
    assert members is None or pack_signers(members, size) == field


def test_a_bitfield_of_another_length_or_with_bits_beyond_the_set_is_refused() -> None:
    assert unpack_signers(bytes([0b0111]), 3) == (0, 1, 2)
    assert unpack_signers(bytes([0b1000]), 3) is None
    assert unpack_signers(bytes(2), 3) is None
    assert unpack_signers(b"", 3) is None
