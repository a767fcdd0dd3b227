"""Warp synchronisation on this machine: a new node's database goes from genesis to a recent final block.

It comes before the node itself runs: the network is served by what genesis holds, the pure core says what to
ask and to store, and afterwards the database is opened again. Nothing but the chain specification is trusted.
A node that is stopped on the way goes on where it was.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from chain.clock import unix_ms
from chain.config import NodeConfig
from chain.core.stored import StoredChain
from chain.finalising import AUTHORITIES_RECORD, handover_key
from chain.logs import Log
from chain.opening import Chain
from chain.peers_file import load_identity, write_peers
from chain.rpc.table import program_version
from chain.store import ImportTarget, KeyValue, StateImport
from consensus.finality.changes import AUTHORITY_RECORD, AuthorityRecord
from network.messages import (
    MessageReceived,
    NetworkEvent,
    PeerConnected,
    PeerDisconnected,
    Request,
    Response,
    Role,
    Status,
)
from network.service import NetworkService
from network.serving import answer
from network.sync import Answered, PeerGone, PeerJoined, Report, Tick, WakeAt
from network.sync.warp import WarpCore
from network.sync.warp_events import (
    ArtifactFetched,
    ArtifactsMissing,
    Ask,
    Complete,
    RangeProved,
    Resumed,
    StateComplete,
    TargetLost,
    TargetProved,
    WarpEffect,
    WarpInput,
    WarpTarget,
)
from runtime.pallets.models import Models

MAX_WAITING_EVENTS = 1_024
"""Messages that wait for the core; what comes on top is lost, which a new request after a while repairs."""

FULL_SECONDS = 0.1
"""How long a tick waits while there is no room for it."""

Outcome: TypeAlias = Ask | Report | WakeAt | Complete

log = Log("warp")


class Warping:
    """What the core wants stored, on the thread that writes to the database; the rest is handed on."""

    def __init__(self, kv: KeyValue, genesis: AuthorityRecord) -> None:
        self._import = StateImport(kv)
        target, resumed = self._import.target, None
        if target is not None:
            log.info("State import goes on", number=target.header.number, hash=target.header.hash())
            resumed = Resumed(target.header, self._import.cursor, self._import.is_complete)
        self._core = WarpCore(genesis, resumed)
        self._entries = 0

    def start(self, now: int) -> list[Outcome]:
        """Go on where the database stops; call it once, first."""
        return self._carry_out(self._core.start(), now)

    def handle(self, event: WarpInput, now: int) -> list[Outcome]:
        """React to one event at unix time `now` (ms). After `Complete` the database must be opened again."""
        return self._carry_out(self._core.handle(event, now), now)

    def _carry_out(self, effects: list[WarpEffect], now: int) -> list[Outcome]:
        outcomes = list[Outcome]()
        for effect in effects:
            match effect:
                case TargetProved(target):
                    header, handovers = target.header, len(target.handovers)
                    log.info(
                        "Final block proved", number=header.number, hash=header.hash(), handovers=handovers
                    )
                    self._import.begin(import_target(target))
                case RangeProved(entries, complete):
                    self._import.add(entries, complete=complete)
                    self._entries += len(entries)
                case StateComplete():
                    missing = tuple(self._missing_artifacts())
                    log.info("State fetched", entries=self._entries, artifacts_missing=len(missing))
                    outcomes += self.handle(ArtifactsMissing(missing), now)
                case ArtifactFetched(content):
                    self._import.put_artifact(content)
                case TargetLost():
                    log.warn("No peer has the state any more: a newer one is looked for")
                    self._import.abandon()
                    self._entries = 0
                case Complete():
                    self._import.activate()
                    outcomes.append(effect)
                case _:
                    outcomes.append(effect)
        return outcomes

    def _missing_artifacts(self) -> Iterator[bytes]:
        """Pieces of models, published or on their way, that the state names and nobody has brought yet."""
        seen = set[bytes]()
        for item in (Models.chunks, Models.upload_chunks):
            for _, content_hash in self._import.staged(item.prefix):
                if content_hash not in seen and not self._import.has_artifact(content_hash):
                    seen.add(content_hash)
                    yield content_hash


def import_target(target: WarpTarget) -> ImportTarget:
    """What the store keeps of a proved block: with it who rules, and each handover, to prove it to others."""
    aux = {AUTHORITIES_RECORD: AUTHORITY_RECORD.encode(target.authorities)}
    ancestors = list[tuple[bytes, bytes | None]]()
    for handover in target.handovers:
        *waiting, enacting = handover.headers
        aux[handover_key(handover.justification.set_id)] = enacting.hash()
        ancestors += ((header.encode(), None) for header in waiting)
        ancestors.append((enacting.encode(), handover.justification.encode()))
    if target.authorities.set_id != target.justification.set_id:
        aux[handover_key(target.justification.set_id)] = target.header.hash()
    return ImportTarget(target.header, target.body, target.justification.encode(), aux, tuple(ancestors))


class WarpNode:
    """A node that only warps: `run` ends when the database is complete, and `is_complete` tells so."""

    def __init__(self, config: NodeConfig, chain: Chain) -> None:
        assert config.network is not None, "there is nobody to ask"
        self.is_complete = False
        self._folder = config.folder.network
        self._genesis = chain.genesis.header.hash()
        self._warping = Warping(chain.store.kv, chain.authorities)
        self._stored = StoredChain(chain.store)
        self._events = asyncio.Queue[tuple[NetworkEvent | Tick, Callable[[], None]]](MAX_WAITING_EVENTS)
        self._timer: asyncio.TimerHandle | None = None
        identity = config.identity or load_identity(config.folder.network)
        self._network = NetworkService(config.network, identity, self._status, self._hear, unix_ms)

    async def run(self) -> None:
        """Fetch until all is there, or until cancelled."""
        log.info("Warp synchronisation begins; clients are served when it has ended")
        serving = asyncio.ensure_future(self._network.run())
        working = asyncio.ensure_future(self._work())
        try:
            await asyncio.wait((serving, working), return_when=asyncio.FIRST_COMPLETED)
            for task in (serving, working):
                if task.done():
                    task.result()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for task in (serving, working):
                task.cancel()
            await asyncio.gather(serving, working, return_exceptions=True)
            write_peers(self._folder, self._network.proved_addresses())

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "writer") as writer:
            self._perform(await loop.run_in_executor(writer, lambda: self._warping.start(unix_ms())))
            while not self.is_complete:
                event, done = await self._events.get()
                try:
                    told = self._told(event)
                    if told is not None:
                        work = lambda told=told: self._warping.handle(told, unix_ms())  # noqa: E731
                        self._perform(await loop.run_in_executor(writer, work))
                finally:
                    done()

    def _told(self, event: NetworkEvent | Tick) -> WarpInput | None:
        """What the core hears of an event; others' requests are answered from genesis."""
        match event:
            case Tick():
                return event
            case PeerConnected(peer, status):
                return PeerJoined(peer, status)
            case PeerDisconnected(peer):
                return PeerGone(peer)
            case MessageReceived(peer, Response(number, body)):
                return Answered(peer, number, body)
            case MessageReceived(peer, Request(number, body)):
                self._network.send(peer, Response(number, answer(body, self._stored)))
        return None

    def _perform(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Ask(peer, number, body):
                    self._network.send(peer, Request(number, body))
                case Report(peer, fault, detail):
                    log.warn("A peer did not help", fault=fault.value, detail=detail)
                    self._network.report(peer, fault, detail)
                case WakeAt(ms):
                    self._wake_at(ms)
                case Complete():
                    self.is_complete = True
                    log.info("Warp synchronisation is complete")

    def _wake_at(self, ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(ms - unix_ms(), 0) / 1000
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        if self._events.full():
            # A tick must not be lost: nothing else would ask again.
            self._timer = asyncio.get_running_loop().call_later(FULL_SECONDS, self._tick)
        else:
            self._hear(Tick(), lambda: None)

    def _hear(self, event: NetworkEvent | Tick, done: Callable[[], None]) -> None:
        if self._events.full():
            done()
            return
        self._events.put_nowait((event, done))

    def _status(self) -> Status:
        best, final = self._stored.best, self._stored.finalised
        return Status(self._genesis, Role.FULL, best, final, f"fixpoint/{program_version()}")
