"""Writes decoders: `f(b, o, d) -> (value, offset after it)` for buffer `b`, offset `o`, nesting depth `d`."""

import struct

from runtime.primitives.scale import reference
from runtime.primitives.scale import shapes as s
from runtime.primitives.scale.generator import (
    DISPATCH_FROM,
    INLINE_ARRAY,
    Block,
    Namespace,
    letter_of,
    plain_slots,
)


def decoder(space: Namespace, shape: s.Shape) -> str:
    """The name of the generated decoder of `shape`, written on first demand."""
    known = space.decoders.get(shape)
    if known is not None:
        return known
    name = space.decoders[shape] = space.name("decode")
    block = _DecoderBlock(space)
    result = block.value(shape, whole=True)
    block.finish()
    space.define(name, "b, o, d", [*block.lines, f"return {result}, o"])
    return name


class _DecoderBlock(Block):
    """Reads values in order; each read gives an expression that holds once the block is finished.

    Fixed-size parts wait in `_run` until something of varying size, or the end, forces one `unpack_from`.
    Objects are built last (`_built`), when every variable that they need is set.
    """

    def __init__(self, space: Namespace) -> None:
        super().__init__(space)
        self._run: list[tuple[str, str]] = []
        self._built: list[str] = []

    def value(self, shape: s.Shape, whole: bool = False) -> str:
        """Read a value of `shape`; `whole` where the function is that shape's own."""
        match shape:
            case s.UnitShape():
                return "None"
            case s.BoolShape():
                return f"BOOLS[{self._fixed('B')}]"
            case s.IntegerShape(width):
                letter = letter_of(shape)
                if letter is not None:
                    return self._fixed(letter)
                sign = ", signed=True" if width.signed else ""
                return f"from_bytes({self._fixed(f'{width.bits // 8}s')}, 'little'{sign})"
            case s.FixedBytesShape(length):
                return self._fixed(f"{length}s")
            case s.CompactShape(bits):
                return self._compact(bits)
            case s.BytesShape(maximum):
                return self._bytes(maximum)
            case s.TextShape(maximum):
                return f"str({self._bytes(maximum)}, 'utf-8')"
            case s.OptionShape(item):
                return self._option(item)
            case s.StructShape():
                return self._struct(shape)
            case s.EnumShape():
                return self._enum(shape, whole)
            case s.PlainEnumShape(cls):
                return f"{self.space.constant({int(each): each for each in cls})}[{self._fixed('B')}]"
            case s.NewtypeShape(inner):
                return self.value(inner)
            case s.CustomShape():
                return self._call(self.space.constant(shape.decode_from), "")
            case s.RecursiveShape():
                self.flush()
                self.refuse_if("d >= MAX_DEPTH")
                return self._call(decoder(self.space, shape.resolve()), ", d + 1")
            case s.BitsShape():
                shaped = self.space.constant(lambda b, o: reference.decode(shape, b, o))
                return self._call(shaped, "")
            case s.TupleShape(items):
                return _tuple([self.value(item) for item in items])
            case s.ArrayShape(item, length):
                if length <= INLINE_ARRAY:
                    return _tuple([self.value(item) for _ in range(length)])
                return f"tuple({self._items(item, str(length))})"
            case s.SequenceShape(item, maximum, as_tuple):
                return self._sequence(item, maximum, as_tuple)
            case s.SetShape(item, maximum):
                return self._set(item, maximum)
            case s.MapShape():
                return self._map(shape)

    def flush(self) -> None:
        """Read what is waiting; afterwards `o` is where the next value starts."""
        if not self._run:
            return
        if [letter for letter, _ in self._run] == ["B"]:
            self.add(f"{self._run[0][1]} = b[o]", "o += 1")
        else:
            layout = struct.Struct("<" + "".join(letter for letter, _ in self._run))
            names = "".join(f"{name}, " for _, name in self._run)
            self.add(f"{names}= {self.space.constant(layout.unpack_from)}(b, o)", f"o += {layout.size}")
        self._run.clear()

    def finish(self) -> None:
        """Read what is waiting and build the objects: the expressions given out hold from here on."""
        self.flush()
        self.lines.extend(self._built)
        self._built.clear()

    def _fixed(self, letter: str) -> str:
        name = self.space.name("x")
        self._run.append((letter, name))
        return name

    def _call(self, function: str, arguments: str) -> str:
        self.flush()
        name = self.space.name("x")
        self.add(f"{name}, o = {function}(b, o{arguments})")
        return name

    def _compact(self, bits: int) -> str:
        self.flush()
        name = self.space.name("c")
        self.add(f"{name} = b[o]")
        self.nest(f"if {name} & 3:", [f"{name}, o = decode_compact(b, o, {bits})"])
        self.nest("else:", [f"{name} >>= 2", "o += 1"])
        return name

    def _count(self, maximum: int | None) -> str:
        name = self._compact(32)
        if maximum is not None:
            self.refuse_if(f"{name} > {maximum}")
        return name

    def _bytes(self, maximum: int | None) -> str:
        count, name = self._count(maximum), self.space.name("x")
        self.add(f"{count} += o", f"{name} = b[o:{count}]")
        self.refuse_if(f"{count} > len(b)")
        self.add(f"o = {count}")
        return name

    def _branch(self, head: str, shape: s.Shape, target: str) -> None:
        inner = _DecoderBlock(self.space)
        result = inner.value(shape)
        inner.finish()
        self.nest(head, [*inner.lines, f"{target} = {result}"])

    def _option(self, item: s.Shape) -> str:
        if item == s.BoolShape():
            return f"OPTIONAL_BOOLS[{self._fixed('B')}]"
        self.flush()
        tag, name = self.space.name("t"), self.space.name("x")
        self.add(f"{tag} = b[o]", "o += 1")
        self._branch(f"if {tag} == 1:", item, name)
        self.add(f"elif {tag}: raise Irregular", f"else: {name} = None")
        return name

    def _struct(self, shape: s.StructShape) -> str:
        if not shape.fields:
            return self.space.constant(shape.cls())
        cls, name = self.space.constant(shape.cls), self.space.name("x")
        values = [self.value(each.shape) for each in shape.fields]
        if plain_slots(shape.cls):
            self._built.append(f"{name} = new({cls})")
            for each, value in zip(shape.fields, values, strict=True):
                setter = self.space.constant(vars(shape.cls)[each.name].__set__)
                self._built.append(f"{setter}({name}, {value})")
        else:
            self._built.append(f"{name} = {cls}({', '.join(values)})")
        return name

    def _enum(self, shape: s.EnumShape, whole: bool) -> str:
        if len(shape.variants) >= DISPATCH_FROM and not whole:
            return self._call(decoder(self.space, shape), ", d")
        self.flush()
        tag, name = self.space.name("t"), self.space.name("x")
        self.add(f"{tag} = b[o]", "o += 1")
        if whole and len(shape.variants) >= DISPATCH_FROM:
            functions = {v.index: self.space.globals[decoder(self.space, v.body)] for v in shape.variants}
            self.add(f"{name}, o = {self.space.constant(functions)}[{tag}](b, o, d)")
            return name
        for i, each in enumerate(shape.variants):
            self._branch(f"{'elif' if i else 'if'} {tag} == {each.index}:", each.body, name)
        self.add("else: raise Irregular")
        return name

    def _items(self, item: s.Shape, count: str) -> str:
        self.flush()
        name, append = self.space.name("x"), self.space.name("a")
        inner = _DecoderBlock(self.space)
        result = inner.value(item)
        inner.finish()
        self.add(f"{name} = []", f"{append} = {name}.append")
        self.nest(f"for _ in range({count}):", [*inner.lines, f"{append}({result})"])
        return name

    def _sequence(self, item: s.Shape, maximum: int | None, as_tuple: bool) -> str:
        count, letter = self._count(maximum), letter_of(item)
        if letter is None:
            items = self._items(item, count)
            return f"tuple({items})" if as_tuple else items
        name = self.space.name("x")
        self.add(f"{name} = unpack_from(f'<{{{count}}}{letter}', b, o)")
        self.add(f"o += {count} * {s.minimum_size(item)}")
        return name if as_tuple else f"list({name})"

    def _set(self, item: s.Shape, maximum: int | None) -> str:
        items = self._items(item, self._count(maximum))
        self.refuse_if(f"not ascending({items})")
        return f"frozenset({items})"

    def _map(self, shape: s.MapShape) -> str:
        pairs = self._items(s.TupleShape((shape.key, shape.value)), self._count(shape.maximum))
        self.refuse_if(f"not ascending([pair[0] for pair in {pairs}])")
        return f"dict({pairs})"


def _tuple(values: list[str]) -> str:
    return f"({''.join(f'{value}, ' for value in values)})"
