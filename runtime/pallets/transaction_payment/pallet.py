"""TransactionPayment: what a transaction costs, and who gets it.

fee = base fee + length fee + multiplier * weight fee + tip

The weight fee is one unit per picosecond of reference time, so a second of computation costs one FIX at
multiplier one. All fees and tips of a block go to its author when the block is finalised; where the block
names no author, or the author's account could not take them, they are burned.
"""

from runtime.frame.api import runtime_api
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.storage import StorageValue
from runtime.frame.weights import MICROSECOND, DispatchClass, DispatchInfo, Pays, PostDispatchInfo, Weight
from runtime.pallets.authorship import Authorship
from runtime.pallets.balances import Balances
from runtime.pallets.system import System
from runtime.pallets.transaction_payment.multiplier import next_multiplier
from runtime.pallets.transaction_payment.types import (
    FeeDetails,
    InclusionFee,
    RuntimeDispatchInfo,
    TransactionPaymentEvent,
)
from runtime.primitives.fixed import FIXED_ONE, FixedU128, fixed_mul_int
from runtime.primitives.integers import U8, U32
from runtime.primitives.types import Balance

ON_INITIALIZE = Weight(60 * MICROSECOND)


class TransactionPayment(Pallet, index=6, events=TransactionPaymentEvent):
    """Fees: computed, charged before the call, corrected behind it."""

    next_fee_multiplier: StorageValue[FixedU128] = StorageValue(
        default=FIXED_ONE, doc="The multiplier of the weight fee, adjusted after every block."
    )
    collected_fees: StorageValue[Balance] = StorageValue(
        default=0, doc="Fees and tips of the current block, until its author receives them."
    )

    byte_fee: Constant[Balance] = Constant(
        name="TransactionByteFee", doc="The fee for one byte of a transaction."
    )
    operational_fee_multiplier: Constant[U8] = Constant(
        doc='A fee multiplier for `Operational` extrinsics to compute "virtual tip" to boost their `priority`'
    )

    system = Uses(System)
    balances = Uses(Balances)
    authorship = Uses(Authorship)

    @runtime_api("TransactionPaymentApi", "query_weight_to_fee")
    def weight_to_fee(self, weight: Weight) -> Balance:
        """The fee for a weight at multiplier one."""
        return min(weight.ref_time, self.system.block_weights.max_block.ref_time)

    @runtime_api("TransactionPaymentApi", "query_length_to_fee")
    def length_to_fee(self, length: U32) -> Balance:
        """The fee for so many bytes."""
        return length * self.byte_fee

    def weight_fee(self, weight: Weight) -> int:
        """The fee for a call's weight in the current block, the multiplier applied."""
        return fixed_mul_int(self.next_fee_multiplier.get(), self.weight_to_fee(weight))

    def fee_details(
        self, length: int, weight: Weight, tip: int, pays: bool, dispatch_class: DispatchClass
    ) -> FeeDetails:
        """The fee of a transaction of so many bytes and such a weight, in its parts."""
        if not pays:
            return FeeDetails(None, tip)
        adjusted = self.weight_fee(weight)
        base = self.weight_to_fee(self.system.block_weights.of(dispatch_class).base_extrinsic)
        return FeeDetails(InclusionFee(base, length * self.byte_fee, adjusted), tip)

    def announced_details(self, length: int, info: DispatchInfo, tip: int) -> FeeDetails:
        """The fee that is charged before the call, in its parts."""
        pays = info.pays_fee is Pays.Yes
        return self.fee_details(length, info.weight, tip, pays, info.dispatch_class)

    def announced_fee(self, length: int, info: DispatchInfo, tip: int) -> int:
        """The fee that is charged before the call."""
        return self.announced_details(length, info, tip).final_fee

    def actual_fee(self, length: int, info: DispatchInfo, post: PostDispatchInfo, tip: int) -> int:
        """The fee that remains charged behind the call."""
        weight = post.weight_or(info)
        return self.fee_details(length, weight, tip, post.pays(info), info.dispatch_class).final_fee

    def dispatch_info(self, length: int, info: DispatchInfo) -> RuntimeDispatchInfo:
        """The answer of `query_info`; the fee is exact for a call that uses its announced weight."""
        return RuntimeDispatchInfo(info.weight, info.dispatch_class, self.announced_fee(length, info, 0))

    def on_initialize(self, number: int) -> Weight:
        """Account for `on_finalize`."""
        return ON_INITIALIZE

    def on_finalize(self, number: int) -> None:
        """Pay the block's fees to its author, or burn them; adjust the multiplier."""
        collected = self.collected_fees.take()
        if collected:
            author = self.authorship.author()
            if author is None or not self.balances.pay(author, collected):
                self.balances.burn_credit(collected)
        self.next_fee_multiplier.put(
            next_multiplier(
                self.next_fee_multiplier.get(), self.system.block_weight.get(), self.system.block_weights
            )
        )
