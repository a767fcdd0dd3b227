"""Liveness: who is absent leaves and pays, and a network that falls apart is not punished."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.pallets.liveness import (
    KIND,
    MIN_BLOCKS_PER_VALIDATOR,
    AllGood,
    Liveness,
    SomeOffline,
    UnresponsivenessOffence,
)
from runtime.pallets.offences import Offence
from runtime.pallets.session import Session
from runtime.pallets.staking.events import Chilled, SlashReported
from runtime.primitives.fixed import PERBILL_ONE
from tests.runtime.pallets.staking.chain import Chain, staking_config, stash

COUNT = 12
ENOUGH = MIN_BLOCKS_PER_VALIDATOR * COUNT


@pytest.fixture
def chain() -> Chain:
    built = Chain(staking_config(COUNT, COUNT))
    built.reported()
    return built


def liveness(chain: Chain) -> Liveness:
    return chain.env.pallet(Liveness)


def author(chain: Chain, blocks: int, absent: tuple[int, ...] = ()) -> None:
    """So many blocks by all validators in turn but the absent."""
    present = [stash(number) for number in range(1, COUNT + 1) if number not in absent]
    for number in range(blocks):
        liveness(chain).note_author(present[number % len(present)])


def test_a_session_in_which_all_author_is_good(chain: Chain) -> None:
    author(chain, ENOUGH)
    liveness(chain).on_before_session_ending()
    assert chain.reported() == [AllGood()]


def test_one_absentee_is_chilled_and_pays_nothing(chain: Chain) -> None:
    author(chain, ENOUGH, absent=(3,))
    liveness(chain).on_before_session_ending()
    slot = (0).to_bytes(4, "little")
    assert chain.reported() == [
        SomeOffline((stash(3),)),
        SlashReported(stash(3), 0, 0),
        Chilled(stash(3)),
        Offence(KIND, slot),
    ]
    assert not chain.staking.validators.contains(stash(3))


def test_several_absentees_pay_for_being_many(chain: Chain) -> None:
    author(chain, ENOUGH, absent=(3, 4, 5, 6))
    liveness(chain).on_before_session_ending()
    expected = 7 * (3 * (4 - 2) * PERBILL_ONE // COUNT) // 100
    reports = [event for event in chain.reported() if isinstance(event, SlashReported)]
    assert reports == [SlashReported(stash(number), expected, 0) for number in (3, 4, 5, 6)]


def test_more_than_a_third_absent_is_the_networks_fault(chain: Chain) -> None:
    author(chain, ENOUGH, absent=(1, 2, 3, 4, 5))
    liveness(chain).on_before_session_ending()
    assert chain.reported() == [SomeOffline(tuple(stash(number) for number in range(1, 6)))]
    assert chain.staking.counter_for_validators.get() == COUNT


def test_a_short_session_proves_nothing(chain: Chain) -> None:
    author(chain, ENOUGH - 1, absent=(3,))
    liveness(chain).on_before_session_ending()
    assert chain.reported() == []


def test_a_disabled_validator_is_not_absent(chain: Chain) -> None:
    chain.env.pallet(Session).disable(stash(3))
    chain.reported()
    author(chain, ENOUGH, absent=(3,))
    liveness(chain).on_before_session_ending()
    assert chain.reported() == [AllGood()]


def test_every_session_is_counted_anew(chain: Chain) -> None:
    author(chain, ENOUGH)
    liveness(chain).on_genesis_session([])
    liveness(chain).on_new_session(False, [], [])
    assert list(liveness(chain).authored_blocks.items()) == []
    author(chain, ENOUGH - 1, absent=(3,))
    liveness(chain).on_before_session_ending()
    assert chain.reported() == []


def test_a_chain_without_validators_has_no_absentees() -> None:
    chain = Chain(staking_config(0, 1))
    liveness(chain).on_before_session_ending()
    assert chain.reported() == []


@given(st.integers(1, 1_000), st.integers(0, 1_000))
def test_the_fraction_rises_from_nothing_to_seven_percent(count: int, offenders: int) -> None:
    offenders = min(offenders, count)
    offence = UnresponsivenessOffence(KIND, 0, count, b"", ())
    found = offence.slash_fraction(offenders)
    excess = max(offenders - (count // 10 + 1), 0)
    exact = min(3 * excess * PERBILL_ONE * 7 // (100 * count), 7 * PERBILL_ONE // 100)
    assert abs(found - exact) <= 1
    assert (found == 0) == (excess == 0)
