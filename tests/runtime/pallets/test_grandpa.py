"""Grandpa: sets of voters announced in headers, forced changes, and reports of double votes."""

from dataclasses import replace

import pytest

from consensus.authorities import VoterSet
from consensus.digest import FRNK
from consensus.finality.changes import find_scheduled_change
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.finality.vote_equivocation import VoteEquivocation, on_chain_proof, verify_vote_equivocation
from runtime.executive import RuntimeApi
from runtime.frame.errors import BadOrigin, InvalidTransaction, TransactionKind
from runtime.frame.origin import NOBODY, ROOT, Signed
from runtime.pallets.grandpa import Grandpa
from runtime.pallets.grandpa.pallet import OFFENCE_KIND
from runtime.pallets.grandpa.types import GrandpaError, NewAuthorities
from runtime.pallets.historical import MEMBERSHIP_PROOF, Historical, MembershipProof
from runtime.pallets.session import Session
from runtime.primitives.digest import Consensus
from runtime.primitives.extrinsic import BareExtrinsic
from runtime.primitives.grandpa import (
    FINALITY_LOG,
    PRECOMMIT,
    PREVOTE,
    VOTE_EQUIVOCATION_PROOF,
    ForcedChange,
    Precommit,
    PrecommitEquivocation,
    PrecommitEquivocationBody,
    Prevote,
    PrevoteEquivocation,
    PrevoteEquivocationBody,
    ScheduledChange,
    VoteEquivocationProof,
    VoterDisabled,
    vote_payload,
)
from tests.runtime.helpers import World
from tests.runtime.sessions import ACCOUNTS, EPOCH, FINALITY_KEYS, SESSION_KEYS, Sessions, Stakes, voter

ALICE, BOB, CHARLIE, DAVE = ACCOUNTS.values()


@pytest.fixture
def world() -> Sessions:
    return Sessions()


def finality_logs(world: World) -> list[object]:
    items = world.head.digest.logs
    return [
        FINALITY_LOG.decode(one.data) for one in items if isinstance(one, Consensus) and one.engine == FRNK
    ]


def test_unchanged_sets_are_not_announced_and_the_set_follows_the_session(world: Sessions) -> None:
    world.run_to(2 * EPOCH + 1)
    grandpa = world.env.pallet(Grandpa)
    assert grandpa.current_set_id.get() == 0
    assert grandpa.set_id_session.get(0) == 2
    assert finality_logs(world) == []


def test_a_changed_set_is_announced_and_enacted_in_the_block_that_starts_its_session(world: Sessions) -> None:
    world.plan(2, Bob=3, Alice=2)
    world.run_to(2 * EPOCH)
    made = world.advance()
    voters = (voter("Bob", 3), voter("Alice", 2))
    assert finality_logs(world) == [ScheduledChange(voters, 0)]
    assert find_scheduled_change(world.head) == ScheduledChange(voters, 0)
    grandpa = world.env.pallet(Grandpa)
    listed = tuple((one.key, one.weight) for one in voters)
    assert grandpa.authorities.get() == grandpa.grandpa_authorities() == listed
    assert NewAuthorities(listed) in [one.event for one in made.events]
    assert (grandpa.current_set_id.get(), grandpa.voting_set_id()) == (1, 1)
    assert (grandpa.set_id_session.get(0), grandpa.set_id_session.get(1)) == (1, 2)
    assert grandpa.pending_change.get() is None


def test_old_sets_are_forgotten_when_their_stake_is_free(world: Sessions) -> None:
    grandpa = world.env.pallet(Grandpa)
    kept = grandpa.max_set_id_session_entries
    for index in range(kept + 2):
        world.env.pallet(Session).queued_changed.put(True)
        world.env.pallet(Session).rotate()
        grandpa.on_finalize(0)
        assert grandpa.current_set_id.get() == index + 1
    assert grandpa.set_id_session.get(2) is None
    assert grandpa.set_id_session.get(3) is not None


def test_a_stalled_set_is_replaced_by_force_and_not_again_too_soon(world: Sessions) -> None:
    call = world.make("Grandpa.note_stalled", delay=4, best_finalized_block_number=2)
    world.assert_noop(Signed(ALICE), call, BadOrigin())
    world.advance(world.sign(ALICE, world.make("Sudo.sudo", call=call)))
    world.run_to(EPOCH + 1)
    voters = tuple(voter(name) for name in world.names)
    assert finality_logs(world) == [ForcedChange(2, voters, 4)]
    grandpa = world.env.pallet(Grandpa)
    assert (grandpa.current_set_id.get(), grandpa.voting_set_id()) == (1, 0)
    assert grandpa.next_forced.get() == EPOCH + 1 + 8
    world.run_to(EPOCH + 5)
    grandpa = world.env.pallet(Grandpa)
    assert grandpa.voting_set_id() == 1
    grandpa.stalled.put((4, 2))
    grandpa.on_new_session(False, (), ())
    assert grandpa.current_set_id.get() == 1
    assert grandpa.stalled.get() is None


