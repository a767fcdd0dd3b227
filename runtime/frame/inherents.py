"""What a node tells the runtime about the world outside the chain when it builds or checks a block."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InherentData:
    """`timestamp` is milliseconds since the Unix epoch: of the slot when building, of now when checking."""

    timestamp: int
