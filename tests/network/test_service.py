"""Real services on loopback: they meet, talk, and survive peers that do not play by the rules."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic_ns

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from network.address import Address
from network.identity import Identity
from network.messages import (
    BlockPoint,
    MessageReceived,
    NetworkEvent,
    PeerConnected,
    PeerDisconnected,
    PeerId,
    PeersRequest,
    PeersResponse,
    Request,
    Response,
    Role,
    Status,
    Transactions,
)
from network.peers import PeerLimits
from network.service import MAX_HALF_OPEN_PER_HOST, NetworkConfig, NetworkError, NetworkService
from network.transport.channel import Channel, Handshake, pieces
from network.wire import decode, encode

GENESIS = b"g" * 32
LOCAL = Address("ip4", "127.0.0.1", 0)


def status(genesis: bytes = GENESIS) -> Status:
    return Status(genesis, Role.FULL, BlockPoint(genesis, 0), BlockPoint(genesis, 0), "test")


class Node:
    """A service, and all that it delivered."""

    def __init__(
        self, seed: int, *bootnodes: Address, genesis: bytes = GENESIS, limits: PeerLimits | None = None
    ) -> None:
        self.heard = list[NetworkEvent]()
        self.words = list[str]()
        self.clock_ahead = 0
        config = NetworkConfig(listen=(LOCAL,), bootnodes=bootnodes, limits=limits or PeerLimits())
        self.service = NetworkService(
            config,
            Identity.from_seed(bytes([seed]) * 32),
            lambda: status(genesis),
            self._deliver,
            lambda: monotonic_ns() // 1_000_000 + self.clock_ahead,
            lambda message, fields: self.words.append(f"{message} {fields}"),
        )

    def _deliver(self, event: NetworkEvent, done: Callable[[], None]) -> None:
        self.heard.append(event)
        done()

    @property
    def peer(self) -> PeerId:
        return self.service.identity.peer

    @property
    def address(self) -> Address:
        return self.service.addresses[0]


@asynccontextmanager
async def running(*nodes: Node) -> AsyncIterator[None]:
    tasks = []
    try:
        for node in nodes:
            ready = asyncio.Event()
            tasks.append(asyncio.create_task(node.service.run(ready.set)))
            await asyncio.wait_for(ready.wait(), 5)
        yield
        assert not any(task.done() for task in tasks), "a service ended by itself"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    for _ in range(int(seconds * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen in time")


@asynccontextmanager
async def stranger(target: Node) -> AsyncIterator[ClientWebSocketResponse]:
    async with ClientSession() as session, session.ws_connect(target.address.url) as socket:
        yield socket


async def authenticated(socket: ClientWebSocketResponse, seed: int = 99) -> Channel:
    """Through the handshake and the statuses, as a correct peer."""
    handshake = Handshake(Identity.from_seed(bytes([seed]) * 32), is_initiator=True)
    answers = handshake.start()
    while handshake.channel is None:
        for packet in answers:
            await socket.send_bytes(packet)
        answers = handshake.receive(await socket.receive_bytes())
    channel = handshake.channel
    await socket.send_bytes(channel.seal(pieces(0, encode(status()))[0]))
    assert isinstance(decode(channel.open(await socket.receive_bytes()) or b""), Status)
    return channel


async def test_two_services_meet_and_a_message_of_megabytes_arrives_whole() -> None:
    first = Node(1)
    async with running(first):
        second = Node(2, first.address)
        async with running(second):
            await until(lambda: first.service.count == second.service.count == 1)
            message = Transactions((bytes(3_000_000), b"small"))
            assert first.service.send(second.peer, message)
            await until(lambda: MessageReceived(first.peer, message) in second.heard)
            assert second.heard[0] == PeerConnected(first.peer, status())
            assert [one.inbound for one in first.service.peers()] == [True]
            assert first.service.traffic.sent > 3_000_000
        await until(lambda: PeerDisconnected(second.peer) in first.heard)
        assert not first.service.send(second.peer, message)


async def test_peers_learn_of_each_other_through_a_third() -> None:
    hub = Node(1)
    async with running(hub):
        one, other = Node(2, hub.address), Node(3, hub.address)
        async with running(one):
            await until(lambda: hub.service.count == 1 and hub.service.proved_addresses() is not None)
            await until(lambda: any("Peer connected" in word for word in one.words))
            await asyncio.sleep(0.2)
            async with running(other):
                await until(lambda: one.service.count == 2)


async def test_a_peer_of_another_chain_is_left_at_once_and_banned() -> None:
    first = Node(1)
    async with running(first):
        foreign = Node(2, first.address, genesis=b"x" * 32)
        async with running(foreign):
            await until(lambda: any("belongs to another chain" in word for word in first.words))
            assert first.service.count == 0
            assert first.heard == []


async def test_a_full_node_refuses_with_a_reason_and_keeps_its_peers() -> None:
    first = Node(1, limits=PeerLimits(in_peers=1))
    async with running(first):
        second, third = Node(2, first.address), Node(3, first.address)
        async with running(second):
            await until(lambda: first.service.count == 1)
            async with running(third):
                await until(lambda: any("all slots are taken" in word for word in first.words))
                assert [one.peer for one in first.service.peers()] == [second.peer]


@pytest.mark.parametrize("garbage", [b"", b"garbage", bytes(65_535), "text"])
async def test_garbage_before_the_handshake_only_closes_the_connection(garbage: bytes | str) -> None:
    node = Node(1)
    async with running(node):
        async with stranger(node) as socket:
            if isinstance(garbage, str):
                await socket.send_str(garbage)
            else:
                await socket.send_bytes(garbage)
            assert (await asyncio.wait_for(socket.receive(), 5)).data != b"an answer"
        await until(lambda: any("Handshake failed" in word for word in node.words))
        friend = Node(2, node.address)
        async with running(friend):
            await until(lambda: node.service.count == 1)


async def test_a_peer_that_speaks_nonsense_is_banned_for_a_bounded_time_and_others_are_not() -> None:
    node = Node(1)
    async with running(node):
        friend = Node(2, node.address)
        async with running(friend):
            await until(lambda: node.service.count == 1)
            async with stranger(node) as socket:
                channel = await authenticated(socket)
                await until(lambda: node.service.count == 2)
                await socket.send_bytes(channel.seal(pieces(0, b"nonsense")[0]))
                await until(lambda: any("Peer banned" in word for word in node.words))
            await until(lambda: node.service.count == 1)
            async with stranger(node) as socket:
                await authenticated(socket)
                await until(lambda: any("it is banned" in word for word in node.words))
            node.clock_ahead = 3_600_000
            async with stranger(node) as socket:
                await authenticated(socket)
                await until(lambda: node.service.count == 2)
            assert node.service.send(friend.peer, Transactions((b"still here",)))
            await until(lambda: any(isinstance(one, MessageReceived) for one in friend.heard))


async def test_a_flood_is_dropped_scored_and_ends_in_a_ban_while_others_are_served() -> None:
    node = Node(1)
    async with running(node):
        async with stranger(node) as socket:
            channel = await authenticated(socket)
            with suppress(ConnectionError):
                for number in range(2_000):
                    message = Request(number, PeersRequest())
                    await socket.send_bytes(channel.seal(pieces(1, encode(message))[0]))
            await until(lambda: any("Peer banned" in word for word in node.words))
        friend = Node(2, node.address)
        async with running(friend):
            await until(lambda: node.service.count == 1)


async def test_a_peer_that_never_reads_is_dropped_by_the_limit_of_its_outbox() -> None:
    node = Node(1)
    async with running(node), stranger(node) as socket:
        await authenticated(socket)
        await until(lambda: node.service.count == 1)
        large = Transactions((bytes(4_000_000),))
        (peer,) = [one.peer for one in node.service.peers()]
        sent = 0
        while node.service.send(peer, large):
            sent += 1
        assert sent <= 5
        await until(lambda: any("reads too slowly" in word for word in node.words))


async def test_unauthenticated_connections_are_few_and_do_not_keep_a_friend_out() -> None:
    node = Node(1)
    async with running(node), ClientSession() as session:
        idle = [await session.ws_connect(node.address.url) for _ in range(MAX_HALF_OPEN_PER_HOST)]
        await asyncio.sleep(0.1)
        async with session.get(node.address.url.replace("ws", "http")) as refused:
            assert refused.status in (400, 503)
        for socket in idle:
            await socket.close()
        friend = Node(2, node.address)
        async with running(friend):
            await until(lambda: node.service.count == 1)


async def test_answers_that_nobody_asked_for_and_wrong_addresses_cost_reputation() -> None:
    node = Node(1)
    async with running(node), stranger(node) as socket:
        channel = await authenticated(socket)
        frame = channel.open(await socket.receive_bytes())
        asked = decode(frame or b"")
        assert isinstance(asked, Request)
        bad = Response(asked.id, PeersResponse(("/ip4/nowhere",)))
        for message in (bad, bad):
            await socket.send_bytes(channel.seal(pieces(2, encode(message))[0]))
        await until(lambda: sum("Peer misbehaved" in word for word in node.words) == 2)
        (info,) = node.service.peers()
        assert info.score <= -60


async def test_an_address_in_use_is_named_with_what_to_do() -> None:
    node = Node(1)
    async with running(node):
        config = NetworkConfig(listen=(Address("ip4", "127.0.0.1", node.address.port),))
        second = NetworkService(
            config, Identity.from_seed(bytes(32)), status, lambda event, done: done(), lambda: 0
        )
        with pytest.raises(NetworkError, match="choose another --port"):
            await second.run()


async def test_a_reserved_peer_is_dialled_and_found_again() -> None:
    first, second = Node(1), Node(2, limits=PeerLimits(out_peers=0))
    async with running(first, second):
        second.service.reserve(str(first.address))
        # The dialler is through first: the other side cannot yet disconnect a peer it does not know.
        await until(lambda: first.service.count == second.service.count == 1)
        first.service.disconnect(second.peer, "test")
        await until(lambda: sum(isinstance(one, PeerConnected) for one in second.heard) == 2)
        assert second.service.reserved() == (first.peer,)
        assert second.service.release(first.peer)
