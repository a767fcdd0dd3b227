"""What can happen to a transaction in the pool, and why one is refused."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Future:
    """Waits until another transaction provides what it requires."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Can be included in the next block."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Was sent to these peers."""

    peers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retracted:
    """Its block left the best chain; the transaction is back in the pool."""

    block: bytes


@dataclass(frozen=True, slots=True)
class Usurped:
    """Another transaction that provides the same, with a higher priority, took its place."""

    by: bytes


@dataclass(frozen=True, slots=True)
class Dropped:
    """Removed because the pool was full and others pay more."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """No longer valid on the chain's current state."""


Status = Future | Ready | Broadcast | Retracted | Usurped | Dropped | Invalid


@dataclass(frozen=True, slots=True)
class StatusChange:
    """`transaction` (its hash) now has `status`."""

    transaction: bytes
    status: Status


class PoolErrorReason(Enum):
    """Why a submission was refused; the names follow Substrate's pool errors (RPC codes 1012 to 1021)."""

    TEMPORARILY_BANNED = "Transaction is temporarily banned"
    ALREADY_IMPORTED = "Transaction Already Imported"
    TOO_LOW_PRIORITY = "Priority is too low"
    CYCLE = "Cycle Detected"
    IMMEDIATELY_DROPPED = "Immediately Dropped"
    NO_TAGS = "Transaction does not provide any tags, so the pool can't identify it"
    FUTURE_REJECTED = "The pool is not accepting future transactions"


class PoolError(Exception):
    """A submission the pool refuses: `reason` says why, `detail` gives the values."""

    def __init__(self, reason: PoolErrorReason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
