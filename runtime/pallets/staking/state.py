"""What Staking keeps: all storage and constants, and the ledger, which every other part goes through."""

from typing import Annotated

from runtime.frame.errors import CallFailed, ensure
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.storage import Hasher, StorageDoubleMap, StorageMap, StorageTripleMap, StorageValue
from runtime.pallets.balances import Balances
from runtime.pallets.session import Session
from runtime.pallets.staking.events import Chilled, StakingError, StakingHold
from runtime.pallets.staking.types import (
    NO_POINTS,
    ActiveEraInfo,
    EraIndex,
    EraRewardPoints,
    ExposurePage,
    Forcing,
    Nominations,
    Page,
    PagedExposureMetadata,
    RewardDestination,
    SessionIndex,
    SlashingSpans,
    SpanRecord,
    StakingLedger,
    UnappliedSlash,
    ValidatorPrefs,
)
from runtime.pallets.system import System
from runtime.pallets.timestamp import Timestamp
from runtime.primitives.fixed import Perbill, Percent
from runtime.primitives.integers import U32
from runtime.primitives.scale import MaxLen, Vector
from runtime.primitives.types import AccountId, Balance

TWOX = Hasher.TWOX_64_CONCAT
PAIR = (TWOX, TWOX)

MAX_INVULNERABLES = 32
"""Validators that are never slashed: for test networks only, and read with every offence."""
MAX_BONDED_ERAS = 1_024
"""Eras of the bonding duration: the longest that a chain may choose."""


