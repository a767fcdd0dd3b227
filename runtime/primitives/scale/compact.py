"""Compact integers, the length prefix of everything that varies in SCALE.

The two low bits of the first byte choose the form: 0 one byte (values below 2**6), 1 two bytes (below
2**14), 2 four bytes (below 2**30), 3 a byte count minus four in the upper six bits, then that many bytes.
Only the shortest form of a value is valid.
"""

from runtime.primitives.scale.errors import InvalidScale, ScaleReason


def encode_compact(value: int) -> bytes:
    """The compact form of `0 <= value < 2**536`."""
    if value < 0:
        raise InvalidScale(ScaleReason.OUT_OF_RANGE, f"a compact integer is not negative: {value}")
    if value < 1 << 6:
        return bytes((value << 2,))
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    if value < 1 << 30:
        return (value << 2 | 2).to_bytes(4, "little")
    size = (value.bit_length() + 7) >> 3
    if size > 67:
        raise InvalidScale(ScaleReason.OUT_OF_RANGE, "a compact integer has at most 67 bytes")
    return bytes((size - 4 << 2 | 3,)) + value.to_bytes(size, "little")


def decode_compact(buffer: bytes, offset: int, bits: int = 32) -> tuple[int, int]:
    """The compact integer at `offset` and the offset after it; it must fit `bits` bits."""
    if offset >= len(buffer):
        raise InvalidScale(ScaleReason.UNEXPECTED_END, "a compact integer is missing", offset=offset)
    first = buffer[offset]
    mode = first & 3
    if mode == 3:
        size = (first >> 2) + 4
        start, shift, least = offset + 1, 0, 1 << max(30, (size - 1) * 8)
    else:
        size = 1 << mode
        start, shift, least = offset, 2, (0, 1 << 6, 1 << 14)[mode]
    end = start + size
    if end > len(buffer):
        raise InvalidScale(
            ScaleReason.UNEXPECTED_END, f"a compact integer of {size} bytes is cut", offset=offset
        )
    value = int.from_bytes(buffer[start:end], "little") >> shift
    if value < least:
        raise InvalidScale(
            ScaleReason.NON_CANONICAL_COMPACT, f"{value} is written in {end - offset} bytes", offset=offset
        )
    if value >> bits:
        raise InvalidScale(ScaleReason.OUT_OF_RANGE, f"{value} does not fit {bits} bits", offset=offset)
    return value, end
