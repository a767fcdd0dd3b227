"""The state transition of one block, step by step; importing and building both go through it.

initialise -> inherents -> transactions -> finalise
"""

from collections.abc import Sequence

from runtime.executive.extrinsic import Decoded, ExtrinsicDecoder, transaction_of
from runtime.executive.outcome import Execution, ExtrinsicOutcome
from runtime.frame.environment import Composition, Environment
from runtime.frame.errors import (
    BlockReason,
    CallFailed,
    DispatchError,
    InvalidBlock,
    InvalidTransaction,
    TransactionKind,
)
from runtime.frame.extension import Pipeline
from runtime.frame.inherents import InherentData
from runtime.frame.origin import NOBODY, Signed
from runtime.frame.overlay import ABSENT, RAW
from runtime.frame.validity import TransactionSource
from runtime.frame.weights import (
    ApplyExtrinsic,
    DispatchClass,
    DispatchInfo,
    Finalization,
    Pays,
    PostDispatchInfo,
    WeightPerClass,
)
from runtime.pallets.system import CODE_KEY, EXTRINSIC_INDEX_KEY, System
from runtime.pallets.system.extensions import reserve_length, reserve_weight
from runtime.pallets.system.types import (
    CodeUpdated,
    DispatchEventInfo,
    ExtrinsicFailed,
    ExtrinsicSuccess,
    LastRuntimeUpgradeInfo,
)
from runtime.primitives.digest import Digest, PreRuntime, RuntimeEnvironmentUpdated
from runtime.primitives.state import StateReader
from runtime.primitives.trie import extrinsics_root


