"""What the pool must know of a transaction, and where transactions come from."""

from dataclasses import dataclass, field
from enum import IntEnum

from runtime.primitives.integers import U64
from runtime.primitives.scale import scale_path

MAX_U64 = (1 << 64) - 1


@scale_path("sp_runtime::transaction_validity::TransactionSource")
class TransactionSource(IntEnum):
    """Where a transaction comes from; no rule of this runtime depends on it."""

    InBlock = 0
    Local = 1
    External = 2


@scale_path("sp_runtime::transaction_validity::ValidTransaction")
@dataclass(frozen=True, slots=True)
class ValidTransaction:
    """What the pool must know of a transaction that may enter a block.

    `requires` and `provides` are opaque tags: the transaction waits until all it requires is provided.
    `longevity` counts blocks for which this answer holds at least.
    """

    priority: U64 = 0
    requires: list[bytes] = field(default_factory=list)
    provides: list[bytes] = field(default_factory=list)
    longevity: U64 = MAX_U64
    propagate: bool = True

    def combined(self, other: "ValidTransaction") -> "ValidTransaction":
        """Both descriptions as one."""
        return ValidTransaction(
            min(self.priority + other.priority, MAX_U64),
            self.requires + other.requires,
            self.provides + other.provides,
            min(self.longevity, other.longevity),
            self.propagate and other.propagate,
        )


VALID = ValidTransaction()
