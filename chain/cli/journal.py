"""`fixpoint journal`: moving a validator, so that its keys never sign twice."""

import argparse
import os
from pathlib import Path

from chain.cli.database import opened_store
from chain.cli.failure import CommandFailed
from chain.cli.flags import add_chain_flags, chain_folder
from chain.cli.output import add_json_flag, facts, show
from chain.cli.secret import add_password_flags, keystore_password
from chain.keystore import Keystore
from chain.signing_journal import read_journal, write_journal
from consensus.journal_export import MAX_DOCUMENT, InvalidJournal, SigningJournal, from_json, to_json

NOTE = (
    "To move a validator: stop the old node for good, export there, copy the keystore, import here, and only "
    "then start the new node."
)


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `journal`."""
    parser.description = NOTE
    parser.set_defaults(handler=None)
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    for action, text, handler in (
        ("export", "write what this node's keys have signed", _export),
        ("import", "take over what the keys have signed elsewhere", _import),
    ):
        command = commands.add_parser(action, help=text)
        command.add_argument("file", type=Path, metavar="FILE")
        add_chain_flags(command)
        command.add_argument("--keystore-path", type=Path, metavar="PATH", help="folder of the session keys")
        add_password_flags(command)
        add_json_flag(command)
        command.set_defaults(handler=handler)


def _keystore(args: argparse.Namespace) -> Keystore:
    return Keystore(args.keystore_path or chain_folder(args).keystore, password=keystore_password(args))


def _export(args: argparse.Namespace) -> None:
    with opened_store(args) as store:
        journal = read_journal(store, _keystore(args))
    if not journal.claims and not journal.rounds:
        raise CommandFailed("there is nothing to export: the keystore holds no key, or none has signed yet")
    temporary = args.file.with_name(args.file.name + ".new")
    try:
        temporary.write_text(to_json(journal) + "\n", encoding="utf-8")
        os.replace(temporary, args.file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CommandFailed(f"{args.file} cannot be written: {error.strerror}") from error
    _show(args, journal)


def _import(args: argparse.Namespace) -> None:
    try:
        with args.file.open(encoding="utf-8") as file:
            text = file.read(MAX_DOCUMENT + 1)
    except OSError as error:
        raise CommandFailed(f"{args.file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandFailed(f"{args.file} is no text") from error
    with opened_store(args) as store:
        try:
            journal = write_journal(store, _keystore(args), from_json(text, store.genesis_hash))
        except InvalidJournal as fault:
            raise CommandFailed(f"{args.file}: {fault}; nothing was imported") from fault
    _show(args, journal)


def _show(args: argparse.Namespace, journal: SigningJournal) -> None:
    slot = max((claim.slot for claim in journal.claims.values()), default=None)
    newest = max(((one.set_id, one.round) for one in journal.rounds.values()), default=None)
    value = {
        "genesis": journal.genesis,
        "blockKeys": sorted(journal.claims),
        "finalityKeys": sorted(journal.rounds),
        "highestSlot": slot,
        "setId": newest[0] if newest else None,
        "round": newest[1] if newest else None,
    }
    shown = {
        "Keys": len(journal.claims) + len(journal.rounds),
        "Highest slot claimed": slot,
        "Newest round voted in": f"{newest[1]} of set {newest[0]}" if newest else None,
    }
    show(args, value, facts(shown))
