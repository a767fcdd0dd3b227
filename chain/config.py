"""What a node is told when it starts, as frozen data. `chain.cli.flags` makes it from the command line."""

import os
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from chain.metrics.server import MetricsConfig
from chain.pool import PoolLimits
from chain.store import Pruning
from genesis.spec import ChainSpec
from network.identity import Identity
from network.rpc import RpcConfig
from network.service import NetworkConfig

MEBIBYTE = 1 << 20

DEFAULT_INFERENCE_CACHE = 512 * MEBIBYTE
"""Compiled models kept ready: some fifty of the size of MobileNet, or one large transformer."""


class Seal(Enum):
    """When this node authors blocks (`--seal`)."""

    SLOTS = "slots"
    """In the slots that it wins, as on a real chain."""
    INSTANT = "instant"
    """As soon as a transaction is ready: quick tests."""
    MANUAL = "manual"
    """When `engine_createBlock` is called: tests that choose each block's content."""


class SyncMode(Enum):
    """How a node without blocks comes to the present (`--sync`)."""

    FULL = "full"
    """By executing every block since genesis."""
    WARP = "warp"
    """By proofs of finality, the state of a recent final block, and only the blocks behind it."""


@dataclass(frozen=True, slots=True)
class ChainFolder:
    """Where a chain's data lie: `<base>/chains/<id>/{db,keystore,network}`, as in Substrate."""

    spec: ChainSpec
    base: Path

    @property
    def root(self) -> Path:
        """The folder of this chain."""
        return self.base / "chains" / self.spec.id

    @property
    def database(self) -> Path:
        """Blocks and states."""
        return self.root / "db"

    @property
    def keystore(self) -> Path:
        """Session keys."""
        return self.root / "keystore"

    @property
    def network(self) -> Path:
        """Identity and known peers."""
        return self.root / "network"


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`filters` as `chain.logs.configure` takes them."""

    filters: tuple[str, ...] = ()
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """`threads` of the fast executor, and `cache_bytes` of models kept ready. Neither changes a result."""

    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    cache_bytes: int = DEFAULT_INFERENCE_CACHE


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """A node's whole configuration; every flag of `fixpoint run` ends here.

    `key_uris`: secret URIs whose session keys are held in memory (`--alice`). `pruning` None: as the database
    was made, or the default for a new one. `temporary`: the folder is deleted when the node has stopped, by
    whoever made it. `keystore` None: the chain folder's own; `keystore_password` None: files in the clear.
    `network` None: no peers; `identity` None: the one in the chain's folder, made where there is none.
    """

    folder: ChainFolder
    name: str = "fixpoint"
    validator: bool = False
    key_uris: tuple[str, ...] = ()
    force_authoring: bool = False
    measures_machine: bool = True
    seal: Seal = Seal.SLOTS
    sync: SyncMode = SyncMode.FULL
    pruning: Pruning | None = None
    keystore: Path | None = None
    keystore_password: str | None = field(default=None, repr=False)
    temporary: bool = False
    rpc: RpcConfig = field(default_factory=RpcConfig)
    rpc_legacy_only: bool = False
    """Serve none of the groups of the new JSON-RPC specification."""
    metrics: MetricsConfig | None = None
    network: NetworkConfig | None = None
    identity: Identity | None = None
    pool: PoolLimits = field(default_factory=PoolLimits)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    log: LogConfig = field(default_factory=LogConfig)

    @property
    def spec(self) -> ChainSpec:
        """The chain."""
        return self.folder.spec

    @property
    def keystore_path(self) -> Path:
        """Where session keys lie."""
        return self.keystore or self.folder.keystore


def default_base_path() -> Path:
    """Where this platform keeps an application's data.

    `XDG_DATA_HOME` where it is an absolute path (as the XDG base directory specification asks), else the
    platform's usual folder.
    """
    given = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(given):
        return Path(given) / "fixpoint"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "fixpoint"
    return Path.home() / ".local" / "share" / "fixpoint"
