"""The digest of a header: notes of consensus and runtime, hashed with the block.

Layout of `sp_runtime::generic::DigestItem`; an engine id is four bytes such as `BABE` or `FRNK`.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.primitives.scale import ScalePath, Vector, scale_path, variant
from runtime.primitives.types import Bytes4


@variant(0, unnamed=True)
@dataclass(frozen=True, slots=True)
class Other:
    """Bytes without a consensus meaning."""

    data: bytes


@variant(4, unnamed=True)
@dataclass(frozen=True, slots=True)
class Consensus:
    """A message from the runtime to the consensus engine, such as the next epoch's authorities."""

    engine: Bytes4
    data: bytes


@variant(5, unnamed=True)
@dataclass(frozen=True, slots=True)
class Seal:
    """The author's signature over the header without it; always the last item."""

    engine: Bytes4
    data: bytes


@variant(6, unnamed=True)
@dataclass(frozen=True, slots=True)
class PreRuntime:
    """A message from the consensus engine to the runtime, such as the slot claim."""

    engine: Bytes4
    data: bytes


@variant(8)
@dataclass(frozen=True, slots=True)
class RuntimeEnvironmentUpdated:
    """The runtime or its environment changes after this block."""


DigestItem: TypeAlias = Annotated[
    Other | Consensus | Seal | PreRuntime | RuntimeEnvironmentUpdated,
    ScalePath("sp_runtime::generic::digest::DigestItem"),
]


@scale_path("sp_runtime::generic::digest::Digest")
@dataclass(frozen=True, slots=True)
class Digest:
    """The items of a header in order."""

    logs: Vector[DigestItem] = ()

    def pushed(self, item: DigestItem) -> "Digest":
        """The digest with `item` at its end."""
        return Digest((*self.logs, item))

    @property
    def seal(self) -> Seal | None:
        """The last item, where it is a seal."""
        last = self.logs[-1] if self.logs else None
        return last if isinstance(last, Seal) else None

    def without_seal(self) -> "Digest":
        """The digest that the author signed; itself where no seal ends it."""
        return Digest(self.logs[:-1]) if self.seal else self
