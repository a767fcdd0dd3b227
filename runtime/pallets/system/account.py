"""What the state keeps of an account, in Substrate's layout."""

from dataclasses import dataclass
from typing import Annotated

from runtime.primitives.integers import U32, U128
from runtime.primitives.scale import ScalePath, scale_path
from runtime.primitives.types import Balance, Nonce

NEW_LOGIC_FLAG = 1 << 127
"""The account counts its reserve and freezes as a consumer reference; set on every account of this chain."""


@scale_path("pallet_balances::types::AccountData")
@dataclass(frozen=True, slots=True)
class AccountData:
    """Funds of an account.

    `free` may be spent as far as `frozen` allows; `reserved` belongs to the account but is on hold; `frozen`
    is the amount below which free and reserved together may not fall.
    """

    free: Balance = 0
    reserved: Balance = 0
    frozen: Balance = 0
    flags: Annotated[U128, ScalePath("pallet_balances::types::ExtraFlags")] = NEW_LOGIC_FLAG


NO_FUNDS = AccountData()


@scale_path("frame_system::AccountInfo")
@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account: transactions sent, references that keep it alive, funds.

    An account exists while it has a provider (a balance of the existential deposit) or a sufficient
    reference; it can not lose its last provider while something consumes it (a reserve).
    """

    nonce: Nonce = 0
    consumers: U32 = 0
    providers: U32 = 0
    sufficients: U32 = 0
    data: AccountData = NO_FUNDS


NO_ACCOUNT = AccountInfo()
