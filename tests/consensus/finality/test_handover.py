from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.authorities import Voter
from consensus.digest import FRNK
from consensus.finality import bls
from consensus.finality.bls import BlsKey
from consensus.finality.changes import AuthorityRecord, PendingChange, ScheduledChange, finality_item
from consensus.finality.handover import (
    FinalityProof,
    Handover,
    HandoverFault,
    InvalidHandover,
    verify_finality,
    verify_handover,
    verify_handovers,
)
from consensus.finality.justification import Justification, assemble
from runtime.primitives.digest import Consensus
from runtime.primitives.header import Header
from tests.consensus.builders import GENESIS, bls_key, chain, child, precommit

KEYS = [bls_key(number) for number in range(1, 9)]


def members(keys: Sequence[BlsKey]) -> tuple[Voter, ...]:
    return tuple(Voter(key.public, 1) for key in keys)


OLD, NEW = KEYS[:4], KEYS[2:7]
START = AuthorityRecord(0, members(OLD))


def justified(header: Header, keys: Sequence[BlsKey], set_id: int) -> Justification:
    voters = AuthorityRecord(set_id, members(keys)).voters()
    votes = [precommit(list(keys), index, header, set_id=set_id) for index in range(len(keys))]
    return assemble((header.hash(), header.number), votes, voters)


def handing_over(
    parent: Header, old: Sequence[BlsKey], new: Sequence[BlsKey], set_id: int = 0, delay: int = 0
) -> Handover:
    announcing = child(parent, finality_item(ScheduledChange(members(new), delay)))
    headers = (announcing, *chain(delay, announcing))
    return Handover(headers, justified(headers[-1], old, set_id))


FIRST = handing_over(GENESIS, OLD, NEW)
SECOND = handing_over(FIRST.headers[-1], NEW, NEW, set_id=1, delay=3)
FINAL = child(SECOND.headers[-1])
PROOF = FinalityProof(FINAL, justified(FINAL, NEW, 2))


def refused(handover: Handover, authorities: AuthorityRecord = START) -> HandoverFault:
    with pytest.raises(InvalidHandover) as caught:
        verify_handover(authorities, handover)
    return caught.value.reason


def test_handovers_lead_from_one_voter_set_to_the_newest_and_to_a_final_block() -> None:
    after_first = verify_handover(START, FIRST)
    assert after_first == AuthorityRecord(1, members(NEW), spent=1)
    newest = verify_handovers(START, [FIRST, SECOND])
    assert newest == verify_handover(after_first, SECOND) == AuthorityRecord(2, members(NEW), spent=5)
    assert verify_finality(newest, PROOF) == FINAL
    assert verify_handovers(START, []) == START


def test_light_proofs_survive_the_wire_and_other_bytes_are_refused() -> None:
    assert Handover.decode(SECOND.encode()) == SECOND
    assert FinalityProof.decode(PROOF.encode()) == PROOF
    for decode, data in ((Handover.decode, SECOND.encode()), (FinalityProof.decode, PROOF.encode())):
        for broken in (data[:-1], data + b"\x00", b""):
            with pytest.raises(InvalidHandover) as caught:
                decode(broken)
            assert caught.value.reason is HandoverFault.ENCODING


def test_handovers_are_refused_out_of_order_or_with_one_left_out() -> None:
    assert refused(SECOND) is HandoverFault.JUSTIFICATION
    with pytest.raises(InvalidHandover):
        verify_handovers(START, [SECOND, FIRST])
    assert refused(FIRST, verify_handover(START, FIRST)) is HandoverFault.SPENT


def test_a_handover_shows_the_whole_way_from_announcement_to_enactment() -> None:
    delayed = handing_over(GENESIS, OLD, NEW, delay=2)
    announcing, between, enacting = delayed.headers
    verify_handover(START, delayed)
    beyond = child(enacting)
    stranger = child(announcing, state=9)
    cases = [
        ((), HandoverFault.NO_HEADERS),
        ((announcing,), HandoverFault.DELAY),
        ((announcing, between), HandoverFault.DELAY),
        ((announcing, between, enacting, beyond), HandoverFault.DELAY),
        ((between, enacting), HandoverFault.NO_CHANGE),
        ((announcing, enacting), HandoverFault.LINK),
        ((announcing, stranger, enacting), HandoverFault.LINK),
        ((announcing, replace(between, number=9), enacting), HandoverFault.LINK),
    ]
    for headers, fault in cases:
        assert refused(replace(delayed, headers=headers)) is fault


