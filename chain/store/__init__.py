"""The node's database: blocks, states, artifacts and receipts, on LevelDB or in memory."""

from chain.store.audit import Audit, audit
from chain.store.blocks import TreeRoute
from chain.store.errors import (
    BlockExists,
    DatabaseCorrupt,
    DatabaseEmpty,
    DatabaseLocked,
    DatabaseUnavailable,
    DatabaseWriteFailed,
    EnvironmentFault,
    NotOnFinalizedChain,
    PruningMismatch,
    StateDiscarded,
    StoreError,
    UnknownBlock,
    UnknownParent,
    WrongGenesis,
    WrongVersion,
)
from chain.store.kv import KeyValue
from chain.store.leveldb import CacheSizes, LevelDB
from chain.store.memory import MemoryKeyValue
from chain.store.pruning import Pruning
from chain.store.purge import purge
from chain.store.records import (
    BlockCommit,
    CacheLimits,
    Committed,
    Finalized,
    Genesis,
    Reverted,
    StoredReceipt,
)
from chain.store.schema import BlockRef
from chain.store.state_import import ImportTarget, StateImport
from chain.store.store import Store
from chain.store.views import StateView

__all__ = [
    "Audit",
    "BlockCommit",
    "BlockExists",
    "BlockRef",
    "CacheLimits",
    "CacheSizes",
    "Committed",
    "DatabaseCorrupt",
    "DatabaseEmpty",
    "DatabaseLocked",
    "DatabaseUnavailable",
    "DatabaseWriteFailed",
    "EnvironmentFault",
    "Finalized",
    "Genesis",
    "ImportTarget",
    "KeyValue",
    "LevelDB",
    "MemoryKeyValue",
    "NotOnFinalizedChain",
    "Pruning",
    "PruningMismatch",
    "Reverted",
    "StateDiscarded",
    "StateImport",
    "StateView",
    "Store",
    "StoreError",
    "StoredReceipt",
    "TreeRoute",
    "UnknownBlock",
    "UnknownParent",
    "WrongGenesis",
    "WrongVersion",
    "audit",
    "purge",
]
