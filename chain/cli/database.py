"""`fixpoint chain-info`, `revert` and `purge`: what a database holds, taking blocks back, starting anew."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chain.cli.failure import CommandFailed
from chain.cli.flags import add_chain_flags, chain_folder, whole
from chain.cli.output import add_json_flag, facts, show
from chain.store import Store, purge
from chain.store.leveldb import LevelDB

DEFAULT_REVERTED = 256
"""Substrate's default."""


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare one of the commands."""
    add_chain_flags(parser)
    add_json_flag(parser)
    if name == "chain-info":
        parser.set_defaults(handler=_info)
    elif name == "revert":
        parser.add_argument(
            "count",
            nargs="?",
            type=whole(0),
            default=DEFAULT_REVERTED,
            metavar="N",
            help="blocks (default: %(default)s)",
        )
        parser.add_argument(
            "--force", action="store_true", help="also final blocks, as far as states are kept"
        )
        parser.set_defaults(handler=_revert)
    else:
        parser.add_argument("-y", dest="yes", action="store_true", help="do not ask")
        parser.set_defaults(handler=_purge)


@contextmanager
def opened_store(args: argparse.Namespace) -> Iterator[Store]:
    """The store of the chain that the flags name, which must exist."""
    folder = chain_folder(args)
    if not (folder.database / "CURRENT").is_file():
        raise CommandFailed(f"there is no database of the chain {folder.spec.id} in {folder.database}")
    kv = LevelDB.open(folder.database, create=False)
    try:
        yield Store.open(kv, genesis=None)
    finally:
        kv.close()


def _info(args: argparse.Namespace) -> None:
    with opened_store(args) as store:
        best, final = store.best(), store.finalized()
        value = {
            "genesisHash": store.genesis_hash,
            "bestNumber": best.number,
            "bestHash": best.hash,
            "finalizedNumber": final.number,
            "finalizedHash": final.hash,
            "stateRoot": store.state_root(best.hash),
            "oldestState": store.oldest_state,
            "leaves": len(store.leaves()),
            "pruning": str(store.pruning),
        }
    shown = {
        "Genesis": value["genesisHash"],
        "Best block": f"{best.number:,}  0x{best.hash.hex()}",
        "Final block": f"{final.number:,}  0x{final.hash.hex()}",
        "State root": value["stateRoot"],
        "Oldest state": value["oldestState"],
        "Heads": value["leaves"],
        "Pruning": value["pruning"],
    }
    show(args, value, facts(shown))


def _revert(args: argparse.Namespace) -> None:
    with opened_store(args) as store:
        reverted = store.revert(args.count, force=args.force)
    if args.count and not reverted.removed:
        raise CommandFailed(
            f"nothing to revert: block {reverted.best.number} is final (--force goes below final blocks)"
        )
    value = {
        "removed": len(reverted.removed),
        "best": {"number": reverted.best.number, "hash": reverted.best.hash},
        "finalized": {"number": reverted.finalized.number, "hash": reverted.finalized.hash},
    }
    shown = {
        "Blocks removed": len(reverted.removed),
        "Best block": f"{reverted.best.number:,}  0x{reverted.best.hash.hex()}",
        "Final block": f"{reverted.finalized.number:,}  0x{reverted.finalized.hash.hex()}",
    }
    show(args, value, facts(shown))


def _purge(args: argparse.Namespace) -> None:
    folder = chain_folder(args)
    if not folder.database.exists():
        raise CommandFailed(f"there is no database of the chain {folder.spec.id} in {folder.database}")
    if not args.yes:
        if not sys.stdin.isatty():
            raise CommandFailed(f"say -y to delete {folder.database}: nobody can be asked here")
        print(f"Delete {folder.database}? Keys are kept. [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandFailed("nothing was deleted")
    purge(folder.database)
    show(args, {"purged": str(folder.database)}, f"deleted {folder.database}")
