"""One connection to a peer: a WebSocket on the outside, messages on the inside. A thin asyncio shell."""

import asyncio
from dataclasses import dataclass

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.web import WebSocketResponse

from network.address import Address
from network.identity import Identity
from network.messages import Message, PeerId, Status
from network.peers.limits import RateLimits
from network.transport.channel import Channel, ChannelFault, Handshake, InvalidChannel
from network.transport.outbox import Outbox
from network.wire import InvalidMessage, MessageReason, decode

WebSocket = ClientWebSocketResponse | WebSocketResponse

HANDSHAKE_SECONDS = 10.0
"""For everything up to the peer's status: some six trips, and a slow machine's curve arithmetic."""

MAX_UNHANDLED_BYTES = 4 << 20
"""Of a peer's messages that the node has not handled yet; then nothing more is read from it."""

MAX_UNHANDLED_MESSAGES = 1_024


class Gone(Exception):
    """The connection ended, or the peer said something that ends it; the text says what."""


@dataclass(slots=True)
class Traffic:
    """Bytes of all connections since the start."""

    received: int = 0
    sent: int = 0


class Connection:
    """A connection whose peer is authenticated; made by `establish`."""

    def __init__(
        self,
        socket: WebSocket,
        channel: Channel,
        status: Status,
        host: str,
        address: Address | None,
        traffic: Traffic,
    ) -> None:
        self.peer: PeerId = channel.peer
        self.status = status
        self.host = host
        self.address = address
        self.limits = RateLimits()
        self._socket = socket
        self._channel = channel
        self._traffic = traffic
        self._outbox = Outbox()
        self._waiting = asyncio.Event()
        self._unhandled_bytes = self._unhandled = 0
        self._room = asyncio.Event()
        self._room.set()
        self.closing: str | None = None

    @property
    def is_inbound(self) -> bool:
        """Whether the peer opened it."""
        return self.address is None

    def send(self, message: Message) -> bool:
        """Queue a message; False where the peer reads too slowly to be worth keeping."""
        if not self._outbox.add(message):
            return False
        self._waiting.set()
        return True

    def close(self, why: str) -> None:
        """End the connection as soon as the loop turns; `read` and `write` then raise `Gone`."""
        if self.closing is None:
            self.closing = why
            self._waiting.set()
            self._room.set()

    def release(self) -> None:
        """Let go of all buffers: an ended connection stays in cycles (errors, tasks) for a while."""
        self._channel.clear()
        self._outbox.clear()

    async def write(self) -> None:
        """Send what is queued until the connection ends. Raises `Gone`."""
        while True:
            piece = self._outbox.pop()
            if self.closing is not None:
                raise Gone(self.closing)
            if piece is None:
                self._waiting.clear()
                await self._waiting.wait()
                continue
            packet = self._channel.seal(piece)
            self._traffic.sent += len(packet)
            try:
                await self._socket.send_bytes(packet)
            except (ConnectionError, RuntimeError) as error:
                raise Gone("the line broke") from error

    async def read(self) -> tuple[Message, int]:
        """The next message and its size, once there is room for it; answer with `handled`.

        Raises `Gone`; `InvalidMessage` and `InvalidChannel` for a peer that misbehaves.
        """
        await self._room.wait()
        while True:
            if self.closing is not None:
                raise Gone(self.closing)
            packet = await _receive(self._socket)
            self._traffic.received += len(packet)
            frame = self._channel.open(packet)
            if frame is not None:
                break
        self._unhandled_bytes += len(frame)
        self._unhandled += 1
        if self._unhandled_bytes > MAX_UNHANDLED_BYTES or self._unhandled >= MAX_UNHANDLED_MESSAGES:
            self._room.clear()
        return decode(frame), len(frame)

    def handled(self, size: int) -> None:
        """A message that was read takes no more room."""
        self._unhandled_bytes -= size
        self._unhandled -= 1
        self._room.set()


async def establish(
    socket: WebSocket,
    identity: Identity,
    status: Status,
    host: str,
    address: Address | None,
    traffic: Traffic,
) -> Connection:
    """Shake hands and exchange statuses; `address` is where this node dialled, None where it was dialled.

    Raises `Gone`, `InvalidChannel`, `InvalidMessage`, `TimeoutError`.
    """
    async with asyncio.timeout(HANDSHAKE_SECONDS):
        channel = await _authenticate(socket, identity, is_initiator=address is not None)
        if address is not None and channel.peer != address.peer:
            raise InvalidChannel(ChannelFault.IDENTITY, f"another peer answers: {channel.peer.hex()}")
        first = Outbox()
        first.add(status)
        piece = first.pop()
        assert piece is not None, "a status is one piece"
        await socket.send_bytes(channel.seal(piece))
        frame = channel.open(await _receive(socket))
        answer = decode(frame) if frame is not None else None
        if not isinstance(answer, Status):
            raise InvalidMessage(MessageReason.UNKNOWN_KIND, "a status is expected first")
    return Connection(socket, channel, answer, host, address, traffic)


async def _authenticate(socket: WebSocket, identity: Identity, *, is_initiator: bool) -> Channel:
    handshake = Handshake(identity, is_initiator=is_initiator)
    answers = handshake.start()
    while True:
        for packet in answers:
            await socket.send_bytes(packet)
        if handshake.channel is not None:
            return handshake.channel
        answers = handshake.receive(await _receive(socket))


async def _receive(socket: WebSocket) -> bytes:
    try:
        message = await socket.receive()
    except (ConnectionError, RuntimeError) as error:
        raise Gone("the line broke") from error
    if message.type is WSMsgType.BINARY:
        data: bytes = message.data
        return data
    if message.type is WSMsgType.ERROR:
        raise Gone(f"the line broke: {message.data}")
    if message.type is WSMsgType.TEXT:
        raise InvalidChannel(ChannelFault.MALFORMED, "text, where bytes are expected")
    raise Gone("the peer closed the connection")
