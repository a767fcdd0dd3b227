"""The network service: listens, dials, and keeps a connection to each peer. The asyncio shell of `network`.

Everything runs on the event loop's thread. What to decide is decided by the pure machines: the peer manager,
the channel, the codec, the rate limits.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from network.address import Address, InvalidAddress, ip_address, parse_address
from network.identity import Identity
from network.messages import (
    Message,
    MessageReceived,
    NetworkEvent,
    PeerConnected,
    PeerDisconnected,
    PeerFault,
    PeerId,
    Status,
)
from network.peers import PeerLimits, PeerManager, Refused
from network.peers.book import AddressBook
from network.peers.exchange import AddressExchange
from network.transport.channel import MAX_PACKET, InvalidChannel
from network.transport.connection import Connection, Gone, Traffic, WebSocket, establish
from network.wire import InvalidMessage

TICK_SECONDS = 0.5
"""How often it is asked whom to dial."""

EXCHANGE_SECONDS = 60.0
"""How often peers are asked for addresses."""

HEARTBEAT_SECONDS = 20.0
"""A peer that answers no ping for so long is gone."""

MAX_HALF_OPEN = 64
"""Connections that have not proved an identity yet; a flood of them must not take memory from the others."""

MAX_HALF_OPEN_PER_HOST = 16

WILDCARDS = ("0.0.0.0", "::")
"""Hosts to listen at that nobody can be sent to."""


class NetworkError(Exception):
    """The network cannot be served; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Where to listen (port 0: any free one), whom to know, how many peers to have.

    `public` are addresses at which others reach this node. `remembered` were proved before a restart.
    """

    listen: tuple[Address, ...] = (Address("ip4", "0.0.0.0", 30_333),)
    public: tuple[Address, ...] = ()
    bootnodes: tuple[Address, ...] = ()
    remembered: tuple[Address, ...] = ()
    reserved: tuple[Address, ...] = ()
    limits: PeerLimits = field(default_factory=PeerLimits)


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """A connected peer, as an operator sees it."""

    peer: PeerId
    status: Status
    host: str
    inbound: bool
    score: int


Done = Callable[[], None]
Deliver = Callable[[NetworkEvent, Done], None]
"""Takes an event, and is told by `Done` when it was handled."""


class NetworkService:
    """Peers of one node. `status` is asked for each new connection; `deliver` hears what peers say;
    `tell` hears in words of connections made, refused and lost.
    """

    def __init__(
        self,
        config: NetworkConfig,
        identity: Identity,
        status: Callable[[], Status],
        deliver: Deliver,
        now_ms: Callable[[], int],
        tell: Callable[[str, dict[str, object]], None] = lambda message, fields: None,
    ) -> None:
        self.identity = identity
        self.traffic = Traffic()
        self._config = config
        self._status = status
        self._deliver = deliver
        self._now = now_ms
        self._tell = tell
        book = AddressBook(config.bootnodes, config.remembered)
        self._manager = PeerManager(identity.peer, config.limits, book, config.reserved)
        self._connections = dict[PeerId, Connection]()
        self._half_open = Counter[str]()
        self._conversations: asyncio.TaskGroup | None = None
        self._others = AddressExchange(self._manager, self._own_addresses, self.send, self.report)
        self._listening: tuple[Address, ...] = ()

    # -- running ------------------------------------------------------------------------------------------

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Listen and dial until cancelled. `started` is called when it listens. Raises `NetworkError`."""
        app = web.Application(client_max_size=1)
        app.router.add_get("/", self._accept)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await self._listen(runner)
            started()
            async with (
                ClientSession(timeout=ClientTimeout(total=None, connect=10)) as session,
                asyncio.TaskGroup() as conversations,
            ):
                # An error in a conversation that is not the peer's fault is a bug, and ends the node.
                self._conversations = conversations
                await self._keep_connected(session, conversations)
        finally:
            self._conversations = None
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        bound = list[Address]()
        for address in self._config.listen:
            site = web.TCPSite(runner, address.host, address.port)
            try:
                await site.start()
            except OSError as error:
                raise NetworkError(
                    f"peers cannot be served at {address} ({error.strerror}): choose another --port or "
                    "--listen-addr"
                ) from error
            host, port = runner.addresses[-1][:2]
            bound.append(ip_address(host, port, self.identity.peer))
        self._listening = tuple(bound)

    async def _keep_connected(self, session: ClientSession, conversations: asyncio.TaskGroup) -> None:
        next_exchange = 0.0
        loop = asyncio.get_running_loop()
        while True:
            for address in self._manager.dials(self._now()):
                conversations.create_task(self._dial(session, address))
            if loop.time() >= next_exchange:
                next_exchange = loop.time() + EXCHANGE_SECONDS
                for peer in list(self._connections):
                    self._others.ask(peer)
            await asyncio.sleep(TICK_SECONDS)

    # -- what the node asks for ---------------------------------------------------------------------------

    def send(self, peer: PeerId, message: Message) -> bool:
        """Queue a message; False where the peer is not connected, or is dropped for reading too slowly."""
        connection = self._connections.get(peer)
        if connection is None:
            return False
        if connection.send(message):
            return True
        connection.close("it reads too slowly")
        return False

    def send_to_all(self, message: Message, known_to: PeerId | None = None) -> None:
        """Queue a message for all peers but the one who told us."""
        for peer in list(self._connections):
            if peer != known_to:
                self.send(peer, message)

    def report(self, peer: PeerId, fault: PeerFault, detail: str = "") -> None:
        """Count a peer's fault against it; too many end the connection and ban it for a while."""
        self._tell("Peer misbehaved", {"peer": peer, "fault": fault.value, "detail": detail})
        if self._manager.report(peer, fault, self._now()):
            self._tell("Peer banned", {"peer": peer, "fault": fault.value})
            self.disconnect(peer, "it is banned")

    def disconnect(self, peer: PeerId, why: str) -> None:
        """End the connection to a peer."""
        connection = self._connections.get(peer)
        if connection is not None:
            connection.close(why)

    def peers(self) -> list[PeerInfo]:
        """The connected peers."""
        now = self._now()
        return [
            PeerInfo(one.peer, one.status, one.host, one.is_inbound, self._manager.score(one.peer, now))
            for one in self._connections.values()
        ]

    @property
    def count(self) -> int:
        """How many peers are connected."""
        return len(self._connections)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where this node listens, with its name."""
        return self._listening

    def _own_addresses(self) -> list[Address]:
        """Where others may look for this node."""
        return [*self._config.public, *(one for one in self._listening if one.host not in WILDCARDS)]

    def reserve(self, text: str) -> None:
        """Keep a connection to the peer at this address. Raises `InvalidAddress`."""
        self._manager.reserve(parse_address(text, with_peer=True))

    def release(self, peer: PeerId) -> bool:
        """Treat a reserved peer like others; whether it was one."""
        return self._manager.release(peer)

    def reserved(self) -> tuple[PeerId, ...]:
        """Peers that are always wanted."""
        return self._manager.reserved

    def proved_addresses(self) -> list[Address]:
        """Addresses worth keeping for the next start."""
        return self._manager.proved()

    # -- connections --------------------------------------------------------------------------------------

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        host = request.remote or ""
        if self._half_open.total() >= MAX_HALF_OPEN or self._half_open[host] >= MAX_HALF_OPEN_PER_HOST:
            return web.Response(status=503)
        socket = web.WebSocketResponse(
            max_msg_size=MAX_PACKET + 1, heartbeat=HEARTBEAT_SECONDS, compress=False, timeout=1
        )
        await socket.prepare(request)
        if self._conversations is not None:
            await asyncio.wait([self._conversations.create_task(self._converse(socket, host, None))])
        return socket

    async def _dial(self, session: ClientSession, address: Address) -> None:
        reached = False
        try:
            async with session.ws_connect(
                address.url, max_msg_size=MAX_PACKET + 1, heartbeat=HEARTBEAT_SECONDS, compress=0
            ) as socket:
                reached = await self._converse(socket, address.host, address)
        except (ClientError, OSError, TimeoutError) as error:
            self._tell("Peer not reached", {"address": str(address), "why": str(error) or "no answer"})
        finally:
            if not reached:
                self._manager.dialled(address, self._now(), reached=False)

    async def _converse(self, socket: WebSocket, host: str, address: Address | None) -> bool:
        """A whole connection, from the handshake to its end; whether the peer proved who it is."""
        connection = None
        self._half_open[host] += 1
        try:
            connection = await establish(socket, self.identity, self._status(), host, address, self.traffic)
        except (Gone, InvalidChannel, InvalidMessage, TimeoutError, ConnectionError) as error:
            self._tell("Handshake failed", {"host": host, "why": str(error) or "no answer in time"})
        finally:
            self._half_open[host] -= 1
            if not self._half_open[host]:
                del self._half_open[host]
        if connection is None:
            await _close(socket)
            return False
        if address is not None:
            self._manager.dialled(address, self._now(), reached=True)
        refused = self._admit(connection)
        if refused is not None:
            self._tell("Peer refused", {"peer": connection.peer, "host": host, "why": refused})
            await _close(socket)
            return True
        await self._exchange(connection)
        await _close(socket)
        return True

    def _admit(self, connection: Connection) -> str | None:
        """Take the peer in, or say why not."""
        peer, now = connection.peer, self._now()
        if connection.status.genesis != self._status().genesis:
            self._manager.report(peer, PeerFault.WRONG_CHAIN, now)
            return PeerFault.WRONG_CHAIN.value
        try:
            seen = ip_address(connection.host, 0)
            subnet, is_global = seen.subnet, seen.is_global
        except InvalidAddress:
            subnet, is_global = connection.host, True
        admission = self._manager.admit(
            peer, connection.host, subnet, now, inbound=connection.is_inbound, is_global=is_global
        )
        if isinstance(admission, Refused):
            return admission.value
        old = self._connections.get(peer)
        self._connections[peer] = connection
        if old is not None:
            old.close("another connection to the same peer is kept")
        return None

    async def _exchange(self, connection: Connection) -> None:
        """Messages in both directions until the connection ends."""
        peer = connection.peer
        self._tell(
            "Peer connected", {"peer": peer, "host": connection.host, "inbound": connection.is_inbound}
        )
        self._deliver(PeerConnected(peer, connection.status), lambda: None)
        self._others.ask(peer)
        why = "stopped"
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(connection.write())
                tasks.create_task(self._read_all(connection))
        except* Gone as gone:
            why = str(gone.exceptions[0])
        finally:
            connection.release()
            if self._connections.get(peer) is connection:
                del self._connections[peer]
                self._others.forget(peer)
                self._manager.disconnected(peer, self._now())
                self._tell("Peer disconnected", {"peer": peer, "why": why})
                self._deliver(PeerDisconnected(peer), lambda: None)

    async def _read_all(self, connection: Connection) -> None:
        while True:
            try:
                message, size = await connection.read()
            except (InvalidMessage, InvalidChannel) as error:
                self.report(connection.peer, PeerFault.MALFORMED, str(error))
                raise Gone(str(error)) from error
            if not connection.limits.allow(message, size, self._now()):
                connection.handled(size)
                self.report(connection.peer, PeerFault.FLOODING, type(message).__name__)
            elif not self._others.handle(connection.peer, message):
                done = _once(partial(connection.handled, size))
                self._deliver(MessageReceived(connection.peer, message), done)
            else:
                connection.handled(size)


def _once(work: Callable[[], None]) -> Done:
    """`work`, but only the first time."""
    pending = [work]

    def done() -> None:
        while pending:
            pending.pop()()

    return done


async def _close(socket: WebSocket) -> None:
    with suppress(ConnectionError, RuntimeError, TimeoutError):
        await asyncio.wait_for(socket.close(), 1)
