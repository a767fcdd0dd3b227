"""A validated extrinsic as the pool holds it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolTransaction:
    """One extrinsic with the runtime's verdict on it.

    `requires` and `provides` are the tags that order transactions (for a signed one: account and nonce);
    `valid_till` is the last block number at which the verdict holds; `encoded` carries its length prefix.
    """

    hash: bytes
    encoded: bytes
    priority: int
    requires: tuple[bytes, ...]
    provides: tuple[bytes, ...]
    valid_till: int
    propagate: bool = True
    local: bool = False

    @property
    def size(self) -> int:
        """Encoded length in bytes."""
        return len(self.encoded)
