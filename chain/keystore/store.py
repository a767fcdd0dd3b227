"""The keystore: which keys there are, and the keys themselves."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, cast

from chain.keystore.files import (
    MAX_KEY_FILES,
    KeyEntry,
    KeystoreFault,
    KeyType,
    environment_fault,
    read_entry,
    read_secret_file,
    write_privately,
)
from chain.keystore.sealing import PasswordCost, SealFault, seal, unseal
from chain.logs import Log
from consensus.finality.bls import BlsKey
from consensus.keys import SessionKey
from genesis.authority import block_key, finality_key
from runtime.primitives.keys import InvalidMnemonic, InvalidUri

K = TypeVar("K", SessionKey, BlsKey)

log = Log("keystore")


class Keystore:
    """The keys in `folder` (made for the first key), and keys in memory for this process only."""

    def __init__(
        self,
        folder: Path | None,
        uris: tuple[str, ...] = (),
        password: str | None = None,
        cost: PasswordCost | None = None,
    ) -> None:
        """`uris` are secret URIs whose keys of both types are held in memory: `--alice` is `//Alice`.

        With a `password` new files are sealed under it, at this `cost`, and sealed ones can be opened. Raises
        `KeystoreFault` for a URI that gives no key.
        """
        self._folder = folder
        self._password = password
        self._cost = cost or PasswordCost()
        self._derived = dict[tuple[KeyType, bytes], SessionKey | BlsKey]()
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
        return self._key(KeyType.BLOCK, public, block_key)

    def block_keys(self) -> tuple[SessionKey, ...]:
        """All block keys, those in memory first, then by name. Raises `KeystoreFault` as `block_key` does."""
        return self._all(KeyType.BLOCK, self.block_key)

    def finality_keys(self) -> tuple[BlsKey, ...]:
        """All finality keys, likewise."""
        return self._all(KeyType.FINALITY, self.finality_key)

    def finality_key(self, public: bytes) -> BlsKey | None:
        """The finality key with this public key, or None. Raises `KeystoreFault` as `block_key` does."""
        return self._key(KeyType.FINALITY, public, finality_key)

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
        password = self._password
        content = json.dumps(uri).encode() if password is None else seal(uri, password, self._cost)
        write_privately(path, content)
        return KeyEntry(key_type, found, path)

    def _files(self) -> Mapping[tuple[KeyType, bytes], KeyEntry]:
        if self._folder is None:
            return {}
        try:
            names = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise environment_fault(self._folder, "cannot be listed", error) from error
        if len(names) > MAX_KEY_FILES:
            raise KeystoreFault(
                f"{self._folder} holds {len(names)} files, which is no keystore: "
                "name another folder with --keystore-path"
            )
        entries = (read_entry(self._folder / name) for name in names)
        return {(entry.key_type, entry.public): entry for entry in entries if entry is not None}

    def _all(self, key_type: KeyType, opened: Callable[[bytes], K | None]) -> tuple[K, ...]:
        wanted = (entry.public for entry in self.entries() if entry.key_type is key_type)
        return tuple(key for key in map(opened, wanted) if key is not None)

    def _key(self, key_type: KeyType, public: bytes, derive: Callable[[str], K]) -> K | None:
        """Opened and derived once: a password costs half a second, a phrase some milliseconds."""
        if not self.has(key_type, public):
            return None
        if (key_type, public) not in self._derived:
            uri = self._uri(key_type, public)
            if uri is None:
                return None
            self._derived[key_type, public] = derive(uri)
        return cast(K, self._derived[key_type, public])

    def _uri(self, key_type: KeyType, public: bytes) -> str | None:
        held = self._memory.get((key_type, public))
        if held is not None:
            return held
        entry = self._files().get((key_type, public))
        if entry is None or entry.path is None:
            return None
        if entry.exposed:
            log.warn("Other users can read a secret key: run chmod 600", file=entry.path)
        uri = self._open(entry.path)
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

    def _open(self, path: Path) -> str:
        value = read_secret_file(path)
        if isinstance(value, str):
            return value
        if self._password is None:
            raise KeystoreFault(f"key file {path} is sealed: give its password with --password-filename")
        try:
            return unseal(value, self._password)
        except SealFault as fault:
            raise KeystoreFault(
                f"key file {path} {fault}: check the password, or insert the key again"
            ) from fault


def public_key(key_type: KeyType, uri: str) -> bytes:
    """The public key of a secret URI for this use: 32 or 48 bytes. Raises `KeystoreFault`."""
    try:
        return block_key(uri).public if key_type is KeyType.BLOCK else finality_key(uri).public
    except (InvalidUri, InvalidMnemonic) as error:
        raise KeystoreFault(f"the secret gives no {key_type.value} key: {error}") from error
