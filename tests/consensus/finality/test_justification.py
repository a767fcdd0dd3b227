import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consensus.finality.justification import (
    InvalidJustification,
    Justification,
    JustificationFault,
    VoteGroup,
    assemble,
    verify_justification,
)
from consensus.finality.messages import SignedVote, Stage, pack_signers
from runtime.primitives.header import Header
from tests.consensus.builders import GENESIS, chain, precommit, voter_set

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "grandpa_cases.json").read_text())[
    "commit_validation"
]
VOTERS, KEYS = voter_set([1, 1, 1, 1])
BLOCKS = chain(5)
FORK = chain(3, parent=BLOCKS[1], state=9)


def at(header: Header) -> tuple[bytes, int]:
    return header.hash(), header.number


def votes(*targets: tuple[Header, list[int]]) -> list[SignedVote]:
    return [precommit(KEYS, voter, header) for header, voters in targets for voter in voters]


def refused(justification: Justification) -> JustificationFault:
    with pytest.raises(InvalidJustification) as caught:
        verify_justification(justification, VOTERS)
    return caught.value.reason


def test_a_supermajority_for_one_block_justifies_it_and_survives_the_wire() -> None:
    justification = assemble(at(BLOCKS[0]), votes((BLOCKS[0], [0, 1, 3])), VOTERS)
    verify_justification(justification, VOTERS)
    assert Justification.decode(justification.encode()) == justification
    assert len(justification.groups) == 1
    assert justification.groups[0].signers == bytes([0b1011])


def test_a_single_voter_of_a_single_member_set_justifies_alone_in_200_bytes() -> None:
    voters, keys = voter_set([1])
    justification = assemble(at(GENESIS), [precommit(keys, 0, GENESIS)], voters)
    verify_justification(justification, voters)
    assert len(justification.encode()) < 200


def test_votes_for_descendants_count_when_their_headers_prove_it() -> None:
    targets = votes((BLOCKS[1], [0]), (BLOCKS[3], [1]), (FORK[0], [2]))
    ancestry = [FORK[0], BLOCKS[3], BLOCKS[2]]
    justification = assemble(at(BLOCKS[1]), targets, VOTERS, ancestry)
    verify_justification(justification, VOTERS)
    assert [header.number for header in justification.ancestry] == [3, 3, 4]
    assert refused(replace(justification, ancestry=())) is JustificationFault.ANCESTRY_MISSING
    assert (
        refused(replace(justification, ancestry=justification.ancestry[::-1]))
        is JustificationFault.ANCESTRY_ORDER
    )


def test_the_target_may_lie_below_every_vote() -> None:
    targets = votes((BLOCKS[2], [0, 1]), (FORK[0], [2]))
    verify_justification(assemble(at(BLOCKS[1]), targets, VOTERS, [BLOCKS[2], FORK[0]]), VOTERS)


def test_a_justification_for_less_than_the_ghost_is_refused() -> None:
    targets = votes((BLOCKS[2], [0, 1, 2]))
    justification = assemble(at(BLOCKS[1]), targets, VOTERS, [BLOCKS[2]])
    assert refused(justification) is JustificationFault.NOT_GHOST


def test_too_little_weight_is_refused_and_votes_on_a_fork_do_not_help() -> None:
    assert (
        refused(assemble(at(BLOCKS[0]), votes((BLOCKS[0], [0, 1])), VOTERS))
        is JustificationFault.BELOW_THRESHOLD
    )
    split = assemble(at(BLOCKS[2]), votes((BLOCKS[2], [0, 1]), (FORK[0], [2])), VOTERS)
    assert refused(split) is JustificationFault.ANCESTRY_MISSING
    rooted = votes((BLOCKS[1], [3]), (BLOCKS[2], [0, 1]), (FORK[0], [2]))
    split = assemble(at(BLOCKS[2]), rooted, VOTERS, [BLOCKS[2], FORK[0]])
    assert refused(split) is JustificationFault.BELOW_THRESHOLD


def test_weights_count_not_heads() -> None:
    voters, keys = voter_set([6, 1, 1])
    verify_justification(assemble(at(GENESIS), [precommit(keys, 0, GENESIS)], voters), voters)
    light = assemble(at(GENESIS), [precommit(keys, voter, GENESIS) for voter in (1, 2)], voters)
    with pytest.raises(InvalidJustification, match="2 of the needed 6"):
        verify_justification(light, voters)


def test_an_equivocator_counts_once_and_for_every_block() -> None:
    targets = votes((BLOCKS[0], [2]), (BLOCKS[1], [2]), (BLOCKS[2], [0, 1]))
    verify_justification(assemble(at(BLOCKS[2]), targets, VOTERS, [BLOCKS[1], BLOCKS[2]]), VOTERS)
    alone = votes((BLOCKS[0], [2]), (BLOCKS[1], [2]), (BLOCKS[2], [0]))
    short = assemble(at(BLOCKS[2]), alone, VOTERS, [BLOCKS[1], BLOCKS[2]])
    assert refused(short) is JustificationFault.BELOW_THRESHOLD


