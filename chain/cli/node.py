"""`fixpoint run` and `fixpoint dev`: the node itself."""

import argparse
import asyncio
import shutil

from chain.cli.flags import add_node_flags, node_config
from chain.logs import Log
from chain.logs import configure as configure_logs
from chain.machine import MachineFault
from chain.metrics import MetricsServerError
from chain.node import Node, run_node
from chain.peers_file import IdentityFault
from chain.preflight import PreflightFault
from network.rpc import RpcServer, RpcServerError
from network.service import NetworkError

log = Log("rpc")

DEV_NOTE = (
    "Short for `run --dev`: the development chain with Alice as its one validator, in a temporary folder "
    "unless --base-path names one, with JSON-RPC open to web pages of any origin."
)


EXPECTED = (RpcServerError, MetricsServerError, NetworkError, IdentityFault, MachineFault, PreflightFault)
"""Faults of the environment in which a node runs."""


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare `run`, or `dev`."""
    add_node_flags(parser)
    parser.set_defaults(
        handler=_run, expected=(RpcServerError, MachineFault, PreflightFault, MetricsServerError)
    )
    if name == "dev":
        parser.description = DEV_NOTE
        parser.set_defaults(dev=True)


def _run(args: argparse.Namespace) -> None:
    config = node_config(args)
    try:
        configure_logs(config.log.filters, as_json=config.log.as_json)
        asyncio.run(run_node(config, _tell_address))
    finally:
        if config.temporary:
            shutil.rmtree(config.folder.base, ignore_errors=True)


def _tell_address(node: Node, server: RpcServer) -> None:
    log.info("JSON-RPC is served", url=f"ws://{node.config.rpc.host}:{server.port}")
