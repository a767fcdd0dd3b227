"""The runtime of this chain: which pallets, in which order, with which constants and extensions."""

from collections.abc import Mapping
from typing import Any

from runtime.executive.runtime import Runtime
from runtime.frame.compose import compose
from runtime.frame.engine import InferenceEngine
from runtime.frame.extension import Extension
from runtime.frame.pallet import Pallet
from runtime.frame.version import RuntimeVersion, api_id
from runtime.frame.weights import MAXIMUM, MICROSECOND, SECOND, BlockLength, BlockWeights, DbWeight, Weight
from runtime.pallets.authorities import Authorities
from runtime.pallets.balances import Balances
from runtime.pallets.inference import Inference
from runtime.pallets.models import Models
from runtime.pallets.sudo import Sudo
from runtime.pallets.system import System
from runtime.pallets.system.extensions import (
    CheckGenesis,
    CheckMetadataHash,
    CheckMortality,
    CheckNonce,
    CheckNonZeroSender,
    CheckSpecVersion,
    CheckTxVersion,
    CheckWeight,
)
from runtime.pallets.timestamp import Timestamp
from runtime.pallets.transaction_payment import ChargeTransactionPayment, TransactionPayment
from runtime.pallets.utility import Utility

UNIT = 10**12
"""One FIX in its smallest units."""

SS58_PREFIX = 42

VERSION = RuntimeVersion(
    spec_name="fixpoint",
    impl_name="fixpoint-python",
    authoring_version=1,
    spec_version=1,
    impl_version=1,
    apis=(
        (api_id("Core"), 5),
        (api_id("Metadata"), 2),
        (api_id("TaggedTransactionQueue"), 3),
        (api_id("AccountNonceApi"), 1),
        (api_id("TransactionPaymentApi"), 4),
        (api_id("TransactionPaymentCallApi"), 3),
        (api_id("InferenceApi"), 1),
    ),
    transaction_version=1,
    system_version=1,
)

BLOCK_WEIGHTS = BlockWeights.with_ratio(
    base_block=Weight(5_000 * MICROSECOND),
    base_extrinsic=Weight(400 * MICROSECOND),
    max_block=Weight(2 * SECOND, MAXIMUM),
    normal_percent=75,
)
"""Two seconds of execution in a block of six: what remains is for authoring, gossip and importing.

Measured on a 2-core cloud server (Intel Xeon, CPython 3.11): an empty block took 1.8 ms of one core, 3.8 ms
with the synced write; a signed transfer 85 us in all, of which the base of an extrinsic is decoding,
signature, extensions, fee and events. The rest is for a large state that misses the caches, and slower disks.
Proof size is counted but not limited: every validator holds the whole state.
"""

BLOCK_LENGTH = BlockLength.with_ratio(5 << 20, 75)
"""Five MiB, of which normal transactions fill at most 75 %: three chunks of a model, each of one MiB."""

PALLETS: tuple[type[Pallet], ...] = (
    System,
    Timestamp,
    Authorities,
    Balances,
    TransactionPayment,
    Utility,
    Sudo,
    Models,
    Inference,
)

CONSTANTS: Mapping[type[Pallet], Mapping[str, Any]] = {
    System: {
        "block_weights": BLOCK_WEIGHTS,
        "block_length": BLOCK_LENGTH,
        # Mortal transactions live up to this many blocks; clients choose 64 by default.
        "block_hash_count": 4_096,
        "db_weight": DbWeight(),
        "version": VERSION,
        "ss58_prefix": SS58_PREFIX,
        "max_consumers": 64,
    },
    # Half of the shortest slot that the chain's presets use.
    Timestamp: {"minimum_period": 500},
    # A thousandth: an abandoned account costs its owner something, a new one is still cheap.
    Balances: {"existential_deposit": UNIT // 1_000},
    # A MiB costs about one FIX, as much as a second of computation.
    TransactionPayment: {"byte_fee": 1_000_000, "operational_fee_multiplier": 5},
    Utility: {"batched_calls_limit": 1_000},
    # A MiB of model costs 100 FIX of deposit, which comes back when the model is withdrawn.
    Models: {"base_deposit": UNIT // 10, "byte_deposit": UNIT // 10_000, "upload_period": 14_400},
    # A day of six-second blocks.
    Inference: {"receipt_retention": 14_400},
}


def extensions() -> tuple[Extension, ...]:
    """The transaction extensions in the order in which every client signs them."""
    return (
        CheckNonZeroSender(),
        CheckSpecVersion(),
        CheckTxVersion(),
        CheckGenesis(),
        CheckMortality(),
        CheckNonce(),
        CheckWeight(),
        ChargeTransactionPayment(),
        CheckMetadataHash(),
    )


def build_runtime(engine: InferenceEngine) -> Runtime:
    """The current runtime over an inference engine (`NoEngine()` for a chain without models)."""
    return Runtime(compose(VERSION, PALLETS, CONSTANTS, engine), extensions())
