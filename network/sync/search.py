"""Where a peer's best chain leaves ours: its headers at some heights, from the top in doubling steps, then
between the two nearest by halves.

A fork of a million blocks takes some forty headers. Nothing below our last final block is ever looked at.
"""

from network.messages import BlockPoint, BlocksRequest, Direction


class Search:
    """One search, between our last final block (`floor`) and `top`, not below it."""

    def __init__(self, floor: BlockPoint, top: int) -> None:
        self._floor = floor
        self._shared: BlockPoint | None = None
        self._unshared = max(top, floor.number) + 1
        self._step = 1
        self.is_elsewhere = False

    @property
    def request(self) -> BlocksRequest:
        """The header to ask for."""
        height = max(self._unshared - self._step, self._floor.number)
        if self._shared is not None:
            height = (self._shared.number + self._unshared) // 2
        return BlocksRequest(height, Direction.ASCENDING, 1, bodies=False, justifications=False)

    def heard(self, block: BlockPoint, *, is_here: bool) -> None:
        """The peer's block at the height asked for; `is_here`: it is stored here, or on its way."""
        if is_here:
            self._shared = block
        elif block.number <= self._floor.number:
            self.is_elsewhere = True
        else:
            self._unshared = block.number
            self._step *= 2

    @property
    def meeting(self) -> BlockPoint | None:
        """The highest block of both, once it is found."""
        shared = self._shared
        return shared if shared is not None and shared.number + 1 == self._unshared else None
