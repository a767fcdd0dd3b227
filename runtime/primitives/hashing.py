"""The hash functions of the protocol and of storage keys.

Blake2b is RFC 7693 without a key. `twox_n` is XXH64 with seeds 0, 1, 2, ... concatenated little-endian
(`sp_crypto_hashing::twox`); it is fast and *not* collision resistant, so only names that the runtime itself
chooses, never a user's input, may be hashed with it alone.
"""

from hashlib import blake2b

from xxhash import xxh64_intdigest


def blake2_64(data: bytes) -> bytes:
    """Blake2b with 8 bytes of output: the id of a runtime API is this of its name."""
    return blake2b(data, digest_size=8).digest()


def blake2_128(data: bytes) -> bytes:
    """Blake2b with 16 bytes of output."""
    return blake2b(data, digest_size=16).digest()


def blake2_256(data: bytes) -> bytes:
    """Blake2b with 32 bytes of output: block hashes, trie nodes, artifact ids, extrinsic hashes."""
    return blake2b(data, digest_size=32).digest()


def blake2_512(data: bytes) -> bytes:
    """Blake2b with 64 bytes of output: the checksum of an SS58 address."""
    return blake2b(data).digest()


def twox_64(data: bytes) -> bytes:
    """XXH64 with seed 0, little-endian: 8 bytes."""
    return xxh64_intdigest(data, 0).to_bytes(8, "little")


def twox_128(data: bytes) -> bytes:
    """XXH64 with seeds 0 and 1: 16 bytes; the prefix of every storage item is two of these."""
    return (xxh64_intdigest(data, 0) | xxh64_intdigest(data, 1) << 64).to_bytes(16, "little")


def twox_256(data: bytes) -> bytes:
    """XXH64 with seeds 0 to 3: 32 bytes."""
    return b"".join(xxh64_intdigest(data, seed).to_bytes(8, "little") for seed in range(4))


def blake2_128_concat(data: bytes) -> bytes:
    """Blake2b-128 followed by the data: a map key that can be read back and that no user can unbalance."""
    return blake2b(data, digest_size=16).digest() + data


def twox_64_concat(data: bytes) -> bytes:
    """XXH64 followed by the data: for keys that no user chooses."""
    return xxh64_intdigest(data, 0).to_bytes(8, "little") + data


def identity(data: bytes) -> bytes:
    """The data itself: for keys that are already hashes."""
    return data
