"""The fee multiplier: the price of weight follows demand (`TargetedFeeAdjustment`).

With s the block's fullness, s' the target and v the speed, the next multiplier is

    c * (1 + v (s - s') + v^2 (s - s')^2 / 2)

a series of e^(v (s - s')), computed in `FixedU128` with every product rounded down, as Substrate does.
"""

from runtime.frame.weights import BlockWeights, WeightPerClass
from runtime.primitives.fixed import (
    FIXED_MAX,
    FIXED_ONE,
    PERBILL_ONE,
    fixed_from_rational,
    fixed_mul,
    perbill_from_rational,
    perbill_mul,
)

TARGET_FULLNESS = PERBILL_ONE // 4
"""Of the normal class: a quarter leaves room for bursts of four times the usual load."""
ADJUSTMENT = 75 * FIXED_ONE // 1_000_000
"""Speed v: at most about 0.0019 % a block, hence about 30 % a day of full blocks (Polkadot's choice)."""
MINIMUM = FIXED_ONE // 10
MAXIMUM = FIXED_MAX


def next_multiplier(previous: int, used: WeightPerClass, limits: BlockWeights) -> int:
    """The multiplier (`FixedU128`) behind a block that used so much weight."""
    previous = max(previous, MINIMUM)
    most = limits.per_class.normal.max_total or limits.max_block
    normal = used.normal.min(most)
    by_time = perbill_from_rational(normal.ref_time, max(most.ref_time, 1))
    by_proof = perbill_from_rational(normal.proof_size, max(most.proof_size, 1))
    weight, limit = (
        (normal.proof_size, most.proof_size) if by_time < by_proof else (normal.ref_time, most.ref_time)
    )
    target = perbill_mul(TARGET_FULLNESS, limit)
    difference = fixed_from_rational(abs(weight - target), max(limit, 1))
    first = fixed_mul(ADJUSTMENT, difference)
    second = fixed_mul(fixed_mul(ADJUSTMENT, ADJUSTMENT) // 2, fixed_mul(difference, difference))
    if weight >= target:
        result = previous + fixed_mul(first + second, previous)
    else:
        result = previous - fixed_mul(max(first - second, 0), previous)
    return min(max(result, MINIMUM), MAXIMUM)
