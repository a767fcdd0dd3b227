"""What the node tells whoever listens: blocks imported, heads moved, blocks made final."""

from collections.abc import Mapping
from dataclasses import dataclass

from chain.finalising import BlockFinalised
from chain.store import TreeRoute
from network.rpc import Broadcast
from runtime.primitives.header import Header

CAPACITY = 256
"""Values that a listener may be behind before it is dropped: minutes of blocks, or one burst of an import."""


@dataclass(frozen=True, slots=True)
class BlockImported:
    """A block is stored; `route` leads from the old head to it where it is the new one."""

    hash: bytes
    header: Header
    route: TreeRoute | None
    changes: Mapping[bytes, bytes | None]

    @property
    def is_best(self) -> bool:
        """Whether the chain's head moved to this block."""
        return self.route is not None


class Notifications:
    """The node's feeds; publish on the event loop's thread only."""

    def __init__(self) -> None:
        self.imported: Broadcast[BlockImported] = Broadcast(CAPACITY)
        self.best: Broadcast[BlockImported] = Broadcast(CAPACITY)
        self.finalised: Broadcast[BlockFinalised] = Broadcast(CAPACITY)

    def publish_import(self, block: BlockImported) -> None:
        """Tell of a stored block, and of the new head where it is one."""
        self.imported.publish(block)
        if block.is_best:
            self.best.publish(block)

    def close(self) -> None:
        """End all listeners after what they have waiting."""
        for feed in (self.imported, self.best, self.finalised):
            feed.close()
