"""The Staking pallet: its parts together, its hooks and its genesis."""

from runtime.frame.errors import GenesisReason
from runtime.frame.genesis import GenesisReader
from runtime.frame.weights import MICROSECOND, Weight
from runtime.pallets.session import AuthorshipHandler, SessionManager, ShouldEndSession
from runtime.pallets.staking import weights
from runtime.pallets.staking.admin import Admin
from runtime.pallets.staking.bonds import Bonds
from runtime.pallets.staking.events import StakingError, StakingEvent, StakingHold
from runtime.pallets.staking.roles import Roles
from runtime.pallets.staking.state import MAX_INVULNERABLES
from runtime.pallets.staking.types import (
    MAX_NOMINATIONS,
    Forcing,
    Nominations,
    Staked,
    StakingLedger,
    ValidatorPrefs,
)
from runtime.primitives.fixed import Perbill
from runtime.primitives.integers import U32, U128

ON_INITIALIZE = Weight(200 * MICROSECOND, 8_192)
"""The first block of an era notes its start; the rest is room."""
POINTS_PER_VALIDATOR = 3 * MICROSECOND
"""The points of an era are one value: a block of 1,000 validators took 1.0 ms to rewrite it."""

_FIELDS = (
    "validatorCount",
    "minimumValidatorCount",
    "stakers",
    "invulnerables",
    "slashRewardFraction",
    "forceEra",
    "minNominatorBond",
    "minValidatorBond",
    "maxNominatorCount",
    "maxValidatorCount",
    "minCommission",
)


class Staking(
    Bonds,
    Roles,
    Admin,
    SessionManager,
    AuthorshipHandler,
    index=8,
    module="pallet_staking::pallet",
    events=StakingEvent,
    errors=StakingError,
    holds=StakingHold,
):
    """Funds at stake choose the validators, earn for their work and pay for their faults.

    A stash bonds funds, which stay held; a validator offers its service, a nominator names validators it
    trusts. Each era elects validators by stake. What an era pays depends on how much of the issuance is at
    stake.
    """

    def note_author(self, author: bytes) -> None:
        """The author of a block earns points."""
        self.reward_author(author)

    def on_initialize(self, number: int) -> Weight:
        """Account for points and `on_finalize`, and for the election that Session is about to ask for."""
        weight = ON_INITIALIZE + Weight(POINTS_PER_VALIDATOR * len(self.session.validators.get()))
        end = self.env.role(ShouldEndSession)
        if end is None or not end.should_end_session(number):
            return weight
        if not self.begins_era(self.session.current_index.get() + 2):
            return weight
        voters, targets = self.counter_for_nominators.get(), self.counter_for_validators.get()
        return weight + weights.election(voters, targets)

    def on_finalize(self, number: int) -> None:
        """A new era starts with the time of its first block."""
        self.note_time()

    def genesis(self, config: GenesisReader) -> None:
        """`stakers`: [[stash, controller, amount, "Validator" | "Idle" | {"Nominator": [addresses]}], ...].

        Beside them validatorCount, minimumValidatorCount, invulnerables, slashRewardFraction (billionths),
        forceEra, and the limits minNominatorBond, minValidatorBond, maxNominatorCount, maxValidatorCount,
        minCommission. The controller must be the stash.
        """
        config.fields(*_FIELDS)
        for name, item, kind in (
            ("validatorCount", self.validator_count, U32),
            ("minimumValidatorCount", self.minimum_validator_count, U32),
            ("slashRewardFraction", self.slash_reward_fraction, Perbill),
            ("minNominatorBond", self.min_nominator_bond, U128),
            ("minValidatorBond", self.min_validator_bond, U128),
            ("maxNominatorCount", self.max_nominators_count, U32),
            ("maxValidatorCount", self.max_validators_count, U32),
            ("minCommission", self.min_commission, Perbill),
        ):
            value = config.get(name)
            if value is not None:
                item.put(value.integer(kind))
        if self.validator_count.get() > self.max_validator_set:
            raise config.need("validatorCount").refuse(
                GenesisReason.OUT_OF_RANGE, f"at most {self.max_validator_set}"
            )
        forced = config.get("forceEra")
        if forced is not None:
            names = {mode.name: mode for mode in Forcing}
            if forced.text() not in names:
                raise forced.refuse(GenesisReason.OUT_OF_RANGE, f"none of {', '.join(names)}")
            self.force_era.put(names[forced.text()])
        listed = config.get("invulnerables")
        accounts = tuple(each.account() for each in listed.items()) if listed else ()
        if listed is not None and len(accounts) > MAX_INVULNERABLES:
            raise listed.refuse(GenesisReason.OUT_OF_RANGE, f"at most {MAX_INVULNERABLES}")
        self.invulnerables.put(accounts)
        stakers = config.get("stakers")
        for entry in stakers.items() if stakers else ():
            self._genesis_staker(entry)

    def _genesis_staker(self, entry: GenesisReader) -> None:
        parts = list(entry.items())
        if len(parts) != 4:
            raise entry.refuse(GenesisReason.WRONG_TYPE, f"expected four items, found {len(parts)}")
        stash, controller = parts[0].account(), parts[1].account()
        if controller != stash:
            raise parts[1].refuse(GenesisReason.OUT_OF_RANGE, "the controller must be the stash")
        if self.bonded.contains(stash):
            raise parts[0].refuse(GenesisReason.DUPLICATE, "this stash stands twice")
        amount = parts[2].integer(U128, minimum=max(self.minimum_bond, 1))
        if amount > self.balances.holdable(stash):
            raise parts[2].refuse(
                GenesisReason.OUT_OF_RANGE,
                f"{amount} and the existential deposit are more than the account's balance",
            )
        self.bonded.insert(stash, stash)
        self.payee.insert(stash, Staked())
        self.store_ledger(StakingLedger(stash, amount, amount))
        self._genesis_role(stash, parts[3])

    def _genesis_role(self, stash: bytes, role: GenesisReader) -> None:
        if isinstance(role.value, str):
            match role.value:
                case "Validator":
                    self.add_validator(stash, ValidatorPrefs())
                case "Idle":
                    return
                case other:
                    raise role.refuse(GenesisReason.OUT_OF_RANGE, f"{other} is no role")
            return
        targets = tuple(each.account() for each in role.fields("Nominator").need("Nominator").items())
        if not 0 < len(targets) <= MAX_NOMINATIONS:
            raise role.refuse(GenesisReason.OUT_OF_RANGE, f"1 to {MAX_NOMINATIONS} targets")
        self.add_nominator(stash, Nominations(tuple(dict.fromkeys(targets)), 0))
