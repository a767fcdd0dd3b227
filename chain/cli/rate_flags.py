"""The flags that limit how fast a connection may call."""

import argparse
import ipaddress
from collections.abc import Callable

from chain.cli.failure import UsageFault
from network.rpc.rate import Network, RatePolicy


def ip_network(text: str) -> Network:
    """An argparse type: an address, or a network as in 10.0.0.0/8."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no address and no network: {error}") from error


def add_rate_flags(parser: argparse.ArgumentParser, count: Callable[[str], int]) -> None:
    """The flags; `count` reads a number of calls."""
    group = parser.add_argument_group("JSON-RPC rate")
    group.add_argument(
        "--rpc-rate-limit",
        type=count,
        metavar="COUNT",
        help="calls a minute that one connection may make (default: any number)",
    )
    group.add_argument(
        "--rpc-rate-limit-whitelisted-ips",
        type=ip_network,
        nargs="+",
        default=[],
        metavar="NETWORK",
        help="addresses that --rpc-rate-limit leaves alone, as in 10.0.0.0/8",
    )
    group.add_argument(
        "--rpc-rate-limit-trust-proxy-headers",
        action="store_true",
        help="take the address from X-Real-IP or X-Forwarded-For: only behind a proxy that sets them",
    )


def rate_policy(args: argparse.Namespace) -> RatePolicy | None:
    """What the flags say. Raises `UsageFault` where some of them need another."""
    if args.rpc_rate_limit is not None:
        exempt = tuple(args.rpc_rate_limit_whitelisted_ips)
        return RatePolicy(args.rpc_rate_limit, exempt, args.rpc_rate_limit_trust_proxy_headers)
    if args.rpc_rate_limit_whitelisted_ips or args.rpc_rate_limit_trust_proxy_headers:
        raise UsageFault("--rpc-rate-limit-whitelisted-ips and -trust-proxy-headers need --rpc-rate-limit")
    return None
