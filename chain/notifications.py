"""What the node tells whoever listens: blocks imported, heads moved, blocks made final."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from chain.finalising import BlockFinalised, bodies_of
from chain.importing import Stored
from chain.store import Store, TreeRoute
from network.rpc import Broadcast
from runtime.primitives.header import Header

Value = TypeVar("Value")

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


@dataclass(frozen=True, slots=True)
class HeadMoved:
    """The block became the head."""

    hash: bytes


ChainEvent = BlockImported | HeadMoved | BlockFinalised


class Notifications:
    """The node's feeds; publish on the event loop's thread only.

    `everything` holds all others in one order, for who needs to know what came first; None is what a listener
    puts into its own mailbox to be woken.
    """

    def __init__(self) -> None:
        self.everything: Broadcast[ChainEvent | None] = Broadcast(CAPACITY)
        self.imported: Broadcast[BlockImported] = _Forwarding(self.everything.publish)
        self.best: Broadcast[BlockImported] = _Forwarding(
            lambda block: self.everything.publish(HeadMoved(block.hash))
        )
        self.finalised: Broadcast[BlockFinalised] = _Forwarding(self.everything.publish)

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
        self.everything.close()


class _Forwarding(Broadcast[Value]):
    """A feed whose values are told elsewhere, too."""

    def __init__(self, forward: Callable[[Value], None]) -> None:
        super().__init__(CAPACITY)
        self._forward = forward

    def publish(self, value: Value) -> None:
        super().publish(value)
        self._forward(value)
