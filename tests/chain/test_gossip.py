"""Transactions between peers: passed on once, in batches, and bad ones charged to who sent them."""

import asyncio

import pytest

from chain import gossip
from chain.gossip import Gossip
from chain.transactions import Transactions
from network.messages import Message, PeerFault, PeerId
from network.messages import Transactions as Batch
from tests.chain.chains import BOB, RUNTIME, World

PEER = PeerId(b"p" * 32)


class Peers:
    """What would have been sent."""

    def __init__(self) -> None:
        self.sent = list[tuple[PeerId | None, Message]]()
        self.reports = list[PeerFault]()

    def send(self, peer: PeerId, message: Message) -> bool:
        self.sent.append((peer, message))
        return True

    def send_to_all(self, message: Message, known_to: PeerId | None = None) -> None:
        self.sent.append((known_to, message))

    def report(self, peer: PeerId, fault: PeerFault, detail: str = "") -> None:
        self.reports.append(fault)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pool(world: World) -> Transactions:
    return Transactions(world.store, RUNTIME, lambda: 0)


@pytest.fixture
def peers() -> Peers:
    return Peers()


@pytest.fixture
def talk(pool: Transactions, peers: Peers) -> Gossip:
    talk = Gossip(pool, has_peers=True)
    talk.attach(peers)
    return talk


async def flushed() -> None:
    await asyncio.sleep(2 * gossip.BATCH_SECONDS)


async def test_what_users_submit_goes_to_all_peers_in_one_batch(
    world: World, pool: Transactions, peers: Peers, talk: Gossip
) -> None:
    sent = [world.transfer(nonce=nonce).encoded for nonce in range(3)]
    for one in sent:
        await pool.submit(one)
    await flushed()
    assert peers.sent == [(None, Batch(tuple(sent)))]


async def test_what_a_peer_sent_goes_to_the_others_and_only_once(
    world: World, pool: Transactions, peers: Peers, talk: Gossip
) -> None:
    one = world.transfer()
    talk.hear(PEER, (one.encoded,))
    talk.hear(PeerId(b"q" * 32), (one.encoded,))
    await flushed()
    assert peers.sent == [(PEER, Batch((one.encoded,)))]
    assert pool.get(one.hash) is not None
    assert peers.reports == []


async def test_garbage_and_false_signatures_are_charged_and_stale_ones_are_not(
    world: World, pool: Transactions, peers: Peers, talk: Gossip
) -> None:
    forged = bytearray(world.transfer(signer=BOB).encoded)
    forged[-1] ^= 1
    stale = world.transfer()
    world.build(stale)
    talk.hear(PEER, (b"garbage", bytes(forged), stale.encoded))
    assert peers.reports == [PeerFault.BAD_TRANSACTION] * 2
    await flushed()
    assert peers.sent == []


async def test_a_new_peer_is_told_what_waits_in_batches(
    world: World, pool: Transactions, peers: Peers, talk: Gossip, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [world.transfer(nonce=nonce).encoded for nonce in range(5)]
    for one in waiting:
        await pool.submit(one)
    await flushed()
    peers.sent.clear()
    monkeypatch.setattr(gossip, "MAX_BATCH", 2)
    talk.greet(PEER)
    assert [to for to, _ in peers.sent] == [PEER] * 3
    told = [
        extrinsic for _, batch in peers.sent if isinstance(batch, Batch) for extrinsic in batch.extrinsics
    ]
    assert told == waiting


async def test_a_node_without_peers_keeps_its_transactions_to_itself(
    world: World, pool: Transactions
) -> None:
    Gossip(pool, has_peers=False)
    await pool.submit(world.transfer().encoded)
    await flushed()


async def test_an_own_report_that_the_pool_refuses_is_no_crash(pool: Transactions, talk: Gossip) -> None:
    talk.submit_own(b"\x04\x05", "nothing")
