"""Slots, reserved peers, reputations, addresses and rates: decided without a clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.address import Address
from network.messages import BlockAnnounce, PeerFault, PeerId, PeersRequest, Request, Transactions
from network.peers import Admission, PeerLimits, PeerManager, RateLimits, Refused
from network.peers.book import FIRST_RETRY_MS, LAST_RETRY_MS, MAX_ADDRESSES, MAX_LEARNED_FROM_ONE, AddressBook
from network.peers.limits import MESSAGES, TokenBucket
from network.peers.manager import MAX_DIALS, MAX_PER_HOST, MAX_PER_SUBNET
from network.peers.reputation import BAN_MS, COSTS, HEAL_MS, Reputation
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header

OWN = PeerId(b"\x80" * 32)
NOW = 1_000_000


def peer(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


def at(number: int, host: str = "10.0.0.1") -> Address:
    return Address("ip4", host, 30_333, peer(number))


def manager(
    *configured: Address, limits: PeerLimits | None = None, reserved: tuple[Address, ...] = ()
) -> PeerManager:
    return PeerManager(OWN, limits or PeerLimits(), AddressBook(configured), reserved)


def admit(
    peers: PeerManager, number: int, host: str = "h", *, inbound: bool = True, is_global: bool = False
) -> object:
    return peers.admit(peer(number), host, host, NOW, inbound=inbound, is_global=is_global)


def test_configured_peers_are_dialled_and_one_that_fails_waits_longer_each_time() -> None:
    peers, now, waits = manager(at(1)), NOW, []
    for _ in range(12):
        (address,) = peers.dials(now)
        assert peers.dials(now) == [], "it is being dialled"
        peers.dialled(address, now, reached=False)
        wait = next(delay for delay in range(0, LAST_RETRY_MS + 1, 1_000) if peers._book.due(now + delay))
        waits.append(wait)
        now += wait
    assert waits[:3] == [FIRST_RETRY_MS, 2 * FIRST_RETRY_MS, 4 * FIRST_RETRY_MS]
    assert waits[-1] == LAST_RETRY_MS


def test_slots_bound_how_many_are_dialled_and_let_in() -> None:
    limits = PeerLimits(in_peers=2, out_peers=3)
    peers = manager(*(at(number, f"10.{number}.0.1") for number in range(1, 9)), limits=limits)
    chosen = peers.dials(NOW)
    assert len(chosen) == 3
    assert [admit(peers, 100), admit(peers, 101), admit(peers, 102)] == [
        Admission(),
        Admission(),
        Refused.FULL,
    ]
    peers.disconnected(peer(100), NOW)
    assert admit(peers, 102) == Admission()


def test_a_reserved_peer_needs_no_slot_and_is_never_given_up() -> None:
    peers = manager(limits=PeerLimits(in_peers=0, out_peers=0, reserved_only=True), reserved=(at(1),))
    assert [one.peer for one in peers.dials(NOW)] == [peer(1)]
    assert admit(peers, 2) is Refused.NOT_RESERVED
    assert peers.report(peer(1), PeerFault.MALFORMED, NOW), "the connection ends"
    assert admit(peers, 1) == Admission(), "but it may come back"
    assert peers.release(peer(1))
    assert not peers.release(peer(1))
    assert peers.reserved == ()


def test_of_two_connections_both_sides_keep_the_one_that_the_smaller_id_opened() -> None:
    small, large = peer(1), PeerId(b"\xff" * 32)
    for other, keeps_inbound in ((small, True), (large, False)):
        peers = manager()
        assert peers.admit(other, "h", "h", NOW, inbound=False) == Admission()
        second = peers.admit(other, "h", "h", NOW, inbound=True)
        assert second == (Admission(replaces=True) if keeps_inbound else Refused.DUPLICATE)
        assert peers.admit(other, "h", "h", NOW, inbound=True) is Refused.DUPLICATE if keeps_inbound else True


def test_the_node_does_not_talk_to_itself() -> None:
    assert manager().admit(OWN, "h", "h", NOW, inbound=True) is Refused.SELF


def test_one_public_network_cannot_take_all_outgoing_slots() -> None:
    crowd = [at(number, f"8.8.0.{number}") for number in range(1, 10)]
    peers = manager(*crowd, at(50, "9.9.9.9"))
    chosen = peers.dials(NOW)
    assert sum(one.host.startswith("8.8.") for one in chosen) == MAX_PER_SUBNET
    assert peer(50) in {one.peer for one in chosen}


def test_one_public_host_cannot_take_all_incoming_slots() -> None:
    peers = manager()
    answers = [admit(peers, number, "8.8.8.8", is_global=True) for number in range(1, MAX_PER_HOST + 2)]
    assert answers[-1] is Refused.HOST_FULL
    assert answers.count(Admission()) == MAX_PER_HOST


def test_not_too_many_are_dialled_at_once() -> None:
    crowd = [at(number) for number in range(1, 40)]
    assert len(manager(*crowd, limits=PeerLimits(out_peers=30)).dials(NOW)) == MAX_DIALS


@pytest.mark.parametrize("fault", PeerFault)
def test_every_fault_has_a_cost_and_the_worst_ban_at_once(fault: PeerFault) -> None:
    reputation = Reputation()
    reports = 0
    while not reputation.report(peer(1), fault, NOW):
        reports += 1
    assert reports == -(-100 // COSTS[fault]) - 1
    assert reputation.banned_until(peer(1), NOW) == NOW + BAN_MS
    assert reputation.banned_until(peer(1), NOW + BAN_MS) is None, "a ban ends"
    assert reputation.score(peer(1), NOW + BAN_MS) == 0


def test_time_heals_and_a_banned_peer_is_not_let_in() -> None:
    peers = manager()
    assert not peers.report(peer(1), PeerFault.TIMED_OUT, NOW)
    assert peers.score(peer(1), NOW) == -20
    assert peers.score(peer(1), NOW + 5 * HEAL_MS) == -15
    assert peers.report(peer(1), PeerFault.BAD_BLOCK, NOW)
    assert admit(peers, 1) is Refused.BANNED
    assert peers.admit(peer(1), "h", "h", NOW + BAN_MS, inbound=True) == Admission()


def test_hearsay_is_bounded_by_source_and_own_words_replace_it() -> None:
    book = AddressBook([])
    gossip = [at(number) for number in range(100, 100 + MAX_LEARNED_FROM_ONE + 10)]
    assert book.learn(gossip, peer(1)) == MAX_LEARNED_FROM_ONE
    assert book.learn([at(100, "10.9.9.9")], peer(2)) == 0, "a third party changes nothing"
    book.learn([at(100, "10.8.8.8")], peer(100))
    entry = next(one for one in book.due(NOW) if one.address.peer == peer(100))
    assert entry.address.host == "10.8.8.8"


def test_a_proved_address_is_not_overwritten_and_is_shared_first() -> None:
    peers = manager()
    address = at(7)
    peers.learn([address], peer(1))
    peers.dials(NOW)
    peers.dialled(address, NOW, reached=True)
    peers.learn([at(7, "10.6.6.6")], peer(7))
    assert peers.share() == [address] == peers.proved()


def test_a_full_book_forgets_hearsay_that_failed_and_never_what_was_configured_or_proved() -> None:
    kept = [at(1), at(2)]
    book = AddressBook(kept[:1], kept[1:])
    for source in range(3, 3 + MAX_ADDRESSES // MAX_LEARNED_FROM_ONE + 2):
        first = 10_000 + source * MAX_LEARNED_FROM_ONE
        book.learn([at(number) for number in range(first, first + MAX_LEARNED_FROM_ONE)], peer(source))
    assert len(book) == MAX_ADDRESSES
    assert {one.address.peer for one in book.due(NOW)[:2]} == {peer(1), peer(2)}


@given(
    st.integers(1, 1_000), st.integers(1, 1_000), st.lists(st.tuples(st.integers(0, 500), st.integers(0, 50)))
)
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(
    rate: int, burst: int, takes: list[tuple[int, int]]
) -> None:
    bucket, now, given_out = TokenBucket(rate, burst), NOW, 0
    for delay, amount in takes:
        now += delay
        given_out += amount if bucket.take(amount, now) else 0
    assert given_out * 1_000 <= burst * 1_000 + rate * (now - NOW)


def test_a_peer_that_floods_is_told_apart_from_one_that_keeps_its_rate() -> None:
    limits = RateLimits()
    announce = BlockAnnounce(Header(bytes(32), 1, bytes(32), bytes(32), Digest()), True)
    burst = MESSAGES[BlockAnnounce][1]
    assert all(limits.allow(announce, 100, NOW) for _ in range(burst))
    assert not limits.allow(announce, 100, NOW)
    assert limits.allow(announce, 100, NOW + 1_000)
    assert limits.allow(Request(1, PeersRequest()), 10, NOW), "other kinds have their own"


def test_bytes_that_nobody_asked_for_are_counted_too() -> None:
    limits, message = RateLimits(), Transactions((b"",))
    assert all(limits.allow(message, 4 << 20, NOW) for _ in range(4))
    assert not limits.allow(message, 4 << 20, NOW)
