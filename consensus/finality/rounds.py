"""The rounds of one voter set that still matter: the current one, the next, a few past ones, and at most one
further ahead while catching up.
"""

from consensus.authorities import VoterSet
from consensus.finality.chain import ChainView, Target
from consensus.finality.journal import RoundRecord
from consensus.finality.messages import Stage
from consensus.finality.round import Round

HISTORY_ROUNDS = 2
"""Past rounds kept: the one before the current binds it by its estimate, and both serve peers that lag; who
lags further asks for a catch-up.
"""

FIRST_ROUND = 1


class Rounds:
    """Rounds by number. `base` is the last final block when the set took over or the node started; `record`
    the journal, where it belongs to this set: the votes in it are still to be counted.
    """

    def __init__(
        self, voters: VoterSet, base: Target, chain: ChainView, record: RoundRecord | None = None
    ) -> None:
        self.voters = voters
        self._chain = chain
        self._base = base
        self._rounds = dict[int, Round]()
        self._candidate: int | None = None
        self._current = FIRST_ROUND if record is None else record.round
        if record is not None and record.has_previous:
            self._open(record.round - 1)
        self._open(self._current)
        self._open(self._current + 1)

    @property
    def current(self) -> Round:
        """The round that is voted in."""
        return self._rounds[self._current]

    @property
    def previous(self) -> Round | None:
        """The round before, whose estimate binds the votes of the current one; None in a set's first."""
        return self._rounds.get(self._current - 1)

    @property
    def estimate(self) -> Target | None:
        """The block that votes of the current round must build on, where it is above the last final one."""
        estimate = self.previous.state.estimate if self.previous is not None else None
        return estimate if estimate is not None and estimate.number > self._base.number else None

    @property
    def is_open(self) -> bool:
        """Whether what binds the current round is known: the round before is completable."""
        return self.previous is None or self.previous.state.completable

    def get(self, number: int) -> Round | None:
        """A round whose votes are wanted."""
        return self._rounds.get(number)

    def newest_first(self) -> list[Round]:
        """All rounds held."""
        return [self._rounds[number] for number in sorted(self._rounds, reverse=True)]

    def completable_ahead(self) -> Round | None:
        """The newest round from the current one on that is completable."""
        ahead = [one for one in self.newest_first() if one.number >= self._current]
        return next((one for one in ahead if one.state.completable), None)

    def advance_past(self, finished: Round) -> None:
        """Go on to the round after `finished`."""
        self._current = finished.number + 1
        if self._candidate is not None and self._candidate <= self._current + 1:
            self._candidate = None
        self._open(self._current)
        self._open(self._current + 1)
        oldest = self._current - HISTORY_ROUNDS
        self._rounds = {number: one for number, one in self._rounds.items() if number >= oldest}

    def try_to_reach(self, number: int) -> None:
        """Want the votes of a round far ahead, instead of those of the one wanted before."""
        if number <= self._current + 1:
            return
        if self._candidate is not None and self._candidate != number:
            del self._rounds[self._candidate]
        self._candidate = number
        self._open(number)

    def finalise(self, block: Target) -> None:
        """A block became final: later rounds start from it."""
        for one in self.newest_first():
            one.keep(block, self._chain)
        self._base = block

    def weight_cast(self, number: int, stage: Stage) -> int:
        """How much weight has voted in a stage of a round that is held."""
        held = self._rounds[number]
        return held.weight(held.tallies[stage].voted)

    def _open(self, number: int) -> Round:
        if number not in self._rounds:
            self._rounds[number] = Round(number, self.voters, self._base)
        return self._rounds[number]
