"""At the head: new blocks are fetched at once, on whatever branch, and nobody can stand in between."""

from network.messages import BlocksRequest, PeerFault, PeerId
from network.sync import Wanted
from network.sync.branches import MAX_BRANCHES_OF_PEER, MAX_TOTAL_BYTES
from tests.network.sync.liars import Silent
from tests.network.sync.world import GENESIS, INVALID, Answer, MemoryChain, Peer, World, block_on, grow

SHARED = grow(GENESIS.header, 20)


def level(count: int = 1) -> tuple[World, MemoryChain, list[PeerId]]:
    """A node and `count` peers that serve the same chain, all at the same height."""
    world, theirs = World(MemoryChain(SHARED)), MemoryChain(SHARED)
    peers = [world.join(f"peer {number}", Peer(theirs)) for number in range(count)]
    world.run_for(1_000)
    assert world.sent == []
    return world, theirs, peers


def test_an_announced_block_is_there_a_round_trip_later() -> None:
    world, theirs, (peer,) = level()
    block = block_on(SHARED[-1].header)
    theirs.add(block)
    world.announce(peer, block)
    world.run_to(21, within_ms=60)
    assert len(world.sent) == 1


def test_a_block_announced_by_many_is_asked_of_one() -> None:
    world, theirs, peers = level(5)
    block = block_on(SHARED[-1].header)
    theirs.add(block)
    for peer in peers:
        world.announce(peer, block)
    world.run_to(21, within_ms=60)
    assert len(world.sent) == 1


def test_missing_ancestors_are_fetched_with_the_head() -> None:
    world, theirs, (peer,) = level()
    blocks = grow(SHARED[-1].header, 30)
    for block in blocks:
        theirs.add(block)
    world.announce(peer, blocks[-1])
    world.run_to(50, within_ms=300)
    assert len(world.sent) == 2
    assert world.reports == []


def test_a_branch_that_is_not_the_best_is_fetched_as_well() -> None:
    world, theirs, (peer,) = level()
    side = grow(SHARED[10].header, 5, salt=b"side")
    for block in side:
        theirs.add(block)
    world.announce(peer, side[-1], is_best=False)
    world.run(lambda: world.local.contains(side[-1].header.hash()), 300)
    assert world.local.best.number == 20


def test_nothing_is_fetched_that_finality_has_left_behind() -> None:
    world, _theirs, (peer,) = level()
    world.finalise(15)
    world.announce(peer, block_on(SHARED[9].header, salt=b"old"))
    world.tell(Wanted(block_on(SHARED[9].header, salt=b"older").header.hash(), 11, peer))
    assert world.sent == []


def test_a_branch_is_asked_for_no_deeper_than_finality() -> None:
    world, theirs, (peer,) = level()
    world.finalise(15)
    side = grow(SHARED[5].header, 12, salt=b"side")
    for block in side:
        theirs.add(block)
    world.announce(peer, side[-1], is_best=False)
    world.run_for(1_000)
    lowest = [theirs.blocks[one.start].header.number - one.count for _, one in world.sent if bytes_of(one)]
    assert min(lowest) == 15
    assert not world.local.contains(side[-1].header.hash())
    assert world.reports == []


def bytes_of(request: BlocksRequest) -> bool:
    return isinstance(request.start, bytes)


def test_a_block_that_votes_wait_for_is_fetched_from_whoever_has_it() -> None:
    world, _theirs, peers = level(3)
    block = block_on(SHARED[-1].header)
    holder = world.peers[peers[2]]
    holder.chain = MemoryChain([*SHARED, block])
    world.tell(Wanted(block.header.hash(), 21, None))
    world.run_to(21, within_ms=500)
    assert world.reports == []


def test_who_announces_first_and_never_answers_delays_a_block_by_a_second_once() -> None:
    world, theirs, _ = level(3)
    silent = world.join("silent", Silent(theirs))
    honest = next(iter(world.peers))
    waits = list[int]()
    for _ in range(10):
        block = block_on(theirs.blocks[theirs.best.hash].header)
        theirs.add(block)
        since = world.now
        world.announce(silent, block)
        world.after(100, lambda block=block: world.announce(honest, block))  # type: ignore[misc]
        world.run_to(block.header.number, within_ms=2_500)
        waits.append(world.now - since)
        world.run_for(6_000)
    assert sum(wait > 200 for wait in waits) <= 3
    assert world.faults_of(honest) == set()
    assert world.faults_of(silent) == {PeerFault.TIMED_OUT}


def test_made_up_heads_do_not_take_the_place_of_real_ones() -> None:
    world, theirs, (honest, *_) = level(2)
    silent = world.join("silent", Silent(theirs))
    for number in range(200):
        world.announce(silent, block_on(SHARED[-1].header, salt=number.to_bytes(2, "big")))
    block = block_on(SHARED[-1].header)
    theirs.add(block)
    world.announce(honest, block)
    world.run_to(21, within_ms=200)
    world.run_for(60_000)
    asked_of_liar = [body for peer, body in world.sent if peer == silent]
    assert len(asked_of_liar) <= 2 * MAX_BRANCHES_OF_PEER
    assert world.faults_of(silent) == {PeerFault.TIMED_OUT}


def test_who_announces_a_block_and_denies_it_lied() -> None:
    world, _theirs, (peer,) = level()
    world.announce(peer, block_on(SHARED[-1].header, salt=b"never stored"))
    world.run_for(1_000)
    assert world.faults_of(peer) == {PeerFault.LIED_ABOUT_HEAD}


def test_a_bad_block_is_blamed_on_its_sender_and_a_good_one_follows_from_another() -> None:
    world, theirs, (first, second) = level(2)
    bad = block_on(SHARED[-1].header, root=INVALID)
    world.peers[first].chain = MemoryChain([*SHARED, bad])
    world.announce(first, bad)
    world.run_for(200)
    assert world.faults_of(first) == {PeerFault.BAD_BLOCK}
    good = block_on(SHARED[-1].header)
    theirs.add(good)
    world.announce(second, good)
    world.run_to(21, within_ms=200)
    assert world.faults_of(second) == set()


class Endless(Peer):
    """Its branch has no end: each answer brings large blocks, on parents that nobody knows."""

    def respond(self, request: BlocksRequest) -> list[Answer]:
        return [] if isinstance(request.start, int) else super().respond(request)


def test_branches_without_end_are_given_up_before_they_fill_the_memory() -> None:
    world, _theirs, _ = level()
    large = MemoryChain(grow(GENESIS.header, 50, salt=b"large", size=1 << 20))
    for number in range(20):
        peer = world.join(f"endless {number}", Endless(large))
        world.announce(peer, large.blocks[large.canonical[30 + number]], is_best=False)
    world.run_for(30_000)
    assert world.most_bytes <= MAX_TOTAL_BYTES + (4 << 20)


def test_a_peer_that_leaves_takes_its_unanswered_requests_along() -> None:
    world, theirs, _ = level()
    silent = world.join("silent", Silent(theirs))
    block = block_on(SHARED[-1].header)
    theirs.add(block)
    world.announce(silent, block)
    world.run_for(50)
    world.leave(silent)
    world.run_to(21, within_ms=100)
    assert world.reports == []
