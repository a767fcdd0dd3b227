"""The authoring core: decides to build in a slot, and lets a block out only after its claim is durable.

Two different blocks in one slot are slashed. So a record of the slot is persisted before the sealed block is
published, and a slot at or below the highest persisted one is never claimed again, whatever was lost in a
crash (a low watermark, as in EIP-3076).
"""

from dataclasses import dataclass
from typing import TypeAlias

from consensus.claims import SlotClaim, claim_slot
from consensus.digest import find_pre_digest
from consensus.epoch import Epoch
from consensus.keys import SessionKey
from consensus.seal import seal_header
from consensus.slots import check_slot_duration, slot_start
from runtime.primitives.header import Header
from runtime.primitives.integers import U64
from runtime.primitives.scale import codec
from runtime.primitives.types import Bytes32

PROPOSAL_SHARE = (2, 3)
"""The part of the slot's remaining time that building may take; the rest is for the block to travel and be
imported.
"""


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """The journal's entry: a block with this pre-seal hash was sealed in this slot."""

    slot: U64
    pre_hash: Bytes32


CLAIM_RECORD = codec(ClaimRecord)


@dataclass(frozen=True, slots=True)
class SlotReached:
    """The clock entered `slot`; `parent` is the best block, `parent_slot` None for genesis, `epoch` the
    slot's.
    """

    slot: int
    parent: Header
    parent_slot: int | None
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class ProposalBuilt:
    """The block asked for with `BuildBlock` is there, unsealed."""

    slot: int
    header: Header


@dataclass(frozen=True, slots=True)
class BuildBlock:
    """Build a child of `parent` whose digest begins with the claim's pre-digest, until `deadline_ms` (unix
    time).
    """

    claim: SlotClaim
    parent: Header
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class PersistClaim:
    """Make this record durable before the next effect is carried out (it may share the block's own synced
    batch).
    """

    record: ClaimRecord


@dataclass(frozen=True, slots=True)
class PublishBlock:
    """Import and announce this sealed block."""

    header: Header


AuthoringInput: TypeAlias = SlotReached | ProposalBuilt
AuthoringEffect: TypeAlias = BuildBlock | PersistClaim | PublishBlock


class AuthoringCore:
    """One authority's block production. Effects are to be carried out in the order given."""

    def __init__(self, key: SessionKey, slot_duration_ms: int, journal: ClaimRecord | None = None) -> None:
        self._key = key
        self._duration = check_slot_duration(slot_duration_ms)
        self._watermark = -1 if journal is None else journal.slot
        self._building: SlotClaim | None = None

    def handle(self, event: AuthoringInput, now: int) -> list[AuthoringEffect]:
        """React to one event at unix time `now` (ms)."""
        match event:
            case SlotReached():
                return self._reach(event, now)
            case ProposalBuilt():
                return self._seal(event)

    def _reach(self, event: SlotReached, now: int) -> list[AuthoringEffect]:
        """A slot that is used, not after the parent's, nearly over, or not ours, is left alone."""
        remaining = min(slot_start(event.slot + 1, self._duration) - now, self._duration)
        behind_parent = event.parent_slot is not None and event.slot <= event.parent_slot
        if event.slot <= self._watermark or behind_parent or remaining <= 0:
            return []
        claim = claim_slot(event.slot, event.epoch, self._key)
        if claim is None:
            return []
        self._building = claim
        return [BuildBlock(claim, event.parent, now + remaining * PROPOSAL_SHARE[0] // PROPOSAL_SHARE[1])]

    def _seal(self, event: ProposalBuilt) -> list[AuthoringEffect]:
        """A proposal for another slot than the one being built came too late and is dropped unsealed."""
        claim = self._building
        if claim is None or claim.slot != event.slot:
            return []
        assert find_pre_digest(event.header) == claim.pre_digest, "the proposal carries another claim"
        self._building = None
        self._watermark = event.slot
        sealed = seal_header(event.header, self._key)
        return [PersistClaim(ClaimRecord(event.slot, event.header.hash())), PublishBlock(sealed)]
