"""A real chain in memory behind the real method table and dispatcher; only the socket is missing."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from chain.authoring import Authored, SealingRefused
from chain.core import SyncStatus
from chain.importing import Stored
from chain.keystore import Keystore
from chain.notifications import Notifications, block_imported
from chain.peering import Peering
from chain.rpc import (
    AuthorMethods,
    ChainMethods,
    EngineMethods,
    InferenceMethods,
    KeyMethods,
    ModelsMethods,
    NodeIdentity,
    PaymentMethods,
    StateFeeds,
    StateMethods,
    SystemMethods,
)
from chain.rpc.specification import (
    ArchiveMethods,
    ChainHeadMethods,
    ChainSpecMethods,
    TransactionMethods,
)
from chain.transactions import Transactions
from client.transaction import Transaction
from genesis.presets import dev
from network.rpc import Connection, Json, MethodTable, RpcLimits
from network.rpc.dispatch import Caller, Dispatcher, NoObserver
from network.rpc.framing import encode
from network.rpc.methods import Subscribe
from tests.chain.chains import RUNTIME, World


class Streams:
    """The subscriptions of one connection, read by the test instead of a socket."""

    def __init__(self) -> None:
        self.open: dict[str, AsyncIterator[Json]] = {}
        self.kinds: dict[str, str] = {}

    def reserve(self, name: str) -> str:
        identifier = f"subscription {len(self.kinds)}"
        self.kinds[identifier] = name
        return identifier

    def attach(self, identifier: str, subscribe: Subscribe, stream: AsyncIterator[Json]) -> None:
        self.open[identifier] = stream

    def end(self, identifier: str) -> None:
        self.open.pop(identifier, None)

    def end_if(self, identifier: str, name: str) -> bool:
        if identifier not in self.open or self.kinds[identifier] != name:
            return False
        self.end(identifier)
        return True


class Sealer:
    """Makes blocks on request, as the node does."""

    def __init__(self, rpc: "Rpc") -> None:
        self.rpc = rpc

    async def create_block(self, *, create_empty: bool, finalise: bool) -> bytes:
        pending = self.rpc.transactions.pending()
        if not pending and not create_empty:
            raise SealingRefused("no transaction is ready, and an empty block was not asked for")
        authored = self.rpc.build(*(Transaction(one.encoded, one.hash, 0) for one in pending))
        if finalise:
            self.rpc.finalise(authored)
        return authored.stored.hash

    async def finalise_block(self, block_hash: bytes) -> None:
        if block_hash not in self.rpc.world.importer.tree:
            raise SealingRefused("the block is unknown, or does not build on the finalised one")
        header = self.rpc.world.store.header(block_hash)
        self.rpc.world.vote_for(block_hash, header.number)
        self.rpc.publish_finality()


class Rpc:
    """A chain, and questions to it."""

    def __init__(self, folder: Path, world: World | None = None, peering: Peering | None = None) -> None:
        self.world = world or World()
        self.store = self.world.store
        self.notifications = Notifications()
        self.transactions = Transactions(self.store, RUNTIME, lambda: 0)
        self.keystore = Keystore(folder)
        self.published = 0
        self.peering = peering or Peering(None, lambda: SyncStatus(self.store.best().number, False, 0))
        identity = NodeIdentity("1.2.3", "12D3KooWTest", is_authority=True)
        self.table = MethodTable(
            SystemMethods(self.store, RUNTIME, self.transactions, dev(), identity, self.peering),
            ChainMethods(self.store, self.notifications),
            StateMethods(self.store, RUNTIME),
            StateFeeds(self.store, RUNTIME, self.notifications),
            AuthorMethods(self.transactions),
            KeyMethods(self.keystore),
            PaymentMethods(self.store, RUNTIME),
            ModelsMethods(self.store, RUNTIME),
            InferenceMethods(self.store, RUNTIME),
            EngineMethods(Sealer(self)),
            ChainHeadMethods(self.store, RUNTIME, self.notifications),
            ChainSpecMethods(dev(), self.store),
            TransactionMethods(self.transactions, self.notifications),
            ArchiveMethods(self.store, RUNTIME),
        )
        self.dispatcher = Dispatcher(self.table, RpcLimits(), NoObserver())
        self.streams = Streams()
        self.connection = Connection(1, "ws", "test", unsafe=True)

    # Asking.

    async def answer(self, name: str, *params: Json, unsafe: bool = True) -> Any:
        """The whole response; bytes among the parameters go as hex."""
        request = {"jsonrpc": "2.0", "id": 1, "method": name, "params": params}
        data = json.dumps(request, default=lambda value: "0x" + value.hex()).encode()
        self.connection.unsafe = unsafe
        answer = await self.dispatcher.answer(data, Caller(self.connection, self.streams))
        for each in answer.afterwards:
            each()
        assert answer.payload is not None
        return json.loads(answer.payload)

    async def call(self, name: str, *params: Json) -> Any:
        """The result of a call that succeeds."""
        response = await self.answer(name, *params)
        assert "error" not in response, response
        return response["result"]

    async def refusal(self, name: str, *params: Json, unsafe: bool = True) -> Any:
        """The error of a call that fails."""
        response = await self.answer(name, *params, unsafe=unsafe)
        assert "result" not in response, response
        return response["error"]

    async def subscribe(self, name: str, *params: Json) -> AsyncIterator[Json]:
        """The stream of a subscription."""
        return self.streams.open[await self.call(name, *params)]

    # Blocks.

    def build(self, *transactions: Any) -> Authored:
        """Author a block and announce it, as the node does."""
        authored = self.world.build(*transactions)
        self.announce(authored)
        return authored

    def announce(self, authored: Authored) -> None:
        """What the node does with a new block."""
        self.import_stored(authored.stored)

    def import_stored(self, stored: Stored) -> None:
        """Tell of a block that was stored."""
        block = block_imported(self.store, stored)
        self.transactions.block_imported(block)
        self.notifications.publish_import(block)

    def finalise(self, authored: Authored) -> None:
        """Make a block final and announce it."""
        self.world.finalise(authored)
        self.publish_finality()

    def publish_finality(self) -> None:
        """Announce what became final."""
        for event in self.world.finalised[self.published :]:
            self.transactions.block_finalised(event)
            self.notifications.finalised.publish(event)
        self.published = len(self.world.finalised)


def hexed(data: bytes) -> str:
    """Bytes as they stand in an answer."""
    return "0x" + data.hex()


async def first(stream: AsyncIterator[Json]) -> Any:
    """The next value of a subscription, as its client reads it."""
    return json.loads(encode(await asyncio.wait_for(anext(stream), 5)))


async def silent(stream: AsyncIterator[Json]) -> bool:
    """Whether nothing comes; the stream cannot be used afterwards."""
    try:
        await asyncio.wait_for(anext(stream), 0.05)
    except TimeoutError:
        return True
    return False
