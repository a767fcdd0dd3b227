"""The flags that several commands share, by Substrate's names, and the configuration they make."""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from chain.cli.failure import UsageFault
from chain.cli.network_flags import add_network_flags, network_config, node_identity
from chain.cli.rate_flags import add_rate_flags, rate_policy
from chain.cli.secret import add_password_flags, keystore_password
from chain.config import (
    DEFAULT_INFERENCE_CACHE,
    MEBIBYTE,
    ChainFolder,
    InferenceConfig,
    LogConfig,
    NodeConfig,
    Seal,
    SyncMode,
    default_base_path,
)
from chain.metrics import MetricsConfig
from chain.metrics.server import DEFAULT_PORT as DEFAULT_METRICS_PORT
from chain.pool import PoolLimits
from chain.store import Pruning
from genesis.presets import find_spec
from network.rpc import ALL_ORIGINS, DEFAULT_ORIGINS, RpcConfig, RpcLimits, UnsafeMethods
from runtime.primitives.keys import DEVELOPMENT_NAMES

DEFAULT_CHAIN = "local"
LOOPBACK, ALL_INTERFACES = "127.0.0.1", "0.0.0.0"
MAX_PORT = 65_535
MAX_MEBIBYTES = 1 << 20
"""A tebibyte: more is a slip of the finger."""
MAX_COUNT = (1 << 32) - 1
FUTURE_SHARE = 10
"""The future queue gets a tenth of the ready queue's room, as in Substrate."""


