"""Nibble paths: a key as the string of its lowercase hexadecimal digits.

CPython slices, compares and converts such strings in C, they sort as the keys do, and a reader can print
them.
"""

from typing import Final

from runtime.primitives.trie.errors import EntryFault, InvalidEntry

MAX_KEY_BYTES: Final = 32_767
"""sp-trie counts nibbles in 16 bits (`NIBBLE_SIZE_BOUND` = 65,535) and would cut a longer key silently."""

MAX_PATH_NIBBLES: Final = 2 * MAX_KEY_BYTES

DIGITS: Final = "0123456789abcdef"
SLOT_OF: Final = {digit: slot for slot, digit in enumerate(DIGITS)}


def path_of(key: bytes) -> str:
    """The nibbles of `key`, high nibble first. Raises `InvalidEntry` beyond `MAX_KEY_BYTES`."""
    if len(key) > MAX_KEY_BYTES:
        raise InvalidEntry(EntryFault.KEY_TOO_LONG, key)
    return key.hex()


def common_length(left: str, right: str) -> int:
    """How many leading nibbles `left` and `right` share."""
    shorter = min(len(left), len(right))
    if left[:shorter] == right[:shorter]:
        return shorter
    difference = int(left[:shorter], 16) ^ int(right[:shorter], 16)
    return shorter - (difference.bit_length() + 3) // 4
