"""How Rust spells a type: the `typeName` of fields in metadata, which people read and old clients parse."""

from runtime.primitives.scale import shapes as s


def spelled(shape: s.Shape) -> str | None:
    """`Vec<u8>`, `Compact<u128>`, `Option<AccountId32>`; None for a type that has no name."""
    match shape:
        case s.RecursiveShape():
            return spelled(shape.resolve())
        case s.StructShape() | s.EnumShape() | s.PlainEnumShape() | s.NewtypeShape() | s.CustomShape():
            return shape.path.rpartition("::")[2] or None
        case s.BytesShape():
            return "Vec<u8>"
        case s.FixedBytesShape(length):
            return f"[u8; {length}]"
        case s.SequenceShape(item):
            return _around("Vec<{}>", item)
        case s.ArrayShape(item, length):
            return _around(f"[{{}}; {length}]", item)
        case s.SetShape(item):
            return _around("BTreeSet<{}>", item)
        case s.MapShape(key, value):
            return _around("BTreeMap<{}, {}>", key, value)
        case s.OptionShape(item):
            return _around("Option<{}>", item)
        case s.TupleShape(items):
            return _around(f"({', '.join(['{}'] * len(items))})", *items)
        case _:
            return _plain(shape)


def _plain(shape: s.Shape) -> str | None:
    match shape:
        case s.UnitShape():
            return "()"
        case s.BoolShape():
            return "bool"
        case s.TextShape():
            return "String"
        case s.IntegerShape(width):
            return width.name
        case s.CompactShape(bits):
            return f"Compact<u{bits}>"
        case _:
            return "BitVec<u8, Lsb0>"


def _around(pattern: str, *items: s.Shape) -> str | None:
    names = [spelled(each) for each in items]
    return None if None in names else pattern.format(*names)
