"""`fixpoint key`: make, inspect, store and list keys, in the terms of Substrate's `key` and `subkey`."""

import argparse
import json
import secrets
from pathlib import Path
from typing import Any

from chain.cli.failure import CommandFailed, UsageFault
from chain.cli.flags import add_chain_flags, chain_folder, whole
from chain.cli.output import facts, plain, remark, table
from chain.cli.secret import (
    SCHEMES,
    add_password_flags,
    add_scheme_flag,
    add_secret_flags,
    keystore_password,
    read_secret,
    secret_uri,
)
from chain.keystore import Keystore, KeyType, public_key
from consensus.keys import PUBLIC_KEY_LENGTH
from consensus.ownership import prove_ownership
from runtime.primitives.keys import InvalidAddress, InvalidMnemonic, InvalidUri, KeyPair, Scheme, ss58
from runtime.primitives.keys.derivation import parse_uri
from runtime.primitives.keys.mnemonic import mini_secret, phrase_from_entropy

WORDS = (12, 15, 18, 21, 24)
NETWORKS = {0: "polkadot", 2: "kusama", 42: "substrate"}
"""Names that subkey shows for the networks that everybody knows."""


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `key`."""
    parser.set_defaults(handler=None)
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    generate = commands.add_parser("generate", help="a new phrase and its account")
    generate.add_argument("-w", "--words", type=whole(12, 24), default=12, help="12, 15, 18, 21 or 24")
    _add_account_flags(generate)
    generate.set_defaults(handler=_generate)
    inspect = commands.add_parser("inspect", help="the account of a secret, or what an address says")
    inspect.add_argument(
        "uri", nargs="?", help="secret URI or SS58 address; left out: --suri-file or environment"
    )
    inspect.add_argument(
        "--suri-file", metavar="FILE", help="file that holds the secret, - for standard input"
    )
    inspect.add_argument("--public", metavar="HEX", help="show a public key instead")
    _add_account_flags(inspect)
    inspect.set_defaults(handler=_inspect, suri=None)
    insert = commands.add_parser("insert", help="store a session key where the node finds it")
    _add_store_flags(insert)
    add_secret_flags(insert)
    add_password_flags(insert)
    kinds = [one.value for one in KeyType]
    insert.add_argument(
        "--key-type", choices=kinds, action="append", help="babe blocks, gran finality (default: both)"
    )
    insert.set_defaults(handler=_insert)
    prove = commands.add_parser("prove", help="what session.set_keys asks for: the keys and a proof")
    prove.add_argument("account", metavar="ADDRESS", help="the validator's account (SS58)")
    _add_store_flags(prove)
    add_password_flags(prove)
    prove.set_defaults(handler=_prove)
    listing = commands.add_parser("list", help="the session keys that are stored")
    _add_store_flags(listing)
    listing.set_defaults(handler=_list)


def _add_account_flags(parser: argparse.ArgumentParser) -> None:
    add_scheme_flag(parser)
    parser.add_argument(
        "-n",
        "--network",
        type=whole(0, ss58.MAX_PREFIX),
        metavar="PREFIX",
        help="of the address (default: 42)",
    )
    parser.add_argument(
        "--password", default="", help="password of the phrase; better ask with --password-file"
    )
    parser.add_argument("--password-file", metavar="FILE", help="file that holds it, - for standard input")
    _add_output_flag(parser)


def _add_output_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output-type", choices=("text", "json"), default="text", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--json",
        action="store_const",
        dest="output_type",
        const="json",
        help="the same as --output-type json",
    )


def _add_store_flags(parser: argparse.ArgumentParser) -> None:
    add_chain_flags(parser)
    parser.add_argument(
        "--keystore-path", metavar="PATH", help="folder of the keys (default: the chain's own)"
    )
    _add_output_flag(parser)


def _print(args: argparse.Namespace, value: Any, text: str) -> None:
    print(json.dumps(plain(value), indent=2) if args.output_type == "json" else text)


def _generate(args: argparse.Namespace) -> None:
    if args.words not in WORDS:
        raise UsageFault(f"--words {args.words}: a phrase has {', '.join(map(str, WORDS))} words")
    phrase = phrase_from_entropy(secrets.token_bytes(args.words * 4 // 3))
    _show_account(args, phrase, "secretPhrase")


def _inspect(args: argparse.Namespace) -> None:
    if args.public is not None:
        _show_public(args, _public(args.public), args.network)
        return
    if args.uri is not None and args.suri_file is not None:
        raise UsageFault("give the secret as an argument or with --suri-file, not both")
    uri = secret_uri(args) if args.uri is None else args.uri
    try:
        prefix, public = ss58.parse(uri)
    except InvalidAddress:
        _show_account(args, uri, "secretKeyUri" if "/" in uri or uri.startswith("0x") else "secretPhrase")
    else:
        _show_public(args, public, prefix if args.network is None else args.network)


def _public(text: str) -> bytes:
    try:
        public = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        public = b""
    if len(public) != PUBLIC_KEY_LENGTH:
        raise UsageFault(f"--public {text!r}: a public key has 64 hexadecimal digits")
    return public


def _show_public(args: argparse.Namespace, public: bytes, network: int | None) -> None:
    value, shown = _account(public, network)
    _print(args, value, facts(shown))


def _account(public: bytes, network: int | None) -> tuple[dict[str, object], dict[str, object]]:
    """What is public of an account, under subkey's field names for programs, and for people."""
    prefix = ss58.DEFAULT_PREFIX if network is None else network
    try:
        address = ss58.encode(public, prefix)
    except InvalidAddress as error:
        raise UsageFault(f"--network {prefix}: {error}") from error
    value: dict[str, object] = {
        "networkId": NETWORKS.get(prefix, str(prefix)),
        "publicKey": public,
        "accountId": public,
        "ss58PublicKey": address,
        "ss58Address": address,
    }
    shown = {"Network": value["networkId"], "Public key": public, "SS58 address": address}
    return value, shown


