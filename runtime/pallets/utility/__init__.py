"""Utility: several calls in one transaction."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.call import Call, RuntimeCall, call
from runtime.frame.errors import CallFailed, DispatchError, ErrorEnum, ensure
from runtime.frame.origin import Origin, Root, ensure_signed
from runtime.frame.pallet import Constant, Pallet
from runtime.frame.weights import MICROSECOND, DispatchClass, PostDispatchInfo, Weight
from runtime.primitives.integers import U32
from runtime.primitives.scale import ScalePath, variant

BATCH_BASE = Weight(30 * MICROSECOND)
BATCH_ITEM = Weight(20 * MICROSECOND)


@variant(0)
@dataclass(frozen=True, slots=True)
class BatchInterrupted:
    """Batch of dispatches did not complete fully: the index of the call that failed, and why."""

    index: U32
    error: DispatchError


@variant(1)
@dataclass(frozen=True, slots=True)
class BatchCompleted:
    """Batch of dispatches completed fully with no error."""


@variant(2)
@dataclass(frozen=True, slots=True)
class BatchCompletedWithErrors:
    """Batch of dispatches completed but has errors."""


@variant(3)
@dataclass(frozen=True, slots=True)
class ItemCompleted:
    """A single item within a batch of dispatches has completed with no error."""


@variant(4)
@dataclass(frozen=True, slots=True)
class ItemFailed:
    """A single item within a batch of dispatches has failed."""

    error: DispatchError


UtilityEvent: TypeAlias = Annotated[
    BatchInterrupted | BatchCompleted | BatchCompletedWithErrors | ItemCompleted | ItemFailed,
    ScalePath("pallet_utility::pallet::Event"),
]


class UtilityError(ErrorEnum):
    """Errors of Utility."""

    TOO_MANY_CALLS = 0, "Too many calls batched."


def _weight(utility: "Utility", calls: list[RuntimeCall]) -> Weight:
    return _overhead(calls) + sum((utility.env.call_weight(each) for each in calls), start=Weight())


def _overhead(calls: list[RuntimeCall]) -> Weight:
    return BATCH_BASE + BATCH_ITEM * len(calls)


def _class(utility: "Utility", calls: list[RuntimeCall]) -> DispatchClass:
    operational = all(utility.env.call_class(each) is DispatchClass.Operational for each in calls)
    return DispatchClass.Operational if operational else DispatchClass.Normal


class Utility(Pallet, index=20, events=UtilityEvent, errors=UtilityError):
    """Send several calls in one transaction, with one fee and one signature."""

    batched_calls_limit: Constant[U32] = Constant(
        name="batched_calls_limit", doc="The limit on the number of batched calls."
    )

    @call(0, weight=_weight, dispatch_class=_class)
    def batch(self, origin: Origin, calls: list[Call]) -> PostDispatchInfo:
        """Send a batch of dispatch calls; stop at the first that fails and keep what was done before.

        The transaction succeeds even then: `BatchInterrupted` names the call that failed.
        """
        self._admit(origin, calls)
        used = _overhead(calls)
        for index, each in enumerate(calls):
            weight, failure = self._run(each, origin)
            used = used + weight
            if failure is not None:
                self.deposit_event(BatchInterrupted(index, failure))
                return PostDispatchInfo(used)
            self.deposit_event(ItemCompleted())
        self.deposit_event(BatchCompleted())
        return PostDispatchInfo(used)

    @call(2, weight=_weight, dispatch_class=_class)
    def batch_all(self, origin: Origin, calls: list[Call]) -> PostDispatchInfo:
        """Send a batch of dispatch calls and atomically execute them: one that fails undoes all."""
        self._admit(origin, calls)
        used = _overhead(calls)
        for each in calls:
            weight, failure = self._run(each, origin)
            used = used + weight
            if failure is not None:
                raise CallFailed(failure, used)
            self.deposit_event(ItemCompleted())
        self.deposit_event(BatchCompleted())
        return PostDispatchInfo(used)

    @call(4, weight=_weight, dispatch_class=_class)
    def force_batch(self, origin: Origin, calls: list[Call]) -> PostDispatchInfo:
        """Send a batch of dispatch calls; go on behind those that fail."""
        self._admit(origin, calls)
        used = _overhead(calls)
        failed = False
        for each in calls:
            weight, failure = self._run(each, origin)
            used = used + weight
            failed = failed or failure is not None
            self.deposit_event(ItemCompleted() if failure is None else ItemFailed(failure))
        self.deposit_event(BatchCompletedWithErrors() if failed else BatchCompleted())
        return PostDispatchInfo(used)

    def _admit(self, origin: Origin, calls: list[RuntimeCall]) -> None:
        if not isinstance(origin, Root):
            ensure_signed(origin)
        ensure(len(calls) <= self.batched_calls_limit, UtilityError.TOO_MANY_CALLS)

    def _run(self, each: RuntimeCall, origin: Origin) -> tuple[Weight, DispatchError | None]:
        """The weight that a call used, and its error where it failed."""
        info = self.env.dispatch_info(each)
        try:
            return self.env.dispatch(each, origin).weight_or(info), None
        except CallFailed as failure:
            used = PostDispatchInfo(failure.actual_weight).weight_or(info)
            return used, self.env.composition.error(failure)
