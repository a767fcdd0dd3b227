from dataclasses import replace

import pytest

from consensus.digest import BABE, NextEpochData, OnDisabled, consensus_item, pre_digest_item
from consensus.epoch import AllowedSlots
from consensus.equivocation import (
    TRACKED_SLOTS,
    EquivocationDetector,
    EquivocationFault,
    EquivocationProof,
    InvalidEquivocation,
    verify_equivocation,
)
from consensus.faults import HeaderFault, InvalidHeader
from consensus.header_check import VerifiedHeader, verify_header
from consensus.seal import seal_header, split_seal, verify_seal
from runtime.primitives.babe import EQUIVOCATION_PROOF
from runtime.primitives.digest import Consensus, Digest, Seal
from runtime.primitives.header import Header
from tests.consensus.builders import GENESIS, child, claimed, epoch, key, sealed_child

KEYS = [key(1), key(2)]
SLOTS = epoch(*KEYS)
NEWEST = 999
CLAIM, AUTHOR = claimed(SLOTS, *KEYS, primary=True, start=10)
HEADER = sealed_child(GENESIS, CLAIM, AUTHOR)


def refused(header: Header, parent: Header = GENESIS, newest_slot: int = NEWEST) -> HeaderFault:
    with pytest.raises(InvalidHeader) as caught:
        verify_header(header, parent, SLOTS, newest_slot)
    return caught.value.reason


def resealed(header: Header) -> Header:
    return seal_header(header.without_seal(), AUTHOR)


def verified(header: Header, parent: Header = GENESIS) -> VerifiedHeader:
    return verify_header(header, parent, SLOTS, NEWEST)


def test_a_sound_header_comes_back_with_everything_later_stages_need() -> None:
    header = sealed_child(GENESIS, CLAIM, AUTHOR, consensus_item(OnDisabled(1)))
    result = verified(header)
    assert (result.hash, result.pre_hash) == (header.hash(), header.without_seal().hash())
    assert (result.slot, result.authority_index, result.author) == (
        CLAIM.slot,
        CLAIM.authority_index,
        AUTHOR.public,
    )
    assert result.primary
    assert result.randomness is not None
    assert result.logs == (OnDisabled(1),)
    reference = result.reference
    assert (reference.hash, reference.number, reference.parent_hash) == (header.hash(), 1, GENESIS.hash())
    assert reference.primary


def test_a_plain_secondary_header_contributes_no_randomness() -> None:
    slots = epoch(*KEYS, allowed=AllowedSlots.PrimaryAndSecondaryPlainSlots)
    claim, author = claimed(slots, *KEYS, primary=False)
    result = verify_header(sealed_child(GENESIS, claim, author), GENESIS, slots, NEWEST)
    assert result.randomness is None
    assert not result.primary


def test_the_place_in_the_chain_is_checked() -> None:
    assert refused(HEADER, parent=child(GENESIS)) is HeaderFault.PARENT
    assert refused(resealed(replace(HEADER, number=2))) is HeaderFault.NUMBER


def test_the_slot_must_follow_the_parents_and_not_run_ahead_of_the_clock() -> None:
    next_claim, next_author = claimed(SLOTS, *KEYS, primary=True, start=CLAIM.slot + 1)
    grandchild = sealed_child(HEADER, next_claim, next_author)
    assert verified(grandchild, HEADER).slot == next_claim.slot
    assert refused(sealed_child(HEADER, CLAIM, AUTHOR), HEADER) is HeaderFault.SLOT_NOT_INCREASING
    assert refused(HEADER, newest_slot=CLAIM.slot - 1) is HeaderFault.SLOT_IN_FUTURE
    assert verify_header(HEADER, GENESIS, SLOTS, CLAIM.slot).slot == CLAIM.slot


def test_every_change_to_a_sealed_header_breaks_it() -> None:
    seal = HEADER.digest.logs[-1]
    assert isinstance(seal, Seal)
    tampered = [
        replace(HEADER, state_root=bytes(32)),
        replace(HEADER, extrinsics_root=bytes([9]) * 32),
        replace(HEADER, digest=Digest((*HEADER.digest.logs[:-1], Consensus(b"FRNK", b""), seal))),
        replace(HEADER, digest=Digest((*HEADER.digest.logs[:-1], Seal(BABE, bytes(64))))),
    ]
    for header in tampered:
        assert refused(header) is HeaderFault.SEAL_SIGNATURE


