"""One simulated node: the real finality core and fork tree, over a disk and a network that lose things."""

from typing import TYPE_CHECKING

from consensus.finality.bls import BlsKey
from consensus.finality.chain import ChainView
from consensus.finality.core import FinalityCore
from consensus.finality.events import (
    BestBlock,
    BlockStored,
    BroadcastJustification,
    BroadcastNeighbour,
    BroadcastVotes,
    CatchUpReceived,
    CatchUpRequested,
    CheckVotes,
    FetchBlock,
    Finalise,
    FinalityEffect,
    FinalityInput,
    JustificationReceived,
    LocalTimeout,
    NeighbourReceived,
    PersistVotes,
    ReportEquivocation,
    ReportPeer,
    SendTo,
    SignVote,
    VotesChecked,
    VoteSigned,
    VotesReceived,
    WakeAt,
)
from consensus.finality.gossip import CatchUp, CatchUpRequest, Commit, Neighbour, Votes
from consensus.finality.justification import InvalidJustification
from consensus.finality.messages import SignedVote, Vote
from consensus.finality.vote_equivocation import verify_vote_equivocation
from consensus.fork_tree import BlockRef, ForkTree
from runtime.primitives.header import Header
from tests.simulation.disk import Disk, Final
from tests.simulation.network import Announce, Ask, Blocks, Message

if TYPE_CHECKING:
    from tests.simulation.world import World

MAX_BLOCKS_SENT = 64


def reference(header: Header, block_hash: bytes) -> BlockRef:
    """Half of all blocks are primary, so that fork choice is not by length alone."""
    return BlockRef(block_hash, header.number, header.parent_hash, bool(block_hash[0] & 1))


