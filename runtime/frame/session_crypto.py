"""The interface through which pallets check BLS12-381 signatures, whose library the runtime does not know.

The node fills it from its consensus code. The checks are pure functions of their arguments, so all nodes
agree; malformed keys and signatures prove nothing, they are never an exception.
"""

from typing import Protocol


class SessionCrypto(Protocol):
    """Checks of finality keys (48 bytes, G1) and their signatures (96 bytes, G2)."""

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is `key`'s over `message` (ciphersuite of votes)."""
        ...

    def verify_possession(self, key: bytes, proof: bytes) -> bool:
        """Whether `proof` shows that its maker holds the secret of `key`."""
        ...


class NoCrypto:
    """For runtimes that only describe themselves or make a genesis: nothing is ever proved.

    A node that executed blocks with it would refuse what others accept, so nodes must pass the real one.
    """

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        """Refuse."""
        return False

    def verify_possession(self, key: bytes, proof: bytes) -> bool:
        """Refuse."""
        return False


NO_CRYPTO = NoCrypto()
