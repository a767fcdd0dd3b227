"""Offences: each is counted once, and those that fall together are punished together."""

import pytest

from runtime.configuration import UNIT
from runtime.pallets.offences import Offence as Reported
from runtime.pallets.offences import OffenceDetails
from runtime.pallets.session import Offence
from runtime.pallets.staking.events import SlashReported
from runtime.primitives.fixed import PERBILL_ONE
from runtime.primitives.hashing import blake2_256
from tests.runtime.pallets.staking.chain import DEFER, Chain, staking_config, stash

KIND = b"babe:equivocatio"
SLOT = (7).to_bytes(8, "little")
COUNT = 30


@pytest.fixture
def chain() -> Chain:
    built = Chain(staking_config(COUNT, COUNT))
    built.reported()
    return built


def offence(*numbers: int, slot: bytes = SLOT, kind: bytes = KIND) -> Offence:
    return Offence(kind, 0, COUNT, slot, tuple(stash(number) for number in numbers))


def square(offenders: int) -> int:
    share = min(3 * offenders * PERBILL_ONE // COUNT, PERBILL_ONE)
    return share * share // PERBILL_ONE


def fractions(chain: Chain) -> dict[bytes, int]:
    return {event.validator: event.fraction for event in chain.reported() if isinstance(event, SlashReported)}


def test_a_report_is_kept_under_the_hash_of_what_makes_it_one(chain: Chain) -> None:
    assert chain.offences.report_offence([stash(50)], offence(1))
    report = blake2_256(KIND + b"\x20" + SLOT + stash(1))
    assert chain.offences.reports.get(report) == OffenceDetails((stash(1), ()), (stash(50),))
    assert chain.offences.concurrent_reports_index.get(KIND, SLOT) == (report,)
    assert Reported(KIND, SLOT) in chain.reported()
    assert chain.staking.unapplied_slashes.get(DEFER + 1)[0].reporters == (stash(50),)


def test_a_known_offence_is_not_counted_again(chain: Chain) -> None:
    assert not chain.offences.is_known_offence(KIND, [stash(1)], SLOT)
    assert chain.offences.report_offence([stash(50)], offence(1))
    assert chain.offences.is_known_offence(KIND, [stash(1)], SLOT)
    assert not chain.offences.is_known_offence(KIND, [stash(1), stash(2)], SLOT)
    before = chain.env.overlay.changes()
    chain.reported()
    assert not chain.offences.report_offence([stash(51)], offence(1))
    assert chain.env.overlay.changes() == before
    assert chain.reported() == []


def test_those_who_offend_together_pay_together(chain: Chain) -> None:
    chain.offences.report_offence([], offence(1))
    assert fractions(chain) == {stash(1): square(1)}
    chain.offences.report_offence([], offence(1, 2, 2))
    assert fractions(chain) == {stash(1): square(2), stash(2): square(2)}
    chain.offences.report_offence([], offence(*range(3, 14)))
    assert set(fractions(chain).values()) == {PERBILL_ONE}
    chain.era(DEFER + 1)
    for number in range(1, 14):
        ledger = chain.staking.ledger.get(stash(number))
        assert ledger is not None
        assert ledger.total == 0
    chain.check()


def test_another_time_and_another_kind_are_other_offences(chain: Chain) -> None:
    chain.offences.report_offence([], offence(1))
    chain.offences.report_offence([], offence(2, slot=bytes(8)))
    chain.offences.report_offence([], offence(3, kind=b"grandpa:equivoca"))
    assert set(fractions(chain).values()) == {square(1)}
    assert chain.staking.unapplied_slashes.get(DEFER + 1)[0].own == 1_000 * UNIT * square(1) // PERBILL_ONE