def _show_account(args: argparse.Namespace, uri: str, kind: str) -> None:
    password = read_secret(args.password_file) if args.password_file is not None else args.password
    full = f"{uri}///{password}" if password else uri
    try:
        pair = KeyPair.from_uri(full, SCHEMES[args.scheme])
        seed = _secret_seed(full, pair) or "n/a"
    except (InvalidUri, InvalidMnemonic) as error:
        raise CommandFailed(f"the secret gives no {args.scheme} key: {error}") from error
    value, shown = _account(pair.public, args.network)
    head: dict[str, object] = {
        "Secret phrase" if kind == "secretPhrase" else "Secret URI": uri,
        "Secret seed": seed,
    }
    _print(args, {kind: uri, "secretSeed": seed} | value, facts(head | shown))


def _secret_seed(uri: str, pair: KeyPair) -> bytes | None:
    """The 32 bytes that make this very key; sr25519 has none behind a junction (as in subkey)."""
    if pair.scheme is Scheme.ED25519:
        return pair.secret[:32]
    parsed = parse_uri(uri)
    if parsed.junctions:
        return None
    if parsed.root.startswith("0x"):
        return bytes.fromhex(parsed.root[2:])
    return mini_secret(parsed.root, parsed.password)


def _keystore(args: argparse.Namespace, password: str | None = None) -> Keystore:
    folder = Path(args.keystore_path) if args.keystore_path else chain_folder(args).keystore
    return Keystore(folder, password=password)


def _insert(args: argparse.Namespace) -> None:
    uri, password = secret_uri(args), keystore_password(args)
    keystore = _keystore(args, password)
    kinds = [KeyType(one) for one in args.key_type or [one.value for one in KeyType]]
    for kind in kinds:
        public_key(kind, uri)  # All or none: a secret that gives no key is refused before a file is written.
    entries = [keystore.insert(kind, uri) for kind in kinds]
    if password is None:
        remark("warning: the secret lies in its file in the clear; --password-filename seals it")
    value = [
        {"keyType": one.key_type.value, "publicKey": one.public, "file": str(one.path)} for one in entries
    ]
    _print(
        args,
        value,
        "\n".join(f"{one.key_type.value} 0x{one.public.hex()} stored in {one.path}" for one in entries),
    )


def _prove(args: argparse.Namespace) -> None:
    """The proof signs the account, so it is worth nothing to anybody else."""
    try:
        account = ss58.decode(args.account)
    except InvalidAddress as error:
        raise UsageFault(f"{args.account!r} is no address: {error}") from error
    keystore = _keystore(args, keystore_password(args))
    blocks, votes = keystore.block_keys(), keystore.finality_keys()
    if len(blocks) != 1 or len(votes) != 1:
        raise CommandFailed(
            f"the keystore holds {len(blocks)} keys of type babe and {len(votes)} of type gran: "
            "keep one of each, or name another folder with --keystore-path"
        )
    keys = blocks[0].public + votes[0].public
    proof = prove_ownership(blocks[0], votes[0], account)
    _print(args, {"keys": keys, "proof": proof}, facts({"Keys": keys, "Proof": proof}))


def _list(args: argparse.Namespace) -> None:
    entries = _keystore(args).entries()
    for entry in entries:
        if entry.exposed:
            remark(f"warning: other users can read {entry.path}: run chmod 600")
    value = [
        {
            "keyType": one.key_type.value,
            "publicKey": one.public,
            "file": str(one.path),
            "exposed": one.exposed,
        }
        for one in entries
    ]
    rows = [(one.key_type.value, one.public, one.path) for one in entries]
    _print(args, value, table(("Type", "Public key", "File"), rows) if rows else "no session keys are stored")
