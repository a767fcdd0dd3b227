"""A block has a type per stage, so that no stage can be skipped: received, verified, executed, stored."""

from dataclasses import dataclass
from enum import Enum

from chain.store import TreeRoute
from consensus.header_check import VerifiedHeader
from runtime.executive import Execution
from runtime.primitives.header import Header
from runtime.primitives.trie import TrieUpdate


class RejectionReason(Enum):
    """Why a block was rejected."""

    KNOWN = "already imported"
    UNKNOWN_PARENT = "its parent is unknown"
    BEHIND_FINALITY = "it does not build on the finalised chain"
    HEADER = "its header is invalid"
    EXECUTION = "its execution breaks a rule"
    STATE_ROOT = "its state root differs from execution"
    OUTCOME = "the outcome that came with it differs from execution"
    JUSTIFICATION = "its justification is invalid"


class RejectedBlock(Exception):
    """A block that was not imported; nothing was written. `detail` names the values."""

    def __init__(
        self, reason: RejectionReason, number: int, block_hash: bytes, detail: str, *, is_early: bool = False
    ) -> None:
        """`is_early`: its slot has not come yet, so that it may be valid later."""
        super().__init__(f"block #{number} 0x{block_hash.hex()} rejected: {reason.value}: {detail}")
        self.reason = reason
        self.number = number
        self.block_hash = block_hash
        self.detail = detail
        self.is_early = is_early


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded block that nothing is known of.

    `events` is the `System.Events` value that the sender claims, if any: the state root commits to it, so it
    only serves to name what differs.
    """

    header: Header
    extrinsics: tuple[bytes, ...]
    justification: bytes | None = None
    events: bytes | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The header was checked against its parent: slot, author, claim and seal hold."""

    received: Received
    checked: VerifiedHeader
    parent: Header


@dataclass(frozen=True, slots=True)
class Executed:
    """The extrinsics were executed on the parent's state, and every root agrees with the header."""

    verified: Verified
    execution: Execution
    trie: TrieUpdate


@dataclass(frozen=True, slots=True)
class Stored:
    """The block is durable. `route` leads from the old best block to the new one where the head moved."""

    number: int
    hash: bytes
    route: TreeRoute | None
    executed: Executed

    @property
    def is_best(self) -> bool:
        """Whether the chain's head moved to this block."""
        return self.route is not None
