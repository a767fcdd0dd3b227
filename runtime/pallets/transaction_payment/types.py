"""Events and answers of TransactionPayment."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.weights import DispatchClass, Weight
from runtime.primitives.scale import ScalePath, scale_path, variant
from runtime.primitives.types import AccountId, Balance


@variant(0)
@dataclass(frozen=True, slots=True)
class TransactionFeePaid:
    """A transaction fee `actual_fee`, of which `tip` was added to the minimum, has been paid by `who`."""

    who: AccountId
    actual_fee: Balance
    tip: Balance


TransactionPaymentEvent: TypeAlias = Annotated[
    TransactionFeePaid, ScalePath("pallet_transaction_payment::pallet::Event")
]


@scale_path("pallet_transaction_payment::types::InclusionFee")
@dataclass(frozen=True, slots=True)
class InclusionFee:
    """The parts of the fee without the tip."""

    base_fee: Balance
    len_fee: Balance
    adjusted_weight_fee: Balance

    @property
    def total(self) -> int:
        """The sum of the parts."""
        return self.base_fee + self.len_fee + self.adjusted_weight_fee


@scale_path("pallet_transaction_payment::types::FeeDetails")
@dataclass(frozen=True, slots=True)
class FeeDetails:
    """The fee in its parts; no inclusion fee for calls that cost nothing."""

    inclusion_fee: InclusionFee | None
    tip: Balance = 0

    @property
    def final_fee(self) -> int:
        """What the sender pays."""
        return (self.inclusion_fee.total if self.inclusion_fee else 0) + self.tip


@scale_path("pallet_transaction_payment::types::RuntimeDispatchInfo")
@dataclass(frozen=True, slots=True)
class RuntimeDispatchInfo:
    """What a client is told before it sends: weight, class, and the fee without tip."""

    weight: Weight
    class_: DispatchClass
    partial_fee: Balance
