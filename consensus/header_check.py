"""All that can be checked of a header without executing its block. The result's type is proof that it was
done.
"""

from dataclasses import dataclass

from consensus.claims import check_claim
from consensus.digest import (
    ConsensusLog,
    PreDigest,
    PrimaryPreDigest,
    consensus_logs,
    find_pre_digest,
    slot_of_header,
)
from consensus.epoch import Epoch
from consensus.faults import HeaderFault, InvalidHeader
from consensus.fork_tree import BlockRef
from consensus.seal import split_seal, verify_seal
from runtime.primitives.babe import randomness_of
from runtime.primitives.header import Header


@dataclass(frozen=True, slots=True)
class VerifiedHeader:
    """A sealed header whose claim and seal hold.

    `hash` is the block's; `pre_hash` is what was sealed; `randomness` is the VRF's contribution to the next
    epoch (32 bytes), None for a plain secondary block; `logs` are BABE's announcements.
    """

    header: Header
    hash: bytes
    pre_hash: bytes
    pre_digest: PreDigest
    author: bytes
    randomness: bytes | None
    logs: tuple[ConsensusLog, ...]

    @property
    def slot(self) -> int:
        """The slot the block was built in."""
        return self.pre_digest.slot

    @property
    def authority_index(self) -> int:
        """The author's index in the epoch's authority set; `author` is its key."""
        return self.pre_digest.authority_index

    @property
    def primary(self) -> bool:
        """Whether the author won the slot by lottery."""
        return isinstance(self.pre_digest, PrimaryPreDigest)

    @property
    def reference(self) -> BlockRef:
        """What the fork tree needs of this block."""
        return BlockRef(self.hash, self.header.number, self.header.parent_hash, self.primary)


def verify_header(header: Header, parent: Header, epoch: Epoch, newest_slot: int) -> VerifiedHeader:
    """Check `header` against its (already verified) `parent` and the `epoch` of its slot.

    `newest_slot` is `slots.newest_acceptable_slot(now, ...)`. Checks run from cheap to dear, so garbage costs
    no curve arithmetic. Raises `InvalidHeader`.
    """
    parent_hash = parent.hash()
    if header.parent_hash != parent_hash:
        raise InvalidHeader(HeaderFault.PARENT, f"{header.parent_hash.hex()} instead of {parent_hash.hex()}")
    if header.number != parent.number + 1:
        raise InvalidHeader(HeaderFault.NUMBER, f"{header.number} after {parent.number}")
    split_seal(header)
    pre_digest = find_pre_digest(header)
    logs = consensus_logs(header)
    _check_slot(pre_digest.slot, slot_of_header(parent), newest_slot)
    if pre_digest.authority_index >= len(epoch.authorities):
        index = pre_digest.authority_index
        raise InvalidHeader(HeaderFault.AUTHOR_UNKNOWN, f"index {index} of {len(epoch.authorities)}")
    author = epoch.authorities.members[pre_digest.authority_index].key
    pre_hash = verify_seal(header, author)
    vrf_output = check_claim(pre_digest, epoch)
    randomness = None if vrf_output is None else randomness_of(vrf_output)
    return VerifiedHeader(header, header.hash(), pre_hash, pre_digest, author, randomness, logs)


def _check_slot(slot: int, parent_slot: int | None, newest_slot: int) -> None:
    if parent_slot is not None and slot <= parent_slot:
        raise InvalidHeader(HeaderFault.SLOT_NOT_INCREASING, f"slot {slot} after {parent_slot}")
    if slot > newest_slot:
        raise InvalidHeader(
            HeaderFault.SLOT_IN_FUTURE, f"slot {slot}, the newest acceptable is {newest_slot}"
        )
