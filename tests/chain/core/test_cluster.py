"""Whole nodes without their shells: they agree, mend, catch up, and bring evidence on chain."""

import pytest

from network.messages import (
    BlockAnnounce,
    BlockData,
    BlocksResponse,
    MessageReceived,
    PeerFault,
    Response,
)
from runtime.pallets.staking import Staking
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header
from runtime.primitives.keys import KeyPair
from runtime.primitives.trie import EMPTY_ROOT
from tests.chain.core.cluster import EPOCH_SLOTS, RUNTIME, Cluster, Seat


def test_four_validators_and_a_follower_finalise_every_block_in_step() -> None:
    cluster = Cluster(0, 1, 2, 3, None)
    cluster.run(12)
    assert cluster.agreed() >= 10
    assert all(seat.reports == [] for seat in cluster.seats)
    assert {seat.store.best().number for seat in cluster.seats} == {cluster.seats[0].store.best().number}


def test_a_set_hands_over_at_each_epoch_and_finality_goes_on() -> None:
    cluster = Cluster(0, 1, 2, 3)
    cluster.run(2 * EPOCH_SLOTS + 5)
    assert cluster.agreed() >= 2 * EPOCH_SLOTS


@pytest.mark.parametrize("apart", [(3,), (0, 1)])
def test_a_partition_heals_and_all_agree_again(apart: tuple[int, ...]) -> None:
    cluster = Cluster(0, 1, 2, 3)
    cluster.run(4)
    before = cluster.agreed()
    cluster.part(*apart)
    cluster.run(6)
    majority = len(apart) == 1
    assert (cluster.seats[2].store.finalized().number > before + 2) == majority
    cluster.heal()
    cluster.run(5)
    assert cluster.agreed() >= cluster.seats[2].store.best().number - 1
    assert all(seat.reports == [] for seat in cluster.seats)


def test_a_node_that_lost_its_memory_goes_on_from_its_database() -> None:
    cluster = Cluster(0, 1, 2, 3)
    cluster.run(5)
    victim = cluster.seats[1]
    cluster.crash(victim)
    cluster.run(3)
    cluster.restart(victim)
    cluster.run(4)
    assert cluster.agreed() >= 10


def test_a_late_joiner_fetches_the_chain_by_ranges_and_then_follows() -> None:
    cluster = Cluster(0, 1, 2, 3, None)
    late = cluster.seats[4]
    cluster.crash(late)
    cluster.run(45)
    cluster.restart(late)
    cluster.run(3)
    assert late.store.best() == cluster.seats[0].store.best()
    assert cluster.agreed() >= 45
    assert late.reports == []


def staking_of(seat: Seat) -> Staking:
    return RUNTIME.view(seat.store.state_at(seat.store.best().hash)).pallet(Staking)


def test_an_author_that_runs_twice_is_reported_by_others_and_loses_its_place_and_its_stake() -> None:
    """The fourth validator's key works in two nodes that do not hear each other in time."""
    cluster = Cluster(0, 1, 2, 3, 3)
    stash = KeyPair.from_uri("//Validator//3").public
    staked = staking_of(cluster.seats[0]).ledger_of(stash).total
    cluster.run(EPOCH_SLOTS)
    honest = cluster.seats[:3]
    assert any("a block equivocation" in seat.submitted for seat in honest)
    for _ in range(8):
        cluster.run(EPOCH_SLOTS)
        if staking_of(honest[0]).ledger_of(stash).total < staked:
            break
    state = RUNTIME.view(honest[0].store.state_at(honest[0].store.best().hash))
    staking = state.pallet(Staking)
    assert not staking.validators.contains(stash), "it is chilled"
    assert staking.ledger_of(stash).total < staked, "it is slashed"
    assert cluster.agreed() >= 2 * EPOCH_SLOTS


def test_a_peer_that_invents_blocks_is_named() -> None:
    cluster = Cluster(0, 1, 2, 3, None)
    cluster.run(2)
    victim, liar = cluster.seats[0], cluster.seats[4]
    best = victim.store.best()
    header = Header(best.hash, best.number + 1, bytes(32), EMPTY_ROOT, Digest())
    sent = list[int]()
    original = cluster.send

    def spy(source: Seat, target: bytes, message: object) -> None:
        number = getattr(message, "id", None)
        if source is victim and target == liar.peer and number is not None:
            sent.append(number)
            victim.feed(
                MessageReceived(liar.peer, Response(number, BlocksResponse((BlockData(header, ()),))))
            )
        else:
            original(source, target, message)  # type: ignore[arg-type]

    cluster.send = spy  # type: ignore[assignment,method-assign]
    victim.feed(MessageReceived(liar.peer, BlockAnnounce(header, True)))
    cluster.run(1)
    assert sent
    assert {report.fault for report in victim.reports} & {PeerFault.BAD_HEADER, PeerFault.BAD_BLOCK}
