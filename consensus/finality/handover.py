"""Light proofs: who rules next, and what is final, as values that stand alone.

A `Handover` shows that one voter set made the block final which puts the next set in force. The chain of them
leads from any trusted `AuthorityRecord` (genesis, or a checkpoint) to the ruling set, whose `FinalityProof`s
hold for single blocks. Nothing here needs a chain, a state or a clock.

It relies on the rule that the Grandpa pallet keeps: no change is announced while another waits, so the
announcement shown is the one that counts. A forced change is by its nature not proved by the set it replaces:
no handover leads across it, and a light client goes on from a new trusted checkpoint.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Annotated

from consensus.faults import InvalidHeader
from consensus.finality.changes import AuthorityRecord, find_scheduled_change
from consensus.finality.justification import InvalidJustification, Justification, verify_justification
from consensus.finality.scheme import BLS, BatchedBls, SignatureScheme
from runtime.primitives.errors import InvalidData
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale, MaxLen, Vector, codec

MAX_PROOF_HEADERS = 1_024
"""Headers in one proof: more than an hour between announcing and enacting at six seconds a block; about
300 KiB.
"""


class HandoverFault(Enum):
    """Why a light proof was refused."""

    ENCODING = "not the encoding of a light proof"
    UNLINKED = "a header is not the child of the one before"
    NO_CHANGE = "the first header announces no usable change of voters"
    SPENT = "announced before the change that put this set in force was enacted"
    OTHER_CHANGE = "another change than the one that is known to wait"
    ENACTED_ELSEWHERE = "the last header does not enact the change"
    OTHER_TARGET = "the justification is for another block"
    BEYOND_HANDOVER = "the block lies beyond the one that ends this voter set"
    JUSTIFICATION = "the justification does not hold"


class InvalidHandover(InvalidData):
    """A light proof that proves nothing."""

    reason: HandoverFault


class HandoverUnknown(LookupError):
    """A proof cannot be built: a header is no longer stored, or the chain shows no such change."""


@dataclass(frozen=True, slots=True)
class Handover:
    """From one voter set to the next: the headers from the announcing to the enacting block, ascending, and
    the old set's justification of the last.
    """

    headers: Annotated[Vector[Header], MaxLen(MAX_PROOF_HEADERS)]
    justification: Justification

    def encode(self) -> bytes:
        """SCALE bytes."""
        return HANDOVER.encode(self)

    @staticmethod
    def decode(data: bytes) -> "Handover":
        """The handover of SCALE bytes; raises `InvalidHandover` where they are anything else."""
        try:
            return HANDOVER.decode(data)
        except InvalidScale as error:
            raise InvalidHandover(HandoverFault.ENCODING, str(error)) from error


HANDOVER = codec(Handover)


@dataclass(frozen=True, slots=True)
class FinalityProof:
    """Why `header` is final: a justification of it or of a descendant, `ancestry` being the headers that lead
    up to that, ascending, its own included.
    """

    header: Header
    justification: Justification
    ancestry: Annotated[Vector[Header], MaxLen(MAX_PROOF_HEADERS)] = ()

    def encode(self) -> bytes:
        """SCALE bytes."""
        return FINALITY_PROOF.encode(self)

    @staticmethod
    def decode(data: bytes) -> "FinalityProof":
        """The proof of SCALE bytes; raises `InvalidHandover` where they are anything else."""
        try:
            return FINALITY_PROOF.decode(data)
        except InvalidScale as error:
            raise InvalidHandover(HandoverFault.ENCODING, str(error)) from error


FINALITY_PROOF = codec(FinalityProof)


def verify_handover(
    authorities: AuthorityRecord, handover: Handover, scheme: SignatureScheme = BLS
) -> AuthorityRecord:
    """The record that follows `authorities`; raises `InvalidHandover` unless its voters handed over."""
    _check_links(handover.headers)
    if not handover.headers:
        raise InvalidHandover(HandoverFault.NO_CHANGE, "no header")
    announcing, enacting = handover.headers[0], handover.headers[-1]
    try:
        change = find_scheduled_change(announcing)
    except InvalidHeader as error:
        raise InvalidHandover(HandoverFault.NO_CHANGE, str(error)) from error
    if change is None:
        raise InvalidHandover(HandoverFault.NO_CHANGE, f"block {announcing.number}")
    if announcing.number <= authorities.spent:
        raise InvalidHandover(
            HandoverFault.SPENT, f"block {announcing.number}, spent up to {authorities.spent}"
        )
    if authorities.pending is not None and announcing.hash() != authorities.pending.announced_hash:
        raise InvalidHandover(
            HandoverFault.OTHER_CHANGE,
            f"block {announcing.number}, known is the one of {authorities.pending.announced_number}",
        )
    if announcing.number + change.delay != enacting.number:
        raise InvalidHandover(
            HandoverFault.ENACTED_ELSEWHERE,
            f"block {announcing.number + change.delay} does, shown is {enacting.number}",
        )
    _check_justification(authorities, enacting, handover.justification, scheme)
    return AuthorityRecord(authorities.set_id + 1, change.next_voters, enacting.number)


def verify_handovers(authorities: AuthorityRecord, handovers: Sequence[Handover]) -> AuthorityRecord:
    """`verify_handover` one after the other, their signatures all at once; raises `InvalidHandover` of the
    first that fails.
    """
    batch, record = BatchedBls(), authorities
    try:
        for handover in handovers:
            record = verify_handover(record, handover, batch)
    except InvalidHandover:
        # A signature further down may be wrong as well: single checks name the first fault.
        record = _verify_singly(authorities, handovers)
    return record if batch.holds() else _verify_singly(authorities, handovers)


def verify_finality(
    authorities: AuthorityRecord, proof: FinalityProof, scheme: SignatureScheme = BLS
) -> Header:
    """The header that the proof shows to be final; raises `InvalidHandover` unless the ruling voters say
    so.
    """
    chain = (proof.header, *proof.ancestry)
    _check_links(chain)
    if authorities.pending is not None and chain[-1].number > authorities.pending.enacted_at:
        raise InvalidHandover(
            HandoverFault.BEYOND_HANDOVER,
            f"block {chain[-1].number}, the set ends with {authorities.pending.enacted_at}",
        )
    _check_justification(authorities, chain[-1], proof.justification, scheme)
    return proof.header


def build_handover(
    justification: Justification, spent: int, header: Callable[[bytes], Header | None]
) -> Handover:
    """The handover that a justification of an enacting block completes.

    `spent` is `AuthorityRecord.spent` of the set that ends, `header` finds stored headers by hash. Raises
    `HandoverUnknown`.
    """
    walked, found = list[Header](), 0
    current = header(justification.target_hash)
    while current is not None and current.number > spent and len(walked) < MAX_PROOF_HEADERS:
        walked.append(current)
        change = find_scheduled_change(current)
        if change is not None and current.number + change.delay == justification.target_number:
            found = len(walked)
        current = header(current.parent_hash)
    if not found:
        raise HandoverUnknown(f"no stored announcement leads to block {justification.target_number}")
    return Handover(tuple(reversed(walked[:found])), justification)


def build_finality_proof(
    target: Header, justification: Justification, header: Callable[[bytes], Header | None]
) -> FinalityProof:
    """The proof that `target` is final from a justification of it or of a descendant.

    Raises `HandoverUnknown` where stored headers do not lead from one to the other.
    """
    target_hash, ancestry, current = target.hash(), list[Header](), justification.target_hash
    while current != target_hash:
        found = header(current)
        if found is None or found.number <= target.number or len(ancestry) == MAX_PROOF_HEADERS:
            raise HandoverUnknown(
                f"no headers lead from {justification.target_number} down to {target.number}"
            )
        ancestry.append(found)
        current = found.parent_hash
    return FinalityProof(target, justification, tuple(reversed(ancestry)))


def _verify_singly(authorities: AuthorityRecord, handovers: Sequence[Handover]) -> AuthorityRecord:
    for handover in handovers:
        authorities = verify_handover(authorities, handover)
    return authorities


def _check_links(headers: Sequence[Header]) -> None:
    for parent, child in pairwise(headers):
        if child.number != parent.number + 1 or child.parent_hash != parent.hash():
            raise InvalidHandover(HandoverFault.UNLINKED, f"block {child.number} after {parent.number}")


def _check_justification(
    authorities: AuthorityRecord, block: Header, justification: Justification, scheme: SignatureScheme
) -> None:
    if (justification.target_hash, justification.target_number) != (block.hash(), block.number):
        raise InvalidHandover(
            HandoverFault.OTHER_TARGET, f"block {justification.target_number} instead of {block.number}"
        )
    try:
        verify_justification(justification, authorities.voters(), scheme)
    except InvalidJustification as error:
        raise InvalidHandover(HandoverFault.JUSTIFICATION, str(error)) from error
