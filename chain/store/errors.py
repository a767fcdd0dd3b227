"""What can go wrong with the database, in two families.

`EnvironmentFault`s stop the node: their text is one line that says what happened and what to do.
The others answer a caller that asked for something the store does not hold or may not do.
"""


class StoreError(Exception):
    """Base of everything the store raises on purpose."""


class EnvironmentFault(StoreError):
    """The database can not be used; the node must stop with this line."""


class DatabaseLocked(EnvironmentFault):
    """Another process has the database open."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"another process holds the database {path}; stop that node, or choose another base path"
        )
        self.path = path


class DatabaseCorrupt(EnvironmentFault):
    """The database contradicts itself or fails its checksums."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(
            f"the database {path} is corrupt ({detail}); restore a copy of the folder, "
            "or purge it and synchronise again"
        )
        self.path = path
        self.detail = detail


class DatabaseUnavailable(EnvironmentFault):
    """The database folder can not be opened, or is something else."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"the database {path} can not be used: {detail}")
        self.path = path
        self.detail = detail


class DatabaseWriteFailed(EnvironmentFault):
    """A write did not reach the disk; nothing of it is visible and no further write is accepted."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(
            f"could not write to the database {path} ({detail}); everything stored before is safe: "
            "free disk space or repair the disk, then start the node again"
        )
        self.path = path
        self.detail = detail


class DatabaseEmpty(EnvironmentFault):
    """The database holds no chain yet and no genesis was given."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the database {path} holds no chain; start a node with a chain spec first")
        self.path = path


class WrongVersion(EnvironmentFault):
    """The database was written in another format."""

    def __init__(self, path: str, expected: int, found: int) -> None:
        advice = "use the release that wrote it" if found > expected else "purge it and synchronise again"
        super().__init__(
            f"the database {path} has format {found}, this node reads format {expected}; {advice}"
        )
        self.path = path
        self.expected = expected
        self.found = found


class WrongGenesis(EnvironmentFault):
    """The database belongs to another chain."""

    def __init__(self, path: str, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"the database {path} belongs to the chain with genesis 0x{found.hex()}, but the chain spec's "
            f"genesis is 0x{expected.hex()}; choose the chain spec or the base path that fits"
        )
        self.path = path
        self.expected = expected
        self.found = found


class PruningMismatch(EnvironmentFault):
    """Another pruning mode was asked for than the one fixed at creation."""

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(
            f"the database {path} was created with state pruning '{found}', not '{expected}'; "
            "start with that mode, or purge it to change the mode"
        )
        self.path = path
        self.expected = expected
        self.found = found


class UnknownBlock(StoreError):
    """No block with this hash is stored."""

    def __init__(self, block: bytes) -> None:
        super().__init__(f"block 0x{block.hex()} is not in the database")
        self.block = block


class UnknownParent(StoreError):
    """A block can not be stored before its parent."""

    def __init__(self, block: bytes, parent: bytes) -> None:
        super().__init__(f"the parent 0x{parent.hex()} of block 0x{block.hex()} is not in the database")
        self.block = block
        self.parent = parent


class BlockExists(StoreError):
    """The block is stored already."""

    def __init__(self, block: bytes) -> None:
        super().__init__(f"block 0x{block.hex()} is already in the database")
        self.block = block


class NotOnFinalizedChain(StoreError):
    """The block does not descend from the finalised head, so it can never become final."""

    def __init__(self, block: bytes, finalized: bytes) -> None:
        super().__init__(
            f"block 0x{block.hex()} does not descend from the finalised block 0x{finalized.hex()}"
        )
        self.block = block
        self.finalized = finalized


class StateDiscarded(StoreError):
    """The block is known but its state has been pruned."""

    def __init__(self, block: bytes, number: int, oldest: int) -> None:
        super().__init__(
            f"the state of block 0x{block.hex()} (number {number}) has been discarded; "
            f"states are kept from block {oldest} on (an archive node keeps all)"
        )
        self.block = block
        self.number = number
        self.oldest = oldest
