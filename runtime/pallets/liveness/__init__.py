"""Liveness: validators that were absent for a whole session leave, and pay where many are absent at once.

The chain sees who authors. In a session of `blocks` blocks each of `n` validators is the secondary author
of every n-th slot whatever its stake, and at least three of four slots have no primary author. So where a
session has `MIN_BLOCKS_PER_VALIDATOR` blocks for each validator, one that authored none was absent: a
present one comes away without a block less often than once in 10**12 sessions.

Why authored blocks, and no heartbeats: they need no transactions, which a validator under attack could not
send, and they are what the chain needs of it. Finality votes are not on chain one by one, so they can not
be counted.

Networks are not punished. One absentee, or a tenth of the set, only leave the next elections. More pay as
in Substrate, 7 % of min(3 (k - (n / 10 + 1)) / n, 1). More than a third pay nothing: then finality stands
still, and the blocks at hand may be those of the smaller part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.pallet import Pallet, Uses
from runtime.frame.storage import Hasher, StorageMap
from runtime.pallets.offences import Offences
from runtime.pallets.session import AuthorshipHandler, Offence, Session, SessionHandler, SessionValidator
from runtime.primitives.fixed import PERBILL_ONE, perbill_from_rational, perbill_mul
from runtime.primitives.integers import U32
from runtime.primitives.scale import ScalePath, Vector, variant
from runtime.primitives.types import AccountId

KIND = b"im-online:offlin"
MIN_BLOCKS_PER_VALIDATOR = 40
"""Blocks of a session for each validator, below which nothing is concluded: 40 blocks let a present validator
expect 30 of its own as secondary author, and e**-30 is the chance of none."""
MAX_FRACTION = 7 * PERBILL_ONE // 100


@dataclass(frozen=True, slots=True)
class UnresponsivenessOffence(Offence):
    """Validators that authored nothing in a session; the time slot is the session."""

    def slash_fraction(self, offenders: int) -> int:
        """7 % of min(3 (k - (n / 10 + 1)) / n, 1): nothing for a tenth of the set."""
        excess = offenders - (self.validator_set_count // 10 + 1)
        if excess <= 0:
            return 0
        return perbill_mul(perbill_from_rational(3 * excess, self.validator_set_count), MAX_FRACTION)


@variant(0)
@dataclass(frozen=True, slots=True)
class AllGood:
    """At the end of the session, no offence was committed."""


@variant(1)
@dataclass(frozen=True, slots=True)
class SomeOffline:
    """At the end of the session, at least one validator was found to be offline."""

    offline: Vector[AccountId]


LivenessEvent: TypeAlias = Annotated[AllGood | SomeOffline, ScalePath("pallet_liveness::pallet::Event")]


class Liveness(Pallet, AuthorshipHandler, SessionHandler, index=15, events=LivenessEvent):
    """Counts the blocks of each validator in a session, and reports those that made none."""

    authored_blocks: StorageMap[AccountId, U32] = StorageMap(
        0, hasher=Hasher.TWOX_64_CONCAT, doc="Blocks that each validator authored in the current session."
    )

    session = Uses(Session)
    offences = Uses(Offences)

    def note_author(self, author: bytes) -> None:
        """A block of this session has this author."""
        self.authored_blocks.insert(author, self.authored_blocks.get(author) + 1)

    def on_genesis_session(self, validators: Sequence[SessionValidator]) -> None:
        """Nobody has authored a block yet."""

    def on_before_session_ending(self) -> None:
        """Tell who was absent, before the session's set changes."""
        validators = self.session.validators.get()
        disabled = self.session.disabled_validators.get()
        counts = [self.authored_blocks.get(validator) for validator in validators]
        if not validators or sum(counts) < MIN_BLOCKS_PER_VALIDATOR * len(validators):
            return
        offline = tuple(
            validator
            for place, (validator, count) in enumerate(zip(validators, counts, strict=True))
            if count == 0 and place not in disabled
        )
        if not offline:
            self.deposit_event(AllGood())
            return
        self.deposit_event(SomeOffline(offline))
        if 3 * len(offline) > len(validators):
            return
        session = self.session.current_index.get()
        self.offences.report_offence(
            (),
            UnresponsivenessOffence(KIND, session, len(validators), session.to_bytes(4, "little"), offline),
        )

    def on_new_session(
        self, changed: bool, validators: Sequence[SessionValidator], queued: Sequence[SessionValidator]
    ) -> None:
        """Count from the beginning."""
        authors = [author for author, _ in self.authored_blocks.items()]
        for author in authors:
            self.authored_blocks.remove(author)
