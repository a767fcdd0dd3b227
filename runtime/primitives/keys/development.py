"""The well-known development accounts. Their secrets are public: they are for test networks only."""

from functools import cache

from runtime.primitives.keys.accounts import KeyPair, Scheme

DEVELOPMENT_NAMES = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")
"""The names that every Substrate development chain endows."""


@cache
def development_pair(name: str, scheme: Scheme = Scheme.SR25519) -> KeyPair:
    """The pair of `//name`, as in `development_pair("Alice")`."""
    return KeyPair.from_uri(f"//{name}", scheme)
