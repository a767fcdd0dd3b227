from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.claims import check_claim, claim_slot, secondary_author
from consensus.digest import PrimaryPreDigest, SecondaryPlainPreDigest, SecondaryVrfPreDigest
from consensus.epoch import AllowedSlots, Epoch
from consensus.faults import HeaderFault, InvalidHeader
from runtime.primitives.hashing import blake2_256
from tests.consensus.builders import RANDOMNESS, claimed, epoch, key

KEYS = [key(number) for number in (1, 2, 3)]
KINDS = list(AllowedSlots)


def refused(claim: object, slots: Epoch) -> HeaderFault:
    with pytest.raises(InvalidHeader) as caught:
        check_claim(claim, slots)  # type: ignore[arg-type]
    return caught.value.reason


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 999), st.integers(0, 2))
def test_every_claim_made_is_accepted_and_repeats_identically(
    allowed: AllowedSlots, slot: int, author: int
) -> None:
    slots = epoch(*KEYS, allowed=allowed)
    claim = claim_slot(slot, slots, KEYS[author])
    assert claim == claim_slot(slot, slots, KEYS[author])
    if claim is not None:
        assert (claim.slot, claim.authority_index) == (slot, author)
        output = check_claim(claim.pre_digest, slots)
        assert (output is None) is isinstance(claim.pre_digest, SecondaryPlainPreDigest)


@pytest.mark.parametrize("allowed", KINDS[1:])
def test_with_secondary_slots_every_slot_has_an_author_and_never_two_secondary_ones(
    allowed: AllowedSlots,
) -> None:
    slots = epoch(*KEYS, allowed=allowed)
    primaries = 0
    for slot in range(40):
        claims = [claim for each in KEYS if (claim := claim_slot(slot, slots, each)) is not None]
        assert claims
        assert sum(not claim.primary for claim in claims) <= 1
        primaries += sum(claim.primary for claim in claims)
    assert 3 <= primaries <= 25


def test_without_secondary_slots_only_the_lottery_gives_claims() -> None:
    slots = epoch(KEYS[0], allowed=AllowedSlots.PrimarySlots)
    claims = [claim_slot(slot, slots, KEYS[0]) for slot in range(60)]
    assert 5 <= sum(claim is not None for claim in claims) <= 30
    assert all(claim.primary for claim in claims if claim is not None)


def test_a_stranger_has_no_claim_and_a_slot_outside_the_epoch_is_the_callers_bug() -> None:
    assert claim_slot(1, epoch(KEYS[0]), KEYS[1]) is None
    with pytest.raises(AssertionError, match="outside epoch 0"):
        claim_slot(1_000, epoch(KEYS[0]), KEYS[0])


def test_the_secondary_author_is_babes() -> None:
    digest = blake2_256(RANDOMNESS + (5).to_bytes(8, "little"))
    assert secondary_author(5, 7, RANDOMNESS) == int.from_bytes(digest, "big") % 7
    assert {secondary_author(slot, 3, RANDOMNESS) for slot in range(50)} == {0, 1, 2}


def test_a_primary_claim_is_checked_in_every_part() -> None:
    slots = epoch(*KEYS)
    claim, _ = claimed(slots, *KEYS, primary=True)
    pre_digest = claim.pre_digest
    assert isinstance(pre_digest, PrimaryPreDigest)
    assert refused(replace(pre_digest, slot=1_000), slots) is HeaderFault.SLOT_OUTSIDE_EPOCH
    assert refused(replace(pre_digest, slot=pre_digest.slot + 1), slots) is HeaderFault.VRF
    assert refused(replace(pre_digest, authority_index=3), slots) is HeaderFault.AUTHOR_UNKNOWN
    other = (pre_digest.authority_index + 1) % 3
    assert refused(replace(pre_digest, authority_index=other), slots) is HeaderFault.VRF
    assert refused(replace(pre_digest, pre_output=bytes(32)), slots) is HeaderFault.VRF
    assert refused(pre_digest, replace(slots, randomness=bytes(32))) is HeaderFault.VRF
    assert refused(pre_digest, replace(slots, index=1)) is HeaderFault.VRF


def test_a_secondary_claim_dressed_up_as_primary_lost_the_lottery() -> None:
    slots = epoch(*KEYS)
    claim, _ = claimed(slots, *KEYS, primary=False)
    real = claim.pre_digest
    assert isinstance(real, SecondaryVrfPreDigest)
    fake = PrimaryPreDigest(real.authority_index, real.slot, real.pre_output, real.proof)
    assert refused(fake, slots) is HeaderFault.OVER_THRESHOLD


@pytest.mark.parametrize("allowed", KINDS[1:])
def test_a_secondary_slot_belongs_to_one_author_and_one_kind(allowed: AllowedSlots) -> None:
    slots = epoch(*KEYS, allowed=allowed)
    claim, _ = claimed(slots, *KEYS, primary=False)
    stolen = replace(claim.pre_digest, authority_index=(claim.authority_index + 1) % 3)
    assert refused(stolen, slots) is HeaderFault.AUTHOR_NOT_IN_TURN
    for other in KINDS:
        if other is not allowed:
            assert (
                refused(claim.pre_digest, replace(slots, allowed_slots=other))
                is HeaderFault.CLAIM_KIND_FORBIDDEN
            )
