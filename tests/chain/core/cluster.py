"""Several whole node cores in one process under virtual time: real stores, pools, blocks, votes and sync.

Messages take `DELAY_MS` and arrive in order; a partition loses them. Every slot each node is told of it with
what its pool holds, as the node's shell does.
"""

from functools import partial
from heapq import heappop, heappush
from itertools import count

from chain.authoring import Author, Proposer
from chain.core import (
    Continue,
    Continued,
    HeadChosen,
    NodeCore,
    NodeEffect,
    NodeInput,
    Report,
    Send,
    SendToAll,
    SlotBegan,
    Submit,
    TransactionsHeard,
    WakeAt,
    Woke,
)
from chain.finalising import BlockFinalised
from chain.keystore import Keystore
from chain.notifications import BlockImported
from chain.opening import assemble
from chain.store import KeyValue, MemoryKeyValue
from chain.transactions import Transactions
from consensus.ownership import BlsCrypto
from genesis.build import build_genesis
from genesis.presets import testnet as network_of
from genesis.timing import runtime_of
from network.messages import (
    BlockPoint,
    Message,
    MessageReceived,
    PeerConnected,
    PeerDisconnected,
    PeerId,
    Role,
    Status,
)
from runtime.inference_engine import LocalEngine

SLOT_MS, EPOCH_SLOTS, DELAY_MS = 1_000, 10, 50
START_MS = 1_700_000_000_000
SPEC = network_of(4, SLOT_MS, EPOCH_SLOTS)
RUNTIME = runtime_of(SPEC, LocalEngine(), BlsCrypto())
GENESIS = build_genesis(SPEC, RUNTIME)


class Seat:
    """One node: its core over a database, its pool, and what it said."""

    def __init__(self, world: "Cluster", number: int, uri: str | None, kv: KeyValue) -> None:
        self.world = world
        self.number = number
        self.peer = PeerId(number.to_bytes(32, "big"))
        self.uri = uri
        self.kv = kv
        self.final = list[bytes]()
        self.reports = list[Report]()
        self.submitted = list[str]()
        self.is_up = False

    def start(self) -> None:
        """Come up with what the database holds."""
        self.chain = assemble(self.kv, GENESIS, RUNTIME)
        self.store = self.chain.store
        self.pool = Transactions(self.store, RUNTIME, lambda: self.world.now)
        keys = Keystore(None, (self.uri,)) if self.uri is not None else None
        author = None
        if keys is not None:
            proposer = Proposer(self.store, RUNTIME)
            author = Author(self.store, self.chain.importer, proposer, self.chain.checker, keys)
        finaliser = self.chain.finaliser(keys)
        self.core = NodeCore(self.chain, author, finaliser, self._clock, force_authoring=True)
        self.is_up, self.wake = True, 0
        self.perform(self.core.start(self._clock()))

    def _clock(self) -> int:
        """No two clocks show the same, so that no two nodes build the same block."""
        return START_MS + self.world.now + self.number

    def feed(self, event: NodeInput) -> None:
        """Let the core handle an event, and do what it wants."""
        if self.is_up:
            self.perform(self.core.handle(event, self._clock()))

    def perform(self, effects: list[NodeEffect]) -> None:
        """The shell's part."""
        for effect in effects:
            match effect:
                case Send(peer, message):
                    self.world.send(self, peer, message)
                case SendToAll(message, known_to):
                    for other in self.world.linked(self):
                        if other.peer != known_to:
                            self.world.send(self, other.peer, message)
                case WakeAt(ms):
                    self.wake = ms
                    self.world.at(ms - START_MS, lambda ms=ms: self._woke(ms))
                case Continue():
                    self.world.at(self.world.now, lambda: self.feed(Continued()))
                case BlockImported():
                    self.pool.block_imported(effect)
                case HeadChosen(block):
                    self.pool.block_imported(block)
                case BlockFinalised(_, result, _):
                    self.pool.block_finalised(effect)
                    self.final += result.enacted
                case TransactionsHeard(_, extrinsics):
                    for extrinsic in extrinsics:
                        self.pool.submit_now(extrinsic, local=False)
                case Submit(extrinsic, what):
                    self.submitted.append(what)
                    self.pool.submit_now(extrinsic)
                case Report():
                    self.reports.append(effect)

    def _woke(self, ms: int) -> None:
        if self.wake == ms:
            self.feed(Woke())


