"""From a configuration to the parts that work on a database needs: runtime, genesis, store, rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chain.config import NodeConfig
from chain.finalising import Finaliser, FinalityKeys, voters_of
from chain.importing import BlockImporter, HeaderChecker
from chain.importing.checker import header_checker
from chain.importing.rules import authorities_at
from chain.machine import probed_models
from chain.store import Genesis, KeyValue, LevelDB, Pruning, Store
from consensus.authorities import VoterSet
from consensus.finality.changes import AuthorityRecord
from consensus.ownership import BlsCrypto
from genesis.build import GenesisBlock, build_genesis
from genesis.timing import runtime_of
from inference import ModelCache
from runtime.executive import Runtime, serial
from runtime.inference_engine import LocalEngine
from runtime.primitives.state import MemoryState


@dataclass(frozen=True, slots=True)
class Chain:
    """An opened chain: its database, the runtime that executes it, and the rules that its genesis sets."""

    store: Store
    runtime: Runtime
    genesis: GenesisBlock
    checker: HeaderChecker
    importer: BlockImporter
    authorities: AuthorityRecord
    """Who finalises before the first handover."""
    models: ModelCache
    """The models kept ready."""

    def observer(self) -> Finaliser:
        """Finality for a process that follows justifications and votes for nothing."""
        return self.finaliser(None)

    def finaliser(self, keys: FinalityKeys | None) -> Finaliser:
        """Finality with a voter's keys."""
        return Finaliser(self.store, self.importer.tree, self.authorities, keys)

    def voters_of(self, set_id: int) -> VoterSet:
        """A voter set that rules or has ruled. Raises `UnknownVoterSet`."""
        return voters_of(self.store, self.authorities, set_id)


@contextmanager
def open_chain(config: NodeConfig) -> Iterator[Chain]:
    """Open the configured chain's database for this process alone, and close it at the end.

    Raises `StoreError` (locked, corrupt, another genesis), `InvalidGenesis`, `MachineFault`.
    """
    models = probed_models(config.inference.cache_bytes, config.inference.threads)
    runtime = runtime_of(config.spec, LocalEngine(models), BlsCrypto())
    genesis = build_genesis(config.spec, runtime)
    config.folder.database.mkdir(parents=True, exist_ok=True)
    kv = LevelDB.open(config.folder.database)
    try:
        chain = assemble(kv, genesis, runtime, config.pruning, models)
    except BaseException:
        kv.close()
        raise
    try:
        yield chain
    finally:
        chain.store.close()


def assemble(
    kv: KeyValue,
    genesis: GenesisBlock,
    runtime: Runtime,
    pruning: Pruning | None = None,
    models: ModelCache | None = None,
) -> Chain:
    """The parts of a chain over an opened database. Raises `StoreError`."""
    first = Genesis(genesis.header, genesis.storage, genesis.artifacts)
    store = Store.open(kv, genesis=first, pruning=pruning)
    state = MemoryState(genesis.storage)
    checker = header_checker(state)
    importer = BlockImporter(store, runtime, checker, serial)
    return Chain(store, runtime, genesis, checker, importer, authorities_at(state), models or ModelCache())
