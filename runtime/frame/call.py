"""Calls: declared on a pallet, decoded from an extrinsic, encoded for one.

    @call(3, weight=TRANSFER)
    def transfer_keep_alive(self, origin: Origin, dest: MultiAddress, value: CompactU128) -> None:
        ...

Everything a client or the metadata needs is in the declaration: the index, the annotated parameters behind
`origin`, the docstring, the weight (a constant, or a function of the pallet and the arguments, for calls
whose cost the state or the arguments fix), the dispatch class and who pays.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

from runtime.frame.parts import declared
from runtime.frame.weights import DispatchClass, Pays, Weight
from runtime.primitives.scale import Bound, Custom, InvalidScale, Scale, ScaleReason

if TYPE_CHECKING:
    from runtime.frame.pallet import Pallet

F = TypeVar("F", bound=Callable[..., Any])

MAX_CALL_DEPTH = 32
"""Calls inside calls (batches, sudo). Substrate allows 256; a level costs Python about ten stack frames."""

_MARK = "__fixpoint_call__"
MAX_CALLS = 10_000
"""Calls in one extrinsic, all levels together: what decoding may cost before anyone has paid for it."""


class _Budget:
    """How deep the decoder of one extrinsic stands, and how many calls it has met."""

    __slots__ = ("calls", "depth")

    def __init__(self) -> None:
        self.depth = 0
        self.calls = 0

    def enter(self, offset: int) -> None:
        if self.depth >= MAX_CALL_DEPTH:
            detail = f"calls nest more than {MAX_CALL_DEPTH} deep"
            raise InvalidScale(ScaleReason.TOO_DEEP, detail, offset=offset)
        if self.calls >= MAX_CALLS:
            raise InvalidScale(ScaleReason.TOO_LONG, f"more than {MAX_CALLS} calls", offset=offset)
        self.depth += 1
        self.calls += 1


_budget: ContextVar[_Budget | None] = ContextVar("call_budget", default=None)
"""Per thread and task, so that concurrent decoding can not change an answer."""


@dataclass(frozen=True, slots=True)
class _Mark:
    index: int
    weight: Any
    dispatch_class: Any
    pays: Pays


def call(
    index: int,
    *,
    weight: Weight | Callable[..., Weight],
    dispatch_class: DispatchClass | Callable[..., DispatchClass] = DispatchClass.Normal,
    pays: Pays = Pays.Yes,
) -> Callable[[F], F]:
    """Decorator: this method is the pallet's call `index`.

    `weight` and `dispatch_class` may be functions `(pallet, *arguments)`; they must not write.
    The method fails by raising `CallFailed`, and may answer a `PostDispatchInfo`.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, _Mark(index, weight, dispatch_class, pays))
        return function

    return mark


@dataclass(frozen=True, slots=True)
class CallDeclaration:
    """One call of a pallet class."""

    pallet: "type[Pallet]"
    index: int
    name: str
    parameters: tuple[tuple[str, Any], ...]
    function: Callable[..., Any]
    weight: Any
    dispatch_class: Any
    pays: Pays
    doc: str


@dataclass(frozen=True, slots=True)
class RuntimeCall:
    """A decoded call: which one, and its arguments in order."""

    declaration: CallDeclaration
    arguments: tuple[Any, ...]

    @property
    def named(self) -> dict[str, Any]:
        """Arguments by name."""
        return dict(zip((name for name, _ in self.declaration.parameters), self.arguments, strict=True))

    def __str__(self) -> str:
        return f"{self.declaration.pallet.name}.{self.declaration.name}"


Call = Annotated[Any, Bound("RuntimeCall")]
"""The annotation of a parameter that is itself a call."""


