"""Babe: slots, epochs, randomness, announcements, and reports of double blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.digest import consensus_logs, pre_digest_item
from consensus.epoch import next_randomness
from consensus.equivocation import EquivocationProof
from consensus.seal import seal_header
from consensus.vrf import output
from runtime.executive import RuntimeApi, TransactionSource
from runtime.frame.errors import (
    BadOrigin,
    BlockReason,
    CallFailed,
    InvalidBlock,
    InvalidTransaction,
    TransactionKind,
    Unavailable,
)
from runtime.frame.inherents import InherentData
from runtime.frame.origin import NOBODY, ROOT, Signed
from runtime.frame.timing import ChainTiming
from runtime.pallets.babe import Babe, EpochConfiguration
from runtime.pallets.babe.epochs import session_of_epoch
from runtime.pallets.babe.pallet import MAX_SKIPPED_EPOCHS, OFFENCE_KIND, SEGMENT_LENGTH
from runtime.pallets.babe.types import BabeError
from runtime.pallets.historical import MEMBERSHIP_PROOF, Historical, MembershipProof
from runtime.pallets.session import Session
from runtime.primitives.babe import (
    EQUIVOCATION_PROOF,
    AllowedSlots,
    ConfigV1,
    NextConfigData,
    NextEpochData,
    OnDisabled,
    PrimaryPreDigest,
    SecondaryPlainPreDigest,
    randomness_of,
)
from runtime.primitives.digest import Digest
from runtime.primitives.extrinsic import BareExtrinsic
from runtime.primitives.header import Header
from tests.runtime.helpers import SLOT, World, config
from tests.runtime.sessions import ACCOUNTS, BLOCK_KEYS, EPOCH, SESSION_KEYS, Sessions, Stakes

ALICE, BOB, CHARLIE, DAVE = ACCOUNTS.values()


@pytest.fixture
def world() -> Sessions:
    return Sessions()


def babe(world: World) -> Babe:
    return world.env.pallet(Babe)


def announced(world: World) -> list[NextEpochData]:
    return [one for one in consensus_logs(world.head) if isinstance(one, NextEpochData)]


def test_the_first_block_starts_the_first_epoch_and_announces_the_second(world: Sessions) -> None:
    world.advance()
    assert babe(world).genesis_slot.get() == babe(world).current_slot.get() == world.slot(1)
    (data,) = announced(world)
    assert [one.key for one in data.authorities] == [SESSION_KEYS[name].babe for name in world.names]
    assert data.randomness == bytes(32)
    world.advance()
    assert announced(world) == []


def test_each_epoch_has_the_randomness_that_the_one_before_announced(world: Sessions) -> None:
    world.lottery = True
    known, contributions = [bytes(32), bytes(32)], list[bytes]()
    for number in range(1, 4 * EPOCH + 2):
        world.author = number % 3
        world.advance()
        epoch = (number - 1) // EPOCH
        if number > 1 and number % EPOCH == 1:
            known.append(next_randomness(known[-1], epoch + 1, contributions))
            contributions.clear()
            (data,) = announced(world)
            assert data.randomness == known[-1]
            assert babe(world).epoch_start.get()[1] == number
        proof = BLOCK_KEYS[world.names[world.author]].prove(world.slot(number).to_bytes(8, "little"))
        contributions.append(randomness_of(output(proof)))
        assert babe(world).author_vrf_randomness.get() == contributions[-1]
        assert babe(world).under_construction.get(0) == tuple(contributions)
        assert babe(world).epoch_index.get() == epoch
        assert babe(world).randomness.get() == known[epoch]
        assert babe(world).next_randomness.get() == known[epoch + 1]


def test_contributions_fill_segment_behind_segment(world: Sessions) -> None:
    pallet = babe(world)
    parts = [index.to_bytes(32, "big") for index in range(SEGMENT_LENGTH + 2)]
    for part in parts:
        pallet._collect(part)
    assert pallet.segment_index.get() == 1
    assert len(pallet.under_construction.get(0)) == SEGMENT_LENGTH
    assert pallet.under_construction.get(1) == tuple(parts[-2:])
    assert pallet._take_contributions() == parts
    assert pallet.segment_index.get() == 0
    assert pallet.under_construction.get(0) == pallet.under_construction.get(1) == ()


def test_skipped_epochs_are_counted_by_slots_while_sessions_count_on(world: Sessions) -> None:
    world.run_to(3)
    world.skipped = 4 * EPOCH
    world.advance()
    assert babe(world).epoch_index.get() == 4
    assert world.env.pallet(Session).current_index.get() == 1
    assert babe(world).skipped_epochs.get() == ((4, 1),)
    assert babe(world).lateness.get() == 0
    (data,) = announced(world)
    assert data.randomness == next_randomness(bytes(32), 5, [])
    world.run_to(3 + EPOCH)
    assert babe(world).epoch_index.get() == 5
    assert babe(world).skipped_epochs.get() == ((4, 1),)


def test_only_the_last_hundred_gaps_are_remembered(world: Sessions) -> None:
    pallet = babe(world)
    world.advance()
    pallet = babe(world)
    pallet.skipped_epochs.put(tuple((2 * index + 2, index + 1) for index in range(MAX_SKIPPED_EPOCHS)))
    pallet.current_slot.put(pallet.genesis_slot.get() + 500 * EPOCH)
    world.env.pallet(Session).rotate()
    assert len(pallet.skipped_epochs.get()) == MAX_SKIPPED_EPOCHS
    assert pallet.skipped_epochs.get()[-1] == (500, 1)
    assert pallet.skipped_epochs.get()[0] == (4, 2)


@given(st.lists(st.integers(1, 4), max_size=40))
def test_every_epoch_with_blocks_has_the_session_that_it_began(gaps: list[int]) -> None:
    epoch, skipped, began = 0, list[tuple[int, int]](), {0: 0}
    for session, gap in enumerate(gaps, 1):
        epoch += gap
        if gap > 1:
            skipped.append((epoch, session))
        began[epoch] = session
    assert {one: session_of_epoch(one, skipped) for one in began} == began


def test_a_planned_configuration_is_announced_one_epoch_before_it_holds(world: Sessions) -> None:
    config = ConfigV1((1, 2), AllowedSlots.PrimarySlots)
    call = world.make("Babe.plan_config_change", config=config)
    world.assert_noop(Signed(ALICE), call, BadOrigin())
    world.assert_noop(
        ROOT,
        world.make("Babe.plan_config_change", config=ConfigV1((3, 2), AllowedSlots.PrimarySlots)),
        BabeError.INVALID_CONFIGURATION,
    )
    world.advance(world.sign(ALICE, world.make("Sudo.sudo", call=call)))
    world.run_to(EPOCH + 1)
    assert NextConfigData(config) in consensus_logs(world.head)
    assert babe(world).epoch_config.get() == EpochConfiguration()
    assert babe(world).next_epoch().config == EpochConfiguration((1, 2), AllowedSlots.PrimarySlots)
    world.run_to(2 * EPOCH + 1)
    assert not any(isinstance(one, NextConfigData) for one in consensus_logs(world.head))
    assert babe(world).epoch_config.get() == EpochConfiguration((1, 2), AllowedSlots.PrimarySlots)
    assert babe(world).next_epoch_config.get() is None


def test_a_disabled_author_is_announced_and_its_blocks_are_refused(world: Sessions) -> None:
    world.advance()
    world.env.pallet(Session).disable(ALICE)
    digest = world.env.pallet(Session).system.digest.get()
    assert any(OnDisabled(0) == one for one in consensus_logs(Header(b"", 1, b"", b"", digest)))
    disabled = {Session.disabled_validators.key(): b"\4" + bytes(4)}
    world.state.storage = {**world.state.storage, **disabled}  # type: ignore[misc]
    with pytest.raises(InvalidBlock, match="validator 0 is disabled") as caught:
        world.build()
    assert caught.value.reason is BlockReason.DIGEST
    world.author = 1
    world.advance()


def test_a_time_outside_the_claimed_slot_and_a_broken_vrf_output_are_refused(world: Sessions) -> None:
    builder = world.runtime.begin_block(world.head, world.digest(1), world.state)
    builder.inherents(InherentData(world.timestamp(2)))
    with pytest.raises(InvalidBlock, match="the author claimed slot") as late:
        builder.finish()
    assert late.value.reason is BlockReason.TIMESTAMP
    odd = PrimaryPreDigest(0, world.slot(1), b"\2" + bytes(31), bytes(64))
    with pytest.raises(InvalidBlock, match="no point") as broken:
        world.runtime.begin_block(world.head, Digest((pre_digest_item(odd),)), world.state)
    assert broken.value.reason is BlockReason.DIGEST


def test_two_claims_in_one_block_are_refused(world: Sessions) -> None:
    item = world.digest(1).logs[0]
    with pytest.raises(InvalidBlock, match="stands twice"):
        world.runtime.begin_block(world.head, Digest((item, item)), world.state)


def test_a_runtime_composed_for_another_chain_executes_nothing() -> None:
    world = World(config())
    other = World(config(), timing=ChainTiming(slot_ms=SLOT, epoch_slots=7))
    world.state = other.state
    with pytest.raises(AssertionError, match="epoch_slots=7"):
        world.build()


def test_the_interface_tells_this_epoch_and_the_next(world: Sessions) -> None:
    world.run_to(EPOCH + 2)
    pallet = babe(world)
    current, following = pallet.current_epoch(), pallet.next_epoch()
    assert current.epoch_index + 1 == following.epoch_index == 2
    assert current.start_slot == pallet.current_epoch_start() == world.slot(1) + EPOCH
    assert following.start_slot == current.start_slot + EPOCH
    assert current.duration == EPOCH
    assert [key for key, _ in current.authorities] == [SESSION_KEYS[name].babe for name in world.names]
    settings = pallet.configuration()
    assert (settings.slot_duration, settings.epoch_length, settings.c) == (SLOT, EPOCH, (1, 4))


# Evidence.


def sealed(name: str, slot: int, index: int = 0, state_root: bytes = bytes(32)) -> Header:
    claim = pre_digest_item(SecondaryPlainPreDigest(index, slot))
    return seal_header(Header(bytes(32), 9, state_root, bytes(32), Digest((claim,))), BLOCK_KEYS[name])


def evidence(name: str, slot: int) -> EquivocationProof:
    return EquivocationProof(
        SESSION_KEYS[name].babe, slot, sealed(name, slot), sealed(name, slot, state_root=b"\1" * 32)
    )


def proof_of(world: World, name: str) -> MembershipProof:
    found = world.env.pallet(Historical).prove_ownership(b"babe", SESSION_KEYS[name].babe)
    assert found is not None
    return found


def test_a_double_block_is_reported_by_anybody_for_free_and_only_once(world: Sessions) -> None:
    world.run_to(2)
    slot = world.slot(2)
    arguments = {"equivocation_proof": evidence("Bob", slot), "key_owner_proof": proof_of(world, "Bob")}
    call = world.make("Babe.report_equivocation", **arguments)
    made = world.advance(world.sign(CHARLIE, call))
    assert made.outcomes[-1].error is None
    assert made.outcomes[-1].fee == 0
    key = (OFFENCE_KIND, slot.to_bytes(8, "little"))
    assert world.env.pallet(Stakes).offences.get(key) == (BOB,)
    assert world.env.pallet(Stakes).reporters.get(key) == (CHARLIE,)
    world.assert_noop(Signed(DAVE), call, BabeError.DUPLICATE_OFFENCE_REPORT)


def test_evidence_of_an_old_session_is_checked_by_its_root(world: Sessions) -> None:
    world.plan(2, Alice=1)
    world.run_to(2)
    slot, ownership = world.slot(2), proof_of(world, "Bob")
    world.run_to(3 * EPOCH)
    assert world.env.pallet(Session).validators.get() == (ALICE,)
    assert world.env.pallet(Historical).prove_ownership(b"babe", SESSION_KEYS["Bob"].babe) is None
    call = world.make(
        "Babe.report_equivocation", equivocation_proof=evidence("Bob", slot), key_owner_proof=ownership
    )
    world.dispatch(Signed(DAVE), call)
    assert world.env.pallet(Stakes).sessions.get((OFFENCE_KIND, slot.to_bytes(8, "little"))) == 0


def test_evidence_that_convicts_nobody_fails_without_a_trace(world: Sessions) -> None:
    world.run_to(EPOCH + 2)
    slot, ownership = world.slot(EPOCH + 2), proof_of(world, "Bob")
    key, good = SESSION_KEYS["Bob"].babe, sealed("Bob", slot)
    other = sealed("Bob", slot, state_root=b"\1" * 32)
    nothing = [
        EquivocationProof(key, slot, good, good),
        EquivocationProof(key, slot, good, sealed("Charlie", slot, state_root=b"\1" * 32)),
        EquivocationProof(key, slot, good, sealed("Bob", slot + 1)),
        EquivocationProof(key, slot, good, sealed("Bob", slot, index=1)),
        EquivocationProof(key, slot + 1, good, other),
        EquivocationProof(SESSION_KEYS["Alice"].babe, slot, good, other),
        EquivocationProof(key, slot, good, other.without_seal()),
        EquivocationProof(key, slot, good, Header(bytes(32), 9, bytes(32), bytes(32))),
        EquivocationProof(key, 5, sealed("Bob", 5), sealed("Bob", 5, state_root=b"\1" * 32)),
    ]
    for proof in nothing:
        call = world.make("Babe.report_equivocation", equivocation_proof=proof, key_owner_proof=ownership)
        world.assert_noop(Signed(DAVE), call, BabeError.INVALID_EQUIVOCATION_PROOF)


def test_a_key_of_another_session_or_a_spoiled_membership_proof_is_no_owner(world: Sessions) -> None:
    world.run_to(2)
    early = proof_of(world, "Bob")
    world.run_to(EPOCH + 2)
    slot, ownership = world.slot(EPOCH + 2), proof_of(world, "Bob")
    nodes, count = ownership.trie_nodes, ownership.validator_count
    wrong = [
        early,
        proof_of(world, "Alice"),
        MembershipProof(ownership.session, nodes, count + 1),
        MembershipProof(ownership.session, nodes[1:], count),
        MembershipProof(ownership.session, [*nodes, b"\0"], count),
        MembershipProof(ownership.session, [], count),
        MembershipProof(77, nodes, count),
    ]
    for proof in wrong:
        call = world.make(
            "Babe.report_equivocation", equivocation_proof=evidence("Bob", slot), key_owner_proof=proof
        )
        world.assert_noop(Signed(DAVE), call, BabeError.INVALID_KEY_OWNERSHIP_PROOF)


def unsigned(world: World, proof: EquivocationProof, ownership: MembershipProof) -> bytes:
    call = world.make(
        "Babe.report_equivocation_unsigned", equivocation_proof=proof, key_owner_proof=ownership
    )
    return BareExtrinsic(world.runtime.encode_call(call)).encode()


def test_an_unsigned_report_enters_pool_and_block_once(world: Sessions) -> None:
    world.run_to(2)
    slot = world.slot(2)
    report = unsigned(world, evidence("Bob", slot), proof_of(world, "Bob"))
    for source in TransactionSource:
        valid = world.runtime.validate_transaction(report, world.state, world.head.hash(), source)
        assert valid.provides == [OFFENCE_KIND + BOB + slot.to_bytes(8, "little")]
        assert valid.priority == 2**64 - 1
        assert valid.requires == []
    made = world.advance(report)
    assert made.outcomes[-1].error is None
    assert made.outcomes[-1].fee == 0
    with pytest.raises(InvalidTransaction) as stale:
        world.runtime.validate_transaction(report, world.state, world.head.hash())
    assert stale.value.kind is TransactionKind.STALE
    with pytest.raises(InvalidTransaction) as twice:
        world.build(report)
    assert twice.value.kind is TransactionKind.STALE


def test_an_unsigned_call_that_fails_in_the_block_is_an_event_and_costs_nobody(
    world: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run_to(2)
    report = unsigned(world, evidence("Bob", world.slot(2)), proof_of(world, "Bob"))
    world.advance(report)
    monkeypatch.setattr(Stakes, "is_known_offence", lambda *arguments: False)
    outcome = world.advance(report).outcomes[-1]
    failure = CallFailed(BabeError.DUPLICATE_OFFENCE_REPORT)
    assert outcome.error == world.runtime.composition.error(failure)
    assert outcome.fee == 0


def test_an_unsigned_report_that_proves_nothing_is_refused_in_pool_and_block(world: Sessions) -> None:
    world.run_to(2)
    false = EquivocationProof(SESSION_KEYS["Bob"].babe, world.slot(2), *(sealed("Bob", world.slot(2)),) * 2)
    report = unsigned(world, false, proof_of(world, "Bob"))
    with pytest.raises(InvalidTransaction, match="InvalidEquivocationProof") as refused:
        world.runtime.validate_transaction(report, world.state, world.head.hash())
    assert refused.value.kind is TransactionKind.CALL
    with pytest.raises(InvalidTransaction):
        world.build(report)


def test_other_calls_of_babe_are_not_taken_unsigned_and_reports_not_from_root(world: Sessions) -> None:
    world.run_to(2)
    arguments = {
        "equivocation_proof": evidence("Bob", world.slot(2)),
        "key_owner_proof": proof_of(world, "Bob"),
    }
    signed_only = world.make("Babe.report_equivocation", **arguments)
    bare = BareExtrinsic(world.runtime.encode_call(signed_only)).encode()
    with pytest.raises(InvalidTransaction) as refused:
        world.runtime.validate_transaction(bare, world.state, world.head.hash())
    assert refused.value.kind is TransactionKind.NO_UNSIGNED_VALIDATOR
    world.assert_noop(NOBODY, signed_only, BadOrigin())
    world.assert_noop(ROOT, world.make("Babe.report_equivocation_unsigned", **arguments), BadOrigin())


def test_a_chain_that_punishes_nothing_takes_no_reports() -> None:
    world = Sessions(punishes=False)
    world.run_to(2)
    arguments = evidence("Bob", world.slot(2)), proof_of(world, "Bob")
    call = world.make(
        "Babe.report_equivocation", equivocation_proof=arguments[0], key_owner_proof=arguments[1]
    )
    world.assert_noop(Signed(DAVE), call, Unavailable())
    with pytest.raises(InvalidTransaction, match="punishes nothing"):
        world.runtime.validate_transaction(unsigned(world, *arguments), world.state, world.head.hash())


def test_the_interface_makes_ownership_proofs_and_hands_reports_to_the_pool(world: Sessions) -> None:
    world.run_to(2)
    api = RuntimeApi(world.runtime)
    slot = world.slot(2).to_bytes(8, "little")
    answer = api.call("BabeApi_generate_key_ownership_proof", slot + SESSION_KEYS["Bob"].babe, world.state)
    assert answer[:1] == b"\1"
    opaque = answer[1:]
    proof = evidence("Bob", world.slot(2))
    name = "BabeApi_submit_report_equivocation_unsigned_extrinsic"
    parameters = EQUIVOCATION_PROOF.encode(proof) + opaque
    taken = list[bytes]()
    assert api.call(name, parameters, world.state) == b"\0"
    assert api.call(name, parameters, world.state, taken.append) == b"\1"
    assert taken == [unsigned(world, proof, proof_of(world, "Bob"))]
    assert api.call(name, EQUIVOCATION_PROOF.encode(proof) + b"\4\0", world.state, taken.append) == b"\0"
    known = MEMBERSHIP_PROOF.encode(proof_of(world, "Alice"))
    foreign = EQUIVOCATION_PROOF.encode(proof) + bytes([len(known) * 4 & 255 | 1, len(known) >> 6]) + known
    assert api.call(name, foreign, world.state, taken.append) == b"\0"
    assert len(taken) == 1
    unknown = api.call("BabeApi_generate_key_ownership_proof", slot + bytes(32), world.state)
    assert unknown == b"\0"
