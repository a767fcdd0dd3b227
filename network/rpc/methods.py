"""The method table: every method is declared once, on its handler, and everything else is derived from there.

The handler's signature declares the parameters, its docstring is the documentation, the decorator names it:

    class SystemMethods:
        @method("system_chain")
        def chain(self) -> Json:
            \"\"\"The name of the chain.\"\"\"
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from network.rpc import errors
from network.rpc.errors import Json
from network.rpc.openrpc import document
from network.rpc.parameters import Decoder, InvalidParameter, decoder_of
from network.rpc.rate import TokenBucket

_DECLARATION = "__rpc_declaration__"

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(slots=True, eq=False)
class Connection:
    """Who is calling. One per WebSocket connection, or per HTTP request.

    `state` is the handlers' own: what they keep for this connection and forget with it. What they put into
    `closing` is called when the connection ends.
    """

    id: int
    transport: str
    """"http" or "ws"."""
    remote: str
    unsafe: bool
    """Whether unsafe methods may be called."""
    bucket: TokenBucket | None = None
    """The calls it may still make; None for any number."""
    state: dict[str, Any] = field(default_factory=dict)
    closing: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> None:
        """Call what handlers left for the end."""
        while self.closing:
            self.closing.pop()()


@dataclass(frozen=True, slots=True)
class Context:
    """Given to handlers whose first parameter is annotated `Context`."""

    connection: Connection
    subscription: str | None = None
    """The id of the subscription that is being opened."""
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """Called once the answer is on its way: events that refer to an id must not overtake it."""


@dataclass(frozen=True, slots=True)
class _Declaration:
    name: str
    aliases: tuple[str, ...]
    unsafe: bool
    worker: bool = False
    unsubscribe: tuple[str, ...] = ()
    notification: str | None = None


def method(
    name: str, *, aliases: Iterable[str] = (), unsafe: bool = False, worker: bool = False
) -> Callable[[Handler], Handler]:
    """Declare a method. `unsafe` ones need permission; `worker` ones (plain `def`) run in a worker thread."""
    return _declare(_Declaration(name, tuple(aliases), unsafe, worker))


def subscription(
    name: str,
    *,
    unsubscribe: str,
    notification: str,
    aliases: Iterable[str] = (),
    unsubscribe_aliases: Iterable[str] = (),
    unsafe: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare a subscription: an async generator, or a coroutine that returns an async iterator."""
    ends = (unsubscribe, *unsubscribe_aliases)
    return _declare(_Declaration(name, tuple(aliases), unsafe, False, ends, notification))


def _declare(declaration: _Declaration) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        setattr(handler, _DECLARATION, declaration)
        return handler

    return mark


@dataclass(frozen=True, slots=True)
class Parameter:
    """One positional parameter: absent and null give `default` when there is one."""

    name: str
    decoder: Decoder
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Method:
    """A method ready to be called."""

    name: str
    aliases: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    handler: Callable[..., Any]
    wants_context: bool
    unsafe: bool
    worker: bool
    docs: str

    def decode(self, params: tuple[Json, ...]) -> tuple[Any, ...]:
        """The handler's arguments. Raises `RpcError` -32602 that names the wrong parameter."""
        if len(params) > len(self.parameters):
            raise errors.invalid_params(
                f"{self.name} takes at most {len(self.parameters)} parameters, got {len(params)}"
            )
        arguments = []
        for position, parameter in enumerate(self.parameters):
            value = params[position] if position < len(params) else None
            if value is None and not parameter.required:
                arguments.append(parameter.default)
                continue
            if position >= len(params):
                raise errors.invalid_params(f"parameter {position + 1} ({parameter.name}) is missing")
            try:
                arguments.append(parameter.decoder.decode(value))
            except InvalidParameter as error:
                raise errors.invalid_params(f"parameter {position + 1} ({parameter.name}): {error}") from None
        return tuple(arguments)


@dataclass(frozen=True, slots=True)
class Subscribe(Method):
    """A method that opens a subscription."""

    unsubscribe: tuple[str, ...]
    notification: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The method that ends subscriptions opened by `subscribe` (its main name); answers whether there was
    one."""

    subscribe: str


class MethodTable:
    """All methods of a server under all their names.

    Built from objects whose bound methods carry declarations. Raises ValueError when two claim one name,
    TypeError when a handler's signature cannot be served.
    """

    def __init__(self, *sections: object) -> None:
        self._methods: dict[str, Method | Unsubscribe] = {}
        self._declared: list[Method] = []
        for section in (self, *sections):
            for handler in _declared_handlers(section):
                self._add(_build(handler, getattr(handler, _DECLARATION)))

    def find(self, name: str) -> Method | Unsubscribe | None:
        """The method under this name or alias."""
        return self._methods.get(name)

    @property
    def declared(self) -> tuple[Method, ...]:
        """Each method once, in order of declaration: what OpenRPC documents."""
        return tuple(self._declared)

    @method("rpc_methods")
    def names(self) -> dict[str, list[str]]:
        """All method names that this node answers, aliases included."""
        return {"methods": sorted(self._methods)}

    @method("rpc_discover")
    def discover(self) -> Json:
        """The OpenRPC document of this node: every method with its parameters, and what it is for."""
        return document(self._declared)

    def _add(self, added: Method) -> None:
        self._declared.append(added)
        served: Mapping[str, Method | Unsubscribe] = dict.fromkeys((added.name, *added.aliases), added)
        if isinstance(added, Subscribe):
            served = {**served, **dict.fromkeys(added.unsubscribe, Unsubscribe(added.name))}
        for name, entry in served.items():
            if name in self._methods:
                raise ValueError(f"RPC method {name} is declared twice")
            self._methods[name] = entry


def _declared_handlers(section: object) -> Iterable[Callable[..., Any]]:
    """Bound methods with a declaration, base classes first, in source order."""
    names: dict[str, None] = {}
    for kind in reversed(type(section).__mro__):
        names.update(
            dict.fromkeys(name for name, value in vars(kind).items() if hasattr(value, _DECLARATION))
        )
    handlers = [getattr(section, name) for name in names]
    for handler in handlers:
        if not hasattr(handler, _DECLARATION):
            raise TypeError(f"{handler.__qualname__} overrides a declared handler: declare it again")
    return handlers


def _build(handler: Callable[..., Any], declaration: _Declaration) -> Method:
    if declaration.worker and inspect.iscoroutinefunction(handler):
        raise TypeError(f"{declaration.name}: a worker handler must be a plain function")
    hints = typing.get_type_hints(handler, include_extras=True)
    wants_context = False
    parameters: list[Parameter] = []
    for position, (name, parameter) in enumerate(inspect.signature(handler).parameters.items()):
        if name not in hints:
            raise TypeError(f"{declaration.name}: parameter {name} has no annotation")
        if position == 0 and hints[name] is Context:
            wants_context = True
            continue
        try:
            decoder = decoder_of(hints[name])
        except TypeError as error:
            raise TypeError(f"{declaration.name}: parameter {name}: {error}") from None
        has_default = parameter.default is not inspect.Parameter.empty
        required = not has_default and not _accepts_null(decoder)
        parameters.append(Parameter(name, decoder, required, parameter.default if has_default else None))
    built = Method(
        name=declaration.name,
        aliases=declaration.aliases,
        parameters=tuple(parameters),
        handler=handler,
        wants_context=wants_context,
        unsafe=declaration.unsafe,
        worker=declaration.worker,
        docs=inspect.getdoc(handler) or "",
    )
    if declaration.notification is None:
        return built
    values = {name: getattr(built, name) for name in Method.__slots__}
    return Subscribe(**values, unsubscribe=declaration.unsubscribe, notification=declaration.notification)


def _accepts_null(decoder: Decoder) -> bool:
    try:
        decoder.decode(None)
    except InvalidParameter:
        return False
    return True
