"""Proofs that whoever registers session keys holds their secrets, and registers them for this account.

256 bytes: an ed25519 signature (64) and a BLS signature (96) over `POK_` ++ account, then the BLS proof of
possession (96). The signatures tie the keys to the account, so that nobody registers another's published
keys; the proof of possession is what makes aggregates safe against rogue keys.
"""

from runtime.frame.session_crypto import SessionCrypto
from runtime.pallets.session.types import SessionKeys
from runtime.primitives.keys.signature import verify_ed25519
from runtime.primitives.ownership import OWNERSHIP_PROOF_LENGTH, ownership_statement

_SIGNED, _POSSESSED = 64, 64 + 96


def ownership_holds(crypto: SessionCrypto, account: bytes, keys: SessionKeys, proof: bytes) -> bool:
    """Whether `proof` shows that `account` may register `keys`; cheap checks come first."""
    if len(proof) != OWNERSHIP_PROOF_LENGTH:
        return False
    statement = ownership_statement(account)
    return (
        verify_ed25519(proof[:_SIGNED], statement, keys.babe)
        and crypto.verify(keys.grandpa, statement, proof[_SIGNED:_POSSESSED])
        and crypto.verify_possession(keys.grandpa, proof[_POSSESSED:])
    )
