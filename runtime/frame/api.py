"""Runtime interfaces: read-only functions that clients call by name through `state_call`.

    @runtime_api("AccountNonceApi", "account_nonce")
    def account_nonce(self, account: AccountId) -> Nonce: ...

Parameters and result are SCALE by their annotations. The id and version of each interface are listed in the
runtime version, so that clients know what they may ask.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from runtime.frame.parts import declared

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__fixpoint_api__"


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """One function of an interface; `name` is `Interface_function`, as `state_call` takes it.

    `owner` is the class that declares it: a pallet, or the executive's own interfaces.
    """

    owner: type[Any]
    interface: str
    function_name: str
    parameters: tuple[tuple[str, Any], ...]
    result: Any
    function: Callable[..., Any]
    doc: str

    @property
    def name(self) -> str:
        """What `state_call` takes."""
        return f"{self.interface}_{self.function_name}"


def runtime_api(interface: str, function_name: str) -> Callable[[F], F]:
    """Decorator: this method answers `state_call("interface_function", ...)`; it must not write."""

    def mark(function: F) -> F:
        setattr(function, _MARK, (interface, function_name))
        return function

    return mark


def apis_of(owner: type[Any]) -> dict[str, ApiMethod]:
    """The interface functions that a class and its parts declare, by `Interface_function`."""
    found: dict[str, ApiMethod] = {}
    for function in declared(owner).values():
        mark = getattr(function, _MARK, None)
        if mark is None:
            continue
        hints = get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters)[1:]
        method = ApiMethod(
            owner=owner,
            interface=mark[0],
            function_name=mark[1],
            parameters=tuple((name, hints[name]) for name in parameters),
            result=hints["return"],
            function=function,
            doc=inspect.getdoc(function) or "",
        )
        found[method.name] = method
    return found
