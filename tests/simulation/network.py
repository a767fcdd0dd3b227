"""What nodes send each other, and what the network does to it."""

from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from consensus.finality.gossip import FinalityMessage
from runtime.primitives.header import Header


@dataclass(frozen=True, slots=True)
class Blocks:
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Blocks up to `block_hash`, from those above height `above` on."""

    block_hash: bytes
    above: int


@dataclass(frozen=True, slots=True)
class Announce:
    block_hash: bytes
    number: int


Message: TypeAlias = FinalityMessage | Blocks | Ask | Announce


@dataclass(slots=True)
class Network:
    """Delays in ms; probabilities in percent. `groups` maps a node to its side of a partition."""

    delay_ms: int = 50
    jitter_ms: int = 0
    loss: int = 0
    duplication: int = 0
    groups: dict[int, int] | None = None

    def deliveries(self, random: Random, source: int, target: int) -> list[int]:
        """After how many ms each copy of a message arrives; none where it is lost."""
        if self.groups is not None and self.groups.get(source) != self.groups.get(target):
            return []
        if self.loss and random.randrange(100) < self.loss:
            return []
        copies = 2 if self.duplication and random.randrange(100) < self.duplication else 1
        return [
            self.delay_ms + (random.randrange(self.jitter_ms) if self.jitter_ms else 0) for _ in range(copies)
        ]
