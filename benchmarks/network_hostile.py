"""Hostile peers against a real validator: `python -m benchmarks network-hostile [--seconds 1800]`.

A validator authors alone and a full node follows it, each a process. Attackers, each with a new identity
every time, send garbage before and after the handshake, messages that never end, floods, questions whose
answers they do not read, forged blocks, and connections that say nothing. The validator must author every
slot, its memory may grow by less than 100 MB, and the full node must stay in step.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse

from benchmarks.harness import console, show
from chain.testnet import LocalNetwork, Member
from genesis.presets import testnet
from network.address import parse_address
from network.identity import Identity
from network.messages import (
    BlockAnnounce,
    BlocksRequest,
    Direction,
    Message,
    Request,
    Status,
    Transactions,
)
from network.transport.channel import MAX_PIECE, Channel, Handshake, InvalidChannel, Piece, pieces
from network.wire import InvalidMessage, decode, encode, urgency
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header

SLOT_MS = 1_000
HOLD_SECONDS = 5.0
"""How long an attacker that waits for the node to act is patient."""

MAX_GROWTH_MIB = 100
WARM_UP_SECONDS = 10
WORKERS = 2
"""Of each attack, at once."""


class Stranger:
    """One connection of an attacker."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.channel: Channel | None = None

    async def enter(self) -> Status:
        """As a correct peer does: handshake, statuses. Answers with the node's status."""
        handshake = Handshake(Identity.from_seed(os.urandom(32)), is_initiator=True)
        answers = handshake.start()
        while handshake.channel is None:
            for packet in answers:
                await self.socket.send_bytes(packet)
            answers = handshake.receive(await self.socket.receive_bytes())
        self.channel = handshake.channel
        status = decode(self.channel.open(await self.socket.receive_bytes()) or b"")
        if not isinstance(status, Status):
            raise ConnectionError("no status")
        await self.say(status)
        return status

    async def say(self, message: Message) -> None:
        """Send a message."""
        for piece in pieces(urgency(message), encode(message)):
            await self.push(piece)

    async def push(self, piece: Piece) -> None:
        """Send a piece of whatever it is."""
        assert self.channel is not None, "it has entered"
        await self.socket.send_bytes(self.channel.seal(piece))

    async def until_closed(self) -> None:
        """Read until the node ends it, or patience does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HOLD_SECONDS):
                while not self.socket.closed:
                    await self.socket.receive()


async def garbage_before(stranger: Stranger) -> None:
    """Random bytes instead of a handshake."""
    await stranger.socket.send_bytes(os.urandom(1 + os.urandom(1)[0]))
    await stranger.until_closed()


async def silence(stranger: Stranger) -> None:
    """A connection that says nothing."""
    await stranger.until_closed()


async def garbage_after(stranger: Stranger) -> None:
    """Random bytes in an authenticated channel."""
    await stranger.enter()
    await stranger.push(Piece(1, True, os.urandom(200)))
    await stranger.until_closed()


async def endless(stranger: Stranger) -> None:
    """A message that never ends."""
    await stranger.enter()
    while True:
        await stranger.push(Piece(2, False, bytes(MAX_PIECE)))


async def flood(stranger: Stranger) -> None:
    """Transactions as fast as they go."""
    await stranger.enter()
    while True:
        await stranger.say(Transactions((os.urandom(100),)))


async def unread(stranger: Stranger) -> None:
    """Questions whose answers are never read."""
    await stranger.enter()
    for number in range(2_000):
        await stranger.say(Request(number, BlocksRequest(0, Direction.ASCENDING, 128)))
    await asyncio.sleep(HOLD_SECONDS)


async def forged_heads(stranger: Stranger) -> None:
    """Heads far ahead and blocks that nobody has."""
    status = await stranger.enter()
    for number in range(100):
        header = Header(os.urandom(32), status.best.number + number + 1, bytes(32), bytes(32), Digest())
        await stranger.say(BlockAnnounce(header, True))
    await stranger.until_closed()


async def come_and_go(stranger: Stranger) -> None:
    """A whole introduction, and gone."""
    await stranger.enter()


ATTACKS: tuple[Callable[[Stranger], Awaitable[None]], ...] = (
    garbage_before,
    silence,
    garbage_after,
    endless,
    flood,
    unread,
    forged_heads,
    come_and_go,
)


EXPECTED = (ClientError, ConnectionError, TypeError, TimeoutError, InvalidChannel, InvalidMessage)
"""How the node's ending of a connection shows; a TypeError is aiohttp's for a close in place of bytes."""


async def attack_all(url: str, seconds: float) -> Counter[str]:
    """Every attack again and again; how often each ended how."""
    seen, until = Counter[str](), time.monotonic() + seconds

    async def repeat(session: ClientSession, attack: Callable[[Stranger], Awaitable[None]]) -> None:
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(4 * HOLD_SECONDS), session.ws_connect(url) as socket:
                    await attack(Stranger(socket))
                outcome = "held"
            except (
                ClientError,
                ConnectionError,
                TypeError,
                TimeoutError,
                InvalidChannel,
                InvalidMessage,
            ) as error:
                outcome = type(error).__name__
            seen[f"{attack.__name__}: {outcome}"] += 1
            await asyncio.sleep(0.05)

    async with ClientSession() as session, asyncio.TaskGroup() as tasks:
        for attack in ATTACKS:
            for _ in range(WORKERS):
                tasks.create_task(repeat(session, attack))
    return seen


def main(arguments: Sequence[str]) -> int:
    """Attack, and judge; 1 where the validator did not stand it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        network = LocalNetwork(Path(folder), testnet(1, SLOT_MS, 50), ("--log", "warn"))
        victim, follower = network.add("validator", "//Validator//0"), network.add("full", None)
        try:
            for member in (victim, follower):
                network.start(member, "--force-authoring")
                network.wait_ready(member)
            time.sleep(WARM_UP_SECONDS)
            return _judge(network, victim, follower, options.seconds)
        finally:
            network.close()


def _judge(network: LocalNetwork, victim: Member, follower: Member, seconds: float) -> int:
    memory, first, started = _resident_mib(network, victim), _height(network, victim), time.monotonic()
    seen = asyncio.run(attack_all(parse_address(victim.address).url, seconds))
    elapsed = time.monotonic() - started
    growth = _resident_mib(network, victim) - memory
    blocks, behind = _height(network, victim) - first, _height(network, victim) - _height(network, follower)
    show("What attackers met", ["attack", "times"], [[name, f"{seen[name]:,}"] for name in sorted(seen)])
    missed = int(elapsed * 1000 // SLOT_MS) - blocks
    verdicts = [
        ["slots without a block", f"{max(missed, 0)} of {elapsed:,.0f}", "0 or 1 at the edges", missed <= 1],
        ["growth of memory", f"{growth:,.0f} MiB", f"under {MAX_GROWTH_MIB}", growth < MAX_GROWTH_MIB],
        ["blocks that the full node is behind", str(behind), "at most 1", behind <= 1],
    ]
    rows = [[what, found, goal, "yes" if holds else "NO"] for what, found, goal, holds in verdicts]
    show("The validator", ["", "found", "goal", "holds"], rows)
    console.print(f"{sum(seen.values()):,} connections in {elapsed:,.0f} s")
    return 0 if all(holds for *_, holds in verdicts) else 1


def _height(network: LocalNetwork, member: Member) -> int:
    return int(network.call(member, "chain_getHeader")["number"], 16)


def _resident_mib(network: LocalNetwork, member: Member) -> float:
    pid = network.pid(member)
    (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
