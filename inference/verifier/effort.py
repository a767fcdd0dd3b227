"""What verifying a program costs, counted while it goes on: a hostile program costs no more than it pays.

The count depends on the program alone, so every node refuses the same programs. It also catches what would
take too much memory, since each array that verification makes is charged before it is made.
"""

from inference.ir.errors import ArtifactFault, InvalidArtifact

#: Picoseconds for each step, so that the sum is 1.5 to 4 times what one core of a 2-core cloud server took
#: for programs that consist of such steps: 31 us an operation, 1.3 us an operand, 14 us a constant, 4.9 us a
#: channel of a product, 10 ns an element of a constant (read twice), 17 ns a leaf that a path reaches.
NODE_TIME = 50_000_000
OPERAND_TIME = 2_000_000
CONSTANT_TIME = 20_000_000
CHANNEL_TIME = 8_000_000
ELEMENT_TIME = 25_000
LEAF_TIME = 40_000


class Effort:
    """Picoseconds of reference time spent on one program, under a bound."""

    __slots__ = ("_bound", "spent")

    def __init__(self, bound: int) -> None:
        """Nothing is spent yet."""
        self._bound = bound
        self.spent = 0

    def charge(self, count: int, rate: int) -> None:
        """Count `count` steps of `rate` picoseconds; InvalidArtifact(LIMIT) where that passes the bound."""
        self.spent += count * rate
        if self.spent > self._bound:
            raise InvalidArtifact(
                ArtifactFault.LIMIT, f"verification takes more than the {self._bound} picoseconds allowed"
            )
