"""`state_*`: what the state holds at a block, proofs of it, and the runtime's own interfaces."""

from itertools import islice

from chain.rpc.access import AnswerBudget, block_or_best, require_few, state_at
from chain.rpc.failures import invalid_block_range, invalid_count, reported, too_many_keys
from chain.rpc.json import changes_json, version_json
from chain.store import Store
from network.rpc import Json, errors, method
from network.rpc.parameters import U32, BlockHash, Hex, StorageKey
from runtime.executive import METADATA_FOR_ALL, Runtime, RuntimeApi
from runtime.primitives.hashing import blake2_256
from runtime.primitives.scale import InvalidScale
from runtime.primitives.trie import MissingNode, prove

MAX_PAGE = 1_000
"""Keys in one page: Substrate's bound."""

MAX_UNPAGED_KEYS = 10_000
"""Keys of the listings without pages."""

MAX_PROVED_KEYS = 1_000
"""Keys of one proof: each brings the nodes on its way, some four kB where ways do not share any."""

MAX_RANGE = 1_000
"""Blocks that one query runs through: about two hours of a chain."""

MAX_RANGE_READS = 100_000
"""Values that one query of a range reads, blocks times keys: a few seconds of one worker."""


class StateMethods:
    """The calls of the section `state`."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime
        self._api = RuntimeApi(runtime)

    @method("state_getRuntimeVersion", aliases=("chain_getRuntimeVersion",))
    @reported()
    def runtime_version(self, at: BlockHash | None = None) -> Json:
        """The version of the rules at a block."""
        state_at(self._store, at)
        return version_json(self._runtime.version)

    @method("state_getMetadata", worker=True)
    @reported()
    def metadata(self, at: BlockHash | None = None) -> bytes:
        """What clients must know to read and write this chain, in version 14 of the metadata's layout."""
        state_at(self._store, at)
        return self._api.metadata(METADATA_FOR_ALL)

    @method("state_call", aliases=("state_callAt",), worker=True)
    @reported()
    def call(self, name: str, data: Hex, at: BlockHash | None = None) -> bytes:
        """Ask one of the runtime's interfaces, such as `Core_version`, over the state of a block."""
        state = state_at(self._store, at)
        try:
            return self._api.call(name, data, state)
        except InvalidScale as fault:
            raise errors.client_error(
                f"Execution failed: Bad input data provided to {name}: {fault}"
            ) from fault

    # One value.

    @method("state_getStorage", aliases=("state_getStorageAt",))
    @reported()
    def storage(self, key: StorageKey, at: BlockHash | None = None) -> bytes | None:
        """The value under a key; null where there is none."""
        return state_at(self._store, at).get(key)

    @method("state_getStorageHash", aliases=("state_getStorageHashAt",))
    @reported()
    def storage_hash(self, key: StorageKey, at: BlockHash | None = None) -> bytes | None:
        """The Blake2b-256 of the value under a key; null where there is none."""
        value = state_at(self._store, at).get(key)
        return None if value is None else blake2_256(value)

    @method("state_getStorageSize", aliases=("state_getStorageSizeAt",))
    @reported()
    def storage_size(self, key: StorageKey, at: BlockHash | None = None) -> int | None:
        """The bytes of the value under a key; null where there is none."""
        value = state_at(self._store, at).get(key)
        return None if value is None else len(value)

    # Many keys.

    @method("state_getKeysPaged", aliases=("state_getKeysPagedAt",), worker=True)
    @reported()
    def keys_paged(
        self,
        prefix: StorageKey | None,
        count: U32,
        start_key: StorageKey | None = None,
        at: BlockHash | None = None,
    ) -> list[bytes]:
        """The first `count` keys (at most 1,000) under a prefix, ascending, behind `start_key`."""
        if count > MAX_PAGE:
            raise invalid_count(count, MAX_PAGE)
        return list(islice(state_at(self._store, at).keys(prefix or b"", start_key), count))

    @method("state_getKeys", worker=True)
    @reported()
    def keys(self, prefix: StorageKey, at: BlockHash | None = None) -> list[bytes]:
        """All keys under a prefix, where they are few; `state_getKeysPaged` lists any number."""
        found = list(islice(state_at(self._store, at).keys(prefix), MAX_UNPAGED_KEYS + 1))
        if len(found) > MAX_UNPAGED_KEYS:
            raise too_many_keys(MAX_UNPAGED_KEYS)
        return found

    @method("state_getPairs", unsafe=True, worker=True)
    @reported()
    def pairs(self, prefix: StorageKey, at: BlockHash | None = None) -> Json:
        """All keys under a prefix with their values, where they are few."""
        state = state_at(self._store, at)
        keys = list(islice(state.keys(prefix), MAX_UNPAGED_KEYS + 1))
        if len(keys) > MAX_UNPAGED_KEYS:
            raise too_many_keys(MAX_UNPAGED_KEYS)
        return list(AnswerBudget().spend((key, state.get(key)) for key in keys))

    @method("state_queryStorageAt", worker=True)
    @reported()
    def query_storage_at(self, keys: list[StorageKey], at: BlockHash | None = None) -> Json:
        """The values under several keys at one block."""
        require_few(keys)
        block = block_or_best(self._store, at)
        state = self._store.state_at(block)
        return [changes_json(block, dict(AnswerBudget().spend((key, state.get(key)) for key in keys)))]

    @method("state_queryStorage", unsafe=True, worker=True)
    @reported()
    def query_storage(
        self, keys: list[StorageKey], from_block: BlockHash, to_block: BlockHash | None = None
    ) -> Json:
        """The values under several keys at a block, then what of it each later block changed."""
        last = block_or_best(self._store, to_block)
        blocks = self._range(from_block, last, len(keys))
        known: dict[bytes, bytes | None] = {}
        budget = AnswerBudget()
        found: list[Json] = []
        for block in blocks:
            state = self._store.state_at(block)
            values = {key: state.get(key) for key in keys}
            changed = {key: each for key, each in values.items() if key not in known or known[key] != each}
            if changed:
                found.append(changes_json(block, dict(budget.spend(changed.items()))))
            known = values
        return found

    def _range(self, first: bytes, last: bytes, keys: int) -> list[bytes]:
        """The blocks from `first` to `last`, where that is a way down one branch."""
        start, end = self._store.header(first), self._store.header(last)
        if start is None or end is None:
            raise invalid_block_range(first, last, "a block of the range is unknown")
        count = end.number - start.number + 1
        if count < 1:
            raise invalid_block_range(first, last, "the range ends before it begins")
        if count > MAX_RANGE or count * keys > MAX_RANGE_READS:
            limit = f"at most {MAX_RANGE} blocks, and {MAX_RANGE_READS} values (blocks times keys)"
            raise invalid_block_range(first, last, f"{count} blocks and {keys} keys are too many: {limit}")
        route = self._store.route(first, last)
        if route.retracted:
            raise invalid_block_range(first, last, "the blocks are on different branches")
        return [first, *route.enacted]

    @method("state_getReadProof", worker=True)
    @reported()
    def read_proof(self, keys: list[StorageKey], at: BlockHash | None = None) -> Json:
        """The trie nodes that show what the state holds under several keys, to who knows only its root."""
        require_few(keys, MAX_PROVED_KEYS)
        block = block_or_best(self._store, at)
        state = self._store.state_at(block)
        try:
            proof = prove(state.root, keys, self._store.node_source())
        except MissingNode:
            if self._store.has_state(block):
                raise
            raise errors.state_discarded(block) from None
        return {"at": block, "proof": proof}
