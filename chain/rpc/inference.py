"""`inference_*`: what an inference costs, what it would answer, and the receipts of those that were made."""

from chain.rpc.access import block_or_best, state_at
from chain.rpc.failures import call_error, reported
from chain.rpc.json import weight_json
from chain.store import Store, UnknownBlock
from network.rpc import Json, method
from network.rpc.parameters import Account, BlockHash, Hash, Hex
from runtime.executive import Runtime
from runtime.frame.errors import CallFailed
from runtime.pallets.inference import Estimate, Inference, Receipt
from runtime.pallets.inference.types import InferenceError
from runtime.pallets.system import System
from runtime.primitives.era import Mortal
from runtime.primitives.extrinsic import SignedExtrinsic
from runtime.primitives.header import Header
from runtime.primitives.keys import Sr25519Signature, ss58
from runtime.primitives.multiaddress import Id
from runtime.primitives.scale import codec
from runtime.primitives.state import StateReader

FEE_MARGIN = 2
"""`max_fee` of the transaction that is estimated, over the inference fee: what our own client sends."""

ERA_PERIOD = 64
"""Blocks; any mortal era has the same size."""

SIGNATURE_SIZE = 64

_RECEIPT = codec(Receipt)


class InferenceMethods:
    """The section `inference`."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime
        self._prefix: int = runtime.composition.constants[System]["ss58_prefix"]

    @method("inference_estimate", worker=True)
    @reported()
    def estimate(self, model: Hash, caller: Account | None = None, at: BlockHash | None = None) -> Json:
        """What one call of a model costs right behind a block; fees in planck.

        `inferenceFee` is what `max_fee` bounds. `partialFee` is the whole fee, without tip, of a mortal
        transaction that `caller` signs with `max_fee` at twice the inference fee.
        """
        state = state_at(self._store, at)
        inference = self._runtime.view(state).pallet(Inference)
        found = inference.estimate(model)
        if found is None:
            known = inference.model(model) is not None
            failure = CallFailed(InferenceError.WITHDRAWN if known else InferenceError.UNKNOWN_MODEL)
            raise call_error(failure, self._runtime.composition)
        return {
            "weight": weight_json(found.weight),
            "inferenceFee": str(found.inference_fee),
            "partialFee": str(self._whole_fee(model, found, caller or bytes(32), state, state.number)),
        }

    @method("inference_dryRun", worker=True)
    @reported()
    def dry_run(self, model: Hash, inputs: list[Hex], at: BlockHash | None = None) -> Json:
        """The raw outputs that a call would give behind a block; no transaction, no fee."""
        inference = self._runtime.view(state_at(self._store, at)).pallet(Inference)
        try:
            return {"output": list(inference.evaluate(model, tuple(inputs)))}
        except CallFailed as failure:
            raise call_error(failure, self._runtime.composition) from failure

    @method("inference_receipt", worker=True)
    @reported()
    def receipt(self, receipt: Hash, at: BlockHash | None = None) -> Json:
        """The receipt of an inference that a block or one of its ancestors made; null where there is none.

        Receipts of the best chain are found after they have left the state.
        """
        block = block_or_best(self._store, at)
        found = self._receipt(receipt, block)
        if found is None:
            return None
        made_in = self._ancestor(block, found.block)
        finalized = found.block <= self._store.finalized().number and self._store.is_canonical(made_in)
        return {
            "id": receipt,
            "model": found.model,
            "caller": ss58.encode(found.caller, self._prefix),
            "inputHash": found.input_hash,
            "output": list(found.output),
            "block": found.block,
            "blockHash": made_in,
            "extrinsic": found.extrinsic,
            "opset": found.opset,
            "finalized": finalized,
        }

    def _whole_fee(
        self, model: bytes, estimate: Estimate, caller: bytes, state: StateReader, number: int
    ) -> int:
        """The fee of the transaction itself, built with a placeholder for the signature."""
        view = self._runtime.view(state)
        record = view.pallet(Inference).models.record(model)
        call = self._runtime.call(
            "Inference",
            "infer",
            model=model,
            inputs=tuple(bytes(each.size) for each in record.summary.inputs),
            max_fee=estimate.inference_fee * FEE_MARGIN,
        )
        extra = (Mortal.at(number, ERA_PERIOD), view.pallet(System).account.get(caller).nonce, 0, 0)
        extrinsic = SignedExtrinsic(
            Id(caller),
            Sr25519Signature(bytes(SIGNATURE_SIZE)),
            extra,
            self._runtime.pipeline.codec.encode(extra),
            self._runtime.encode_call(call),
        )
        return self._runtime.query_fee(extrinsic.encode(), state).partial_fee

    def _receipt(self, receipt: bytes, block: bytes) -> Receipt | None:
        """From the state of the block, else from the database: states and receipts in them are pruned."""
        header = self._require(block)
        if self._store.has_state(block):
            found = self._runtime.view(self._store.state_at(block)).pallet(Inference).receipt(receipt)
            if found is not None:
                return found
        stored = self._store.receipt(receipt)
        if (
            stored is None
            or stored.number > header.number
            or self._ancestor(block, stored.number) != stored.block
        ):
            return None
        return _RECEIPT.decode(stored.data)

    def _ancestor(self, block: bytes, number: int) -> bytes:
        """The ancestor of a block, or itself, at a height that is not above it."""
        header = self._require(block)
        # Branches off the best chain are short: they are cut where finality decides against them.
        while header.number > number and not self._store.is_canonical(block):
            block = header.parent_hash
            header = self._require(block)
        found = block if header.number == number else self._store.block_hash(number)
        if found is None:
            raise UnknownBlock(block)
        return found

    def _require(self, block: bytes) -> Header:
        header = self._store.header(block)
        if header is None:
            raise UnknownBlock(block)
        return header
