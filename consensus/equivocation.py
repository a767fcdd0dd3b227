"""Equivocation: one author, one slot, two different blocks. Detection, and a proof that anybody can check."""

from enum import Enum

from consensus.digest import find_pre_digest
from consensus.faults import InvalidHeader
from consensus.header_check import VerifiedHeader
from consensus.seal import verify_seal
from runtime.primitives.babe import EquivocationProof
from runtime.primitives.errors import InvalidData

TRACKED_SLOTS = 1_000
"""How many slots back headers are remembered, as in Substrate's slots helper: older double blocks cannot win
any fork choice.
"""


class EquivocationFault(Enum):
    """Why an equivocation proof proves nothing."""

    SAME_HEADER = "both headers are the same block"
    SLOT = "a header claims another slot"
    AUTHOR = "the headers name different authority indices"
    HEADER = "a header is not sealed by the offender"


class InvalidEquivocation(InvalidData):
    """Evidence that convicts nobody."""

    reason: EquivocationFault


class EquivocationDetector:
    """Remembers which block each author made in each of the last `TRACKED_SLOTS` slots.

    Only verified headers come in, so the memory is bounded by slots times authorities.
    """

    def __init__(self) -> None:
        self._seen: dict[int, dict[bytes, VerifiedHeader]] = {}
        self._newest = 0

    def observe(self, header: VerifiedHeader) -> EquivocationProof | None:
        """Note a header; the proof when its author already made another block in its slot."""
        self._advance(header.slot)
        if header.slot <= self._newest - TRACKED_SLOTS:
            return None
        first = self._seen.setdefault(header.slot, {}).setdefault(header.author, header)
        if first.pre_hash == header.pre_hash:
            return None
        return EquivocationProof(header.author, header.slot, first.header, header.header)

    def _advance(self, slot: int) -> None:
        if slot <= self._newest:
            return
        self._newest = slot
        for old in [known for known in self._seen if known <= slot - TRACKED_SLOTS]:
            del self._seen[old]


def verify_equivocation(proof: EquivocationProof) -> None:
    """Raise `InvalidEquivocation` unless `proof` convicts its offender.

    Whether the offender was an authority is for the receiver of the proof to know.
    """
    headers = (proof.first_header, proof.second_header)
    try:
        claims = [find_pre_digest(header) for header in headers]
        hashes = [verify_seal(header, proof.offender) for header in headers]
    except InvalidHeader as error:
        raise InvalidEquivocation(EquivocationFault.HEADER, str(error)) from error
    slots = [claim.slot for claim in claims]
    if slots != [proof.slot, proof.slot]:
        raise InvalidEquivocation(
            EquivocationFault.SLOT, f"{slots[0]} and {slots[1]}, the proof says {proof.slot}"
        )
    if claims[0].authority_index != claims[1].authority_index:
        raise InvalidEquivocation(
            EquivocationFault.AUTHOR, f"{claims[0].authority_index} and {claims[1].authority_index}"
        )
    if hashes[0] == hashes[1]:
        raise InvalidEquivocation(EquivocationFault.SAME_HEADER, hashes[0].hex())