def whole(minimum: int, maximum: int = MAX_COUNT) -> Callable[[str], int]:
    """An argparse type: a whole number within bounds."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and minimum <= int(text) <= maximum):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def pruning(text: str) -> Pruning:
    """An argparse type: `archive`, `archive-canonical` or a number of blocks."""
    try:
        return Pruning.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_chain_flags(parser: argparse.ArgumentParser) -> None:
    """Which chain, and where its data lie."""
    group = parser.add_argument_group("chain")
    group.add_argument("--dev", action="store_true", help="the development chain; see `fixpoint dev --help`")
    group.add_argument(
        "--chain", metavar="CHAIN", help=f"dev, local or a spec file (default: {DEFAULT_CHAIN})"
    )
    group.add_argument(
        "-d", "--base-path", type=Path, metavar="PATH", help="folder for the data of all chains"
    )


def chain_folder(args: argparse.Namespace, base: Path | None = None) -> ChainFolder:
    """The chain that the flags name. Raises `UnknownChain`, `InvalidSpec`."""
    chain = args.chain if args.chain is not None else "dev" if args.dev else DEFAULT_CHAIN
    return ChainFolder(find_spec(chain), base or args.base_path or default_base_path())


def add_node_flags(parser: argparse.ArgumentParser) -> None:
    """All flags of `run`."""
    add_chain_flags(parser)
    _add_role_flags(parser)
    add_network_flags(parser)
    _add_rpc_flags(parser)
    add_rate_flags(parser, whole(1))
    group = parser.add_argument_group("storage, pool and inference")
    group.add_argument(
        "--state-pruning",
        "--pruning",
        type=pruning,
        metavar="MODE",
        help="archive, archive-canonical, or how many final states are kept (default: 256)",
    )
    group.add_argument("--keystore-path", type=Path, metavar="PATH", help="folder of the session keys")
    add_password_flags(group)
    limits = PoolLimits()
    group.add_argument(
        "--pool-limit",
        type=whole(1),
        default=limits.ready_count,
        metavar="COUNT",
        help="transactions in the pool (default: %(default)s)",
    )
    group.add_argument(
        "--pool-kbytes",
        type=whole(1),
        default=limits.ready_bytes // 1024,
        metavar="KIB",
        help="size of the pool (default: %(default)s)",
    )
    group.add_argument(
        "--tx-ban-seconds",
        type=whole(0),
        default=limits.ban_ms // 1000,
        metavar="S",
        help="how long an invalid transaction is refused (default: %(default)s)",
    )
    group.add_argument(
        "--inference-threads",
        type=whole(1, 1024),
        default=os.cpu_count() or 1,
        metavar="COUNT",
        help="threads for running models (default: one per processor); results do not depend on it",
    )
    group.add_argument(
        "--inference-cache-mb",
        type=whole(1, MAX_MEBIBYTES),
        default=DEFAULT_INFERENCE_CACHE // MEBIBYTE,
        metavar="MIB",
        help="memory for models that are kept ready (default: %(default)s)",
    )
    _add_metrics_flags(parser)
    _add_log_flags(parser)


def _add_metrics_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("metrics")
    group.add_argument(
        "--prometheus-port",
        type=whole(0, MAX_PORT),
        metavar="PORT",
        help=f"0: any free one (default: {DEFAULT_METRICS_PORT}, where nobody else listens there)",
    )
    group.add_argument(
        "--prometheus-external", action="store_true", help="serve the metrics on all interfaces"
    )
    group.add_argument("--no-prometheus", action="store_true", help="serve no metrics")


def _add_role_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("role")
    group.add_argument(
        "--tmp", action="store_true", help="keep the data in a folder that is deleted at the end"
    )
    group.add_argument(
        "--validator", action="store_true", help="author blocks and vote, with the keystore's keys"
    )
    group.add_argument("--name", help="what this node is called")
    group.add_argument(
        "--force-authoring", action="store_true", help="author even while no peer is connected"
    )
    group.add_argument(
        "--no-hardware-benchmarks",
        action="store_true",
        help="do not measure whether this machine is fast enough to validate",
    )
    group.add_argument(
        "--seal",
        choices=[one.value for one in Seal],
        default=Seal.SLOTS.value,
        help="when blocks are made: in slots, at each transaction, or on demand (default: %(default)s)",
    )
    group.add_argument(
        "--sync",
        choices=[one.value for one in SyncMode],
        default=SyncMode.FULL.value,
        help="how a new node of an old chain catches up: by all blocks, or by proofs and a recent state "
        "(default: %(default)s)",
    )
    for name in DEVELOPMENT_NAMES:
        group.add_argument(
            f"--{name.lower()}",
            action="append_const",
            dest="development_keys",
            const=name,
            help=f"short for --name {name} --validator, with the public keys of //{name}",
        )


def _add_rpc_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("JSON-RPC")
    limits = RpcLimits()
    group.add_argument(
        "--rpc-port",
        type=whole(0, MAX_PORT),
        default=RpcConfig().port,
        metavar="PORT",
        help="0: any free one (default: %(default)s)",
    )
    group.add_argument(
        "--rpc-external", action="store_true", help="listen on all interfaces (not as validator)"
    )
    group.add_argument("--unsafe-rpc-external", action="store_true", help="the same, also as validator")
    group.add_argument(
        "--rpc-methods",
        choices=[one.value for one in UnsafeMethods],
        default=UnsafeMethods.AUTO.value,
        help="who may call methods that change the node (default: auto, this machine only)",
    )
    group.add_argument(
        "--rpc-cors",
        metavar="ORIGINS",
        help="web pages that may call, divided by commas, or `all` (default: localhost and polkadot.js.org)",
    )
    group.add_argument(
        "--rpc-max-connections", type=whole(1), default=limits.connections, metavar="COUNT", help=_DEFAULT
    )
    group.add_argument(
        "--rpc-max-request-size",
        type=whole(1, MAX_MEBIBYTES),
        default=limits.request_bytes // MEBIBYTE,
        metavar="MIB",
        help=_DEFAULT,
    )
    group.add_argument(
        "--rpc-max-response-size",
        type=whole(1, MAX_MEBIBYTES),
        default=limits.response_bytes // MEBIBYTE,
        metavar="MIB",
        help=_DEFAULT,
    )
    group.add_argument(
        "--rpc-max-subscriptions-per-connection",
        type=whole(0),
        default=limits.subscriptions_per_connection,
        metavar="COUNT",
        help=_DEFAULT,
    )
    group.add_argument(
        "--rpc-message-buffer-capacity-per-connection",
        type=whole(1, MAX_MEBIBYTES),
        default=limits.message_buffer_capacity,
        metavar="COUNT",
        help=_DEFAULT,
    )
    group.add_argument(
        "--rpc-legacy-only",
        action="store_true",
        help="serve none of the groups of the new specification (chainHead, transaction, archive and others)",
    )
    batches = group.add_mutually_exclusive_group()
    batches.add_argument("--rpc-disable-batch-requests", action="store_true", help="refuse batches of calls")
    batches.add_argument(
        "--rpc-max-batch-request-len",
        type=whole(1),
        default=limits.batch_length,
        metavar="COUNT",
        help=_DEFAULT,
    )


_DEFAULT = "(default: %(default)s)"


def _add_log_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("log")
    group.add_argument(
        "-l", "--log", action="append", default=[], metavar="FILTER", help="LEVEL or TARGET=LEVEL, repeatable"
    )
    group.add_argument(
        "--log-format", choices=("text", "json"), default="text", help="for people or for programs"
    )


def node_config(args: argparse.Namespace) -> NodeConfig:
    """The configuration that the flags of `add_node_flags` describe.

    `--dev` means `--chain dev --alice --force-authoring --rpc-cors all`, and `--tmp` without a base path.
    Makes the temporary folder where one is asked for. Raises `UsageFault` for flags that contradict each
    other, and what `chain_folder` raises.
    """
    names = tuple(args.development_keys or (("Alice",) if args.dev and not args.validator else ()))
    if len(names) > 1:
        raise UsageFault(
            f"--{names[0].lower()} and --{names[1].lower()}: a node is one validator, choose one"
        )
    if args.tmp and args.base_path is not None:
        raise UsageFault(
            "--tmp and --base-path: a temporary node chooses its folder itself, give one of them"
        )
    validator = args.validator or bool(names)
    rpc = _rpc_config(args, validator)
    temporary = args.tmp or (args.dev and args.base_path is None)
    base = None
    if temporary:
        chain_folder(args)  # A wrong chain must not leave a folder behind.
        base = Path(tempfile.mkdtemp(prefix="fixpoint-"))
    return NodeConfig(
        folder=chain_folder(args, base),
        name=args.name or (names[0] if names else "fixpoint"),
        validator=validator,
        key_uris=tuple(f"//{name}" for name in names),
        force_authoring=args.force_authoring or args.dev,
        measures_machine=not args.no_hardware_benchmarks,
        seal=Seal(args.seal),
        sync=SyncMode(args.sync),
        pruning=args.state_pruning,
        keystore=args.keystore_path,
        keystore_password=keystore_password(args),
        temporary=temporary,
        rpc=rpc,
        rpc_legacy_only=args.rpc_legacy_only,
        metrics=_metrics_config(args),
        network=network_config(args, chain_folder(args, base)),
        identity=node_identity(args),
        pool=PoolLimits(
            ready_count=args.pool_limit,
            ready_bytes=args.pool_kbytes * 1024,
            future_count=max(args.pool_limit // FUTURE_SHARE, 1),
            future_bytes=max(args.pool_kbytes * 1024 // FUTURE_SHARE, 1024),
            ban_ms=args.tx_ban_seconds * 1000,
        ),
        inference=InferenceConfig(args.inference_threads, args.inference_cache_mb * MEBIBYTE),
        log=LogConfig(tuple(args.log), args.log_format == "json"),
    )


def _metrics_config(args: argparse.Namespace) -> MetricsConfig | None:
    if args.no_prometheus:
        return None
    host, port = ALL_INTERFACES if args.prometheus_external else LOOPBACK, args.prometheus_port
    if port is None:
        return MetricsConfig(host, required=False)
    return MetricsConfig(host, port)


def _rpc_config(args: argparse.Namespace, validator: bool) -> RpcConfig:
    methods = UnsafeMethods(args.rpc_methods)
    if (
        args.rpc_external
        and validator
        and methods is not UnsafeMethods.UNSAFE
        and not args.unsafe_rpc_external
    ):
        raise UsageFault(
            "--rpc-external: a validator should not be reachable by everyone; "
            "give --unsafe-rpc-external if you understand the risk"
        )
    external = args.rpc_external or args.unsafe_rpc_external
    cors: tuple[str, ...] | None = DEFAULT_ORIGINS
    if args.rpc_cors == "all" or (args.rpc_cors is None and args.dev):
        cors = ALL_ORIGINS
    elif args.rpc_cors is not None:
        cors = tuple(origin.strip() for origin in args.rpc_cors.split(",") if origin.strip())
    return RpcConfig(
        host=ALL_INTERFACES if external else LOOPBACK,
        port=args.rpc_port,
        cors=cors,
        methods=methods,
        rate=rate_policy(args),
        limits=RpcLimits(
            request_bytes=args.rpc_max_request_size * MEBIBYTE,
            response_bytes=args.rpc_max_response_size * MEBIBYTE,
            connections=args.rpc_max_connections,
            subscriptions_per_connection=args.rpc_max_subscriptions_per_connection,
            message_buffer_capacity=args.rpc_message_buffer_capacity_per_connection,
            batch_length=args.rpc_max_batch_request_len,
            batches_enabled=not args.rpc_disable_batch_requests,
        ),
    )
