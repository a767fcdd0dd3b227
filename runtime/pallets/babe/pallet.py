"""Babe: the slot of each block, the epochs that its sessions make, and their randomness."""

from collections.abc import Sequence
from typing import Annotated

from nacl.exceptions import CryptoError

from runtime.frame.api import runtime_api
from runtime.frame.call import RuntimeCall, call
from runtime.frame.errors import BlockReason, CallFailed, InvalidBlock, ensure
from runtime.frame.genesis import GenesisReader
from runtime.frame.origin import Origin, ensure_none, ensure_root, ensure_signed
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.storage import Hasher, StorageMap, StorageValue
from runtime.frame.timing import DEFAULT_TIMING, ChainTiming
from runtime.frame.validity import TransactionSource, ValidTransaction
from runtime.frame.weights import MICROSECOND, MILLISECOND, DispatchClass, PostDispatchInfo, Weight
from runtime.pallets.babe import genesis as block_zero
from runtime.pallets.babe.epochs import epoch_index, epoch_start, session_of_epoch
from runtime.pallets.babe.evidence import convicts, find_claim
from runtime.pallets.babe.types import (
    DEFAULT_CONFIGURATION,
    BabeConfiguration,
    BabeError,
    Epoch,
    EpochConfiguration,
    OpaqueKeyOwnershipProof,
    WeightedAuthority,
)
from runtime.pallets.evidence import FREE, ProvedOffence, describe_report, submit_offence
from runtime.pallets.historical import MEMBERSHIP_PROOF, Historical, MembershipProof
from runtime.pallets.session import Session, SessionHandler, SessionValidator, ShouldEndSession
from runtime.pallets.session.types import BABE_KEY
from runtime.pallets.system import System
from runtime.pallets.timestamp import Timestamp
from runtime.primitives.babe import (
    BABE_ENGINE,
    MAX_AUTHORITIES,
    Authority,
    BabeId,
    EquivocationProof,
    NextConfigData,
    NextConfigDescriptor,
    NextEpochData,
    OnDisabled,
    PreDigest,
    SecondaryPlainPreDigest,
    Slot,
    consensus_item,
    next_randomness,
    randomness_of,
    vrf_output,
)
from runtime.primitives.digest import PreRuntime
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import InvalidScale, MaxLen, Vector
from runtime.primitives.types import BlockNumber, Bytes32

SEGMENT_LENGTH = 256
"""Contributions in one entry of `UnderConstruction` (Substrate's value): bounds what a block rewrites."""
MAX_SKIPPED_EPOCHS = 100
"""Gaps that are remembered (Substrate's value): evidence older than a hundred outages is not checked."""

OFFENCE_KIND = b"babe:equivocatio"

ON_INITIALIZE = Weight(300 * MICROSECOND)
"""Claim, slot and randomness of a block, with what `on_finalize` does."""
REPORT = Weight(3 * MILLISECOND, 8_000)
"""Two seals, two header hashes, a membership proof of at most ten nodes, and the note of the offence."""
PLAN = Weight(150 * MICROSECOND, 1_000)

Authorities = Annotated[Vector[WeightedAuthority], MaxLen(MAX_AUTHORITIES)]


