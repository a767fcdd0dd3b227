"""A cluster in one process: virtual time, one seed, one event hash."""

from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush
from random import Random

from consensus.authorities import Voter, VoterSet
from consensus.finality.changes import AuthorityRecord
from consensus.finality.messages import Vote
from consensus.finality.scheme import BLS, SignatureScheme
from consensus.finality.voting import Times
from consensus.fork_tree import BlockRef
from runtime.primitives.digest import Digest, DigestItem
from runtime.primitives.header import Header
from tests.simulation.checkers import Checkers
from tests.simulation.network import Message, Network
from tests.simulation.node import SimNode
from tests.simulation.signing import ToyScheme, bls_key, toy_signature

GENESIS = Header(bytes(32), 0, bytes(32), bytes(32), Digest())
START_MS = 1_700_000_000_000


class World:
    """`kinds` are the nodes' classes; the members of the first voter set are the first of them."""

    def __init__(
        self,
        seed: int,
        kinds: list[type[SimNode]],
        weights: list[int],
        *,
        network: Network | None = None,
        slot_ms: int = 1_000,
        real_bls: bool = False,
        accountable: bool = False,
        keys: list[int] | None = None,
    ) -> None:
        self.random = Random(seed)
        self.now = 0
        self.network = network or Network()
        self.times = Times()
        self.slot_ms = slot_ms
        self.execution_ms = 50
        self.fork_percent = 0
        self.relays = False
        self.author_percent = 100
        self.authors = dict[int, tuple[int, ...]]()
        self.scheme: SignatureScheme = BLS if real_bls else ToyScheme()
        self._real_bls = real_bls
        self.genesis, self.genesis_hash = GENESIS, GENESIS.hash()
        self._hashes = {GENESIS: self.genesis_hash}
        names = keys or list(range(len(kinds)))
        self.members = tuple(
            Voter(bls_key(number + 1).public, weight) for number, weight in enumerate(weights)
        )
        self.authorities = AuthorityRecord(0, self.members)
        self.checkers = Checkers(self.scheme, VoterSet(0, self.members), GENESIS, accountable=accountable)
        self.nodes = [
            kind(self, number, bls_key(name + 1))
            for number, (kind, name) in enumerate(zip(kinds, names, strict=True))
        ]
        self.skews = [0] * len(kinds)
        self.evidence = set[tuple[int, int]]()
        self.latencies = list[int]()
        self.events = 0
        self.digest_of_block: Callable[[int], tuple[DigestItem, ...]] = lambda number: ()
        self._authored = dict[bytes, int]()
        self._queue: list[tuple[int, int, int, int, str, Callable[[], None]]] = []
        self._count = 0
        self._trace = blake2b(digest_size=16)
        for node in self.nodes:
            self.at(self.random.randrange(100), None, "start", node.start)
            self.at(
                1_000 + self.random.randrange(1_000), None, "announce", lambda node=node: self._announce(node)
            )
        self.at(slot_ms, None, "slot", lambda: self._slot(1))

    # -- time ---------------------------------------------------------------------------------------------

    def at(self, time: int, node: SimNode | None, what: str, do: Callable[[], None]) -> None:
        """Do something at a time; for a node only if it has not crashed until then."""
        self._count += 1
        number, life = (-1, 0) if node is None else (node.number, node.life)
        heappush(self._queue, (time, self._count, number, life, what, do))

    def after(self, delay: int, node: SimNode | None, what: str, do: Callable[[], None]) -> None:
        """Do something a while from now."""
        self.at(self.now + delay, node, what, do)

    def run_until(self, time: int) -> None:
        """Let everything happen up to a time."""
        while self._queue and self._queue[0][0] <= time:
            self.now, _, number, life, what, do = heappop(self._queue)
            if number >= 0:
                node = self.nodes[number]
                if not node.up or node.life != life:
                    continue
            self.events += 1
            self._trace.update(b"%d %d %s;" % (self.now, number, what.encode()))
            do()
        self.now = time

    @property
    def event_hash(self) -> str:
        """Sums up what happened, in order."""
        final = b"".join(self.checkers.final[number] for number in sorted(self.checkers.final))
        return blake2b(self._trace.digest() + final, digest_size=16).hexdigest()

    def local_time(self, node: SimNode) -> int:
        """What the node's clock shows (unix ms)."""
        return START_MS + self.now + self.skews[node.number]

    # -- network ------------------------------------------------------------------------------------------

    def send(self, source: SimNode, target: int, message: Message) -> None:
        """One message, which may be lost, late or doubled."""

        # A message finds the node in whatever life it has then.
        def deliver() -> None:
            if self.nodes[target].up:
                self.nodes[target].receive(source.number, message)

        for delay in self.network.deliveries(self.random, source.number, target):
            self.after(delay, None, type(message).__name__, deliver)

    def broadcast(self, source: SimNode, message: Message) -> None:
        """The same message to all others."""
        for node in self.nodes:
            if node is not source:
                self.send(source, node.number, message)

    # -- blocks -------------------------------------------------------------------------------------------

    def _slot(self, slot: int) -> None:
        self.after(self.slot_ms, None, "slot", lambda: self._slot(slot + 1))
        if slot in self.authors:
            for number in self.authors[slot]:
                node = self.nodes[number]
                self.after(
                    self.execution_ms, node, "author", lambda one=node: self._author(one, one.tree.best, slot)
                )
            return
        alive = [node for node in self.nodes if node.up]
        if not alive or self.random.randrange(100) >= self.author_percent:
            return
        if self.random.randrange(100) < self.fork_percent:
            rival = self.random.choice(alive)
            branch = self.random.choice(rival.tree.leaves)
            self.after(self.execution_ms, rival, "author", lambda: self._author(rival, branch, slot))
        author = alive[slot % len(alive)]
        self.after(self.execution_ms, author, "author", lambda: self._author(author, author.tree.best, slot))

    def _author(self, author: SimNode, parent: BlockRef, slot: int) -> None:
        if parent.hash not in author.tree:
            return
        state = slot.to_bytes(8, "big") + author.name.rjust(24, b"\0")
        logs = self.digest_of_block(parent.number + 1)
        header = Header(parent.hash, parent.number + 1, state, bytes(32), Digest(logs))
        block_hash = self.hash_of(header)
        self._authored.setdefault(block_hash, self.now)
        self.checkers.block(header, block_hash)
        author.author(header)

    def _announce(self, node: SimNode) -> None:
        self.after(1_000, None, "announce", lambda: self._announce(node))
        if node.up:
            node.announce()

    def hash_of(self, header: Header) -> bytes:
        """The header's hash, computed once."""
        found = self._hashes.get(header)
        if found is None:
            found = self._hashes[header] = header.hash()
        return found

    def made_final(self, node: SimNode, blocks: tuple[BlockRef, ...]) -> None:
        """For the figures: how long after its authoring a block became final on a correct node."""
        if node.correct:
            self.latencies += [self.now - self._authored[block.hash] for block in blocks]

    # -- votes --------------------------------------------------------------------------------------------

    def sign(self, node: SimNode, vote: Vote) -> bytes:
        """A signature by a node's key, noted by the checkers."""
        voter = self.checkers.sets[vote.set_id].index_of(node.key.public)
        assert voter is not None, "only a voter signs"
        self.checkers.signed(vote, voter, correct=node.correct)
        payload = vote.payload()
        return node.key.sign(payload) if self._real_bls else toy_signature(node.key.public, payload)

    @property
    def correct(self) -> list[SimNode]:
        return [node for node in self.nodes if node.correct]

    def lowest_final(self) -> int:
        """How far every correct node that is up has got."""
        return min(node.tree.root.number for node in self.correct if node.up)

    def check_bounds(self) -> None:
        """Memory that grows with votes, not with time."""
        for node in self.correct:
            assert len(node.core._rounds.newest_first()) <= 5
            assert len(node.core._intake._parked) <= 10 * len(node.core.voters)
