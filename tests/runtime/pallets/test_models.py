"""Models: bytes come up in order, are verified once, and every deposit is accounted for."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.configuration import BLOCK_WEIGHTS, CONSTANTS, UNIT
from runtime.frame.call import RuntimeCall
from runtime.frame.engine import MAX_INSPECTION
from runtime.frame.errors import (
    BadOrigin,
    CallFailed,
    ErrorEnum,
    GenesisReason,
    InvalidGenesis,
    InvalidTransaction,
    Module,
    ModuleError,
    TokenError,
    TransactionKind,
)
from runtime.frame.origin import NOBODY, ROOT
from runtime.frame.weights import PostDispatchInfo, Weight
from runtime.pallets.balances import Balances
from runtime.pallets.balances.types import Held, Released
from runtime.pallets.models import CHUNK_SIZE, ModelLimits, ModelRecord, Models, ModelStatus, weights
from runtime.pallets.models.events import (
    Cancelled,
    ChunkUploaded,
    Created,
    ModelsError,
    ModelsHold,
    Published,
    Withdrawn,
)
from runtime.pallets.utility import BatchInterrupted
from runtime.primitives.hashing import blake2_256
from runtime.primitives.multiaddress import Id
from tests.runtime.helpers import ALICE, BOB, CHARLIE, NEWCOMER, World, config, signed, token
from tests.runtime.pallets.programs import (
    dense,
    next_block,
    publication,
    publish,
    publish_call,
    scaler,
    table,
    upload,
    upload_calls,
    wide,
    world,
)

BASE = CONSTANTS[Models]["base_deposit"]
BYTE = CONSTANTS[Models]["byte_deposit"]
PERIOD = CONSTANTS[Models]["upload_period"]
SMALL = scaler()
ID = blake2_256(SMALL)
LARGE = table(2 * CHUNK_SIZE + 5_000)


def deposit(artifact: bytes) -> int:
    return int(BASE + BYTE * len(artifact))


def held(w: World, who: bytes) -> int:
    models = w.env.pallet(Models)
    return w.env.pallet(Balances).balance_on_hold(models.hold_reason(ModelsHold.Storage), who)


def post(w: World, who: bytes, call: RuntimeCall) -> PostDispatchInfo:
    return w.env.dispatch(call, signed(who))


def limit(w: World, **changes: int) -> None:
    w.env.pallet(Models).limits.put(replace(ModelLimits(), **changes))


# The way of a model.


def test_a_model_is_announced_uploaded_and_published_with_an_event_each() -> None:
    w = world()
    models = w.env.pallet(Models)
    reason = models.hold_reason(ModelsHold.Storage)
    publish(w, ALICE, SMALL)
    record = models.record(ID)
    assert w.reported() == [
        Held(reason, ALICE, deposit(SMALL)),
        Created(ID, ALICE, len(SMALL)),
        ChunkUploaded(ID, ALICE, 0),
        Published(ID, ALICE, record.summary.ref_time),
    ]
    assert record == ModelRecord(
        ALICE,
        ModelStatus.Published,
        1,
        len(SMALL),
        deposit(SMALL),
        w.runtime.composition.engine.inspect(SMALL),
    )
    assert models.artifact(ID) == SMALL
    assert models.count.get() == 1
    assert held(w, ALICE) == deposit(SMALL)
    assert w.free(ALICE) == 1_000 * UNIT - deposit(SMALL)
    assert list(models.uploads.items_under(ALICE)) == []


def test_a_model_of_several_chunks_keeps_them_in_order_outside_the_trie() -> None:
    w = world()
    model = publish(w, ALICE, LARGE)
    models = w.env.pallet(Models)
    pieces = [LARGE[start : start + CHUNK_SIZE] for start in range(0, len(LARGE), CHUNK_SIZE)]
    assert dict(models.chunks.items_under(model)) == {i: blake2_256(p) for i, p in enumerate(pieces)}
    assert len(pieces) == 3
    assert models.artifact(model) == LARGE
    changes = w.env.overlay.changes()
    assert not any(key.startswith(Models.upload_chunks.prefix) for key in changes)
    assert max(len(value) for value in changes.values() if value) < CHUNK_SIZE
    assert w.env.overlay.artifacts() == {blake2_256(piece): piece for piece in pieces}


def test_a_published_model_costs_what_its_verification_took_and_no_more() -> None:
    w = world()
    upload(w, ALICE, SMALL)
    call = publish_call(w, SMALL)
    announced = w.env.call_weight(call)
    taken = post(w, ALICE, call).actual_weight
    assert taken is not None
    verification = w.env.pallet(Models).record(ID).summary.verification_time
    assert 0 < verification < MAX_INSPECTION
    assert announced - taken == Weight(MAX_INSPECTION - verification)
    room = BLOCK_WEIGHTS.per_class.normal.max_extrinsic
    assert room is not None
    assert weights.publish(ModelLimits().artifact_size, MAX_INSPECTION).fits(room)


def test_every_step_also_works_in_one_batch_in_a_block_and_reimports_alike() -> None:
    w = world()
    made = w.advance(w.sign(ALICE, publication(w, SMALL)))
    assert made.outcomes[-1].error is None
    assert made.artifacts == {ID: SMALL}
    assert w.env.pallet(Models).artifact(ID) == SMALL
    failing = w.make("Utility.batch_all", calls=[publication(w, table(64)), *upload_calls(w, SMALL)])
    made = w.advance(w.sign(ALICE, failing))
    assert made.outcomes[-1].error is not None
    assert made.artifacts == {}
    assert w.env.pallet(Models).count.get() == 1


def test_withdrawing_frees_all_but_the_base_deposit_and_removes_the_chunks() -> None:
    w = world()
    model = publish(w, ALICE, LARGE)
    models = w.env.pallet(Models)
    before = models.record(model)
    w.reported()
    call = w.make("Models.withdraw", model=model)
    taken = post(w, ALICE, call).actual_weight
    assert taken == weights.removal(3)
    assert taken.fits(w.env.call_weight(call))
    reason = models.hold_reason(ModelsHold.Storage)
    assert w.reported() == [Released(reason, ALICE, deposit(LARGE) - BASE), Withdrawn(model)]
    assert models.record(model) == replace(before, status=ModelStatus.Withdrawn, deposit=BASE)
    assert held(w, ALICE) == BASE
    assert list(models.chunks.items_under(model)) == []
    assert models.count.get() == 0
    w.assert_noop(signed(ALICE), call, ModelsError.WITHDRAWN)


def test_root_may_withdraw_and_a_stranger_may_not() -> None:
    w = world()
    model = publish(w, BOB, SMALL)
    call = w.make("Models.withdraw", model=model)
    w.assert_noop(signed(ALICE), call, ModelsError.NOT_OWNER)
    w.assert_noop(NOBODY, call, BadOrigin())
    w.assert_noop(signed(BOB), w.make("Models.withdraw", model=bytes(32)), ModelsError.UNKNOWN_MODEL)
    w.dispatch(signed(ALICE), w.make("Sudo.sudo", call=call))
    assert w.env.pallet(Models).record(model).status is ModelStatus.Withdrawn
    assert held(w, BOB) == BASE


def test_a_withdrawn_model_published_by_another_frees_what_the_first_still_had_held() -> None:
    w = world()
    model = publish(w, ALICE, SMALL)
    w.dispatch(signed(ALICE), w.make("Models.withdraw", model=model))
    next_block(w, 5)
    publish(w, BOB, SMALL)
    record = w.env.pallet(Models).record(model)
    assert (record.owner, record.published, record.status) == (BOB, 6, ModelStatus.Published)
    assert (held(w, ALICE), held(w, BOB)) == (0, deposit(SMALL))
    assert w.free(ALICE) == 1_000 * UNIT
    assert w.env.pallet(Models).artifact(model) == SMALL
    assert w.env.pallet(Models).count.get() == 1


def test_the_owner_may_publish_a_withdrawn_model_again() -> None:
    w = world()
    model = publish(w, ALICE, SMALL)
    for _ in range(2):
        w.dispatch(signed(ALICE), w.make("Models.withdraw", model=model))
        publish(w, ALICE, SMALL)
        assert held(w, ALICE) == deposit(SMALL)


def test_two_may_upload_one_model_and_the_second_to_publish_gets_the_deposit_back() -> None:
    w = world()
    upload(w, ALICE, SMALL)
    publish(w, BOB, SMALL)
    w.assert_noop(signed(ALICE), publish_call(w, SMALL), ModelsError.ALREADY_PUBLISHED)
    w.dispatch(signed(ALICE), w.make("Models.cancel", owner=ALICE, model=ID))
    assert held(w, ALICE) == 0
    assert w.env.pallet(Models).artifact(ID) == SMALL


def test_what_root_took_of_a_deposit_does_not_keep_a_model_from_going() -> None:
    w = world()
    model = publish(w, ALICE, SMALL)
    w.dispatch(ROOT, w.make("Balances.force_unreserve", who=Id(ALICE), amount=deposit(SMALL)))
    w.dispatch(signed(ALICE), w.make("Models.withdraw", model=model))
    assert w.env.pallet(Models).record(model).status is ModelStatus.Withdrawn
    assert w.free(ALICE) == 1_000 * UNIT


# Create.


@pytest.mark.parametrize(
    ("size", "error"),
    [(0, ModelsError.EMPTY), (ModelLimits().artifact_size + 1, ModelsError.TOO_LARGE)],
)
def test_an_upload_of_an_impossible_size_is_refused(size: int, error: ErrorEnum) -> None:
    w = world()
    w.assert_noop(signed(ALICE), w.make("Models.create", model=ID, size=size), error)


def test_only_a_signed_account_with_enough_funds_may_announce_and_each_model_once() -> None:
    w = world()
    call = w.make("Models.create", model=ID, size=len(SMALL))
    w.assert_noop(NOBODY, call, BadOrigin())
    w.assert_noop(ROOT, call, BadOrigin())
    w.assert_noop(signed(NEWCOMER), call, token(TokenError.CannotCreateHold))
    dear = w.make("Models.create", model=ID, size=1_000 * UNIT // BYTE)
    w.assert_noop(signed(ALICE), dear, token(TokenError.FundsUnavailable))
    w.dispatch(signed(ALICE), call)
    w.assert_noop(signed(ALICE), call, ModelsError.ALREADY_ANNOUNCED)
    w.dispatch(signed(BOB), call)


def test_a_published_model_is_not_announced_again() -> None:
    w = world()
    publish(w, ALICE, SMALL)
    call = w.make("Models.create", model=ID, size=len(SMALL))
    w.assert_noop(signed(BOB), call, ModelsError.ALREADY_PUBLISHED)


# Chunks.


def test_chunks_come_in_order_once_and_in_their_exact_size() -> None:
    w = world()
    create, first, second, third = upload_calls(w, LARGE)
    model = blake2_256(LARGE)
    w.assert_noop(signed(ALICE), first, ModelsError.UNKNOWN_UPLOAD)
    w.dispatch(signed(ALICE), create)
    w.assert_noop(NOBODY, first, BadOrigin())
    w.assert_noop(signed(BOB), first, ModelsError.UNKNOWN_UPLOAD)
    w.assert_noop(signed(ALICE), second, ModelsError.WRONG_CHUNK)
    for data in (b"", bytes(CHUNK_SIZE - 1)):
        short = w.make("Models.upload_chunk", model=model, index=0, data=data)
        w.assert_noop(signed(ALICE), short, ModelsError.WRONG_CHUNK_SIZE)
    w.dispatch(signed(ALICE), first)
    w.assert_noop(signed(ALICE), first, ModelsError.WRONG_CHUNK)
    w.dispatch(signed(ALICE), second)
    whole = w.make("Models.upload_chunk", model=model, index=2, data=bytes(CHUNK_SIZE))
    w.assert_noop(signed(ALICE), whole, ModelsError.WRONG_CHUNK_SIZE)
    w.dispatch(signed(ALICE), third)
    w.assert_noop(signed(ALICE), third, ModelsError.WRONG_CHUNK)
    more = w.make("Models.upload_chunk", model=model, index=3, data=b"x")
    w.assert_noop(signed(ALICE), more, ModelsError.WRONG_CHUNK)


def test_a_refused_chunk_leaves_no_bytes_behind() -> None:
    w = world()
    w.dispatch(signed(ALICE), w.make("Models.create", model=ID, size=len(SMALL)))
    good = w.make("Models.upload_chunk", model=ID, index=0, data=SMALL)
    w.assert_noop(
        signed(ALICE), w.make("Utility.batch_all", calls=[good, good]), Module(ModuleError(40, b"\5\0\0\0"))
    )
    assert w.env.overlay.artifacts() == {}


# Publish.


def test_publishing_wants_an_upload_that_is_complete_and_the_size_that_was_announced() -> None:
    w = world()
    create, *chunks = upload_calls(w, LARGE)
    call = publish_call(w, LARGE)
    w.assert_noop(NOBODY, call, BadOrigin())
    w.assert_noop(signed(ALICE), call, ModelsError.UNKNOWN_UPLOAD)
    w.dispatch(signed(ALICE), create)
    for chunk in chunks:
        w.assert_noop(signed(ALICE), call, ModelsError.INCOMPLETE)
        w.dispatch(signed(ALICE), chunk)
    other = w.make("Models.publish", model=blake2_256(LARGE), size=len(LARGE) - 1)
    w.assert_noop(signed(ALICE), other, ModelsError.WRONG_SIZE)
    w.assert_noop(signed(BOB), call, ModelsError.UNKNOWN_UPLOAD)
    w.dispatch(signed(ALICE), call)


def test_bytes_with_another_hash_are_refused() -> None:
    w = world()
    other = bytes([1]) * 32
    upload(w, ALICE, SMALL, other)
    call = w.make("Models.publish", model=other, size=len(SMALL))
    w.assert_noop(signed(ALICE), call, ModelsError.WRONG_HASH)


def test_bytes_that_are_no_artifact_are_refused() -> None:
    w = world()
    for junk in (b"\0", SMALL + b"\0", SMALL[:-1]):
        upload(w, ALICE, junk)
        w.assert_noop(signed(ALICE), publish_call(w, junk), ModelsError.ARTIFACT_REFUSED)


def test_a_model_that_demands_more_than_a_limit_is_refused_by_the_limit_that_it_breaks() -> None:
    w = world()
    for artifact, name, error in (
        (dense(8), "peak_memory", ModelsError.TOO_MUCH_MEMORY),
        (dense(9), "ref_time", ModelsError.TOO_EXPENSIVE),
        (wide(100, 2), "input_size", ModelsError.INPUT_TOO_LARGE),
        (wide(2, 100), "output_size", ModelsError.OUTPUT_TOO_LARGE),
    ):
        upload(w, ALICE, artifact)
        summary = w.env.engine.inspect(artifact)
        needs = {
            "peak_memory": summary.peak_memory,
            "ref_time": summary.ref_time,
            "input_size": sum(one.size for one in summary.inputs),
            "output_size": sum(one.size for one in summary.outputs),
        }[name]
        limit(w, **{name: needs - 1})
        w.assert_noop(signed(ALICE), publish_call(w, artifact), error)
        limit(w, **{name: needs})
        w.dispatch(signed(ALICE), publish_call(w, artifact))


# Cancel.


def test_the_uploader_cancels_at_any_time_and_gets_everything_back() -> None:
    w = world()
    create, *chunks = upload_calls(w, LARGE)
    model = blake2_256(LARGE)
    call = w.make("Models.cancel", owner=ALICE, model=model)
    models = w.env.pallet(Models)
    for count in range(len(chunks) + 1):
        w.dispatch(signed(ALICE), create)
        for chunk in chunks[:count]:
            w.dispatch(signed(ALICE), chunk)
        w.reported()
        taken = post(w, ALICE, call).actual_weight
        assert taken == weights.removal(count)
        assert taken.fits(w.env.call_weight(call))
        reason = models.hold_reason(ModelsHold.Storage)
        assert w.reported() == [Released(reason, ALICE, deposit(LARGE)), Cancelled(model, ALICE)]
    assert held(w, ALICE) == 0
    for item in (Models.uploads, Models.upload_chunks, Models.chunks, Models.records):
        assert not any(key.startswith(item.prefix) for key in w.env.overlay.keys(item.prefix))


def test_a_stranger_cancels_only_once_the_upload_has_expired_and_frees_it_for_the_uploader() -> None:
    w = world()
    upload(w, ALICE, SMALL)
    call = w.make("Models.cancel", owner=ALICE, model=ID)
    w.assert_noop(NOBODY, call, BadOrigin())
    w.assert_noop(signed(BOB), w.make("Models.cancel", owner=BOB, model=ID), ModelsError.UNKNOWN_UPLOAD)
    w.assert_noop(signed(BOB), call, ModelsError.NOT_EXPIRED)
    next_block(w, PERIOD)
    w.assert_noop(signed(BOB), call, ModelsError.NOT_EXPIRED)
    next_block(w)
    w.dispatch(signed(BOB), call)
    assert w.free(ALICE) == 1_000 * UNIT
    assert w.free(BOB) == 1_000 * UNIT
    w.assert_noop(signed(ALICE), publish_call(w, SMALL), ModelsError.UNKNOWN_UPLOAD)


# What must never happen.


def test_a_state_that_names_bytes_which_this_node_lacks_stops_the_node() -> None:
    w = world()
    model = publish(w, ALICE, SMALL)
    models = w.env.pallet(Models)
    models.chunks.insert(model, 0, bytes(32))
    with pytest.raises(AssertionError, match="not held by this node"):
        models.artifact(model)
    models.chunks.remove(model, 0)
    with pytest.raises(AssertionError, match="all its chunk hashes"):
        models.artifact(model)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "chunk", "publish", "withdraw", "cancel", "wait"]),
        st.sampled_from([ALICE, BOB, CHARLIE]),
        st.sampled_from([0, 1]),
        st.sampled_from([ALICE, BOB, CHARLIE]),
    ),
    max_size=40,
)
ARTIFACTS = (SMALL, scaler(3))


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_deposits_held_are_always_those_of_uploads_and_records(
    steps: list[tuple[str, bytes, int, bytes]],
) -> None:
    w = world()
    models, accounts = w.env.pallet(Models), (ALICE, BOB, CHARLIE)
    for step, who, which, owner in steps:
        artifact = ARTIFACTS[which]
        model = blake2_256(artifact)
        calls = {
            "create": lambda a=artifact, m=model: w.make("Models.create", model=m, size=len(a)),
            "chunk": lambda a=artifact, m=model: w.make("Models.upload_chunk", model=m, index=0, data=a),
            "publish": lambda a=artifact: publish_call(w, a),
            "withdraw": lambda m=model: w.make("Models.withdraw", model=m),
            "cancel": lambda m=model, o=owner: w.make("Models.cancel", owner=o, model=m),
        }
        if step == "wait":
            next_block(w, PERIOD // 2)
            continue
        try:
            w.dispatch(signed(who), calls[step]())
        except CallFailed as failure:
            assert isinstance(failure.error, ModelsError)  # noqa: PT017 - any of ours is fine here
        records = [record for _, record in models.records.items() if record is not None]
        for account in accounts:
            expected = sum(one.deposit for _, one in models.uploads.items_under(account) if one)
            expected += sum(record.deposit for record in records if record.owner == account)
            assert held(w, account) == expected
            assert w.free(account) == 1_000 * UNIT - expected
        assert models.count.get() == sum(r.status is ModelStatus.Published for r in records)
        for key, record in models.records.items():
            if record is not None and record.status is ModelStatus.Published:
                assert blake2_256(models.artifact(key)) == key


# Weights.


def test_removals_are_announced_for_the_largest_model_and_cost_what_they_remove() -> None:
    w = world()
    for name, arguments in (("withdraw", {}), ("cancel", {"owner": ALICE})):
        call = w.make(f"Models.{name}", model=ID, **arguments)
        assert w.env.call_weight(call) == weights.removal(16)


def test_two_publications_in_one_transaction_are_too_heavy_to_be_admitted() -> None:
    w = world()
    call = w.make("Utility.batch", calls=[publish_call(w, SMALL), publish_call(w, scaler(3))])
    with pytest.raises(InvalidTransaction) as caught:
        w.build(w.sign(ALICE, call))
    assert caught.value.kind is TransactionKind.EXHAUSTS_RESOURCES


def test_an_interrupted_batch_keeps_what_was_published_before() -> None:
    w = world()
    call = w.make("Utility.batch", calls=[publication(w, SMALL), publication(w, SMALL)])
    assert post(w, ALICE, call).actual_weight is not None
    assert isinstance(w.reported()[-1], BatchInterrupted)
    assert w.env.pallet(Models).artifact(ID) == SMALL
    assert held(w, ALICE) == deposit(SMALL)


# Genesis.


def test_genesis_sets_the_limits_that_it_names_and_leaves_the_others() -> None:
    given_limits = {"artifactSize": 1_000, "peakMemory": 2, "refTime": "3", "inputSize": 4, "outputSize": 5}
    w = World(genesis_config=config(models={"limits": given_limits}))
    assert w.env.pallet(Models).limits.get() == ModelLimits(1_000, 2, 3, 4, 5)
    w = World(genesis_config=config(models={"limits": {"outputSize": 5}}))
    assert w.env.pallet(Models).limits.get() == ModelLimits(output_size=5)
    for nothing in ({}, {"limits": None}):
        w = World(genesis_config=config(models=nothing))
        assert Models.limits.key() not in w.state.storage
        assert w.env.pallet(Models).limits.get() == ModelLimits()


@pytest.mark.parametrize(
    ("limits", "path", "reason"),
    [
        ([], "models.limits", GenesisReason.WRONG_TYPE),
        ({"size": 1}, "models.limits.size", GenesisReason.UNKNOWN),
        ({"artifactSize": 0}, "models.limits.artifactSize", GenesisReason.OUT_OF_RANGE),
        ({"artifactSize": 2**32}, "models.limits.artifactSize", GenesisReason.OUT_OF_RANGE),
        ({"artifactSize": 2**32 - 1}, "models.limits.artifactSize", GenesisReason.OUT_OF_RANGE),
        ({"refTime": 2 * 10**12}, "models.limits.refTime", GenesisReason.OUT_OF_RANGE),
        ({"refTime": True}, "models.limits.refTime", GenesisReason.WRONG_TYPE),
        ({"peakMemory": "much"}, "models.limits.peakMemory", GenesisReason.WRONG_TYPE),
    ],
)
def test_genesis_limits_that_can_not_hold_are_refused_with_their_path(
    limits: Any, path: str, reason: GenesisReason
) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        World(genesis_config=config(models={"limits": limits}))
    assert (caught.value.path, caught.value.reason) == (path, reason)


def test_genesis_knows_only_limits() -> None:
    with pytest.raises(InvalidGenesis) as caught:
        World(genesis_config=config(models={"models": []}))
    assert caught.value.reason is GenesisReason.UNKNOWN
