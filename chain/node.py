"""The node: the one place where all parts meet.

One event loop serves RPC, talks to peers and keeps time; the core decides, on a thread of its own.
"""

import asyncio
from collections.abc import Callable

from chain.authoring import Author, Authored, Proposer, SealingRefused
from chain.clock import monotonic_ms, unix_ms
from chain.config import NodeConfig, Seal, SyncMode
from chain.core import (
    BlockOffered,
    HeadChosen,
    NodeCore,
    NodeEffect,
    NodeInput,
    Report,
    Send,
    SendToAll,
    SlotBegan,
    Submit,
    SyncStatus,
    TransactionsHeard,
    VoteWanted,
)
from chain.driving import CoreDriver
from chain.finalising import BlockFinalised
from chain.gossip import Gossip
from chain.importing import Received
from chain.keystore import Keystore
from chain.logs import Log
from chain.machine import settle_memory
from chain.metrics import MetricsServer, NodeState, Recorder, Snapshot
from chain.notifications import BlockImported, Notifications
from chain.opening import Chain, open_chain
from chain.peering import Peering
from chain.peers_file import load_identity, write_peers
from chain.preflight import check_validator
from chain.rpc import build_table
from chain.rpc.table import program_version
from chain.signals import until_signalled
from chain.transactions import Transactions
from chain.warping import WarpNode
from consensus.digest import slot_of_header
from consensus.slots import next_slot, time_until_slot
from network.identity import PEER_LENGTH, peer_name
from network.messages import BlockPoint, NetworkEvent, PeerConnected, PeerId, Role, Status
from network.rpc import RpcServer
from network.service import NetworkService

log = Log("node")
peers_log = Log("network")