def test_a_change_that_waits_is_not_replaced_by_another(world: Sessions) -> None:
    grandpa = world.env.pallet(Grandpa)
    active = world.env.pallet(Session).active()
    grandpa.on_new_session(True, active, active)
    grandpa.on_new_session(True, active[:1], active)
    change = grandpa.pending_change.get()
    assert change is not None
    assert len(change.next_authorities) == 3
    assert grandpa.current_set_id.get() == 1


def test_a_disabled_voter_is_announced(world: Sessions) -> None:
    grandpa = world.env.pallet(Grandpa)
    grandpa.on_disabled(2)
    (item,) = grandpa.system.digest.get().logs
    assert isinstance(item, Consensus)
    assert FINALITY_LOG.decode(item.data) == VoterDisabled(2)


# Evidence.


@pytest.mark.parametrize(("stage", "kind"), [(PREVOTE, Prevote), (PRECOMMIT, Precommit)])
def test_a_vote_signs_the_bytes_that_consensus_signs(
    stage: int, kind: type[Prevote] | type[Precommit]
) -> None:
    assert (
        vote_payload(stage, kind(b"\7" * 32, 8), 9, 10) == Vote(Stage(stage), b"\7" * 32, 8, 9, 10).payload()
    )


@pytest.mark.parametrize("stage", [Stage.PREVOTE, Stage.PRECOMMIT])
def test_evidence_that_consensus_collected_convicts_on_chain(world: Sessions, stage: Stage) -> None:
    world.run_to(2)
    voters = VoterSet(0, tuple(voter(name) for name in world.names))
    votes = [Vote(stage, bytes([index]) * 32, 3, 5, 0) for index in (1, 2)]
    first, second = (SignedVote(vote, 1, FINALITY_KEYS["Bob"].sign(vote.payload())) for vote in votes)
    proof = VoteEquivocation(first, second)
    assert verify_vote_equivocation(proof, voters) == 1
    call = world.make(
        "Grandpa.report_equivocation",
        equivocation_proof=on_chain_proof(proof, voters),
        key_owner_proof=proof_of(world, "Bob"),
    )
    world.dispatch(Signed(DAVE), call)
    key = (OFFENCE_KIND, bytes(8) + (5).to_bytes(8, "little"))
    assert world.env.pallet(Stakes).offences.get(key) == (BOB,)


def signed(name: str, vote: Prevote | Precommit, set_id: int = 0, round_number: int = 5) -> bytes:
    stage = PREVOTE if isinstance(vote, Prevote) else PRECOMMIT
    return FINALITY_KEYS[name].sign(vote_payload(stage, vote, round_number, set_id))


def double_prevote(name: str, set_id: int = 0) -> VoteEquivocationProof:
    votes = Prevote(b"\1" * 32, 3), Prevote(b"\2" * 32, 4)
    first, second = ((vote, signed(name, vote, set_id)) for vote in votes)
    body = PrevoteEquivocationBody(5, SESSION_KEYS[name].grandpa, first, second)
    return VoteEquivocationProof(set_id, PrevoteEquivocation(body))


def double_precommit(name: str, set_id: int = 0) -> VoteEquivocationProof:
    votes = Precommit(b"\1" * 32, 3), Precommit(b"\2" * 32, 3)
    first, second = ((vote, signed(name, vote, set_id)) for vote in votes)
    body = PrecommitEquivocationBody(5, SESSION_KEYS[name].grandpa, first, second)
    return VoteEquivocationProof(set_id, PrecommitEquivocation(body))


def proof_of(world: World, name: str) -> MembershipProof:
    found = world.env.pallet(Historical).prove_ownership(b"gran", SESSION_KEYS[name].grandpa)
    assert found is not None
    return found


@pytest.mark.parametrize("make", [double_prevote, double_precommit])
def test_a_double_vote_is_reported_and_punished_once(world: Sessions, make: object) -> None:
    world.run_to(2)
    assert callable(make)
    arguments = {"equivocation_proof": make("Bob"), "key_owner_proof": proof_of(world, "Bob")}
    call = world.make("Grandpa.report_equivocation", **arguments)
    made = world.advance(world.sign(DAVE, call))
    assert made.outcomes[-1].error is None
    assert made.outcomes[-1].fee == 0
    key = (OFFENCE_KIND, bytes(8) + (5).to_bytes(8, "little"))
    assert world.env.pallet(Stakes).offences.get(key) == (BOB,)
    assert world.env.pallet(Stakes).reporters.get(key) == (DAVE,)
    world.assert_noop(Signed(ALICE), call, GrandpaError.DUPLICATE_OFFENCE_REPORT)


