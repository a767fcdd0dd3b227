"""Building a block: inherents, then transactions as long as they fit."""

from runtime.executive.block import BlockExecution
from runtime.executive.extrinsic import Decoded
from runtime.executive.outcome import Execution, ExtrinsicOutcome, SignatureChecks
from runtime.frame.errors import BlockReason, InvalidTransaction, TransactionKind
from runtime.frame.inherents import InherentData


class BlockBuilder:
    """A block that is being authored on a parent state."""

    def __init__(self, execution: BlockExecution, checks: SignatureChecks) -> None:
        self._execution = execution
        self._checks = checks
        self._extrinsics: list[bytes] = []

    @property
    def length(self) -> int:
        """Bytes of all extrinsics so far."""
        return self._execution.env.extrinsics_length

    def inherents(self, data: InherentData) -> list[bytes]:
        """Put the inherents into the block; call this once, before any transaction."""
        made = self._execution.inherents(data)
        self._extrinsics.extend(made)
        return made

    def apply(self, extrinsic: bytes) -> ExtrinsicOutcome:
        """Put a transaction into the block.

        `InvalidTransaction` where it may not enter; the block is then as before. `EXHAUSTS_RESOURCES` means
        that the block is full for this one, though perhaps not for a smaller one.
        """
        execution = self._execution
        decoded = execution.decoder.decode_transaction(extrinsic)
        length, outcomes = execution.env.extrinsics_length, len(execution.outcomes)
        try:
            with execution.env.transaction():
                if decoded.is_unsigned:
                    outcome = execution.apply_unsigned(decoded)
                else:
                    self._require_signature(decoded, outcomes)
                    outcome = execution.apply_transaction(decoded)
        except InvalidTransaction:
            execution.env.extrinsics_length = length
            raise
        self._extrinsics.append(extrinsic)
        return outcome

    def _require_signature(self, decoded: Decoded, index: int) -> None:
        check = self._execution.decoder.signature_check(self._execution.env, decoded, index)
        if not all(self._checks([check])()):
            raise InvalidTransaction(TransactionKind.BAD_PROOF, rule=BlockReason.BAD_SIGNATURE)

    def finish(self) -> tuple[list[bytes], Execution]:
        """Close the block: its extrinsics, and what they did. The builder must not be used afterwards."""
        return self._extrinsics, self._execution.finalise(self._extrinsics)
