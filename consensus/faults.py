"""Every reason for which a header is refused before its block is executed."""

from enum import Enum

from runtime.primitives.errors import InvalidData


class HeaderFault(Enum):
    """Why a header was refused. `SLOT_IN_FUTURE` may cure itself; all others are final."""

    PARENT = "parent hash is not the given parent's"
    NUMBER = "number does not follow the parent's"
    SEAL_MISSING = "the last digest item is no seal"
    SEAL_ENGINE = "sealed by another engine"
    SEAL_MISPLACED = "a seal stands before the end of the digest"
    SEAL_LENGTH = "a seal has 64 bytes"
    SEAL_SIGNATURE = "the seal is not the author's signature"
    PRE_DIGEST_MISSING = "no slot claim"
    PRE_DIGEST_REPEATED = "more than one slot claim"
    PRE_DIGEST_MALFORMED = "the slot claim does not decode"
    LOG_MALFORMED = "a BABE consensus log does not decode"
    LOG_REPEATED = "the same announcement twice"
    SLOT_NOT_INCREASING = "slot is not after the parent's"
    SLOT_IN_FUTURE = "slot is further in the future than clock drift explains"
    SLOT_OUTSIDE_EPOCH = "slot lies outside the epoch"
    AUTHOR_UNKNOWN = "no authority has this index"
    AUTHOR_NOT_IN_TURN = "a secondary slot belongs to another authority"
    CLAIM_KIND_FORBIDDEN = "the epoch does not allow this kind of claim"
    VRF = "the VRF proof does not hold"
    OVER_THRESHOLD = "the VRF draw did not win the slot"


class InvalidHeader(InvalidData):
    """A header that breaks a consensus rule."""

    reason: HeaderFault
