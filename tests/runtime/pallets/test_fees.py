"""The fee multiplier, against Substrate's rules; the parts of a fee."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.configuration import BLOCK_WEIGHTS
from runtime.frame.extension import Transaction
from runtime.frame.weights import (
    BlockWeights,
    DispatchClass,
    DispatchInfo,
    Pays,
    PostDispatchInfo,
    Weight,
    WeightPerClass,
)
from runtime.pallets.transaction_payment import (
    ChargeTransactionPayment,
    FeeDetails,
    InclusionFee,
    TransactionPayment,
)
from runtime.pallets.transaction_payment.multiplier import ADJUSTMENT, MAXIMUM, MINIMUM, next_multiplier
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.fixed import FIXED_ONE
from tests.runtime.helpers import ALICE, World

NORMAL = BLOCK_WEIGHTS.per_class.normal.max_total
assert NORMAL is not None
LIMIT = NORMAL.ref_time


def after(previous: int, used: int) -> int:
    return next_multiplier(previous, WeightPerClass(normal=Weight(used)), BLOCK_WEIGHTS)


def test_the_multiplier_rests_at_the_target_rises_above_and_falls_below() -> None:
    assert after(FIXED_ONE, LIMIT // 4) == FIXED_ONE
    assert after(FIXED_ONE, LIMIT) > FIXED_ONE > after(FIXED_ONE, 0)


def test_a_full_block_raises_the_price_by_what_the_formula_says() -> None:
    difference = 3 * FIXED_ONE // 4
    first = ADJUSTMENT * difference // FIXED_ONE
    second = (ADJUSTMENT**2 // FIXED_ONE // 2) * (difference**2 // FIXED_ONE) // FIXED_ONE
    assert after(FIXED_ONE, LIMIT) == FIXED_ONE + first + second
    assert after(FIXED_ONE, 10 * LIMIT) == after(FIXED_ONE, LIMIT)


def test_the_multiplier_never_leaves_its_bounds() -> None:
    assert after(MINIMUM, 0) == MINIMUM
    assert after(0, 0) == MINIMUM
    assert after(MAXIMUM, LIMIT) == MAXIMUM


@given(st.integers(MINIMUM, 10**6 * FIXED_ONE), st.integers(0, LIMIT), st.integers(0, LIMIT))
def test_more_demand_never_means_a_lower_price(previous: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert after(previous, low) <= after(previous, high)


def test_the_scarcer_dimension_decides() -> None:
    limits = BlockWeights.with_ratio(
        base_block=Weight(), base_extrinsic=Weight(), max_block=Weight(10**12, 10**9), normal_percent=75
    )
    by_proof = WeightPerClass(normal=Weight(0, 750_000_000))
    assert next_multiplier(FIXED_ONE, by_proof, limits) > FIXED_ONE


def test_a_fee_is_the_sum_of_its_parts() -> None:
    payment = World().env.pallet(TransactionPayment)
    payment.next_fee_multiplier.put(3 * FIXED_ONE // 2)
    details = payment.fee_details(10, Weight(1_001), 7, True, DispatchClass.Normal)
    base = BLOCK_WEIGHTS.per_class.normal.base_extrinsic.ref_time
    assert details == FeeDetails(InclusionFee(base, 10_000_000, 1_501), 7)
    assert details.final_fee == base + 10_000_000 + 1_501 + 7
    assert payment.fee_details(10, Weight(1_001), 7, False, DispatchClass.Normal) == FeeDetails(None, 7)


def test_a_call_that_nobody_pays_for_takes_and_refunds_nothing() -> None:
    world = World()
    call = world.make("System.remark", remark=b"")
    info = DispatchInfo(Weight(5), pays_fee=Pays.No)
    transaction = Transaction(world.env, ALICE, call, info, 100)
    charge = ChargeTransactionPayment()
    assert charge.check(transaction, 0) == 0
    charge.settle(transaction, charge.prepare(transaction, 0, 0), PostDispatchInfo(), None)
    assert world.reported() == [TransactionFeePaid(ALICE, 0, 0)]
    assert world.env.overlay.changes() == {}


def test_what_a_call_did_not_use_is_not_charged() -> None:
    payment = World().env.pallet(TransactionPayment)
    info = DispatchInfo(Weight(1_000))
    announced = payment.announced_fee(10, info, 0)
    assert payment.actual_fee(10, info, PostDispatchInfo(), 0) == announced
    assert payment.actual_fee(10, info, PostDispatchInfo(Weight(400)), 0) == announced - 600
    assert payment.actual_fee(10, info, PostDispatchInfo(Weight(4_000)), 0) == announced
    assert payment.actual_fee(10, info, PostDispatchInfo(pays_fee=Pays.No), 5) == 5