class BlockExecution:
    """One block in the making."""

    def __init__(
        self, composition: Composition, pipeline: Pipeline, decoder: ExtrinsicDecoder, state: StateReader
    ) -> None:
        self.env = Environment(composition, state)
        self.composition = composition
        self.pipeline = pipeline
        self.decoder = decoder
        self.outcomes: list[ExtrinsicOutcome] = []
        self.in_transactions = False
        self._system = self.env.pallet(System)
        self._bases = {each: self._system.block_weights.of(each).base_extrinsic for each in DispatchClass}

    def initialise(self, number: int, parent_hash: bytes, digest: Digest) -> None:
        """Open block `number`; `digest` may hold more than the pre-runtime items, only those are taken."""
        system = self._system
        parent = system.number.get()
        if number != parent + 1:
            raise InvalidBlock(
                BlockReason.PARENT,
                f"block {number} can not follow block {parent}, whose state this is",
                number,
            )
        weight = self._system.block_weights.base_block
        self._enter(number, parent_hash)
        system.digest.put(Digest(tuple(item for item in digest.logs if isinstance(item, PreRuntime))))
        upgrade = self._require_version(number)
        if upgrade is not None:
            for pallet in self.composition.pallets:
                weight = weight + self.env.pallet(pallet).on_runtime_upgrade(upgrade)
        for pallet in self.composition.pallets:
            weight = weight + self.env.pallet(pallet).on_initialize(number)
        system.block_weight.put(WeightPerClass(mandatory=weight))

    def open_for_query(self, block_hash: bytes) -> None:
        """Stand in the block behind the one whose hash this is, without running its hooks."""
        self._enter(self._system.number.get() + 1, block_hash)
        self._system.block_weight.put(WeightPerClass())

    def _enter(self, number: int, parent_hash: bytes) -> None:
        system = self._system
        system.number.put(number)
        system.parent_hash.put(parent_hash)
        system.block_hash.insert(number - 1, parent_hash)

    def _require_version(self, number: int) -> int | None:
        """The version that executed the parent where this block changes to ours, else None."""
        system, version = self._system, self.composition.version
        last, scheduled = system.last_runtime_upgrade.get(), system.scheduled_upgrade.get()
        due = scheduled is not None and number >= scheduled.at
        current = last.spec_version if last is not None else 0
        expected = scheduled.spec_version if scheduled is not None and due else current
        if expected != version.spec_version:
            raise InvalidBlock(
                BlockReason.UNKNOWN_SPEC_VERSION,
                f"block {number} is executed by spec version {expected}, this is {version.spec_version}; "
                "install a node release that knows it",
                expected,
            )
        if not due:
            return None
        system.scheduled_upgrade.kill()
        self._note_version()
        system.digest.put(system.digest.get().pushed(RuntimeEnvironmentUpdated()))
        system.deposit_event(CodeUpdated())
        return current

    def _note_version(self) -> None:
        version = self.composition.version
        self._system.last_runtime_upgrade.put(LastRuntimeUpgradeInfo(version.spec_version, version.spec_name))
        self.env.overlay.put(CODE_KEY, RAW, self.composition.code)

    def note_genesis_version(self) -> None:
        """Write which version executes the first block."""
        self._note_version()

    def inherents(self, data: InherentData) -> list[bytes]:
        """Make and apply the inherents that every block needs; the answer is their bytes."""
        made = []
        for pallet in self.composition.pallets:
            inherent = self.env.pallet(pallet).create_inherent(data)
            if inherent is not None:
                encoded = self.decoder.encode_inherent(inherent)
                self.apply_inherent(self.decoder.decode(encoded))
                made.append(encoded)
        return made

    def apply_inherent(self, decoded: Decoded) -> None:
        """Apply a bare extrinsic: nobody pays, and its failure is the block's."""
        index = len(self.outcomes)
        if self.in_transactions:
            raise InvalidBlock(
                BlockReason.INHERENT_ORDER, f"extrinsic {index}: {decoded.call} stands behind a transaction"
            )
        self._begin_extrinsic(index)
        info = self.env.dispatch_info(decoded.call)
        try:
            reserve_length(self.env, info, decoded.length, commit=True)
            reserve_weight(self.env, info, decoded.length)
            post = self.env.dispatch(decoded.call, NOBODY)
        except CallFailed as failure:
            error = self.composition.error(failure)
            raise InvalidBlock(
                BlockReason.INHERENT_INVALID, f"extrinsic {index}: {decoded.call} fails with {error}"
            ) from failure
        except InvalidTransaction as fault:
            raise InvalidBlock(fault.rule, f"extrinsic {index}: {fault.detail}") from fault
        self._note_applied(info, post, None, 0, 0)

    def apply_transaction(self, decoded: Decoded) -> ExtrinsicOutcome:
        """Apply a signed extrinsic whose signature is checked elsewhere.

        `InvalidTransaction` where it may not enter. A caller that goes on behind a refusal must wrap this
        in a nested transaction.
        """
        self.in_transactions = True
        self._begin_extrinsic(len(self.outcomes))
        transaction = transaction_of(self.env, decoded)
        assert decoded.envelope is not None, "transactions are signed"
        extra = decoded.envelope.extra
        checked = self.pipeline.check(transaction, extra)
        prepared = self.pipeline.prepare(transaction, extra, checked)
        error: DispatchError | None = None
        try:
            post = self.env.dispatch(decoded.call, Signed(transaction.who))
        except CallFailed as failure:
            error = self.composition.error(failure)
            post = PostDispatchInfo(failure.actual_weight)
            if transaction.info.dispatch_class is DispatchClass.Mandatory:
                raise InvalidTransaction(
                    TransactionKind.BAD_MANDATORY, f"{decoded.call}: {error}"
                ) from failure
        self.pipeline.settle(transaction, prepared, post, error)
        return self._note_applied(transaction.info, post, error, transaction.fee, transaction.tip)

    def apply_unsigned(self, decoded: Decoded) -> ExtrinsicOutcome:
        """Apply a bare extrinsic that its pallet vouches for: nobody pays, and its failure is an event.

        `InvalidTransaction` as in `apply_transaction`.
        """
        self.in_transactions = True
        self._begin_extrinsic(len(self.outcomes))
        pallet = self.env.pallet(decoded.call.declaration.pallet)
        pallet.validate_unsigned(decoded.call, TransactionSource.InBlock)
        info = self.env.dispatch_info(decoded.call)
        reserve_length(self.env, info, decoded.length, commit=True)
        reserve_weight(self.env, info, decoded.length)
        error: DispatchError | None = None
        try:
            post = self.env.dispatch(decoded.call, NOBODY)
        except CallFailed as failure:
            error = self.composition.error(failure)
            post = PostDispatchInfo(failure.actual_weight)
        return self._note_applied(info, post, error, 0, 0)

    def _begin_extrinsic(self, index: int) -> None:
        self.env.phase = ApplyExtrinsic(index)
        self.env.overlay.put(EXTRINSIC_INDEX_KEY, RAW, index.to_bytes(4, "little"))

    def _note_applied(
        self, info: DispatchInfo, post: PostDispatchInfo, error: DispatchError | None, fee: int, tip: int
    ) -> ExtrinsicOutcome:
        weight = post.weight_or(info) + self._bases[info.dispatch_class]
        pays = Pays.Yes if post.pays(info) else Pays.No
        report = DispatchEventInfo(weight, info.dispatch_class, pays)
        self._system.deposit_event(
            ExtrinsicSuccess(report) if error is None else ExtrinsicFailed(error, report)
        )
        outcome = ExtrinsicOutcome(error, fee, tip, weight, info.dispatch_class, pays)
        self.outcomes.append(outcome)
        return outcome

    def finalise(self, extrinsics: Sequence[bytes]) -> Execution:
        """Close the block, whose extrinsics these are."""
        env, system = self.env, self._system
        number = system.number.get()
        env.phase = Finalization()
        env.overlay.put(EXTRINSIC_INDEX_KEY, RAW, ABSENT)
        for pallet in self.composition.pallets:
            env.pallet(pallet).on_finalize(number)
        oldest = number - system.block_hash_count - 1
        if oldest > 0:
            # Block zero stays: signatures cover its hash for ever.
            system.block_hash.remove(oldest)
        system.event_count.put(len(env.events))
        system.event_records.put(self.composition.events.encode(env.events))
        return Execution(
            number=number,
            changes=env.overlay.changes(),
            artifacts=env.overlay.artifacts(),
            events=tuple(env.events),
            outcomes=tuple(self.outcomes),
            weight=system.block_weight.get(),
            extrinsics_root=extrinsics_root(list(extrinsics)),
            digest=system.digest.get(),
        )
