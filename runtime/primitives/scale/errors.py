"""What can be wrong with SCALE bytes, with a value to encode, or with a type that has no encoding."""

from enum import Enum

from runtime.primitives.errors import InvalidData


class ScaleReason(Enum):
    """Why bytes are not the encoding of a value, or why a value has no encoding."""

    UNEXPECTED_END = "the bytes end inside a value"
    TRAILING_BYTES = "bytes remain after the value"
    NON_CANONICAL_COMPACT = "a compact integer is longer than it needs to be"
    OUT_OF_RANGE = "an integer does not fit its width"
    BAD_BOOL = "a boolean is neither 0 nor 1"
    BAD_OPTION = "an option tag is neither 0 nor 1"
    UNKNOWN_VARIANT = "no variant has this index"
    BAD_UTF8 = "text is not UTF-8"
    TOO_LONG = "a collection is longer than its bound"
    WRONG_LENGTH = "a fixed-length value has another length"
    UNSORTED_KEYS = "keys are not strictly ascending"
    BAD_PADDING = "unused bits of a bit sequence are set"
    BAD_ERA = "a mortal era has an impossible period or phase"
    BROKEN_RULE = "a struct refuses the values of its fields"
    TOO_DEEP = "a recursive value nests too deeply"
    WRONG_TYPE = "the value to encode has another type"


class InvalidScale(InvalidData):
    """Bytes are not SCALE of the expected type, or a value does not fit its type.

    `reason` is a `ScaleReason`; `path` names the place inside the type, outermost first, as in
    `AccountInfo.data.free`; `offset` is the byte where a decoder stopped, or None for an encoder.
    """

    reason: ScaleReason

    def __init__(
        self, reason: ScaleReason, detail: str, *, offset: int | None = None, path: tuple[str, ...] = ()
    ) -> None:
        at = "".join(path).removeprefix(".")
        place = " in ".join(filter(None, (f"at byte {offset}" if offset is not None else "", at)))
        super().__init__(reason, f"{detail} ({place})" if place else detail)
        self.plain = detail
        self.offset = offset
        self.path = path

    def within(self, step: str) -> "InvalidScale":
        """The same fault seen from one level further out; `step` is `.field`, `[3]` or a type's name."""
        return InvalidScale(self.reason, self.plain, offset=self.offset, path=(step, *self.path))


class UnsupportedType(TypeError):
    """An annotation has no SCALE encoding: a mistake of the programmer, found when the codec is built."""
