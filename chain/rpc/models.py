"""`models_*`: what models the chain holds."""

from itertools import islice

from chain.rpc.access import state_at
from chain.rpc.failures import invalid_count, reported
from chain.store import Store
from network.rpc import Json, method
from network.rpc.parameters import U32, BlockHash, Hash
from runtime.executive import Runtime
from runtime.frame.engine import TensorSpec
from runtime.pallets.models import ModelRecord, Models, ModelStatus
from runtime.pallets.system import System
from runtime.primitives.keys import ss58

DEFAULT_COUNT = 100
MAX_COUNT = 256
"""Models in one page: a description has a few hundred bytes, 30 kB where it uses every limit."""


class ModelsMethods:
    """The section `models`."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime
        self._prefix: int = runtime.composition.constants[System]["ss58_prefix"]

    @method("models_list", worker=True)
    @reported()
    def page(
        self, start_key: Hash | None = None, count: U32 = DEFAULT_COUNT, at: BlockHash | None = None
    ) -> Json:
        """Models by ascending id, `count` of them (at most 256) behind the id `start_key`."""
        if count > MAX_COUNT:
            raise invalid_count(count, MAX_COUNT)
        state = state_at(self._store, at)
        records = self._runtime.view(state).pallet(Models).records
        prefix = Models.records.prefix
        after = None if start_key is None else Models.records.key(start_key)
        ids = (key[len(prefix) :] for key in state.keys(prefix, after))
        found = ((model, records.get(model)) for model in islice(ids, count))
        return [self._describe(model, record) for model, record in found if record is not None]

    @method("models_get", worker=True)
    @reported()
    def get(self, model: Hash, at: BlockHash | None = None) -> Json:
        """A model, published or withdrawn: owner, size, cost of one inference, inputs and outputs."""
        record = self._runtime.view(state_at(self._store, at)).pallet(Models).records.get(model)
        return None if record is None else self._describe(model, record)

    @method("models_artifact", worker=True)
    @reported()
    def artifact(
        self, model: Hash, at: BlockHash | None = None, offset: U32 = 0, length: U32 | None = None
    ) -> bytes | None:
        """The bytes of a published model, whose Blake2b-256 is its id; null for others.

        `offset` and `length` ask for a part, where the whole is larger than one answer.
        """
        models = self._runtime.view(state_at(self._store, at)).pallet(Models)
        record = models.records.get(model)
        if record is None or record.status is not ModelStatus.Published:
            return None
        return models.artifact(model)[offset : None if length is None else offset + length]

    def _describe(self, model: bytes, record: ModelRecord) -> Json:
        summary = record.summary
        return {
            "id": model,
            "owner": ss58.encode(record.owner, self._prefix),
            "status": record.status.name,
            "published": record.published,
            "size": record.size,
            "deposit": str(record.deposit),
            "refTime": summary.ref_time,
            "peakMemory": summary.peak_memory,
            "opset": summary.opset,
            "operations": dict(summary.op_counts),
            "inputs": [_tensor(spec) for spec in summary.inputs],
            "outputs": [_tensor(spec) for spec in summary.outputs],
        }


def _tensor(spec: TensorSpec) -> Json:
    """Real value = (integer - zeroPoint) * scale[0] / scale[1]."""
    return {
        "name": spec.name,
        "dtype": spec.dtype.name.lower(),
        "shape": list(spec.shape),
        "scale": [spec.scale_numerator, spec.scale_denominator],
        "zeroPoint": spec.zero_point,
    }
