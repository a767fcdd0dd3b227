"""Codecs: `codec(annotation)` gives the encoder and decoder of a type, derived once."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, overload

from runtime.primitives.scale import reference
from runtime.primitives.scale.derive import ShapeBuilder
from runtime.primitives.scale.errors import InvalidScale, ScaleReason
from runtime.primitives.scale.generate_decoder import decoder
from runtime.primitives.scale.generate_encoder import encoder
from runtime.primitives.scale.generator import FALLBACK, Namespace
from runtime.primitives.scale.shapes import Shape

T = TypeVar("T")


class Codec(Generic[T]):
    """Encoder and decoder of one type; take it once per module, not once per call.

    `encode(value) -> bytes`; `decode(data) -> value` needs every byte consumed; `decode_from(buffer, offset)
    -> (value, offset after it)`. All raise `InvalidScale`.

    Where generated code meets anything irregular, the reference repeats the work once and words the error. An
    `InvalidScale` that comes out of a `Custom` part is worded already and passes: to repeat the work at each
    level of nested customs would double it at each level.
    """

    __slots__ = ("decode", "decode_from", "encode", "shape")

    shape: Shape
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]
    decode_from: Callable[[bytes, int], tuple[T, int]]

    def __init__(self, shape: Shape, space: Namespace) -> None:
        self.shape = shape
        self.encode = _encode(shape, space.globals[encoder(space, shape)])
        fast = space.globals[decoder(space, shape)]
        self.decode_from = _decode_from(shape, fast)
        self.decode = _decode(shape, fast)


def _encode(shape: Shape, fast: Callable[[Any, int], bytes]) -> Callable[[Any], bytes]:
    def encode(value: Any) -> bytes:
        try:
            return fast(value, 0)
        except InvalidScale:
            raise
        except FALLBACK:
            pass
        return reference.encode(shape, value)

    return encode


def _decode_from(
    shape: Shape, fast: Callable[[bytes, int, int], tuple[Any, int]]
) -> Callable[[bytes, int], tuple[Any, int]]:
    def decode_from(buffer: bytes, offset: int) -> tuple[Any, int]:
        try:
            return fast(buffer, offset, 0)
        except InvalidScale:
            raise
        except FALLBACK:
            pass
        return reference.decode(shape, buffer, offset)

    return decode_from


def _decode(shape: Shape, fast: Callable[[bytes, int, int], tuple[Any, int]]) -> Callable[[bytes], Any]:
    def decode(data: bytes) -> Any:
        try:
            value, end = fast(data, 0, 0)
        except InvalidScale:
            raise
        except FALLBACK:
            value, end = reference.decode(shape, data, 0)
        if end != len(data):
            raise InvalidScale(ScaleReason.TRAILING_BYTES, f"{len(data) - end} bytes remain", offset=end)
        return value

    return decode


class Scale:
    """A family of codecs over one set of bindings for `Bound` names (a composed runtime has its own)."""

    def __init__(self, bindings: Mapping[str, object] | None = None) -> None:
        self._builder = ShapeBuilder(dict(bindings or {}))
        self._space = Namespace()
        self._codecs: dict[object, Codec[Any]] = {}

    def shape(self, tp: object) -> Shape:
        """The shape of annotation `tp`."""
        return self._builder.shape(tp)

    @overload
    def codec(self, tp: type[T]) -> Codec[T]: ...
    @overload
    def codec(self, tp: object) -> Codec[Any]: ...
    def codec(self, tp: object) -> Codec[Any]:
        """The codec of annotation `tp`, derived at the first request; `UnsupportedType` where it has none."""
        known = self._codecs.get(tp)
        if known is None:
            known = self._codecs[tp] = Codec(self._builder.shape(tp), self._space)
        return known


codec = Scale().codec
"""The codec of an annotation without `Bound` names; its cache holds only what the annotation determines."""
