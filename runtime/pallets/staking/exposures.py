"""What stood behind the validators of an era, in pages that one payout or one slash can work through."""

from runtime.election import Support
from runtime.pallets.staking.state import StakingState
from runtime.pallets.staking.types import ExposurePage, IndividualExposure, PagedExposureMetadata

CLEARED_PER_ITEM = 1 << 20
"""Entries that clearing an era removes at most of each map: more than an election's voters times its targets
could ever leave, so all of them."""


class Exposures(StakingState):
    """Storing, reading and forgetting exposures."""

    def store_exposures(self, era: int, supports: dict[bytes, Support[bytes]]) -> None:
        """Write the pages, totals and preferences of a newly planned era."""
        size = self.max_exposure_page_size
        for stash, support in supports.items():
            own = sum(stake for who, stake in support.voters if who == stash)
            others = [IndividualExposure(who, stake) for who, stake in support.voters if who != stash]
            pages = [others[start : start + size] for start in range(0, len(others), size)]
            overview = PagedExposureMetadata(support.total, own, len(others), len(pages))
            self.eras_stakers_overview.insert(era, stash, overview)
            for number, page in enumerate(pages):
                stored = ExposurePage(sum(each.value for each in page), tuple(page))
                self.eras_stakers_paged.insert(era, stash, number, stored)
            self.eras_validator_prefs.insert(era, stash, self.validators.get(stash))
        self.eras_total_stake.insert(era, sum(support.total for support in supports.values()))

    def pages_of(self, era: int, stash: bytes) -> int:
        """How many payouts the era owes a validator and its nominators: at least one where it was elected."""
        overview = self.eras_stakers_overview.get(era, stash)
        return 0 if overview is None else max(overview.page_count, 1)

    def page_of(self, era: int, stash: bytes, page: int) -> tuple[int, tuple[IndividualExposure, ...]]:
        """What the validator has itself on this page (all of it on page 0), and the page's nominators."""
        overview = self.eras_stakers_overview.get(era, stash)
        stored = self.eras_stakers_paged.get(era, stash, page)
        own = overview.own if overview is not None and page == 0 else 0
        return own, () if stored is None else stored.others

    def nominators_of(self, era: int, stash: bytes) -> tuple[IndividualExposure, ...]:
        """All nominators behind a validator in an era."""
        pages = range(self.pages_of(era, stash))
        return tuple(each for page in pages for each in self.page_of(era, stash, page)[1])

    def clear_era(self, era: int) -> None:
        """Forget an era that has left the history."""
        self.eras_stakers_overview.clear_under(era, CLEARED_PER_ITEM)
        self.eras_stakers_paged.clear_under(era, CLEARED_PER_ITEM)
        self.claimed_rewards.clear_under(era, CLEARED_PER_ITEM)
        self.eras_validator_prefs.clear_under(era, CLEARED_PER_ITEM)
        self.eras_validator_reward.remove(era)
        self.eras_reward_points.remove(era)
        self.eras_total_stake.remove(era)
        self.eras_start_session_index.remove(era)
