"""Events, errors and the hold reason of Staking, with Substrate's names and indices."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, TypeAlias

from runtime.frame.errors import ErrorEnum
from runtime.pallets.staking.types import (
    EraIndex,
    Forcing,
    Page,
    RewardDestination,
    SessionIndex,
    ValidatorPrefs,
)
from runtime.primitives.fixed import Perbill
from runtime.primitives.scale import ScalePath, scale_path, variant
from runtime.primitives.types import AccountId, Balance


@scale_path("pallet_staking::pallet::pallet::HoldReason")
class StakingHold(IntEnum):
    """Why Staking holds funds."""

    Staking = 0


@variant(0)
@dataclass(frozen=True, slots=True)
class EraPaid:
    """The era payout has been set; the remainder of the inflation is not minted."""

    era_index: EraIndex
    validator_payout: Balance
    remainder: Balance


@variant(1)
@dataclass(frozen=True, slots=True)
class Rewarded:
    """The nominator has been rewarded by this amount to this destination."""

    stash: AccountId
    dest: RewardDestination
    amount: Balance


@variant(2)
@dataclass(frozen=True, slots=True)
class Slashed:
    """A staker (validator or nominator) has been slashed by the given amount."""

    staker: AccountId
    amount: Balance


@variant(3)
@dataclass(frozen=True, slots=True)
class SlashReported:
    """A slash for the given validator, for the given percentage of their stake, at the given era."""

    validator: AccountId
    fraction: Perbill
    slash_era: EraIndex


@variant(4)
@dataclass(frozen=True, slots=True)
class OldSlashingReportDiscarded:
    """An old slashing report from a prior era was discarded because it could not be processed."""

    session_index: SessionIndex


@variant(5)
@dataclass(frozen=True, slots=True)
class StakersElected:
    """A new set of stakers was elected."""


@variant(6)
@dataclass(frozen=True, slots=True)
class Bonded:
    """An account has bonded this amount."""

    stash: AccountId
    amount: Balance


@variant(7)
@dataclass(frozen=True, slots=True)
class Unbonded:
    """An account has unbonded this amount."""

    stash: AccountId
    amount: Balance


@variant(8)
@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An account has called `withdraw_unbonded` and removed unbonding chunks worth `Balance`."""

    stash: AccountId
    amount: Balance


@variant(9)
@dataclass(frozen=True, slots=True)
class Kicked:
    """A nominator has been kicked from a validator."""

    nominator: AccountId
    stash: AccountId


@variant(10)
@dataclass(frozen=True, slots=True)
class StakingElectionFailed:
    """The election failed. No new era is planned."""


@variant(11)
@dataclass(frozen=True, slots=True)
class Chilled:
    """An account has stopped participating as either a validator or nominator."""

    stash: AccountId


@variant(12)
@dataclass(frozen=True, slots=True)
class PayoutStarted:
    """A page of the stakers' rewards is getting paid; `next` is the next unclaimed page, if any."""

    era_index: EraIndex
    validator_stash: AccountId
    page: Page
    next: Page | None


@variant(13)
@dataclass(frozen=True, slots=True)
class ValidatorPrefsSet:
    """A validator has set their preferences."""

    stash: AccountId
    prefs: ValidatorPrefs


@variant(16)
@dataclass(frozen=True, slots=True)
class ForceEra:
    """A new force era mode was set."""

    mode: Forcing


StakingEvent: TypeAlias = Annotated[
    EraPaid
    | Rewarded
    | Slashed
    | SlashReported
    | OldSlashingReportDiscarded
    | StakersElected
    | Bonded
    | Unbonded
    | Withdrawn
    | Kicked
    | StakingElectionFailed
    | Chilled
    | PayoutStarted
    | ValidatorPrefsSet
    | ForceEra,
    ScalePath("pallet_staking::pallet::pallet::Event"),
]


class StakingError(ErrorEnum):
    """Errors of Staking."""

    NOT_CONTROLLER = 0, "Not a controller account."
    NOT_STASH = 1, "Not a stash account."
    ALREADY_BONDED = 2, "Stash is already bonded."
    ALREADY_PAIRED = 3, "Controller is already paired."
    EMPTY_TARGETS = 4, "Targets cannot be empty."
    INVALID_SLASH_INDEX = 6, "Slash record index out of bounds."
    INSUFFICIENT_BOND = (
        7,
        "Cannot have a validator or nominator role, with value less than the minimum defined by governance "
        "(see `MinValidatorBond` and `MinNominatorBond`). If unbonding is the intention, `chill` first to "
        "remove one's role as validator/nominator.",
    )
    NO_MORE_CHUNKS = 8, "Can not schedule more unlock chunks."
    NO_UNLOCK_CHUNK = 9, "Can not rebond without unlocking chunks."
    FUNDED_TARGET = 10, "Attempting to target a stash that still has funds."
    INVALID_ERA_TO_REWARD = 11, "Invalid era to reward."
    NOT_SORTED_AND_UNIQUE = 13, "Items are not sorted and unique."
    ALREADY_CLAIMED = 14, "Rewards for this era have already been claimed for this validator."
    INVALID_PAGE = 15, "No nominators exist on this page."
    INCORRECT_SLASHING_SPANS = 17, "Incorrect number of slashing spans provided."
    TOO_MANY_TARGETS = 19, "Too many nomination targets supplied."
    BAD_TARGET = 20, "A nomination target was supplied that was blocked or otherwise not a validator."
    CANNOT_CHILL_OTHER = (
        21,
        "The user has enough bond and thus cannot be chilled forcefully by an external person.",
    )
    TOO_MANY_NOMINATORS = (
        22,
        "There are too many nominators in the system. Governance needs to adjust the staking settings to "
        "keep things safe for the runtime.",
    )
    TOO_MANY_VALIDATORS = (
        23,
        "There are too many validator candidates in the system. Governance needs to adjust the staking "
        "settings to keep things safe for the runtime.",
    )
    COMMISSION_TOO_LOW = 24, "Commission is too low. Must be at least `MinCommission`."
    CONTROLLER_DEPRECATED = 26, "Used when attempting to use deprecated controller account logic."
