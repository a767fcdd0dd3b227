"""One seat at a table of voters: a real core, whose fellow voters are played by the test."""

from dataclasses import dataclass, field
from typing import TypeVar

from consensus.authorities import Voter
from consensus.finality.chain import ChainView
from consensus.finality.changes import AuthorityRecord
from consensus.finality.core import FinalityCore
from consensus.finality.events import (
    BestBlock,
    BlockStored,
    CheckVotes,
    Finalise,
    FinalityEffect,
    FinalityInput,
    JustificationReceived,
    PersistVotes,
    SignVote,
    VotesChecked,
    VoteSigned,
    VotesReceived,
)
from consensus.finality.journal import RoundRecord
from consensus.finality.justification import Justification, assemble
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.finality.voting import Times
from consensus.fork_tree import BlockRef, ForkTree
from runtime.primitives.header import Header
from tests.consensus.builders import GENESIS, chain
from tests.simulation.signing import ToyScheme, toy_signature, voter

NOW = 1_000_000
TIMES = Times()
PEER = b"peer"
MAIN = chain(8)
FORK = chain(4, parent=MAIN[0], state=9)

E = TypeVar("E")


@dataclass
class Seat:
    """Voter `index` of `size` equal ones; signatures and checks are answered at once."""

    index: int | None = 0
    size: int = 4
    core: FinalityCore = field(init=False)

    def __post_init__(self) -> None:
        self.members: tuple[Voter, ...] = tuple(voter(number) for number in range(self.size))
        self.tree = ForkTree(BlockRef(GENESIS.hash(), 0, bytes(32), False))
        self.headers = {GENESIS.hash(): GENESIS}
        self.now = NOW
        self.effects: list[FinalityEffect] = []
        self.journal: RoundRecord | None = None
        key = self.members[self.index].key if self.index is not None else None
        self.core = FinalityCore(
            AuthorityRecord(0, self.members),
            lambda: {key} if key is not None else set(),
            ChainView(self.tree, self.headers.get),
            times=TIMES,
            scheme=ToyScheme(),
        )

    def feed(self, event: FinalityInput, after: int = 0) -> list[FinalityEffect]:
        """Handle an event `after` ms later, with all that follows; the answer is every effect of it."""
        self.now += after
        done = self._handle(event)
        self.effects += done
        return done

    def _handle(self, event: FinalityInput) -> list[FinalityEffect]:
        done = list[FinalityEffect]()
        for effect in self.core.handle(event, self.now):
            done.append(effect)
            match effect:
                case PersistVotes(record):
                    self.journal = record
                case SignVote(vote):
                    assert self.journal is not None
                    assert vote in self.journal.votes, "a vote is signed before it is durable"
                    done += self._handle(VoteSigned(vote, self.signature(self.index or 0, vote)))
                case CheckVotes():
                    valid = ToyScheme().verify_votes(effect.votes, effect.voters)
                    done += self._handle(VotesChecked(effect, valid))
                case Finalise(justification):
                    self.tree.finalise(justification.target_hash)
        return done

    def signature(self, voter_index: int, vote: Vote) -> bytes:
        return toy_signature(self.members[voter_index].key, vote.payload())

    def blocks(self, *headers: Header, best: bool = True) -> list[FinalityEffect]:
        """Store blocks, the last of them as the best."""
        done = list[FinalityEffect]()
        for header in headers:
            self.headers[header.hash()] = header
            self.tree.insert(BlockRef(header.hash(), header.number, header.parent_hash, False))
            done += self.feed(BlockStored(header))
        return done + (self.feed(BestBlock(headers[-1].hash(), headers[-1].number)) if best else [])

    def vote(self, stage: Stage, voter_index: int, header: Header, number: int = 1) -> SignedVote:
        """The vote of another voter."""
        vote = Vote(stage, header.hash(), header.number, number, self.core.voters.set_id)
        return SignedVote(vote, voter_index, self.signature(voter_index, vote))

    def votes(
        self, stage: Stage, voters: list[int], header: Header, number: int = 1
    ) -> tuple[SignedVote, ...]:
        return tuple(self.vote(stage, one, header, number) for one in voters)

    def hear(self, *votes: SignedVote, peer: bytes = PEER) -> list[FinalityEffect]:
        """Votes arrive from a peer."""
        return self.feed(VotesReceived(peer, votes))

    def justification(self, header: Header, voters: list[int], number: int = 1) -> Justification:
        votes = self.votes(Stage.PRECOMMIT, voters, header, number)
        return assemble((header.hash(), header.number), votes, self.core.voters, scheme=ToyScheme())

    def commit(self, header: Header, number: int = 1, peer: bytes | None = PEER) -> list[FinalityEffect]:
        """A commit arrives."""
        return self.feed(JustificationReceived(self.justification(header, [1, 2, 3], number), peer))

    def own(self, stage: Stage, number: int = 1) -> int | None:
        """The height of the own vote of a stage, where it was journaled."""
        records = [one.record for one in self.effects if isinstance(one, PersistVotes)]
        votes = [vote for record in records if record.round == number for vote in record.votes]
        return next((vote.target_number for vote in reversed(votes) if vote.stage is stage), None)


def only(effects: list[FinalityEffect], kind: type[E]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]
