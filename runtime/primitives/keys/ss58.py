"""SS58, the text form of an account: base 58 of network prefix, public key and checksum.

As in `sp_core::crypto::Ss58Codec`: a prefix below 64 takes one byte, one up to 16,383 two; the
checksum is the start of Blake2b-512 over "SS58PRE" and what precedes it.
"""

from enum import Enum

from runtime.primitives.errors import InvalidData
from runtime.primitives.hashing import blake2_512

DEFAULT_PREFIX = 42
"""The prefix of Substrate chains without a registered one, and of this chain."""
MAX_PREFIX = 16_383
RESERVED_PREFIXES = (46, 47)
MAX_ADDRESS_LENGTH = 64
"""A 32-byte key makes at most 50 characters; decoding longer text would cost quadratic time for nothing."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {character: i for i, character in enumerate(_ALPHABET)}
_KEY_LENGTH = 32
_CHECKSUM_LENGTH = 2


class AddressReason(Enum):
    """Why text is no SS58 address of an account."""

    BAD_CHARACTER = "a character is not of base 58"
    BAD_LENGTH = "it does not hold a 32-byte key"
    BAD_CHECKSUM = "the checksum does not match"
    BAD_PREFIX = "the network prefix is reserved or another one is expected"


class InvalidAddress(InvalidData):
    """Text is no SS58 address of a 32-byte account."""


def encode(public: bytes, prefix: int = DEFAULT_PREFIX) -> str:
    """The address of a 32-byte public key on the network `prefix`."""
    if len(public) != _KEY_LENGTH:
        raise InvalidAddress(AddressReason.BAD_LENGTH, f"a public key has 32 bytes, not {len(public)}")
    if not 0 <= prefix <= MAX_PREFIX or prefix in RESERVED_PREFIXES:
        raise InvalidAddress(AddressReason.BAD_PREFIX, f"{prefix} is reserved or above {MAX_PREFIX}", prefix)
    if prefix < 64:
        head = bytes((prefix,))
    else:
        head = bytes((prefix >> 2 & 0x3F | 0x40, prefix >> 8 | (prefix & 3) << 6))
    body = head + public
    return to_base58(body + _checksum(body))


def parse(address: str) -> tuple[int, bytes]:
    """(network prefix, 32-byte public key) of an address; `InvalidAddress` says what is wrong with it."""
    if len(address) > MAX_ADDRESS_LENGTH:
        raise InvalidAddress(
            AddressReason.BAD_LENGTH, f"{len(address)} characters are too many for an address"
        )
    data = from_base58(address)
    wide = bool(data) and data[0] & 0x40 != 0
    head = 2 if wide else 1
    if len(data) != head + _KEY_LENGTH + _CHECKSUM_LENGTH:
        raise InvalidAddress(AddressReason.BAD_LENGTH, "an address holds a 32-byte key", address)
    if data[0] & 0x80:
        raise InvalidAddress(AddressReason.BAD_PREFIX, f"first byte {data[0]} names no network", address)
    if _checksum(data[:-_CHECKSUM_LENGTH]) != data[-_CHECKSUM_LENGTH:]:
        raise InvalidAddress(
            AddressReason.BAD_CHECKSUM, "the checksum does not match; is a character wrong?", address
        )
    prefix = (data[0] & 0x3F) << 2 | data[1] >> 6 | (data[1] & 0x3F) << 8 if wide else data[0]
    if prefix in RESERVED_PREFIXES or (wide and prefix < 64):
        raise InvalidAddress(
            AddressReason.BAD_PREFIX, f"prefix {prefix} is reserved or written too long", address
        )
    return prefix, data[head:-_CHECKSUM_LENGTH]


def decode(address: str, prefix: int | None = None) -> bytes:
    """The 32-byte public key of an address, which must be of the network `prefix` where one is given."""
    found, public = parse(address)
    if prefix is not None and found != prefix:
        raise InvalidAddress(AddressReason.BAD_PREFIX, f"expected network {prefix}, not {found}", address)
    return public


def _checksum(body: bytes) -> bytes:
    return blake2_512(b"SS58PRE" + body)[:_CHECKSUM_LENGTH]


def to_base58(data: bytes) -> str:
    """Bytes in Bitcoin's base 58."""
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return _ALPHABET[0] * zeros + "".join(reversed(digits))


def from_base58(text: str) -> bytes:
    """The bytes of a text in Bitcoin's base 58. Raises `InvalidAddress`."""
    number = 0
    for character in text:
        if character not in _DIGITS:
            raise InvalidAddress(AddressReason.BAD_CHARACTER, f"{character!r} is not of base 58", text)
        number = number * 58 + _DIGITS[character]
    zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
