"""Clusters of finality cores under virtual time: what a good day looks like, and a slice of bad ones.

A failing seed is replayed by `run(mixed_faults(seed))`.
"""

import pytest

from consensus.authorities import supermajority
from tests.simulation.byzantine import Equivocator, Silent, Twin
from tests.simulation.network import Network
from tests.simulation.node import SimNode
from tests.simulation.scenario import mixed_faults, run
from tests.simulation.world import World

SLICE = (*range(12), 392)
"""Seeds; in 392 a voter stays behind for want of a vote of the round before."""


def percentile_95(latencies: list[int]) -> int:
    return sorted(latencies)[len(latencies) * 95 // 100]


@pytest.mark.parametrize("size", [4, 20])
def test_a_crashed_leader_delays_finality_by_less_than_two_and_a_half_seconds(size: int) -> None:
    """Node 1 is down from the first second on, and so is every round whose primary it is."""
    world = World(2, [SimNode] * size, [1] * size)
    world.at(1_100, None, "crash", world.nodes[1].crash)
    world.run_until(9_000)
    assert world.lowest_final() >= 7
    assert percentile_95(world.latencies) <= 2_500


def test_a_hundred_voters_finalise_within_a_second() -> None:
    world = World(1, [SimNode] * 100, [1] * 100)
    world.run_until(2_600)
    assert world.lowest_final() == 2
    assert percentile_95(world.latencies) <= 1_000


@pytest.mark.parametrize("size", [1, 4, 20])
def test_finality_follows_a_block_within_a_quarter_second_at_50_ms_delay(size: int) -> None:
    world = World(1, [SimNode] * size, [1] * size)
    world.run_until(8_000)
    assert world.lowest_final() >= 6
    # 50 ms on the way and 50 ms of execution, then two rounds of votes.
    assert percentile_95(world.latencies) <= 250


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    worlds = [mixed_faults(seed) for seed in (3, 3, 4)]
    for world in worlds:
        run(world)
    first, same, other = (world.event_hash for world in worlds)
    assert first == same != other


@pytest.mark.parametrize("seed", SLICE)
def test_mixed_faults_break_no_promise_and_finality_comes_back(seed: int) -> None:
    run(mixed_faults(seed))


def test_faults_with_real_signatures_break_no_promise() -> None:
    world = World(1, [SimNode, SimNode, SimNode, Equivocator], [1] * 4, real_bls=True)
    world.network = Network(loss=10, jitter_ms=50)
    world.fork_percent = 30
    world.run_until(6_000)
    assert world.lowest_final() >= 2


def test_a_silent_third_does_not_stop_finality_and_one_more_halts_it_until_it_is_back() -> None:
    world = World(5, [SimNode, SimNode, SimNode, Silent], [1] * 4)
    world.run_until(8_000)
    assert world.lowest_final() >= 5
    world.nodes[2].crash()
    world.run_until(10_000)
    halted = world.lowest_final()
    world.run_until(20_000)
    assert world.lowest_final() <= halted + 1
    assert world.nodes[0].tree.best.number >= 15, "blocks go on"
    world.nodes[2].start()
    world.run_until(23_000)
    assert world.lowest_final() >= world.nodes[0].tree.best.number - 1, "finality is back within 3 slots"


def test_equivocating_voters_are_convicted_with_evidence() -> None:
    world = World(6, [SimNode] * 3 + [Equivocator], [1] * 4)
    world.relays, world.fork_percent = True, 50
    world.run_until(10_000)
    assert world.evidence == {(0, 3)}


@pytest.mark.parametrize("seed", range(4))
def test_when_a_third_is_twinned_and_agreement_breaks_a_third_stands_convicted(seed: int) -> None:
    """Two of four keys run twice, one of each pair on either side of a partition."""
    world = World(
        seed, [SimNode, SimNode, Twin, Twin, Twin, Twin], [1] * 4, accountable=True, keys=[0, 1, 2, 3, 2, 3]
    )
    world.fork_percent = 100
    world.network.groups = {0: 0, 2: 0, 3: 0, 1: 1, 4: 1, 5: 1}
    world.run_until(8_000)
    assert world.checkers.conflicts, "both sides have a supermajority of keys"
    convicted = world.checkers.convicted[0]
    assert convicted == {2, 3}
    assert len(convicted) > 4 - supermajority(4)


def test_a_voter_killed_at_any_effect_and_restarted_never_signs_twice() -> None:
    """Every boundary between two effects of a busy stretch is a crash; the checkers know all signatures."""
    steps = 0
    while True:
        world = World(9, [SimNode] * 4, [1] * 4)
        world.fork_percent = 50
        victim = world.nodes[0]
        world.at(1_900, None, "arm", lambda node=victim, steps=steps: setattr(node, "crash_after", steps))
        world.run_until(3_500)
        if victim.up:
            break
        victim.start()
        world.run_until(6_500)
        assert world.lowest_final() >= 4
        steps += 1
    assert steps > 40, "votes of several rounds, each with its write to the journal"
