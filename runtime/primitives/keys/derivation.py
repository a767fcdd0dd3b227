"""Secret URIs: `phrase or 0xseed`, then `/soft` and `//hard` junctions, then `///password`.

As in `sp_core::crypto`: a junction that is a number is the u64's encoding, any other its text's, padded to 32
bytes or hashed where longer. A URI that starts with `//` derives from the well-known development phrase.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

from runtime.primitives.errors import InvalidData
from runtime.primitives.hashing import blake2_256
from runtime.primitives.scale import encode_compact

DEVELOPMENT_PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
"""Substrate's public phrase: everybody owns these keys, so no real value may rest on them."""
MAX_URI_LENGTH = 1024
"""Longer than 24 words with any sensible path; bounds the work on text from outside."""
MAX_JUNCTIONS = 32

_URI = re.compile(
    r"(?P<root>\w+(?: \w+)*)?(?P<path>(?://?[^/]+)*)(?:///(?P<password>.*))?", re.ASCII | re.DOTALL
)
_JUNCTION = re.compile(r"/(/?)([^/]+)")
_NUMBER = re.compile(r"\+?[0-9]+")


class UriReason(Enum):
    """Why a secret URI gives no key."""

    MALFORMED = "the text is no secret URI"
    TOO_LONG = "the text has too many characters or junctions"
    BAD_SEED = "a hexadecimal seed has 32 bytes"
    SOFT_JUNCTION = "the scheme has hard junctions only"
    UNSUPPORTED_SCHEME = "no key of this scheme can be made here"


class InvalidUri(InvalidData):
    """A secret URI that gives no key; the message never repeats the URI, which may be a secret."""


@dataclass(frozen=True, slots=True)
class Junction:
    """One step of a derivation: 32 bytes of chain code, hard (from the secret alone) or soft."""

    chain_code: bytes
    hard: bool


@dataclass(frozen=True, slots=True)
class SecretUri:
    """A parsed secret URI; `root` is a phrase or a `0x` seed."""

    root: str = field(repr=False)
    junctions: tuple[Junction, ...]
    password: str = field(repr=False)


def parse_uri(uri: str) -> SecretUri:
    """The parts of a secret URI; `InvalidUri` where the text is none."""
    if len(uri) > MAX_URI_LENGTH:
        raise InvalidUri(UriReason.TOO_LONG, f"a secret URI has at most {MAX_URI_LENGTH} characters")
    found = _URI.fullmatch(uri)
    # Without a phrase only a hard junction may come first: polkadot.js refuses a soft one, and so do we.
    if found is None or not (found["root"] or found["path"].startswith("//")):
        raise InvalidUri(
            UriReason.MALFORMED, "expected a phrase or 0x seed, then //hard or /soft, then ///password"
        )
    steps = _JUNCTION.findall(found["path"])
    if len(steps) > MAX_JUNCTIONS:
        raise InvalidUri(UriReason.TOO_LONG, f"a secret URI has at most {MAX_JUNCTIONS} junctions")
    junctions = tuple(Junction(chain_code(text), bool(slash)) for slash, text in steps)
    return SecretUri(found["root"] or DEVELOPMENT_PHRASE, junctions, found["password"] or "")


def chain_code(text: str) -> bytes:
    """The 32 bytes that a junction's text stands for."""
    if _NUMBER.fullmatch(text) and int(text) < 1 << 64:
        raw = int(text).to_bytes(8, "little")
    else:
        utf8 = text.encode()
        raw = encode_compact(len(utf8)) + utf8
    return blake2_256(raw) if len(raw) > 32 else raw.ljust(32, b"\0")


def derive_seed(domain: bytes, seed: bytes, junctions: tuple[Junction, ...]) -> bytes:
    """The seed after hard junctions, for schemes that derive seeds.

    Each step is Blake2b-256 of (domain, seed, chain code).

    `domain` is `Ed25519HDKD` or `Secp256k1HDKD`.
    """
    for junction in junctions:
        if not junction.hard:
            raise InvalidUri(
                UriReason.SOFT_JUNCTION, "only sr25519 has soft junctions; write // instead of /"
            )
        seed = blake2_256(encode_compact(len(domain)) + domain + seed + junction.chain_code)
    return seed
