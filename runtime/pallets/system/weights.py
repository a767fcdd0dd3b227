"""Weights of System's calls, from importing batches of them on one core of a 2-core cloud server.

An empty remark took 10 us, each of its bytes 6 ns (13 ns with the wait for the synced write); writing an
entry took 1 us, and its path in the trie 20 to 40 us. The rest is for a large state that misses the caches.
"""

from runtime.frame.weights import MICROSECOND, Weight

REMARK_BASE = Weight(30 * MICROSECOND)
REMARK_PER_BYTE = 20_000
"""Picoseconds: decoding, hashing, keeping and writing one byte."""
STORAGE_ITEM = Weight(100 * MICROSECOND, 2_048)
"""Reading or writing one entry, and the trie nodes on its path."""
SCHEDULE = Weight(100 * MICROSECOND, 4_096)
