"""`author_*Key*`: the session keys that this node holds. Secrets go in and never come out."""

import secrets

from chain.keystore import Keystore, KeystoreFault, KeyType, public_key
from chain.rpc.failures import reported
from network.rpc import Json, RpcError, errors, method
from network.rpc.parameters import Hex

SEED_SIZE = 32


class KeyMethods:
    """The part of the section `author` that reaches the keystore; all of it is unsafe."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore

    @method("author_insertKey", unsafe=True, worker=True)
    @reported()
    def insert(self, key_type: str, suri: str, public: Hex) -> Json:
        """Store a secret URI whose public key of this type is `public`; the node uses it when it starts."""
        kind = _key_type(key_type)
        try:
            found = public_key(kind, suri)
        except KeystoreFault as fault:
            raise errors.invalid_params(str(fault)) from fault
        if found != public:
            raise errors.invalid_params(
                f"the secret gives the {key_type} key 0x{found.hex()}, not 0x{public.hex()}"
            )
        self._keystore.insert(kind, suri, public)
        return None

    @method("author_hasKey", unsafe=True, worker=True)
    @reported()
    def has(self, public: Hex, key_type: str) -> bool:
        """Whether the node holds the key of this type."""
        return self._keystore.has(_key_type(key_type), public)

    @method("author_hasSessionKeys", unsafe=True, worker=True)
    @reported()
    def has_session_keys(self, keys: Hex) -> bool:
        """Whether the node holds all keys of a concatenation as `author_rotateKeys` gives it."""
        if len(keys) != sum(kind.public_length for kind in KeyType):
            lengths = " + ".join(f"{kind.public_length} ({kind.value})" for kind in KeyType)
            raise errors.invalid_params(f"session keys have {lengths} bytes, got {len(keys)}")
        start = 0
        for kind in KeyType:
            end = start + kind.public_length
            if not self._keystore.has(kind, keys[start:end]):
                return False
            start = end
        return True

    @method("author_rotateKeys", unsafe=True, worker=True)
    @reported()
    def rotate(self) -> bytes:
        """Make and store new session keys; the answer is their public keys, block key first."""
        seed = "0x" + secrets.token_bytes(SEED_SIZE).hex()
        return b"".join(self._keystore.insert(kind, seed).public for kind in KeyType)


def _key_type(text: str) -> KeyType:
    try:
        return KeyType.parse(text)
    except KeystoreFault as fault:
        raise RpcError(errors.UNSUPPORTED_KEY_TYPE, "Unknown key type crypto", str(fault)) from fault
