"""What proves that session keys are registered by whoever holds their secrets.

A proof is an ed25519 signature (64 bytes) and a BLS signature (96) over the statement, then the BLS proof of
possession (96).
"""

OWNERSHIP_PROOF_LENGTH = 64 + 96 + 96
"""Bytes of a proof; any other number of them proves nothing."""

_STATEMENT = b"POK_"
"""Substrate's prefix of ownership statements; no vote, seal or transaction begins so."""


def ownership_statement(account: bytes) -> bytes:
    """What both keys sign to be registered by `account` (32 bytes)."""
    return _STATEMENT + account
