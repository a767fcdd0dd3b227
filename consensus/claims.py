"""Slot claims: who may author in a slot, and the proof of it. Claiming and checking stand side by side."""

from dataclasses import dataclass

from consensus.digest import (
    PreDigest,
    PrimaryPreDigest,
    SecondaryPlainPreDigest,
    SecondaryVrfPreDigest,
    VrfPreDigest,
    proof_field,
    proof_of,
)
from consensus.epoch import AllowedSlots, Epoch
from consensus.faults import HeaderFault, InvalidHeader
from consensus.keys import SessionKey
from consensus.lottery import draw, primary_threshold
from consensus.vrf import InvalidVrf, output, verify
from runtime.primitives.hashing import blake2_256


@dataclass(frozen=True, slots=True)
class SlotClaim:
    """The right to author one block in `slot`, in the form that the block's digest carries."""

    slot: int
    authority_index: int
    pre_digest: PreDigest

    @property
    def primary(self) -> bool:
        """Whether the lottery was won, which makes the block weigh more in fork choice."""
        return isinstance(self.pre_digest, PrimaryPreDigest)


def claim_slot(slot: int, epoch: Epoch, key: SessionKey) -> SlotClaim | None:
    """The claim of `key` to `slot`, or None: primary when its VRF draw wins, else secondary when it is its
    turn.

    `slot` must lie in `epoch` (a caller's mistake otherwise). The same arguments always give the same claim.
    """
    assert epoch.contains(slot), f"slot {slot} is outside epoch {epoch.index}"
    index = epoch.authorities.index_of(key.public)
    if index is None:
        return None
    proof = key.prove(vrf_input(slot, epoch))
    if draw(output(proof)) < _threshold(epoch, index):
        return SlotClaim(slot, index, PrimaryPreDigest(index, slot, proof.gamma, proof_field(proof)))
    if secondary_author(slot, len(epoch.authorities), epoch.randomness) != index:
        return None
    match epoch.allowed_slots:
        case AllowedSlots.PrimarySlots:
            return None
        case AllowedSlots.PrimaryAndSecondaryPlainSlots:
            return SlotClaim(slot, index, SecondaryPlainPreDigest(index, slot))
        case AllowedSlots.PrimaryAndSecondaryVRFSlots:
            return SlotClaim(slot, index, SecondaryVrfPreDigest(index, slot, proof.gamma, proof_field(proof)))


def check_claim(claim: PreDigest, epoch: Epoch) -> bytes | None:
    """The VRF output (64 bytes) that a valid claim shows, None for a plain one; raises `InvalidHeader`."""
    if not epoch.contains(claim.slot):
        bounds = (
            f"epoch {epoch.index} has slots {epoch.start_slot} to {epoch.start_slot + epoch.duration - 1}"
        )
        raise InvalidHeader(HeaderFault.SLOT_OUTSIDE_EPOCH, f"slot {claim.slot}, {bounds}")
    if claim.authority_index >= len(epoch.authorities):
        raise InvalidHeader(
            HeaderFault.AUTHOR_UNKNOWN, f"index {claim.authority_index} of {len(epoch.authorities)}"
        )
    match claim:
        case PrimaryPreDigest():
            return _check_primary(claim, epoch)
        case SecondaryPlainPreDigest():
            _check_turn(claim, epoch, AllowedSlots.PrimaryAndSecondaryPlainSlots)
            return None
        case SecondaryVrfPreDigest():
            _check_turn(claim, epoch, AllowedSlots.PrimaryAndSecondaryVRFSlots)
            return _check_vrf(claim, epoch)


def secondary_author(slot: int, authority_count: int, randomness: bytes) -> int:
    """Whose turn a secondary slot is: blake2b-256(randomness ++ slot as u64 LE), big-endian, modulo the
    number of authorities.
    """
    return int.from_bytes(blake2_256(randomness + slot.to_bytes(8, "little")), "big") % authority_count


def vrf_input(slot: int, epoch: Epoch) -> bytes:
    """What the VRF is evaluated on: BABE's transcript of slot, epoch index and randomness as 52 fixed-width
    bytes.
    """
    return b"BABE" + slot.to_bytes(8, "little") + epoch.index.to_bytes(8, "little") + epoch.randomness


def _threshold(epoch: Epoch, index: int) -> int:
    return primary_threshold(epoch.c, epoch.authorities.members[index].weight, epoch.authorities.total_weight)


def _check_primary(claim: PrimaryPreDigest, epoch: Epoch) -> bytes:
    vrf_output = _check_vrf(claim, epoch)
    threshold = _threshold(epoch, claim.authority_index)
    if draw(vrf_output) >= threshold:
        raise InvalidHeader(HeaderFault.OVER_THRESHOLD, f"drew {draw(vrf_output)}, must be below {threshold}")
    return vrf_output


def _check_vrf(claim: VrfPreDigest, epoch: Epoch) -> bytes:
    public = epoch.authorities.members[claim.authority_index].key
    try:
        return verify(public, vrf_input(claim.slot, epoch), proof_of(claim))
    except InvalidVrf as error:
        raise InvalidHeader(HeaderFault.VRF, str(error)) from error


def _check_turn(
    claim: SecondaryPlainPreDigest | SecondaryVrfPreDigest, epoch: Epoch, needed: AllowedSlots
) -> None:
    if epoch.allowed_slots is not needed:
        raise InvalidHeader(
            HeaderFault.CLAIM_KIND_FORBIDDEN, f"{type(claim).__name__} under {epoch.allowed_slots.name}"
        )
    expected = secondary_author(claim.slot, len(epoch.authorities), epoch.randomness)
    if claim.authority_index != expected:
        raise InvalidHeader(
            HeaderFault.AUTHOR_NOT_IN_TURN, f"index {claim.authority_index}, the turn is {expected}'s"
        )