def calls_of(pallet: "type[Pallet]") -> dict[int, CallDeclaration]:
    """The calls that a pallet class and its parts declare, by index."""
    found: dict[int, CallDeclaration] = {}
    for name, function in declared(pallet).items():
        mark = getattr(function, _MARK, None)
        if not isinstance(mark, _Mark):
            continue
        if mark.index in found:
            raise TypeError(
                f"{pallet.name}: {name} and {found[mark.index].name} share call index {mark.index}"
            )
        hints = get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters)[2:]
        found[mark.index] = CallDeclaration(
            pallet=pallet,
            index=mark.index,
            name=name,
            parameters=tuple((parameter, hints[parameter]) for parameter in parameters),
            function=function,
            weight=mark.weight,
            dispatch_class=mark.dispatch_class,
            pays=mark.pays,
            doc=inspect.getdoc(function) or "",
        )
    return dict(sorted(found.items()))


class CallCodec:
    """Encodes and decodes the calls of a composed runtime: pallet index, call index, arguments."""

    def __init__(self, pallets: Sequence["type[Pallet]"]) -> None:
        custom = Custom(self.encode, self.decode_from, "fixpoint_runtime::RuntimeCall", (), 2)
        self.scale = Scale({"RuntimeCall": Annotated[Any, custom]})
        self._by_name: Mapping[str, Mapping[str, CallDeclaration]] = {
            pallet.name: {each.name: each for each in pallet.calls.values()} for pallet in pallets
        }
        self._codecs: dict[bytes, tuple[CallDeclaration, tuple[Any, ...]]] = {
            bytes([pallet.index, each.index]): (
                each,
                tuple(self.scale.codec(annotation) for _, annotation in each.parameters),
            )
            for pallet in pallets
            for each in pallet.calls.values()
        }

    def encode(self, value: RuntimeCall) -> bytes:
        """SCALE bytes of a call; `InvalidScale` where an argument does not fit its type."""
        index = bytes([value.declaration.pallet.index, value.declaration.index])
        codecs = self._codecs[index][1]
        parts = [each.encode(argument) for each, argument in zip(codecs, value.arguments, strict=True)]
        return index + b"".join(parts)

    def decode_from(self, buffer: bytes, offset: int) -> tuple[RuntimeCall, int]:
        """The call at `offset`, and the offset behind it; `InvalidScale` where there is none."""
        index = buffer[offset : offset + 2]
        known = self._codecs.get(index)
        if known is None:
            if len(index) < 2:
                raise InvalidScale(ScaleReason.UNEXPECTED_END, "a call needs two bytes", offset=offset)
            raise InvalidScale(
                ScaleReason.UNKNOWN_VARIANT, f"no pallet {index[0]} with a call {index[1]}", offset=offset
            )
        budget = _budget.get()
        if budget is not None:
            return self._decode_arguments(known, buffer, offset, budget)
        outermost = _budget.set(budget := _Budget())
        try:
            return self._decode_arguments(known, buffer, offset, budget)
        finally:
            _budget.reset(outermost)

    @staticmethod
    def _decode_arguments(
        known: tuple[CallDeclaration, tuple[Any, ...]], buffer: bytes, offset: int, budget: _Budget
    ) -> tuple[RuntimeCall, int]:
        declaration, codecs = known
        budget.enter(offset)
        offset += 2
        arguments = []
        for each in codecs:
            argument, offset = each.decode_from(buffer, offset)
            arguments.append(argument)
        budget.depth -= 1
        return RuntimeCall(declaration, tuple(arguments)), offset

    def decode(self, data: bytes) -> RuntimeCall:
        """The call of `data`, all of which must be consumed."""
        value, end = self.decode_from(data, 0)
        if end != len(data):
            raise InvalidScale(ScaleReason.TRAILING_BYTES, f"{len(data) - end} bytes remain", offset=end)
        return value

    def make(self, pallet: str, name: str, **arguments: Any) -> RuntimeCall:
        """A call by names, such as `make("Balances", "transfer_keep_alive", dest=..., value=...)`."""
        declaration = self._by_name.get(pallet, {}).get(name)
        if declaration is None:
            raise LookupError(f"this runtime has no call {pallet}.{name}")
        expected = [parameter for parameter, _ in declaration.parameters]
        if sorted(expected) != sorted(arguments):
            raise TypeError(f"{pallet}.{name} takes {expected}, got {sorted(arguments)}")
        return RuntimeCall(declaration, tuple(arguments[parameter] for parameter in expected))
