"""The runtime of one spec version: everything that executes or answers takes a state and returns data."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.executive.block import BlockExecution
from runtime.executive.builder import BlockBuilder
from runtime.executive.extrinsic import Decoded, ExtrinsicDecoder, transaction_of
from runtime.executive.outcome import (
    DryRun,
    Execution,
    GenesisState,
    SignatureChecks,
    serial,
)
from runtime.frame.call import RuntimeCall
from runtime.frame.environment import Composition, Environment
from runtime.frame.errors import (
    BlockReason,
    GenesisReason,
    InvalidBlock,
    InvalidGenesis,
    InvalidTransaction,
    TransactionKind,
)
from runtime.frame.events import EventRecord
from runtime.frame.extension import Extension, Pipeline, ValidTransaction
from runtime.frame.genesis import GenesisReader
from runtime.frame.inherents import InherentData
from runtime.frame.validity import TransactionSource
from runtime.frame.version import RuntimeVersion
from runtime.frame.weights import DispatchClass
from runtime.pallets.system import System
from runtime.pallets.transaction_payment import FeeDetails, RuntimeDispatchInfo, TransactionPayment
from runtime.primitives.block import Block
from runtime.primitives.digest import Digest
from runtime.primitives.extrinsic import InvalidExtrinsic
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale
from runtime.primitives.state import MemoryState, StateReader
from runtime.primitives.trie import extrinsics_root

_EVENTS_KEY = System.event_records.key()


class Runtime:
    """Executes blocks and answers questions about states."""

    def __init__(self, composition: Composition, extensions: Sequence[Extension]) -> None:
        self.composition = composition
        self.pipeline = Pipeline(extensions)
        self.decoder = ExtrinsicDecoder(composition.calls, self.pipeline)

    @property
    def version(self) -> RuntimeVersion:
        """Which rules these are."""
        return self.composition.version

    def genesis(self, config: Mapping[str, Any]) -> GenesisState:
        """The state of block zero; `config` maps pallets (`balances`, `transactionPayment`) to their parts.

        `InvalidGenesis` names the JSON path of what is wrong.
        """
        parts = {pallet.config_name: pallet for pallet in self.composition.pallets}
        for name in config:
            if name not in parts:
                raise InvalidGenesis(
                    GenesisReason.UNKNOWN, name, f"no such pallet; known are {', '.join(sorted(parts))}"
                )
        execution = self._execution(MemoryState())
        execution.note_genesis_version()
        for name, pallet in parts.items():
            execution.env.pallet(pallet).genesis(GenesisReader(config.get(name, {}), name))
        storage = {key: value for key, value in execution.env.overlay.changes().items() if value is not None}
        return GenesisState(storage, execution.env.overlay.artifacts())

    def execute_block(self, block: Block, parent: StateReader, checks: SignatureChecks = serial) -> Execution:
        """What a block does to its parent's state; `InvalidBlock` names the rule it breaks, and where.

        The seal is consensus's to check, and the state root the importer's, who applies the changes.
        """
        header = block.header
        decoded = self._decode_all(block.extrinsics)
        root = extrinsics_root(block.extrinsics)
        if root != header.extrinsics_root:
            raise InvalidBlock(
                BlockReason.EXTRINSICS_ROOT,
                f"the header says 0x{header.extrinsics_root.hex()}, the extrinsics give 0x{root.hex()}",
            )
        execution = self._execution(parent)
        execution.initialise(header.number, header.parent_hash, header.digest)
        verdicts = self._start_checks(execution, decoded, checks)
        for index, each in enumerate(decoded):
            if each.is_inherent:
                execution.apply_inherent(each)
                continue
            try:
                if each.is_unsigned:
                    execution.apply_unsigned(each)
                else:
                    execution.apply_transaction(each)
            except InvalidTransaction as fault:
                raise _transaction_fault(index, each, fault) from fault
        for (index, each), valid in zip(
            [(i, each) for i, each in enumerate(decoded) if each.envelope], verdicts(), strict=True
        ):
            if not valid:
                raise InvalidBlock(
                    BlockReason.BAD_SIGNATURE,
                    f"extrinsic {index}: 0x{each.sender().hex()} did not sign {each.call}",
                )
        result = execution.finalise(block.extrinsics)
        expected = header.digest.without_seal()
        if result.digest != expected:
            raise InvalidBlock(
                BlockReason.DIGEST, f"the header has {expected.logs}, execution gives {result.digest.logs}"
            )
        return result

    def _decode_all(self, extrinsics: Sequence[bytes]) -> list[Decoded]:
        decoded = []
        for index, data in enumerate(extrinsics):
            try:
                decoded.append(self.decoder.decode(data))
            except (InvalidExtrinsic, InvalidScale) as fault:
                raise InvalidBlock(
                    BlockReason.MALFORMED_EXTRINSIC, f"extrinsic {index}: {fault}", data
                ) from fault
        return decoded

    def _start_checks(
        self, execution: BlockExecution, decoded: Sequence[Decoded], checks: SignatureChecks
    ) -> Any:
        wanted = []
        for index, each in enumerate(decoded):
            if each.envelope is not None:
                try:
                    wanted.append(self.decoder.signature_check(execution.env, each, index))
                except InvalidTransaction as fault:
                    raise _transaction_fault(index, each, fault) from fault
        return checks(wanted)

    def check_inherents(self, block: Block, state: StateReader, data: InherentData) -> None:
        """`InvalidBlock` where an inherent does not fit what this node knows, such as its clock.

        Not part of execution: a block that is too early now may be imported later.
        """
        env = Environment(self.composition, state)
        for each in self._decode_all(block.extrinsics):
            if each.is_inherent:
                env.pallet(each.call.declaration.pallet).check_inherent(each.call, data)

    def begin_block(
        self, parent: Header, digest: Digest, state: StateReader, checks: SignatureChecks = serial
    ) -> BlockBuilder:
        """Start a block on `parent`, whose state this is; `digest` holds consensus's pre-runtime items."""
        execution = self._execution(state)
        execution.initialise(parent.number + 1, parent.hash(), digest)
        return BlockBuilder(execution, checks)

    def validate_transaction(
        self,
        extrinsic: bytes,
        state: StateReader,
        block_hash: bytes,
        source: TransactionSource = TransactionSource.External,
    ) -> ValidTransaction:
        """Whether a transaction may enter a block behind `block_hash`, whose state this is.

        `InvalidTransaction` where not. A nonce ahead of the account's is valid: it `requires` those before.
        """
        decoded = self.decoder.decode_transaction(extrinsic)
        execution = self._execution(state)
        execution.open_for_query(block_hash)
        if decoded.is_unsigned:
            pallet = execution.env.pallet(decoded.call.declaration.pallet)
            return pallet.validate_unsigned(decoded.call, source)
        check = self.decoder.signature_check(execution.env, decoded, 0)
        transaction = transaction_of(execution.env, decoded)
        if transaction.info.dispatch_class is DispatchClass.Mandatory:
            raise InvalidTransaction(TransactionKind.MANDATORY_VALIDATION)
        assert decoded.envelope is not None, "only signed extrinsics are transactions"
        checked = self.pipeline.check(transaction, decoded.envelope.extra)
        if not all(serial([check])()):
            raise InvalidTransaction(TransactionKind.BAD_PROOF, rule=BlockReason.BAD_SIGNATURE)
        return self.pipeline.describe(transaction, decoded.envelope.extra, checked)

    def dry_run(self, extrinsic: bytes, state: StateReader, block_hash: bytes) -> DryRun:
        """What a transaction would do right behind `block_hash`; `InvalidTransaction` where it is refused."""
        execution = self._execution(state)
        execution.open_for_query(block_hash)
        outcome = BlockBuilder(execution, serial).apply(extrinsic)
        return DryRun(outcome, tuple(execution.env.events))

    def query_fee(
        self, extrinsic: bytes, state: StateReader, length: int | None = None
    ) -> RuntimeDispatchInfo:
        """Weight, class and fee without tip; the signature may be a placeholder of the right size."""
        env, decoded = self._for_fee(extrinsic, state)
        info = env.dispatch_info(decoded.call)
        if decoded.envelope is None:
            return RuntimeDispatchInfo(info.weight, info.dispatch_class, 0)
        return env.pallet(TransactionPayment).dispatch_info(
            decoded.length if length is None else length, info
        )

    def fee_details(self, extrinsic: bytes, state: StateReader, length: int | None = None) -> FeeDetails:
        """The fee without tip in its parts; none for a bare extrinsic."""
        env, decoded = self._for_fee(extrinsic, state)
        if decoded.envelope is None:
            return FeeDetails(None)
        payment = env.pallet(TransactionPayment)
        return payment.announced_details(
            decoded.length if length is None else length, env.dispatch_info(decoded.call), 0
        )

    def call_fee(self, call: RuntimeCall, state: StateReader, length: int) -> RuntimeDispatchInfo:
        """As `query_fee` for a call that would be sent in an extrinsic of so many bytes."""
        env = Environment(self.composition, state)
        return env.pallet(TransactionPayment).dispatch_info(length, env.dispatch_info(call))

    def call_fee_details(self, call: RuntimeCall, state: StateReader, length: int) -> FeeDetails:
        """As `fee_details` for a call that would be sent in an extrinsic of so many bytes."""
        env = Environment(self.composition, state)
        return env.pallet(TransactionPayment).announced_details(length, env.dispatch_info(call), 0)

    def view(self, state: StateReader) -> Environment:
        """Pallets over a state, to read with: `runtime.view(state).pallet(System).number.get()`."""
        return Environment(self.composition, state)

    def events(self, state: StateReader) -> tuple[EventRecord, ...]:
        """The events of the block whose state this is."""
        raw = state.get(_EVENTS_KEY)
        return () if raw is None else self.composition.events.decode(raw)

    def call(self, pallet: str, name: str, **arguments: Any) -> RuntimeCall:
        """A call by names; `LookupError` without such a call, `TypeError` for other arguments."""
        return self.composition.calls.make(pallet, name, **arguments)

    def encode_call(self, call: RuntimeCall) -> bytes:
        """SCALE bytes of a call."""
        return self.composition.calls.encode(call)

    def decode_call(self, data: bytes) -> RuntimeCall:
        """The call of SCALE bytes; `InvalidScale` where they are none."""
        return self.composition.calls.decode(data)

    def _for_fee(self, extrinsic: bytes, state: StateReader) -> tuple[Environment, Decoded]:
        try:
            decoded = self.decoder.decode(extrinsic)
        except (InvalidExtrinsic, InvalidScale) as fault:
            raise InvalidTransaction(
                TransactionKind.CALL, f"not an extrinsic of this chain: {fault}"
            ) from fault
        return Environment(self.composition, state), decoded

    def _execution(self, state: StateReader) -> BlockExecution:
        return BlockExecution(self.composition, self.pipeline, self.decoder, state)


def _transaction_fault(index: int, decoded: Decoded, fault: InvalidTransaction) -> InvalidBlock:
    return InvalidBlock(fault.rule, f"extrinsic {index}: {decoded.call}: {fault.kind.text} ({fault.detail})")
