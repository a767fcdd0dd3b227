"""The node's secret keys: files in Substrate's layout, and keys in memory for development accounts.

A file is named hex(key type) ++ hex(public key) and holds the secret URI as a JSON string; only its owner may
read it. Key types: `babe` seals blocks (ed25519), `gran` votes for finality (BLS12-381, so its public key has
48 bytes where Substrate's has 32). How both come from a secret URI is told in `genesis.authority`.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from chain.logs import Log
from consensus.finality.bls import PUBLIC_KEY_LENGTH as BLS_PUBLIC_LENGTH
from consensus.finality.bls import BlsKey
from consensus.keys import PUBLIC_KEY_LENGTH, SessionKey
from genesis.authority import block_key, finality_key
from runtime.primitives.keys import InvalidMnemonic, InvalidUri

MAX_KEY_FILE_BYTES = 8 * 1024
"""A secret URI has at most 1,024 characters, a JSON string at most six bytes for each."""

MAX_KEY_FILES = 10_000
"""A validator has a handful of keys; a folder with more is not a keystore."""

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

log = Log("keystore")


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


class Keystore:
    """The keys in `folder` (made for the first key), and keys in memory for this process only."""

    def __init__(self, folder: Path | None, uris: tuple[str, ...] = ()) -> None:
        """`uris` are secret URIs whose keys of both types are held in memory: `--alice` is `//Alice`.

        Raises `KeystoreFault` for one that gives no key.
        """
        self._folder = folder
        self._memory = {(key_type, public_key(key_type, uri)): uri for uri in uris for key_type in KeyType}

    def entries(self) -> tuple[KeyEntry, ...]:
        """All keys, those in memory first, then files by name. Foreign files are left out."""
        found = [KeyEntry(key_type, public, None) for key_type, public in self._memory]
        return (*found, *self._files().values())

    def has(self, key_type: KeyType, public: bytes) -> bool:
        """Whether the key is held; its file is not read."""
        return (key_type, public) in self._memory or (key_type, public) in self._files()

    def block_key(self, public: bytes) -> SessionKey | None:
        """The block key with this public key, or None. Raises `KeystoreFault` for a file that is damaged."""
        uri = self._uri(KeyType.BLOCK, public)
        return None if uri is None else block_key(uri)

    def finality_key(self, public: bytes) -> BlsKey | None:
        """The finality key with this public key, or None. Raises `KeystoreFault` as `block_key` does."""
        uri = self._uri(KeyType.FINALITY, public)
        return None if uri is None else finality_key(uri)

    def insert(self, key_type: KeyType, uri: str, public: bytes | None = None) -> KeyEntry:
        """Store a key durably, and say which it is. Inserting it again changes nothing.

        `public`, where given, must be the URI's public key. Raises `KeystoreFault`.
        """
        found = public_key(key_type, uri)
        if public is not None and public != found:
            raise KeystoreFault(
                f"the secret gives the {key_type.value} key 0x{found.hex()}, not 0x{public.hex()}: "
                "check the secret, or leave the public key out"
            )
        if self._folder is None:
            self._memory[key_type, found] = uri
            return KeyEntry(key_type, found, None)
        path = self._folder / (key_type.value.encode().hex() + found.hex())
        _write_privately(path, json.dumps(uri).encode())
        return KeyEntry(key_type, found, path)

    def _files(self) -> Mapping[tuple[KeyType, bytes], KeyEntry]:
        if self._folder is None:
            return {}
        try:
            names = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _fault(self._folder, "cannot be listed", error) from error
        if len(names) > MAX_KEY_FILES:
            raise KeystoreFault(
                f"{self._folder} holds {len(names)} files, which is no keystore: "
                "name another folder with --keystore-path"
            )
        entries = (_entry(self._folder / name) for name in names)
        return {(entry.key_type, entry.public): entry for entry in entries if entry is not None}

    def _uri(self, key_type: KeyType, public: bytes) -> str | None:
        held = self._memory.get((key_type, public))
        if held is not None:
            return held
        entry = self._files().get((key_type, public))
        if entry is None or entry.path is None:
            return None
        if entry.exposed:
            log.warn("Other users can read a secret key: run chmod 600", file=entry.path)
        uri = _read_uri(entry.path)
        try:
            found = public_key(key_type, uri)
        except KeystoreFault as error:
            raise KeystoreFault(f"key file {entry.path} is damaged ({error}): insert the key again") from None
        if found != public:
            raise KeystoreFault(
                f"key file {entry.path} holds the secret of 0x{found.hex()}, not of the key it is named "
                "for: remove the file and insert the right key"
            )
        return uri


def public_key(key_type: KeyType, uri: str) -> bytes:
    """The public key of a secret URI for this use: 32 or 48 bytes. Raises `KeystoreFault`."""
    try:
        return block_key(uri).public if key_type is KeyType.BLOCK else finality_key(uri).public
    except (InvalidUri, InvalidMnemonic) as error:
        raise KeystoreFault(f"the secret gives no {key_type.value} key: {error}") from error


def _entry(path: Path) -> KeyEntry | None:
    """What a file's name says, or None for a file that is no key of this chain."""
    try:
        name = bytes.fromhex(path.name)
        key_type = KeyType(name[:4].decode())
        mode = path.stat().st_mode & 0o777
    except (ValueError, FileNotFoundError):
        return None
    except OSError as error:
        raise _fault(path, "cannot be examined", error) from error
    public = name[4:]
    if len(public) != key_type.public_length or path.name != name.hex():
        return None
    return KeyEntry(key_type, public, path, exposed=bool(mode & 0o077))


def _read_uri(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise _fault(path, "cannot be read", error) from error
    try:
        uri = json.loads(content) if len(content) <= MAX_KEY_FILE_BYTES else None
    except (ValueError, RecursionError):
        uri = None
    if not isinstance(uri, str):
        raise KeystoreFault(
            f"key file {path} is damaged (it must hold a secret URI as a JSON string): insert the key again"
        )
    return uri


def _write_privately(path: Path, content: bytes) -> None:
    """Whole or not at all, synced, and never readable by others, not even for a moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    except OSError as error:
        raise _fault(path.parent, "cannot take a key", error) from error
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
        raise _fault(path, "cannot be written", error) from error


def _fault(path: Path, what: str, error: OSError) -> KeystoreFault:
    return KeystoreFault(f"{path} {what} ({error.strerror}): check owner and permissions")
