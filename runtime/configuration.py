"""The runtime of this chain: which pallets, in which order, with which constants and extensions."""

from collections.abc import Mapping
from typing import Any

from runtime.executive.runtime import Runtime
from runtime.frame.compose import compose
from runtime.frame.engine import InferenceEngine
from runtime.frame.extension import Extension
from runtime.frame.pallet import Pallet
from runtime.frame.session_crypto import NO_CRYPTO, SessionCrypto
from runtime.frame.timing import DEFAULT_TIMING, ChainTiming
from runtime.frame.version import RuntimeVersion, api_id
from runtime.frame.weights import MAXIMUM, MICROSECOND, SECOND, BlockLength, BlockWeights, DbWeight, Weight
from runtime.pallets.authorship import Authorship
from runtime.pallets.babe import Babe
from runtime.pallets.balances import Balances
from runtime.pallets.grandpa import Grandpa
from runtime.pallets.historical import Historical
from runtime.pallets.inference import Inference
from runtime.pallets.liveness import Liveness
from runtime.pallets.models import Models
from runtime.pallets.offences import Offences
from runtime.pallets.session import Session
from runtime.pallets.staking import Staking
from runtime.pallets.staking.types import MAX_UNLOCKING_CHUNKS
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
from runtime.primitives.babe import MAX_AUTHORITIES
from runtime.primitives.scale import codec

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
        (api_id("BabeApi"), 2),
        (api_id("GrandpaApi"), 3),
        (api_id("SessionKeys"), 1),
        (api_id("InferenceApi"), 1),
        (api_id("StakingApi"), 1),
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
    Babe,
    Balances,
    TransactionPayment,
    Staking,
    Session,
    Historical,
    Grandpa,
    Offences,
    Liveness,
    Authorship,
    Utility,
    Sudo,
    Models,
    Inference,
)
"""In the order of their hooks and of their genesis. Babe reads the claim, then Session rotates, then
Authorship finds the author among the validators of the block's own session. Staking, which chooses
validators, stands before Session, whose genesis asks it.
"""


def constants(timing: ChainTiming) -> Mapping[type[Pallet], Mapping[str, Any]]:
    """The constants of every pallet, for a chain of this timing."""
    return {
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
        Timestamp: {"minimum_period": timing.slot_ms // 2},
        Babe: {
            "epoch_duration": timing.epoch_slots,
            "expected_block_time": timing.slot_ms,
            "max_authorities": MAX_AUTHORITIES,
            "chain_timing": timing,
        },
        Historical: {"kept_sessions": timing.kept_sessions},
        Grandpa: {
            "max_authorities": MAX_AUTHORITIES,
            # Votes count stakes, not nominators; there is no limit to tell.
            "max_nominators": 0,
            "max_set_id_session_entries": timing.kept_sessions,
        },
        Staking: {
            "history_depth": 84,
            "sessions_per_era": timing.sessions_per_era,
            "bonding_duration": timing.bonding_eras,
            "slash_defer_duration": timing.slash_defer_eras,
            # A payout of a full page weighs about a sixth of a block.
            "max_exposure_page_size": 256,
            "max_unlocking_chunks": MAX_UNLOCKING_CHUNKS,
            "max_validator_set": MAX_AUTHORITIES,
            # An election of this size took 0.65 s (`pallets/staking/weights.py`) of the block's two.
            "max_electing_voters": 5_000,
            "max_electable_targets": 1_000,
        },
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


CONSTANTS = constants(DEFAULT_TIMING)
"""The constants of a chain that fixes no timing of its own."""


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


def build_runtime(
    engine: InferenceEngine,
    crypto: SessionCrypto = NO_CRYPTO,
    timing: ChainTiming = DEFAULT_TIMING,
) -> Runtime:
    """The current runtime over an inference engine (`NoEngine()` for a chain without models).

    `crypto` checks finality keys: needed by all who execute blocks, not by those who only make a genesis or
    metadata. `timing` is what the chain's genesis fixed (`genesis.timing.timing_of`); blocks of a chain with
    another are not executed.
    """
    # Clients keep metadata by this value's hash, and the constants in it differ with the timing.
    code = VERSION.code + b"/" + codec(ChainTiming).encode(timing).hex().encode()
    composition = compose(VERSION, PALLETS, constants(timing), engine, crypto, code)
    return Runtime(composition, extensions())