class Node:
    """A running chain. `run` works until it is cancelled; the chain is opened and closed by the caller."""

    def __init__(self, config: NodeConfig, chain: Chain) -> None:
        self.config = config
        self.spec = config.spec
        self.chain = chain
        self.store = chain.store
        self.runtime = chain.runtime
        self.genesis_hash = chain.genesis.header.hash()
        self.started_at = unix_ms()
        self.keystore = Keystore(config.keystore_path, config.key_uris, config.keystore_password)
        self.notifications = Notifications()
        self.transactions = Transactions(self.store, self.runtime, monotonic_ms, config.pool)
        author = None
        if config.validator:
            proposer = Proposer(self.store, self.runtime)
            author = Author(self.store, chain.importer, proposer, chain.checker, self.keystore)
        finaliser = chain.finaliser(self.keystore if config.validator else None)
        core = NodeCore(chain, author, finaliser, unix_ms, force_authoring=config.force_authoring)
        self.recorder = Recorder(self.spec.id)
        self._core = core
        self._driver = CoreDriver(core, self._carry_out, unix_ms, self._timed)
        self.identity = config.identity or load_identity(config.folder.network)
        self.gossip = Gossip(self.transactions, config.network is not None)
        self.network: NetworkService | None = None
        if config.network is not None:
            self.network = NetworkService(
                config.network, self.identity, self._own_status, self._hear, unix_ms, _tell
            )
            self.gossip.attach(self.network)
        self.peering = Peering(self.network, lambda: self.sync)
        self._wanted = asyncio.Event()

    @property
    def is_authority(self) -> bool:
        """Whether this node may author now: it is to validate, and holds a key of the present authorities."""
        checker = self.chain.checker
        state = self.store.state_at(self.store.best().hash)
        authorities = checker.epoch_for(state, checker.slot_at(unix_ms())).authorities
        return self.config.validator and any(
            authorities.index_of(key.public) is not None for key in self.keystore.block_keys()
        )

    # -- running ------------------------------------------------------------------------------------------

    async def run(self, started: Callable[["Node", RpcServer], None] | None = None) -> None:
        """Serve and author until cancelled. `started` hears when the RPC server listens."""
        self.store.warm_up()
        server = RpcServer(build_table(self), self.config.rpc)
        metrics = self._metrics_server()
        await server.start()
        if metrics is not None:
            await metrics.start()
        settle_memory()
        if self.config.validator and not self.is_authority:
            log.warn("No key of a present authority in the keystore: this node authors once one is elected")
        if started is not None:
            started(self, server)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._driver.run())
                if self.network is not None:
                    tasks.create_task(self.network.run(self._network_started))
                if self.config.validator:
                    tasks.create_task(self._sealing())
        finally:
            if self.network is not None:
                write_peers(self.config.folder.network, self.network.proved_addresses())
            self.notifications.close()
            await server.stop()
            if metrics is not None:
                await metrics.stop()

    async def _sealing(self) -> None:
        match self.config.seal:
            case Seal.SLOTS:
                await self._author_in_slots()
            case Seal.INSTANT:
                self.transactions.when_ready(self._wanted.set)
                await self._author_when_wanted()
            case Seal.MANUAL:
                await asyncio.Event().wait()

    async def _author_in_slots(self) -> None:
        duration = self.chain.checker.slot_duration_ms
        slot = self.chain.checker.slot_at(unix_ms())
        while True:
            slot = max(slot + 1, self.chain.checker.slot_at(unix_ms()))
            await asyncio.sleep(time_until_slot(slot, unix_ms(), duration) / 1000)
            await self._author_slot(slot)

    async def _author_when_wanted(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._author_slot(self._next_slot(), requested=True)

    # -- blocks -------------------------------------------------------------------------------------------

    async def create_block(self, *, create_empty: bool = True, finalise: bool = True) -> bytes:
        """Author a block now, where this node seals on request; the answer is its hash. `SealingRefused`."""
        if not self.is_authority:
            raise SealingRefused("this node holds no authority's key: start it with --alice or --validator")
        if self.config.seal is Seal.SLOTS:
            raise SealingRefused("this node authors in slots: start it with --seal manual or --seal instant")
        if not create_empty and not self.transactions.pool.ready_count:
            raise SealingRefused("no transaction is ready, and an empty block was not asked for")
        block_hash = await self._author_slot(self._next_slot(), requested=True, finalise=finalise)
        if block_hash is None:
            raise SealingRefused("the slot is not this authority's")
        return block_hash

    async def finalise_block(self, block_hash: bytes) -> None:
        """Vote for a block, which must build on the finalised one."""
        header = self.store.header(block_hash)
        if header is None or block_hash not in self.chain.importer.tree:
            raise SealingRefused("the block is unknown, or does not build on the finalised one")
        await self._driver.ask(VoteWanted(block_hash, header.number))

    async def import_block(self, received: Received) -> None:
        """Import a foreign block, and its justification where it brings one. Raises `RejectedBlock`."""
        await self._driver.ask(BlockOffered(received))

    async def _author_slot(
        self, slot: int, *, requested: bool = False, finalise: bool = True
    ) -> bytes | None:
        """Build in a slot where it is ours; the block's hash."""
        began = SlotBegan(slot, tuple(self.transactions.pending()), requested, finalise)
        authored = [one for one in await self._driver.ask(began) if isinstance(one, Authored)]
        return authored[0].stored.hash if authored else None

    # -- peers --------------------------------------------------------------------------------------------

    @property
    def sync(self) -> SyncStatus:
        """How far this node is beside its peers."""
        return self._core.status

    def _own_status(self) -> Status:
        best, final = self.store.best(), self.store.finalized()
        role = Role.AUTHORITY if self.config.validator else Role.FULL
        points = BlockPoint(best.hash, best.number), BlockPoint(final.hash, final.number)
        return Status(self.genesis_hash, role, *points, f"fixpoint/{program_version()}")

    def _hear(self, event: NetworkEvent, done: Callable[[], None]) -> None:
        if isinstance(event, PeerConnected):
            self.gossip.greet(event.peer)
        self._driver.hear(event, done)

    def _network_started(self) -> None:
        assert self.network is not None, "it has just started"
        for address in self.network.addresses:
            log.info("Peers are served", address=str(address))

    # -- effects ------------------------------------------------------------------------------------------

    def _carry_out(self, effect: NodeEffect) -> None:
        match effect:
            case Send(peer, message):
                if self.network is not None:
                    self.network.send(peer, message)
            case SendToAll(message, known_to):
                if self.network is not None:
                    self.network.send_to_all(message, known_to)
            case Report(peer, fault, detail):
                if self.network is not None:
                    self.network.report(peer, fault, detail)
            case TransactionsHeard(peer, extrinsics):
                self.gossip.hear(peer, extrinsics)
            case Submit(extrinsic, what):
                self.gossip.submit_own(extrinsic, what)
            case Authored(stored, proposal):
                log.info(
                    "Authored",
                    number=stored.number,
                    hash=stored.hash,
                    transactions=len(proposal.included),
                    ended=proposal.ended.value,
                )
                self.recorder.authored(effect)
                self.transactions.remove(proposal.invalid)
            case BlockImported():
                self.recorder.block(effect)
                self.transactions.block_imported(effect)
                self.notifications.publish_import(effect)
            case HeadChosen(block):
                self.transactions.block_imported(block)
                self.notifications.publish_head(block)
            case BlockFinalised():
                self.transactions.block_finalised(effect)
                self.notifications.finalised.publish(effect)

    # -- metrics ------------------------------------------------------------------------------------------

    def _metrics_server(self) -> MetricsServer | None:
        if self.config.metrics is None:
            return None
        state = NodeState(
            self.spec.id,
            self.config.name,
            program_version(),
            self.started_at,
            self.config.validator,
            self._snapshot,
        )
        self.recorder.registry.register(state)
        return MetricsServer(self.config.metrics, self.recorder.registry, lambda: not self.sync.is_major)

    def _timed(self, event: NodeInput, effects: list[NodeEffect], seconds: float) -> None:
        if isinstance(event, SlotBegan):
            if any(isinstance(one, Authored) for one in effects):
                self.recorder.constructed.observe(seconds)
        elif any(isinstance(one, BlockImported) for one in effects):
            self.recorder.imported.observe(seconds)

    def _snapshot(self) -> Snapshot:
        pool, models = self.transactions.pool, self.chain.models
        best = self.store.best().number
        return Snapshot(
            best=best,
            finalised=self.store.finalized().number,
            target=self.sync.target,
            leaves=len(self.store.leaves()),
            ready=pool.ready_count,
            future=len(pool.futures()),
            peers=self.sync.peers,
            is_syncing=self.sync.is_major,
            bytes_in=self.network.traffic.received if self.network is not None else 0,
            bytes_out=self.network.traffic.sent if self.network is not None else 0,
            round=self._core.finaliser.round,
            set_id=self._core.finaliser.voters.set_id,
            state_cache_bytes=self.store.cached_bytes,
            models_resident=len(models),
            models_bytes=models.size,
        )

    def _next_slot(self) -> int:
        best = self.store.header(self.store.best().hash)
        assert best is not None, "the store holds its best block"
        return next_slot(slot_of_header(best), unix_ms(), self.chain.checker.slot_duration_ms)


def _tell(message: str, fields: dict[str, object]) -> None:
    """What the network says of its connections."""
    peers_log.debug(message, **{name: _named(value) for name, value in fields.items()})


def _named(value: object) -> object:
    return peer_name(PeerId(value)) if isinstance(value, bytes) and len(value) == PEER_LENGTH else value


async def run_node(config: NodeConfig, started: Callable[[Node, RpcServer], None] | None = None) -> None:
    """Open the chain, run a node on it until SIGINT or SIGTERM, and close everything in order."""
    if config.sync is SyncMode.WARP and not await _warped(config):
        log.info("Stopped")
        return
    with open_chain(config) as chain:
        log.info(
            "Chain opened",
            chain=config.spec.name,
            genesis=chain.genesis.header.hash(),
            best=chain.store.best().number,
            finalised=chain.store.finalized().number,
            pruning=chain.store.pruning,
        )
        node = Node(config, chain)
        if config.validator and not config.temporary:
            check_validator(config, chain.store, node.keystore, chain.checker.slot_duration_ms)
        await until_signalled(node.run(started))
    log.info("Stopped")


async def _warped(config: NodeConfig) -> bool:
    """Bring a chain without blocks to a recent final one; False where the node was stopped before."""
    with open_chain(config) as chain:
        if chain.store.best().number > 0 or config.network is None:
            return True
        warp = WarpNode(config, chain)
        await until_signalled(warp.run())
        return warp.is_complete
