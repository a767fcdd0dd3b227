"""`fixpoint revert` and `fixpoint purge`: take blocks back, or start anew."""

import argparse
import sys

from chain.cli.failure import CommandFailed
from chain.cli.flags import add_chain_flags, chain_folder, whole
from chain.cli.output import add_json_flag, facts, show
from chain.store import Store, purge
from chain.store.leveldb import LevelDB

DEFAULT_REVERTED = 256
"""Substrate's default."""


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare one of the two commands."""
    add_chain_flags(parser)
    add_json_flag(parser)
    if name == "revert":
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


def _revert(args: argparse.Namespace) -> None:
    folder = chain_folder(args)
    if not (folder.database / "CURRENT").is_file():
        raise CommandFailed(f"there is no database of the chain {folder.spec.id} in {folder.database}")
    kv = LevelDB.open(folder.database, create=False)
    try:
        store = Store.open(kv, genesis=None)
        reverted = store.revert(args.count, force=args.force)
    finally:
        kv.close()
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
