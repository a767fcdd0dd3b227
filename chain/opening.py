"""From a configuration to the parts that work on a database needs: runtime, genesis, store, rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chain.config import NodeConfig
from chain.importing import BlockImporter, HeaderChecker
from chain.importing.rules import header_checker
from chain.machine import probed_engine
from chain.store import Genesis, KeyValue, LevelDB, Pruning, Store
from genesis.build import GenesisBlock, build_genesis
from runtime.configuration import build_runtime
from runtime.executive import Runtime, serial
from runtime.primitives.state import MemoryState


@dataclass(frozen=True, slots=True)
class Chain:
    """An opened chain: its database, the runtime that executes it, and the rules that its genesis sets."""

    store: Store
    runtime: Runtime
    genesis: GenesisBlock
    checker: HeaderChecker
    importer: BlockImporter


@contextmanager
def open_chain(config: NodeConfig) -> Iterator[Chain]:
    """Open the configured chain's database for this process alone, and close it at the end.

    Raises `StoreError` (locked, corrupt, another genesis), `InvalidGenesis`, `MachineFault`.
    """
    runtime = build_runtime(probed_engine(config.inference.cache_bytes, config.inference.threads))
    genesis = build_genesis(config.spec, runtime)
    config.folder.database.mkdir(parents=True, exist_ok=True)
    kv = LevelDB.open(config.folder.database)
    try:
        chain = assemble(kv, genesis, runtime, config.pruning)
    except BaseException:
        kv.close()
        raise
    try:
        yield chain
    finally:
        chain.store.close()


def assemble(kv: KeyValue, genesis: GenesisBlock, runtime: Runtime, pruning: Pruning | None = None) -> Chain:
    """The parts of a chain over an opened database. Raises `StoreError`."""
    first = Genesis(genesis.header, genesis.storage, genesis.artifacts)
    store = Store.open(kv, genesis=first, pruning=pruning)
    checker = header_checker(MemoryState(genesis.storage))
    return Chain(store, runtime, genesis, checker, BlockImporter(store, runtime, checker, serial))
