"""The node: the one place where all parts meet.

One event loop serves RPC and keeps time; one writer thread imports, authors and finalises, so that the
database has one writer and the loop never waits for a block.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chain.authoring import Author, Authored, Proposer, SealingRefused
from chain.clock import monotonic_ms, unix_ms
from chain.config import NodeConfig, Seal
from chain.finalising import BlockFinalised, Finaliser
from chain.importing import Received, Stored
from chain.keystore import Keystore
from chain.logs import Log
from chain.machine import settle_memory
from chain.notifications import BlockImported, Notifications
from chain.opening import Chain, open_chain
from chain.rpc import build_table
from chain.signals import until_signalled
from chain.store.errors import EnvironmentFault
from chain.transactions import Transactions
from consensus.digest import slot_of_header
from consensus.finality.bls import BlsKey
from consensus.keys import SessionKey
from consensus.slots import next_slot, time_until_slot
from network.rpc import RpcServer

T = TypeVar("T")

log = Log("node")


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
        self._writer = ThreadPoolExecutor(1, "writer")
        self._loop: asyncio.AbstractEventLoop | None = None
        block_key, finality_key = self._authority_keys()
        self.is_authority = block_key is not None
        self.finaliser = Finaliser(
            self.store, chain.importer, chain.checker.voters, finality_key, self._announce_finality
        )
        self._author = None
        if block_key is not None:
            proposer = Proposer(self.store, self.runtime)
            self._author = Author(self.store, chain.importer, proposer, chain.checker, block_key)
        self._wanted = asyncio.Event()
        self._broken = asyncio.Event()
        self._fault: EnvironmentFault | None = None

    def _authority_keys(self) -> tuple[SessionKey | None, BlsKey | None]:
        """The first validator of the chain whose keys this node holds, where it is to validate."""
        if not self.config.validator:
            return None, None
        authorities = self.chain.checker.epoch_of(0).authorities.members
        for authority, voter in zip(authorities, self.chain.checker.voters.members, strict=True):
            block_key = self.keystore.block_key(authority.key)
            if block_key is not None:
                return block_key, self.keystore.finality_key(voter.key)
        log.warn("No key of a validator in the keystore: this node follows the chain and authors nothing")
        return None, None

    # -- running ------------------------------------------------------------------------------------------

    async def run(self, started: Callable[["Node", RpcServer], None] | None = None) -> None:
        """Serve and author until cancelled. `started` hears when the RPC server listens."""
        self._loop = asyncio.get_running_loop()
        self.store.warm_up()
        server = RpcServer(build_table(self), self.config.rpc)
        await server.start()
        settle_memory()
        if started is not None:
            started(self, server)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._finalise_head())
                tasks.create_task(self._remind_finality())
                tasks.create_task(self._stop_when_broken())
                if self._author is not None:
                    tasks.create_task(self._sealing())
                else:
                    tasks.create_task(asyncio.Event().wait())
        finally:
            self.notifications.close()
            await server.stop()
            self._writer.shutdown()

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
            await self._author_slot(slot, finalise=True)

    async def _author_when_wanted(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._author_slot(self._next_slot(), finalise=True)

    async def _remind_finality(self) -> None:
        """Wake the finality core when it asked to be woken."""
        while True:
            await asyncio.sleep(0.5)
            wake = self.finaliser.wake_at
            if wake is not None and unix_ms() >= wake:
                await self.on_writer(lambda: self.finaliser.timeout(unix_ms()))

    async def _stop_when_broken(self) -> None:
        """End the node with the database's fault, whoever asked for the write that failed."""
        await self._broken.wait()
        assert self._fault is not None, "the event is set with its cause"
        raise self._fault

    async def _finalise_head(self) -> None:
        """A node that stopped between storing a block and finalising it goes on where it was."""
        best = self.store.best()
        await self.on_writer(lambda: self.finaliser.best_block(best.hash, best.number, unix_ms()))

    # -- blocks -------------------------------------------------------------------------------------------

    async def create_block(self, *, create_empty: bool = True, finalise: bool = True) -> bytes:
        """Author a block now, where this node seals on request; the answer is its hash. `SealingRefused`."""
        if self._author is None:
            raise SealingRefused("this node holds no authority's key: start it with --alice or --validator")
        if self.config.seal is Seal.SLOTS:
            raise SealingRefused("this node authors in slots: start it with --seal manual or --seal instant")
        if not create_empty and not self.transactions.pool.ready_count:
            raise SealingRefused("no transaction is ready, and an empty block was not asked for")
        stored = await self._author_slot(self._next_slot(), finalise=finalise)
        if stored is None:
            raise SealingRefused("the slot is not this authority's")
        return stored.hash

    async def finalise_block(self, block_hash: bytes) -> None:
        """Vote for a block, which must build on the finalised one."""
        header = self.store.header(block_hash)
        if header is None or block_hash not in self.chain.importer.tree:
            raise SealingRefused("the block is unknown, or does not build on the finalised one")
        await self.on_writer(lambda: self.finaliser.best_block(block_hash, header.number, unix_ms()))

    async def import_block(self, received: Received) -> Stored:
        """Import a foreign block, and its justification where it brings one. Raises `RejectedBlock`."""
        importer = self.chain.importer
        stored = await self.on_writer(lambda: importer.import_block(received, unix_ms()))
        self._publish(stored)
        if received.justification is not None:
            encoded = received.justification
            justification = importer.check_justification(encoded, stored.number, stored.hash)
            await self.on_writer(lambda: self.finaliser.justification(justification, unix_ms()))
        return stored

    async def _author_slot(self, slot: int, *, finalise: bool) -> Stored | None:
        author = self._author
        assert author is not None, "only an authority reaches a slot"
        ready = self.transactions.pending()
        authored: Authored | None = await self.on_writer(lambda: author.author(slot, unix_ms, lambda: ready))
        if authored is None:
            return None
        stored = authored.stored
        log.info(
            "Authored",
            number=stored.number,
            hash=stored.hash,
            transactions=len(authored.proposal.included),
            ended=authored.proposal.ended.value,
        )
        self.transactions.remove(authored.proposal.invalid)
        self._publish(stored)
        if finalise and stored.is_best:
            await self.on_writer(lambda: self.finaliser.best_block(stored.hash, stored.number, unix_ms()))
        return stored

    def _publish(self, stored: Stored) -> None:
        executed = stored.executed
        block = BlockImported(
            stored.hash, executed.verified.received.header, stored.route, executed.execution.changes
        )
        self.transactions.block_imported(block)
        self.notifications.publish_import(block)

    def _announce_finality(self, event: BlockFinalised) -> None:
        """Called on the writer thread."""
        assert self._loop is not None, "blocks become final while the node runs"
        self._loop.call_soon_threadsafe(self._publish_finality, event)

    def _publish_finality(self, event: BlockFinalised) -> None:
        self.transactions.block_finalised(event)
        self.notifications.finalised.publish(event)

    def _next_slot(self) -> int:
        best = self.store.header(self.store.best().hash)
        assert best is not None, "the store holds its best block"
        return next_slot(slot_of_header(best), unix_ms(), self.chain.checker.slot_duration_ms)

    async def on_writer(self, work: Callable[[], T]) -> T:
        """Run on the one thread that may write to the database; a fault of the database stops the node."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work)
        except EnvironmentFault as fault:
            self._fault = fault
            self._broken.set()
            raise


async def run_node(config: NodeConfig, started: Callable[[Node, RpcServer], None] | None = None) -> None:
    """Open the chain, run a node on it until SIGINT or SIGTERM, and close everything in order."""
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
        await until_signalled(node.run(started))
    log.info("Stopped")
