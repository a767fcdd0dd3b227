"""The extension that charges for a transaction."""

from runtime.frame.errors import DispatchError, InvalidTransaction, TransactionKind
from runtime.frame.extension import MAX_U64, Extension, Transaction, ValidTransaction
from runtime.frame.weights import DispatchClass, PostDispatchInfo
from runtime.pallets.balances.funds import spendable
from runtime.pallets.balances.types import Preservation
from runtime.pallets.transaction_payment.pallet import TransactionPayment
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.scale import CompactU128


class ChargeTransactionPayment(Extension):
    """Takes the announced fee before the call and gives back what the call did not use."""

    identifier = "ChargeTransactionPayment"
    path = "pallet_transaction_payment::ChargeTransactionPayment"
    extra = CompactU128

    def check(self, transaction: Transaction, extra: int) -> int:
        """Refuse a sender who can not pay and keep the existential deposit; the answer is the fee."""
        payment = transaction.env.pallet(TransactionPayment)
        fee = payment.announced_fee(transaction.length, transaction.info, extra)
        info = payment.system.account.get(transaction.who)
        available = spendable(info, payment.balances.existential_deposit, Preservation.PRESERVE)
        if fee > available:
            raise InvalidTransaction(
                TransactionKind.PAYMENT, f"the fee is {fee}, the account can spend {available}"
            )
        return fee

    def describe(self, transaction: Transaction, extra: int, checked: int) -> ValidTransaction:
        """Priority: the tip per share of a block that the transaction takes."""
        payment = transaction.env.pallet(TransactionPayment)
        return ValidTransaction(priority=priority(payment, transaction, extra, checked))

    def prepare(self, transaction: Transaction, extra: int, checked: int) -> tuple[int, int]:
        """Take the fee; the answer is (fee, tip)."""
        if checked:
            transaction.env.pallet(TransactionPayment).balances.withdraw(transaction.who, checked)
        return checked, extra

    def settle(
        self,
        transaction: Transaction,
        prepared: tuple[int, int],
        post: PostDispatchInfo,
        error: DispatchError | None,
    ) -> None:
        """Give back the difference to the actual fee; an account that died meanwhile gets nothing."""
        fee, tip = prepared
        payment = transaction.env.pallet(TransactionPayment)
        refund = fee - payment.actual_fee(transaction.length, transaction.info, post, tip)
        alive = refund > 0 and payment.system.account.contains(transaction.who)
        if alive and payment.balances.pay(transaction.who, refund):
            fee -= refund
        if fee:
            payment.collected_fees.put(payment.collected_fees.get() + fee)
        transaction.fee, transaction.tip = fee, tip
        payment.deposit_event(TransactionFeePaid(transaction.who, fee, tip))


def priority(payment: TransactionPayment, transaction: Transaction, tip: int, fee: int) -> int:
    """(tip + 1) times the number of such transactions that fit a block; operational calls add a virtual tip.

    As `ChargeTransactionPayment::get_priority`: a tip counts for the room that the transaction takes.
    """
    info = transaction.info
    most = payment.system.block_weights.max_block
    longest = payment.system.block_length.max.of(info.dispatch_class)
    by_weight = min(
        most.ref_time // min(max(info.weight.ref_time, 1), most.ref_time),
        most.proof_size // min(max(info.weight.proof_size, 1), most.proof_size),
    )
    by_length = longest // min(max(transaction.length, 1), longest)
    fitting = min(by_weight, by_length)
    result = (tip + 1) * fitting
    if info.dispatch_class is DispatchClass.Operational:
        result += fee * payment.operational_fee_multiplier * fitting
    return min(result, MAX_U64)
