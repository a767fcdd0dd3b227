"""Staking with sessions turned by hand: eras pass without blocks, so that a test can live through dozens."""

from typing import Any

from runtime.configuration import CONSTANTS, UNIT
from runtime.frame.origin import ROOT, Signed
from runtime.pallets.balances import Balances
from runtime.pallets.offences import Offences
from runtime.pallets.session import Session
from runtime.pallets.staking import Staking
from runtime.pallets.staking.events import StakingHold
from runtime.pallets.system import System
from runtime.pallets.timestamp import Timestamp
from runtime.primitives.keys import ss58
from runtime.primitives.multiaddress import Id
from tests.runtime.helpers import World

SESSIONS = CONSTANTS[Staking]["sessions_per_era"]
BONDING = CONSTANTS[Staking]["bonding_duration"]
DEFER = CONSTANTS[Staking]["slash_defer_duration"]
SESSION_MS = 3_600_000
START_MS = 1_700_000_000_000
RICH = 10_000 * UNIT


def stash(number: int) -> bytes:
    """An account of the test: validators are 1, 2, ..., nominators 101, 102, ..."""
    return bytes([number]) * 32


def staking_config(
    validators: int = 4, seats: int = 4, nominators: int = 0, **changes: Any
) -> dict[str, Any]:
    """A genesis of validators with 1,000 FIX each, and nominators of all of them with 500 FIX each."""
    names = [*range(1, validators + 1), *range(101, 101 + nominators)]
    everyone = [ss58.encode(stash(number)) for number in (*names, 50, 51, 52)]
    stakers: list[list[Any]] = [
        [ss58.encode(stash(n)), ss58.encode(stash(n)), 1_000 * UNIT, "Validator"]
        for n in range(1, validators + 1)
    ]
    targets = [ss58.encode(stash(n)) for n in range(1, validators + 1)]
    stakers += [
        [ss58.encode(stash(n)), ss58.encode(stash(n)), 500 * UNIT, {"Nominator": targets}]
        for n in range(101, 101 + nominators)
    ]
    base = {
        "validatorCount": seats,
        "minimumValidatorCount": 1,
        "slashRewardFraction": 100_000_000,
        "stakers": stakers,
    }
    return {
        "balances": {"balances": [[address, RICH] for address in everyone]},
        "staking": base | changes,
        "session": {"keys": [keys_of(number) for number in (*range(1, validators + 1), 50, 51)]},
    }


def keys_of(number: int) -> list[Any]:
    """The genesis entry of a validator's session keys: they are never used here, only told apart."""
    address = ss58.encode(stash(number))
    return [address, address, {"babe": "0x" + f"{number:064x}", "grandpa": "0x" + f"{number:096x}"}]


class Chain(World):
    """A world whose sessions are turned by `session()` and whose eras by `era()`."""

    def __init__(self, genesis: dict[str, Any] | None = None) -> None:
        super().__init__(staking_config() if genesis is None else genesis)
        self.now = START_MS
        self._clock()
        self.staking.on_finalize(0)
        self.env.events.clear()

    @property
    def staking(self) -> Staking:
        """The pallet under test."""
        return self.env.pallet(Staking)

    @property
    def balances(self) -> Balances:
        """Where its funds lie."""
        return self.env.pallet(Balances)

    @property
    def offences(self) -> Offences:
        """Where its offenders are reported."""
        return self.env.pallet(Offences)

    @property
    def index(self) -> int:
        """The session."""
        return self.env.pallet(Session).current_index.get()

    @property
    def active(self) -> int:
        """The active era."""
        era = self.staking.active_era.get()
        assert era is not None
        return era.index

    @property
    def validators(self) -> list[bytes]:
        """The validators of the session."""
        return list(self.env.pallet(Session).validators.get())

    def session(self, count: int = 1) -> None:
        """Pass so many sessions, of an hour each."""
        for _ in range(count):
            self.now += SESSION_MS
            self._clock()
            self.env.pallet(Session).rotate()
            self.staking.on_finalize(0)

    def era(self, count: int = 1) -> None:
        """Pass sessions until so many eras have begun."""
        goal = self.active + count
        while self.active < goal:
            self.session()

    def limit(self, **constants: int) -> None:
        """Run on with other constants of Staking."""
        self.staking.__dict__.update(constants)

    def run(self, who: bytes, name: str, /, **arguments: Any) -> None:
        """A call of Staking, signed."""
        self.dispatch(Signed(who), self.make(f"Staking.{name}", **arguments))

    def root(self, name: str, /, **arguments: Any) -> None:
        """A call of Staking by root."""
        self.dispatch(ROOT, self.make(f"Staking.{name}", **arguments))

    def held(self, who: bytes) -> int:
        """What Staking holds of an account's funds."""
        return self.balances.balance_on_hold(self.staking.hold_reason(StakingHold.Staking), who)

    def check(self) -> None:
        """Funds add up, and ledgers, holds and counters say the same."""
        staking = self.staking
        accounts = list(self.env.pallet(System).account.items())
        total = sum(info.data.free + info.data.reserved for _, info in accounts)
        assert total == self.balances.total_issuance.get()
        ledgers = dict(staking.ledger.items())
        for who, info in accounts:
            ledger = ledgers.pop(who, None)
            held = self.held(who)
            assert held == (ledger.total if ledger else 0)
            assert info.data.reserved == held
            if ledger:
                assert ledger.total == ledger.active + sum(chunk.value for chunk in ledger.unlocking)
                assert all(chunk.value for chunk in ledger.unlocking)
                assert staking.bonded.get(who) == who
        assert not ledgers
        validators, nominators = dict(staking.validators.items()), dict(staking.nominators.items())
        assert staking.counter_for_validators.get() == len(validators)
        assert staking.counter_for_nominators.get() == len(nominators)
        assert not validators.keys() & nominators.keys()
        assert all(staking.bonded.contains(who) for who in (*validators, *nominators))

    def _clock(self) -> None:
        self.env.pallet(Timestamp).now.put(self.now)


def targets(*numbers: int) -> list[Id]:
    """Addresses of stashes."""
    return [Id(stash(number)) for number in numbers]
