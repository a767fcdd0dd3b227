"""Checkers are worth something only if they catch bugs: each test here breaks one rule of the core."""

from collections.abc import Callable

import pytest

from consensus.authorities import Voter, VoterSet
from consensus.finality.bls import PublicKey
from consensus.finality.chain import ChainView, Target
from consensus.finality.changes import AuthorityRecord
from consensus.finality.core import FinalityCore
from consensus.finality.events import FinalityEffect, FinalityInput, PersistVotes
from consensus.finality.justification import Justification, VoteGroup, assemble, verify_justification
from consensus.finality.messages import Stage, Vote, pack_signers
from consensus.finality.round import Round
from consensus.finality.rounds import Rounds
from consensus.finality.scheme import SignatureScheme
from consensus.finality.vote_graph import VoteNode
from consensus.fork_tree import InvalidFork
from consensus.ownership import BlsCrypto
from tests.simulation.byzantine import Divider, Equivocator
from tests.simulation.checkers import Violation
from tests.simulation.network import Network
from tests.simulation.node import SimNode
from tests.simulation.signing import bls_key
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
        except (Violation, InvalidFork):
            # A node that should make a block final beside its own final chain stops: that shows the bug, too.
            return seed
    return None


def test_without_a_bug_nothing_is_found() -> None:
    for seed in range(4):
        split_world(seed).run_until(16_000)
        divided_world(seed).run_until(16_000)


def test_accepting_two_thirds_less_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = VoterSet.__post_init__

    def wrong(self: VoterSet, known: VoterSet | None) -> None:
        right(self, known)
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


def rogue_justification() -> tuple[Justification, AuthorityRecord, bytes]:
    """A justification that one attacker forges for three honest voters: its key is a known one minus theirs.

    Returns it with the set that holds the rogue key, and that key.
    """
    honest = [bls_key(number) for number in (1, 2, 3)]
    known = bls_key(9)
    rogue = PublicKey.from_bytes(known.public).point
    for one in honest:
        rogue -= PublicKey.from_bytes(one.public).point
    key = rogue.to_compressed_bytes()
    record = AuthorityRecord(0, (*(Voter(one.public, 1) for one in honest), Voter(key, 1)))
    vote = Vote(Stage.PRECOMMIT, bytes([7]) * 32, 1, 1, 0)
    group = VoteGroup(vote.target_hash, 1, pack_signers(range(4), 4), known.sign(vote.payload()))
    return Justification(1, 0, vote.target_hash, 1, (group,)), record, key


def test_without_a_proof_of_possession_one_voter_forges_the_votes_of_all() -> None:
    """The checker, which knows what honest voters signed, finds the forgery that the signature does not."""
    forged, record, _ = rogue_justification()
    verify_justification(forged, record.voters())
    world = World(1, [SimNode] * 4, [1] * 4, real_bls=True)
    world.checkers.sets[0] = record.voters()
    with pytest.raises(Violation, match="never signed"):
        world.checkers.finalised(0, forged, None, correct=True)


def test_with_the_proof_of_possession_a_rogue_key_is_refused() -> None:
    _, _, key = rogue_justification()
    public = PublicKey.from_bytes(key)
    known = bls_key(9)
    for proof in (known.prove_possession(), known.sign(key), bytes(96), bls_key(1).prove_possession()):
        assert not BlsCrypto().verify_possession(key, proof)
    assert public.encoded == key
