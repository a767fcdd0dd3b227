import json
from pathlib import Path

import pytest

from consensus import authorities
from consensus.authorities import (
    Authority,
    AuthorityFault,
    AuthoritySet,
    InvalidAuthorities,
    Voter,
    VoterSet,
    supermajority,
)
from consensus.epoch import AllowedSlots, Epoch, EpochFault, InvalidEpoch, next_randomness
from tests.consensus.builders import bls_key, epoch, key, voter_set

GRANDPA = json.loads((Path(__file__).parents[1] / "vectors" / "grandpa_cases.json").read_text())


@pytest.mark.parametrize(("weight", "threshold"), GRANDPA["thresholds"])
def test_the_threshold_is_grandpas(weight: int, threshold: int) -> None:
    assert supermajority(weight) == threshold


@pytest.mark.parametrize("weight", range(1, 200))
def test_two_supermajorities_share_more_than_the_tolerated_faults(weight: int) -> None:
    faults = (weight - 1) // 3
    assert 2 * supermajority(weight) - weight > faults
    assert weight - faults >= supermajority(weight)


def test_a_set_knows_its_weight_its_threshold_and_the_index_of_each_key() -> None:
    authors = AuthoritySet((Authority(key(1).public, 5), Authority(key(2).public, 2)))
    assert (len(authors), authors.total_weight) == (2, 7)
    assert authors.index_of(key(2).public) == 1
    assert authors.index_of(key(3).public) is None
    voters, keys = voter_set([4, 3], set_id=9)
    assert (len(voters), voters.total_weight, voters.threshold, voters.set_id) == (2, 7, 5, 9)
    assert voters.index_of(keys[1].public) == 1
    assert voters.index_of(bytes(48)) is None


def test_a_set_that_cannot_run_consensus_is_refused_with_the_member_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Authority(key(1).public, 1)
    monkeypatch.setattr(authorities, "MAX_AUTHORITIES", 2)
    bad_sets = [
        ((), AuthorityFault.EMPTY, "at least one"),
        ((one, Authority(key(2).public, 1), Authority(key(3).public, 1)), AuthorityFault.TOO_MANY, "3"),
        ((one, Authority(b"short", 1)), AuthorityFault.KEY, "member 1"),
        ((one, Authority(key(1).public, 2)), AuthorityFault.DUPLICATE, "members 0 and 1"),
        ((one, Authority(key(2).public, 0)), AuthorityFault.WEIGHT, "member 1"),
        ((one, Authority(key(2).public, 2**64 - 1)), AuthorityFault.WEIGHT, "sum"),
    ]
    for members, reason, text in bad_sets:
        with pytest.raises(InvalidAuthorities, match=text) as caught:
            AuthoritySet(members)
        assert caught.value.reason is reason


def test_a_voter_key_that_is_no_point_is_refused() -> None:
    with pytest.raises(InvalidAuthorities, match="voter 1") as caught:
        VoterSet(0, (Voter(bls_key(1).public, 1), Voter(bytes(48), 1)))
    assert caught.value.reason is AuthorityFault.KEY


def test_an_epoch_moves_on_by_whole_durations_when_nothing_was_announced() -> None:
    first = epoch(duration=10)
    assert first.at_slot(9) is first
    later = first.at_slot(35)
    assert (later.index, later.start_slot, later.randomness) == (3, 30, first.randomness)
    assert later.contains(35)
    assert not later.contains(29)
    assert not later.contains(40)
    assert later.at_slot(5) is later


def test_epoch_settings_that_no_chain_can_run_on_are_refused() -> None:
    members = epoch().authorities
    bad_settings: list[tuple[dict[str, object], EpochFault]] = [
        ({"randomness": bytes(31)}, EpochFault.RANDOMNESS),
        ({"c": (0, 4)}, EpochFault.C),
        ({"c": (5, 4)}, EpochFault.C),
        ({"c": (1, 2**64)}, EpochFault.C),
        ({"duration": 0}, EpochFault.DURATION),
        ({"duration": 2**32 + 1}, EpochFault.DURATION),
    ]
    for change, reason in bad_settings:
        settings = {"duration": 10, "randomness": bytes(32), "c": (1, 4), **change}
        with pytest.raises(InvalidEpoch) as caught:
            Epoch(0, 0, authorities=members, allowed_slots=AllowedSlots.PrimarySlots, **settings)  # type: ignore[arg-type]
        assert caught.value.reason is reason


def test_the_next_randomness_depends_on_every_contribution_and_its_place() -> None:
    parts = [bytes([1]) * 32, bytes([2]) * 32]
    values = {
        next_randomness(bytes(32), 1, parts),
        next_randomness(bytes(32), 1, parts[::-1]),
        next_randomness(bytes(32), 2, parts),
        next_randomness(bytes(32), 1, parts[:1]),
        next_randomness(bytes([1]) * 32, 1, parts),
    }
    assert len(values) == 5