def test_every_structural_fault_is_named() -> None:
    good = assemble(at(BLOCKS[0]), votes((BLOCKS[0], [0, 1, 2]), (BLOCKS[1], [3])), VOTERS, [BLOCKS[1]])
    verify_justification(good, VOTERS)
    low, high = good.groups
    third = replace(low, target_hash=bytes(32), signers=pack_signers([3], 4))
    thrice = votes(*((header, [0]) for header in BLOCKS[:3]))
    cases = [
        (replace(good, set_id=1), JustificationFault.SET_ID),
        (replace(good, groups=()), JustificationFault.NO_VOTES),
        (replace(good, groups=(high, low)), JustificationFault.GROUP_ORDER),
        (replace(good, groups=(low, low)), JustificationFault.GROUP_ORDER),
        (replace(good, groups=(replace(low, signers=bytes([0xF7])), high)), JustificationFault.SIGNERS),
        (replace(good, groups=(replace(low, signers=bytes(2)), high)), JustificationFault.SIGNERS),
        (replace(good, groups=(replace(low, signers=bytes(1)), high)), JustificationFault.NO_SIGNERS),
        (replace(good, ancestry=(BLOCKS[1], BLOCKS[2])), JustificationFault.ANCESTRY_UNUSED),
        (replace(good, ancestry=(BLOCKS[1], BLOCKS[1])), JustificationFault.ANCESTRY_ORDER),
        (replace(good, groups=(third, low, high)), JustificationFault.ANCESTRY_MISSING),
        (replace(good, groups=(low, replace(high, target_number=3))), JustificationFault.ANCESTRY_MISSING),
        (replace(good, target_number=2), JustificationFault.ANCESTRY_MISSING),
        (assemble(at(BLOCKS[0]), thrice, VOTERS, BLOCKS[1:3]), JustificationFault.SURPLUS_VOTE),
    ]
    for bad, reason in cases:
        assert refused(bad) is reason


def test_one_block_under_two_numbers_is_refused() -> None:
    good = assemble(at(BLOCKS[0]), votes((BLOCKS[0], [0, 1, 2]), (BLOCKS[1], [3])), VOTERS, [BLOCKS[1]])
    again = replace(good.groups[1], target_number=3)
    assert refused(replace(good, groups=(*good.groups, again))) is JustificationFault.ANCESTRY_MISSING


def test_a_signature_that_does_not_match_its_group_is_refused() -> None:
    good = assemble(at(BLOCKS[0]), votes((BLOCKS[0], [0, 1, 2])), VOTERS)
    group = good.groups[0]
    for bad in (
        replace(good, groups=(replace(group, signers=bytes([0b1111])),)),
        replace(good, groups=(replace(group, signature=bytes(96)),)),
        replace(good, groups=(replace(group, signature=KEYS[0].sign(b"else")),)),
        replace(good, round=2),
    ):
        assert refused(bad) is JustificationFault.SIGNATURE


def test_only_precommits_of_one_round_are_assembled() -> None:
    first, second = votes((BLOCKS[0], [0, 1]))
    prevote = replace(first, vote=replace(first.vote, stage=Stage.PREVOTE))
    late = replace(second, vote=replace(second.vote, round=2))
    for wrong in ([], [prevote], [first, late]):
        with pytest.raises(AssertionError):
            assemble(at(BLOCKS[0]), wrong, VOTERS)


def test_bytes_that_are_no_justification_are_refused() -> None:
    data = assemble(at(BLOCKS[0]), votes((BLOCKS[0], [0, 1, 2])), VOTERS).encode()
    for bad in (b"", data[:-1], data + b"\0"):
        with pytest.raises(InvalidJustification) as caught:
            Justification.decode(bad)
        assert caught.value.reason is JustificationFault.ENCODING


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_one_flipped_bit_anywhere_makes_a_justification_worthless(data: st.DataObject) -> None:
    targets = votes((BLOCKS[0], [0, 1, 2]), (BLOCKS[1], [3]))
    encoded = bytearray(assemble(at(BLOCKS[0]), targets, VOTERS, [BLOCKS[1]]).encode())
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidJustification):
        verify_justification(Justification.decode(bytes(encoded)), VOTERS)


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_grandpas_commit_validation_cases_come_out_the_same(case: dict[str, object]) -> None:
    """An unknown voter, whom GRANDPA ignores, cannot be written down here: a bitfield has no bit for it."""
    voters, keys = voter_set([1] * 100)
    blocks = dict(zip("ABC", chain(3), strict=True))
    signed = list[SignedVote]()
    for name, members in case["votes"]:  # type: ignore[attr-defined]
        signed += [precommit(keys, member - 1, blocks[name]) for member in members if member <= 100]
    lowest = min(vote.vote.target_number for vote in signed)
    target = blocks[str(case["target"])]
    base = min(lowest, target.number)
    highest = max(vote.vote.target_number for vote in signed)
    ancestry = [header for header in blocks.values() if base < header.number <= highest]
    justification = assemble(at(target), signed, voters, ancestry)
    if case["valid"]:
        verify_justification(justification, voters)
    else:
        with pytest.raises(InvalidJustification) as caught:
            verify_justification(justification, voters)
        assert caught.value.reason in {JustificationFault.BELOW_THRESHOLD, JustificationFault.NOT_GHOST}
    assert isinstance(justification.groups[0], VoteGroup)
