"""When a block is asked for and not made."""


class SealingRefused(Exception):
    """A block was asked for that this node may not or does not make on request."""
