"""One execution: the overlay, the block being executed, the events, and the pallets bound to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from runtime.frame.call import CallCodec, RuntimeCall
from runtime.frame.engine import InferenceEngine
from runtime.frame.errors import (
    CallFailed,
    DispatchError,
    ErrorEnum,
    InvalidTransaction,
    Module,
    ModuleError,
    arithmetic_failure,
)
from runtime.frame.events import EventCodec, EventRecord
from runtime.frame.origin import Origin
from runtime.frame.overlay import Overlay
from runtime.frame.pallet import Pallet
from runtime.frame.session_crypto import SessionCrypto
from runtime.frame.validity import TransactionSource
from runtime.frame.version import RuntimeVersion
from runtime.frame.weights import (
    AS_ANNOUNCED,
    ApplyExtrinsic,
    DispatchClass,
    DispatchInfo,
    Finalization,
    Initialization,
    PostDispatchInfo,
    Weight,
)
from runtime.primitives.extrinsic import BareExtrinsic
from runtime.primitives.integers import ArithmeticFault
from runtime.primitives.state import StateReader

P = TypeVar("P", bound=Pallet)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Composition:
    """What all executions of one runtime version share."""

    version: RuntimeVersion
    pallets: tuple[type[Pallet], ...]
    constants: Mapping[type[Pallet], Mapping[str, Any]]
    calls: CallCodec
    events: EventCodec
    engine: InferenceEngine
    crypto: SessionCrypto
    code: bytes

    def error(self, failure: CallFailed) -> DispatchError:
        """The `DispatchError` that a failed call reports."""
        if not isinstance(failure.error, ErrorEnum):
            return failure.error
        for pallet in self.pallets:
            if isinstance(failure.error, pallet.errors or ()):
                return Module(ModuleError(pallet.index, bytes([failure.error, 0, 0, 0])))
        raise AssertionError(f"{type(failure.error).__name__} belongs to no pallet of this runtime")


class Environment:
    """Everything that a pallet can reach while it executes."""

    def __init__(self, composition: Composition, state: StateReader) -> None:
        self.composition = composition
        self.overlay = Overlay(state)
        self.engine = composition.engine
        self.crypto = composition.crypto
        self.events: list[EventRecord] = []
        self.phase: ApplyExtrinsic | Finalization | Initialization = Initialization()
        self.extrinsics_length = 0
        self.submit: Callable[[bytes], None] | None = None
        self._pallets: dict[type[Pallet], Pallet] = {}

    def pallet(self, kind: type[P]) -> P:
        """The pallet, bound to this execution."""
        found = self._pallets.get(kind)
        if found is None:
            found = self._pallets[kind] = kind(self)
        return cast(P, found)

    def roles(self, role: Callable[..., R]) -> tuple[R, ...]:
        """The pallets of this runtime that inherit the class `role`, in the order of composition."""
        kind = cast(type, role)
        return tuple(cast(R, self.pallet(one)) for one in self.composition.pallets if issubclass(one, kind))

    def role(self, role: Callable[..., R]) -> R | None:
        """The one pallet of this runtime that inherits the class `role`, or None."""
        found = self.roles(role)
        assert len(found) < 2, f"two pallets are {role}: {found}"
        return found[0] if found else None

    def constant(self, pallet: type[Pallet], attribute: str) -> Any:
        """A configured constant."""
        try:
            return self.composition.constants[pallet][attribute]
        except KeyError:
            raise AssertionError(f"the runtime sets no {pallet.name}.{attribute}") from None

    def deposit_event(self, pallet: int, event: Any) -> None:
        """Append an event of the pallet with this index."""
        self.events.append(EventRecord(self.phase, pallet, event))

    def artifact(self, content_hash: bytes) -> bytes | None:
        """Bytes that the chain keeps outside the trie, by their Blake2b-256."""
        return self.overlay.artifact(content_hash)

    def store_artifact(self, content: bytes) -> bytes:
        """Keep bytes outside the trie; the answer is their Blake2b-256."""
        return self.overlay.store_artifact(content)

    def dispatch_info(self, call: RuntimeCall) -> DispatchInfo:
        """Weight, class and payer of a call before it runs."""
        return DispatchInfo(self.call_weight(call), self.call_class(call), call.declaration.pays)

    def call_weight(self, call: RuntimeCall) -> Weight:
        """The weight of a call before it runs."""
        weight = call.declaration.weight
        if callable(weight):
            weight = weight(self.pallet(call.declaration.pallet), *call.arguments)
        return cast(Weight, weight)

    def call_class(self, call: RuntimeCall) -> DispatchClass:
        """The dispatch class of a call.

        Apart from the weight, so that calls inside calls ask their parts for one thing at a time: asking for
        both would double the work with every level.
        """
        dispatch_class = call.declaration.dispatch_class
        if callable(dispatch_class):
            dispatch_class = dispatch_class(self.pallet(call.declaration.pallet), *call.arguments)
        return cast(DispatchClass, dispatch_class)

    def dispatch(self, call: RuntimeCall, origin: Origin) -> PostDispatchInfo:
        """Run a call in a nested transaction: `CallFailed` leaves neither writes nor events behind."""
        declaration = call.declaration
        pallet = self.pallet(declaration.pallet)
        events = len(self.events)
        self.overlay.begin()
        try:
            post = declaration.function(pallet, origin, *call.arguments)
        except ArithmeticFault as fault:
            self._undo(events)
            raise arithmetic_failure(fault) from fault
        except BaseException:
            self._undo(events)
            raise
        self.overlay.commit()
        return AS_ANNOUNCED if post is None else cast(PostDispatchInfo, post)

    def submit_unsigned(self, pallet: Pallet, name: str, **arguments: Any) -> bool:
        """Hand a bare call of `pallet` to the node's pool; whether it is valid and somebody took it."""
        if self.submit is None:
            return False
        made = self.composition.calls.make(pallet.name, name, **arguments)
        try:
            pallet.validate_unsigned(made, TransactionSource.Local)
        except InvalidTransaction:
            return False
        self.submit(BareExtrinsic(self.composition.calls.encode(made)).encode())
        return True

    def transaction(self) -> "NestedTransaction":
        """`with env.transaction():` undoes writes and events where its body raises."""
        return NestedTransaction(self)

    def _undo(self, events: int) -> None:
        self.overlay.rollback()
        del self.events[events:]


class NestedTransaction:
    """A nested transaction as a context manager."""

    __slots__ = ("_env", "_events")

    def __init__(self, env: Environment) -> None:
        self._env = env

    def __enter__(self) -> None:
        self._events = len(self._env.events)
        self._env.overlay.begin()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._env.overlay.commit()
        else:
            self._env._undo(self._events)
