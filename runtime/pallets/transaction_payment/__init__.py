"""TransactionPayment: fees, their multiplier, and the extension that charges them."""

from runtime.pallets.transaction_payment.extension import ChargeTransactionPayment
from runtime.pallets.transaction_payment.pallet import TransactionPayment
from runtime.pallets.transaction_payment.types import FeeDetails, InclusionFee, RuntimeDispatchInfo

__all__ = [
    "ChargeTransactionPayment",
    "FeeDetails",
    "InclusionFee",
    "RuntimeDispatchInfo",
    "TransactionPayment",
]
