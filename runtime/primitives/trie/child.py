"""Child tries: tries of their own, whose roots are values of the main trie under prefixed keys."""

from collections.abc import Iterable
from typing import Final

from runtime.primitives.trie.codec import EMPTY_ROOT, HASH_LENGTH
from runtime.primitives.trie.errors import InvalidProof, ProofFault
from runtime.primitives.trie.proof import ProofReader, prove
from runtime.primitives.trie.read import lookup
from runtime.primitives.trie.source import NodeSource

CHILD_PREFIX: Final = b":child_storage:default:"
"""Stands before a child trie's own key (sp-storage `DEFAULT_CHILD_STORAGE_KEY_PREFIX`)."""


def child_root(root: bytes, child_key: bytes, source: NodeSource) -> bytes:
    """The root of the child trie `child_key`, `EMPTY_ROOT` where there is none. Raises as `lookup`."""
    return lookup(root, CHILD_PREFIX + child_key, source) or EMPTY_ROOT


def prove_child(root: bytes, child_key: bytes, keys: Iterable[bytes], source: NodeSource) -> list[bytes]:
    """The proof of `keys` in the child trie: the way to its root in the main trie, and the nodes below.

    `source` serves both tries. Raises as `prove`.
    """
    outer = prove(root, [CHILD_PREFIX + child_key], source)
    inner = prove(child_root(root, child_key, source), keys, source)
    return sorted({*outer, *inner})


def verify_child_proof(
    root: bytes, proof: list[bytes], child_key: bytes, keys: Iterable[bytes]
) -> dict[bytes, bytes | None]:
    """The proved value of each key in the child trie, None where proved absent. Raises `InvalidProof`."""
    reader = ProofReader(root, proof)
    inner_root = reader.read(root, CHILD_PREFIX + child_key)
    if inner_root is None:
        inner_root = EMPTY_ROOT
    elif len(inner_root) != HASH_LENGTH:
        raise InvalidProof(ProofFault.BAD_CHILD_ROOT, inner_root)
    values = {key: reader.read(inner_root, key) for key in keys}
    reader.finish()
    return values
