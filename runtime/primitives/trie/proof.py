"""Read proofs: the nodes that show what a trie holds, to a reader who knows only its root.

A proof is the set of records (nodes, and the values that nodes name by hash) that reading visits, each as
plain bytes, without order; `prove` sorts them as Substrate's `state_getReadProof` does. Inline nodes stand
in their parents. Absence is proved by the nodes where the key's path ends. The empty trie needs no record.

Verification is exact: what is asked must be answered by the proof, and every entry must have been needed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Final

from runtime.primitives.trie.codec import EMPTY_ROOT, HASH_LENGTH
from runtime.primitives.trie.errors import InvalidNode, InvalidProof, MissingNode, ProofFault
from runtime.primitives.trie.read import iterate, lookup
from runtime.primitives.trie.source import NodeSource

MAX_PROOF_BYTES: Final = 16 * 1024 * 1024
"""Bytes of all entries of one proof: Substrate's bound on a state response. It bounds the hashing too."""

MAX_RANGE_ENTRIES: Final = 1_000_000
"""Entries that one range proof may show. Equal subtrees share records, so a small proof can show many."""


class _Recorder:
    """A source that remembers what was read from it."""

    def __init__(self, source: NodeSource) -> None:
        self.source = source
        self.visited: dict[bytes, bytes] = {}

    def __call__(self, node_hash: bytes) -> bytes | None:
        data = self.source(node_hash)
        if data is not None:
            self.visited[node_hash] = data
        return data

    def proof(self) -> list[bytes]:
        return sorted(self.visited.values())


class ProofReader:
    """Reads tries out of one proof and holds the proof to exactness.

    Raises `InvalidProof` from the start unless the proof is a bounded set that holds the `root`.
    """

    def __init__(self, root: bytes, proof: list[bytes]) -> None:
        size = sum(map(len, proof))
        if size > MAX_PROOF_BYTES:
            raise InvalidProof(ProofFault.TOO_LARGE, size.to_bytes(8, "big"))
        self._index: dict[bytes, bytes] = {}
        for entry in proof:
            entry_hash = blake2b(entry, digest_size=HASH_LENGTH).digest()
            if entry_hash in self._index:
                raise InvalidProof(ProofFault.DUPLICATE, entry)
            self._index[entry_hash] = entry
        if root not in self._index and root != EMPTY_ROOT:
            raise InvalidProof(ProofFault.ROOT_ABSENT, root)
        self.source = _Recorder(self._index.get)

    def read(self, root: bytes, key: bytes) -> bytes | None:
        """The proved value under `key` of the trie with this `root`, None where it is proved absent."""
        try:
            return lookup(root, key, self.source)
        except MissingNode as missing:
            raise InvalidProof(ProofFault.INCOMPLETE, missing.node_hash) from missing
        except InvalidNode as invalid:
            raise InvalidProof(ProofFault.MALFORMED_NODE, invalid.data) from invalid

    def finish(self) -> None:
        """Raises `InvalidProof` where an entry was never needed."""
        for entry_hash, entry in self._index.items():
            if entry_hash not in self.source.visited:
                raise InvalidProof(ProofFault.UNUSED, entry)


def prove(root: bytes, keys: Iterable[bytes], source: NodeSource) -> list[bytes]:
    """The proof of the values, or the absence, of `keys`. Raises `MissingNode`, `InvalidNode`."""
    recorder = _Recorder(source)
    for key in keys:
        lookup(root, key, recorder)
    return recorder.proof()


def verify_proof(root: bytes, proof: list[bytes], keys: Iterable[bytes]) -> dict[bytes, bytes | None]:
    """The proved value of each key, None where it is proved absent. Raises `InvalidProof`."""
    reader = ProofReader(root, proof)
    values = {key: reader.read(root, key) for key in keys}
    reader.finish()
    return values


@dataclass(frozen=True, slots=True)
class RangeEntries:
    """Consecutive entries of a trie: all that lie between the start of the range and the last key shown here.

    `complete`: the range ends here too. Otherwise ask again with the last key as `start_after`.
    """

    entries: Mapping[bytes, bytes]
    complete: bool


def prove_range(
    root: bytes,
    source: NodeSource,
    prefix: bytes = b"",
    start_after: bytes | None = None,
    limit: int = MAX_RANGE_ENTRIES,
) -> list[bytes]:
    """The proof of the first `limit` entries below `prefix`, strictly after `start_after`.

    Where there are fewer, it also proves that there are no others. Raises `MissingNode`, `InvalidNode`.
    """
    recorder = _Recorder(source)
    walk = iterate(root, recorder, prefix, start_after)
    for _ in islice(walk, limit):
        pass
    return recorder.proof()


def verify_range_proof(
    root: bytes,
    proof: list[bytes],
    prefix: bytes = b"",
    start_after: bytes | None = None,
    limit: int = MAX_RANGE_ENTRIES,
) -> RangeEntries:
    """The consecutive entries that `proof` shows from the start of the range on.

    Raises `InvalidProof`, also where the proof shows not even the first entry, or more than `limit` of them.
    """
    reader = ProofReader(root, proof)
    entries: dict[bytes, bytes] = {}
    complete = True
    try:
        for key, value in iterate(root, reader.source, prefix, start_after):
            if len(entries) == limit:
                raise InvalidProof(ProofFault.TOO_MANY_ENTRIES, key)
            entries[key] = value
    except MissingNode as missing:
        if not entries:
            raise InvalidProof(ProofFault.INCOMPLETE, missing.node_hash) from missing
        complete = False
    except InvalidNode as invalid:
        raise InvalidProof(ProofFault.MALFORMED_NODE, invalid.data) from invalid
    reader.finish()
    return RangeEntries(entries, complete)


def verify_prefix_proof(root: bytes, proof: list[bytes], prefix: bytes) -> Mapping[bytes, bytes]:
    """All entries below `prefix`, and the certainty that there are no others. Raises `InvalidProof`."""
    found = verify_range_proof(root, proof, prefix)
    if not found.complete:
        raise InvalidProof(ProofFault.INCOMPLETE, max(found.entries))
    return found.entries
