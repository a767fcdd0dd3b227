"""What is stored, as peers and the synchronisation ask for it."""

from chain.light_proofs import newest_finality, stored_handover
from chain.store import StateDiscarded, Store, UnknownBlock
from network.messages import BlockPoint
from runtime.primitives.header import Header
from runtime.primitives.trie import prove_range

PROVED_ENTRIES = 1_024
"""Entries of a state in one answer: some 150 KiB of values and branches, a tenth of a second to prove."""


class StoredChain:
    """A `ChainProbe` and a `ChainSource` over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def best(self) -> BlockPoint:
        """The head of the best chain."""
        best = self._store.best()
        return BlockPoint(best.hash, best.number)

    @property
    def finalised(self) -> BlockPoint:
        """The last final block."""
        final = self._store.finalized()
        return BlockPoint(final.hash, final.number)

    def contains(self, block: bytes) -> bool:
        """Whether the block is stored."""
        return self._store.contains(block)

    def header(self, block: bytes) -> Header | None:
        """A stored header."""
        return self._store.header(block)

    def body(self, block: bytes) -> tuple[bytes, ...] | None:
        """A stored body."""
        return self._store.body(block)

    def justification(self, block: bytes) -> bytes | None:
        """The proof of finality stored with a block."""
        return self._store.justification(block)

    def block_hash(self, number: int) -> bytes | None:
        """The block at a height of the best chain."""
        return self._store.block_hash(number)

    def state_proof(self, block: bytes, start_after: bytes | None) -> tuple[bytes, ...] | None:
        """Trie nodes that prove the next entries of a block's state; None where the state is not kept."""
        try:
            root = self._store.state_at(block).root
        except (UnknownBlock, StateDiscarded):
            return None
        proof = prove_range(root, self._store.node_source(), start_after=start_after, limit=PROVED_ENTRIES)
        return tuple(proof)

    def artifact(self, content_hash: bytes) -> bytes | None:
        """A model's bytes."""
        return self._store.artifact(content_hash)

    def handover(self, set_id: int) -> bytes | None:
        """The SCALE `Handover` that ended a voter set; None where it rules still, or is not known here."""
        handover = stored_handover(self._store, set_id)
        return handover.encode() if handover is not None else None

    def finality_proof(self, set_id: int) -> bytes | None:
        """The SCALE `FinalityProof` of the last final block, if this voter set made it final."""
        proof = newest_finality(self._store)
        if proof is None or proof.justification.set_id != set_id:
            return None
        return proof.encode()
