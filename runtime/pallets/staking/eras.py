"""Sessions and eras: when validators are elected, when an era starts and ends, what it pays.

Substrate's order. Session calls `new_session(n)` one session before session `n` begins; where `n` begins an
era, the election is held there and then. An era becomes active with its first session, and is paid when its
last one ends.
"""

from collections.abc import Sequence

from runtime.election import Ballot, Support, balance, elect, supports_of
from runtime.pallets.session import WeightedValidator
from runtime.pallets.staking.events import EraPaid, ForceEra, StakersElected, StakingElectionFailed
from runtime.pallets.staking.inflation import era_payout
from runtime.pallets.staking.slashing import Slashing
from runtime.pallets.staking.types import ActiveEraInfo, Forcing

BALANCING_ROUNDS = 1
"""Rounds of balancing behind an election: the first does most, and costs a third of the election."""
TOTAL_WEIGHT = 1 << 32
"""Lottery and vote weights of a set add up to at most this and one for each validator: stakes of 128 bits
do not fit, and a share that differs by less than 2**-32 decides no slot."""


class Eras(Slashing):
    """The planner of sessions."""

    def new_session(self, index: int) -> Sequence[WeightedValidator] | None:
        """The validators of session `index` where it begins an era; None keeps those there are."""
        self.current_planned_session.put(index)
        if not self.begins_era(index):
            return None
        elected = self._elect_era(index)
        if elected is not None and self.force_era.get() is Forcing.ForceNew:
            self.set_force_era(Forcing.NotForcing)
        return elected

    def begins_era(self, index: int) -> bool:
        """Whether session `index`, which is to be planned, begins an era."""
        era = self.current_era.get()
        if era is None:
            return True
        started = self.eras_start_session_index.get(era)
        length = index - (started if started is not None else 0)
        match self.force_era.get():
            case Forcing.ForceNew | Forcing.ForceAlways:
                return True
            case Forcing.ForceNone:
                return False
            case Forcing.NotForcing:
                return length >= self.sessions_per_era

    def start_session(self, index: int) -> None:
        """Where session `index` is the planned era's first, the era becomes active."""
        active = self.active_era.get()
        following = active.index + 1 if active is not None else 0
        start = self.eras_start_session_index.get(following)
        if start is not None and start <= index:
            self._start_era(following, start)

    def end_session(self, index: int) -> None:
        """Where the next session begins another era, the active one ends and its payout is fixed."""
        active = self.active_era.get()
        if active is None:
            return
        following = self.eras_start_session_index.get(active.index + 1)
        if following is not None and following == index + 1:
            self._end_era(active)

    def set_force_era(self, mode: Forcing) -> None:
        """Change the mode of era forcing."""
        self.force_era.put(mode)
        self.deposit_event(ForceEra(mode))

    def note_time(self) -> None:
        """At the end of a block: the active era started now, where its start is not known yet."""
        active = self.active_era.get()
        if active is not None and active.start is None:
            self.active_era.put(ActiveEraInfo(active.index, self.timestamp.now.get()))

    def _elect_era(self, session: int) -> Sequence[WeightedValidator] | None:
        """Hold an election and plan an era from `session` on; None, and nothing planned, where it fails.

        It fails where fewer are elected than the minimum: the validators there are then stay.
        """
        supports = self._election()
        if len(supports) < max(self.minimum_validator_count.get(), 1):
            if self.current_era.get() is None:
                self.current_era.put(0)
                self.eras_start_session_index.insert(0, session)
            self.deposit_event(StakingElectionFailed())
            return None
        self.deposit_event(StakersElected())
        planned = self.current_era.get()
        era = 0 if planned is None else planned + 1
        self.current_era.put(era)
        self.eras_start_session_index.insert(era, session)
        if era > self.history_depth:
            self.clear_era(era - self.history_depth - 1)
        self.store_exposures(era, supports)
        return _weighted(supports)

    def _election(self) -> dict[bytes, Support[bytes]]:
        """Elect validators by what is bonded now. Candidates and voters stand in the order of their accounts.

        `validate` and `nominate` keep their numbers below the limits; what genesis or a lowered limit left
        above is cut by stake, so that an election never outgrows its measured time.
        """
        candidates = sorted(who for who, _ in self.validators.items())
        ballots = []
        for who in candidates:
            ledger = self.ledger.get(who)
            ballots.append(Ballot(who, ledger.active if ledger is not None else 0, (who,)))
        if len(candidates) > self.max_electable_targets:
            ballots = _largest(ballots, self.max_electable_targets)
            candidates = [ballot.voter for ballot in ballots]
        nominators = []
        for who, nominations in self.nominators.items():
            ledger = self.ledger.get(who)
            if ledger is not None and nominations is not None:
                nominators.append(Ballot(who, ledger.active, nominations.targets))
        voters = _largest(nominators, self.max_electing_voters - len(ballots))
        self.minimum_active_stake.put(min((ballot.budget for ballot in voters), default=0))
        seats = min(self.validator_count.get(), self.max_validator_set)
        elected = elect(seats, candidates, [*ballots, *voters])
        return supports_of(balance(elected, BALANCING_ROUNDS))

    def _start_era(self, era: int, session: int) -> None:
        self.active_era.put(ActiveEraInfo(era, None))
        bonded = (*self.bonded_eras.get(), (era, session))
        first = era - self.bonding_duration
        for old, _ in bonded:
            if old < first:
                self.clear_era_slashes(old)
        self.bonded_eras.put(tuple(entry for entry in bonded if entry[0] >= first))
        self.apply_due_slashes(era)

    def _end_era(self, active: ActiveEraInfo) -> None:
        if active.start is None:
            return
        duration = self.timestamp.now.get() - active.start
        staked = self.eras_total_stake.get(active.index)
        payout, remainder = era_payout(staked, self.balances.total_issuance.get(), duration)
        share = self.max_staked_rewards.get()
        if share is not None:
            capped = min(payout, (payout + remainder) * share // 100)
            payout, remainder = capped, remainder + payout - capped
        self.eras_validator_reward.insert(active.index, payout)
        self.deposit_event(EraPaid(active.index, payout, remainder))


def _largest(ballots: list[Ballot[bytes]], count: int) -> list[Ballot[bytes]]:
    """The `count` ballots with the most stake, of equal ones the lower accounts, in the order of accounts."""
    kept = sorted(ballots, key=lambda ballot: (-ballot.budget, ballot.voter))[: max(count, 0)]
    return sorted(kept, key=lambda ballot: ballot.voter)


def _weighted(supports: dict[bytes, Support[bytes]]) -> list[WeightedValidator]:
    """Validators with weights in proportion to what stands behind them, each at least one."""
    total = sum(support.total for support in supports.values())
    return [
        WeightedValidator(who, max(support.total * TOTAL_WEIGHT // total, 1))
        for who, support in supports.items()
    ]
