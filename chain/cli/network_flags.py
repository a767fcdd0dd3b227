"""The flags about peers, by Substrate's names, and the configuration they make."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from chain.cli.failure import CommandFailed, UsageFault
from chain.config import ChainFolder
from chain.peers_file import read_peers
from network.address import Address, InvalidAddress, parse_address
from network.identity import SEED_LENGTH, Identity
from network.peers import PeerLimits
from network.service import NetworkConfig

DEFAULT_PORT = 30_333
MAX_PORT = 65_535
MAX_PEERS = 1_000


def add_network_flags(parser: argparse.ArgumentParser) -> None:
    """Where to listen, whom to know, how many peers to have."""
    group = parser.add_argument_group("network")
    address = "ADDRESS"
    group.add_argument(
        "--port", type=_bounded(0, MAX_PORT), metavar="PORT", help=f"of peers (default: {DEFAULT_PORT})"
    )
    group.add_argument(
        "--listen-addr",
        action="append",
        default=[],
        type=_address(with_peer=False),
        metavar=address,
        help="where peers reach this node, such as /ip4/0.0.0.0/tcp/30333/ws; repeatable",
    )
    group.add_argument(
        "--public-addr",
        action="append",
        default=[],
        type=_address(with_peer=False),
        metavar=address,
        help="what to tell others, where that differs; repeatable",
    )
    for flag, text in (
        ("--bootnodes", "peers to meet first: /dns/HOST/tcp/PORT/ws/p2p/12D3KooW…; repeatable"),
        ("--reserved-nodes", "peers that are always wanted; repeatable"),
    ):
        group.add_argument(
            flag,
            action="extend",
            nargs="+",
            default=[],
            type=_address(with_peer=True),
            metavar=address,
            help=text,
        )
    group.add_argument("--reserved-only", action="store_true", help="have no other peers than reserved ones")
    limits = PeerLimits()
    default = "(default: %(default)s)"
    group.add_argument(
        "--out-peers",
        type=_bounded(0, MAX_PEERS),
        default=limits.out_peers,
        metavar="COUNT",
        help=f"that this node dials {default}",
    )
    group.add_argument(
        "--in-peers",
        type=_bounded(0, MAX_PEERS),
        default=limits.in_peers,
        metavar="COUNT",
        help=f"that are let in {default}",
    )
    keys = group.add_mutually_exclusive_group()
    keys.add_argument(
        "--node-key", metavar="HEX", help="secret of this node's name among peers; others can read it here"
    )
    keys.add_argument("--node-key-file", type=Path, metavar="FILE", help="file that holds it")
    group.add_argument("--no-network", action="store_true", help="have no peers at all")


def network_config(args: argparse.Namespace, folder: ChainFolder) -> NetworkConfig | None:
    """The configuration that the flags and the chain's boot nodes describe; None without a network.

    Raises `UsageFault` for flags that contradict each other, `CommandFailed` for a wrong boot node.
    """
    if args.no_network or (args.dev and args.port is None and not args.listen_addr):
        return None
    if args.listen_addr and args.port is not None:
        raise UsageFault("--port and --listen-addr: the address names a port already, give one of them")
    port = DEFAULT_PORT if args.port is None else args.port
    return NetworkConfig(
        listen=tuple(args.listen_addr) or (Address("ip4", "0.0.0.0", port),),
        public=tuple(args.public_addr),
        bootnodes=(*args.bootnodes, *_boot_nodes(folder.spec.boot_nodes)),
        remembered=read_peers(folder.network),
        reserved=tuple(args.reserved_nodes),
        limits=PeerLimits(args.in_peers, args.out_peers, args.reserved_only),
    )


def node_identity(args: argparse.Namespace) -> Identity | None:
    """The identity that a flag gives; None: the one in the chain's folder. Raises `UsageFault`,
    `CommandFailed`.
    """
    if args.node_key is not None:
        return Identity.from_seed(_seed(args.node_key.encode(), "--node-key"))
    if args.node_key_file is None:
        return None
    try:
        content = args.node_key_file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"the node key {args.node_key_file} cannot be read: {error.strerror}") from error
    return Identity.from_seed(_seed(content, str(args.node_key_file)))


def _seed(content: bytes, name: str) -> bytes:
    """32 bytes, or their 64 hexadecimal digits, as Substrate's node keys come."""
    if len(content) == SEED_LENGTH:
        return content
    try:
        seed = bytes.fromhex(content.decode().strip().removeprefix("0x"))
    except ValueError:
        seed = b""
    if len(seed) != SEED_LENGTH:
        raise UsageFault(
            f"{name}: a node key has {SEED_LENGTH} bytes, or {2 * SEED_LENGTH} hexadecimal digits"
        )
    return seed


def _boot_nodes(texts: Sequence[str]) -> list[Address]:
    try:
        return [parse_address(text, with_peer=True) for text in texts]
    except InvalidAddress as error:
        raise CommandFailed(f"the chain spec's boot node {error}") from error


def _address(*, with_peer: bool) -> Callable[[str], Address]:
    def parse(text: str) -> Address:
        try:
            return parse_address(text, with_peer=with_peer)
        except InvalidAddress as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def _bounded(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse
