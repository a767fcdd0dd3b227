"""Introspection: from the composed runtime's declarations to the intermediate form.

Types are numbered in the order in which declarations name them, so the same sources give the same bytes in
every process.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import GenericAlias
from typing import cast

from runtime.frame.api import ApiMethod
from runtime.frame.environment import Composition
from runtime.frame.extension import Extension
from runtime.frame.pallet import Pallet
from runtime.frame.storage import StorageItem
from runtime.frame.version import api_id
from runtime.metadata import form
from runtime.metadata.outer import CALL, RUNTIME, OuterTypes, bindings, described, lines
from runtime.primitives.extrinsic import UNCHECKED_EXTRINSIC, VERSION, OpaqueExtrinsic
from runtime.primitives.keys.signature import MultiSignature
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import Scale
from runtime.primitives.scale.description import CompositeDef, Field, TupleDef, Type, TypeParameter
from runtime.primitives.scale.registry import TypeRegistry

_UNIT = tuple[()]
_NONE = b"\0"


def _default(item: StorageItem) -> bytes:
    """What clients read where the state holds nothing."""
    if item.optional:
        return _NONE
    return cast(bytes, item.default) if item.encoded else item.codec.encode(item.default)


def describe(
    composition: Composition, extensions: Sequence[Extension], functions: Iterable[ApiMethod]
) -> form.Metadata:
    """All that the metadata of a runtime says.

    `functions` are those that `state_call` serves; an interface that the runtime version does not list is a
    `LookupError`.
    """
    return _Describer(composition).all(extensions, functions)


class _Describer:
    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._scale: Scale = bindings()
        self._types = TypeRegistry(self._scale)

    def all(self, extensions: Sequence[Extension], functions: Iterable[ApiMethod]) -> form.Metadata:
        outer = OuterTypes(self._types, self._composition.pallets)
        pallets = tuple(self._pallet(each, outer) for each in self._composition.pallets)
        extrinsic = self._extrinsic(extensions)
        interfaces = self._interfaces(functions)
        runtime = self._types.add(described(f"{RUNTIME}::Runtime", CompositeDef(())))
        return form.Metadata(
            tuple(self._types.types),
            pallets,
            extrinsic,
            runtime,
            outer.calls,
            outer.events,
            outer.errors,
            interfaces,
        )

    def _pallet(self, pallet: type[Pallet], outer: OuterTypes) -> form.Pallet:
        return form.Pallet(
            pallet.name,
            pallet.index,
            tuple(self._storage(each) for each in pallet.storage.values()),
            outer.calls_of.get(pallet.name),
            outer.events_of.get(pallet.name),
            outer.errors_of.get(pallet.name),
            tuple(self._constant(pallet, name) for name in pallet.constants),
            lines(pallet.__doc__ or ""),
        )

    def _storage(self, item: StorageItem) -> form.StorageEntry:
        match item.key_types:
            case ():
                key = None
            case (single,):
                key = self._types.register(single)
            case several:
                key = self._types.register(GenericAlias(tuple, several))
        return form.StorageEntry(
            item.name,
            item.optional,
            item.hashers,
            key,
            self._types.register(item.value_type),
            _default(item),
            lines(item.doc),
        )

    def _constant(self, pallet: type[Pallet], name: str) -> form.Constant:
        declared = pallet.constants[name]
        value = self._composition.constants[pallet][declared.attribute]
        encoded = self._scale.codec(declared.type).encode(value)
        return form.Constant(name, self._types.register(declared.type), encoded, lines(declared.doc))

    def _extrinsic(self, extensions: Sequence[Extension]) -> form.Extrinsic:
        parts = tuple(
            form.Extension(
                each.identifier,
                self._extension(each),
                self._types.register(_UNIT if each.implicit is None else each.implicit),
            )
            for each in extensions
        )
        address, signature = self._types.register(MultiAddress), self._types.register(MultiSignature)
        call = self._types.register(CALL)
        extra = self._types.add(Type((), (), TupleDef(tuple(each.type for each in parts))))
        parameters = {"Address": address, "Call": call, "Signature": signature, "Extra": extra}
        whole = self._types.define(OpaqueExtrinsic, lambda: self._envelope(parameters))
        return form.Extrinsic(VERSION, whole, address, call, signature, extra, parts)

    def _envelope(self, parameters: Mapping[str, int]) -> Type:
        """Opaque bytes; clients take the types of its parts from the parameters."""
        return Type(
            tuple(UNCHECKED_EXTRINSIC.split("::")),
            tuple(TypeParameter(name, each) for name, each in parameters.items()),
            CompositeDef((Field(None, self._types.register(bytes)),)),
        )

    def _extension(self, extension: Extension) -> int:
        """A struct of the extension's own, with one field where the extension sends something."""
        sent = extension.described or extension.extra
        fields = () if sent is None else (Field(extension.field, self._types.register(sent)),)
        body = CompositeDef(fields)
        return self._types.add(described(extension.path, body, lines(extension.__doc__ or "")))

    def _interfaces(self, functions: Iterable[ApiMethod]) -> tuple[form.Interface, ...]:
        versions = dict(self._composition.version.apis)
        ordered = sorted(functions, key=lambda each: each.interface)
        found = []
        for name, group in groupby(ordered, key=lambda each: each.interface):
            if api_id(name) not in versions:
                raise LookupError(f"the runtime version does not list the interface {name}")
            found.append(form.Interface(name, versions[api_id(name)], tuple(map(self._function, group))))
        return tuple(found)

    def _function(self, method: ApiMethod) -> form.ApiFunction:
        return form.ApiFunction(
            method.function_name,
            tuple((name, self._types.register(annotation)) for name, annotation in method.parameters),
            self._types.register(method.result),
            lines(method.doc),
        )