class Babe(Pallet, ShouldEndSession, SessionHandler, index=2, errors=BabeError):
    """Slots, epochs, and the randomness from which slot claims are drawn."""

    epoch_index: StorageValue[U64] = StorageValue(default=0, doc="Current epoch index.")
    authorities: StorageValue[Authorities] = StorageValue(default=(), doc="Current epoch authorities.")
    genesis_slot: StorageValue[Slot] = StorageValue(
        default=0, doc="The slot at which the first epoch actually started. This is 0 until the first block."
    )
    current_slot: StorageValue[Slot] = StorageValue(default=0, doc="Current slot number.")
    randomness: StorageValue[Bytes32] = StorageValue(
        default=bytes(32), doc="The epoch randomness for the *current* epoch."
    )
    pending_epoch_config_change: StorageValue[NextConfigDescriptor | None] = StorageValue(
        doc="Pending epoch configuration change that will be applied when the next epoch is enacted."
    )
    next_randomness: StorageValue[Bytes32] = StorageValue(default=bytes(32), doc="Next epoch randomness.")
    next_authorities: StorageValue[Authorities] = StorageValue(default=(), doc="Next epoch authorities.")
    segment_index: StorageValue[U32] = StorageValue(
        default=0, doc="Randomness under construction: the segment that is being filled."
    )
    under_construction: StorageMap[U32, Annotated[Vector[Bytes32], MaxLen(SEGMENT_LENGTH)]] = StorageMap(
        default=(), hasher=Hasher.TWOX_64_CONCAT, doc="Segments of the VRF outputs of this epoch's blocks."
    )
    initialized: StorageValue[PreDigest | None] = StorageValue(
        doc="The slot claim of the block, while it executes."
    )
    author_vrf_randomness: StorageValue[Bytes32 | None] = StorageValue(
        doc="What the current block's VRF output contributes to randomness; nothing for a plain claim."
    )
    epoch_start: StorageValue[tuple[BlockNumber, BlockNumber]] = StorageValue(
        default=(0, 0),
        doc="The block numbers when the last and current epoch have started, respectively `N-1` and `N`.",
    )
    lateness: StorageValue[BlockNumber] = StorageValue(
        default=0, doc="How late the current block is compared to its parent, in slots."
    )
    epoch_config: StorageValue[EpochConfiguration | None] = StorageValue(
        doc="The configuration for the current epoch. Should never be `None` as it is initialized in genesis."
    )
    next_epoch_config: StorageValue[EpochConfiguration | None] = StorageValue(
        doc="The configuration for the next epoch, `None` if the config will not change."
    )
    skipped_epochs: StorageValue[Annotated[Vector[tuple[U64, U32]], MaxLen(MAX_SKIPPED_EPOCHS)]] = (
        StorageValue(
            default=(),
            doc="A list of the last 100 skipped epochs and the corresponding session index when the epoch "
            "was skipped.",
        )
    )
    timing: StorageValue[ChainTiming] = StorageValue(
        default=DEFAULT_TIMING, doc="The lengths that this chain's genesis fixed."
    )

    epoch_duration: Constant[U64] = Constant(doc="The amount of time, in slots, that each epoch should last.")
    expected_block_time: Constant[U64] = Constant(
        doc="The expected average block time at which BABE should be creating blocks."
    )
    max_authorities: Constant[U32] = Constant(doc="Max number of authorities allowed")
    chain_timing: Constant[ChainTiming] = Constant(doc="The lengths for which this runtime was composed.")

    system = Uses(System)
    timestamp = Uses(Timestamp)
    session = Uses(Session)
    historical = Uses(Historical)

    # -- calls --------------------------------------------------------------------------------------------

    @call(0, weight=REPORT)
    def report_equivocation(
        self, origin: Origin, equivocation_proof: EquivocationProof, key_owner_proof: MembershipProof
    ) -> PostDispatchInfo:
        """Report authority equivocation/misbehavior. A valid report costs no fee."""
        reporter = ensure_signed(origin)
        submit_offence(self.env, (reporter,), self._offence(equivocation_proof, key_owner_proof))
        return FREE

    @call(1, weight=REPORT, dispatch_class=DispatchClass.Operational)
    def report_equivocation_unsigned(
        self, origin: Origin, equivocation_proof: EquivocationProof, key_owner_proof: MembershipProof
    ) -> PostDispatchInfo:
        """Report authority equivocation/misbehavior, by whoever holds the evidence and without a fee."""
        ensure_none(origin)
        submit_offence(self.env, (), self._offence(equivocation_proof, key_owner_proof))
        return FREE

    @call(2, weight=PLAN)
    def plan_config_change(self, origin: Origin, config: NextConfigDescriptor) -> None:
        """Plan an epoch config change; it is announced at the next epoch and holds in the one behind it."""
        ensure_root(origin)
        ensure(0 < config.c[0] <= config.c[1], BabeError.INVALID_CONFIGURATION)
        self.pending_epoch_config_change.put(config)

    def validate_unsigned(self, call: RuntimeCall, source: TransactionSource) -> ValidTransaction:
        """Evidence is valid from anyone, as long as it convicts somebody who was not reported for it yet."""
        if call.declaration.name != "report_equivocation_unsigned":
            return super().validate_unsigned(call, source)
        return describe_report(self.env, call, lambda: self._offence(*call.arguments))

    def _offence(self, proof: EquivocationProof, ownership: MembershipProof) -> ProvedOffence:
        """What valid evidence proves; fails the call where it proves nothing."""
        ensure(convicts(proof), BabeError.INVALID_EQUIVOCATION_PROOF)
        genesis_slot = self.genesis_slot.get()
        ensure(proof.slot >= genesis_slot, BabeError.INVALID_EQUIVOCATION_PROOF)
        index = epoch_index(proof.slot, genesis_slot, self.epoch_duration)
        session = session_of_epoch(index, self.skipped_epochs.get())
        ensure(session == ownership.session, BabeError.INVALID_KEY_OWNERSHIP_PROOF)
        owner = self.historical.owner(BABE_KEY, proof.offender, ownership)
        if owner is None:
            raise CallFailed(BabeError.INVALID_KEY_OWNERSHIP_PROOF)
        time = proof.slot.to_bytes(8, "little")
        return ProvedOffence(OFFENCE_KIND, ownership, time, owner, BabeError.DUPLICATE_OFFENCE_REPORT)

    # -- blocks -------------------------------------------------------------------------------------------

    def on_initialize(self, number: int) -> Weight:
        """Take the slot from the block's claim; slots only rise."""
        if self.timing.get() != self.chain_timing:
            raise AssertionError(f"composed for {self.chain_timing}, the chain has {self.timing.get()}")
        claim = self._read_claim()
        self.author_vrf_randomness.kill()
        if claim is None:
            return ON_INITIALIZE
        previous = self.current_slot.get()
        if claim.slot <= previous:
            raise InvalidBlock(
                BlockReason.DIGEST, f"slot {claim.slot} does not follow slot {previous}", claim.slot
            )
        first = self.genesis_slot.get() == 0
        if first:
            self.genesis_slot.put(claim.slot)
            self._announce(self.next_authorities.get(), self.next_randomness.get())
        self.lateness.put(0 if first else min(claim.slot - previous - 1, 2**32 - 1))
        self.current_slot.put(claim.slot)
        self.initialized.put(claim)
        if not isinstance(claim, SecondaryPlainPreDigest):
            self.author_vrf_randomness.put(_contribution(claim.pre_output))
        return ON_INITIALIZE

    def on_finalize(self, number: int) -> None:
        """The time lies in the claimed slot, the author was not disabled, its VRF output is collected."""
        claim = self.initialized.take()
        self.lateness.kill()
        if claim is None:
            return
        now = self.timestamp.now.get()
        slot = now // self.expected_block_time
        if slot != claim.slot:
            raise InvalidBlock(
                BlockReason.TIMESTAMP,
                f"timestamp {now} lies in slot {slot}, the author claimed slot {claim.slot}",
            )
        if self.session.is_disabled(claim.authority_index):
            raise InvalidBlock(BlockReason.DIGEST, f"validator {claim.authority_index} is disabled")
        contribution = self.author_vrf_randomness.get()
        if contribution is not None:
            self._collect(contribution)

    def claim(self) -> PreDigest | None:
        """The slot claim of the block that executes."""
        return self.initialized.get()

    def _read_claim(self) -> PreDigest | None:
        logs = self.system.digest.get().logs
        claim = find_claim(logs)
        if claim is None and any(isinstance(one, PreRuntime) and one.engine == BABE_ENGINE for one in logs):
            raise InvalidBlock(BlockReason.DIGEST, "the slot claim stands twice or has an unknown form")
        return claim

    def _collect(self, contribution: bytes) -> None:
        index = self.segment_index.get()
        segment = self.under_construction.get(index)
        if len(segment) == SEGMENT_LENGTH:
            index, segment = index + 1, ()
            self.segment_index.put(index)
        self.under_construction.insert(index, (*segment, contribution))

    # -- epochs -------------------------------------------------------------------------------------------

    def should_end_session(self, number: int) -> bool:
        """A session ends with its epoch; the first block opens the first one."""
        claim = self.initialized.get()
        if claim is None or number == 1:
            return False
        start = epoch_start(self.epoch_index.get(), self.genesis_slot.get(), self.epoch_duration)
        return claim.slot >= start + self.epoch_duration

    def on_genesis_session(self, validators: Sequence[SessionValidator]) -> None:
        """The first two epochs have the genesis validators, where the second session has no others."""
        self.authorities.put(_weighted(validators))
        self.next_authorities.put(_weighted(self.session.queued()))

    def on_new_session(
        self, changed: bool, validators: Sequence[SessionValidator], queued: Sequence[SessionValidator]
    ) -> None:
        """A new epoch with its session: enact what was announced, announce the next."""
        index = epoch_index(self.current_slot.get(), self.genesis_slot.get(), self.epoch_duration)
        if index != self.epoch_index.get() + 1:
            skipped = (*self.skipped_epochs.get(), (index, self.session.current_index.get()))
            self.skipped_epochs.put(skipped[-MAX_SKIPPED_EPOCHS:])
        self.epoch_index.put(index)
        self.authorities.put(_weighted(validators))
        self.randomness.put(self.next_randomness.get())
        upcoming = next_randomness(self.randomness.get(), index + 1, self._take_contributions())
        self.next_randomness.put(upcoming)
        self.next_authorities.put(_weighted(queued))
        self.epoch_start.put((self.epoch_start.get()[1], self.system.number.get()))
        self._announce(self.next_authorities.get(), upcoming)
        due = self.next_epoch_config.take()
        if due is not None:
            self.epoch_config.put(due)
        planned = self.pending_epoch_config_change.take()
        if planned is not None:
            self.next_epoch_config.put(EpochConfiguration(planned.c, planned.allowed_slots))
            self.system.deposit_log(consensus_item(NextConfigData(planned)))

    def on_disabled(self, index: int) -> None:
        """Tell in the header that this authority may not author any more."""
        self.system.deposit_log(consensus_item(OnDisabled(index)))

    def _take_contributions(self) -> list[bytes]:
        segments = [self.under_construction.take(index) for index in range(self.segment_index.take() + 1)]
        return [contribution for segment in segments for contribution in segment]

    def _announce(self, authorities: Vector[WeightedAuthority], randomness: bytes) -> None:
        listed = tuple(Authority(key, weight) for key, weight in authorities)
        self.system.deposit_log(consensus_item(NextEpochData(listed, randomness)))

    # -- interfaces ---------------------------------------------------------------------------------------

    @runtime_api("BabeApi", "configuration")
    def configuration(self) -> BabeConfiguration:
        """Return the configuration for BABE."""
        config = self.epoch_config.get() or DEFAULT_CONFIGURATION
        return BabeConfiguration(
            self.expected_block_time,
            self.epoch_duration,
            config.c,
            self.authorities.get(),
            self.randomness.get(),
            config.allowed_slots,
        )

    @runtime_api("BabeApi", "current_epoch_start")
    def current_epoch_start(self) -> Slot:
        """Returns the slot that started the current epoch."""
        return epoch_start(self.epoch_index.get(), self.genesis_slot.get(), self.epoch_duration)

    @runtime_api("BabeApi", "current_epoch")
    def current_epoch(self) -> Epoch:
        """Returns information regarding the current epoch."""
        return Epoch(
            self.epoch_index.get(),
            self.current_epoch_start(),
            self.epoch_duration,
            self.authorities.get(),
            self.randomness.get(),
            self.epoch_config.get() or DEFAULT_CONFIGURATION,
        )

    @runtime_api("BabeApi", "next_epoch")
    def next_epoch(self) -> Epoch:
        """Returns information regarding the next epoch (which was already previously announced)."""
        return Epoch(
            self.epoch_index.get() + 1,
            self.current_epoch_start() + self.epoch_duration,
            self.epoch_duration,
            self.next_authorities.get(),
            self.next_randomness.get(),
            self.next_epoch_config.get() or self.epoch_config.get() or DEFAULT_CONFIGURATION,
        )

    @runtime_api("BabeApi", "generate_key_ownership_proof")
    def generate_key_ownership_proof(
        self, slot: Slot, authority_id: BabeId
    ) -> OpaqueKeyOwnershipProof | None:
        """A proof of who owns a key of the current session; ask at a block of the session of `slot`."""
        proof = self.historical.prove_ownership(BABE_KEY, authority_id)
        return None if proof is None else MEMBERSHIP_PROOF.encode(proof)

    @runtime_api("BabeApi", "submit_report_equivocation_unsigned_extrinsic")
    def submit_report(
        self, equivocation_proof: EquivocationProof, key_owner_proof: OpaqueKeyOwnershipProof
    ) -> tuple[()] | None:
        """Submits an unsigned extrinsic to report an equivocation; nothing where that is not possible."""
        try:
            ownership = MEMBERSHIP_PROOF.decode(key_owner_proof)
        except InvalidScale:
            return None
        arguments = {"equivocation_proof": equivocation_proof, "key_owner_proof": ownership}
        sent = self.env.submit_unsigned(self, "report_equivocation_unsigned", **arguments)
        return () if sent else None

    def genesis(self, config: GenesisReader) -> None:
        """`{"authorities": [], "epochConfig", "randomness", "timing"}`; authorities come from Session."""
        self.timing.put(block_zero.timing(config, self.chain_timing))
        self.epoch_config.put(block_zero.configuration(config))
        randomness = block_zero.randomness(config)
        self.randomness.put(randomness)
        self.next_randomness.put(randomness)


def _weighted(validators: Sequence[SessionValidator]) -> Vector[WeightedAuthority]:
    return tuple((one.keys.babe, one.weight) for one in validators)


def _contribution(pre_output: bytes) -> bytes:
    """What a claim's VRF output adds to randomness. The proof itself is checked with the header."""
    try:
        return randomness_of(vrf_output(pre_output))
    except CryptoError as fault:
        raise InvalidBlock(
            BlockReason.DIGEST, f"the claim's VRF output 0x{pre_output.hex()} is no point"
        ) from fault
