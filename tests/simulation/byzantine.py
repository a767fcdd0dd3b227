"""Nodes that break the rules. They run the real core for its view, and lie about what they say."""

from consensus.finality.events import FinalityInput
from consensus.finality.gossip import CatchUp, CatchUpRequest, Commit, Neighbour, Votes
from consensus.finality.messages import SignedVote, Stage, Vote
from tests.simulation.network import Message
from tests.simulation.node import SimNode


class Silent(SimNode):
    """Votes for nothing, and answers nobody."""

    correct = False

    def broadcast_votes(self, votes: tuple[SignedVote, ...]) -> None:
        """Say nothing."""

    def receive(self, peer: int, message: Message) -> None:
        """Pass blocks on, but no finality."""
        if not isinstance(message, Votes | Commit | Neighbour | CatchUpRequest | CatchUp):
            super().receive(peer, message)


class Equivocator(SimNode):
    """Tells each peer one of two votes, for any blocks it knows, and votes out of turn."""

    correct = False

    def broadcast_votes(self, votes: tuple[SignedVote, ...]) -> None:
        """Another vote for about half of the peers."""
        for signed in votes:
            other = self._vote(signed.vote.stage, signed.vote.round)
            for node in self.world.nodes:
                said = signed if self.world.random.randrange(2) else other
                if node is not self and said is not None:
                    self.world.send(self, node.number, Votes((said,)))

    def feed(self, event: FinalityInput) -> None:
        """Now and then vote for anything at all."""
        super().feed(event)
        if self.up and self.world.random.randrange(20) == 0:
            number = self.core.current_round + self.world.random.randrange(-1, 2)
            wild = self._vote(Stage(self.world.random.randrange(3)), max(number, 1))
            if wild is not None:
                self.world.broadcast(self, Votes((wild,)))

    def _vote(self, stage: Stage, number: int) -> SignedVote | None:
        voters = self.core.voters
        index = voters.index_of(self.key.public)
        if index is None or voters.set_id not in self.world.checkers.sets:
            return None
        blocks = [*self.tree.leaves, self.tree.root, self.tree.best]
        target = self.world.random.choice(blocks)
        vote = Vote(stage, target.hash, target.number, number, voters.set_id)
        return SignedVote(vote, index, self.world.sign(self, vote))


class Divider(Equivocator):
    """Precommits with node 0, and tells all others of another block: one sees a decision, they do not."""

    def broadcast_votes(self, votes: tuple[SignedVote, ...]) -> None:
        """One vote for node 0, another for the rest."""
        for signed in votes:
            other = self._vote(signed.vote.stage, signed.vote.round)
            for node in self.world.nodes:
                said = signed if node.number == 0 or signed.vote.stage is Stage.PREVOTE else other
                if node is not self and said is not None:
                    self.world.send(self, node.number, Votes((said,)))


class Liar(SimNode):
    """Claims to be far ahead, answers catch-up requests with rubbish, forges signatures and commits."""

    correct = False

    def receive(self, peer: int, message: Message) -> None:
        """Answer with lies."""
        match message:
            case Neighbour():
                ahead = Neighbour(
                    message.round + self.world.random.randrange(5),
                    message.set_id,
                    message.finalised,
                    message.prevotes,
                    message.precommits,
                )
                self.world.send(self, peer, ahead)
            case CatchUpRequest(number, set_id):
                self.world.send(self, peer, CatchUp(number + 3, set_id, self._forged(number + 3)))
            case Votes(votes):
                self.world.send(self, peer, Votes(self._forged(votes[0].vote.round)))
                super().receive(peer, message)
            case Commit(justification):
                groups = justification.groups[:1]
                bad = type(justification)(
                    justification.round + 1,
                    justification.set_id,
                    justification.target_hash,
                    justification.target_number + 1,
                    groups,
                )
                self.world.send(self, peer, Commit(bad))
                super().receive(peer, message)
            case _:
                super().receive(peer, message)

    def _forged(self, number: int) -> tuple[SignedVote, ...]:
        best = self.tree.best
        return tuple(
            SignedVote(Vote(stage, best.hash, best.number, number, self.core.voters.set_id), voter, bytes(96))
            for stage in (Stage.PREVOTE, Stage.PRECOMMIT)
            for voter in range(len(self.core.voters))
        )


class Twin(SimNode):
    """One of two nodes with the same key, each of which believes itself correct (Twins, arXiv 2004.10617)."""

    correct = False


class Forgetful(SimNode):
    """A validator restored from a backup: every start finds an empty journal."""

    correct = False

    def start(self) -> None:
        """Come up without a memory of the own votes."""
        self.disk.forget_votes()
        super().start()
