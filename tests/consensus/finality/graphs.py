"""Small trees of named blocks for the vote counting tests, and voters without keys of their own."""

from collections.abc import Sequence
from functools import cache

from consensus.authorities import VoterSet
from consensus.finality.chain import ChainView, Target
from consensus.finality.messages import Stage, Vote
from consensus.finality.round import Round
from consensus.finality.tally import Counting
from consensus.fork_tree import BlockRef, ForkTree
from runtime.primitives.hashing import blake2_256
from tests.consensus.builders import voter_set

UNSIGNED = bytes(96)


def name_hash(name: str) -> bytes:
    return blake2_256(name.encode())


class NamedTree:
    """Branches given as (parent, names); genesis has number 1, as in the vectors."""

    def __init__(self, branches: Sequence[tuple[str, Sequence[str]]]) -> None:
        self.refs = {"genesis": BlockRef(name_hash("genesis"), 1, bytes(32), False)}
        self.tree = ForkTree(self.refs["genesis"])
        for parent, names in branches:
            for name in names:
                above = self.refs[parent]
                self.refs[name] = BlockRef(name_hash(name), above.number + 1, above.hash, False)
                self.tree.insert(self.refs[name])
                parent = name
        self.names = {ref.hash: name for name, ref in self.refs.items()}
        self.chain = ChainView(self.tree, lambda _: None)

    def target(self, name: str) -> Target:
        return Target(self.refs[name].hash, self.refs[name].number)

    def name(self, target: Target | None) -> str | None:
        return None if target is None else self.names[target.hash]


@cache
def _voters(weights: tuple[int, ...]) -> VoterSet:
    return voter_set(weights)[0]


class NamedRound:
    """A round whose voters are numbered and whose blocks have names."""

    def __init__(self, tree: NamedTree, weights: Sequence[int], base: str = "genesis") -> None:
        self.tree = tree
        self.voters = _voters(tuple(weights))
        self.round = Round(1, self.voters, tree.target(base))

    def vote(self, stage: Stage, voter: int, name: str) -> Counting:
        target = self.tree.target(name)
        vote = Vote(stage, target.hash, target.number, 1, 0)
        return self.round.count(vote, voter, UNSIGNED, self.tree.chain)

    def described(self) -> dict[str, object]:
        state = self.round.state
        return {
            "prevote_ghost": self.tree.name(state.prevote_ghost),
            "estimate": self.tree.name(state.estimate),
            "finalized": self.tree.name(state.finalised),
            "completable": state.completable,
        }
