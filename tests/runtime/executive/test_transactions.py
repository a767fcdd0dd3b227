"""Transactions: validity as the pool sees it, fees exact to the unit, eras, dry runs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.configuration import UNIT, VERSION, extensions
from runtime.frame.errors import InvalidTransaction, Module, TokenError, TransactionKind
from runtime.frame.extension import MAX_U64, Extension, Pipeline
from runtime.frame.weights import ApplyExtrinsic, DispatchClass, Weight
from runtime.pallets.balances.types import Transfer
from runtime.pallets.system import System
from runtime.pallets.system.types import ExtrinsicSuccess
from runtime.primitives.era import Mortal
from runtime.primitives.extrinsic import BareExtrinsic, SignedExtrinsic, decode_extrinsic, signing_payload
from runtime.primitives.keys.signature import EcdsaSignature, verify
from runtime.primitives.multiaddress import Id, Index
from tests.runtime.helpers import ALICE, BOB, CHARLIE, DAVE, World, token

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "extrinsics_v4_ed25519.json").read_text(encoding="utf-8")
)


@pytest.fixture
def world() -> World:
    return World()


def validity(world: World, extrinsic: bytes) -> Any:
    return world.runtime.validate_transaction(extrinsic, world.state, world.head.hash())


def refused(world: World, extrinsic: bytes, kind: TransactionKind, text: str = "") -> InvalidTransaction:
    with pytest.raises(InvalidTransaction, match=text or None) as caught:
        validity(world, extrinsic)
    assert caught.value.kind is kind
    return caught.value


def remark(world: World, **options: Any) -> bytes:
    return world.sign(ALICE, world.make("System.remark", remark=b"hello"), **options)


def tag(who: bytes, nonce: int) -> bytes:
    return who + nonce.to_bytes(4, "little")


def test_a_transaction_provides_its_nonce_and_requires_the_one_before(world: World) -> None:
    ready = validity(world, remark(world))
    assert (ready.requires, ready.provides) == ([], [tag(ALICE, 0)])
    assert ready.longevity == MAX_U64 - 1
    assert ready.propagate
    later = validity(world, remark(world, nonce=5))
    assert (later.requires, later.provides) == ([tag(ALICE, 4)], [tag(ALICE, 5)])


def test_a_used_nonce_is_stale(world: World) -> None:
    first = remark(world)
    world.advance(first)
    fault = refused(world, first, TransactionKind.STALE, "nonce 0 was used")
    assert fault.text == "Transaction is outdated"
    assert fault.encode() == b"\0\3"


def test_an_account_that_does_not_exist_can_not_pay(world: World) -> None:
    call = world.make("System.remark", remark=b"")
    refused(world, world.sign(DAVE, call), TransactionKind.PAYMENT, "does not exist")
    refused(world, remark(world, tip=1_000 * UNIT), TransactionKind.PAYMENT, "can spend")


@pytest.mark.parametrize("wrong", [{"genesis": bytes(32)}, {"spec": 2}, {"tx": 2}, {"birth": bytes(32)}])
def test_a_signature_binds_chain_version_and_fork(world: World, wrong: dict[str, Any]) -> None:
    fault = refused(world, remark(world, **wrong), TransactionKind.BAD_PROOF)
    assert fault.text == "Transaction has a bad signature"


def test_other_forms_of_sender_and_signature_are_refused(world: World) -> None:
    call = world.runtime.encode_call(world.make("System.remark", remark=b""))
    envelope = decode_extrinsic(remark(world), world.runtime.pipeline.codec)
    assert isinstance(envelope, SignedExtrinsic)

    def forged(**parts: Any) -> bytes:
        values = {name: getattr(envelope, name) for name in ("address", "signature", "extra", "extra_bytes")}
        return SignedExtrinsic(**(values | parts), call=call).encode()

    fault = refused(world, forged(address=Index(0)), TransactionKind.CANNOT_LOOKUP)
    assert fault.encode() == b"\1\0"
    refused(world, forged(address=Id(bytes(32))), TransactionKind.BAD_SIGNER)
    refused(world, forged(signature=EcdsaSignature(bytes(65))), TransactionKind.BAD_PROOF)


def test_an_inherent_and_a_bare_call_are_no_transactions(world: World) -> None:
    def bare(name: str, **arguments: Any) -> bytes:
        return BareExtrinsic(world.runtime.encode_call(world.make(name, **arguments))).encode()

    refused(world, bare("Timestamp.set", now=1), TransactionKind.MANDATORY_VALIDATION)
    fault = refused(world, bare("System.remark", remark=b""), TransactionKind.NO_UNSIGNED_VALIDATOR)
    assert fault.encode() == b"\1\1"
    signed = world.sign(ALICE, world.make("Timestamp.set", now=1))
    refused(world, signed, TransactionKind.MANDATORY_VALIDATION)
    refused(world, b"\x08\x84\x00", TransactionKind.CALL, "not an extrinsic of this chain")


def test_metadata_hash_modes_but_none_are_refused(world: World) -> None:
    refused(world, remark(world, mode=1), TransactionKind.CALL, "mode 1 is not supported")


def test_a_call_heavier_than_any_block_exhausts_resources(world: World) -> None:
    call = world.make(
        "Sudo.sudo_unchecked_weight", call=world.make("System.remark", remark=b""), weight=Weight(2 * 10**12)
    )
    refused(world, world.sign(ALICE, call), TransactionKind.EXHAUSTS_RESOURCES, "one call may weigh")


def test_a_mortal_transaction_lives_for_its_period_and_dies(world: World) -> None:
    birth = world.head.hash()
    era = Mortal(4, 0)
    extrinsic = remark(world, era=era, birth=birth)
    assert validity(world, extrinsic).longevity == 3
    for left in (2, 1):
        world.advance()
        assert validity(world, extrinsic).longevity == left
    world.advance()
    refused(world, extrinsic, TransactionKind.ANCIENT_BIRTH_BLOCK, "no hash of block 4")
    world.advance()
    refused(world, extrinsic, TransactionKind.BAD_PROOF)
    later = remark(world, era=Mortal.at(world.head.number, 8), birth=world.head.hash())
    assert validity(world, later).longevity == 7


def test_a_birth_block_that_was_forgotten_is_ancient(world: World) -> None:
    world.state.storage.pop(System.block_hash.key(0), None)  # type: ignore[attr-defined]
    era = Mortal(64, 60)
    refused(world, remark(world, era=era), TransactionKind.ANCIENT_BIRTH_BLOCK)


def test_priority_counts_the_tip_for_the_room_taken_and_favours_operational_calls(world: World) -> None:
    small = validity(world, remark(world)).priority
    assert validity(world, remark(world, tip=10**6)).priority > small
    large = world.sign(ALICE, world.make("System.remark", remark=bytes(10_000)))
    assert validity(world, large).priority < small
    urgent = world.sign(ALICE, world.make("System.kill_storage", keys=[b"k"]))
    assert validity(world, urgent).priority > 10**9 * small


CALLS = st.sampled_from(
    [
        ("System.remark", {"remark": b"x" * 40}),
        ("System.remark_with_event", {"remark": b""}),
        ("Balances.transfer_keep_alive", {"dest": Id(BOB), "value": UNIT}),
        ("Balances.transfer_keep_alive", {"dest": Id(BOB), "value": 10**6 * UNIT}),
        ("Balances.transfer_allow_death", {"dest": Id(CHARLIE), "value": 1}),
        ("Balances.burn", {"value": 3, "keep_alive": True}),
    ]
)


@settings(max_examples=40, deadline=None)
@given(CALLS, st.integers(0, UNIT), st.integers(1, 3))
def test_the_estimate_is_what_is_charged_to_the_unit(
    call: tuple[str, dict[str, Any]], tip: int, copies: int
) -> None:
    world = World()
    one = world.make(call[0], **call[1])
    whole = one if copies == 1 else world.make("Utility.force_batch", calls=[one] * copies)
    extrinsic = world.sign(ALICE, whole, tip=tip)
    estimate = world.runtime.query_fee(extrinsic, world.state)
    details = world.runtime.fee_details(extrinsic, world.state)
    by_call = world.runtime.call_fee(whole, world.state, len(extrinsic))
    assert estimate == by_call
    assert details.final_fee == estimate.partial_fee
    preview = world.runtime.dry_run(extrinsic, world.state, world.head.hash())
    execution = world.advance(extrinsic)
    assert execution.outcomes[1] == preview.outcome
    assert execution.outcomes[1].fee == estimate.partial_fee + tip
    assert execution.outcomes[1].weight.ref_time >= estimate.weight.ref_time


def test_a_dry_run_shows_events_and_changes_nothing(world: World) -> None:
    call = world.make("Balances.transfer_keep_alive", dest=Id(BOB), value=UNIT)
    before = dict(world.state.storage)
    preview = world.runtime.dry_run(world.sign(ALICE, call), world.state, world.head.hash())
    assert Transfer(ALICE, BOB, UNIT) in [record.event for record in preview.events]
    assert {record.phase for record in preview.events} == {ApplyExtrinsic(0)}
    assert isinstance(preview.events[-1].event, ExtrinsicSuccess)
    assert world.state.storage == before
    poor = world.make("Balances.transfer_keep_alive", dest=Id(BOB), value=2_000 * UNIT)
    failed = world.runtime.dry_run(world.sign(ALICE, poor), world.state, world.head.hash())
    assert failed.outcome.error == token(TokenError.FundsUnavailable)
    with pytest.raises(InvalidTransaction):
        world.runtime.dry_run(remark(world, nonce=1), world.state, world.head.hash())
    with pytest.raises(InvalidTransaction) as caught:
        world.runtime.dry_run(remark(world, spec=9), world.state, world.head.hash())
    assert caught.value.kind is TransactionKind.BAD_PROOF


def test_the_fee_of_what_is_no_transaction_is_nothing_or_refused(world: World) -> None:
    inherent = BareExtrinsic(world.runtime.encode_call(world.make("Timestamp.set", now=1))).encode()
    assert world.runtime.query_fee(inherent, world.state).partial_fee == 0
    assert world.runtime.fee_details(inherent, world.state).inclusion_fee is None
    with pytest.raises(InvalidTransaction):
        world.runtime.query_fee(b"\x04\x05", world.state)
    longer = world.runtime.query_fee(remark(world), world.state, 1_000)
    assert longer.partial_fee > world.runtime.query_fee(remark(world), world.state).partial_fee


def test_a_refused_transaction_leaves_the_block_as_it_was(world: World) -> None:
    builder = world.runtime.begin_block(world.head, world.digest(1), world.state)
    with pytest.raises(InvalidTransaction):
        builder.apply(remark(world, nonce=3))
    assert builder.length == 0
    assert builder.apply(remark(world)).error is None


def test_a_pallets_error_is_reported_by_pallet_and_index(world: World) -> None:
    call = world.make("Sudo.remove_key")
    execution = world.advance(world.sign(BOB, call))
    error = execution.outcomes[1].error
    assert isinstance(error, Module)
    assert (error.error.index, error.error.error) == (30, bytes(4))
    assert execution.outcomes[1].dispatch_class is DispatchClass.Normal


def test_custom_refusals_carry_their_number() -> None:
    fault = InvalidTransaction(TransactionKind.CUSTOM, code=9)
    assert fault.encode() == b"\0\7\x09"
    assert fault.text == "Custom error: 9"


def test_two_extensions_may_not_share_a_name() -> None:
    class Twin(Extension):
        identifier = "Twin"

    with pytest.raises(TypeError, match="share an identifier"):
        Pipeline([Twin(), Twin()])


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['name']}-{case['mortal']}")
def test_extrinsics_signed_by_polkadot_js_are_understood_and_verify(
    world: World, case: dict[str, Any]
) -> None:
    """The vectors' chain has other versions and another genesis; the extension order is the same."""
    genesis = bytes.fromhex(VECTORS["genesis"][2:])
    version = replace(
        VERSION, spec_version=VECTORS["spec_version"], transaction_version=VECTORS["tx_version"]
    )
    env = world.runtime.view(world.state)
    env.composition = replace(env.composition, version=version)
    env.pallet(System).block_hash.insert(0, genesis)
    pipeline = Pipeline(extensions())
    data = bytes.fromhex(case["extrinsic"][2:])
    envelope = decode_extrinsic(data, pipeline.codec)
    assert isinstance(envelope, SignedExtrinsic)
    assert envelope.call.hex() == case["call"][2:]
    implicit = pipeline.implicit_bytes(env, envelope.extra)
    plain = envelope.call + envelope.extra_bytes + implicit
    payload = signing_payload(envelope.call, envelope.extra_bytes, implicit)
    assert case["payload"][2:] in (plain.hex(), payload.hex())
    assert isinstance(envelope.address, Id)
    assert verify(envelope.signature, payload, envelope.address.account)
