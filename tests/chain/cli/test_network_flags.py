"""Flags about peers: Substrate's names, specific complaints."""

import argparse
from pathlib import Path

import pytest

from chain.cli.failure import CommandFailed, UsageFault
from chain.cli.flags import add_node_flags, node_config
from chain.config import NodeConfig
from network.address import ip_address
from network.identity import Identity, peer_name

PEER = Identity.from_seed(bytes(32)).peer
ADDRESS = f"/ip4/10.0.0.1/tcp/30333/ws/p2p/{peer_name(PEER)}"


def parsed(*arguments: object) -> NodeConfig:
    parser = argparse.ArgumentParser()
    add_node_flags(parser)
    return node_config(parser.parse_args([str(one) for one in arguments]))


def test_by_default_a_node_listens_everywhere_on_substrates_port(tmp_path: Path) -> None:
    network = parsed("--chain", "dev", "-d", tmp_path).network
    assert network is not None
    assert [str(one) for one in network.listen] == ["/ip4/0.0.0.0/tcp/30333/ws"]
    assert (network.limits.out_peers, network.limits.in_peers) == (8, 32)


def test_a_development_node_has_no_peers_unless_a_port_is_given(tmp_path: Path) -> None:
    assert parsed("--dev", "-d", tmp_path).network is None
    assert parsed("--dev", "-d", tmp_path, "--port", 0).network is not None
    assert parsed("--chain", "dev", "-d", tmp_path, "--no-network").network is None


def test_peers_and_limits_come_from_the_flags(tmp_path: Path) -> None:
    flags = ("--bootnodes", ADDRESS, "--reserved-nodes", ADDRESS, "--reserved-only", "--out-peers", 3)
    network = parsed("--chain", "dev", "-d", tmp_path, *flags, "--listen-addr", "/ip6/::1/tcp/5/ws").network
    assert network is not None
    assert network.bootnodes == network.reserved == (ip_address("10.0.0.1", 30_333, PEER),)
    assert network.limits.reserved_only
    assert network.limits.out_peers == 3
    assert [one.port for one in network.listen] == [5]


def test_a_node_key_is_taken_from_hex_or_from_a_file(tmp_path: Path) -> None:
    raw, text = tmp_path / "raw", tmp_path / "text"
    raw.write_bytes(bytes(32))
    text.write_text("00" * 32 + "\n")
    wanted = Identity.from_seed(bytes(32))
    for flags in (("--node-key", "00" * 32), ("--node-key-file", raw), ("--node-key-file", text)):
        assert parsed("--chain", "dev", "-d", tmp_path, *flags).identity == wanted


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--node-key", "zz"), "a node key has 32 bytes"),
        (("--port", "1", "--listen-addr", "/ip4/1.2.3.4/tcp/1/ws"), "give one of them"),
    ],
)
def test_flags_that_make_no_sense_are_usage_faults(
    tmp_path: Path, flags: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(UsageFault, match=complaint):
        parsed("--chain", "dev", "-d", tmp_path, *flags)


def test_a_node_key_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot be read"):
        parsed("--chain", "dev", "-d", tmp_path, "--node-key-file", tmp_path / "absent")


@pytest.mark.parametrize(
    ("flag", "value", "complaint"),
    [
        ("--bootnodes", "/ip4/1.2.3.4/tcp/1/ws", "the peer is missing"),
        ("--listen-addr", ADDRESS, "names no peer"),
        ("--port", "65536", "from 0 to 65535"),
        ("--in-peers", "many", "from 0 to 1000"),
    ],
)
def test_a_wrong_value_is_named_beside_its_flag(
    capsys: pytest.CaptureFixture[str], flag: str, value: str, complaint: str
) -> None:
    with pytest.raises(SystemExit):
        parsed("--chain", "dev", flag, value)
    printed = capsys.readouterr().err
    assert flag in printed
    assert complaint in printed
