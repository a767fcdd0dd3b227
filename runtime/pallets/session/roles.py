"""What the pallets around sessions do for each other, as roles that a composition fills.

A pallet takes a role by inheriting it: `class Staking(Pallet, SessionManager, index=7)`. Who needs the role
asks its environment: `env.role(SessionManager)` is the one pallet of the runtime that has it, or None;
`env.roles(SessionHandler)` are all that have it, in the order of composition. So Session knows no Staking,
Babe no Offences, and either can be left out.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.pallets.session.types import SessionKeys
from runtime.primitives.fixed import PERBILL_ONE


@dataclass(frozen=True, slots=True)
class WeightedValidator:
    """A validator as its manager chooses it: its account, and its share in lottery and vote (at least 1).

    The sum over a set must fit a u64, so a manager scales stakes down before it answers.
    """

    account: bytes
    weight: int


@dataclass(frozen=True, slots=True)
class SessionValidator:
    """A validator of a session with the keys that it uses there."""

    account: bytes
    keys: SessionKeys
    weight: int


class SessionManager(ABC):
    """Chooses validators; at most one pallet of a runtime. Without it the genesis validators stay.

    The order of calls when session `n` ends is `end_session(n)`, `start_session(n + 1)`,
    `new_session(n + 2)`: a set is chosen one session before it works. At genesis they are
    `new_session_genesis(0)`, `new_session_genesis(1)`, `start_session(0)`.
    """

    @abstractmethod
    def new_session(self, index: int) -> Sequence[WeightedValidator] | None:
        """The validators of session `index`, not empty; None keeps those of the session before.

        Validators without keys in `Session.next_keys` are left out. An answer that names the validators of
        the session before, with the same weights, is no change: finality would hand over for nothing.
        """

    def new_session_genesis(self, index: int) -> Sequence[WeightedValidator] | None:
        """As `new_session` while block zero is made; pallets before Session have their genesis by then."""
        return self.new_session(index)

    @abstractmethod
    def start_session(self, index: int) -> None:
        """Session `index` begins; `Session.current_index` and `Session.validators` are already its own."""

    @abstractmethod
    def end_session(self, index: int) -> None:
        """Session `index` ends."""


class ShouldEndSession(ABC):
    """Decides when a session ends; at most one pallet of a runtime (here Babe: with its epoch)."""

    @abstractmethod
    def should_end_session(self, number: int) -> bool:
        """Whether the session ends with the start of block `number`, the one that is being initialised."""


class SessionHandler(ABC):
    """Hears which keys work; any number of pallets."""

    @abstractmethod
    def on_genesis_session(self, validators: Sequence[SessionValidator]) -> None:
        """The validators of the first session, while block zero is made."""

    @abstractmethod
    def on_new_session(
        self, changed: bool, validators: Sequence[SessionValidator], queued: Sequence[SessionValidator]
    ) -> None:
        """A session begins: its validators, and those of the session behind it.

        `changed`: the validators, their keys or their weights may differ from the session before.
        """

    def on_before_session_ending(self) -> None:  # noqa: B027 - heard by those who care
        """The session is about to end; nothing of it has been touched yet."""

    def on_disabled(self, index: int) -> None:  # noqa: B027 - heard by those who care
        """The validator at this place of the current set was disabled for the rest of its time in the set."""


@dataclass(frozen=True, slots=True)
class Offence:
    """A misdeed that was proved on chain, as `sp_staking::offence::Offence`.

    `kind` is 16 bytes such as `babe:equivocatio`; `time_slot` is SCALE of when it happened in that kind's own
    time, ordered as its bytes within a kind are made (u64 little-endian numbers); `offenders` are accounts.
    """

    kind: bytes
    session_index: int
    validator_set_count: int
    time_slot: bytes
    offenders: tuple[bytes, ...]

    def slash_fraction(self, offenders: int) -> int:
        """Parts per billion to slash where so many offended at once: min(3k / n, 1) squared."""
        share = min(3 * offenders * PERBILL_ONE // self.validator_set_count, PERBILL_ONE)
        return share * share // PERBILL_ONE


class OffenceHandler(ABC):
    """Takes proved offences; at most one pallet of a runtime. Without it reports are refused."""

    @abstractmethod
    def report_offence(self, reporters: Sequence[bytes], offence: Offence) -> bool:
        """Note an offence for punishment; False, and nothing changed, where all of it was known already."""

    @abstractmethod
    def is_known_offence(self, kind: bytes, offenders: Sequence[bytes], time_slot: bytes) -> bool:
        """Whether all these offenders were reported for this kind and time slot before."""


class AuthorshipHandler(ABC):
    """Hears who authored each block; any number of pallets (Staking counts era points)."""

    @abstractmethod
    def note_author(self, author: bytes) -> None:
        """The account that authored the block being initialised, once per block.

        Runs behind the session's rotation, so the first block of a session counts for that session.
        """
