"""Blocks: built and executed alike; whatever breaks a rule is refused by name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from runtime.configuration import BLOCK_LENGTH, UNIT
from runtime.executive import Execution
from runtime.executive.outcome import SignatureCheck
from runtime.frame.errors import BlockReason, InvalidBlock, InvalidTransaction, TokenError, TransactionKind
from runtime.frame.inherents import InherentData
from runtime.frame.weights import ApplyExtrinsic, DispatchClass, Finalization, Weight
from runtime.pallets.authorship import Authorship
from runtime.pallets.balances.types import BurnedDebt, Deposit, Transfer, Withdraw
from runtime.pallets.system import EXTRINSIC_INDEX_KEY, System
from runtime.pallets.system.types import ExtrinsicFailed, ExtrinsicSuccess
from runtime.pallets.timestamp import MAX_TIMESTAMP_DRIFT, Timestamp
from runtime.pallets.transaction_payment import TransactionPayment
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.block import Block
from runtime.primitives.digest import Consensus, Digest, PreRuntime, Seal
from runtime.primitives.extrinsic import BareExtrinsic, SignedExtrinsic, decode_extrinsic
from runtime.primitives.multiaddress import Id, Index
from runtime.primitives.trie import extrinsics_root
from tests.runtime.helpers import ALICE, BOB, CHARLIE, DAVE, SLOT, World, claim, token


@pytest.fixture
def world() -> World:
    return World()


def pay(world: World, value: int = UNIT, nonce: int | None = None, tip: int = 0) -> bytes:
    call = world.make("Balances.transfer_keep_alive", dest=Id(BOB), value=value)
    return world.sign(ALICE, call, nonce=nonce, tip=tip)


def refused(world: World, block: Block, reason: BlockReason, text: str) -> None:
    with pytest.raises(InvalidBlock, match=text) as caught:
        world.runtime.execute_block(block, world.state)
    assert caught.value.reason is reason


def rebuilt(block: Block, extrinsics: list[bytes]) -> Block:
    """The block with other extrinsics, and the root that belongs to them."""
    header = replace(block.header, extrinsics_root=extrinsics_root(extrinsics))
    return Block(header, extrinsics)


def bare(world: World, name: str, **arguments: object) -> bytes:
    return BareExtrinsic(world.runtime.encode_call(world.make(name, **arguments))).encode()


def test_a_built_block_executes_identically_and_reports_in_order(world: World) -> None:
    execution = world.advance(pay(world), pay(world, nonce=1, tip=7))
    applied = [record for record in execution.events if record.phase == ApplyExtrinsic(2)]
    outcome = execution.outcomes[2]
    assert [record.event for record in applied] == [
        Withdraw(ALICE, outcome.fee),
        Transfer(ALICE, BOB, UNIT),
        TransactionFeePaid(ALICE, outcome.fee, 7),
        ExtrinsicSuccess(applied[-1].event.dispatch_info),
    ]
    assert outcome.tip == 7
    assert isinstance(execution.events[0].event, ExtrinsicSuccess)
    assert execution.events[0].phase == ApplyExtrinsic(0)
    assert world.runtime.events(world.state) == execution.events
    system = world.env.pallet(System)
    assert (system.number.get(), system.event_count.get()) == (1, len(execution.events))
    assert EXTRINSIC_INDEX_KEY not in execution.changes
    assert world.env.pallet(Timestamp).now.get() == world.timestamp(1)


def test_fees_and_tips_go_to_the_author_once_a_block(world: World) -> None:
    first = world.advance(pay(world, tip=5_000 * UNIT // 5_000))
    final = [record.event for record in first.events if record.phase == Finalization()]
    assert [type(event).__name__ for event in final] == ["NewAccount", "Endowed", "Deposit"]
    assert final[-1] == Deposit(DAVE, sum(each.fee for each in first.outcomes))
    assert world.env.pallet(TransactionPayment).collected_fees.get() == 0


def test_fees_too_small_to_found_the_authors_account_are_burned(world: World) -> None:
    before = world.env.pallet(System).account.get(ALICE).data.free
    execution = world.advance(pay(world))
    fee = execution.outcomes[1].fee
    assert [record.event for record in execution.events if record.phase == Finalization()] == [
        BurnedDebt(fee)
    ]
    assert world.free(ALICE) == before - UNIT - fee


def test_a_failed_call_leaves_nothing_but_fee_nonce_and_event(world: World) -> None:
    execution = world.advance(pay(world, 2_000 * UNIT))
    outcome = execution.outcomes[1]
    assert outcome.error == token(TokenError.FundsUnavailable)
    assert world.free(ALICE) == 1_000 * UNIT - outcome.fee
    assert world.free(BOB) == 1_000 * UNIT
    assert world.env.pallet(System).account.get(ALICE).nonce == 1
    last = [record.event for record in execution.events if record.phase == ApplyExtrinsic(1)][-1]
    assert isinstance(last, ExtrinsicFailed)
    assert last.dispatch_error == outcome.error
    assert last.dispatch_info.weight == outcome.weight


def test_a_block_must_follow_the_state(world: World) -> None:
    block, _, _ = world.build()
    refused(
        world,
        replace(block, header=replace(block.header, number=2)),
        BlockReason.PARENT,
        "block 2 can not follow",
    )


def test_a_block_without_a_timestamp_is_refused(world: World) -> None:
    block, _, _ = world.build()
    refused(world, rebuilt(block, []), BlockReason.INHERENT_MISSING, "does not set the timestamp")


def test_a_second_timestamp_is_refused(world: World) -> None:
    block, _, _ = world.build()
    refused(world, rebuilt(block, block.extrinsics * 2), BlockReason.INHERENT_INVALID, "a second time")


def test_an_inherent_behind_a_transaction_is_refused(world: World) -> None:
    block, _, _ = world.build(pay(world))
    refused(
        world,
        rebuilt(block, block.extrinsics[::-1]),
        BlockReason.INHERENT_ORDER,
        "extrinsic 1: Timestamp.set",
    )


def test_a_bare_extrinsic_that_is_no_inherent_is_refused(world: World) -> None:
    block, _, _ = world.build()
    extrinsics = [*block.extrinsics, bare(world, "System.remark", remark=b"")]
    unsigned = BlockReason.UNSIGNED_NOT_ALLOWED
    refused(world, rebuilt(block, extrinsics), unsigned, "System.remark must be signed")


def test_a_timestamp_too_early_or_of_another_slot_is_refused(world: World) -> None:
    world.advance()
    block, _, _ = world.build()
    early = [bare(world, "Timestamp.set", now=world.timestamp(1) + 499)]
    refused(world, rebuilt(block, early), BlockReason.TIMESTAMP, "lies before")
    late = [bare(world, "Timestamp.set", now=world.timestamp(3))]
    refused(world, rebuilt(block, late), BlockReason.TIMESTAMP, "the author claimed slot")


def test_a_timestamp_ahead_of_the_clock_is_refused_by_the_importing_node_only(world: World) -> None:
    block, _, _ = world.build(pay(world))
    now = world.timestamp(1) - MAX_TIMESTAMP_DRIFT
    world.runtime.check_inherents(block, world.state, InherentData(now))
    with pytest.raises(InvalidBlock, match="ahead of this node's clock") as caught:
        world.runtime.check_inherents(block, world.state, InherentData(now - 1))
    assert caught.value.reason is BlockReason.TIMESTAMP


def test_slots_only_rise_and_claims_are_well_formed(world: World) -> None:
    world.advance()
    block, _, _ = world.build()
    same = replace(block.header, digest=claim(world.timestamp(1) // SLOT))
    refused(world, replace(block, header=same), BlockReason.DIGEST, "does not follow slot")
    for data in (b"\2short", b"\4" + bytes(12)):
        odd = replace(block.header, digest=Digest((PreRuntime(b"BABE", data),)))
        refused(world, replace(block, header=odd), BlockReason.DIGEST, "unknown form")


def test_a_block_without_a_claim_has_no_author_and_burns_its_fees(world: World) -> None:
    world.advance()
    builder = world.runtime.begin_block(world.head, Digest((PreRuntime(b"TEST", b""),)), world.state)
    builder.inherents(InherentData(world.timestamp(2)))
    fee = builder.apply(pay(world)).fee
    extrinsics, execution = builder.finish()
    assert execution.events[-1].event == BurnedDebt(fee)
    assert execution.changes[Authorship.author_account.key()] is None
    assert len(extrinsics) == 2


def test_an_author_outside_the_set_is_paid_nothing(world: World) -> None:
    builder = world.runtime.begin_block(world.head, claim(world.timestamp(1) // SLOT, 9), world.state)
    builder.inherents(InherentData(world.timestamp(1)))
    fee = builder.apply(pay(world)).fee
    assert builder.finish()[1].events[-1].event == BurnedDebt(fee)


def test_the_digest_must_be_what_execution_gives_and_the_seal_is_not_executed(world: World) -> None:
    block, built, _ = world.build()
    sealed = replace(block.header, digest=block.header.digest.pushed(Seal(b"BABE", b"x")))
    assert world.runtime.execute_block(replace(block, header=sealed), world.state) == built
    foreign = replace(block.header, digest=block.header.digest.pushed(Consensus(b"BABE", b"x")))
    refused(world, replace(block, header=foreign), BlockReason.DIGEST, "execution gives")


def test_the_extrinsics_root_binds_the_extrinsics(world: World) -> None:
    block, _, _ = world.build(pay(world))
    refused(
        world,
        replace(block, extrinsics=block.extrinsics[:1]),
        BlockReason.EXTRINSICS_ROOT,
        "the header says 0x",
    )


@pytest.mark.parametrize("broken", [b"", b"\x04\x84", b"\x08\x04\xff", b"\x10\x04\xff\x00\x00", b"\x04\x05"])
def test_bytes_that_are_no_extrinsic_are_refused_by_place(world: World, broken: bytes) -> None:
    block, _, _ = world.build()
    refused(
        world, rebuilt(block, [*block.extrinsics, broken]), BlockReason.MALFORMED_EXTRINSIC, "extrinsic 1: "
    )


def test_a_bad_signature_condemns_the_block(world: World) -> None:
    block, _, _ = world.build(pay(world), pay(world, nonce=1))
    forged = bytearray(block.extrinsics[2])
    forged[-1] ^= 1
    refused(
        world,
        rebuilt(block, [*block.extrinsics[:2], bytes(forged)]),
        BlockReason.BAD_SIGNATURE,
        "extrinsic 2: 0x",
    )


def test_signatures_may_be_checked_elsewhere_while_the_block_executes(world: World) -> None:
    block, built, _ = world.build(pay(world), pay(world, nonce=1))
    seen: list[SignatureCheck] = []
    asked: list[int] = []

    def checks(batch: list[SignatureCheck]) -> Callable[[], list[bool]]:
        seen.extend(batch)
        return lambda: asked.append(len(batch)) or [True] * len(batch)

    assert world.runtime.execute_block(block, world.state, checks) == built  # type: ignore[arg-type]
    assert [each.index for each in seen] == [1, 2]
    assert {each.account for each in seen} == {ALICE}
    assert asked == [2]


def test_transactions_of_a_block_obey_the_rules_of_transactions(world: World) -> None:
    block, _, _ = world.build()
    for extrinsic, text in (
        (pay(world, nonce=1), "valid in the future"),
        (world.sign(DAVE, world.make("System.remark", remark=b"")), "Inability to pay"),
        (world.sign(ALICE, world.make("Timestamp.set", now=1)), "mandatory"),
    ):
        refused(world, rebuilt(block, [*block.extrinsics, extrinsic]), BlockReason.INVALID_TRANSACTION, text)


def test_a_sender_named_by_index_condemns_the_block(world: World) -> None:
    block, _, _ = world.build(pay(world))
    envelope = decode_extrinsic(block.extrinsics[1], world.runtime.pipeline.codec)
    assert isinstance(envelope, SignedExtrinsic)
    odd = replace(envelope, address=Index(0)).encode()
    altered = rebuilt(block, [block.extrinsics[0], odd])
    refused(world, altered, BlockReason.INVALID_TRANSACTION, "extrinsic 1: .* named by its account id")


def test_a_block_that_is_too_long_is_refused(world: World) -> None:
    limit = BLOCK_LENGTH.max.normal
    big = world.sign(ALICE, world.make("System.remark", remark=bytes(limit // 2)))
    more = world.sign(ALICE, world.make("System.remark", remark=bytes(limit // 2)), nonce=1)
    block, _, _ = world.build(big)
    refused(
        world, rebuilt(block, [*block.extrinsics, more]), BlockReason.LENGTH_EXCEEDED, "bytes, its limit is"
    )
    builder = world.runtime.begin_block(world.head, world.digest(1), world.state)
    builder.inherents(InherentData(world.timestamp(1)))
    builder.apply(big)
    before = builder.length
    with pytest.raises(InvalidTransaction) as caught:
        builder.apply(more)
    assert caught.value.kind is TransactionKind.EXHAUSTS_RESOURCES
    assert builder.length == before
    builder.apply(pay(world, nonce=1))
    execution = builder.finish()[1]
    assert [each.error for each in execution.outcomes] == [None, None, None]


def test_a_block_that_is_too_heavy_is_refused_but_takes_operational_calls(world: World) -> None:
    heavy = world.make("System.remark", remark=b"")
    half, third_of = Weight(700_000_000_000), Weight(490_000_000_000)
    wrap = world.make("Sudo.sudo_unchecked_weight", call=heavy, weight=half)
    first, second, third = (world.sign(ALICE, wrap, nonce=nonce) for nonce in (0, 1, 2))
    block, _, _ = world.build(first, second)
    refused(
        world,
        rebuilt(block, [*block.extrinsics, third]),
        BlockReason.WEIGHT_EXCEEDED,
        "this class would weigh",
    )
    urgent = world.make(
        "Sudo.sudo_unchecked_weight", call=world.make("System.kill_storage", keys=[]), weight=third_of
    )
    allowed = world.sign(ALICE, urgent, nonce=2)
    over = world.sign(ALICE, urgent, nonce=3)
    full, execution, outcomes = world.build(first, second, allowed)
    assert outcomes[2].dispatch_class is DispatchClass.Operational
    assert execution.weight.operational.ref_time > third_of.ref_time
    refused(
        world, rebuilt(full, [*full.extrinsics, over]), BlockReason.WEIGHT_EXCEEDED, "the block would weigh"
    )
    single = world.make("Sudo.sudo_unchecked_weight", call=heavy, weight=Weight(1_500_000_000_000))
    refused(
        world,
        rebuilt(block, [block.extrinsics[0], world.sign(ALICE, single)]),
        BlockReason.WEIGHT_EXCEEDED,
        "one call may weigh",
    )


def test_inherents_too_long_for_the_block_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    block, _, _ = world.build()
    constants = world.runtime.composition.constants[System]
    monkeypatch.setitem(
        constants, "block_length", replace(BLOCK_LENGTH, max=replace(BLOCK_LENGTH.max, mandatory=3))
    )  # type: ignore[arg-type]
    refused(world, block, BlockReason.LENGTH_EXCEEDED, "extrinsic 0")


def test_an_inherent_that_fails_condemns_the_block(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    block, _, _ = world.build()
    inherent = bare(world, "Timestamp.set", now=world.timestamp(1))
    from runtime.executive import block as module
    from runtime.frame.origin import ROOT

    monkeypatch.setattr(module, "NOBODY", ROOT)
    refused(world, rebuilt(block, [inherent]), BlockReason.INHERENT_INVALID, "fails with BadOrigin")


def test_block_hashes_are_kept_in_a_ring_and_genesis_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.runtime.composition.constants[System], "block_hash_count", 2)  # type: ignore[arg-type]
    hashes = []
    for _ in range(6):
        hashes.append(world.head.hash())
        world.advance()
    kept = dict(world.env.pallet(System).block_hash.items())
    assert sorted(kept) == [0, 4, 5]
    assert kept == {number: hashes[number] for number in kept}


def test_a_call_that_uses_less_is_charged_less_to_the_unit(world: World) -> None:
    failing = world.make("Balances.transfer_allow_death", dest=Id(BOB), value=2_000 * UNIT)
    rest = [world.make("System.remark", remark=b"")] * 20
    batch = world.make("Utility.batch", calls=[failing, *rest])
    extrinsic = world.sign(CHARLIE, batch)
    announced = world.runtime.query_fee(extrinsic, world.state).partial_fee
    execution: Execution = world.advance(extrinsic)
    unused = world.env.call_weight(rest[0]).ref_time * 20
    assert execution.outcomes[1].fee == announced - unused
    assert Deposit(CHARLIE, unused) in [record.event for record in execution.events]
    assert world.free(CHARLIE) == 1_000 * UNIT - execution.outcomes[1].fee
    assert execution.weight.normal.ref_time == execution.outcomes[1].weight.ref_time


def test_a_sender_who_dies_in_the_call_gets_no_refund_and_the_event_says_what_was_paid(world: World) -> None:
    leave = world.make("Balances.transfer_all", dest=Id(BOB), keep_alive=False)
    failing = world.make("Balances.transfer_allow_death", dest=Id(BOB), value=2_000 * UNIT)
    never = world.make("System.remark", remark=b"")
    batch = world.make("Utility.batch", calls=[leave, failing, never])
    extrinsic = world.sign(CHARLIE, batch)
    announced = world.runtime.query_fee(extrinsic, world.state).partial_fee
    execution = world.advance(extrinsic)
    assert execution.outcomes[1].fee == announced
    assert not world.env.pallet(System).account.contains(CHARLIE)


def test_a_free_call_costs_its_tip_only(world: World) -> None:
    call = world.make("Sudo.sudo", call=world.make("System.remark", remark=b""))
    execution = world.advance(world.sign(ALICE, call, tip=3))
    assert (execution.outcomes[1].fee, execution.outcomes[1].tip) == (3, 3)
    free = world.advance(world.sign(ALICE, call))
    assert free.outcomes[1].fee == 0
