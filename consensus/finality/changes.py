"""Authority changes: a block announces the next voter set, which rules once the block that enacts it is
final.

The announcement is a consensus digest of engine `FRNK`: variant 1, `ScheduledChange {next, delay}`, as
GRANDPA's but with BLS keys. The enacting block lies `delay` blocks above the announcing one on the same
branch. Nobody votes beyond an enacting block, so the old set itself makes it final, and the chain of those
justifications proves every handover. A change announced
before an earlier one of its branch is enacted does not count, so a chain alone decides who rules where.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from consensus.authorities import InvalidAuthorities, Voter, VoterSet
from consensus.digest import FRNK
from consensus.faults import HeaderFault, InvalidHeader
from consensus.finality.chain import ChainView, Target
from runtime.primitives.babe import MAX_AUTHORITIES
from runtime.primitives.digest import Consensus
from runtime.primitives.grandpa import FINALITY_LOG, ScheduledChange, VoterDisabled, finality_item
from runtime.primitives.header import Header
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import InvalidScale, MaxLen, Vector, codec
from runtime.primitives.types import H256

__all__ = [
    "AUTHORITY_RECORD",
    "FINALITY_LOG",
    "AuthorityRecord",
    "PendingChange",
    "PendingChanges",
    "ScheduledChange",
    "VoterDisabled",
    "finality_item",
    "find_scheduled_change",
    "read_scheduled_change",
]


def find_scheduled_change(header: Header) -> ScheduledChange | None:
    """The change that a header announces, if any.

    Raises `InvalidHeader` for one that does not decode, names no usable voter set, or is the second one.
    """
    change = read_scheduled_change(header)
    if change is not None:
        try:
            VoterSet(0, change.next_voters)
        except InvalidAuthorities as error:
            raise InvalidHeader(HeaderFault.LOG_MALFORMED, str(error)) from error
    return change


def read_scheduled_change(header: Header) -> ScheduledChange | None:
    """As `find_scheduled_change`, but without a look at the voters, for whoever knows most of them already.

    Raises `InvalidHeader` for one that does not decode or is the second one.
    """
    changes = list[ScheduledChange]()
    for item in header.digest.logs:
        if not (isinstance(item, Consensus) and item.engine == FRNK):
            continue
        try:
            log = FINALITY_LOG.decode(item.data)
        except InvalidScale as error:
            raise InvalidHeader(HeaderFault.LOG_MALFORMED, str(error), item.data) from error
        if isinstance(log, ScheduledChange):
            changes.append(log)
    if len(changes) > 1:
        raise InvalidHeader(HeaderFault.LOG_REPEATED, f"ScheduledChange {len(changes)} times")
    return changes[0] if changes else None


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that waits: announced in the block of that hash and number, in force from `enacted_at` on."""

    announced_hash: H256
    announced_number: U32
    enacted_at: U32
    next_voters: Annotated[Vector[Voter], MaxLen(MAX_AUTHORITIES)]


@dataclass(frozen=True, slots=True)
class AuthorityRecord:
    """What the final chain says about voters: who rules, up to which block announcements are spent, and the
    change announced in a final block whose enacting block is not final yet.
    """

    set_id: U64
    members: Annotated[Vector[Voter], MaxLen(MAX_AUTHORITIES)]
    spent: U32 = 0
    pending: PendingChange | None = None

    def voters(self) -> VoterSet:
        """The set that rules."""
        return VoterSet(self.set_id, self.members)


AUTHORITY_RECORD = codec(AuthorityRecord)


class PendingChanges:
    """The announced changes of all branches above the last final block; `record` is the final chain's."""

    def __init__(self, record: AuthorityRecord) -> None:
        self.record = record
        self._changes = [record.pending] if record.pending is not None else []

    def announce(self, block: Target, change: ScheduledChange, chain: ChainView) -> None:
        """Note the change that a block above the last final one announces; blocks come parents first."""
        earlier = [self.record.spent, *(one.enacted_at for one in self._on_branch(block, chain))]
        if block.number > max(earlier):
            enacted_at = block.number + change.delay
            self._changes.append(PendingChange(block.hash, block.number, enacted_at, change.next_voters))

    def limit(self, block: Target, chain: ChainView) -> Target:
        """`block`, or its ancestor that enacts a change, beyond which nobody votes."""
        change = self._next(block, chain)
        if change is None or change.enacted_at >= block.number:
            return block
        return chain.ancestor_at(block.hash, change.enacted_at)

    def crosses(self, block: Target, chain: ChainView) -> bool:
        """Whether a block lies beyond one that enacts a change."""
        change = self._next(block, chain)
        return change is not None and change.enacted_at < block.number

    def finalise(self, block: Target, chain: ChainView) -> AuthorityRecord | None:
        """The new record where a block that becomes final changes it; changes of lost branches go.

        Call it while `chain` still holds the blocks that finality is about to drop.
        """
        change = self._next(block, chain)
        on_branch = self._on_branch(block, chain)
        self._changes = [
            one for one in self._changes if one in on_branch or chain.descends(one.announced_hash, block.hash)
        ]
        record = self.record
        if change is not None and change.enacted_at == block.number:
            self._changes.remove(change)
            record = AuthorityRecord(record.set_id + 1, change.next_voters, change.enacted_at)
        elif change is not None:
            record = replace(record, pending=change)
        is_new, self.record = record != self.record, record
        return record if is_new else None

    def _next(self, block: Target, chain: ChainView) -> PendingChange | None:
        """The change that takes effect first on the branch that ends in `block`."""
        return min(self._on_branch(block, chain), key=lambda one: one.enacted_at, default=None)

    def _on_branch(self, block: Target, chain: ChainView) -> list[PendingChange]:
        """The changes that wait on the branch that ends in `block`; one announced in a final block waits on
        every branch there still is.
        """
        root = chain.root
        return [
            one
            for one in self._changes
            if chain.descends(
                block.hash, root.hash if one.announced_number <= root.number else one.announced_hash
            )
        ]
