"""Substrate's base-16 Merkle-Patricia trie: roots, incremental updates, reads and proofs.

`root_of` is the readable definition. `build` (streaming) and `apply` (incremental) are its fast twins.
Nodes live in the caller's store, keyed by hash and reference-counted; nothing here holds state but
`NodeCache`.
"""

from runtime.primitives.trie.build import build, extrinsics_root
from runtime.primitives.trie.child import CHILD_PREFIX, child_root, prove_child, verify_child_proof
from runtime.primitives.trie.codec import EMPTY_ROOT, Node, decode
from runtime.primitives.trie.errors import (
    EntryFault,
    InvalidEntry,
    InvalidNode,
    InvalidProof,
    MissingNode,
    NodeFault,
    ProofFault,
)
from runtime.primitives.trie.nibbles import MAX_KEY_BYTES
from runtime.primitives.trie.proof import (
    MAX_PROOF_BYTES,
    MAX_RANGE_ENTRIES,
    ProofReader,
    RangeEntries,
    prove,
    prove_range,
    verify_prefix_proof,
    verify_proof,
    verify_range_proof,
)
from runtime.primitives.trie.read import closest_merkle_value, iterate, lookup
from runtime.primitives.trie.reference import reference_records, root_of
from runtime.primitives.trie.source import NodeCache, NodeSource, warm
from runtime.primitives.trie.update import TrieUpdate, apply

__all__ = [
    "CHILD_PREFIX",
    "EMPTY_ROOT",
    "MAX_KEY_BYTES",
    "MAX_PROOF_BYTES",
    "MAX_RANGE_ENTRIES",
    "EntryFault",
    "InvalidEntry",
    "InvalidNode",
    "InvalidProof",
    "MissingNode",
    "Node",
    "NodeCache",
    "NodeFault",
    "NodeSource",
    "ProofFault",
    "ProofReader",
    "RangeEntries",
    "TrieUpdate",
    "apply",
    "build",
    "child_root",
    "closest_merkle_value",
    "decode",
    "extrinsics_root",
    "iterate",
    "lookup",
    "prove",
    "prove_child",
    "prove_range",
    "reference_records",
    "root_of",
    "verify_child_proof",
    "verify_prefix_proof",
    "verify_proof",
    "verify_range_proof",
    "warm",
]
