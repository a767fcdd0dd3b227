"""`fixpoint export-blocks`, `import-blocks`, `check-block`: a chain into a file, out of it, and once more."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from chain import exchange
from chain.cli.failure import CommandFailed
from chain.cli.flags import add_chain_flags, pruning, whole
from chain.cli.offline import MACHINE_FAULTS, offline_config, opened
from chain.cli.output import add_json_flag, facts, progress, remark, show
from chain.clock import unix_ms
from chain.exchange import InvalidExchange
from chain.importing import RejectedBlock
from chain.opening import open_chain
from chain.replay import (
    BlockDiffers,
    Progress,
    ReplayFault,
    check_block,
    export_records,
    import_records,
)
from genesis.build import build_genesis
from genesis.timing import runtime_of


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare one of the three commands."""
    add_chain_flags(parser)
    match name:
        case "export-blocks":
            parser.add_argument(
                "file", nargs="?", type=Path, metavar="FILE", help="left out: standard output"
            )
            parser.add_argument(
                "--from", dest="first", type=whole(1), default=1, metavar="NUMBER", help="(default: 1)"
            )
            parser.add_argument(
                "--to", dest="last", type=whole(1), metavar="NUMBER", help="(default: the best block)"
            )
            parser.add_argument(
                "--binary", action="store_true", help="msgpack instead of JSON lines: half the size"
            )
            handler: Callable[[argparse.Namespace], None] = _export
        case "import-blocks":
            parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="left out: standard input")
            parser.add_argument(
                "--state-pruning",
                "--pruning",
                type=pruning,
                metavar="MODE",
                help="for a new database, as in `run`",
            )
            add_json_flag(parser)
            handler = _import
        case _:
            parser.add_argument("block", metavar="HASH|NUMBER", help="0x hash, or number on the best chain")
            add_json_flag(parser)
            handler = _check
    faults = (RejectedBlock, BlockDiffers, ReplayFault, InvalidExchange, *MACHINE_FAULTS)
    parser.set_defaults(handler=handler, expected=faults)


def _export(args: argparse.Namespace) -> None:
    with opened(args) as chain:
        store = chain.store
        last = args.last if args.last is not None else store.best().number
        with _output(args.file) as out, progress("Exporting", max(last - args.first + 1, 0)) as advance:

            def blocks() -> Iterator[exchange.BlockRecord]:
                for block in export_records(store, args.first, last):
                    yield block
                    advance(1)

            count = exchange.write(out, store.genesis_hash, blocks(), binary=args.binary)
    remark(f"exported {count:,} blocks" + (f" to {args.file}" if args.file else ""))


@contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes]]:
    """The file to write, which appears whole or not at all; standard output without a path."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    temporary = path.with_name(path.name + ".partial")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _import(args: argparse.Namespace) -> None:
    config = offline_config(args, pruning=args.state_pruning)
    with _input(args.file) as source:
        written_for, records = exchange.read(source)
        # Before the database is opened, so that a file of another chain leaves no empty database behind.
        genesis = build_genesis(config.spec, runtime_of(config.spec)).header.hash()
        if written_for != genesis:
            raise CommandFailed(
                f"the blocks are of the chain with genesis 0x{written_for.hex()}, "
                f"the chain spec's genesis is 0x{genesis.hex()}: choose the right --chain"
            )
        with open_chain(config) as chain, progress("Importing") as advance:

            def note(_: Progress) -> None:
                advance(1)

            summary = import_records(chain, records, unix_ms, note)
    value: dict[str, Any] = {
        "blocks": summary.blocks,
        "known": summary.known,
        "transactions": summary.transactions,
        "inferences": summary.inferences,
        "justifications": summary.justifications,
        "best": {"number": summary.best.number, "hash": summary.best.hash},
        "finalized": {"number": summary.finalized.number, "hash": summary.finalized.hash},
        "stateRoot": summary.state_root,
    }
    shown = {
        "Blocks imported": summary.blocks,
        "Known before": summary.known,
        "Transactions": summary.transactions,
        "Inferences": summary.inferences,
        "Finality proofs": summary.justifications,
        "Best block": f"{summary.best.number:,}  0x{summary.best.hash.hex()}",
        "Final block": f"{summary.finalized.number:,}  0x{summary.finalized.hash.hex()}",
        "State root": summary.state_root,
    }
    show(args, value, facts(shown))


@contextmanager
def _input(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        source = path.open("rb")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from error
    with source:
        yield source


def _check(args: argparse.Namespace) -> None:
    text = args.block
    with opened(args) as chain:
        if text.isascii() and text.isdigit() and len(text) <= 10:
            block_hash = chain.store.block_hash(int(text))
            if block_hash is None:
                best = chain.store.best().number
                raise CommandFailed(f"there is no block {text}: the best block is {best}")
        else:
            block_hash = _hash(text)
        checked = check_block(chain, block_hash, unix_ms())
    value = {
        "number": checked.number,
        "hash": checked.hash,
        "transactions": checked.transactions,
        "inferences": checked.inferences,
        "events": checked.events,
        "stateRoot": checked.state_root,
        "justified": checked.justified,
    }
    shown = {
        "Block": f"{checked.number:,}  0x{checked.hash.hex()}",
        "State root": checked.state_root,
        "Transactions": checked.transactions,
        "Inferences": checked.inferences,
        "Events": checked.events,
        "Finality proof": "valid" if checked.justified else "none of its own",
        "Result": "executed again: every root, event and receipt is the same",
    }
    show(args, value, facts(shown))


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 32:
        raise CommandFailed(f"{text!r} is neither a block number nor a hash of 64 hexadecimal digits")
    return found
