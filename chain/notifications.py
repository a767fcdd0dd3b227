"""What the node tells whoever listens: blocks imported, heads moved, blocks made final."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chain.finalising import BlockFinalised, bodies_of
from chain.importing import Stored
from chain.store import Store, TreeRoute
from network.rpc import Broadcast
from runtime.primitives.header import Header

CAPACITY = 256
"""Values that a listener may be behind before it is dropped: minutes of blocks, or one burst of an import."""


@dataclass(frozen=True, slots=True)
class BlockImported:
    """A block is stored; `route` leads from the old head to it where it is the new one.

    `changes` tell its state from its parent's; nothing for a block known before. `returned` are the bodies of
    the blocks that left the best chain, by hash: finality may delete them before somebody reads this.
    """

    hash: bytes
    header: Header
    route: TreeRoute | None
    changes: Mapping[bytes, bytes | None]
    returned: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=dict)

    @property
    def is_best(self) -> bool:
        """Whether the chain's head moved to this block."""
        return self.route is not None


def block_imported(store: Store, stored: Stored) -> BlockImported:
    """What to tell of a block that was just stored."""
    executed = stored.executed
    left = bodies_of(store, stored.route.retracted) if stored.route is not None else {}
    return BlockImported(
        stored.hash, executed.verified.received.header, stored.route, executed.execution.changes, left
    )


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

    def publish_head(self, block: BlockImported) -> None:
        """Tell of a block, known before, that finality made the head."""
        self.best.publish(block)

    def close(self) -> None:
        """End all listeners after what they have waiting."""
        for feed in (self.imported, self.best, self.finalised):
            feed.close()
