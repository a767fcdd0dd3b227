"""What can be wrong with a stored node, a key, a set of entries or a proof."""

from enum import Enum


class NodeFault(Enum):
    """Why bytes are not the encoding of a trie node."""

    EMPTY = "the encoding has no bytes"
    RESERVED_HEADER = "the first byte is a reserved header"
    TRUNCATED = "the encoding ends too early"
    PARTIAL_KEY_TOO_LONG = "the partial key is longer than any key can be"
    NONZERO_PADDING = "the padding nibble of an odd partial key is not zero"
    NO_CHILDREN = "a branch has an empty child bitmap"
    LONE_CHILD = "a branch without a value has a single child, so it must not exist"
    NON_CANONICAL_LENGTH = "a length is not in its shortest compact form"
    EMPTY_CHILD = "a child's merkle value has no bytes"
    LONG_CHILD = "a child's merkle value is longer than a hash"
    TRAILING_BYTES = "bytes are left after the last child"
    ODD_KEY = "a value stands at an odd number of nibbles, where no byte key can lead"


class InvalidNode(Exception):
    """Bytes that a trie names as a node are not one.

    `reason` says why; `data` is the offending encoding, or the path as ASCII where the fault is in the path.
    """

    def __init__(self, reason: NodeFault, data: bytes) -> None:
        super().__init__(f"invalid trie node: {reason.value} ({len(data)} bytes: {data[:40].hex()})")
        self.reason = reason
        self.data = data


class MissingNode(Exception):
    """The source holds nothing under `node_hash`, a hash that the trie refers to."""

    def __init__(self, node_hash: bytes) -> None:
        super().__init__(
            f"no trie node or value under hash 0x{node_hash.hex()}: the state is pruned, or the store damaged"
        )
        self.node_hash = node_hash


class EntryFault(Enum):
    """Why entries can not stand in a trie."""

    KEY_TOO_LONG = "the key is longer than 32767 bytes"
    NOT_ASCENDING = "the keys of a build must ascend strictly"
    UNKNOWN_VERSION = "the state version must be 0 or 1"


class InvalidEntry(ValueError):
    """The caller asked for a trie that can not exist; `subject` is the offending key or number."""

    def __init__(self, reason: EntryFault, subject: bytes | int) -> None:
        shown = f"0x{subject[:40].hex()}" if isinstance(subject, bytes) else str(subject)
        super().__init__(f"invalid trie entry: {reason.value} (got {shown})")
        self.reason = reason
        self.subject = subject


class ProofFault(Enum):
    """Why a proof does not prove what was asked."""

    TOO_LARGE = "the proof is larger than the limit"
    DUPLICATE = "an entry occurs twice"
    ROOT_ABSENT = "no entry hashes to the trie root"
    INCOMPLETE = "a node or value on the way is not in the proof"
    UNUSED = "an entry is not needed for what was asked"
    MALFORMED_NODE = "a node of the proof is not a valid encoding"
    TOO_MANY_ENTRIES = "the range holds more entries than the limit"
    BAD_CHILD_ROOT = "the value under the child trie's key is not a 32-byte root"


class InvalidProof(Exception):
    """A proof was refused; `subject` is the missing hash or the offending entry."""

    def __init__(self, reason: ProofFault, subject: bytes = b"") -> None:
        super().__init__(f"invalid trie proof: {reason.value} ({subject[:40].hex()})")
        self.reason = reason
        self.subject = subject
