"""A node's name and the peers that it met survive a restart; a damaged file never costs more than it must."""

import os
from pathlib import Path

import pytest

from chain.peers_file import IDENTITY_FILE, PEERS_FILE, IdentityFault, load_identity, read_peers, write_peers
from network.address import ip_address
from network.identity import Identity


def test_a_new_node_makes_a_name_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    first = load_identity(folder)
    assert load_identity(folder) == first
    assert (folder / IDENTITY_FILE).stat().st_mode & 0o777 == 0o600
    assert load_identity(tmp_path / "other").peer != first.peer


def test_a_name_may_be_written_in_hexadecimal_as_substrate_does(tmp_path: Path) -> None:
    (tmp_path / IDENTITY_FILE).write_text("01" * 32 + "\n")
    assert load_identity(tmp_path) == Identity.from_seed(bytes([1]) * 32)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 33, b"zz" * 32])
def test_a_damaged_name_stops_the_node_and_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / IDENTITY_FILE
    path.write_bytes(content)
    with pytest.raises(IdentityFault, match="is damaged"):
        load_identity(tmp_path)
    assert path.read_bytes() == content


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IdentityFault, match=r"cannot be (written|read)"):
        load_identity(tmp_path / "file" / "network")


def test_known_peers_come_back(tmp_path: Path) -> None:
    addresses = [ip_address("10.0.0.1", port, Identity.from_seed(bytes([port]) * 32).peer) for port in (1, 2)]
    write_peers(tmp_path / "network", addresses)
    assert list(read_peers(tmp_path / "network")) == addresses
    assert os.listdir(tmp_path / "network") == [PEERS_FILE]


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '["/ip4/1.2.3.4/tcp/1/ws"]', "[" * 100_000, " " * 2_000_000]
)
def test_a_damaged_list_of_peers_only_means_a_slower_start(tmp_path: Path, content: str) -> None:
    (tmp_path / PEERS_FILE).write_text(content)
    assert read_peers(tmp_path) == ()


def test_no_list_of_peers_is_none_at_all(tmp_path: Path) -> None:
    assert read_peers(tmp_path) == ()


def test_peers_that_cannot_be_kept_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write_peers(tmp_path / "file", [])
