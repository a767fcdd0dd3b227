"""Era points and what they pay.

An era's payout is shared by points. Of a validator's share its commission comes first, the rest goes to all
that stands behind it, in proportion. Every part is one exact fraction rounded down once, so that the parts
never exceed the payout and fall short of it by less than one unit for each who is paid.
"""

from dataclasses import replace

from runtime.frame.api import runtime_api
from runtime.frame.call import call
from runtime.frame.errors import CallFailed, ensure
from runtime.frame.origin import Origin, ensure_signed
from runtime.frame.weights import Pays, PostDispatchInfo, Weight
from runtime.pallets.staking import weights
from runtime.pallets.staking.events import PayoutStarted, Rewarded, StakingError
from runtime.pallets.staking.exposures import Exposures
from runtime.pallets.staking.types import (
    MAX_NOMINATIONS,
    Account,
    Controller,
    EraIndex,
    EraRewardPoints,
    Nowhere,
    Page,
    RewardDestination,
    Staked,
    Stash,
)
from runtime.primitives.fixed import PERBILL_ONE
from runtime.primitives.integers import U32
from runtime.primitives.types import AccountId, Balance

POINTS_PER_BLOCK = 20
"""Points for a block: Substrate's value. With one kind of work any number would pay the same."""
MAX_POINTS = (1 << 32) - 1


def _payout_weight(pallet: Exposures, *arguments: object) -> Weight:
    return weights.payout(pallet.max_exposure_page_size)


class Rewards(Exposures):
    """Points, payouts by page, and the interface by which wallets ask for what is due."""

    def reward_author(self, author: bytes) -> None:
        """Give points for a block to its author, in the active era."""
        active = self.active_era.get()
        if active is None:
            return
        points = self.eras_reward_points.get(active.index)
        if points.total + POINTS_PER_BLOCK > MAX_POINTS:
            return
        individual = dict(points.individual)
        individual[author] = individual.get(author, 0) + POINTS_PER_BLOCK
        self.eras_reward_points.insert(
            active.index, EraRewardPoints(points.total + POINTS_PER_BLOCK, individual)
        )

    @call(18, weight=_payout_weight)
    def payout_stakers(self, origin: Origin, validator_stash: AccountId, era: EraIndex) -> PostDispatchInfo:
        """Pay out next page of the stakers behind a validator for the given era.

        Anyone may call it; the fee is paid back. Pages are paid in order.
        """
        ensure_signed(origin)
        self._ensure_payable(era)
        claimed = self.claimed_rewards.get(era, validator_stash)
        pages = self.pages_of(era, validator_stash)
        page = next((page for page in range(pages) if page not in claimed), None)
        if page is None:
            raise CallFailed(StakingError.ALREADY_CLAIMED if pages else StakingError.NOT_STASH)
        return self._pay_page(validator_stash, era, page)

    @call(26, weight=_payout_weight)
    def payout_stakers_by_page(
        self, origin: Origin, validator_stash: AccountId, era: EraIndex, page: Page
    ) -> PostDispatchInfo:
        """Pay out a page of the stakers behind a validator for the given era and page. Anyone may call it."""
        ensure_signed(origin)
        self._ensure_payable(era)
        ensure(page < self.pages_of(era, validator_stash), StakingError.INVALID_PAGE)
        claimed = self.claimed_rewards.get(era, validator_stash)
        ensure(page not in claimed, StakingError.ALREADY_CLAIMED)
        return self._pay_page(validator_stash, era, page)

    @runtime_api("StakingApi", "nominations_quota")
    def nominations_quota(self, balance: Balance) -> U32:
        """The most targets that a nominator of this stake may name."""
        return MAX_NOMINATIONS

    @runtime_api("StakingApi", "eras_stakers_page_count")
    def eras_stakers_page_count(self, era: EraIndex, account: AccountId) -> Page:
        """The page count of exposures for a validator `account` in a given era."""
        return self.pages_of(era, account)

    @runtime_api("StakingApi", "pending_rewards")
    def pending_rewards(self, era: EraIndex, account: AccountId) -> bool:
        """Whether the validator `account` has pages of this era that are not paid out yet."""
        return len(self.claimed_rewards.get(era, account)) < self.pages_of(era, account)

    def _ensure_payable(self, era: int) -> None:
        current = self.current_era.get()
        in_history = current is not None and current - self.history_depth <= era <= current
        ensure(
            in_history and self.eras_validator_reward.get(era) is not None,
            StakingError.INVALID_ERA_TO_REWARD,
        )

    def _pay_page(self, validator: bytes, era: int, page: int) -> PostDispatchInfo:
        pages = self.pages_of(era, validator)
        claimed = (*self.claimed_rewards.get(era, validator), page)
        self.claimed_rewards.insert(era, validator, claimed)
        overview = self.eras_stakers_overview.get(era, validator)
        payout = self.eras_validator_reward.get(era)
        assert overview is not None, "the caller has checked the page"
        assert payout is not None, "the caller has checked the era"
        points = self.eras_reward_points.get(era)
        earned = points.individual.get(validator, 0)
        own, others = self.page_of(era, validator, page)
        following = next((number for number in range(pages) if number not in claimed), None)
        self.deposit_event(PayoutStarted(era, validator, page, following))
        paid = PostDispatchInfo(weights.payout(len(others)), Pays.No)
        if not earned:
            return paid
        share = payout * earned // points.total
        prefs = self.eras_validator_prefs.get(era, validator)
        commission = share * prefs.commission // PERBILL_ONE
        left = share - commission
        on_page = own + sum(each.value for each in others)
        # The commission comes in parts, as the pages are paid.
        part = commission * on_page // overview.total + left * own // overview.total
        self._reward(validator, part)
        for each in others:
            self._reward(each.who, left * each.value // overview.total)
        return paid

    def _reward(self, stash: bytes, amount: int) -> None:
        """Mint a reward to where the stash wants it; nothing where it wants none."""
        destination = self.payee.get(stash)
        if destination is not None and amount and self._paid(stash, destination, amount):
            self.deposit_event(Rewarded(stash, destination, amount))

    def _paid(self, stash: bytes, destination: RewardDestination, amount: int) -> bool:
        match destination:
            case Nowhere():
                return False
            case Account(account):
                return self.balances.mint(account, amount)
            case Stash() | Controller():
                return self.balances.mint(stash, amount)
            case Staked():
                ledger = self.ledger.get(stash)
                if ledger is None or not self.balances.mint(stash, amount):
                    return False
                extra = min(amount, self.balances.holdable(stash))
                self.store_ledger(replace(ledger, total=ledger.total + extra, active=ledger.active + extra))
                return True
