"""The node's secret keys: files in Substrate's layout, sealed by a password, and keys in memory.

A file is named hex(key type) ++ hex(public key); only its owner may read it. Key types: `babe` seals blocks
(ed25519), `gran` votes for finality (BLS12-381, so its public key has 48 bytes where Substrate's has 32). How
both come from a secret URI is told in `genesis.authority`.
"""

from chain.keystore.files import KeyEntry, KeystoreFault, KeyType
from chain.keystore.sealing import PasswordCost
from chain.keystore.store import Keystore, public_key

__all__ = ["KeyEntry", "KeyType", "Keystore", "KeystoreFault", "PasswordCost", "public_key"]
