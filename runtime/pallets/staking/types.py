"""What Staking keeps in the state, in Substrate's layouts and under its paths."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from runtime.primitives.fixed import Perbill, Percent
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import CompactU32, CompactU128, MaxLen, ScalePath, Vector, scale_path, variant
from runtime.primitives.types import AccountId, Balance

EraIndex = U32
SessionIndex = U32
Page = U32

T = TypeVar("T")

MAX_NOMINATIONS = 16
"""Validators that one nominator may name: Polkadot's value. It bounds the election's cost with the number of
voters, and lets a nominator hedge against validators that leave."""
MAX_UNLOCKING_CHUNKS = 32
"""Eras in which one stash may have funds unbonding (Substrate's value): more than one for each era of the
bonding duration, so nobody who unbonds once an era is refused."""
MAX_LEGACY_CLAIMS = 84
"""The field is empty on this chain and stands in the layout for clients."""


@variant(0)
@dataclass(frozen=True, slots=True)
class Staked:
    """Pay into the stash account, increasing the amount at stake accordingly."""


@variant(1)
@dataclass(frozen=True, slots=True)
class Stash:
    """Pay into the stash account, not increasing the amount at stake."""


@variant(2)
@dataclass(frozen=True, slots=True)
class Controller:
    """Deprecated: the stash is its own controller."""


@variant(3, unnamed=True)
@dataclass(frozen=True, slots=True)
class Account:
    """Pay into a specified account."""

    account: AccountId


@variant(4, name="None")
@dataclass(frozen=True, slots=True)
class Nowhere:
    """Receive no reward."""


RewardDestination: TypeAlias = Annotated[
    Staked | Stash | Controller | Account | Nowhere, ScalePath("pallet_staking::RewardDestination")
]


@scale_path("pallet_staking::UnlockChunk")
@dataclass(frozen=True, slots=True)
class UnlockChunk:
    """Funds on their way out: `value` may be withdrawn from era `era` on."""

    value: CompactU128
    era: CompactU32


@scale_path("pallet_staking::StakingLedger")
@dataclass(frozen=True, slots=True)
class StakingLedger:
    """What a stash has at stake: `total` is `active` and all that is `unlocking`."""

    stash: AccountId
    total: CompactU128
    active: CompactU128
    unlocking: Annotated[Vector[UnlockChunk], MaxLen(MAX_UNLOCKING_CHUNKS)] = ()
    legacy_claimed_rewards: Annotated[Vector[EraIndex], MaxLen(MAX_LEGACY_CLAIMS)] = ()


@scale_path("pallet_staking::ValidatorPrefs")
@dataclass(frozen=True, slots=True)
class ValidatorPrefs:
    """`commission` is what a validator takes of its rewards before they are shared, in billionths.

    `blocked`: it takes no new nominations.
    """

    commission: CompactU32 = 0
    blocked: bool = False


@scale_path("pallet_staking::Nominations")
@dataclass(frozen=True, slots=True)
class Nominations:
    """Whom a nominator wants to see elected, and since which era."""

    targets: Annotated[Vector[AccountId], MaxLen(MAX_NOMINATIONS)]
    submitted_in: EraIndex
    suppressed: bool = False


@scale_path("pallet_staking::ActiveEraInfo")
@dataclass(frozen=True, slots=True)
class ActiveEraInfo:
    """The era that is being rewarded; `start` in milliseconds is set at the end of its first block."""

    index: EraIndex
    start: U64 | None


@scale_path("pallet_staking::EraRewardPoints")
@dataclass(frozen=True, slots=True)
class EraRewardPoints:
    """Points of an era: their sum, and those of each validator that has any."""

    total: U32
    individual: dict[AccountId, U32]


NO_POINTS = EraRewardPoints(0, {})


@scale_path("pallet_staking::Forcing")
class Forcing(IntEnum):
    """Whether the next session must, or may not, begin a new era."""

    NotForcing = 0
    ForceNew = 1
    ForceNone = 2
    ForceAlways = 3


@scale_path("sp_staking::IndividualExposure")
@dataclass(frozen=True, slots=True)
class IndividualExposure:
    """What one nominator has behind a validator."""

    who: AccountId
    value: CompactU128


@scale_path("sp_staking::ExposurePage")
@dataclass(frozen=True, slots=True)
class ExposurePage:
    """A page of the nominators behind a validator, and the sum of their stakes."""

    page_total: CompactU128
    others: Vector[IndividualExposure]


@scale_path("sp_staking::PagedExposureMetadata")
@dataclass(frozen=True, slots=True)
class PagedExposureMetadata:
    """What stands behind a validator in an era: all, its own, and how the nominators are paged."""

    total: CompactU128
    own: CompactU128
    nominator_count: U32
    page_count: Page


@scale_path("pallet_staking::UnappliedSlash")
@dataclass(frozen=True, slots=True)
class UnappliedSlash:
    """A slash that waits for its era: of the validator, of its nominators, and the reporters' reward."""

    validator: AccountId
    own: Balance
    others: Vector[tuple[AccountId, Balance]]
    reporters: Vector[AccountId]
    payout: Balance


@scale_path("pallet_staking::slashing::SlashingSpans")
@dataclass(frozen=True, slots=True)
class SlashingSpans:
    """The spans of eras in which a stash pays only its largest slash.

    `span_index` is the number of the current span, `last_start` its first era, `last_nonzero_slash` the last
    era with a slash, `prior` the lengths of the spans before it, latest first.
    """

    span_index: U32
    last_start: EraIndex
    last_nonzero_slash: EraIndex
    prior: Vector[EraIndex]


@scale_path("pallet_staking::slashing::SpanRecord")
@dataclass(frozen=True, slots=True)
class SpanRecord:
    """What a stash was slashed in a span, and what reporters got of it."""

    slashed: Balance = 0
    paid_out: Balance = 0


@variant(0)
@dataclass(frozen=True, slots=True)
class Noop:
    """Don't change."""


@variant(1, name="Set", unnamed=True)
@dataclass(frozen=True, slots=True)
class SetTo(Generic[T]):
    """Set the given value."""

    value: T


@variant(2)
@dataclass(frozen=True, slots=True)
class Remove:
    """Remove from storage."""


CONFIG_OP = "pallet_staking::pallet::pallet::ConfigOp"
BalanceOp: TypeAlias = Annotated[Noop | SetTo[Balance] | Remove, ScalePath(CONFIG_OP, (("T", Balance),))]
CountOp: TypeAlias = Annotated[Noop | SetTo[U32] | Remove, ScalePath(CONFIG_OP, (("T", U32),))]
PercentOp: TypeAlias = Annotated[Noop | SetTo[Percent] | Remove, ScalePath(CONFIG_OP, (("T", Percent),))]
PerbillOp: TypeAlias = Annotated[Noop | SetTo[Perbill] | Remove, ScalePath(CONFIG_OP, (("T", Perbill),))]
ConfigOp: TypeAlias = Noop | SetTo[Any] | Remove
