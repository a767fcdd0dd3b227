"""The type registry: what metadata tells clients about every type, by introspection of the same annotations.

`TypeRegistry.register(annotation)` gives a type id; `types` is then the content of the metadata's
`PortableRegistry`, ready for `codec(list[PortableType])`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.primitives.integers import IntegerType
from runtime.primitives.scale import shapes as s
from runtime.primitives.scale.annotations import scale_path
from runtime.primitives.scale.codec import Scale
from runtime.primitives.scale.description import (
    ArrayDef,
    BitSequenceDef,
    CompactDef,
    CompositeDef,
    Definition,
    Field,
    PortableType,
    Primitive,
    PrimitiveDef,
    SequenceDef,
    TupleDef,
    Type,
    TypeParameter,
    Variant,
    VariantDef,
)
from runtime.primitives.scale.spelling import spelled

_U8 = s.IntegerShape(IntegerType(8, False))


@scale_path("bitvec::order::Lsb0")
@dataclass(frozen=True, slots=True)
class _Lsb0:
    pass


class TypeRegistry:
    """Numbers types in the order in which they are met, each once."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._ids: dict[s.Shape, int] = {}
        self._types: list[Type | None] = []

    def register(self, annotation: object) -> int:
        """The id of an annotation's type, described first where it is new."""
        return self._id(self._scale.shape(annotation))

    def field(self, name: str | None, annotation: object) -> Field:
        """A field of an annotation's type."""
        shape = self._scale.shape(annotation)
        return Field(name, self._id(shape), spelled(shape))

    def define(self, annotation: object, describe: Callable[[], Type]) -> int:
        """The id of an annotation's type, described by `describe` in place of what introspection says.

        For what only a composed runtime knows, such as its outer enums; call it before anything refers to the
        annotation. The id is taken first: the description may refer to the type itself.
        """
        shape = _canonical(self._scale.shape(annotation))
        if shape in self._ids:
            raise ValueError(f"{annotation!r} is described already")
        known = self._ids[shape] = self._take()
        self._types[known] = describe()
        return known

    def find(self, path: str) -> int | None:
        """The id of the first type with this path, such as `sp_core::crypto::AccountId32`."""
        wanted = _path(path)
        return next((each.id for each in self.types if each.type.path == wanted), None)

    def add(self, described: Type) -> int:
        """A new id for a type that no annotation stands for, such as a composed runtime's outer enum."""
        self._types.append(described)
        return len(self._types) - 1

    @property
    def types(self) -> list[PortableType]:
        """Everything registered, in the order of ids."""
        return [PortableType(i, each) for i, each in enumerate(self._types) if each is not None]

    def _id(self, shape: s.Shape) -> int:
        if isinstance(shape, s.RecursiveShape):
            return self._id(shape.resolve())
        shape = _canonical(shape)
        known = self._ids.get(shape)
        if known is None:
            # The id is taken before the description, so that a type that contains itself finds it.
            known = self._ids[shape] = self._take()
            self._types[known] = self._describe(shape)
        return known

    def _take(self) -> int:
        self._types.append(None)
        return len(self._types) - 1

    def _describe(self, shape: s.Shape) -> Type:
        match shape:
            case s.StructShape():
                return self._type(shape.path, CompositeDef(self._fields(shape)), shape.params, shape.docs)
            case s.EnumShape(variants, path, params):
                described = tuple(
                    Variant(each.name, self._fields(each.body), each.index, each.body.docs)
                    for each in variants
                )
                return self._type(path, VariantDef(described), params)
            case s.PlainEnumShape(cls, path, docs):
                members = tuple(Variant(_camel(each.name), (), int(each)) for each in cls)
                return self._type(path, VariantDef(members), (), docs)
            case s.NewtypeShape(inner, path, params):
                return self._type(path, CompositeDef((Field(None, self._id(inner)),)), params)
            case s.CustomShape():
                rows = zip(shape.variants, shape.variant_fields, strict=True)
                custom = tuple(
                    Variant(spec.name, tuple(Field(None, self._id(part)) for part in parts), spec.index)
                    for spec, parts in rows
                )
                return self._type(shape.path, VariantDef(custom))
            case s.OptionShape(item):
                some = Variant("Some", (Field(None, self._id(item)),), 1)
                return self._type("Option", VariantDef((Variant("None", (), 0), some)), (("T", item),))
            case s.MapShape(key, value):
                pairs = self._id(s.SequenceShape(s.TupleShape((key, value)), None, False))
                return self._type("BTreeMap", CompositeDef((Field(None, pairs),)), (("K", key), ("V", value)))
            case s.SetShape(item):
                items = self._id(s.SequenceShape(item, None, False))
                return self._type("BTreeSet", CompositeDef((Field(None, items),)), (("T", item),))
            case _:
                return self._plain(shape)

    def _plain(self, shape: s.Shape) -> Type:
        match shape:
            case s.UnitShape():
                return self._type("", TupleDef(()))
            case s.BoolShape():
                return self._type("", PrimitiveDef(Primitive.BOOL))
            case s.TextShape():
                return self._type("", PrimitiveDef(Primitive.STR))
            case s.IntegerShape(width):
                return self._type("", PrimitiveDef(Primitive[width.name.upper()]))
            case s.CompactShape(bits):
                return self._type("", CompactDef(self._id(s.IntegerShape(IntegerType(bits, False)))))
            case s.ArrayShape(item, length):
                return self._type("", ArrayDef(length, self._id(item)))
            case s.TupleShape(items):
                return self._type("", TupleDef(tuple(self._id(item) for item in items)))
            case s.SequenceShape(item):
                return self._type("", SequenceDef(self._id(item)))
            case s.BitsShape():
                return self._type("", BitSequenceDef(self._id(_U8), self.register(_Lsb0)))
            case _:
                raise TypeError(f"no description of {shape!r}")

    def _fields(self, shape: s.StructShape) -> tuple[Field, ...]:
        return tuple(
            # A name that is a keyword of Python ends in an underscore here, and in nothing in Rust.
            Field(
                None if shape.unnamed else each.name.removesuffix("_"),
                self._id(each.shape),
                each.type_name or spelled(each.shape),
            )
            for each in shape.fields
        )

    def _type(
        self,
        path: str,
        definition: Definition,
        params: tuple[tuple[str, s.Shape | None], ...] = (),
        docs: tuple[str, ...] = (),
    ) -> Type:
        described = tuple(
            TypeParameter(name, None if part is None else self._id(part)) for name, part in params
        )
        return Type(_path(path), described, definition, docs)


def _canonical(shape: s.Shape) -> s.Shape:
    """Shapes that differ in their Python values but not in what metadata says are one type.

    A bound is not told: the parameter of Substrate's `BoundedVec` does not tell it either, and clients that
    do not know the path of that type could not encode it.
    """
    match shape:
        case s.BytesShape():
            return s.SequenceShape(_U8, None, False)
        case s.FixedBytesShape(length):
            return s.ArrayShape(_U8, length)
        case s.SequenceShape(item):
            return s.SequenceShape(_canonical(item), None, False)
        case s.TextShape():
            return s.TextShape(None)
        case _:
            return shape


def _camel(name: str) -> str:
    """A Python member name as Rust writes it: `BAD_ORIGIN` is `BadOrigin`; other spellings stay."""
    return "".join(part.capitalize() for part in name.split("_")) if name.isupper() else name


def _path(path: str) -> tuple[str, ...]:
    return tuple(path.split("::")) if path else ()
