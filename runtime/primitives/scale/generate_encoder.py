"""Writes encoders: `f(v, d) -> bytes` for value `v` at nesting depth `d`."""

import struct

from runtime.primitives.scale import reference
from runtime.primitives.scale import shapes as s
from runtime.primitives.scale.generator import DISPATCH_FROM, INLINE_ARRAY, Block, Namespace, letter_of


def encoder(space: Namespace, shape: s.Shape | s.VariantShape) -> str:
    """The name of the encoder of `shape` (of a variant: with its index), written on first demand."""
    known = space.encoders.get(shape)
    if known is not None:
        return known
    name = space.encoders[shape] = space.name("encode")
    block = _EncoderBlock(space)
    if isinstance(shape, s.VariantShape):
        block.variant(shape, "v")
    else:
        block.value(shape, "v", whole=True)
    result = block.finish()
    space.define(name, "v, d", [*block.lines, f"return {result}"])
    return name


class _EncoderBlock(Block):
    """Collects the parts of an encoding in order; `finish` gives the expression that joins them.

    Fixed-size parts wait in `_run` until something of varying size, or the end, forces one `pack`.
    """

    def __init__(self, space: Namespace) -> None:
        super().__init__(space)
        self._run: list[tuple[str, str]] = []
        self._parts: list[str] = []

    def value(self, shape: s.Shape, v: str, whole: bool = False) -> None:
        """Append the encoding of the variable `v`; `whole` where the function is that shape's own."""
        match shape:
            case s.UnitShape():
                self.refuse_if(f"{v} is not None")
            case s.BoolShape():
                self.refuse_if(f"{v} is not True and {v} is not False")
                self._run.append(("?", v))
            case s.IntegerShape(width):
                letter, size = letter_of(shape), width.bits // 8
                sign = ", signed=True" if width.signed else ""
                self._run.append(
                    (letter, v) if letter else (f"{size}s", f"{v}.to_bytes({size}, 'little'{sign})")
                )
            case s.FixedBytesShape(length):
                # `struct` would pad or cut another length without a word.
                self.refuse_if(f"{v}.__class__ is not bytes or len({v}) != {length}")
                self._run.append((f"{length}s", v))
            case s.CompactShape(bits):
                self._part(f"SMALL[{v}] if 0 <= {v} < 64 else encode_compact({v}, {bits})")
            case s.BytesShape(maximum):
                self.refuse_if(f"{v}.__class__ is not bytes")
                self._count(v, maximum)
                self._parts.append(v)
            case s.TextShape(maximum):
                raw = self.space.name("r")
                self.add(f"{raw} = {v}.encode()")
                self._count(raw, maximum)
                self._parts.append(raw)
            case s.OptionShape(item):
                self._option(item, v)
            case s.StructShape():
                self._struct(shape, v)
            case s.EnumShape():
                self._enum(shape, v, whole)
            case s.PlainEnumShape(cls):
                self.refuse_if(f"{v}.__class__ is not {self.space.constant(cls)}")
                self._run.append(("B", v))
            case s.NewtypeShape(inner):
                self.value(inner, v)
            case s.CustomShape():
                self._part(f"{self.space.constant(shape.encode)}({v})")
            case s.RecursiveShape():
                self.refuse_if("d >= MAX_DEPTH")
                self._part(f"{encoder(self.space, shape.resolve())}({v}, d + 1)")
            case s.BitsShape():
                self._part(f"{self.space.constant(lambda value: reference.encode(shape, value))}({v})")
            case _:
                self._collection(shape, v)

    def _collection(
        self,
        shape: s.TupleShape | s.ArrayShape | s.SequenceShape | s.SetShape | s.MapShape,
        v: str,
    ) -> None:
        match shape:
            case s.TupleShape(items):
                self._fixed_items(list(items), v)
            case s.ArrayShape(item, length) if length <= INLINE_ARRAY:
                self._fixed_items([item] * length, v)
            case s.ArrayShape(item, length):
                self._expect_items(v)
                self.refuse_if(f"len({v}) != {length}")
                self._items(item, v)
            case s.SequenceShape(item, maximum):
                self._expect_items(v)
                self._count(v, maximum)
                self._items(item, v)
            case s.SetShape(item, maximum):
                self.refuse_if(f"{v}.__class__ is not frozenset")
                self._count(v, maximum)
                self._items(item, f"sorted({v})")
            case s.MapShape(key, each, maximum):
                self.refuse_if(f"{v}.__class__ is not dict")
                self._count(v, maximum)
                self._items(s.TupleShape((key, each)), f"[(k, {v}[k]) for k in sorted({v})]")

    def variant(self, shape: s.VariantShape, v: str) -> None:
        """Append a variant's index and fields."""
        self._run.append(("B", str(shape.index)))
        self._struct(shape.body, v)

    def finish(self) -> str:
        """The expression of everything appended."""
        self._flush()
        match self._parts:
            case []:
                return "b''"
            case [only]:
                return only
            case parts:
                return f"b''.join(({', '.join(parts)}))"

    def _flush(self) -> None:
        if self._run:
            layout = struct.Struct("<" + "".join(letter for letter, _ in self._run))
            arguments = ", ".join(argument for _, argument in self._run)
            self._parts.append(f"{self.space.constant(layout.pack)}({arguments})")
            self._run.clear()

    def _part(self, expression: str) -> None:
        self._flush()
        name = self.space.name("p")
        self.add(f"{name} = {expression}")
        self._parts.append(name)

    def _count(self, v: str, maximum: int | None) -> None:
        count = self.space.name("n")
        self.add(f"{count} = len({v})")
        if maximum is not None:
            self.refuse_if(f"{count} > {maximum}")
        self._part(f"SMALL[{count}] if {count} < 64 else encode_compact({count}, 32)")

    def _branch(
        self, head: str, shape: s.Shape | s.VariantShape, v: str, target: str, prefix: str = ""
    ) -> None:
        inner = _EncoderBlock(self.space)
        if isinstance(shape, s.VariantShape):
            inner.variant(shape, v)
        else:
            inner._run.append(("B", prefix))
            inner.value(shape, v)
        result = inner.finish()
        self.nest(head, [*inner.lines, f"{target} = {result}"])

    def _option(self, item: s.Shape, v: str) -> None:
        self._flush()
        name = self.space.name("p")
        self.add(f"if {v} is None: {name} = b'\\0'")
        if item == s.BoolShape():
            self.add(f"elif {v} is True: {name} = b'\\1'", f"elif {v} is False: {name} = b'\\2'")
            self.add("else: raise Irregular")
        else:
            self._branch("else:", item, v, name, "1")
        self._parts.append(name)

    def _struct(self, shape: s.StructShape, v: str) -> None:
        self.refuse_if(f"{v}.__class__ is not {self.space.constant(shape.cls)}")
        for each in shape.fields:
            name = self.space.name("x")
            self.add(f"{name} = {v}.{each.name}")
            self.value(each.shape, name)

    def _enum(self, shape: s.EnumShape, v: str, whole: bool) -> None:
        if len(shape.variants) >= DISPATCH_FROM:
            if not whole:
                self._part(f"{encoder(self.space, shape)}({v}, d)")
                return
            functions = {v.body.cls: self.space.globals[encoder(self.space, v)] for v in shape.variants}
            self._part(f"{self.space.constant(functions)}[{v}.__class__]({v}, d)")
            return
        self._flush()
        cls, name = self.space.name("k"), self.space.name("p")
        self.add(f"{cls} = {v}.__class__")
        for i, each in enumerate(shape.variants):
            head = f"{'elif' if i else 'if'} {cls} is {self.space.constant(each.body.cls)}:"
            self._branch(head, each, v, name)
        self.add("else: raise Irregular")
        self._parts.append(name)

    def _expect_items(self, v: str) -> None:
        self.refuse_if(f"{v}.__class__ is not list and {v}.__class__ is not tuple")

    def _fixed_items(self, items: list[s.Shape], v: str) -> None:
        self._expect_items(v)
        self.refuse_if(f"len({v}) != {len(items)}")
        for i, item in enumerate(items):
            name = self.space.name("x")
            self.add(f"{name} = {v}[{i}]")
            self.value(item, name)

    def _items(self, item: s.Shape, values: str) -> None:
        letter = letter_of(item)
        if letter is not None:
            items = self.space.name("x")
            self.add(f"{items} = {values}")
            self._part(f"pack(f'<{{len({items})}}{letter}', *{items})")
            return
        self._flush()
        name, each = self.space.name("q"), self.space.name("x")
        inner = _EncoderBlock(self.space)
        inner.value(item, each)
        result = inner.finish()
        self.add(f"{name} = []")
        self.nest(f"for {each} in {values}:", [*inner.lines, f"{name}.append({result})"])
        self._parts.append(f"b''.join({name})")
