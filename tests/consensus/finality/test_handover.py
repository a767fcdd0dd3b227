from dataclasses import replace

import pytest

from consensus.authorities import Voter
from consensus.finality.changes import (
    AuthorityRecord,
    PendingChange,
    ScheduledChange,
    finality_item,
)
from consensus.finality.handover import (
    FinalityProof,
    Handover,
    HandoverFault,
    HandoverUnknown,
    InvalidHandover,
    build_finality_proof,
    build_handover,
    verify_finality,
    verify_handover,
    verify_handovers,
)
from consensus.finality.justification import Justification, assemble
from consensus.finality.messages import SignedVote, Stage, Vote
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header
from tests.consensus.builders import GENESIS, bls_key

KEYS = [bls_key(number) for number in range(1, 5)]
MEMBERS = tuple(Voter(key.public, 1) for key in KEYS)
NEXT = MEMBERS[::-1]
DELAY = 2


def child(parent: Header, *changes: ScheduledChange) -> Header:
    logs = tuple(finality_item(change) for change in changes)
    return Header(parent.hash(), parent.number + 1, bytes(32), bytes(32), Digest(logs))


def justified(block: Header, record: AuthorityRecord, voters: int = 3) -> Justification:
    vote = Vote(Stage.PRECOMMIT, block.hash(), block.number, 1, record.set_id)
    keys = {key.public: key for key in KEYS}
    votes = [
        SignedVote(vote, index, keys[member.key].sign(vote.payload()))
        for index, member in enumerate(record.members[:voters])
    ]
    return assemble((block.hash(), block.number), votes, record.voters())


START = AuthorityRecord(0, MEMBERS)
FIRST = child(GENESIS)
ANNOUNCING = child(FIRST, ScheduledChange(NEXT, DELAY))
BETWEEN = child(ANNOUNCING)
ENACTING = child(BETWEEN)
AFTER = child(ENACTING)
STORED = {one.hash(): one for one in (GENESIS, FIRST, ANNOUNCING, BETWEEN, ENACTING, AFTER)}
HANDOVER = Handover((ANNOUNCING, BETWEEN, ENACTING), justified(ENACTING, START))


def refused(handover: Handover, record: AuthorityRecord = START) -> HandoverFault:
    with pytest.raises(InvalidHandover) as single:
        verify_handover(record, handover)
    with pytest.raises(InvalidHandover) as batched:
        verify_handovers(record, [handover])
    assert single.value.reason is batched.value.reason
    return single.value.reason


def test_the_old_set_hands_over_to_the_next_in_a_value_that_survives_the_wire() -> None:
    handover = Handover.decode(HANDOVER.encode())
    assert handover == HANDOVER
    assert verify_handover(START, handover) == AuthorityRecord(1, NEXT, ENACTING.number)


def test_a_chain_of_handovers_leads_to_the_ruling_set_and_one_bad_signature_breaks_it() -> None:
    record, parent, handovers = START, GENESIS, list[Handover]()
    for _ in range(5):
        block = child(parent, ScheduledChange(record.members[1:] + record.members[:1], 0))
        handovers.append(Handover((block,), justified(block, record)))
        record, parent = verify_handover(record, handovers[-1]), block
    assert verify_handovers(START, handovers) == record
    assert verify_handovers(START, []) == START
    group = handovers[3].justification.groups[0]
    stolen = replace(group, signature=handovers[2].justification.groups[0].signature)
    handovers[3] = replace(handovers[3], justification=replace(handovers[3].justification, groups=(stolen,)))
    with pytest.raises(InvalidHandover, match="signature") as caught:
        verify_handovers(START, handovers)
    assert caught.value.reason is HandoverFault.JUSTIFICATION
    garbage = replace(group, signature=bytes(96))
    handovers[3] = replace(handovers[3], justification=replace(handovers[3].justification, groups=(garbage,)))
    with pytest.raises(InvalidHandover):
        verify_handovers(START, handovers)


def test_a_handover_that_skips_or_repeats_one_is_refused() -> None:
    record = verify_handover(START, HANDOVER)
    assert refused(HANDOVER, record) is HandoverFault.SPENT
    assert refused(HANDOVER, replace(START, set_id=7)) is HandoverFault.JUSTIFICATION


