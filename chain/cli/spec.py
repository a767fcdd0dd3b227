"""`fixpoint spec`: write, convert, check and show chain specifications."""

import argparse
import os
from pathlib import Path
from typing import Any

from chain.cli.failure import CommandFailed
from chain.cli.output import add_json_flag, facts, show
from chain.importing.checker import header_checker
from chain.importing.rules import authorities_at, epoch_for
from genesis.build import GenesisBlock, build_genesis, to_raw
from genesis.presets import PRESETS, find_spec
from genesis.spec import ChainSpec, RawGenesis, dumps
from genesis.timing import runtime_of
from runtime.primitives.keys import ss58
from runtime.primitives.state import MemoryState


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `spec`."""
    parser.set_defaults(handler=None)
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    build = commands.add_parser("build", help="a specification in readable form, to edit")
    build.add_argument(
        "chain", nargs="?", default="dev", help=f"{' or '.join(PRESETS)}, or a spec file (default: dev)"
    )
    build.add_argument("--raw", action="store_true", help="in raw form")
    raw = commands.add_parser("raw", help="a specification in raw form, to hand to others")
    raw.add_argument("chain", help="preset or spec file")
    for one in (build, raw):
        one.add_argument(
            "-o", "--output", type=Path, metavar="FILE", help="write there instead of standard output"
        )
    build.set_defaults(handler=_write)
    raw.set_defaults(handler=_write, raw=True)
    check = commands.add_parser("check", help="whether a node can start from a specification")
    view = commands.add_parser("show", help="a specification in short")
    for one, handler in ((check, _check), (view, _show)):
        one.add_argument("chain", help="preset or spec file")
        add_json_flag(one)
        one.set_defaults(handler=handler)


def _write(args: argparse.Namespace) -> None:
    spec = find_spec(args.chain)
    text = dumps(to_raw(spec, runtime_of(spec)) if args.raw else spec)
    if args.output is None:
        print(text, end="")
        return
    temporary = args.output.with_name(args.output.name + ".new")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, args.output)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CommandFailed(f"{args.output} cannot be written: {error.strerror}") from error


def _facts(spec: ChainSpec, genesis: GenesisBlock) -> dict[str, Any]:
    state = MemoryState(genesis.storage, genesis.artifacts)
    checker = header_checker(state)
    authors = epoch_for(state, 1).authorities.members
    return {
        "name": spec.name,
        "id": spec.id,
        "chainType": spec.chain_type,
        "form": "raw" if isinstance(spec.genesis, RawGenesis) else "plain",
        "genesisHash": genesis.header.hash(),
        "stateRoot": genesis.header.state_root,
        "entries": len(genesis.storage),
        "artifacts": len(genesis.artifacts),
        "slotDurationMs": checker.slot_duration_ms,
        "authorities": [
            {
                "blockKey": author.key,
                "finalityKey": voter.key,
                "weight": author.weight,
                "address": ss58.encode(author.key),
            }
            for author, voter in zip(authors, authorities_at(state).members, strict=True)
        ],
        "bootNodes": list(spec.boot_nodes),
        "properties": dict(spec.properties),
    }


def _check(args: argparse.Namespace) -> None:
    spec = find_spec(args.chain)
    found = _facts(spec, build_genesis(spec, runtime_of(spec)))
    show(args, found | {"ok": True}, f"{spec.name} is sound: genesis 0x{found['genesisHash'].hex()}")


def _show(args: argparse.Namespace) -> None:
    spec = find_spec(args.chain)
    found = _facts(spec, build_genesis(spec, runtime_of(spec)))
    lines = facts(
        {
            "Name": found["name"],
            "Id": found["id"],
            "Type": found["chainType"],
            "Form": found["form"],
            "Genesis hash": found["genesisHash"],
            "State root": found["stateRoot"],
            "State entries": found["entries"],
            "Slot": f"{found['slotDurationMs']} ms",
            "Authorities": len(found["authorities"]),
        }
    )
    show(args, found, lines)
