"""Proofs of finality that a node missed come from peers that keep them, and only when they are needed."""

from dataclasses import replace

from network.messages import BlockPoint
from tests.network.sync.liars import Silent
from tests.network.sync.world import GENESIS, MemoryChain, Peer, World, grow

BLOCKS = grow(GENESIS.header, 300)
PROVED = (10, 150, 290)


def proved() -> MemoryChain:
    """A chain with proofs of some blocks."""
    return MemoryChain(
        [
            replace(block, justification=b"proof" if block.header.number in PROVED else None)
            for block in BLOCKS
        ]
    )


def test_a_node_that_lags_in_finality_gets_all_proofs_in_order() -> None:
    world = World(MemoryChain(BLOCKS))
    peer = world.join("peer", Peer(proved()))
    world.run_for(12_000)
    hashes = [BLOCKS[number - 1].header.hash() for number in PROVED]
    assert world.proofs == [
        (peer, BlockPoint(block, number), b"proof") for block, number in zip(hashes, PROVED, strict=True)
    ]
    assert all(not request.bodies for _, request in world.sent)


def test_what_is_final_already_is_not_asked_for_again() -> None:
    world = World(MemoryChain(BLOCKS))
    world.local.finalise(200)
    world.join("peer", Peer(proved()))
    world.run_for(12_000)
    assert [block.number for _, block, _ in world.proofs] == [290]


def test_who_follows_another_final_chain_is_not_asked_for_proofs() -> None:
    world = World(MemoryChain(BLOCKS[:100]))
    world.local.finalise(60)
    branch = grow(BLOCKS[50].header, 49, salt=b"other")
    other = [*BLOCKS[:51], *(replace(block, justification=b"proof") for block in branch)]
    world.join("peer", Peer(MemoryChain(other)))
    world.run_for(60_000)
    assert world.proofs == []
    assert len(world.sent) == 2


def test_a_node_whose_finality_keeps_up_asks_nobody() -> None:
    world = World(MemoryChain(BLOCKS))
    world.local.finalise(295)
    peer = Peer(proved())
    world.join("peer", peer)
    world.run_for(120_000)
    assert peer.served == 0


def test_while_finality_stands_still_everywhere_the_questions_become_rare() -> None:
    world = World(MemoryChain(BLOCKS))
    peer = Peer(MemoryChain(BLOCKS))
    world.join("peer", peer)
    world.run_for(3_600_000)
    assert 10 <= peer.served <= 60
    assert world.reports == []


def test_a_peer_that_does_not_answer_gives_way_to_the_next() -> None:
    world = World(MemoryChain(BLOCKS))
    silent = world.join("silent", Silent(proved()))
    world.join("honest", Peer(proved()))
    world.run(lambda: len(world.proofs) >= len(PROVED), 90_000)
    assert all(peer != silent for peer, _, _ in world.proofs)