class StakingState(Pallet):
    """Storage and constants, in the order of Substrate's."""

    validator_count: StorageValue[U32] = StorageValue(0, doc="The ideal number of active validators.")
    minimum_validator_count: StorageValue[U32] = StorageValue(
        0, doc="Minimum number of staking participants before emergency conditions are imposed."
    )
    invulnerables: StorageValue[Annotated[Vector[AccountId], MaxLen(MAX_INVULNERABLES)]] = StorageValue(
        (), doc="Any validators that may never be slashed or forcibly kicked."
    )
    bonded: StorageMap[AccountId, AccountId | None] = StorageMap(
        hasher=TWOX, doc="Map from all locked stash accounts to the controller account, here the same."
    )
    min_nominator_bond: StorageValue[Balance] = StorageValue(
        0, doc="The minimum active bond to become and maintain the role of a nominator."
    )
    min_validator_bond: StorageValue[Balance] = StorageValue(
        0, doc="The minimum active bond to become and maintain the role of a validator."
    )
    minimum_active_stake: StorageValue[Balance] = StorageValue(
        0, doc="The minimum active nominator stake of the last successful election."
    )
    min_commission: StorageValue[Perbill] = StorageValue(
        0, doc="The minimum amount of commission that validators can set. If `0`, no limit exists."
    )
    ledger: StorageMap[AccountId, StakingLedger | None] = StorageMap(
        doc="Map from all controller accounts to the info regarding the staking."
    )
    payee: StorageMap[AccountId, RewardDestination | None] = StorageMap(
        hasher=TWOX, doc="Where the reward payment should be made. Keyed by stash."
    )
    validators: StorageMap[AccountId, ValidatorPrefs] = StorageMap(
        ValidatorPrefs(),
        hasher=TWOX,
        doc="The map from (wannabe) validator stash key to the preferences of that validator.",
    )
    counter_for_validators: StorageValue[U32] = StorageValue(0, doc="How many validators there are.")
    max_validators_count: StorageValue[U32 | None] = StorageValue(
        doc="The maximum validator count before we stop allowing new validators to join."
    )
    nominators: StorageMap[AccountId, Nominations | None] = StorageMap(
        hasher=TWOX, doc="The map from nominator stash key to their nomination preferences."
    )
    counter_for_nominators: StorageValue[U32] = StorageValue(0, doc="How many nominators there are.")
    max_nominators_count: StorageValue[U32 | None] = StorageValue(
        doc="The maximum nominator count before we stop allowing new nominators to join."
    )
    current_era: StorageValue[EraIndex | None] = StorageValue(
        doc="The current era index: the latest planned era, which may not be active yet."
    )
    active_era: StorageValue[ActiveEraInfo | None] = StorageValue(
        doc="The active era information: index and start. The active era is the one being rewarded."
    )
    eras_start_session_index: StorageMap[EraIndex, SessionIndex | None] = StorageMap(
        hasher=TWOX, doc="The session index at which the era starts, for the last `HistoryDepth` eras."
    )
    eras_stakers_overview: StorageDoubleMap[EraIndex, AccountId, PagedExposureMetadata | None] = (
        StorageDoubleMap(hashers=PAIR, doc="Summary of validator exposure at a given era.")
    )
    eras_stakers_paged: StorageTripleMap[EraIndex, AccountId, Page, ExposurePage | None] = StorageTripleMap(
        hashers=(TWOX, TWOX, TWOX), doc="Paginated exposure of a validator at given era."
    )
    claimed_rewards: StorageDoubleMap[EraIndex, AccountId, Vector[Page]] = StorageDoubleMap(
        (), hashers=PAIR, doc="History of claimed paged rewards by era and validator."
    )
    eras_validator_prefs: StorageDoubleMap[EraIndex, AccountId, ValidatorPrefs] = StorageDoubleMap(
        ValidatorPrefs(), hashers=PAIR, doc="Preferences of validators at the start of the era."
    )
    eras_validator_reward: StorageMap[EraIndex, Balance | None] = StorageMap(
        hasher=TWOX, doc="The total validator era payout for the last `HistoryDepth` eras."
    )
    eras_reward_points: StorageMap[EraIndex, EraRewardPoints] = StorageMap(
        NO_POINTS, hasher=TWOX, doc="Rewards for the last `HistoryDepth` eras."
    )
    eras_total_stake: StorageMap[EraIndex, Balance] = StorageMap(
        0, hasher=TWOX, doc="The total amount staked for the last `HistoryDepth` eras."
    )
    force_era: StorageValue[Forcing] = StorageValue(Forcing.NotForcing, doc="Mode of era forcing.")
    max_staked_rewards: StorageValue[Percent | None] = StorageValue(
        doc="Maximum staked rewards, i.e. the percentage of the era inflation that is used for stakers."
    )
    slash_reward_fraction: StorageValue[Perbill] = StorageValue(
        0, doc="The percentage of the slash that is distributed to reporters."
    )
    canceled_slash_payout: StorageValue[Balance] = StorageValue(
        0, doc="The amount of currency given to reporters of a slash event which was canceled."
    )
    unapplied_slashes: StorageMap[EraIndex, Vector[UnappliedSlash]] = StorageMap(
        (), hasher=TWOX, doc="All unapplied slashes that are queued for later."
    )
    bonded_eras: StorageValue[Annotated[Vector[tuple[EraIndex, SessionIndex]], MaxLen(MAX_BONDED_ERAS)]] = (
        StorageValue((), doc="A mapping from still-bonded eras to the first session index of that era.")
    )
    validator_slash_in_era: StorageDoubleMap[EraIndex, AccountId, tuple[Perbill, Balance] | None] = (
        StorageDoubleMap(
            hashers=PAIR,
            doc="All slashing events on validators, mapped by era to the highest slash proportion and value.",
        )
    )
    nominator_slash_in_era: StorageDoubleMap[EraIndex, AccountId, Balance | None] = StorageDoubleMap(
        hashers=PAIR, doc="All slashing events on nominators, mapped by era to the slash value."
    )
    slashing_spans: StorageMap[AccountId, SlashingSpans | None] = StorageMap(
        hasher=TWOX, doc="Slashing spans for stash accounts."
    )
    span_slash: StorageMap[tuple[AccountId, U32], SpanRecord] = StorageMap(
        SpanRecord(),
        hasher=TWOX,
        doc="Records information about the maximum slash of a stash within a slashing span.",
    )
    current_planned_session: StorageValue[SessionIndex] = StorageValue(
        0, doc="The last planned session scheduled by the session pallet."
    )
    chill_threshold: StorageValue[Percent | None] = StorageValue(
        doc="How full the validators or nominators must be, in percent, before `chill_other` may be used."
    )

    history_depth: Constant[U32] = Constant(doc="Number of eras to keep in history.")
    sessions_per_era: Constant[SessionIndex] = Constant(doc="Number of sessions per era.")
    bonding_duration: Constant[EraIndex] = Constant(
        doc="Number of eras that staked funds must remain bonded for."
    )
    slash_defer_duration: Constant[EraIndex] = Constant(
        doc="Number of eras that slashes are deferred by, after computation."
    )
    max_exposure_page_size: Constant[U32] = Constant(doc="The maximum size of each exposure page.")
    max_unlocking_chunks: Constant[U32] = Constant(
        doc="The maximum number of `unlocking` chunks a ledger can have."
    )
    max_validator_set: Constant[U32] = Constant(doc="The most validators that an era can have.")
    max_electing_voters: Constant[U32] = Constant(
        doc="The most voters of an election, validators' own votes included; it bounds the election's time."
    )
    max_electable_targets: Constant[U32] = Constant(doc="The most candidates of an election.")

    system = Uses(System)
    timestamp = Uses(Timestamp)
    balances = Uses(Balances)
    session = Uses(Session)

    @property
    def minimum_bond(self) -> int:
        """What is too little to stay bonded: below the existential deposit."""
        return self.balances.existential_deposit

    def ledger_of(self, who: bytes) -> StakingLedger:
        """The ledger of a stash that calls; `NotController` where it has none."""
        ledger = self.ledger.get(who)
        if ledger is None:
            raise CallFailed(StakingError.NOT_CONTROLLER)
        return ledger

    def store_ledger(self, ledger: StakingLedger) -> None:
        """Write a ledger and hold exactly its total of the stash's funds.

        Fails with `FundsUnavailable` where the total has grown beyond what is free. A ledger only shrinks in
        what is held by `slash_held` before it comes here.
        """
        reason = self.hold_reason(StakingHold.Staking)
        held = self.balances.balance_on_hold(reason, ledger.stash)
        if ledger.total > held:
            self.balances.hold(reason, ledger.stash, ledger.total - held)
        elif ledger.total < held:
            self._release(ledger.stash, held - ledger.total)
        self.ledger.insert(ledger.stash, ledger)

    def _release(self, stash: bytes, amount: int) -> None:
        """Free funds, or what root has left of them: a stash must stay removable."""
        left = self.system.account.get(stash).data.reserved
        self.balances.release(self.hold_reason(StakingHold.Staking), stash, min(amount, left))

    def kill_stash(self, stash: bytes, spans: int) -> None:
        """Forget a stash and release what is still held; `spans` bounds the slashing spans to remove."""
        self.clear_spans(stash, spans)
        ledger = self.ledger.get(stash)
        if ledger is not None:
            self._release(stash, self.balances.balance_on_hold(self.hold_reason(StakingHold.Staking), stash))
        self.bonded.remove(stash)
        self.ledger.remove(stash)
        self.payee.remove(stash)
        self.remove_validator(stash)
        self.remove_nominator(stash)

    def clear_spans(self, stash: bytes, limit: int) -> None:
        """Forget a stash's slashes; `IncorrectSlashingSpans` where it has more spans than `limit`."""
        found = self.slashing_spans.get(stash)
        if found is None:
            return
        known = len(found.prior) + 1
        ensure(limit >= known, StakingError.INCORRECT_SLASHING_SPANS)
        self.slashing_spans.remove(stash)
        for number in range(found.span_index + 1 - known, found.span_index + 1):
            self.span_slash.remove((stash, number))

    def add_validator(self, stash: bytes, prefs: ValidatorPrefs) -> None:
        """Make or keep a stash a candidate."""
        if not self.validators.contains(stash):
            self.counter_for_validators.put(self.counter_for_validators.get() + 1)
        self.validators.insert(stash, prefs)

    def remove_validator(self, stash: bytes) -> bool:
        """Whether the stash was a candidate, which it is no more."""
        if not self.validators.contains(stash):
            return False
        self.validators.remove(stash)
        self.counter_for_validators.put(self.counter_for_validators.get() - 1)
        return True

    def add_nominator(self, stash: bytes, nominations: Nominations) -> None:
        """Make or keep a stash a nominator."""
        if not self.nominators.contains(stash):
            self.counter_for_nominators.put(self.counter_for_nominators.get() + 1)
        self.nominators.insert(stash, nominations)

    def remove_nominator(self, stash: bytes) -> bool:
        """Whether the stash was a nominator, which it is no more."""
        if not self.nominators.contains(stash):
            return False
        self.nominators.remove(stash)
        self.counter_for_nominators.put(self.counter_for_nominators.get() - 1)
        return True

    def chill_stash(self, stash: bytes) -> None:
        """Take a stash out of the next elections."""
        was_validator, was_nominator = self.remove_validator(stash), self.remove_nominator(stash)
        if was_validator or was_nominator:
            self.deposit_event(Chilled(stash))

    def validator_room(self) -> int:
        """The most candidates there may be."""
        chosen = self.max_validators_count.get()
        return self.max_electable_targets if chosen is None else min(chosen, self.max_electable_targets)

    def nominator_room(self) -> int:
        """The most nominators there may be: every candidate's own vote has its place in an election too."""
        room = self.max_electing_voters - self.max_electable_targets
        chosen = self.max_nominators_count.get()
        return room if chosen is None else min(chosen, room)
