"""What executing blocks and transactions answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from runtime.frame.errors import DispatchError
from runtime.frame.events import EventRecord
from runtime.frame.weights import DispatchClass, Pays, Weight, WeightPerClass
from runtime.primitives.digest import Digest
from runtime.primitives.keys.signature import MultiSignature, verify


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """`signature` must be `account`'s over `payload`; `index` is the extrinsic's place in the block."""

    index: int
    signature: MultiSignature
    payload: bytes
    account: bytes


Verdicts: TypeAlias = Callable[[], Sequence[bool]]
SignatureChecks: TypeAlias = Callable[[Sequence[SignatureCheck]], Verdicts]
"""Starts checking all signatures of a block; the answer waits for the verdicts, one per check, in order.

A node may check in other threads while the block executes; a block with a bad signature is thrown away whole.
"""


def serial(checks: Sequence[SignatureCheck]) -> Verdicts:
    """Checks one after the other, when the verdicts are asked for."""
    return lambda: [verify(each.signature, each.payload, each.account) for each in checks]


@dataclass(frozen=True, slots=True)
class ExtrinsicOutcome:
    """What became of one extrinsic: `error` None means success.

    `fee` is what the sender paid in the end, `tip` included. `weight` is what the call used, the base weight
    of an extrinsic included.
    """

    error: DispatchError | None
    fee: int
    tip: int
    weight: Weight
    dispatch_class: DispatchClass
    pays_fee: Pays


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a transaction would do in the next block."""

    outcome: ExtrinsicOutcome
    events: tuple[EventRecord, ...]


@dataclass(frozen=True, slots=True)
class Execution:
    """What a block does to the state of its parent.

    `changes` maps storage keys to new values, None deletes; `artifacts` maps Blake2b-256 to bytes that are
    kept outside the trie. `digest` is the header's without the seal.
    """

    number: int
    changes: Mapping[bytes, bytes | None]
    artifacts: Mapping[bytes, bytes]
    events: tuple[EventRecord, ...]
    outcomes: tuple[ExtrinsicOutcome, ...]
    weight: WeightPerClass
    extrinsics_root: bytes
    digest: Digest


@dataclass(frozen=True, slots=True)
class GenesisState:
    """The state of block zero, and what it keeps outside the trie."""

    storage: dict[bytes, bytes]
    artifacts: dict[bytes, bytes]
