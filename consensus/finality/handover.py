"""Light proofs: who finalises now, and that a block is final, as values that prove themselves.

A `Handover` proves that one voter set gave way to the next, a `FinalityProof` that a block is final. Whoever
knows one `AuthorityRecord` (the genesis set, or a trusted later one) follows the chain of handovers and needs
no other block and no state. Receipts carry them and warp synchronisation asks for them; all here is pure.

Why a handover is sound: nobody honest of the old set votes beyond the block that enacts the change, so a
justification of exactly that block by the old set says that its supermajority gave way there. No branch
announces a change while another one waits (`Grandpa.pending_change`), so the announcement shown is the one
that counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Annotated

from consensus.authorities import InvalidAuthorities, VoterSet
from consensus.faults import InvalidHeader
from consensus.finality.changes import AuthorityRecord, ScheduledChange, read_scheduled_change
from consensus.finality.justification import (
    InvalidJustification,
    Justification,
    verify_justification,
)
from consensus.finality.scheme import BLS, SignatureScheme
from runtime.primitives.errors import InvalidData
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale, MaxLen, Vector, codec

MAX_HANDOVER_HEADERS = 1_024
"""From the announcing to the enacting block. This chain's runtime announces with delay 0, so one is the rule;
a longer delay costs some 300 bytes a header, and this many a third of a megabyte.
"""


class HandoverFault(Enum):
    """Why a light proof was refused."""

    ENCODING = "not the encoding of a light proof"
    NO_HEADERS = "no header"
    LINK = "a header does not build on the one before"
    NO_CHANGE = "the first header announces no change"
    MALFORMED_CHANGE = "the announced change is no usable voter set"
    DELAY = "the last header is not the one that enacts the change"
    SPENT = "announced no later than the last handover"
    OTHER_PENDING = "another change waits to be enacted"
    BEYOND_HANDOVER = "the block that hands over to the next voter set comes first"
    OTHER_BLOCK = "the justification is for another block"
    JUSTIFICATION = "the justification proves nothing"


class InvalidHandover(InvalidData):
    """A light proof that proves nothing."""

    reason: HandoverFault


@dataclass(frozen=True, slots=True)
class Handover:
    """That a voter set gave way to the next.

    `headers` run from the block that announces the change to the one that enacts it (with delay 0 they are
    the same block); `justification` is the old set's for the last of them.
    """

    headers: Annotated[Vector[Header], MaxLen(MAX_HANDOVER_HEADERS)]
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


@dataclass(frozen=True, slots=True)
class FinalityProof:
    """That the block of `header` is final."""

    header: Header
    justification: Justification

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


HANDOVER = codec(Handover)
FINALITY_PROOF = codec(FinalityProof)


def verify_handover(
    authorities: AuthorityRecord, handover: Handover, scheme: SignatureScheme = BLS
) -> AuthorityRecord:
    """Who rules after `handover`, if `authorities` ruled before. Raises `InvalidHandover`."""
    return verify_handovers(authorities, (handover,), scheme)


def verify_handovers(
    authorities: AuthorityRecord, handovers: Iterable[Handover], scheme: SignatureScheme = BLS
) -> AuthorityRecord:
    """Who rules after consecutive handovers, if `authorities` ruled before the first. Raises
    `InvalidHandover`; none of them counts then.

    A voter's key is parsed once for the run, so a handover between equal lists costs little more than its
    pairing check.
    """
    voters: VoterSet | None = None
    for handover in handovers:
        voters = authorities.voters() if voters is None else voters
        change = _announced(authorities, handover.headers)
        successors = _successors(voters, change)
        enacting = handover.headers[-1]
        _check_justified(enacting, handover.justification, voters, scheme)
        voters = successors
        authorities = AuthorityRecord(voters.set_id, voters.members, enacting.number)
    return authorities


def verify_finality(
    authorities: AuthorityRecord, proof: FinalityProof, scheme: SignatureScheme = BLS
) -> Header:
    """The header that `proof` shows to be final, if `authorities` rule. Raises `InvalidHandover`."""
    pending = authorities.pending
    if pending is not None and proof.header.number > pending.enacted_at:
        detail = f"block {proof.header.number} lies beyond {pending.enacted_at}"
        raise InvalidHandover(HandoverFault.BEYOND_HANDOVER, detail)
    _check_justified(proof.header, proof.justification, authorities.voters(), scheme)
    return proof.header


def _announced(authorities: AuthorityRecord, headers: tuple[Header, ...]) -> ScheduledChange:
    """The change that the first of `headers` announces and the last one enacts."""
    if not headers:
        raise InvalidHandover(HandoverFault.NO_HEADERS, f"to end voter set {authorities.set_id}")
    announcing, enacting = headers[0], headers[-1]
    for below, above in pairwise(headers):
        if above.parent_hash != below.hash() or above.number != below.number + 1:
            raise InvalidHandover(HandoverFault.LINK, f"header {above.number} behind {below.number}")
    try:
        change = read_scheduled_change(announcing)
    except InvalidHeader as error:
        raise InvalidHandover(HandoverFault.MALFORMED_CHANGE, str(error)) from error
    if change is None:
        raise InvalidHandover(HandoverFault.NO_CHANGE, f"block {announcing.number}")
    if enacting.number != announcing.number + change.delay:
        detail = f"{len(headers) - 1} blocks above the announcement instead of {change.delay}"
        raise InvalidHandover(HandoverFault.DELAY, detail)
    if announcing.number <= authorities.spent:
        detail = f"block {announcing.number}, announcements count from {authorities.spent + 1} on"
        raise InvalidHandover(HandoverFault.SPENT, detail)
    pending = authorities.pending
    if pending is not None and pending.announced_hash != announcing.hash():
        detail = f"block {announcing.number}, the one of block {pending.announced_number} waits"
        raise InvalidHandover(HandoverFault.OTHER_PENDING, detail)
    return change


def _successors(voters: VoterSet, change: ScheduledChange) -> VoterSet:
    try:
        return voters.succeeded_by(change.next_voters)
    except InvalidAuthorities as error:
        raise InvalidHandover(HandoverFault.MALFORMED_CHANGE, str(error)) from error


def _check_justified(
    header: Header, justification: Justification, voters: VoterSet, scheme: SignatureScheme
) -> None:
    target = (justification.target_number, justification.target_hash)
    if target != (header.number, header.hash()):
        detail = f"for {target[0]} 0x{target[1].hex()} instead of {header.number} 0x{header.hash().hex()}"
        raise InvalidHandover(HandoverFault.OTHER_BLOCK, detail)
    try:
        verify_justification(justification, voters, scheme)
    except InvalidJustification as error:
        raise InvalidHandover(HandoverFault.JUSTIFICATION, str(error)) from error
