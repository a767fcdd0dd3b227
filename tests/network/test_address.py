"""Addresses and names of peers: what is written is read, and what is wrong is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.address import Address, InvalidAddress, ip_address, parse_address
from network.identity import Identity, InvalidPeerName, is_signed_by, parse_peer_name, peer_name
from network.messages import PeerId

PEER = Identity.from_seed(bytes(32)).peer
NAME = peer_name(PEER)


@given(st.binary(min_size=32, max_size=32))
def test_a_peers_name_is_libp2ps_and_comes_back(public: bytes) -> None:
    name = peer_name(PeerId(public))
    assert name.startswith("12D3KooW")
    assert parse_peer_name(name) == public


def test_a_peers_name_is_the_one_that_substrate_gives_its_key() -> None:
    """The well-known node key of Substrate's `--alice`: an ed25519 key whose secret is 31 zeros and a one."""
    known = Identity.from_seed(bytes(31) + b"\1").peer
    assert peer_name(known) == "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"


@pytest.mark.parametrize("name", ["", "0OIl", "12D3KooW", NAME + "1", "Qm" + NAME[2:]])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidPeerName):
        parse_peer_name(name)


def test_an_identity_signs_and_only_its_own_signature_holds() -> None:
    identity, other = Identity.from_seed(bytes(32)), Identity.from_seed(bytes([1]) * 32)
    signature = identity.sign(b"word")
    assert is_signed_by(identity.peer, b"word", signature)
    assert not is_signed_by(other.peer, b"word", signature)
    assert not is_signed_by(identity.peer, b"other", signature)
    assert not is_signed_by(PeerId(b"short"), b"word", b"")
    assert "00000" not in repr(identity), "the secret is not shown"


@pytest.mark.parametrize(
    ("text", "kind", "url"),
    [
        ("/ip4/1.2.3.4/tcp/30333/ws", "ip4", "ws://1.2.3.4:30333/"),
        ("/ip6/2001:db8::1/tcp/1/ws", "ip6", "ws://[2001:db8::1]:1/"),
        ("/dns/node.example.org/tcp/443/ws", "dns", "ws://node.example.org:443/"),
        ("/dns4/node.example.org/tcp/443", "dns", "ws://node.example.org:443/"),
    ],
)
def test_addresses_are_read_with_and_without_a_peer(text: str, kind: str, url: str) -> None:
    plain, named = parse_address(text), parse_address(f"{text}/p2p/{NAME}", with_peer=True)
    assert (plain.kind, plain.url, plain.peer) == (kind, url, None)
    assert named.peer == PEER
    assert parse_address(str(named)) == named


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected /ip4/HOST/tcp/PORT/ws"),
        ("1.2.3.4:30333", "expected /ip4/HOST/tcp/PORT/ws"),
        ("/ip4/1.2.3.4/udp/1/ws", "expected /ip4/HOST/tcp/PORT/ws"),
        ("/ip4/1.2.3/tcp/1/ws", "is no IPv4 address"),
        ("/ip6/1.2.3.4/tcp/1/ws", "is no IPv6 address"),
        ("/dns/-bad-/tcp/1/ws", "is no DNS name"),
        ("/ip4/1.2.3.4/tcp/65536/ws", "is no port"),
        ("/ip4/1.2.3.4/tcp/x/ws", "is no port"),
        ("/ip4/1.2.3.4/tcp/1/wss", "is not understood"),
        ("/ip4/1.2.3.4/tcp/1/ws/p2p/Qm", "is not the name of an ed25519 key"),
        ("/ip4/1.2.3.4/tcp/1/ws", "the peer is missing"),
        ("/" + "a" * 500, "at most 400"),
    ],
)
def test_what_is_wrong_with_an_address_is_named(text: str, complaint: str) -> None:
    with pytest.raises(InvalidAddress, match=complaint):
        parse_address(text, with_peer=True)


def test_an_address_to_listen_at_names_no_peer() -> None:
    with pytest.raises(InvalidAddress, match="names no peer"):
        parse_address(f"/ip4/0.0.0.0/tcp/1/ws/p2p/{NAME}", with_peer=False)


def test_neighbours_share_a_subnet_and_private_hosts_are_not_global() -> None:
    assert ip_address("8.8.1.1", 1).subnet == ip_address("8.8.200.1", 2).subnet
    assert ip_address("2001:db8::1", 1).subnet == ip_address("2001:db8:ffff::2", 1).subnet
    assert ip_address("8.8.8.8", 1).is_global
    assert not ip_address("127.0.0.1", 1).is_global
    assert Address("dns", "Example.org", 1).subnet == "example.org"
    with pytest.raises(InvalidAddress):
        ip_address("example.org", 1)
