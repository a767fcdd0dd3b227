"""What executing code may see of a state: reads, and nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class StateReader(Protocol):
    """A frozen view of one block's state.

    Reads are by raw storage key. `artifact` serves the bytes that the chain keeps outside the trie under
    their Blake2b-256 hash (chunks and whole model artifacts);
    a view must serve every artifact its state names.
    """

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        ...

    def keys(self, prefix: bytes, start_after: bytes | None = None) -> Iterator[bytes]:
        """All keys that start with `prefix`, ascending, strictly after `start_after` where given."""
        ...

    def artifact(self, content_hash: bytes) -> bytes | None:
        """The bytes whose Blake2b-256 is `content_hash`, or None where the chain holds none."""
        ...


@dataclass(slots=True)
class MemoryState:
    """A `StateReader` over plain dictionaries: genesis building, tests and what-if runs."""

    storage: Mapping[bytes, bytes] = field(default_factory=dict)
    artifacts: Mapping[bytes, bytes] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        return self.storage.get(key)

    def keys(self, prefix: bytes, start_after: bytes | None = None) -> Iterator[bytes]:
        """All keys that start with `prefix`, ascending, strictly after `start_after` where given."""
        for key in sorted(self.storage):
            if key.startswith(prefix) and (start_after is None or key > start_after):
                yield key

    def artifact(self, content_hash: bytes) -> bytes | None:
        """The bytes whose Blake2b-256 is `content_hash`, or None."""
        return self.artifacts.get(content_hash)
