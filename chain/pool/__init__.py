"""The transaction pool: a pure queue of validated extrinsics, ordered for the next block.

`TransactionPool` takes verdicts that the runtime gave and returns the status changes that follow; it holds no
clock, no socket and no runtime, so every rule of it is tested as data in, data out.
"""

from chain.pool.limits import PoolLimits
from chain.pool.pool import TransactionPool
from chain.pool.status import (
    Broadcast,
    Dropped,
    Future,
    Invalid,
    PoolError,
    PoolErrorReason,
    Ready,
    Retracted,
    StatusChange,
    Usurped,
)
from chain.pool.transaction import PoolTransaction

__all__ = [
    "Broadcast",
    "Dropped",
    "Future",
    "Invalid",
    "PoolError",
    "PoolErrorReason",
    "PoolLimits",
    "PoolTransaction",
    "Ready",
    "Retracted",
    "StatusChange",
    "TransactionPool",
    "Usurped",
]
