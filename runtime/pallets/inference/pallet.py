"""The Inference pallet."""

from runtime.frame.api import runtime_api
from runtime.frame.call import call
from runtime.frame.engine import InputRefused
from runtime.frame.errors import CallFailed, ensure
from runtime.frame.origin import Origin, ensure_signed
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.storage import Hasher, StorageMap, StorageValue
from runtime.frame.weights import ApplyExtrinsic, Weight
from runtime.pallets.inference import weights
from runtime.pallets.inference.types import (
    Completed,
    Estimate,
    InferenceError,
    InferenceEvent,
    Receipt,
    Result,
    Tensors,
)
from runtime.pallets.models import ModelRecord, Models, ModelStatus
from runtime.pallets.system import System
from runtime.pallets.transaction_payment import TransactionPayment
from runtime.primitives.hashing import blake2_256
from runtime.primitives.integers import U32
from runtime.primitives.scale import CompactU128, Vector, codec
from runtime.primitives.types import H256

_RECEIPT_ID = codec(tuple[H256, U32, Receipt])
_TENSORS = codec(Tensors)


class Inference(Pallet, index=41, events=InferenceEvent, errors=InferenceError):
    """Runs models inside blocks: every validator executes the same integer program, bit for bit.

    The output is final with the block. A receipt stays in the state for `ReceiptRetention` blocks, so that a
    storage proof against a finalised header shows it to anyone; archive nodes serve it for ever.
    """

    receipts: StorageMap[H256, Receipt | None] = StorageMap(
        hasher=Hasher.IDENTITY, doc="Receipts of recent inferences, by id."
    )
    receipts_at: StorageMap[U32, Vector[H256]] = StorageMap(
        default=(), hasher=Hasher.TWOX_64_CONCAT, doc="Ids of the receipts that each recent block made."
    )
    count: StorageValue[U32] = StorageValue(default=0, doc="How many inferences the current block has run.")

    receipt_retention: Constant[U32] = Constant(doc="Blocks for which a receipt stays in the state.")

    system = Uses(System)
    models = Uses(Models)
    payment = Uses(TransactionPayment)

    def _infer_weight(self, model: bytes, inputs: tuple[bytes, ...], max_fee: int) -> Weight:
        record = self.models.records.get(model)
        size = sum(len(one) for one in inputs)
        return weights.refusal(size) if record is None else weights.infer(record.summary, size)

    @call(0, weight=_infer_weight)
    def infer(self, origin: Origin, model: H256, inputs: Tensors, max_fee: CompactU128) -> None:
        """Run a published model on raw inputs.

        `inputs` are the model's input tensors in declared order, little-endian and row-major. `max_fee`
        bounds the fee for the model's weight (`inference_estimate` tells it): the call fails, not costs more.
        A call that is refused pays for being read, not for the model.
        """
        who = ensure_signed(origin)
        try:
            record = self._admit(model, inputs, max_fee)
        except CallFailed as failure:
            raise CallFailed(failure.error, weights.refusal(sum(len(one) for one in inputs))) from failure
        output = self._run(model, inputs)
        number, opset = self.system.number.get(), record.summary.opset
        input_hash = blake2_256(_TENSORS.encode(inputs))
        receipt = Receipt(model, who, input_hash, output, number, self._position(), opset)
        receipt_id = self._next_id(receipt)
        self.receipts.insert(receipt_id, receipt)
        self.receipts_at.insert(number, (*self.receipts_at.get(number), receipt_id))
        self.deposit_event(Completed(receipt_id, model, who, output))

    def on_initialize(self, number: int) -> Weight:
        """Remove the receipts that have stayed their time."""
        expired = number - self.receipt_retention
        if expired < 0:
            return Weight()
        ids = self.receipts_at.take(expired)
        for receipt_id in ids:
            self.receipts.remove(receipt_id)
        return weights.RECEIPT_REMOVED * len(ids)

    def on_finalize(self, number: int) -> None:
        """Forget the count of the block that ends."""
        self.count.kill()

    @runtime_api("InferenceApi", "estimate")
    def estimate(self, model: H256) -> Estimate | None:
        """What one call costs in the next block; nothing for a model that takes no calls."""
        record = self.models.records.get(model)
        if record is None or record.status is not ModelStatus.Published:
            return None
        weight = weights.infer(record.summary, sum(one.size for one in record.summary.inputs))
        return Estimate(weight, self.payment.weight_fee(weight))

    @runtime_api("InferenceApi", "dry_run")
    def dry_run(self, model: H256, inputs: Tensors) -> Result | None:
        """The outputs that a call would give; nothing where the call would fail."""
        try:
            return Result(self.evaluate(model, inputs))
        except CallFailed:
            return None

    @runtime_api("InferenceApi", "model")
    def model(self, model: H256) -> ModelRecord | None:
        """The record of a model, published or withdrawn."""
        return self.models.records.get(model)

    @runtime_api("InferenceApi", "receipt")
    def receipt(self, receipt: H256) -> Receipt | None:
        """A receipt that the state still holds."""
        return self.receipts.get(receipt)

    def evaluate(self, model: bytes, inputs: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The outputs that a call would give; `CallFailed` as the call would."""
        self._check_inputs(self._callable(model), inputs)
        return self._run(model, inputs)

    def _admit(self, model: bytes, inputs: tuple[bytes, ...], max_fee: int) -> ModelRecord:
        """The model's record where the call may run it; `CallFailed` otherwise."""
        record = self._callable(model)
        # The weight of a call is announced before its transaction starts: a batch that published the model
        # itself would have announced none of what its calls cost.
        ensure(record.published < self.system.number.get(), InferenceError.TOO_EARLY)
        weight = weights.infer(record.summary, sum(len(one) for one in inputs))
        ensure(self.payment.weight_fee(weight) <= max_fee, InferenceError.FEE_TOO_LOW)
        self._check_inputs(record, inputs)
        return record

    def _callable(self, model: bytes) -> ModelRecord:
        record = self.models.records.get(model)
        if record is None:
            raise CallFailed(InferenceError.UNKNOWN_MODEL)
        ensure(record.status is ModelStatus.Published, InferenceError.WITHDRAWN)
        return record

    def _check_inputs(self, record: ModelRecord, inputs: tuple[bytes, ...]) -> None:
        declared = record.summary.inputs
        ensure(len(inputs) == len(declared), InferenceError.WRONG_INPUT_COUNT)
        for given, spec in zip(inputs, declared, strict=True):
            ensure(len(given) == spec.size, InferenceError.WRONG_INPUT_SIZE)

    def _run(self, model: bytes, inputs: tuple[bytes, ...]) -> tuple[bytes, ...]:
        try:
            return self.env.engine.run(model, lambda: self.models.artifact(model), inputs)
        except InputRefused as refused:
            raise CallFailed(InferenceError.INVALID_INPUT) from refused

    def _position(self) -> int:
        """The index of the extrinsic that runs. Only extrinsics call: hooks make no inference."""
        assert isinstance(self.env.phase, ApplyExtrinsic), "an inference runs in an extrinsic"
        return self.env.phase.index

    def _next_id(self, receipt: Receipt) -> bytes:
        """Different for any two receipts, also of rival blocks: it covers parent, ordinal and content."""
        ordinal = self.count.get()
        self.count.put(ordinal + 1)
        return blake2_256(_RECEIPT_ID.encode((self.system.parent_hash.get(), ordinal, receipt)))
