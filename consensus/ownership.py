"""Proving that an account may register its session keys, and the BLS checks that the runtime asks for."""

from consensus.finality.bls import (
    BlsKey,
    InvalidBls,
    PublicKey,
    verify,
    verify_possession,
)
from consensus.keys import SessionKey
from runtime.primitives.ownership import ownership_statement


def prove_ownership(block_key: SessionKey, finality_key: BlsKey, account: bytes) -> bytes:
    """The 256 bytes with which `account` (32 bytes) registers these keys by `session.set_keys`."""
    statement = ownership_statement(account)
    return block_key.sign(statement) + finality_key.sign(statement) + finality_key.prove_possession()


class BlsCrypto:
    """`runtime.frame.session_crypto.SessionCrypto` by BLS12-381; malformed bytes prove nothing."""

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is `key`'s over `message`."""
        try:
            return verify(PublicKey.from_bytes(key), message, signature)
        except InvalidBls:
            return False

    def verify_possession(self, key: bytes, proof: bytes) -> bool:
        """Whether `proof` shows that its maker holds the secret of `key`."""
        try:
            return verify_possession(PublicKey.from_bytes(key), proof)
        except InvalidBls:
            return False
