"""Weights of Models' calls: at least 1.5 times what one core of a 2-core cloud server (2020s) measured.

Verification itself is counted by the verifier (`inference.verifier.effort`), in the same unit.
"""

from runtime.frame.weights import MICROSECOND, Weight
from runtime.pallets.models.types import chunk_count

PROOF = 4_096
"""Bytes: a record, its key and its trie path."""

CREATE = Weight(300 * MICROSECOND, PROOF)
"""Measured 60 us, 200 us for the first in a process: the hold is most of it."""

_UPLOAD = 150 * MICROSECOND
_PUBLISH = 600 * MICROSECOND
"""Measured 220 us beside verification, for a model of 200 bytes."""
_REMOVE = 300 * MICROSECOND
"""Measured 110 us."""
_PER_CHUNK = 60 * MICROSECOND
"""Picoseconds for the entry of one chunk: writing or removing it, and the trie nodes on its path (40 us)."""
_PER_BYTE_UPLOADED = 16_000
"""Picoseconds: importing a chunk of one MiB into LevelDB, signature, hashes and sync included, took 11 ms."""
_PER_BYTE_PUBLISHED = 6_000
"""Picoseconds: 1.9 ns for joining and hashing twice, as much for reading the chunks from the database."""


def upload_chunk(size: int) -> Weight:
    """The weight of a chunk of `size` bytes."""
    return Weight(_UPLOAD + size * _PER_BYTE_UPLOADED, PROOF)


def publish(size: int, verification_time: int) -> Weight:
    """The weight of publishing `size` bytes whose verification takes so many picoseconds."""
    chunks = chunk_count(size)
    return Weight(
        _PUBLISH + chunks * _PER_CHUNK + size * _PER_BYTE_PUBLISHED + verification_time, PROOF * (1 + chunks)
    )


def removal(chunks: int) -> Weight:
    """The weight of removing a model, or an upload, of so many chunks."""
    return Weight(_REMOVE + chunks * _PER_CHUNK, PROOF * (1 + chunks))
