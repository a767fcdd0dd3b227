"""What Babe and Grandpa do with proved misdeeds: hand them to the composition's offence handler."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.frame.call import RuntimeCall
from runtime.frame.environment import Environment
from runtime.frame.errors import (
    CallFailed,
    ErrorEnum,
    InvalidTransaction,
    TransactionKind,
    Unavailable,
)
from runtime.frame.validity import MAX_U64, ValidTransaction
from runtime.frame.weights import Pays, PostDispatchInfo
from runtime.pallets.historical import MembershipProof
from runtime.pallets.session import Offence, OffenceHandler

REPORT_LONGEVITY = 1_000
"""Blocks for which a report in the pool is good; behind them it is checked anew."""

FREE = PostDispatchInfo(pays_fee=Pays.No)


@dataclass(frozen=True, slots=True)
class ProvedOffence:
    """An offence whose evidence holds, and the error of the pallet for one that is known already."""

    kind: bytes
    ownership: MembershipProof
    time_slot: bytes
    offender: bytes
    duplicate: ErrorEnum

    @property
    def offence(self) -> Offence:
        """The offence as handlers take it."""
        count = self.ownership.validator_count
        return Offence(self.kind, self.ownership.session, count, self.time_slot, (self.offender,))


def submit_offence(env: Environment, reporters: Sequence[bytes], proved: ProvedOffence) -> None:
    """Have it punished; fails the call where it was known, or where this runtime punishes nothing."""
    handler = env.role(OffenceHandler)
    if handler is None:
        raise CallFailed(Unavailable())
    if not handler.report_offence(reporters, proved.offence):
        raise CallFailed(proved.duplicate)


def describe_report(
    env: Environment, call: RuntimeCall, prove: Callable[[], ProvedOffence]
) -> ValidTransaction:
    """What the pool learns of an unsigned report; `InvalidTransaction` for one that changes nothing.

    The evidence is checked in full, so only news that is true occupies pools and blocks. It comes first in a
    block: the longer an equivocator works, the more it can do.
    """
    try:
        proved = prove()
    except CallFailed as failure:
        raise InvalidTransaction(TransactionKind.CALL, f"{call}: {failure}") from failure
    handler = env.role(OffenceHandler)
    if handler is None:
        raise InvalidTransaction(TransactionKind.CALL, f"{call}: this chain punishes nothing")
    if handler.is_known_offence(proved.kind, (proved.offender,), proved.time_slot):
        raise InvalidTransaction(TransactionKind.STALE, f"{call}: reported before")
    tag = proved.kind + proved.offender + proved.time_slot
    return ValidTransaction(priority=MAX_U64, provides=[tag], longevity=REPORT_LONGEVITY)
