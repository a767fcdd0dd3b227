"""What a node keeps of its network in the chain's folder: its own identity, and where it met peers."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nacl.utils import random

from chain.logs import Log
from network.address import Address, parse_address
from network.identity import SEED_LENGTH, Identity

IDENTITY_FILE = "secret_ed25519"
"""Substrate's name; 32 raw bytes, or 64 hexadecimal digits."""

PEERS_FILE = "peers.json"
MAX_PEERS_BYTES = 1 << 20

log = Log("network")


class IdentityFault(Exception):
    """The node's identity cannot be read or made; the text names the file and says what to do."""


def load_identity(folder: Path) -> Identity:
    """The identity in the network folder, made and stored where there is none. Raises `IdentityFault`."""
    path = folder / IDENTITY_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _make_identity(path)
    except OSError as error:
        raise IdentityFault(f"{path} cannot be read ({error.strerror}): check its permissions") from error
    if len(content) != SEED_LENGTH:
        try:
            content = bytes.fromhex(content.decode().strip())
        except ValueError:
            content = b""
    if len(content) != SEED_LENGTH:
        raise IdentityFault(
            f"{path} is damaged (32 bytes are expected): restore it, or delete it for a new name"
        )
    return Identity.from_seed(content)


def _make_identity(path: Path) -> Identity:
    seed = random(SEED_LENGTH)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, seed)
    except OSError as error:
        raise IdentityFault(f"{path} cannot be written ({error.strerror}): check the folder") from error
    return Identity.from_seed(seed)


def read_peers(folder: Path) -> tuple[Address, ...]:
    """Addresses at which peers were met before; nothing where the file is missing or damaged."""
    path = folder / PEERS_FILE
    try:
        if path.stat().st_size > MAX_PEERS_BYTES:
            raise ValueError("it is too large")
        texts = json.loads(path.read_bytes())
        if not isinstance(texts, list):
            raise ValueError("it is no list")
        return tuple(parse_address(str(text), with_peer=True) for text in texts)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, RecursionError) as error:
        log.warn("The file of known peers is not used", file=path, why=error)
        return ()


def write_peers(folder: Path, addresses: Sequence[Address]) -> None:
    """Keep addresses for the next start; a disk that takes none only costs a slower start."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / PEERS_FILE, json.dumps([str(one) for one in addresses], indent=1).encode())
    except OSError as error:
        log.warn("Known peers could not be kept", folder=folder, why=error.strerror)


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all; readable by the owner only."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
