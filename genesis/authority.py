"""The keys of a validator, from one secret URI: a block key and a finality key.

Both come from the same 32 bytes: the seed that the URI gives under Substrate's ed25519 derivation
(`Ed25519HDKD` junctions, hard only). As an ed25519 seed it makes the block key, so `//Alice` has the same
public key here as in every Substrate tool; as the input keying material of the BLS draft's `KeyGen` it makes
the finality key. Neither key reveals the seed, and the two schemes never share a derived secret: `KeyGen`
hashes the seed under its own salt.
"""

from consensus.finality.bls import BlsKey
from consensus.keys import SEED_LENGTH, SessionKey
from runtime.primitives.keys import KeyPair, Scheme


def authority_seed(uri: str) -> bytes:
    """The 32-byte seed of a secret URI such as `//Alice`. Raises `InvalidUri`, `InvalidMnemonic`."""
    return KeyPair.from_uri(uri, Scheme.ED25519).secret[:SEED_LENGTH]


def block_key(uri: str) -> SessionKey:
    """The ed25519 key that claims slots and seals blocks."""
    return SessionKey.from_seed(authority_seed(uri))


def finality_key(uri: str) -> BlsKey:
    """The BLS12-381 key that votes for finality."""
    return BlsKey.from_seed(authority_seed(uri))