def test_each_broken_part_of_a_handover_is_named() -> None:
    headers = HANDOVER.headers
    assert refused(replace(HANDOVER, headers=())) is HandoverFault.NO_CHANGE
    assert refused(replace(HANDOVER, headers=headers[1:])) is HandoverFault.NO_CHANGE
    assert refused(replace(HANDOVER, headers=(headers[0], headers[2]))) is HandoverFault.UNLINKED
    assert refused(replace(HANDOVER, headers=headers[:2])) is HandoverFault.ENACTED_ELSEWHERE
    assert refused(replace(HANDOVER, headers=(*headers, AFTER))) is HandoverFault.ENACTED_ELSEWHERE
    early = justified(BETWEEN, START)
    assert refused(replace(HANDOVER, justification=early)) is HandoverFault.OTHER_TARGET
    weak = justified(ENACTING, START, voters=2)
    assert refused(replace(HANDOVER, justification=weak)) is HandoverFault.JUSTIFICATION
    twice = child(FIRST, ScheduledChange(NEXT, 0), ScheduledChange(MEMBERS, 0))
    assert refused(Handover((twice,), justified(twice, START))) is HandoverFault.NO_CHANGE
    with pytest.raises(InvalidHandover) as caught:
        Handover.decode(HANDOVER.encode() + b"\0")
    assert caught.value.reason is HandoverFault.ENCODING


def test_a_checkpoint_within_a_handover_accepts_that_handover_and_no_other() -> None:
    waiting = PendingChange(ANNOUNCING.hash(), ANNOUNCING.number, ENACTING.number, NEXT)
    record = replace(START, pending=waiting)
    assert verify_handover(record, HANDOVER).members == NEXT
    assert (
        refused(HANDOVER, replace(START, pending=replace(waiting, announced_hash=bytes(32))))
        is HandoverFault.OTHER_CHANGE
    )


def test_a_block_is_final_by_its_own_justification_or_that_of_a_descendant() -> None:
    direct = FinalityProof(FIRST, justified(FIRST, START))
    assert verify_finality(START, FinalityProof.decode(direct.encode())) == FIRST
    above = build_finality_proof(FIRST, justified(BETWEEN, START), STORED.get)
    assert above.ancestry == (ANNOUNCING, BETWEEN)
    assert verify_finality(START, above) == FIRST
    for broken, fault in (
        (replace(above, ancestry=()), HandoverFault.OTHER_TARGET),
        (replace(above, ancestry=above.ancestry[1:]), HandoverFault.UNLINKED),
        (replace(direct, justification=justified(FIRST, START, 2)), HandoverFault.JUSTIFICATION),
    ):
        with pytest.raises(InvalidHandover) as caught:
            verify_finality(START, broken)
        assert caught.value.reason is fault
    with pytest.raises(InvalidHandover):
        FinalityProof.decode(b"")


def test_no_set_makes_blocks_final_beyond_the_one_that_ends_it() -> None:
    waiting = PendingChange(ANNOUNCING.hash(), ANNOUNCING.number, ENACTING.number, NEXT)
    record = replace(START, pending=waiting)
    verify_finality(record, FinalityProof(ENACTING, justified(ENACTING, START)))
    with pytest.raises(InvalidHandover) as caught:
        verify_finality(record, FinalityProof(AFTER, justified(AFTER, START)))
    assert caught.value.reason is HandoverFault.BEYOND_HANDOVER


def test_proofs_are_built_from_stored_headers_and_missing_ones_are_said() -> None:
    assert build_handover(HANDOVER.justification, 0, STORED.get) == HANDOVER
    with pytest.raises(HandoverUnknown, match="no stored announcement"):
        build_handover(HANDOVER.justification, ANNOUNCING.number, STORED.get)
    with pytest.raises(HandoverUnknown):
        build_handover(justified(BETWEEN, START), 0, STORED.get)
    with pytest.raises(HandoverUnknown, match="no headers lead"):
        build_finality_proof(AFTER, HANDOVER.justification, STORED.get)


@pytest.mark.parametrize("size", [100])
def test_a_justification_of_a_hundred_voters_takes_400_bytes_at_most_beyond_its_target(size: int) -> None:
    keys = [bls_key(number) for number in range(1, size + 1)]
    record = AuthorityRecord(0, tuple(Voter(key.public, 1) for key in keys))
    vote = Vote(Stage.PRECOMMIT, FIRST.hash(), FIRST.number, 1, 0)
    votes = [SignedVote(vote, index, key.sign(vote.payload())) for index, key in enumerate(keys)]
    justification = assemble((FIRST.hash(), FIRST.number), votes, record.voters())
    assert verify_finality(record, FinalityProof(FIRST, justification)) == FIRST
    assert len(justification.encode()) - 36 <= 400
