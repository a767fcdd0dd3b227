"""How long states and forks are kept; fixed when the database is created."""

from dataclasses import dataclass
from typing import ClassVar

DEFAULT_KEPT_STATES = 256
"""As Substrate: about 25 minutes of 6 s blocks, the longest a mortal transaction's usual era."""

MAX_KEPT_STATES = (1 << 32) - 1
"""Block numbers are u32: keeping more is keeping all."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """A retention rule.

    `kept_states` None keeps the state of every finalised block, else of the last so many (the finalised
    head counts). `keeps_forks` keeps blocks and states of forks that lost, too.
    """

    kept_states: int | None
    keeps_forks: bool = False

    ARCHIVE: ClassVar["Pruning"]
    ARCHIVE_CANONICAL: ClassVar["Pruning"]

    def __post_init__(self) -> None:
        if self.kept_states is not None and not 1 <= self.kept_states <= MAX_KEPT_STATES:
            raise ValueError(f"state pruning must keep 1 to {MAX_KEPT_STATES} states, not {self.kept_states}")
        if self.keeps_forks and self.kept_states is not None:
            raise ValueError("only the archive mode keeps forks")

    @classmethod
    def keep(cls, states: int = DEFAULT_KEPT_STATES) -> "Pruning":
        """Keep the states of the last `states` finalised blocks."""
        return cls(states)

    @classmethod
    def parse(cls, text: str) -> "Pruning":
        """The mode named `archive`, `archive-canonical`, or a number of states. Raises `ValueError`."""
        match text:
            case "archive":
                return cls.ARCHIVE
            case "archive-canonical":
                return cls.ARCHIVE_CANONICAL
        if text.isascii() and text.isdigit() and len(text) <= 10:
            return cls.keep(int(text))
        raise ValueError(
            f"state pruning is 'archive', 'archive-canonical' or a number of blocks, not {text!r}"
        )

    def __str__(self) -> str:
        if self.kept_states is not None:
            return str(self.kept_states)
        return "archive" if self.keeps_forks else "archive-canonical"


Pruning.ARCHIVE = Pruning(None, keeps_forks=True)
Pruning.ARCHIVE_CANONICAL = Pruning(None)