class Cluster:
    """Nodes with the validators' keys of these numbers (None: a follower), all connected."""

    def __init__(self, *keys: int | None) -> None:
        self.now = 0
        self._queue = list[tuple[int, int, object]]()
        self._numbers = count()
        self._parted = dict[int, int]()
        uris = [f"//Validator//{key}" if key is not None else None for key in keys]
        self.seats = [Seat(self, number, uri, MemoryKeyValue()) for number, uri in enumerate(uris)]
        for seat in self.seats:
            seat.start()
        for seat in self.seats:
            self.connect(seat)
        # In the middle of a slot, so that a run of whole slots ends when its blocks have spread.
        self.at(SLOT_MS // 2, self._slot)

    def at(self, time: int, do: object) -> None:
        """Do something at a time."""
        heappush(self._queue, (max(time, self.now), next(self._numbers), do))

    def run(self, slots: int) -> None:
        """Let some slots pass."""
        until = self.now + slots * SLOT_MS
        while self._queue and self._queue[0][0] <= until:
            self.now, _, do = heappop(self._queue)
            assert callable(do)
            do()
        self.now = until

    def _slot(self) -> None:
        self.at(self.now + SLOT_MS, self._slot)
        slot = (START_MS + self.now) // SLOT_MS
        for seat in self.seats:
            if seat.uri is not None and seat.is_up:
                seat.feed(SlotBegan(slot, tuple(seat.pool.pending())))

    # -- network ------------------------------------------------------------------------------------------

    def linked(self, seat: Seat) -> list[Seat]:
        """Whom a node is connected to now."""
        side = self._parted.get(seat.number)
        return [
            one
            for one in self.seats
            if one is not seat and one.is_up and self._parted.get(one.number) == side
        ]

    def send(self, source: Seat, target: PeerId, message: Message) -> None:
        """One message, unless a partition lies between."""
        for other in self.linked(source):
            if other.peer == target:
                self.at(self.now + DELAY_MS, partial(other.feed, MessageReceived(source.peer, message)))

    def connect(self, seat: Seat) -> None:
        """Introduce a node to those that it is not parted from."""
        for other in self.linked(seat):
            for one, peer in ((seat, other), (other, seat)):
                best, final = peer.store.best(), peer.store.finalized()
                points = BlockPoint(best.hash, best.number), BlockPoint(final.hash, final.number)
                one.feed(PeerConnected(peer.peer, Status(peer.store.genesis_hash, Role.FULL, *points, "sim")))

    def part(self, *numbers: int) -> None:
        """Cut these nodes off from the others."""
        self._parted = dict.fromkeys(numbers, 1)
        for seat in self.seats:
            for other in self.seats:
                if self._parted.get(seat.number) != self._parted.get(other.number):
                    seat.feed(PeerDisconnected(other.peer))

    def heal(self) -> None:
        """Connect everybody with everybody again."""
        parted, self._parted = self._parted, {}
        for number in sorted(parted):
            self.connect(self.seats[number])

    def crash(self, seat: Seat) -> None:
        """Lose all memory; the database stays, since every write to it is synced."""
        seat.is_up = False
        for other in self.seats:
            other.feed(PeerDisconnected(seat.peer))

    def restart(self, seat: Seat) -> None:
        """Come up again and meet the others."""
        seat.start()
        self.connect(seat)

    def agreed(self) -> int:
        """The lowest final height of all that are up; below it all agree, else this fails."""
        up = [seat for seat in self.seats if seat.is_up]
        lowest = min(seat.store.finalized().number for seat in up)
        for number in range(lowest + 1):
            assert len({seat.store.block_hash(number) for seat in up}) == 1, f"final blocks {number} differ"
        return lowest
