"""`fixpoint testnet`: a local network of real processes, until it is interrupted."""

import argparse
import signal
import tempfile
import threading
from pathlib import Path

from chain.cli.failure import CommandFailed
from chain.cli.flags import whole
from chain.cli.output import remark, table
from chain.testnet import LocalNetwork, Member, NetworkFault
from genesis.presets import testnet

MAX_VALIDATORS = 64
"""On one machine: each is a process of some 150 MiB."""

FIRST_PORT, FIRST_RPC_PORT = 30_333, 9_944
POLL_SECONDS = 1.0


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser.description = (
        "Start a network of validators on this machine, each a process with a folder and a log of its own. "
        "Keys are //Validator//0 and so on. Ctrl-C stops all of them in order."
    )
    parser.add_argument("--validators", type=whole(1, MAX_VALIDATORS), default=4, metavar="N", help=_DEFAULT)
    parser.add_argument("--full-nodes", type=whole(0, MAX_VALIDATORS), default=0, metavar="N", help=_DEFAULT)
    parser.add_argument("--slot-ms", type=whole(500, 60_000), default=2_000, metavar="MS", help=_DEFAULT)
    parser.add_argument("--epoch-slots", type=whole(5, 10_000), default=50, metavar="SLOTS", help=_DEFAULT)
    parser.add_argument(
        "-d", "--base-path", type=Path, metavar="PATH", help="folder of all nodes (default: temporary)"
    )
    parser.add_argument("-l", "--log", action="append", default=[], metavar="FILTER", help="for every node")
    parser.set_defaults(handler=_run)


_DEFAULT = "(default: %(default)s)"


def _run(args: argparse.Namespace) -> None:
    folder = args.base_path or Path(tempfile.mkdtemp(prefix="fixpoint-testnet-"))
    spec = testnet(args.validators, args.slot_ms, args.epoch_slots)
    flags = [flag for one in args.log for flag in ("--log", one)]
    network = LocalNetwork(folder, spec, flags)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        members = _start(network, args.validators, args.full_nodes)
        _show(network, members)
        while not stopped.wait(POLL_SECONDS):
            for member in members:
                if not network.is_running(member):
                    raise CommandFailed(
                        f"{member.name} ended by itself: {network.last_words(member)} (see {member.log})"
                    )
    except NetworkFault as fault:
        raise CommandFailed(str(fault)) from fault
    finally:
        remark("stopping the network ...")
        network.close()


def _start(network: LocalNetwork, validators: int, full_nodes: int) -> list[Member]:
    for index in range(validators + full_nodes):
        is_validator = index < validators
        name = f"validator-{index}" if is_validator else f"full-{index - validators}"
        uri = f"//Validator//{index}" if is_validator else None
        network.add(name, uri, FIRST_PORT + index, FIRST_RPC_PORT + index)
    for member in network.members:
        network.start(member)
    for member in network.members:
        network.wait_ready(member)
    return network.members


def _show(network: LocalNetwork, members: list[Member]) -> None:
    rows = [(member.name, member.url, member.uri or "", member.log) for member in members]
    print(table(("Node", "JSON-RPC", "Keys", "Log"), rows))
    print(f"\nChain spec: {network.spec_file}")
    print(f"In polkadot.js Apps: https://polkadot.js.org/apps/?rpc={members[0].url}")
    print("Ctrl-C stops the network.", flush=True)
