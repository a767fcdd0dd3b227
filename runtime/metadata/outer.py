"""The types that only a composed runtime has: one enum over all pallets of calls, events, errors and holds.

Pallets refer to them by `Bound` names; here these names mean placeholders, which the registry describes from
the composition. Paths are those by which clients of Substrate's chains find the types.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NoReturn, TypeVar

from runtime.frame.errors import ErrorEnum
from runtime.frame.events import Phase
from runtime.frame.holds import RuntimeHoldReason
from runtime.frame.pallet import Pallet
from runtime.primitives.scale import Custom, Scale, Vector, scale_path
from runtime.primitives.scale.description import CompositeDef, Field, Type, TypeId, Variant, VariantDef
from runtime.primitives.scale.registry import TypeRegistry
from runtime.primitives.types import H256

RUNTIME = "fixpoint_runtime"

E = TypeVar("E")
T = TypeVar("T")


def _described_only(*arguments: object) -> NoReturn:
    raise AssertionError("a placeholder is described, never encoded")


def _placeholder(name: str) -> object:
    return Annotated[Any, Custom(_described_only, _described_only, f"{RUNTIME}::{name}", (), 1)]


CALL: Any = _placeholder("RuntimeCall")
EVENT: Any = _placeholder("RuntimeEvent")
ERROR: Any = _placeholder("RuntimeError")


@scale_path("frame_system::EventRecord")
@dataclass(frozen=True, slots=True)
class _EventRecord(Generic[E, T]):
    """An event, when it happened, and the topics it is indexed by."""

    phase: Phase
    event: E
    topics: Vector[T]


def bindings() -> Scale:
    """A scale in which the `Bound` names of pallets mean the placeholders."""
    return Scale({"RuntimeCall": CALL, "EventRecords": Vector[_EventRecord[EVENT, H256]]})


def described(path: str, definition: CompositeDef | VariantDef, docs: tuple[str, ...] = ()) -> Type:
    """A type without parameters under `path`."""
    return Type(tuple(path.split("::")), (), definition, docs)


def lines(text: str) -> tuple[str, ...]:
    """A docstring as metadata has it: line by line."""
    return tuple(line.strip() for line in text.strip().splitlines())


class OuterTypes:
    """Registers the enums of each pallet and those over all of them, in that order."""

    def __init__(self, registry: TypeRegistry, pallets: Iterable[type[Pallet]]) -> None:
        self._registry = registry
        self._pallets = tuple(pallets)
        self.calls_of: dict[str, int] = {}
        self.events_of: dict[str, int] = {}
        self.errors_of: dict[str, int] = {}
        registry.define(RuntimeHoldReason, self._holds)
        # Calls hold calls: the outer enum takes its id first, and the pallets' enums follow inside.
        self.calls = registry.define(CALL, lambda: self._outer("RuntimeCall", self.calls_of, self._call))
        self.events = registry.define(EVENT, lambda: self._outer("RuntimeEvent", self.events_of, self._event))
        self.errors = registry.define(ERROR, lambda: self._outer("RuntimeError", self.errors_of, self._error))

    def _outer(
        self, name: str, found: dict[str, int], inner: Callable[[type[Pallet]], TypeId | None]
    ) -> Type:
        for pallet in self._pallets:
            index = inner(pallet)
            if index is not None:
                found[pallet.name] = index
        variants = tuple(
            Variant(each.name, (Field(None, found[each.name]),), each.index)
            for each in self._pallets
            if each.name in found
        )
        return described(f"{RUNTIME}::{name}", VariantDef(variants))

    def _call(self, pallet: type[Pallet]) -> TypeId | None:
        if not pallet.calls:
            return None
        variants = tuple(
            Variant(
                each.name,
                tuple(self._registry.field(name, kind) for name, kind in each.parameters),
                each.index,
                lines(each.doc),
            )
            for each in pallet.calls.values()
        )
        return self._registry.add(described(f"{pallet.module}::pallet::Call", VariantDef(variants)))

    def _event(self, pallet: type[Pallet]) -> TypeId | None:
        return None if pallet.events is None else self._registry.register(pallet.events)

    def _error(self, pallet: type[Pallet]) -> TypeId | None:
        if pallet.errors is None:
            return None
        path = f"{pallet.module}::pallet::Error"
        return self._registry.add(described(path, VariantDef(_error_variants(pallet.errors))))

    def _holds(self) -> Type:
        """`RuntimeHoldReason` is encoded as an enum of enums, and clients read it as one."""
        variants = tuple(
            Variant(each.name, (Field(None, self._registry.register(each.holds)),), each.index)
            for each in self._pallets
            if each.holds is not None
        )
        docs = lines(RuntimeHoldReason.__doc__ or "")
        return described(f"{RUNTIME}::RuntimeHoldReason", VariantDef(variants), docs)


def _error_variants(errors: type[ErrorEnum]) -> tuple[Variant, ...]:
    return tuple(Variant(each.camel_name, (), int(each), (each.doc,)) for each in errors)