class SimNode:
    """Node `number` of `world`, with the finality key of that number."""

    correct = True

    def __init__(self, world: "World", number: int, key: BlsKey) -> None:
        self.world = world
        self.number = number
        self.name = number.to_bytes(2, "big")
        self.key = key
        self.disk = Disk()
        self.life = 0
        self.up = False
        self.crash_after: int | None = None
        self.reported = 0

    # -- life and death -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Come up with what the disk holds."""
        self.up, self.crash_after = True, None
        self.life += 1
        self.wake: int | None = None
        self.headers = {self.world.genesis_hash: self.world.genesis}
        self.orphans = dict[bytes, list[Header]]()
        for header in self.disk.headers:
            self.headers[self.world.hash_of(header)] = header
        final = self.disk.final
        root = self.world.genesis_hash if final is None else final.justification.target_hash
        self.tree = ForkTree(reference(self.headers[root], root))
        self.core = FinalityCore(
            self.disk.authorities or self.world.authorities,
            lambda: {self.key.public},
            ChainView(self.tree, self.headers.get),
            self.disk.journal,
            handovers=self.disk.handovers,
            times=self.world.times,
            scheme=self.world.scheme,
        )
        recent = sorted(self.headers.values(), key=lambda header: header.number)
        for header in recent:
            block_hash = self.world.hash_of(header)
            if header.parent_hash in self.tree and block_hash not in self.tree:
                self.tree.insert(reference(header, block_hash))
                self.feed(BlockStored(header))
        best = self.tree.best
        self.feed(BestBlock(best.hash, best.number))

    def crash(self) -> None:
        """Lose power: memory goes, and some of what was not synced."""
        if self.up:
            self.up = False
            self.disk.lose_power(self.world.random)

    # -- blocks -------------------------------------------------------------------------------------------

    def author(self, header: Header) -> None:
        """Store an own block and tell the others."""
        self.store(header)
        self.world.broadcast(self, Blocks((header,)))

    def store(self, header: Header) -> None:
        """Import a block, and those that waited for it."""
        pending = [header]
        while pending and self.up:
            header = pending.pop()
            block_hash = self.world.hash_of(header)
            if block_hash in self.tree or header.parent_hash not in self.tree:
                continue
            self.disk.write(header, sync=False)
            self.headers[block_hash] = header
            placement = self.tree.insert(reference(header, block_hash))
            self.feed(BlockStored(header))
            if placement.is_new_best and self.up:
                self.feed(BestBlock(block_hash, header.number))
            pending += self.orphans.pop(block_hash, [])

    def _receive_block(self, peer: int, header: Header) -> None:
        block_hash = self.world.hash_of(header)
        if block_hash in self.headers or header.number <= self.tree.root.number:
            return
        if header.parent_hash in self.tree:
            self.world.after(self.world.execution_ms, self, "import", lambda: self.store(header))
            return
        waiting = self.orphans.setdefault(header.parent_hash, [])
        if header not in waiting:
            waiting.append(header)
        self.world.send(self, peer, Ask(header.parent_hash, self.tree.root.number))

    def _serve(self, peer: int, request: Ask) -> None:
        chain, current = list[Header](), self.headers.get(request.block_hash)
        while current is not None and current.number > request.above and len(chain) < MAX_BLOCKS_SENT:
            chain.append(current)
            current = self.headers.get(current.parent_hash)
        if chain:
            self.world.send(self, peer, Blocks(tuple(reversed(chain))))

    def announce(self) -> None:
        """Tell a peer the own head: lost blocks are fetched again."""
        peers = [one for one in self.world.nodes if one is not self]
        if not peers:
            return
        best = self.tree.best
        self.world.send(self, self.world.random.choice(peers).number, Announce(best.hash, best.number))

    # -- messages and effects -----------------------------------------------------------------------------

    def receive(self, peer: int, message: Message) -> None:
        """A message from another node."""
        name = peer.to_bytes(2, "big")
        match message:
            case Blocks(headers):
                for header in headers:
                    self._receive_block(peer, header)
            case Ask():
                self._serve(peer, message)
            case Announce(block_hash, number):
                if block_hash not in self.headers and number > self.tree.root.number:
                    self.world.send(self, peer, Ask(block_hash, self.tree.root.number))
            case Votes(votes):
                self.feed(VotesReceived(name, votes))
            case Commit(justification):
                self.feed(JustificationReceived(justification, name))
            case Neighbour():
                self.feed(NeighbourReceived(name, message))
            case CatchUpRequest():
                self.feed(CatchUpRequested(name, message))
            case CatchUp():
                self.feed(CatchUpReceived(name, message))

    def feed(self, event: FinalityInput) -> None:
        """Hand an event to the core and carry out what it wants, unless power fails in between."""
        if not self.up:
            return
        try:
            effects = self.core.handle(event, self.world.local_time(self))
        except InvalidJustification:
            self.reported += 1
            return
        for effect in effects:
            if self.crash_after is not None:
                if self.crash_after == 0:
                    self.crash()
                    return
                self.crash_after -= 1
            self.carry_out(effect)

    def carry_out(self, effect: FinalityEffect) -> None:
        """One effect."""
        match effect:
            case PersistVotes(record):
                self.disk.write(record, sync=True)
            case SignVote(vote):
                self.sign(vote)
            case CheckVotes():
                valid = self.world.scheme.verify_votes(effect.votes, effect.voters)
                cost = 2 + len(effect.votes) // 4
                self.world.after(cost, self, "checked", lambda: self.feed(VotesChecked(effect, valid)))
            case WakeAt(unix_ms):
                self.wake = unix_ms
                delay = max(unix_ms - self.world.local_time(self), 0)
                self.world.after(delay, self, "wake", lambda: self._woken(unix_ms))
            case Finalise():
                self.finalise(effect)
            case BroadcastVotes(votes, own):
                if own:
                    self.broadcast_votes(votes)
                elif self.world.relays:
                    self.world.broadcast(self, Votes(votes))
            case BroadcastJustification(justification):
                self.world.broadcast(self, Commit(justification))
            case BroadcastNeighbour(neighbour):
                self.world.broadcast(self, neighbour)
            case SendTo(peer, message):
                self.world.send(self, int.from_bytes(peer, "big"), message)
            case FetchBlock(block_hash, _, peer):
                known = self.world.random.choice(self.world.nodes).name if peer is None else peer
                self.world.send(self, int.from_bytes(known, "big"), Ask(block_hash, self.tree.root.number))
            case ReportEquivocation(evidence):
                set_id = evidence.first.vote.set_id
                voter = verify_vote_equivocation(
                    evidence, self.world.checkers.sets[set_id], self.world.scheme
                )
                self.world.evidence.add((set_id, voter))
            case ReportPeer():
                self.reported += 1

    def sign(self, vote: Vote) -> None:
        """The signer answers a little later. By then the vote must be on disk."""
        journal = self.disk.journal
        if self.correct:
            self.world.checkers.journaled(
                vote, self.number, journal is not None and self.disk.holds_durably(journal), journal
            )
        signature = self.world.sign(self, vote)
        self.world.after(2, self, "signed", lambda: self.feed(VoteSigned(vote, signature)))

    def broadcast_votes(self, votes: tuple[SignedVote, ...]) -> None:
        """Send own votes."""
        self.world.broadcast(self, Votes(votes))

    def finalise(self, effect: Finalise) -> None:
        """Make a block final on disk and in the tree."""
        self.world.checkers.finalised(
            self.number, effect.justification, effect.authorities, correct=self.correct
        )
        self.disk.write(Final(effect.justification, effect.authorities), sync=True)
        step = self.tree.finalise(effect.justification.target_hash)
        self.world.made_final(self, step.finalised)

    def _woken(self, unix_ms: int) -> None:
        if self.wake == unix_ms:
            self.wake = None
            self.feed(LocalTimeout())
