"""The Models pallet."""

from dataclasses import replace
from typing import Annotated

from runtime.frame.call import call
from runtime.frame.engine import MAX_INSPECTION, ArtifactRefused, ModelSummary
from runtime.frame.errors import CallFailed, GenesisReason, ensure
from runtime.frame.genesis import GenesisReader
from runtime.frame.origin import Origin, ensure_signed, ensure_signed_or_root
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.storage import Hasher, StorageDoubleMap, StorageMap, StorageValue
from runtime.frame.weights import DispatchClass, PostDispatchInfo, Weight
from runtime.pallets.balances import Balances
from runtime.pallets.models import weights
from runtime.pallets.models.events import (
    Cancelled,
    ChunkUploaded,
    Created,
    ModelsError,
    ModelsEvent,
    ModelsHold,
    Published,
    Withdrawn,
)
from runtime.pallets.models.types import (
    CHUNK_SIZE,
    ModelLimits,
    ModelRecord,
    ModelStatus,
    Upload,
    chunk_count,
)
from runtime.pallets.system import System
from runtime.primitives.hashing import blake2_256
from runtime.primitives.integers import U32, U64, U128
from runtime.primitives.scale import CompactU32, MaxLen
from runtime.primitives.types import H256, AccountId

_LIMITS = {
    "artifactSize": ("artifact_size", U32),
    "peakMemory": ("peak_memory", U64),
    "refTime": ("ref_time", U64),
    "inputSize": ("input_size", U32),
    "outputSize": ("output_size", U32),
}


