"""Key files on the disk: their names, who may read them, and writing them whole or not at all."""

import json
import os
import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from consensus.finality.bls import PUBLIC_KEY_LENGTH as BLS_PUBLIC_LENGTH
from consensus.keys import PUBLIC_KEY_LENGTH

MAX_KEY_FILE_BYTES = 16 * 1024
"""A secret URI has at most 1,024 characters, a JSON string at most six bytes for each, a sealed one twice."""

MAX_KEY_FILES = 10_000
"""A validator has a handful of keys; a folder with more is not a keystore."""

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


class KeyType(Enum):
    """What a key is for, by Substrate's four letters."""

    BLOCK = "babe"
    FINALITY = "gran"

    @property
    def public_length(self) -> int:
        """Bytes of a public key of this type."""
        return PUBLIC_KEY_LENGTH if self is KeyType.BLOCK else BLS_PUBLIC_LENGTH

    @staticmethod
    def parse(text: str) -> "KeyType":
        """The type of this name. Raises `KeystoreFault`."""
        try:
            return KeyType(text)
        except ValueError:
            known = " or ".join(one.value for one in KeyType)
            raise KeystoreFault(f"key type {text!r} is not used by this chain: use {known}") from None


class KeystoreFault(Exception):
    """The keystore cannot be used; the text names the file, never the secret, and says what to do."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key that the node holds. `path` is None for a key in memory; `exposed`: others may read the file."""

    key_type: KeyType
    public: bytes
    path: Path | None
    exposed: bool = False


def read_entry(path: Path) -> KeyEntry | None:
    """What a file's name says, or None for a file that is no key of this chain."""
    try:
        name = bytes.fromhex(path.name)
        key_type = KeyType(name[:4].decode())
        mode = path.stat().st_mode & 0o777
    except (ValueError, FileNotFoundError):
        return None
    except OSError as error:
        raise environment_fault(path, "cannot be examined", error) from error
    public = name[4:]
    if len(public) != key_type.public_length or path.name != name.hex():
        return None
    return KeyEntry(key_type, public, path, exposed=bool(mode & 0o077))


def read_secret_file(path: Path) -> str | dict[str, Any]:
    """The JSON value of a key file: a secret URI, or the object that seals one. Raises `KeystoreFault`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise environment_fault(path, "cannot be read", error) from error
    try:
        value = json.loads(content) if len(content) <= MAX_KEY_FILE_BYTES else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, str | dict):
        raise KeystoreFault(
            f"key file {path} is damaged (it must hold a secret URI as a JSON string, or a sealed one): "
            "insert the key again"
        )
    return value


def write_privately(path: Path, content: bytes) -> None:
    """Whole or not at all, synced, and never readable by others, not even for a moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    except OSError as error:
        raise environment_fault(path.parent, "cannot take a key", error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), PRIVATE_FILE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise environment_fault(path, "cannot be written", error) from error


def environment_fault(path: Path, what: str, error: OSError) -> KeystoreFault:
    """What the operating system refused, for people."""
    return KeystoreFault(f"{path} {what} ({error.strerror}): check owner and permissions")
