"""A block: a header and the opaque extrinsics that it commits to."""

from dataclasses import dataclass

from runtime.primitives.header import HEADER, Header
from runtime.primitives.scale import Vector, codec, encode_compact

_BODY = codec(Vector[bytes])


@dataclass(frozen=True, slots=True)
class Block:
    """A header and its extrinsics, each *with* its length prefix, as clients and the pool hold them."""

    header: Header
    extrinsics: list[bytes]

    def hash(self) -> bytes:
        """The header's hash (32 bytes)."""
        return self.header.hash()

    def encode(self) -> bytes:
        """SCALE bytes: the header, then the count and the extrinsics as they are."""
        body = self.extrinsics
        return HEADER.encode(self.header) + encode_compact(len(body)) + b"".join(body)

    @staticmethod
    def decode(data: bytes) -> "Block":
        """The block of SCALE bytes; `InvalidScale` where they are anything else."""
        header, offset = HEADER.decode_from(data, 0)
        contents = _BODY.decode(data[offset:])
        return Block(header, [encode_compact(len(each)) + each for each in contents])
