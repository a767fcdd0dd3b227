"""Slashing: what an offence costs, when it is taken, and who gets a part of it.

A validator and those behind it lose the same fraction of what stood behind it in the era of the offence.
Within a slashing span only the largest slash counts. Slashes wait for `SlashDeferDuration` eras, in which
root may cancel them; an offender is chilled, and disabled for the rest of its era, at once. Reporters get a
part of what is slashed, half of the whole reward with the first report, as in Substrate; the rest is
burned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runtime.pallets.staking import ledger as steps
from runtime.pallets.staking import spans as span_steps
from runtime.pallets.staking.events import (
    OldSlashingReportDiscarded,
    Slashed,
    SlashReported,
    StakingHold,
)
from runtime.pallets.staking.rewards import Rewards
from runtime.pallets.staking.types import SlashingSpans, UnappliedSlash
from runtime.primitives.fixed import perbill_mul

CLEARED_SLASHES = 1 << 20
"""Entries that forgetting an era's slashes removes at most: all of them, for no era has so many stakers."""
FIRST_REWARD = 2
"""The divisor of what reporters get for a slash that was not known before: f_1 = 1/2 of the paper."""
DISABLED_SHARE = 3
"""At most (n - 1) // 3 validators are disabled at once: as many as finality can do without."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One validator's offence: in which era, and how much it costs."""

    stash: bytes
    fraction: int
    era: int
    now: int


