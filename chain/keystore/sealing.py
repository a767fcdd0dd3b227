"""Secrets at rest: sealed under a password with Argon2id (RFC 9106) and XSalsa20-Poly1305, by libsodium.

A key file holds a JSON value: a string is a secret URI in the clear, as Substrate writes it; an object is a
sealed one, with all that is needed to open it but the password.
"""

import json
from dataclasses import dataclass
from typing import Any

from nacl.exceptions import CryptoError
from nacl.exceptions import ValueError as NaClValueError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random

KDF = "argon2id13"
CIPHER = "xsalsa20poly1305"
FIELDS = ("box", "cipher", "kdf", "memory", "passes", "salt")

MAX_PASSES = 64
MAX_MEMORY = 1 << 30
"""What a file may demand of the machine that opens it: a damaged one must not stop a node for hours."""


class SealFault(Exception):
    """A sealed secret that does not open; the text says why, never what is inside."""


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """What guessing one password costs: passes over so many bytes of memory."""

    passes: int = argon2id.OPSLIMIT_MODERATE
    memory: int = argon2id.MEMLIMIT_MODERATE
    """256 MiB and three passes: about half a second, once for each key when a node starts."""


def seal(secret: str, password: str, cost: PasswordCost) -> bytes:
    """The content of a key file that only `password` opens."""
    salt = random(argon2id.SALTBYTES)
    box = SecretBox(_derive(password, salt, cost)).encrypt(secret.encode())
    value = {
        "kdf": KDF,
        "passes": cost.passes,
        "memory": cost.memory,
        "salt": salt.hex(),
        "cipher": CIPHER,
        "box": bytes(box).hex(),
    }
    return json.dumps(value).encode()


def unseal(value: dict[str, Any], password: str) -> str:
    """The secret inside a sealed file's JSON object. Raises `SealFault`."""
    if sorted(value) != sorted(FIELDS) or (value["kdf"], value["cipher"]) != (KDF, CIPHER):
        raise SealFault("is sealed in a way that this version does not know")
    passes, memory = value["passes"], value["memory"]
    if not _within(passes, argon2id.OPSLIMIT_MIN, MAX_PASSES) or not _within(
        memory, argon2id.MEMLIMIT_MIN, MAX_MEMORY
    ):
        raise SealFault(f"demands {passes} passes over {memory} bytes, which is no reasonable cost")
    try:
        salt, box = bytes.fromhex(value["salt"]), bytes.fromhex(value["box"])
        opened = SecretBox(_derive(password, salt, PasswordCost(passes, memory))).decrypt(box)
        return opened.decode()
    except (TypeError, ValueError, NaClValueError) as error:
        raise SealFault(f"is damaged ({error})") from error
    except CryptoError:
        raise SealFault("does not open with this password") from None


def _derive(password: str, salt: bytes, cost: PasswordCost) -> bytes:
    key: bytes = argon2id.kdf(
        SecretBox.KEY_SIZE, password.encode(), salt, opslimit=cost.passes, memlimit=cost.memory
    )
    return key


def _within(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
