"""From annotations to shapes."""

import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from runtime.primitives.integers import IntegerType
from runtime.primitives.scale import annotations as notes
from runtime.primitives.scale import shapes as s
from runtime.primitives.scale.errors import UnsupportedType

Params = tuple[tuple[str, s.Shape | None], ...]
Substitution = Mapping[TypeVar, object]


class ShapeBuilder:
    """Translates annotations; `bindings` gives the types of `Bound` names."""

    def __init__(self, bindings: Mapping[str, object]) -> None:
        self._bindings = bindings
        self._shapes: dict[object, s.Shape] = {}
        self._open: set[object] = set()

    def shape(self, tp: object) -> s.Shape:
        """The shape of annotation `tp`; `UnsupportedType` where it has none."""
        known = self._shapes.get(tp)
        if known is not None:
            return known
        if tp in self._open:
            return s.RecursiveShape(getattr(tp, "__name__", str(tp)), lambda: self._shapes[tp])
        self._open.add(tp)
        try:
            built = self._build(tp)
        finally:
            self._open.discard(tp)
        self._shapes[tp] = built
        return built

    def _build(self, tp: object) -> s.Shape:
        if tp is None or tp is type(None):
            return s.UnitShape()
        if tp is bool:
            return s.BoolShape()
        if tp is bytes:
            return s.BytesShape(None)
        if tp is str:
            return s.TextShape(None)
        origin = get_origin(tp)
        if origin is Annotated:
            return self._annotated(tp)
        if origin is Union or origin is types.UnionType:
            return self._union(get_args(tp))
        if origin in (list, tuple, dict, frozenset):
            return self._collection(origin, get_args(tp))
        if isinstance(tp, type) and issubclass(tp, enum.IntEnum):
            return self._plain_enum(tp)
        cls = origin or tp
        if isinstance(cls, type) and is_dataclass(cls):
            body = self._struct(cls, get_args(tp))
            index = notes.type_info(cls).index
            # A variant that stands alone is an enum with that one variant, never a bare struct.
            return body if index is None else s.EnumShape((_variant(index, cls, body),), "", ())
        hint = "; give integers a width, such as U32" if tp is int else ""
        raise UnsupportedType(f"{tp!r} has no SCALE encoding{hint}")

    def _annotated(self, tp: object) -> s.Shape:
        base, *marks = get_args(tp)
        result: s.Shape | None = None
        for mark in marks:
            match mark:
                case IntegerType():
                    result = s.IntegerShape(mark)
                case notes.CompactType(bits):
                    result = s.CompactShape(bits)
                case notes.FixedBytes(length):
                    result = s.FixedBytesShape(length)
                case notes.Array(length):
                    result = s.ArrayShape(self.shape(get_args(base)[0]), length)
                case notes.Bits():
                    result = s.BitsShape(None)
                case notes.Bound(name):
                    result = self._bound(name)
                case notes.Custom():
                    described = tuple(tuple(self.shape(each) for each in v.fields) for v in mark.variants)
                    result = s.CustomShape(
                        mark.encode, mark.decode_from, mark.path, mark.variants, described, mark.minimum_size
                    )
                case notes.MaxLen(length):
                    result = _bounded(result or self.shape(base), length)
                case notes.ScalePath(path, params):
                    result = self._named(result or self.shape(base), path, params)
        return result or self.shape(base)

    def _bound(self, name: str) -> s.Shape:
        if name not in self._bindings:
            raise UnsupportedType(f"no type is bound to {name!r}; pass it to Scale(bindings)")
        return self.shape(self._bindings[name])

    def _named(self, inner: s.Shape, path: str, params: tuple[tuple[str, object], ...]) -> s.Shape:
        described = tuple((name, None if tp is None else self.shape(tp)) for name, tp in params)
        if isinstance(inner, s.EnumShape):
            return replace(inner, path=path, params=described or inner.params)
        return s.NewtypeShape(inner, path, described)

    def _collection(self, origin: object, args: tuple[Any, ...]) -> s.Shape:
        if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
            return s.TupleShape(tuple(self.shape(each) for each in args))
        if len(args) != (1 if origin in (list, frozenset) else 2):
            raise UnsupportedType(f"{origin} does not take the type arguments {args!r}")
        item = self.shape(args[0])
        if origin is dict:
            return s.MapShape(item, self.shape(args[1]), None)
        if s.minimum_size(item) == 0:
            # Otherwise a few bytes could declare 2**30 items that cost no further input.
            raise UnsupportedType(f"a collection of {args[0]!r} has items without bytes")
        if origin is frozenset:
            return s.SetShape(item, None)
        return s.SequenceShape(item, None, origin is tuple)

    def _union(self, args: tuple[Any, ...]) -> s.Shape:
        members = [each for each in args if each is not type(None)]
        if len(members) < len(args):
            inner = members[0] if len(members) == 1 else Union[tuple(members)]  # noqa: UP007 - built at run time
            return s.OptionShape(self.shape(inner))
        variants = []
        for member in members:
            cls = get_origin(member) or member
            index = notes.type_info(cls).index if isinstance(cls, type) else None
            if index is None:
                raise UnsupportedType(f"{member!r} is in a union but carries no @variant(index)")
            variants.append(_variant(index, cls, self._struct(cls, get_args(member))))
        variants.sort(key=lambda each: each.index)
        indices = [each.index for each in variants]
        if len(set(indices)) < len(indices):
            raise UnsupportedType(f"two variants share an index: {[(v.index, v.name) for v in variants]}")
        # A generic enum's parameters are those of its variants, such as T of `Ok` and E of `Err`.
        params = {name: shape for each in variants for name, shape in each.body.params}
        return s.EnumShape(tuple(variants), "", tuple(params.items()))

    def _struct(self, cls: type, args: tuple[Any, ...]) -> s.StructShape:
        info = notes.type_info(cls)
        if not vars(cls)["__dataclass_params__"].frozen or any(
            each.kw_only or not each.init for each in fields(cls)
        ):
            raise UnsupportedType(
                f"{cls.__name__} must be a frozen dataclass whose fields are all positional"
            )
        names = getattr(cls, "__parameters__", ())
        if len(names) != len(args):
            raise UnsupportedType(f"{cls.__name__} needs its type parameters {names}")
        substitution = dict(zip(names, args, strict=True))
        hints = typing.get_type_hints(cls, include_extras=True)
        members = []
        for each in fields(cls):
            tp = _substitute(hints[each.name], substitution)
            members.append(s.FieldShape(each.name, self.shape(tp), _type_name(tp)))
        params = tuple((name.__name__, self.shape(tp)) for name, tp in substitution.items())
        return s.StructShape(cls, tuple(members), info.path, params, info.unnamed, notes.doc_lines(cls))

    def _plain_enum(self, cls: type[enum.IntEnum]) -> s.Shape:
        if not cls.__members__ or any(not 0 <= member <= 255 for member in cls):
            raise UnsupportedType(f"the members of {cls.__name__} must fit one byte")
        return s.PlainEnumShape(cls, notes.type_info(cls).path, notes.doc_lines(cls))


def _variant(index: int, cls: type, body: s.StructShape) -> s.VariantShape:
    return s.VariantShape(index, notes.type_info(cls).name, body)


def _type_name(tp: object) -> str | None:
    marks = get_args(tp)[1:] if get_origin(tp) is Annotated else ()
    return next((mark.name for mark in marks if isinstance(mark, notes.TypeName)), None)


def _substitute(tp: Any, substitution: Substitution) -> object:
    if isinstance(tp, TypeVar):
        return substitution[tp]
    names = getattr(tp, "__parameters__", ())
    return tp[tuple(substitution[name] for name in names)] if names else tp


def _bounded(inner: s.Shape, maximum: int) -> s.Shape:
    match inner:
        case s.BytesShape() | s.TextShape() | s.SequenceShape() | s.SetShape() | s.MapShape() | s.BitsShape():
            return replace(inner, maximum=maximum)
        case _:
            raise UnsupportedType(f"MaxLen does not apply to {inner!r}")
