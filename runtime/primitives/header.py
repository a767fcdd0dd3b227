"""The block header, standard in its five fields, and its hash."""

from dataclasses import dataclass, field, replace

from runtime.primitives.digest import Digest
from runtime.primitives.hashing import blake2_256
from runtime.primitives.scale import CompactU32, codec, scale_path
from runtime.primitives.types import H256


@scale_path("sp_runtime::generic::header::Header")
@dataclass(frozen=True, slots=True)
class Header:
    """What a block commits to. Clients hard-code this layout and Blake2b-256 as its hash."""

    parent_hash: H256
    number: CompactU32
    state_root: H256
    extrinsics_root: H256
    digest: Digest = field(default_factory=Digest)

    def encode(self) -> bytes:
        """SCALE bytes."""
        return HEADER.encode(self)

    @staticmethod
    def decode(data: bytes) -> "Header":
        """The header of SCALE bytes; `InvalidScale` where they are anything else."""
        return HEADER.decode(data)

    def hash(self) -> bytes:
        """Blake2b-256 of the encoding: the block's hash (32 bytes)."""
        return blake2_256(HEADER.encode(self))

    def without_seal(self) -> "Header":
        """The header that the author signed."""
        return replace(self, digest=self.digest.without_seal())


HEADER = codec(Header)