class Slashing(Rewards):
    """Computing, deferring and applying slashes."""

    def on_offence(
        self, offenders: Sequence[tuple[bytes, Sequence[bytes]]], fraction: int, session: int
    ) -> None:
        """Punish (offender, reporters) for what they did in `session`; `fraction` in billionths of the stake.

        A fraction of zero only chills, which keeps the absent out of the next elections. Offences older than
        the bonding duration are discarded: the stake may be gone.
        """
        active = self.active_era.get()
        if active is None:
            return
        era = self._era_of(session)
        if era is None:
            self.deposit_event(OldSlashingReportDiscarded(session))
            return
        invulnerable = self.invulnerables.get()
        for stash, reporters in offenders:
            if stash in invulnerable or not self.eras_stakers_overview.contains(era, stash):
                continue
            self.deposit_event(SlashReported(stash, fraction, era))
            if fraction and era == active.index:
                self._disable(stash)
            computed = self._compute(_Case(stash, fraction, era, active.index))
            if computed is None:
                continue
            pending = replace(computed, reporters=tuple(reporters))
            if self.slash_defer_duration == 0:
                self._apply(pending, era)
            else:
                due = max(era + self.slash_defer_duration + 1, active.index + 1)
                self.unapplied_slashes.insert(due, (*self.unapplied_slashes.get(due), pending))

    def apply_due_slashes(self, era: int) -> None:
        """Take what is due now that `era` is active."""
        due = self.unapplied_slashes.get(era)
        if not due:
            return
        self.unapplied_slashes.remove(era)
        for each in due:
            self._apply(each, max(era - self.slash_defer_duration - 1, 0))

    def clear_era_slashes(self, era: int) -> None:
        """Forget what was slashed for an era whose stake is no longer bonded."""
        self.validator_slash_in_era.clear_under(era, CLEARED_SLASHES)
        self.nominator_slash_in_era.clear_under(era, CLEARED_SLASHES)

    def _era_of(self, session: int) -> int | None:
        """The bonded era that was active in a session; None where it is not bonded any more."""
        found = None
        for era, start in self.bonded_eras.get():
            if start <= session:
                found = era
        return found

    def _disable(self, stash: bytes) -> None:
        """Keep an offender from work for the rest of its time in the set, where finality can do without."""
        limit = max(len(self.session.validators.get()) - 1, 0) // DISABLED_SHARE
        if len(self.session.disabled_validators.get()) < limit:
            self.session.disable(stash)

    def _compute(self, case: _Case) -> UnappliedSlash | None:
        """What the offence adds to what its stakers owe already; None where it adds nothing.

        An offence that is not the validator's worst of the era adds nothing: stakers pay for the worst.
        """
        overview = self.eras_stakers_overview.get(case.era, case.stash)
        assert overview is not None, "only exposed validators are slashed"
        if perbill_mul(case.fraction, overview.total) == 0:
            self.chill_stash(case.stash)
            return None
        known = self.validator_slash_in_era.get(case.era, case.stash)
        prior = known[0] if known is not None else 0
        if case.fraction <= prior:
            return None
        own = perbill_mul(case.fraction, overview.own)
        self.validator_slash_in_era.insert(case.era, case.stash, (case.fraction, own))
        own_slash, payout, is_current = self._span_slash(case.stash, case, own)
        if is_current:
            self.chill_stash(case.stash)
        others = []
        for each in self.nominators_of(case.era, case.stash):
            added = perbill_mul(case.fraction, each.value) - perbill_mul(prior, each.value)
            total = (self.nominator_slash_in_era.get(case.era, each.who) or 0) + added
            self.nominator_slash_in_era.insert(case.era, each.who, total)
            slash, reward, _ = self._span_slash(each.who, case, total)
            payout += reward
            if slash:
                others.append((each.who, slash))
        if own_slash == 0 and not others:
            return None
        return UnappliedSlash(case.stash, own_slash, tuple(others), (), payout)

    def _span_slash(self, stash: bytes, case: _Case, slash: int) -> tuple[int, int, bool]:
        """How far a slash of an era exceeds the largest of its span, the reward for it, and: in the current
        span?

        A slash in the current span ends it, with this era.
        """
        window = max(case.now - self.bonding_duration, 0)
        spans = self.slashing_spans.get(stash) or span_steps.first_span(window)
        number = span_steps.span_of(spans, case.era)
        if number is None:
            return 0, 0, False
        record = self.span_slash.get((stash, number))
        added = max(slash - record.slashed, 0)
        reward = 0
        if slash >= record.slashed:
            whole = perbill_mul(self.slash_reward_fraction.get(), slash)
            reward = max(whole - record.paid_out, 0) // FIRST_REWARD
        if added or reward:
            self.span_slash.insert(
                (stash, number),
                replace(record, slashed=record.slashed + added, paid_out=record.paid_out + reward),
            )
        if added:
            spans = replace(spans, last_nonzero_slash=max(spans.last_nonzero_slash, case.era))
        is_current = number == spans.span_index
        if is_current:
            spans = span_steps.end_span(spans, case.now)
        self._store_spans(stash, spans, window)
        return added, reward, is_current

    def _store_spans(self, stash: bytes, spans: SlashingSpans, window: int) -> None:
        kept, pruned = span_steps.prune(spans, window)
        for number in pruned:
            self.span_slash.remove((stash, number))
        self.slashing_spans.insert(stash, kept)

    def _apply(self, pending: UnappliedSlash, era: int) -> None:
        """Take a slash for an offence of `era`, pay the reporters of what there was, burn the rest."""
        slashed = self._take(pending.validator, pending.own, era)
        for who, amount in pending.others:
            slashed += self._take(who, amount, era)
        left = slashed
        if pending.reporters:
            each = min(pending.payout, slashed) // len(pending.reporters)
            for reporter in pending.reporters:
                if each and self.balances.pay(reporter, each):
                    left -= each
        if left:
            self.balances.burn_credit(left)

    def _take(self, stash: bytes, amount: int, era: int) -> int:
        """Take up to `amount` of what a stash has at stake; the answer is how much there was."""
        ledger = self.ledger.get(stash)
        if ledger is None or not amount:
            return 0
        shrunk, wanted = steps.slash(ledger, amount, self.minimum_bond, era + self.bonding_duration)
        if not wanted:
            return 0
        self.ledger.insert(stash, shrunk)
        taken = self.balances.slash_held(self.hold_reason(StakingHold.Staking), stash, wanted)
        self.deposit_event(Slashed(stash, taken))
        return taken
