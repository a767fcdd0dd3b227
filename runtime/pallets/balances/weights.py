"""Weights of Balances' calls: at least three times what importing batches of them took.

On one core of a 2-core cloud server (Intel Xeon, CPython 3.11), trie included, without and with the wait for
the synced write: a transfer 40 and 65 us, one that opens an account 45 and 95 us, a burn 15 and 40 us. Root's
calls took 1 to 13 us before the trie. The rest is for a large state that misses the caches.

`proof_size` counts the records touched and 2 KiB of trie nodes on the path of each.
"""

from runtime.frame.weights import MICROSECOND, Weight

TRANSFER = Weight(250 * MICROSECOND, 3_593)
FORCE_TRANSFER = Weight(300 * MICROSECOND, 6_196)
TRANSFER_ALL = Weight(270 * MICROSECOND, 3_593)
FORCE_UNRESERVE = Weight(150 * MICROSECOND, 3_593)
FORCE_SET_BALANCE = Weight(200 * MICROSECOND, 3_593)
BURN = Weight(150 * MICROSECOND, 3_593)