def test_the_seal_must_be_one_babe_seal_at_the_end() -> None:
    logs = HEADER.digest.logs
    cases = [
        (logs[:-1], HeaderFault.SEAL_MISSING),
        ((), HeaderFault.SEAL_MISSING),
        ((logs[-1], *logs[:-1]), HeaderFault.SEAL_MISSING),
        ((*logs, logs[-1]), HeaderFault.SEAL_MISPLACED),
        ((*logs[:-1], Seal(b"aura", bytes(64))), HeaderFault.SEAL_ENGINE),
        ((*logs[:-1], Seal(BABE, bytes(63))), HeaderFault.SEAL_LENGTH),
    ]
    for digest, reason in cases:
        assert refused(replace(HEADER, digest=Digest(digest))) is reason


def test_another_authority_cannot_seal_for_the_author() -> None:
    other = next(each for each in KEYS if each is not AUTHOR)
    assert refused(sealed_child(GENESIS, CLAIM, other)) is HeaderFault.SEAL_SIGNATURE


def test_a_false_claim_and_bad_announcements_are_refused_although_sealed() -> None:
    stranger = replace(CLAIM.pre_digest, authority_index=7)
    assert (
        refused(seal_header(child(GENESIS, pre_digest_item(stranger)), AUTHOR)) is HeaderFault.AUTHOR_UNKNOWN
    )
    moved = replace(CLAIM.pre_digest, slot=CLAIM.slot + 1)
    assert refused(seal_header(child(GENESIS, pre_digest_item(moved)), AUTHOR)) is HeaderFault.VRF
    data = consensus_item(NextEpochData((), bytes(32)))
    assert refused(sealed_child(GENESIS, CLAIM, AUTHOR, data, data)) is HeaderFault.LOG_REPEATED


def test_sealing_and_splitting_are_inverse_and_sealing_twice_is_a_bug() -> None:
    unsealed = child(GENESIS, pre_digest_item(CLAIM.pre_digest))
    sealed = seal_header(unsealed, AUTHOR)
    assert split_seal(sealed)[0] == unsealed
    assert verify_seal(sealed, AUTHOR.public) == unsealed.hash()
    with pytest.raises(AssertionError, match="sealed already"):
        seal_header(sealed, AUTHOR)


def test_two_blocks_of_one_author_in_one_slot_are_caught_with_a_proof_that_holds() -> None:
    detector = EquivocationDetector()
    twin = sealed_child(GENESIS, CLAIM, AUTHOR, state=4)
    assert detector.observe(verified(HEADER)) is None
    assert detector.observe(verified(HEADER)) is None
    proof = detector.observe(verified(twin))
    assert proof == EquivocationProof(AUTHOR.public, CLAIM.slot, HEADER, twin)
    verify_equivocation(proof)
    assert EQUIVOCATION_PROOF.decode(EQUIVOCATION_PROOF.encode(proof)) == proof


def test_old_slots_are_forgotten_and_old_headers_no_longer_tracked() -> None:
    detector = EquivocationDetector()
    old = verified(HEADER)
    late = replace(old, pre_digest=replace(old.pre_digest, slot=CLAIM.slot + TRACKED_SLOTS))
    twin = verified(sealed_child(GENESIS, CLAIM, AUTHOR, state=4))
    assert detector.observe(old) is None
    assert detector.observe(late) is None
    assert detector.observe(twin) is None


def test_evidence_that_convicts_nobody_is_refused_by_name() -> None:
    twin = sealed_child(GENESIS, CLAIM, AUTHOR, state=4)
    proof = EquivocationProof(AUTHOR.public, CLAIM.slot, HEADER, twin)
    other_slot, _ = claimed(SLOTS, AUTHOR, primary=True, start=CLAIM.slot + 1)
    renamed = seal_header(
        child(GENESIS, pre_digest_item(replace(CLAIM.pre_digest, authority_index=9))), AUTHOR
    )
    cases = [
        (replace(proof, second_header=HEADER), EquivocationFault.SAME_HEADER),
        (replace(proof, slot=CLAIM.slot + 1), EquivocationFault.SLOT),
        (replace(proof, second_header=sealed_child(GENESIS, other_slot, AUTHOR)), EquivocationFault.SLOT),
        (replace(proof, second_header=renamed), EquivocationFault.AUTHOR),
        (replace(proof, offender=key(3).public), EquivocationFault.HEADER),
        (replace(proof, first_header=child(GENESIS)), EquivocationFault.HEADER),
    ]
    for bad, reason in cases:
        with pytest.raises(InvalidEquivocation) as caught:
            verify_equivocation(bad)
        assert caught.value.reason is reason
