"""Secrets on the command line: from a flag, a file, the environment, or standard input.

Other users of a machine can read a process's arguments, so real secrets should come by the other ways.
"""

import argparse
import getpass
import os
import sys
from pathlib import Path

from chain.cli.failure import CommandFailed, UsageFault
from runtime.primitives.keys import InvalidMnemonic, InvalidUri, KeyPair, Scheme

MAX_SECRET_BYTES = 8 * 1024
SCHEMES = {"sr25519": Scheme.SR25519, "ed25519": Scheme.ED25519}
VARIABLE = "FIXPOINT_SURI"


def add_secret_flags(parser: argparse.ArgumentParser) -> None:
    """`--suri` and `--suri-file`; the environment is asked last."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--suri", metavar="SURI", help="secret URI: //Alice, a phrase, or 0x and 64 digits")
    group.add_argument(
        "--suri-file", metavar="FILE", help=f"file that holds it, - for standard input; else ${VARIABLE}"
    )


def add_scheme_flag(parser: argparse.ArgumentParser) -> None:
    """`--scheme`."""
    parser.add_argument("--scheme", choices=sorted(SCHEMES), default="sr25519", help="(default: %(default)s)")


def add_password_flags(group: argparse._ActionsContainer) -> None:
    """How the keystore's password is given, by Substrate's names."""
    group.add_argument("--password", metavar="TEXT", help="of the key files; better ask with the next flags")
    group.add_argument("--password-filename", metavar="FILE", help="file that holds it, - for standard input")
    group.add_argument("--password-interactive", action="store_true", help="ask for it on the terminal")


def keystore_password(args: argparse.Namespace) -> str | None:
    """The password that seals and opens key files; None for files in the clear. Raises `UsageFault`,
    `CommandFailed`.
    """
    given = [args.password is not None, args.password_filename is not None, args.password_interactive]
    if sum(given) > 1:
        raise UsageFault("--password, --password-filename and --password-interactive: give one of them")
    if not any(given):
        return None
    password = args.password
    if args.password_filename is not None:
        password = read_secret(args.password_filename)
    elif args.password_interactive:
        password = getpass.getpass("Keystore password: ")
    if not password:
        raise UsageFault("the keystore's password is empty: choose one, or leave the password flags out")
    return str(password)


def secret_uri(args: argparse.Namespace) -> str:
    """The secret URI that the flags or the environment give. Raises `UsageFault`, `CommandFailed`."""
    if args.suri is not None:
        return str(args.suri)
    if args.suri_file is not None:
        return read_secret(args.suri_file)
    found = os.environ.get(VARIABLE)
    if not found:
        raise UsageFault(f"no secret: give --suri, --suri-file, or set {VARIABLE}")
    return found


def read_secret(name: str) -> str:
    """The first line of a file, or of standard input for `-`. Raises `CommandFailed`."""
    if name == "-":
        return sys.stdin.readline(MAX_SECRET_BYTES).strip()
    try:
        with Path(name).open(encoding="utf-8") as file:
            return file.readline(MAX_SECRET_BYTES).strip()
    except OSError as error:
        raise CommandFailed(f"the secret file {name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandFailed(f"the secret file {name} is not text") from error


def signer(args: argparse.Namespace) -> KeyPair:
    """The key pair that the flags describe. Raises `CommandFailed` and as `secret_uri`."""
    try:
        return KeyPair.from_uri(secret_uri(args), SCHEMES[args.scheme])
    except (InvalidUri, InvalidMnemonic) as error:
        raise CommandFailed(f"the secret gives no {args.scheme} key: {error}") from error