def test_votes_that_are_equal_or_not_signed_by_the_voter_convict_nobody(world: Sessions) -> None:
    world.run_to(2)
    good = double_prevote("Bob").equivocation.body
    assert isinstance(good, PrevoteEquivocationBody)
    vote = good.second[0]
    wrong = [
        replace(good, second=good.first),
        replace(good, round_number=6),
        replace(good, second=(vote, signed("Alice", vote))),
        replace(good, second=(vote, signed("Bob", vote, set_id=1))),
        replace(good, first=(good.first[0], bytes(96))),
    ]
    for body in wrong:
        proof = VoteEquivocationProof(0, PrevoteEquivocation(body))
        call = world.make(
            "Grandpa.report_equivocation", equivocation_proof=proof, key_owner_proof=proof_of(world, "Bob")
        )
        world.assert_noop(Signed(DAVE), call, GrandpaError.INVALID_EQUIVOCATION_PROOF)
    other = world.make(
        "Grandpa.report_equivocation",
        equivocation_proof=double_prevote("Bob"),
        key_owner_proof=proof_of(world, "Alice"),
    )
    world.assert_noop(Signed(DAVE), other, GrandpaError.INVALID_KEY_OWNERSHIP_PROOF)


def test_the_session_of_the_ownership_must_belong_to_the_set_of_the_votes(world: Sessions) -> None:
    world.plan(2, Bob=1, Alice=1)
    world.run_to(2)
    early = proof_of(world, "Bob")
    world.run_to(2 * EPOCH + 1)
    late = proof_of(world, "Bob")
    assert (early.session, late.session) == (0, 2)
    for set_id, ownership in ((1, early), (0, late), (2, late)):
        call = world.make(
            "Grandpa.report_equivocation",
            equivocation_proof=double_prevote("Bob", set_id),
            key_owner_proof=ownership,
        )
        world.assert_noop(Signed(DAVE), call, GrandpaError.INVALID_EQUIVOCATION_PROOF)
    for set_id, ownership in ((0, early), (1, late)):
        call = world.make(
            "Grandpa.report_equivocation",
            equivocation_proof=double_prevote("Bob", set_id),
            key_owner_proof=ownership,
        )
        world.dispatch(Signed(DAVE), call)


def test_an_unsigned_report_of_a_double_vote_goes_by_way_of_the_pool(world: Sessions) -> None:
    world.run_to(2)
    api = RuntimeApi(world.runtime)
    asked = bytes(8) + SESSION_KEYS["Bob"].grandpa
    opaque = api.call("GrandpaApi_generate_key_ownership_proof", asked, world.state)[1:]
    name = "GrandpaApi_submit_report_equivocation_unsigned_extrinsic"
    proof = VOTE_EQUIVOCATION_PROOF.encode(double_prevote("Bob"))
    taken = list[bytes]()
    assert api.call(name, proof + opaque, world.state, taken.append) == b"\1"
    assert api.call(name, proof + b"\4\0", world.state, taken.append) == b"\0"
    (report,) = taken
    assert world.advance(report).outcomes[-1].error is None
    with pytest.raises(InvalidTransaction) as stale:
        world.runtime.validate_transaction(report, world.state, world.head.hash())
    assert stale.value.kind is TransactionKind.STALE
    arguments = {
        "equivocation_proof": double_prevote("Bob"),
        "key_owner_proof": MEMBERSHIP_PROOF.decode(_bytes(opaque)),
    }
    world.assert_noop(ROOT, world.make("Grandpa.report_equivocation_unsigned", **arguments), BadOrigin())
    signed_only = world.make("Grandpa.report_equivocation", **arguments)
    world.assert_noop(NOBODY, signed_only, BadOrigin())
    bare = BareExtrinsic(world.runtime.encode_call(signed_only)).encode()
    with pytest.raises(InvalidTransaction) as refused:
        world.runtime.validate_transaction(bare, world.state, world.head.hash())
    assert refused.value.kind is TransactionKind.NO_UNSIGNED_VALIDATOR
    assert api.call("GrandpaApi_generate_key_ownership_proof", bytes(56), world.state) == b"\0"


def _bytes(encoded: bytes) -> bytes:
    """The content of an encoded `Vec<u8>` of 64 to 16,383 bytes."""
    return encoded[2:]
