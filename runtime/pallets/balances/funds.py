"""How much of an account may move: pure rules over one account record.

They are those of Substrate's `fungible::Inspect` for Balances. An account that keeps the existential deposit
provides for itself; one with a reserve or a freeze is consumed by it and can not lose its last provider.
"""

from runtime.frame.errors import (
    Arithmetic,
    ArithmeticKind,
    CallFailed,
    TokenError,
    token_failure,
)
from runtime.pallets.balances.types import Preservation
from runtime.pallets.system.account import AccountInfo
from runtime.primitives.integers import U128, integer_type

MAX_BALANCE = integer_type(U128).maximum


def can_lose_provider(info: AccountInfo) -> bool:
    """Whether the account may lose one provider: nothing consumes it, or another provider remains."""
    return info.consumers == 0 or info.providers > 1


def spendable(info: AccountInfo, minimum: int, preservation: Preservation, *, force: bool = False) -> int:
    """The free funds that may leave the account; `minimum` is the existential deposit.

    `force` overrides freezes (which hold back free and reserved funds together), never the preservation.
    """
    data = info.data
    if data.free == 0:
        return 0
    untouchable = 0 if force else max(data.frozen - data.reserved, 0)
    needs_minimum = (
        preservation is Preservation.PRESERVE
        or (preservation is Preservation.PROTECT and info.providers == 1)
        or (preservation is Preservation.EXPENDABLE and not can_lose_provider(info))
    )
    if needs_minimum:
        untouchable = max(untouchable, minimum)
    return max(data.free - untouchable, 0)


def check_withdraw(info: AccountInfo, amount: int, minimum: int, preservation: Preservation) -> None:
    """Fail with the `TokenError` that says why `amount` can not leave the account, if it can not."""
    if amount == 0:
        return
    remaining = info.data.free - amount
    if remaining < 0:
        raise token_failure(TokenError.FundsUnavailable)
    if amount > spendable(info, minimum, Preservation.EXPENDABLE):
        raise token_failure(TokenError.Frozen)
    if remaining < minimum and preservation is not Preservation.EXPENDABLE:
        raise token_failure(TokenError.NotExpendable)


def check_deposit(info: AccountInfo, amount: int, minimum: int) -> None:
    """Fail where `amount` can not enter the account: it would overflow, or be too little to live on."""
    if amount == 0:
        return
    free = info.data.free + amount
    if free + info.data.reserved > MAX_BALANCE:
        raise CallFailed(Arithmetic(ArithmeticKind.Overflow))
    if free < minimum:
        raise token_failure(TokenError.BelowMinimum)
