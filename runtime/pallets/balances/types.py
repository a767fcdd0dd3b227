"""Events, errors and records of Balances, with Substrate's names and indices."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, TypeAlias

from runtime.frame.errors import ErrorEnum
from runtime.frame.holds import RuntimeHoldReason
from runtime.primitives.scale import MaxLen, ScalePath, Vector, scale_path, variant
from runtime.primitives.types import AccountId, Balance

MAX_HOLDS = 64
"""Different reasons for which one account's funds are held: all that the runtime knows, and room to grow."""


@variant(0)
@dataclass(frozen=True, slots=True)
class Endowed:
    """An account was created with some free balance."""

    account: AccountId
    free_balance: Balance


@variant(1)
@dataclass(frozen=True, slots=True)
class DustLost:
    """An account was removed whose balance was non-zero but below ExistentialDeposit: an outright loss."""

    account: AccountId
    amount: Balance


@variant(2)
@dataclass(frozen=True, slots=True)
class Transfer:
    """Transfer succeeded."""

    from_: AccountId
    to: AccountId
    amount: Balance


@variant(3)
@dataclass(frozen=True, slots=True)
class BalanceSet:
    """A balance was set by root."""

    who: AccountId
    free: Balance


@variant(5)
@dataclass(frozen=True, slots=True)
class Unreserved:
    """Some balance was unreserved (moved from reserved to free)."""

    who: AccountId
    amount: Balance


@variant(7)
@dataclass(frozen=True, slots=True)
class Deposit:
    """Some amount was deposited (e.g. for transaction fees)."""

    who: AccountId
    amount: Balance


@variant(8)
@dataclass(frozen=True, slots=True)
class Withdraw:
    """Some amount was withdrawn from the account (e.g. for transaction fees)."""

    who: AccountId
    amount: Balance


@variant(9)
@dataclass(frozen=True, slots=True)
class Slashed:
    """Some amount was removed from the account (e.g. for misbehavior)."""

    who: AccountId
    amount: Balance


@variant(10)
@dataclass(frozen=True, slots=True)
class Minted:
    """Some amount was minted into an account."""

    who: AccountId
    amount: Balance


@variant(11)
@dataclass(frozen=True, slots=True)
class MintedCredit:
    """Some credit was balanced and added to the total issuance."""

    amount: Balance


@variant(12)
@dataclass(frozen=True, slots=True)
class Burned:
    """Some amount was burned from an account."""

    who: AccountId
    amount: Balance


@variant(13)
@dataclass(frozen=True, slots=True)
class BurnedDebt:
    """Some debt has been dropped from the total issuance."""

    amount: Balance


@variant(24)
@dataclass(frozen=True, slots=True)
class Held:
    """Some balance was placed on hold."""

    reason: RuntimeHoldReason
    who: AccountId
    amount: Balance


@variant(28)
@dataclass(frozen=True, slots=True)
class Released:
    """Some balance was released from hold."""

    reason: RuntimeHoldReason
    who: AccountId
    amount: Balance


BalancesEvent: TypeAlias = Annotated[
    Endowed
    | DustLost
    | Transfer
    | BalanceSet
    | Unreserved
    | Deposit
    | Withdraw
    | Slashed
    | Minted
    | MintedCredit
    | Burned
    | BurnedDebt
    | Held
    | Released,
    ScalePath("pallet_balances::pallet::Event"),
]


class BalancesError(ErrorEnum):
    """Errors of Balances."""

    VESTING_BALANCE = 0, "Vesting balance too high to send value."
    LIQUIDITY_RESTRICTIONS = 1, "Account liquidity restrictions prevent withdrawal."
    INSUFFICIENT_BALANCE = 2, "Balance too low to send value."
    EXISTENTIAL_DEPOSIT = 3, "Value too low to create account due to existential deposit."
    EXPENDABILITY = 4, "Transfer/payment would kill account."
    EXISTING_VESTING_SCHEDULE = 5, "A vesting schedule already exists for this account."
    DEAD_ACCOUNT = 6, "Beneficiary account must pre-exist."
    TOO_MANY_RESERVES = 7, "Number of named reserves exceed `MaxReserves`."
    TOO_MANY_HOLDS = 8, "Number of holds exceed `MaxHolds`."
    TOO_MANY_FREEZES = 9, "Number of freezes exceed `MaxFreezes`."
    ISSUANCE_DEACTIVATED = 10, "The issuance cannot be modified since it is already deactivated."
    DELTA_ZERO = 11, "The delta cannot be zero."


@scale_path("frame_support::traits::tokens::misc::IdAmount")
@dataclass(frozen=True, slots=True)
class IdAmount:
    """An amount held for a reason."""

    id: RuntimeHoldReason
    amount: Balance


Holds: TypeAlias = Annotated[Vector[IdAmount], MaxLen(MAX_HOLDS)]


class Preservation(Enum):
    """What must remain of an account that funds are taken from."""

    EXPENDABLE = auto()
    """The account may die."""
    PROTECT = auto()
    """The account may lose this provider but must stay alive."""
    PRESERVE = auto()
    """The existential deposit must remain."""
