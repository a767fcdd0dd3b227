"""Bounds on artifacts. A chain may set lower ones in its specification, never higher."""

from dataclasses import dataclass

#: Highest rank: batched 3-D convolution needs 5, attention reshapes 6; numpy and onnxruntime both take 8.
MAX_RANK = 8

#: Elements of one tensor: 1 GiB when held as 64-bit integers by the reference executor.
MAX_ELEMENTS = 1 << 27

#: Longest list in an artifact: nodes, constants, or the shifts of a layer's channels.
MAX_LIST = 1 << 16

#: Deepest decision path: far above what unbounded scikit-learn forests reach on a million samples.
MAX_TREE_DEPTH = 256

#: Bytes of an input's or output's name.
MAX_NAME_BYTES = 256

#: Inputs or outputs of one model.
MAX_PORTS = 64

#: Picoseconds for each byte of an artifact that is not a constant's data: decoding it, field by field.
STRUCTURE_TIME = 400_000

#: Bytes of all metadata: room for a thousand class labels.
MAX_METADATA_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What a chain accepts: bytes of an artifact, operations, peak bytes of a call, picoseconds of a call.

    `verification_time` bounds the picoseconds that verification itself may take.
    """

    artifact_bytes: int = 256 << 20
    operations: int = 20_000
    peak_memory: int = 4 << 30
    ref_time: int = 60 * 10**12
    verification_time: int = 60 * 10**12
