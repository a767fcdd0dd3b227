"""From arguments to an exit code: finds the command, runs it, and turns what went wrong into one line.

Exit codes: 0 done, 1 failed (standard error says why and what to do), 2 wrong usage, 130 interrupted.
"""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Collection, Sequence
from importlib import metadata
from typing import Any, Protocol, cast

from chain.cli.failure import FAILED, INTERRUPTED, OK, USAGE, CommandFailed, UsageFault
from chain.keystore import KeystoreFault
from chain.logs import InvalidFilter
from chain.store.errors import StoreError
from genesis.presets import UnknownChain
from genesis.spec import InvalidSpec
from runtime.primitives.errors import InvalidData

COMMANDS = {
    "dev": ("chain.cli.node", "run a development chain: one authority, a block each second"),
    "run": ("chain.cli.node", "run a node"),
    "testnet": ("chain.cli.testnet", "run a network of several nodes on this machine"),
    "key": ("chain.cli.key", "make, inspect and store keys"),
    "spec": ("chain.cli.spec", "write and check chain specifications"),
    "model": ("chain.cli.model", "compile, check, run and publish models"),
    "infer": ("chain.cli.infer", "run a published model on chain"),
    "receipt": ("chain.cli.infer", "show the receipt of an inference"),
    "journal": ("chain.cli.journal", "move what a validator has signed to another machine"),
    "export-blocks": ("chain.cli.blocks", "write blocks to a file"),
    "import-blocks": ("chain.cli.blocks", "verify and store the blocks of a file"),
    "check-block": ("chain.cli.blocks", "execute a stored block again and compare everything"),
    "chain-info": ("chain.cli.database", "where the chain in a database stands"),
    "revert": ("chain.cli.database", "take back the newest blocks"),
    "benchmark": ("chain.cli.benchmark", "measure this machine"),
    "purge": ("chain.cli.database", "delete a chain's database"),
    "completion": ("chain.cli.completion", "print a script that completes commands in a shell"),
}

OWN_PACKAGES = ("chain", "client", "network", "genesis", "consensus", "runtime", "inference")
"""Where one of these cannot be imported, the software is wrong, not the machine."""

EXPECTED = (CommandFailed, StoreError, KeystoreFault, InvalidSpec, UnknownChain, InvalidFilter, InvalidData)
"""Faults of the input or of the environment: their text is for people. Anything else is a bug, and traced.

A command adds its own as `expected`."""


class CommandModule(Protocol):
    """What a module of commands offers."""

    def configure(self, name: str, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments, and its function with `set_defaults(handler=...)`."""


class Parser(argparse.ArgumentParser):
    """A flag is written out: an abbreviation would change its meaning when another flag is added."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False} | settings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (the process's own by default) and return the exit code."""
    # Unless this is set before it is loaded, onnxruntime reports to its maker; a node talks to peers only.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names are bytes: one that is no text must not end a command that has done its work.
        sys.stdout.reconfigure(errors="backslashreplace")
    expected: tuple[type[BaseException], ...] = EXPECTED
    try:
        parser = _parser(arguments[:1])
        args = parser.parse_args(arguments)
        if getattr(args, "handler", None) is None:
            parser.print_help()
            return USAGE
        expected += getattr(args, "expected", ())
        args.handler(args)
        sys.stdout.flush()
    except UsageFault as fault:
        return _fail(USAGE, str(fault))
    except expected as fault:
        return _fail(FAILED, str(fault))
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): nothing is wrong, but nothing more may be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted")
    except MemoryError:
        return _fail(FAILED, "out of memory: free some, or give the command less to do")
    except ImportError as fault:
        library = (fault.name or "").partition(".")[0]
        if library in OWN_PACKAGES:
            raise
        return _fail(FAILED, f"the library {library} cannot be loaded ({fault}): install fixpoint again")
    except OSError as fault:
        return _fail(FAILED, f"{fault.filename or 'system'}: {fault.strerror or fault}")
    return OK


def _fail(code: int, text: str) -> int:
    line = " ".join(text.split()) or "failed without a reason"
    print(f"error: {_printable(line)}", file=sys.stderr)
    return code


def _printable(text: str) -> str:
    """The text with what a terminal would obey, or could not show, written out: it may quote a stranger."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _parser(called: Collection[str]) -> argparse.ArgumentParser:
    """The parser of all commands; only the modules of those that are called are imported."""
    parser = Parser(
        prog="fixpoint",
        description="A proof-of-stake chain whose validators run machine-learning models, bit for bit.",
        epilog="`fixpoint COMMAND --help` tells more. Begin with `fixpoint dev`.",
    )
    # For the command that describes all others: they import this module, so it can not import them.
    parser.set_defaults(whole_parser=lambda: _parser(COMMANDS))
    parser.add_argument("--version", action="version", version=f"fixpoint {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, (module_name, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name in called:
            module = cast(CommandModule, importlib.import_module(module_name))
            module.configure(name, command)
    return parser


def _version() -> str:
    try:
        return metadata.version("fixpoint")
    except metadata.PackageNotFoundError:
        return "(not installed)"