def test_a_justification_for_another_block_or_by_too_few_hands_nothing_over() -> None:
    other = child(GENESIS, finality_item(ScheduledChange(members(KEYS[:1]), 0)))
    assert refused(replace(FIRST, headers=(other,))) is HandoverFault.OTHER_BLOCK
    by_others = justified(FIRST.headers[0], KEYS[4:8], 0)
    assert refused(replace(FIRST, justification=by_others)) is HandoverFault.JUSTIFICATION
    voters = START.voters()
    two = [precommit(OLD, index, FIRST.headers[0]) for index in range(2)]
    weak = assemble((FIRST.headers[0].hash(), 1), two, voters)
    assert refused(replace(FIRST, justification=weak)) is HandoverFault.JUSTIFICATION


def test_an_announcement_that_names_no_usable_set_is_refused() -> None:
    change = ScheduledChange(members(NEW), 0)
    bad_key = ScheduledChange((Voter(bytes(48), 1),), 0)
    cases = [
        (finality_item(replace(change, next_voters=())),),
        (finality_item(bad_key),),
        (Consensus(FRNK, b"\x09"),),
        (finality_item(change), finality_item(change)),
    ]
    for logs in cases:
        header = child(GENESIS, *logs)
        broken = Handover((header,), justified(header, OLD, 0))
        assert refused(broken) is HandoverFault.MALFORMED_CHANGE


def test_only_the_change_that_waits_hands_over() -> None:
    announcing = FIRST.headers[0]
    waiting = PendingChange(announcing.hash(), announcing.number, 1, members(NEW))
    assert verify_handover(replace(START, pending=waiting), FIRST).set_id == 1
    other = replace(waiting, announced_hash=bytes(32))
    assert refused(FIRST, replace(START, pending=other)) is HandoverFault.OTHER_PENDING


def test_finality_is_proved_only_for_the_header_shown_by_the_set_that_rules_there() -> None:
    newest = verify_handovers(START, [FIRST, SECOND])
    waiting = PendingChange(FIRST.headers[0].hash(), 1, FINAL.number - 1, members(NEW))
    cases = [
        (newest, replace(PROOF, header=child(FINAL)), HandoverFault.OTHER_BLOCK),
        (newest, replace(PROOF, header=replace(FINAL, number=7)), HandoverFault.OTHER_BLOCK),
        (replace(newest, set_id=1), PROOF, HandoverFault.JUSTIFICATION),
        (replace(newest, members=members(OLD)), PROOF, HandoverFault.JUSTIFICATION),
        (replace(newest, pending=waiting), PROOF, HandoverFault.BEYOND_HANDOVER),
    ]
    for authorities, proof, fault in cases:
        with pytest.raises(InvalidHandover) as caught:
            verify_finality(authorities, proof)
        assert caught.value.reason is fault
    at_the_end = replace(newest, pending=replace(waiting, enacted_at=FINAL.number))
    assert verify_finality(at_the_end, PROOF) == FINAL


FIRST_BYTES = FIRST.encode()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(FIRST_BYTES) * 8 - 1))
def test_a_handover_with_any_bit_flipped_is_refused(position: int) -> None:
    data = bytearray(FIRST_BYTES)
    data[position >> 3] ^= 1 << (position & 7)
    with pytest.raises(InvalidHandover):
        verify_handover(START, Handover.decode(bytes(data)))


def test_keys_that_a_set_shares_with_the_next_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handovers, parent = list[Handover](), GENESIS
    for set_id in range(5):
        handovers.append(handing_over(parent, OLD, OLD, set_id))
        parent = handovers[-1].headers[-1]
    handovers.append(handing_over(parent, OLD, OLD[1:] + KEYS[7:], 5))
    parsed = list[bytes]()
    original = bls.PublicKey.from_bytes

    def counted(data: bytes) -> bls.PublicKey:
        parsed.append(data)
        return original(data)

    monkeypatch.setattr(bls.PublicKey, "from_bytes", counted)
    assert verify_handovers(START, handovers).set_id == 6
    assert parsed == [key.public for key in [*OLD, KEYS[7]]]


def test_a_justification_of_a_hundred_voters_of_one_target_takes_at_most_400_bytes_more() -> None:
    keys = [bls_key(number) for number in range(1, 101)]
    authorities = AuthorityRecord(0, members(keys))
    header = child(GENESIS)
    proof = FinalityProof(header, justified(header, keys, 0))
    assert verify_finality(authorities, proof) == header
    target = len(header.hash()) + 4
    assert len(proof.encode()) - len(header.encode()) - target <= 400
