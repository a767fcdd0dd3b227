"""Checkers are worth something only if they catch bugs: each test here breaks one rule of the core."""

from collections.abc import Callable

import pytest

from consensus.authorities import VoterSet
from consensus.finality.chain import ChainView, Target
from consensus.finality.core import FinalityCore
from consensus.finality.events import FinalityEffect, FinalityInput, PersistVotes
from consensus.finality.justification import Justification, assemble
from consensus.finality.messages import Stage
from consensus.finality.round import Round
from consensus.finality.rounds import Rounds
from consensus.finality.scheme import SignatureScheme
from consensus.finality.vote_graph import VoteNode
from tests.simulation.byzantine import Divider, Equivocator
from tests.simulation.checkers import Violation
from tests.simulation.network import Network
from tests.simulation.node import SimNode
from tests.simulation.world import World

MAX_SEEDS = 40


def split_world(seed: int) -> World:
    """Four voters, one of whom tells everybody something else, and forks in a partitioned network."""
    world = World(seed, [SimNode] * 3 + [Equivocator], [1] * 4, network=Network(loss=20, jitter_ms=300))
    world.fork_percent = 80
    for start in range(1_000, 15_000, 3_000):
        groups = {node.number: (node.number + start // 3_000) % 2 for node in world.nodes}
        world.at(start, None, "partition", lambda groups=groups: setattr(world.network, "groups", groups))
        world.at(start + 2_000, None, "heal", lambda: setattr(world.network, "groups", None))
    return world


def divided_world(seed: int) -> World:
    """One of four precommits with node 0 and tells the others of another branch; fork choice often turns."""
    world = World(seed, [SimNode] * 3 + [Divider], [1] * 4, network=Network(loss=20, jitter_ms=300))
    world.fork_percent = 60
    return world


def is_caught(build: Callable[[int], World]) -> int | None:
    """The first seed that shows the bug."""
    for seed in range(MAX_SEEDS):
        world = build(seed)
        try:
            world.run_until(16_000)
        except Violation:
            return seed
    return None


def test_without_a_bug_nothing_is_found() -> None:
    for seed in range(4):
        split_world(seed).run_until(16_000)
        divided_world(seed).run_until(16_000)


def test_accepting_two_thirds_less_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = VoterSet.__post_init__

    def wrong(self: VoterSet) -> None:
        right(self)
        object.__setattr__(self, "threshold", max(self.threshold - 1, 1))

    monkeypatch.setattr(VoterSet, "__post_init__", wrong)
    assert is_caught(split_world) is not None


def test_forgetting_the_estimate_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounds, "estimate", property(lambda self: None))
    assert is_caught(divided_world) is not None


def test_counting_an_equivocator_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core then believes and signs for what no justification proves."""

    def wrong(self: Round, node: VoteNode) -> bool:
        twice = self.weight(self.tallies[Stage.PRECOMMIT].equivocators)
        return self.weight(node.precommits) + 2 * twice >= self.voters.threshold

    def careless(finished: Round, target: Target, chain: ChainView, scheme: SignatureScheme) -> Justification:
        tally = finished.tallies[Stage.PRECOMMIT]
        votes = [one for one in tally.all_votes() if chain.descends(one.vote.target_hash, target.hash)]
        at_target = [one for one in votes if one.vote.target_hash == target.hash] or votes[:1]
        return assemble(target, at_target, finished.voters, (), scheme)

    monkeypatch.setattr(Round, "_proved", wrong)
    monkeypatch.setattr("consensus.finality.core.justify", careless)
    assert is_caught(split_world) is not None


def test_signing_before_the_journal_is_written_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = FinalityCore.handle

    def wrong(self: FinalityCore, event: FinalityInput, now: int) -> list[FinalityEffect]:
        effects = right(self, event, now)
        return sorted(effects, key=lambda effect: isinstance(effect, PersistVotes))

    monkeypatch.setattr(FinalityCore, "handle", wrong)
    assert is_caught(split_world) == 0
