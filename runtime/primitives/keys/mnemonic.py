"""Mnemonic phrases: BIP-39 words, and Substrate's way from their entropy to a secret seed.

Substrate derives the seed from the *entropy* (`substrate-bip39`), not from the phrase as BIP-39 itself does,
so a phrase gives other keys here than in a Bitcoin wallet. Randomness is an argument: nothing here draws any.
"""

from enum import Enum
from hashlib import pbkdf2_hmac, sha256

from runtime.primitives.errors import InvalidData
from runtime.primitives.keys.words import WORDS

ENTROPY_LENGTHS = (16, 20, 24, 28, 32)
"""Bytes of entropy that BIP-39 allows; they make 12, 15, 18, 21 and 24 words."""

_ROUNDS = 2048
_INDEX = {word: i for i, word in enumerate(WORDS)}


class MnemonicReason(Enum):
    """Why a phrase or entropy is refused."""

    WORD_COUNT = "a phrase has 12, 15, 18, 21 or 24 words"
    UNKNOWN_WORD = "a word is not in the English list"
    CHECKSUM = "the words do not belong together"
    ENTROPY_LENGTH = "entropy has 16, 20, 24, 28 or 32 bytes"


class InvalidMnemonic(InvalidData):
    """A phrase or entropy that BIP-39 does not allow; the message never repeats the phrase itself."""


def phrase_from_entropy(entropy: bytes) -> str:
    """The words of 16 to 32 bytes of entropy, which the caller drew from a secure source."""
    if len(entropy) not in ENTROPY_LENGTHS:
        raise InvalidMnemonic(
            MnemonicReason.ENTROPY_LENGTH, f"expected {ENTROPY_LENGTHS} bytes, not {len(entropy)}"
        )
    count = len(entropy) * 3 // 4
    checksum_bits = count // 3
    bits = int.from_bytes(entropy, "big") << checksum_bits | sha256(entropy).digest()[0] >> 8 - checksum_bits
    return " ".join(WORDS[bits >> 11 * i & 2047] for i in reversed(range(count)))


def entropy_from_phrase(phrase: str) -> bytes:
    """The entropy that the words stand for; `InvalidMnemonic` where a word or the checksum is wrong."""
    words = phrase.split()
    if len(words) * 4 // 3 not in ENTROPY_LENGTHS or len(words) % 3:
        raise InvalidMnemonic(
            MnemonicReason.WORD_COUNT, f"12, 15, 18, 21 or 24 words are needed, not {len(words)}"
        )
    bits = 0
    for place, word in enumerate(words, 1):
        if word not in _INDEX:
            raise InvalidMnemonic(MnemonicReason.UNKNOWN_WORD, f"word {place} is not in the English list")
        bits = bits << 11 | _INDEX[word]
    checksum_bits = len(words) // 3
    entropy = (bits >> checksum_bits).to_bytes(len(words) * 4 // 3, "big")
    if phrase_from_entropy(entropy).split() != words:
        raise InvalidMnemonic(
            MnemonicReason.CHECKSUM, "the checksum does not match; is a word wrong or misplaced?"
        )
    return entropy


def mini_secret(phrase: str, password: str = "") -> bytes:
    """The 32-byte seed of a phrase: PBKDF2-HMAC-SHA512 of its entropy, salted with the password."""
    entropy = entropy_from_phrase(phrase)
    return pbkdf2_hmac("sha512", entropy, b"mnemonic" + password.encode(), _ROUNDS)[:32]
