"""Commands that open the database themselves, while no node runs on it."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from chain.cli.failure import CommandFailed
from chain.cli.flags import chain_folder
from chain.config import NodeConfig
from chain.machine import MachineFault
from chain.opening import Chain, open_chain
from chain.store import Pruning

MACHINE_FAULTS: tuple[type[Exception], ...] = (MachineFault,)


def offline_config(args: argparse.Namespace, pruning: Pruning | None = None) -> NodeConfig:
    """The configuration for the chain that the flags name."""
    return NodeConfig(folder=chain_folder(args), pruning=pruning)


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[Chain]:
    """The chain that the flags name, which must have a database already.

    Raises `CommandFailed` where there is none, and as `open_chain`.
    """
    config = offline_config(args)
    if not (config.folder.database / "CURRENT").is_file():
        raise CommandFailed(
            f"there is no database of the chain {config.spec.id} in {config.folder.database}: "
            "name the --base-path and --chain of the node"
        )
    with open_chain(config) as chain:
        yield chain
