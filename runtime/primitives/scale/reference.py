"""The readable codec: one function each way over shapes.

It defines what is valid and words every error. The generated codec of `compiled.py` is its fast twin: equal
on every value, and it hands over to this one whenever something is wrong.
"""

from itertools import pairwise
from typing import Any

from runtime.primitives.scale import shapes as s
from runtime.primitives.scale.compact import decode_compact, encode_compact
from runtime.primitives.scale.errors import InvalidScale, ScaleReason

MAX_DEPTH = 32
"""How deep a recursive type may nest: above any honest value; at 8 frames a level, a quarter of the stack."""


def encode(shape: s.Shape, value: Any, depth: int = 0) -> bytes:
    """The encoding of `value`; `InvalidScale` names the place inside the value that does not fit."""
    match shape:
        case s.UnitShape():
            _expect(value is None, "None", value)
            return b""
        case s.BoolShape():
            _expect(isinstance(value, bool), "bool", value)
            return b"\1" if value else b"\0"
        case s.IntegerShape(width):
            _expect(isinstance(value, int), width.name, value)
            _in_range(value, width.minimum, width.maximum, width.name)
            return int(value).to_bytes(width.bits // 8, "little", signed=width.signed)
        case s.CompactShape(bits):
            _expect(isinstance(value, int), f"u{bits}", value)
            _in_range(value, 0, (1 << bits) - 1, f"u{bits}")
            return encode_compact(value)
        case s.BytesShape(maximum):
            _expect(isinstance(value, bytes), "bytes", value)
            return _count(value, maximum) + bytes(value)
        case s.TextShape(maximum):
            _expect(isinstance(value, str), "str", value)
            return _text(value, maximum)
        case s.FixedBytesShape(length):
            _expect(isinstance(value, bytes), "bytes", value)
            _length(value, length, "bytes")
            return bytes(value)
        case s.OptionShape(item):
            return _encode_option(item, value, depth)
        case s.StructShape(cls):
            _expect(type(value) is cls, cls.__name__, value)
            return _encode_fields(shape, value, depth)
        case s.EnumShape(variants):
            return _encode_variant(variants, value, depth)
        case s.PlainEnumShape(cls):
            _expect(isinstance(value, cls), cls.__name__, value)
            return bytes((value,))
        case s.NewtypeShape(inner):
            return encode(inner, value, depth)
        case s.CustomShape():
            return shape.encode(value)
        case s.RecursiveShape():
            _not_too_deep(depth, None)
            return encode(shape.resolve(), value, depth + 1)
        case _:
            return _encode_collection(shape, value, depth)


def _encode_collection(
    shape: s.SequenceShape | s.SetShape | s.MapShape | s.BitsShape | s.ArrayShape | s.TupleShape,
    value: Any,
    depth: int,
) -> bytes:
    match shape:
        case s.SequenceShape(item, maximum):
            _expect(isinstance(value, list | tuple), "list or tuple", value)
            return _count(value, maximum) + _encode_items([item] * len(value), value, depth)
        case s.SetShape(item, maximum):
            _expect(isinstance(value, frozenset | set), "frozenset", value)
            return _count(value, maximum) + _encode_items([item] * len(value), sorted(value), depth)
        case s.MapShape(key, each, maximum):
            _expect(isinstance(value, dict), "dict", value)
            pairs = [part for pair in sorted(value.items(), key=lambda pair: pair[0]) for part in pair]
            return _count(value, maximum) + _encode_items([key, each] * len(value), pairs, depth)
        case s.BitsShape(maximum):
            _expect(isinstance(value, list | tuple), "tuple", value)
            for each in value:
                _expect(isinstance(each, bool), "bool", each)
            packed = sum(1 << i for i, bit in enumerate(value) if bit)
            return _count(value, maximum) + packed.to_bytes((len(value) + 7) // 8, "little")
        case s.ArrayShape(item, length):
            _expect(isinstance(value, list | tuple), "tuple", value)
            _length(value, length, "items")
            return _encode_items([item] * length, value, depth)
        case s.TupleShape(items):
            _expect(isinstance(value, list | tuple), "tuple", value)
            _length(value, len(items), "items")
            return _encode_items(items, value, depth)


def _encode_items(kinds: Any, values: Any, depth: int) -> bytes:
    parts = []
    for i, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        try:
            parts.append(encode(kind, value, depth))
        except InvalidScale as fault:
            raise fault.within(f"[{i}]") from None
    return b"".join(parts)


def _encode_fields(shape: s.StructShape, value: Any, depth: int) -> bytes:
    parts = []
    for each in shape.fields:
        try:
            parts.append(encode(each.shape, getattr(value, each.name), depth))
        except InvalidScale as fault:
            raise fault.within(f".{each.name}") from None
    return b"".join(parts)


def _encode_option(item: s.Shape, value: Any, depth: int) -> bytes:
    if value is None:
        return b"\0"
    if item == s.BoolShape():
        _expect(isinstance(value, bool), "bool", value)
        return b"\1" if value else b"\2"
    return b"\1" + encode(item, value, depth)


def _encode_variant(variants: tuple[s.VariantShape, ...], value: Any, depth: int) -> bytes:
    for each in variants:
        if type(value) is each.body.cls:
            return bytes((each.index,)) + _encode_fields(each.body, value, depth)
    names = " or ".join(each.name for each in variants)
    raise InvalidScale(ScaleReason.WRONG_TYPE, f"expected {names}, not {type(value).__name__}")


def decode(shape: s.Shape, buffer: bytes, offset: int, depth: int = 0) -> tuple[Any, int]:
    """The value at `offset` and the offset after it; `InvalidScale` names the byte and the place."""
    match shape:
        case s.UnitShape():
            return None, offset
        case s.BoolShape():
            tag, end = _byte(buffer, offset)
            if tag > 1:
                raise InvalidScale(ScaleReason.BAD_BOOL, f"{tag} is neither 0 nor 1", offset=offset)
            return tag == 1, end
        case s.IntegerShape(width):
            raw, end = _take(buffer, offset, width.bits // 8)
            return int.from_bytes(raw, "little", signed=width.signed), end
        case s.CompactShape(bits):
            return decode_compact(buffer, offset, bits)
        case s.BytesShape(maximum):
            count, start = _decode_count(buffer, offset, maximum, 1)
            return _take(buffer, start, count)
        case s.TextShape(maximum):
            return _decode_text(buffer, offset, maximum)
        case s.FixedBytesShape(length):
            return _take(buffer, offset, length)
        case s.OptionShape(item):
            return _decode_option(item, buffer, offset, depth)
        case s.StructShape():
            return _decode_fields(shape, buffer, offset, depth)
        case s.EnumShape(variants):
            tag, end = _byte(buffer, offset)
            for each in variants:
                if each.index == tag:
                    return _decode_fields(each.body, buffer, end, depth)
            raise _unknown(tag, [each.index for each in variants], offset)
        case s.PlainEnumShape(cls):
            tag, end = _byte(buffer, offset)
            if tag not in cls._value2member_map_:
                raise _unknown(tag, sorted(int(each) for each in cls), offset)
            return cls(tag), end
        case s.NewtypeShape(inner):
            return decode(inner, buffer, offset, depth)
        case s.CustomShape():
            return shape.decode_from(buffer, offset)
        case s.RecursiveShape():
            _not_too_deep(depth, offset)
            return decode(shape.resolve(), buffer, offset, depth + 1)
        case _:
            return _decode_collection(shape, buffer, offset, depth)


def _decode_collection(
    shape: s.SequenceShape | s.SetShape | s.MapShape | s.BitsShape | s.ArrayShape | s.TupleShape,
    buffer: bytes,
    offset: int,
    depth: int,
) -> tuple[Any, int]:
    match shape:
        case s.SequenceShape(item, maximum, as_tuple):
            count, start = _decode_count(buffer, offset, maximum, s.minimum_size(item))
            values, end = _decode_items((item for _ in range(count)), buffer, start, depth)
            return (tuple(values) if as_tuple else values), end
        case s.SetShape(item, maximum):
            count, start = _decode_count(buffer, offset, maximum, s.minimum_size(item))
            values, end = _decode_items((item for _ in range(count)), buffer, start, depth)
            _ascending(values, offset)
            return frozenset(values), end
        case s.MapShape(key, each, maximum):
            least = s.minimum_size(key) + s.minimum_size(each)
            count, start = _decode_count(buffer, offset, maximum, least)
            kinds = (kind for _ in range(count) for kind in (key, each))
            parts, end = _decode_items(kinds, buffer, start, depth)
            _ascending(parts[::2], offset)
            return dict(zip(parts[::2], parts[1::2], strict=True)), end
        case s.BitsShape(maximum):
            return _decode_bits(buffer, offset, maximum)
        case s.ArrayShape(item, length):
            values, end = _decode_items((item for _ in range(length)), buffer, offset, depth)
            return tuple(values), end
        case s.TupleShape(items):
            values, end = _decode_items(iter(items), buffer, offset, depth)
            return tuple(values), end


def _decode_items(kinds: Any, buffer: bytes, offset: int, depth: int) -> tuple[list[Any], int]:
    values = []
    for i, kind in enumerate(kinds):
        try:
            value, offset = decode(kind, buffer, offset, depth)
        except InvalidScale as fault:
            raise fault.within(f"[{i}]") from None
        values.append(value)
    return values, offset


def _decode_fields(shape: s.StructShape, buffer: bytes, offset: int, depth: int) -> tuple[Any, int]:
    values = []
    for each in shape.fields:
        try:
            value, offset = decode(each.shape, buffer, offset, depth)
        except InvalidScale as fault:
            raise fault.within(f".{each.name}") from None
        values.append(value)
    try:
        return shape.cls(*values), offset
    except InvalidScale:
        raise
    except ValueError as fault:
        raise InvalidScale(ScaleReason.BROKEN_RULE, str(fault), offset=offset) from None


def _decode_option(item: s.Shape, buffer: bytes, offset: int, depth: int) -> tuple[Any, int]:
    tag, end = _byte(buffer, offset)
    if tag == 0:
        return None, end
    if item == s.BoolShape() and tag in (1, 2):
        return tag == 1, end
    if tag != 1:
        raise InvalidScale(ScaleReason.BAD_OPTION, f"{tag} is no tag of an option", offset=offset)
    return decode(item, buffer, end, depth)


def _decode_text(buffer: bytes, offset: int, maximum: int | None) -> tuple[str, int]:
    count, start = _decode_count(buffer, offset, maximum, 1)
    raw, end = _take(buffer, start, count)
    try:
        return raw.decode(), end
    except UnicodeDecodeError as fault:
        raise InvalidScale(ScaleReason.BAD_UTF8, fault.reason, offset=start + fault.start) from None


def _decode_bits(buffer: bytes, offset: int, maximum: int | None) -> tuple[tuple[bool, ...], int]:
    count, start = decode_compact(buffer, offset)
    _at_most(count, maximum, offset)
    raw, end = _take(buffer, start, (count + 7) // 8)
    packed = int.from_bytes(raw, "little")
    if packed >> count:
        raise InvalidScale(
            ScaleReason.BAD_PADDING, f"bits beyond the {count} declared are set", offset=offset
        )
    return tuple(packed >> i & 1 == 1 for i in range(count)), end


def _expect(right: bool, expected: str, value: object) -> None:
    if not right:
        raise InvalidScale(ScaleReason.WRONG_TYPE, f"expected {expected}, not {type(value).__name__}")


def _in_range(value: int, minimum: int, maximum: int, name: str) -> None:
    if not minimum <= value <= maximum:
        raise InvalidScale(ScaleReason.OUT_OF_RANGE, f"{value} does not fit {name}")


def _length(value: Any, length: int, unit: str) -> None:
    if len(value) != length:
        raise InvalidScale(ScaleReason.WRONG_LENGTH, f"expected {length} {unit}, not {len(value)}")


def _at_most(count: int, maximum: int | None, offset: int | None) -> None:
    if maximum is not None and count > maximum:
        raise InvalidScale(ScaleReason.TOO_LONG, f"{count} exceed the bound of {maximum}", offset=offset)


def _count(value: Any, maximum: int | None) -> bytes:
    _at_most(len(value), maximum, None)
    return encode_compact(len(value))


def _text(value: str, maximum: int | None) -> bytes:
    try:
        raw = value.encode()
    except UnicodeEncodeError as fault:
        raise InvalidScale(ScaleReason.BAD_UTF8, fault.reason) from None
    return _count(raw, maximum) + raw


def _not_too_deep(depth: int, offset: int | None) -> None:
    if depth >= MAX_DEPTH:
        raise InvalidScale(ScaleReason.TOO_DEEP, f"more than {MAX_DEPTH} levels", offset=offset)


def _take(buffer: bytes, offset: int, length: int) -> tuple[bytes, int]:
    end = offset + length
    if end > len(buffer):
        missing = f"{length} bytes are needed, {max(len(buffer) - offset, 0)} are left"
        raise InvalidScale(ScaleReason.UNEXPECTED_END, missing, offset=offset)
    return buffer[offset:end], end


def _byte(buffer: bytes, offset: int) -> tuple[int, int]:
    raw, end = _take(buffer, offset, 1)
    return raw[0], end


def _decode_count(buffer: bytes, offset: int, maximum: int | None, each: int) -> tuple[int, int]:
    """A collection's declared length, refused at once where the bytes that are left can not hold it."""
    count, start = decode_compact(buffer, offset)
    _at_most(count, maximum, offset)
    if count * each > len(buffer) - start:
        missing = f"{count} items are declared, {len(buffer) - start} bytes are left"
        raise InvalidScale(ScaleReason.UNEXPECTED_END, missing, offset=offset)
    return count, start


def _ascending(keys: list[Any], offset: int) -> None:
    """Maps and sets have one encoding only: their keys ascend strictly."""
    for before, after in pairwise(keys):
        if not before < after:
            raise InvalidScale(ScaleReason.UNSORTED_KEYS, f"{after!r} follows {before!r}", offset=offset)


def _unknown(tag: int, known: list[int], offset: int) -> InvalidScale:
    return InvalidScale(ScaleReason.UNKNOWN_VARIANT, f"{tag} is not one of {known}", offset=offset)