class Models(Pallet, index=40, events=ModelsEvent, errors=ModelsError, holds=ModelsHold):
    """Publishes models: create (announce hash and size, pay the deposit), upload chunks, publish.

    The bytes of a model are under consensus: a node that has the blocks has the models. When a model is
    published every validator verifies its structure, its value ranges and its cost; the record then fixes for
    ever what one inference costs.
    """

    limits: StorageValue[ModelLimits] = StorageValue(
        default=ModelLimits(), doc="What one model may demand of validators."
    )
    uploads: StorageDoubleMap[AccountId, H256, Upload | None] = StorageDoubleMap(
        hashers=(Hasher.BLAKE2_128_CONCAT, Hasher.IDENTITY), doc="Models on their way, by uploader and id."
    )
    upload_chunks: StorageDoubleMap[H256, U32, H256 | None] = StorageDoubleMap(
        hashers=(Hasher.IDENTITY, Hasher.TWOX_64_CONCAT),
        doc="Hashes of the chunks on their way; keyed by the hash of uploader and model id.",
    )
    chunks: StorageDoubleMap[H256, U32, H256 | None] = StorageDoubleMap(
        hashers=(Hasher.IDENTITY, Hasher.TWOX_64_CONCAT),
        doc="Hashes of a published model's chunks, in order; the bytes are kept outside the trie.",
    )
    records: StorageMap[H256, ModelRecord | None] = StorageMap(
        hasher=Hasher.IDENTITY, doc="Published models by id, the Blake2b-256 of their artifact."
    )
    count: StorageValue[U32] = StorageValue(default=0, doc="How many models take calls.")

    base_deposit: Constant[U128] = Constant(doc="Held for a model's record, in planck.")
    byte_deposit: Constant[U128] = Constant(doc="Held for each byte of an artifact, in planck.")
    upload_period: Constant[U32] = Constant(doc="Blocks after which anybody may clear an unfinished upload.")

    system = Uses(System)
    balances = Uses(Balances)

    def _chunk_weight(self, model: bytes, index: int, data: bytes) -> Weight:
        return weights.upload_chunk(len(data))

    def _publish_weight(self, model: bytes, size: int) -> Weight:
        return weights.publish(size, MAX_INSPECTION)

    def _removal_weight(self, *arguments: bytes) -> Weight:
        return weights.removal(chunk_count(self.limits.get().artifact_size))

    @call(0, weight=weights.CREATE)
    def create(self, origin: Origin, model: H256, size: CompactU32) -> None:
        """Announce an upload: the artifact's Blake2b-256 and its size in bytes. Holds the deposit."""
        who = ensure_signed(origin)
        ensure(size > 0, ModelsError.EMPTY)
        ensure(size <= self.limits.get().artifact_size, ModelsError.TOO_LARGE)
        ensure(not self.uploads.contains(who, model), ModelsError.ALREADY_ANNOUNCED)
        self._ensure_unpublished(model)
        deposit = self.base_deposit + self.byte_deposit * size
        self.balances.hold(self.hold_reason(ModelsHold.Storage), who, deposit)
        expires = self.system.number.get() + self.upload_period
        self.uploads.insert(who, model, Upload(size, 0, deposit, expires))
        self.deposit_event(Created(model, who, size))

    @call(1, weight=_chunk_weight)
    def upload_chunk(
        self, origin: Origin, model: H256, index: CompactU32, data: Annotated[bytes, MaxLen(CHUNK_SIZE)]
    ) -> None:
        """Upload the next chunk: 1 MiB each, the last one what remains."""
        who = ensure_signed(origin)
        upload = self._upload(who, model)
        ensure(index == upload.received and index < upload.chunk_count, ModelsError.WRONG_CHUNK)
        ensure(len(data) == upload.chunk_size(index), ModelsError.WRONG_CHUNK_SIZE)
        self.upload_chunks.insert(_upload_key(who, model), index, self.env.store_artifact(data))
        self.uploads.insert(who, model, replace(upload, received=index + 1))
        self.deposit_event(ChunkUploaded(model, who, index))

    @call(2, weight=_publish_weight)
    def publish(self, origin: Origin, model: H256, size: CompactU32) -> PostDispatchInfo:
        """Verify the uploaded artifact and open it for calls from the next block on.

        `size` is the announced one. The fee is that of the longest verification; what this one does not take
        is paid back. Whoever publishes first owns the record: bytes on a public chain are nobody's secret.
        """
        who = ensure_signed(origin)
        upload = self._upload(who, model)
        ensure(size == upload.size, ModelsError.WRONG_SIZE)
        ensure(upload.received == upload.chunk_count, ModelsError.INCOMPLETE)
        self._ensure_unpublished(model)
        key = _upload_key(who, model)
        hashes = [self._chunk_hash(self.upload_chunks.get(key, i)) for i in range(upload.chunk_count)]
        artifact = b"".join(self._bytes(chunk) for chunk in hashes)
        ensure(blake2_256(artifact) == model, ModelsError.WRONG_HASH)
        summary = self._verified(artifact)
        earlier = self.records.get(model)
        if earlier is not None:
            self._release(earlier.owner, earlier.deposit)
        for index, chunk in enumerate(hashes):
            self.upload_chunks.remove(key, index)
            self.chunks.insert(model, index, chunk)
        self.uploads.remove(who, model)
        number = self.system.number.get()
        record = ModelRecord(who, ModelStatus.Published, number, upload.size, upload.deposit, summary)
        self.records.insert(model, record)
        self.count.put(self.count.get() + 1)
        self.deposit_event(Published(model, who, summary.ref_time))
        return PostDispatchInfo(weights.publish(upload.size, summary.verification_time))

    @call(3, weight=_removal_weight)
    def withdraw(self, origin: Origin, model: H256) -> PostDispatchInfo:
        """Close a model for calls and free the deposit for its bytes. The record stays, for old receipts."""
        who = ensure_signed_or_root(origin)
        record = self.record(model)
        ensure(who is None or who == record.owner, ModelsError.NOT_OWNER)
        ensure(record.status is ModelStatus.Published, ModelsError.WITHDRAWN)
        kept = min(self.base_deposit, record.deposit)
        self._release(record.owner, record.deposit - kept)
        chunks = chunk_count(record.size)
        for index in range(chunks):
            self.chunks.remove(model, index)
        self.records.insert(model, replace(record, status=ModelStatus.Withdrawn, deposit=kept))
        self.count.put(self.count.get() - 1)
        self.deposit_event(Withdrawn(model))
        return PostDispatchInfo(weights.removal(chunks))

    @call(4, weight=_removal_weight)
    def cancel(self, origin: Origin, owner: AccountId, model: H256) -> PostDispatchInfo:
        """Give up an upload and free its deposit: the uploader at any time, anybody once it has expired."""
        who = ensure_signed(origin)
        upload = self._upload(owner, model)
        ensure(who == owner or self.system.number.get() > upload.expires, ModelsError.NOT_EXPIRED)
        key = _upload_key(owner, model)
        for index in range(upload.received):
            self.upload_chunks.remove(key, index)
        self.uploads.remove(owner, model)
        self._release(owner, upload.deposit)
        self.deposit_event(Cancelled(model, owner))
        return PostDispatchInfo(weights.removal(upload.received))

    def genesis(self, config: GenesisReader) -> None:
        """`limits`: any of artifactSize, peakMemory, refTime, inputSize, outputSize; others as default.

        A limit under which a model could be published that fits no block is refused.
        """
        given = config.fields("limits").get("limits")
        if given is None:
            return
        given.fields(*_LIMITS)
        chosen = {}
        for name, (attribute, kind) in _LIMITS.items():
            value = given.get(name)
            if value is not None:
                chosen[attribute] = value.integer(kind, minimum=1)
        limits = replace(ModelLimits(), **chosen)
        room = self.system.block_weights.of(DispatchClass.Normal).max_extrinsic
        publishing = weights.publish(limits.artifact_size, MAX_INSPECTION)
        for name, weight in (("artifactSize", publishing), ("refTime", Weight(limits.ref_time))):
            if room is not None and not weight.fits(room):
                raise given.need(name).refuse(GenesisReason.OUT_OF_RANGE, "what this allows fits no block")
        self.limits.put(limits)

    def record(self, model: bytes) -> ModelRecord:
        """The record of a published or withdrawn model; the call fails with UNKNOWN_MODEL without one."""
        record = self.records.get(model)
        if record is None:
            raise CallFailed(ModelsError.UNKNOWN_MODEL)
        return record

    def artifact(self, model: bytes) -> bytes:
        """The bytes of a published model. A missing chunk is this node's fault, never the caller's."""
        count = chunk_count(self.record(model).size)
        return b"".join(self._bytes(self._chunk_hash(self.chunks.get(model, i))) for i in range(count))

    def _verified(self, artifact: bytes) -> ModelSummary:
        limits = self.limits.get()
        try:
            summary = self.env.engine.inspect(artifact)
        except ArtifactRefused as refused:
            raise CallFailed(ModelsError.ARTIFACT_REFUSED) from refused
        ensure(summary.peak_memory <= limits.peak_memory, ModelsError.TOO_MUCH_MEMORY)
        ensure(summary.ref_time <= limits.ref_time, ModelsError.TOO_EXPENSIVE)
        ensure(sum(one.size for one in summary.inputs) <= limits.input_size, ModelsError.INPUT_TOO_LARGE)
        ensure(sum(one.size for one in summary.outputs) <= limits.output_size, ModelsError.OUTPUT_TOO_LARGE)
        return summary

    def _ensure_unpublished(self, model: bytes) -> None:
        record = self.records.get(model)
        ensure(record is None or record.status is ModelStatus.Withdrawn, ModelsError.ALREADY_PUBLISHED)

    def _upload(self, who: bytes, model: bytes) -> Upload:
        upload = self.uploads.get(who, model)
        if upload is None:
            raise CallFailed(ModelsError.UNKNOWN_UPLOAD)
        return upload

    def _release(self, who: bytes, amount: int) -> None:
        """Free a deposit, or what root has left of it: a model must stay removable."""
        reason = self.hold_reason(ModelsHold.Storage)
        left = min(self.balances.balance_on_hold(reason, who), self.system.account.get(who).data.reserved)
        self.balances.release(reason, who, min(amount, left))

    def _bytes(self, chunk: bytes) -> bytes:
        content = self.env.artifact(chunk)
        assert content is not None, (
            f"artifact 0x{chunk.hex()} is named by the state but not held by this node"
        )
        return content

    def _chunk_hash(self, chunk: bytes | None) -> bytes:
        assert chunk is not None, "a complete model has all its chunk hashes in the state"
        return chunk


def _upload_key(who: bytes, model: bytes) -> bytes:
    return blake2_256(who + model)
