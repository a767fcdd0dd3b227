"""Resident models under a memory bound: re-reading a model for each call would cost many times the call."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from threading import Lock

from inference.ir.limits import Limits
from inference.model import Model, load

#: Default bound: a few hundred small models or a few large ones, beside a node that takes about as much.
DEFAULT_BYTES = 512 << 20

#: What a session adds to weights and working memory, whatever its size.
_SESSION_BYTES = 1 << 20


class ModelCache:
    """The models used last, up to `capacity` bytes; the last one used always stays. For any threads."""

    def __init__(
        self,
        capacity: int = DEFAULT_BYTES,
        limits: Limits | None = None,
        threads: int = 1,
        disabled: Collection[str] | None = None,
    ) -> None:
        """Start empty; the other arguments go to `load`."""
        self._capacity = capacity
        self._limits = limits
        self._threads = threads
        self._disabled = disabled
        self._models: OrderedDict[bytes, Model] = OrderedDict()
        self.size = 0
        self._lock = Lock()

    def get(self, artifact_id: bytes, fetch: Callable[[], bytes]) -> Model:
        """The model of an id, loaded from `fetch()` if it is not resident.

        Raises InvalidArtifact, and AssertionError if `fetch` answers with other bytes: the node's own fault.
        """
        with self._lock:
            found = self._models.get(artifact_id)
            if found is not None:
                self._models.move_to_end(artifact_id)
                return found
        # Outside the lock: a block must not wait while a question over RPC loads another model.
        model = load(fetch(), self._limits, self._threads, self._disabled)
        assert model.id == artifact_id, f"artifact {artifact_id.hex()} is stored as {model.id.hex()}"
        with self._lock:
            kept = self._models.setdefault(artifact_id, model)
            self._models.move_to_end(artifact_id)
            if kept is model:
                self.size += _footprint(model)
            while self.size > self._capacity and len(self._models) > 1:
                self.size -= _footprint(self._models.popitem(last=False)[1])
            return kept

    def __len__(self) -> int:
        """Resident models."""
        return len(self._models)


def _footprint(model: Model) -> int:
    """Bytes that a resident model takes: weights here and in its session, and working memory."""
    weights = sum(len(c.data) for c in model.program.program.constants)
    return _SESSION_BYTES + 2 * weights + model.peak_memory
