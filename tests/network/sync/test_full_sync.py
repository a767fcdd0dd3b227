"""Far behind: a chain is downloaded from all who serve it, whatever the others do, within bounded memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.messages import BlockPoint, PeerFault
from network.sync.ranges import MAX_AHEAD_BLOCKS, MAX_AHEAD_BYTES, RANGE_BLOCKS
from tests.network.sync.liars import LIARS, BoastingSilently, Forging, Lying
from tests.network.sync.world import GENESIS, MemoryChain, Peer, World, grow

LONG = MemoryChain(grow(GENESIS.header, 1_500))
SHORT = MemoryChain(grow(GENESIS.header, 600))


def test_a_range_is_asked_of_every_peer_and_the_import_never_waits() -> None:
    world = World(import_ms=5)
    peers = [Peer(LONG, delay) for delay in (30, 60, 90)]
    for number, peer in enumerate(peers):
        world.join(f"peer {number}", peer)
    world.run_to(LONG.best.number, within_ms=1_500 * 5 + 1_000)
    assert all(peer.served >= 3 for peer in peers)
    assert world.idle_ms == 0
    assert world.reports == []


def test_a_single_slow_peer_is_enough() -> None:
    world = World()
    world.join("slow", Peer(SHORT, delay=9_000))
    world.run_to(SHORT.best.number, within_ms=120_000)
    assert world.reports == []


@pytest.mark.parametrize("bans", [True, False], ids=["banned", "tolerated"])
@pytest.mark.parametrize("kind", LIARS, ids=lambda kind: kind.__name__)
def test_seven_liars_do_not_keep_a_node_from_what_one_honest_peer_has(kind: type[Lying], bans: bool) -> None:
    world = World(bans=bans)
    liars = [world.join(f"liar {number}", kind(SHORT)) for number in range(7)]
    honest = world.join("honest", Peer(SHORT))
    world.run_to(SHORT.best.number, within_ms=150_000)
    world.run_for(15_000)
    assert world.faults_of(honest) == set()
    accused = set[PeerFault]().union(*map(world.faults_of, liars))
    assert accused == ({kind.fault} if kind.fault is not None else set())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(LIARS), max_size=6),
    st.integers(0, 6),
    st.integers(1, 400),
    st.integers(0, 200),
    st.booleans(),
)
def test_whoever_is_among_the_peers_an_honest_one_suffices(
    kinds: list[type[Lying]], place: int, delay: int, ours: int, bans: bool
) -> None:
    world = World(MemoryChain(grow(GENESIS.header, ours, salt=b"ours")), bans=bans)
    honest = None
    for number in range(len(kinds) + 1):
        if number == min(place, len(kinds)):
            honest = world.join("honest", Peer(SHORT, delay))
        if number < len(kinds):
            world.join(f"liar {number}", kinds[number](SHORT))
    assert honest is not None
    world.run_to(SHORT.best.number, within_ms=300_000)
    assert world.faults_of(honest) == set()
    assert world.most_bytes <= MAX_AHEAD_BYTES


@pytest.mark.parametrize("depth", [1, 40, 700])
@pytest.mark.parametrize("more", [1, 400])
def test_a_branch_of_any_depth_is_followed_from_where_it_leaves_ours(depth: int, more: int) -> None:
    shared = grow(GENESIS.header, 50)
    local = MemoryChain(shared + grow(shared[-1].header, depth, salt=b"ours"))
    longer = MemoryChain(shared + grow(shared[-1].header, depth + more, salt=b"theirs"))
    world = World(local)
    world.join("peer", Peer(longer))
    world.run_to(longer.best.number, within_ms=60_000)
    assert world.local.best == longer.best
    assert world.reports == []


def test_a_chain_that_leaves_ours_below_finality_is_never_downloaded() -> None:
    shared = grow(GENESIS.header, 20)
    local = MemoryChain(shared + grow(shared[-1].header, 10, salt=b"ours"))
    local.finalise(25)
    other = Peer(MemoryChain(shared + grow(shared[-1].header, 500, salt=b"theirs")))
    world = World(local)
    world.join("peer", other)
    world.run_for(60_000)
    assert other.served <= 8
    assert world.local.best.number == 30
    assert not world.core.is_major_syncing


def test_a_parked_peer_counts_again_once_its_head_builds_on_ours() -> None:
    shared = grow(GENESIS.header, 20)
    local = MemoryChain(shared + grow(shared[-1].header, 10, salt=b"ours"))
    local.finalise(25)
    theirs = MemoryChain(shared + grow(shared[-1].header, 500, salt=b"theirs"))
    world = World(local)
    peer = world.join("peer", Peer(theirs))
    world.run_for(5_000)
    ours = grow(local.blocks[local.best.hash].header, 500, salt=b"ours")
    for block in [*local.blocks.values(), *ours]:
        theirs.add(block)
    world.announce(peer, ours[0])
    world.run_to(31, within_ms=5_000)
    world.announce(peer, ours[-1])
    world.run_to(530, within_ms=20_000)
    assert world.reports == []


def test_helpers_on_another_branch_are_left_out_without_blame() -> None:
    shared = grow(GENESIS.header, 300)
    chain = MemoryChain(shared + grow(shared[-1].header, 500, salt=b"longer"))
    branch = MemoryChain(shared + grow(shared[-1].header, 450, salt=b"shorter"))
    world = World()
    for number in range(4):
        world.join(f"branch {number}", Peer(branch, delay=20))
    world.join("longest", Peer(chain, delay=200))
    world.run_to(chain.best.number, within_ms=60_000)
    assert world.reports == []


@pytest.mark.parametrize(("size", "count"), [(10, 4_000), (1 << 20, 300)])
def test_a_slow_import_holds_the_download_back(size: int, count: int) -> None:
    """Whether blocks are many or large, what waits in memory is bounded."""
    chain = MemoryChain(grow(GENESIS.header, count, size=size))
    world = World(import_ms=50)
    for number in range(4):
        world.join(f"peer {number}", Peer(chain, delay=1))
    world.run_for(10_000)
    downloading = 16 * 5 * (1 << 20)
    assert RANGE_BLOCKS < world.most_ahead <= MAX_AHEAD_BLOCKS
    assert world.most_bytes <= MAX_AHEAD_BYTES + downloading
    asked = max(request.start for _, request in world.sent if isinstance(request.start, int))
    assert asked <= world.local.best.number + MAX_AHEAD_BLOCKS
    assert world.reports == []


def test_who_served_a_bad_block_is_blamed_and_the_others_go_on() -> None:
    world = World()
    forger = world.join("forger", Forging(SHORT))
    honest = world.join("honest", Peer(SHORT, delay=100))
    world.run_to(SHORT.best.number, within_ms=30_000)
    assert world.faults_of(forger) == {PeerFault.BAD_BLOCK}
    assert world.faults_of(honest) == set()
    assert forger not in world.peers


def test_a_block_that_comes_too_early_is_not_asked_for_again_and_again() -> None:
    world = World()
    peer = Peer(SHORT, delay=10)
    world.join("peer", peer)
    world.early = {SHORT.canonical[100]}
    world.run_for(60_000)
    assert world.local.best.number == 99
    assert peer.served < 400
    assert world.reports == []
    world.early.clear()
    world.run_to(SHORT.best.number, within_ms=90_000)


def test_a_peer_without_old_blocks_is_not_blamed_for_it() -> None:
    recent = MemoryChain(list(SHORT.blocks.values())[1:])
    recent.finalise(500)
    for number in range(1, 400):
        del recent.blocks[recent.canonical[number]]
    world = World()
    without = Peer(recent, delay=10)
    world.join("no history", without)
    world.join("archive", Peer(SHORT, delay=100))
    world.run_to(SHORT.best.number, within_ms=30_000)
    assert world.reports == []


def test_an_answer_that_comes_too_late_costs_no_more_than_the_delay() -> None:
    world = World()
    late = world.join("late", Peer(SHORT, delay=10_500))
    world.join("other", Peer(SHORT))
    world.run_to(SHORT.best.number, within_ms=30_000)
    world.run_for(11_000)
    assert world.faults_of(late) == {PeerFault.TIMED_OUT}


def test_when_the_peer_that_leads_goes_another_is_followed() -> None:
    world = World()
    leading = world.join("leading", Peer(LONG))
    world.join("other", Peer(SHORT, delay=300))
    world.run_to(200, within_ms=10_000)
    world.leave(leading)
    world.run_to(SHORT.best.number, within_ms=20_000)
    assert world.reports == []


def test_few_who_boast_of_their_height_do_not_stop_an_author() -> None:
    world = World(MemoryChain(list(SHORT.blocks.values())[1:]))
    for number in range(3):
        world.join(f"level {number}", Peer(SHORT))
    for number in range(2):
        world.join(f"boasting {number}", BoastingSilently(SHORT))
    assert world.core.target == SHORT.best.number
    assert not world.core.is_major_syncing


def test_many_who_boast_stop_an_author_only_until_they_are_asked() -> None:
    world = World(MemoryChain(list(SHORT.blocks.values())[1:]))
    world.join("level", Peer(SHORT))
    boasters = [world.join(f"boasting {number}", BoastingSilently(SHORT)) for number in range(3)]
    assert world.core.is_major_syncing
    world.run_for(40_000)
    assert not world.core.is_major_syncing
    assert all(world.faults_of(one) == {PeerFault.TIMED_OUT} for one in boasters)


def test_a_node_far_behind_says_so_until_it_is_level() -> None:
    world = World()
    world.join("peer", Peer(SHORT))
    assert world.core.target == 600
    assert world.core.is_major_syncing
    world.run_to(596, within_ms=30_000)
    assert not world.core.is_major_syncing
    assert BlockPoint(SHORT.best.hash, 600) == SHORT.best
